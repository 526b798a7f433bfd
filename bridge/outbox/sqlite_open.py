"""How open entries stand in a SQLite file, and their heads, which are read without them.

The columns `missing`, `alone` and `until` keep the names of older files.
"""

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import replace

from bridge.entries import to_message
from bridge.errors import MessageError
from bridge.outbox.heads import Head, facts_of
from bridge.outbox.rows import OpenEntry, UnreadableRow, read_open_entry
from bridge.outbox.sqlite_rows import new_version, require_one

_OPEN = "SELECT * FROM open LEFT JOIN answer USING (id) WHERE partition = ?"
_HEADS = """SELECT occurred, received, open.id, key, waits, hours, window_id, ending, recorded, due, state
  FROM open INDEXED BY open_head LEFT JOIN head USING (id) WHERE partition = ?"""


def read_all(file: sqlite3.Connection, group: str) -> list[OpenEntry | UnreadableRow]:
    """All open entries of a group."""
    return [open_entry(row) for row in file.execute(_OPEN, (group,)).fetchall()]


def read(file: sqlite3.Connection, group: str, ids: Collection[str]) -> list[OpenEntry | UnreadableRow]:
    """The open entries with these ids."""
    rows = (file.execute(f"{_OPEN} AND id = ?", (group, entry)).fetchone() for entry in ids)
    return [open_entry(row) for row in rows if row]


def are_more(file: sqlite3.Connection, group: str, most: int) -> bool:
    """Whether a group has more open entries than that."""
    sql = "SELECT 1 FROM open INDEXED BY open_head WHERE partition = ? LIMIT 1 OFFSET ?"
    return file.execute(sql, (group, most)).fetchone() is not None


def heads(file: sqlite3.Connection, group: str) -> tuple[list[Head], list[str]]:
    """The heads of the open entries of a group, and the ids of those of which the file has none yet."""
    rows = file.execute(_HEADS, (group,)).fetchall()
    known = [Head._make(row) for row in rows if row["key"] is not None]
    return known, [row["id"] for row in rows if row["key"] is None]


def write_heads(file: sqlite3.Connection, rows: Sequence[OpenEntry]) -> None:
    """Writes the heads of entries: when a group is crowded, and not before, as this would cost time with each entry."""
    file.executemany("REPLACE INTO head VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [facts_of(row.entry) for row in rows])


def open_entry(row: sqlite3.Row) -> OpenEntry | UnreadableRow:
    """The open entry of a row, or what is known of one that cannot be read."""
    try:
        return read_open_entry(row, row["message"], row["version"], row["answer"] or "")
    except (MessageError, ValueError) as error:
        reason = str(error) if isinstance(error, MessageError) else f"{type(error).__name__} in its row"
        return UnreadableRow(row["id"], row["partition"], str(row["message"]), reason, row["version"])


def insert_open(file: sqlite3.Connection, row: OpenEntry) -> sqlite3.Cursor:
    """Writes a new open entry, unless it is open already."""
    sql = "INSERT OR IGNORE INTO open VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    constant = (row.entry.id, row.entry.group, to_message(row.entry), row.recorded)
    return file.execute(sql, (*constant, *_state(replace(row, version=row.version or new_version()))))


def write_open(file: sqlite3.Connection, row: OpenEntry) -> OpenEntry:
    """Writes where an open entry stands; Conflict unless its row is the one that was read."""
    written = replace(row, version=new_version())
    sql = (
        "UPDATE open SET due = ?, state = ?, tries = ?, missing = ?, alone = ?, attempt = ?, claimed = ?, until = ?,"
        " thread = ?, version = ? WHERE id = ? AND version = ?"
    )
    require_one(file.execute(sql, (*_state(written), row.entry.id, row.version)))
    if row.answer:
        file.execute("REPLACE INTO answer VALUES (?, ?)", (row.entry.id, row.answer))
    return written


def _state(row: OpenEntry) -> tuple[object, ...]:
    return (
        row.due,
        row.state.value,
        row.tries,
        row.not_found_count,
        row.isolated,
        row.attempt,
        row.claimed,
        row.guard_until,
        row.thread,
        row.version,
    )


def remove_open(file: sqlite3.Connection, row: OpenEntry) -> None:
    """Removes an open entry; Conflict unless its row is the one that was read. Its head goes with the next purge."""
    require_one(file.execute("DELETE FROM open WHERE id = ? AND version = ?", (row.entry.id, row.version)))


def remove_unreadable(file: sqlite3.Connection, row: UnreadableRow) -> None:
    """Removes the row of an open entry that cannot be read; Conflict as with any other."""
    require_one(file.execute("DELETE FROM open WHERE id = ? AND version = ?", (row.id, row.version)))


def remove_head(file: sqlite3.Connection, entry: str) -> None:
    """Removes the head of an entry that may be another now."""
    file.execute("DELETE FROM head WHERE id = ?", (entry,))
