"""How open entries stand in the table of an outbox, and their heads: columns that are read without the messages.

The properties `missing`, `alone` and `until` keep the names of older tables.
"""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from azure.data.tables import UpdateMode

from bridge.entries import to_message
from bridge.errors import MessageError
from bridge.outbox.azure_rows import Operation, Row, if_unchanged, key, packed, row_id, version
from bridge.outbox.heads import Head, facts_of
from bridge.outbox.rows import OpenEntry, UnreadableRow, read_open_entry

# The columns of `facts_of`; the id is in the name of the row.
FACTS = ("occurred", "received", "id", "key", "waits", "hours", "window", "ending")
_STATE = ("recorded", "due", "state")
HEAD = ["RowKey", *(name for name in FACTS if name != "id"), *_STATE]
"""The columns of a head."""


def insert_open(row: OpenEntry) -> Operation:
    """Makes the row of an open entry."""
    whole = {"message": packed(to_message(row.entry)), "recorded": row.recorded}
    facts = {name: value for name, value in zip(FACTS, facts_of(row.entry), strict=True) if name != "id"}
    return "create", _open_key(row) | whole | facts | _state(row)


def _open_key(row: OpenEntry) -> Row:
    return key(row.entry.group, f"open-{row.entry.id}")


def _state(row: OpenEntry) -> Row:
    return {
        "due": row.due,
        "state": row.state.value,
        "tries": row.tries,
        "missing": row.not_found_count,
        "alone": row.isolated,
        "attempt": row.attempt,
        "claimed": row.claimed,
        "until": row.guard_until,
        "thread": row.thread,
        "answer": row.answer,
    }


def open_entry(row: Row) -> OpenEntry | UnreadableRow:
    """The open entry of a row, or what is known of one that cannot be read."""
    try:
        return read_open_entry(row, zlib.decompress(row["message"]), version(row), row.get("answer", ""))
    except (MessageError, ValueError, KeyError, TypeError, zlib.error) as error:
        reason = str(error) if isinstance(error, MessageError) else f"{type(error).__name__} in its row"
        return UnreadableRow(row_id(row), row["PartitionKey"], _text(row.get("message")), reason, version(row))


def _text(message: Any) -> str:
    """The text of a stored message, as far as it can be read."""
    try:
        return zlib.decompress(message).decode()
    except (ValueError, TypeError, zlib.error):
        return repr(message)


def write_open(row: OpenEntry) -> Operation:
    """Writes where an open entry stands, if its row is the one that was read."""
    return "update", _open_key(row) | _state(row), {"mode": UpdateMode.MERGE, **if_unchanged(row.version)}


def delete_open(row: OpenEntry) -> Operation:
    """Deletes an open entry, if its row is the one that was read."""
    return "delete", _open_key(row), if_unchanged(row.version)


def delete_unreadable(row: UnreadableRow) -> Operation:
    """Deletes the row of an open entry that cannot be read, if it is the one that was read."""
    return "delete", key(row.group, f"open-{row.id}"), if_unchanged(row.version)


def versioned(entries: Sequence[OpenEntry], etags: Sequence[str]) -> list[OpenEntry]:
    """The entries as they have been written."""
    return [replace(entry, version=etag) for entry, etag in zip(entries, etags, strict=True)]


def head(row: Row) -> Head | None:
    """The head of a row with these columns; None where an earlier version has written it."""
    if row.get("key") is None:
        return None
    known = {**row, "id": row_id(row)}
    return Head(*(known[name] for name in (*FACTS, *_STATE)))
