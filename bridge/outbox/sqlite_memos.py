"""Memos, and the maintenance windows, in a SQLite file."""

import sqlite3
from dataclasses import replace

from bridge.outbox.memos import Memo, StoredText
from bridge.outbox.sqlite_rows import new_version, require_one


def write_maintenance(file: sqlite3.Connection, stored: StoredText) -> None:
    """Writes the maintenance windows; Conflict unless they are those that were read, or there were none."""
    if stored.version:
        sql = "UPDATE maintenance SET text = ?, version = ? WHERE version = ?"
        require_one(file.execute(sql, (stored.text, new_version(), stored.version)))
    else:
        sql = "INSERT OR IGNORE INTO maintenance VALUES (1, ?, ?)"
        require_one(file.execute(sql, (stored.text, new_version())))


def write_memo(file: sqlite3.Connection, memo: Memo) -> Memo:
    """Writes a memo; Conflict unless it is the one that was read, or there was none."""
    written = replace(memo, version=new_version())
    if memo.version:
        sql = "UPDATE memo SET text = ?, version = ? WHERE kind = ? AND name = ? AND version = ?"
        values: tuple[str, ...] = (memo.text, written.version, memo.kind, memo.name, memo.version)
    else:
        sql = "INSERT OR IGNORE INTO memo (text, version, kind, name) VALUES (?, ?, ?, ?)"
        values = (memo.text, written.version, memo.kind, memo.name)
    require_one(file.execute(sql, values))
    return written
