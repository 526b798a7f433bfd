"""How the outbox's rows stand in the table: an entry, a thread, a lease, a wait or a dead letter as a row, and back.

The name of a row begins with its kind: `open-`, `seen-`, `dead-`, `thread-`. The properties `missing`, `alone` and
`until` of open entries and the row `pause` keep the names of older tables.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping
from typing import Any

from azure.core import MatchConditions
from azure.data.tables import UpdateMode

from bridge.entries import Entry
from bridge.outbox.memos import Memo
from bridge.outbox.rows import (
    Backoff,
    DeadLetter,
    HistoryRecord,
    Hold,
    Lease,
    Newest,
    OpenEntry,
    Summary,
    ThreadRow,
    Wait,
    memory_of,
)
from bridge.outbox.standing import from_text, to_text

Row = dict[str, Any]
Operation = tuple[Any, ...]
"""What a transaction of the table does: `create`, `update`, `upsert` or `delete`, a row, and how."""

NOWHERE = "nowhere"  # the partition of dead letters that belong to no group
WAIT, LEASE, WAKE = "pause", "lease", "wake"  # the names of rows
MEMOS = "memos"  # the partition
SUMMARIES, SUMMARY = "summaries", "summary"  # the partition, and with what the names of its rows begin
MAINTENANCE = "maintenance"  # the name of the row in that partition


def versioned_row(row: Any) -> Row:
    """A row with its version."""
    return {**row, "version": row.metadata["etag"]}


def version(row: Row) -> str:
    """What must not have changed when the row is written again."""
    return str(row["version"])


def key(partition: str, name: str) -> Row:
    """The key of a row."""
    return {"PartitionKey": partition, "RowKey": name}


def row_id(row: Row) -> str:
    """What follows the kind in the row's name."""
    return str(row["RowKey"]).partition("-")[2]


def if_unchanged(version: str) -> Mapping[str, Any]:
    """The condition that the row has still that version."""
    return {"etag": version, "match_condition": MatchConditions.IfNotModified}


def packed(text: str) -> bytes:
    """A text as it is stored."""
    # A text would be two bytes a character and at most 32,000 of them.
    return zlib.compress(text.encode())


def history(entry: Entry, now: float) -> Row:
    """The row by which a repeat of the entry is recognised."""
    values = {"source": entry.source, "kind": entry.kind, "delivery": entry.delivery, "at": now}
    return key(entry.group, f"seen-{entry.id}") | values


def note_post(row: OpenEntry, thread: ThreadRow) -> Operation:
    """Adds to that row in which thread the entry was delivered, by which post, when, and after how many tries."""
    values = {"thread": thread.thread, "token": row.mark, "posted": thread.posted, "tries": row.tries}
    values |= {"answer": row.answer} if row.answer else {}
    return "upsert", key(row.entry.group, f"seen-{row.entry.id}") | values, {"mode": UpdateMode.MERGE}


def history_record(row: Row) -> HistoryRecord:
    """What such a row says about an entry."""
    return HistoryRecord(
        id=row_id(row),
        group=row["PartitionKey"],
        source=row["source"],
        kind=row["kind"],
        delivery=row["delivery"],
        recorded=row["at"],
        thread=row.get("thread", ""),
        repeat_of=row.get("repeat_of", ""),
        token=row.get("token", ""),
        posted=row.get("posted", 0.0),
        tries=row.get("tries", 0),
        answer=row.get("answer", ""),
    )


def thread_name(key: str) -> str:
    """The name of a thread's row: it may not hold every character that a key may."""
    return f"thread-{hashlib.sha256(key.encode()).hexdigest()}"


def thread(row: Row) -> ThreadRow:
    """The thread of a row."""
    newest = Newest(row.get("newest", ""), row.get("content", ""), row.get("received", 0.0))
    left_out, memory = row.get("left_out", 0.0), memory_of(row.get("memory", ""))
    known = (row["key"], row["thread"], row["created"], row["posted"], row.get("ended"), version(row))
    return ThreadRow(*known, newest, left_out, memory, from_text(row.get("standing")))


def write_thread(group: str, thread: ThreadRow) -> Operation:
    """Writes a thread's row."""
    values = {"key": thread.key, "thread": thread.thread, "created": thread.created, "posted": thread.posted}
    ended = {} if thread.ended is None else {"ended": thread.ended}
    newest = {"newest": thread.newest.id, "content": thread.newest.content, "received": thread.newest.received}
    memory = {**newest, "left_out": thread.left_out, "memory": json.dumps(thread.memory)}
    # Only those rows have it that have something open: they are found by it.
    memory |= {"standing": to_text(thread.standing)} if thread.standing else {}
    return write(key(group, thread_name(thread.key)) | values | ended | memory, thread.version)


def lease_name(name: str) -> str:
    """The name of a lease's row."""
    return name.replace("/", "-")


def lease(partition: str, name: str, row: Row) -> Lease:
    """The lease of a row."""
    return Lease(partition, name, row["owner"], row["expires"], version(row), row.get("digest"))


def write_lease(lease: Lease) -> Operation:
    """Writes a lease's row."""
    values = {"owner": lease.owner, "expires": lease.expires}
    values |= {} if lease.has_digest is None else {"digest": lease.has_digest}
    return write(key(lease.partition, lease_name(lease.name)) | values, lease.version)


def write_wake(group: str, due: float) -> Operation:
    """Writes when the next wake comes, beside whether the group waits."""
    return "upsert", key(group, WAKE) | {"due": due}, {"mode": UpdateMode.MERGE}


def write_waits(group: str, waits: bool) -> Operation:
    """Writes whether the row of the group's wait is worth a look, beside when the next wake comes."""
    return "upsert", key(group, WAKE) | {"waits": waits}, {"mode": UpdateMode.MERGE}


def write(row: Row, version: str) -> Operation:
    """Replaces the row of that version; makes one where there is none yet."""
    if not version:
        return "create", row
    return "update", row, {"mode": UpdateMode.REPLACE, **if_unchanged(version)}


def wait(row: Row) -> Wait:
    """The wait of a row: a hold has a reason, a backoff has none."""
    if row["reason"]:
        return Hold(row["until"], row["reason"], row["since"], row["tries"])
    return Backoff(row["until"])


def wait_row(group: str, wait: Wait) -> Row:
    """The row of a group's wait."""
    match wait:
        case Hold(until, reason, since, tries):
            values = {"until": until, "reason": reason, "since": since, "tries": tries}
        case Backoff(until):
            values = {"until": until, "reason": "", "since": 0.0, "tries": 0}
    return key(group, WAIT) | values


def summary(row: Row) -> Summary:
    """The summary of a row."""
    return Summary(row_id(row), row["at"], row["count"], row.get("due"), row["held"])


def summary_row(summary: Summary) -> Row:
    """The row of a summary."""
    due = {} if summary.due is None else {"due": summary.due}
    values = {"at": summary.at, "count": summary.count, "held": summary.held}
    return key(SUMMARIES, f"{SUMMARY}-{summary.name}") | values | due


def memo(row: Row) -> Memo:
    """The memo of a row."""
    return Memo(str(row["RowKey"]).partition("-")[0], row["name"], zlib.decompress(row["text"]).decode(), version(row))


def write_memo(memo: Memo) -> Operation:
    """Writes a memo's row."""
    return write(_memo_key(memo) | {"name": memo.name, "text": packed(memo.text)}, memo.version)


def delete_memo(memo: Memo) -> Operation:
    """Deletes a memo's row, if it is the one that was read."""
    return "delete", _memo_key(memo), if_unchanged(memo.version)


def _memo_key(memo: Memo) -> Row:
    return key(MEMOS, f"{memo.kind}-{hashlib.sha256(memo.name.encode()).hexdigest()}")


def dead(letter: DeadLetter) -> Row:
    """The row of a dead letter."""
    values = {"reason": letter.reason, "advice": letter.advice, "at": letter.at, "tries": letter.tries}
    return key(letter.group or NOWHERE, f"dead-{letter.id}") | values | {"message": packed(letter.message)}


def dead_letter(row: Row) -> DeadLetter:
    """The dead letter of a row."""
    group = str(row["PartitionKey"]).replace(NOWHERE, "")
    message = zlib.decompress(row["message"]).decode()
    return DeadLetter(row_id(row), group, message, row["reason"], row["advice"], row["at"], row["tries"])
