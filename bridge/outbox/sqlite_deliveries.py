"""What is known of every webhook, in a SQLite file."""

import sqlite3
from collections.abc import Sequence

from bridge.deliveries import DeliveryFilter, DeliveryPage, DeliveryRecord, from_text, ids_at, to_text
from bridge.outbox.rows import is_id


def write(file: sqlite3.Connection, record: DeliveryRecord) -> None:
    """Writes a record over the one of its id."""
    groups = "".join(f" {group} " for group in record.groups)
    known = (record.id, record.source, record.outcome.value, record.delivery, groups, record.searchable)
    file.execute("REPLACE INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?)", (*known, to_text(record)))
    for entry in record.entries:
        file.execute("INSERT OR IGNORE INTO delivery_entry VALUES (?, ?)", (entry, record.id))


def page(file: sqlite3.Connection, wanted: DeliveryFilter, limit: int, before: str) -> DeliveryPage:
    """At most so many of the wanted records, newest first, from those after `before`."""
    conditions, values = ["id > ?", "id >= ?", "id < ?"], [before, wanted.first, wanted.last]
    for column, value in (("source", wanted.source), ("outcome", wanted.outcome)):
        conditions += [f"{column} = ?"] if value else []
        values += [value] if value else []
    for column, text in (
        ("groups", f" {wanted.group} " if wanted.group else ""),
        *(("search", w) for w in wanted.words),
    ):
        conditions += [f"instr({column}, ?) > 0"] if text else []
        values += [text] if text else []
    sql = f"SELECT record FROM delivery WHERE {' AND '.join(conditions)} ORDER BY id LIMIT ?"  # noqa: S608  our literals
    found = [from_text(row["record"]) for row in file.execute(sql, (*values, limit + 1))]
    return DeliveryPage(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else "")


def find(file: sqlite3.Connection, asked: str) -> Sequence[DeliveryRecord]:
    """The records that a person means, oldest first."""
    # Each by an index; what comes after the digits is "g".
    first, last = (asked, f"{asked}g") if is_id(asked) else ("", "")
    sql = (
        "SELECT record FROM delivery WHERE id IN (SELECT id FROM delivery WHERE delivery = ? AND delivery <> ''"
        " UNION SELECT id FROM delivery WHERE id >= ? AND id < ?"
        " UNION SELECT id FROM delivery_entry WHERE entry >= ? AND entry < ?) ORDER BY id DESC"
    )
    return [from_text(row["record"]) for row in file.execute(sql, (asked, first, last, first, last))]


def purge(file: sqlite3.Connection, before: float) -> None:
    """Forgets what came before then."""
    oldest = ids_at(before)
    file.execute("DELETE FROM delivery WHERE id > ?", (f"{oldest}g",))
    file.execute("DELETE FROM delivery_entry WHERE id > ?", (f"{oldest}g",))
