"""How repeats that were left out, and the contents of signed bodies, stand in the table: as rows, and back."""

import hashlib
import zlib

from azure.data.tables import UpdateMode

from bridge.entries import Entry, from_message, to_message
from bridge.errors import MessageError
from bridge.outbox.azure_rows import Operation, Row, if_unchanged, key, packed, row_id, version, write
from bridge.outbox.rows import ContentRow, LeftOut, Newest, OpenEntry

CONTENTS = "content-"  # with what the partitions of contents begin


def note_repeat(group: str, entry_id: str, of: str) -> Operation:
    """Adds to that row of which entry the entry is a repeat; an empty id says of none."""
    return "upsert", key(group, f"seen-{entry_id}") | {"repeat_of": of}, {"mode": UpdateMode.MERGE}


def left_out_name(key: str) -> str:
    """With what the names of the repeats of a key begin."""
    return f"repeat-{hashlib.sha256(key.encode()).hexdigest()}"


def insert_left_out(row: OpenEntry, of: Newest) -> Operation:
    """Makes the row of a repeat that was left out."""
    name = f"{left_out_name(row.entry.key)}-{row.entry.id}"
    values = {"of": of.id, "since": of.received, "recorded": row.recorded, "at": row.entry.received.timestamp()}
    return "upsert", key(row.entry.group, name) | values | {"message": packed(to_message(row.entry))}


def left_out(row: Row) -> LeftOut | None:
    """The repeat of a row; None when it cannot be read."""
    try:
        entry = from_message(zlib.decompress(row["message"]))
    except (MessageError, zlib.error):
        return None
    if not isinstance(entry, Entry):
        return None
    return LeftOut(entry, row["of"], row["since"], row["recorded"], version(row))


def delete_left_out(row: LeftOut) -> Operation:
    """Deletes the row of a repeat that was left out, if it is the one that was read."""
    name = f"{left_out_name(row.entry.key)}-{row.entry.id}"
    return "delete", key(row.entry.group, name), if_unchanged(row.version)


def content_key(content: str) -> Row:
    """The key of a content's row: its partitions share the load of all groups."""
    return key(f"{CONTENTS}{content[:2]}", f"content-{content}")


def content(row: Row) -> ContentRow:
    """The content of a row."""
    return ContentRow(row_id(row), row["entry"], row["place"], row["since"], row["at"], version(row))


def write_content(row: ContentRow) -> Operation:
    """Writes the row of a content."""
    values = {"entry": row.entry, "place": row.place, "since": row.since, "at": row.received}
    return write(content_key(row.content) | values, row.version)
