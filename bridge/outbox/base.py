"""The seam between publishing and storage: how the outbox and the queue are read and written.

A group's rows are one partition, and a batch never leaves it:

    seen/<id>     every entry ever recorded: the history by which repeats are recognised
    open/<id>     an entry that is not delivered yet
    dead/<id>     an entry that will not be delivered, and why
    thread/<key>  the thread that a key has now, and its newest event
    repeat/<id>   a repeat that was left out
    pause         until when the group is not drained, and why: a backoff or a hold
    wake          when the next wake comes
    lease         who drains the group

The summaries of all groups are one partition, in which the maintenance windows are one row. The memos are another.
The slots of the whole app, slot/0 to slot/3, are leases in the partition `SLOTS`; its wake says when a drain found none
of them free. The rows content/<content> show a replay in another group, and are in partitions of their own.

What is known of every webhook, delivery/<id>, is in a partition of its own. Its id begins with the time, counted
backwards: the newest comes first, and a page is a range of ids.

A batch has room for `BATCH` entries with their history and threads.

A write with a version fails with Conflict when the row has another one by now, and then nothing of its batch is
written. RowRefused says that storage will never take a row, for what it holds. Every method may raise what else its
storage raises; the message at hand is then tried again. All of it is safe for threads and for several processes.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.deliveries import DeliveryFilter, DeliveryPage, DeliveryRecord
from bridge.entries import Entry
from bridge.outbox.group_state import CROWD, GroupState, NextWake
from bridge.outbox.heads import Head
from bridge.outbox.memos import Memos, StoredText
from bridge.outbox.rows import (
    ContentRow,
    Counts,
    DeadLetter,
    HistoryRecord,
    Lease,
    LeftOut,
    Newest,
    OpenEntry,
    Recorded,
    Summary,
    ThreadRow,
    UnreadableRow,
    Wait,
)


class Entries(Protocol):
    """The entries of all groups, from their recording to their history, and the threads that they go to."""

    def record(self, entry: Entry, now: float, due: float, wake: float | None = None) -> Recorded:
        """Inserts the `seen` and the `open` row in one batch, if the entry's id was never recorded.

        wake: when the next wake of the group comes, to be noted with it; None: that is noted already.
        """

    def record_repeat(self, entry: Entry, of: str, now: float) -> None:
        """Inserts the `seen` row alone, with the entry of which this one is a repeat, if its id was never recorded."""

    def claim_content(self, row: ContentRow) -> ContentRow:
        """Inserts the row of a content unless there is one; returns the one that stands."""

    def write_content(self, row: ContentRow) -> ContentRow:
        """Writes the row of a content over the one that was read. Conflict as in `claim`."""

    def open_entries(self, group: str) -> Sequence[OpenEntry]:
        """All open entries of a group that can be read, in no certain order."""

    def read_group(self, group: str, now: float, most: int = CROWD) -> GroupState:
        """What a drain begins with. The lease is read first: while it stands as it was, so does what was read.

        now: when a lease has expired, and a wait is over. most: of more entries than that, none is read.
        """

    def heads(self, group: str) -> Sequence[Head]:
        """The heads of all open entries of a group, in no certain order."""

    def read_open(self, group: str, ids: Collection[str]) -> Sequence[OpenEntry | UnreadableRow]:
        """The open entries with these ids that are there, in no certain order."""

    def leave_out(self, row: OpenEntry, of: Newest, thread: ThreadRow) -> ThreadRow:
        """Ends an open entry as a repeat: it is kept as left out, and the row of its thread is written, in one batch.

        The row of the thread comes back with its new version. Conflict as in `claim`.
        """

    def left_out(self, group: str, key: str) -> Sequence[LeftOut]:
        """The repeats of a key that were left out."""

    def restore(self, row: LeftOut, due: float) -> OpenEntry:
        """Opens an entry that was left out again. Conflict as in `claim`."""

    def overdue(self, before: float) -> Sequence[str]:
        """The groups with an open entry that was due before then."""

    def waiting(self, after: float) -> Mapping[str, tuple[int, float]]:
        """How many pending entries each group has that are due later than that, and when the first of them is."""

    def threads(self, group: str, keys: Collection[str]) -> Mapping[str, ThreadRow]:
        """The threads of those keys that have one."""

    def standing(self, group: str) -> Sequence[ThreadRow]:
        """The threads of a group in which something stands open, in no certain order: not by a walk through history."""

    def claim(self, lease: Lease, entries: Sequence[OpenEntry]) -> tuple[Lease, Sequence[OpenEntry]]:
        """Writes the group's lease and the entries, as they are given, in one batch: all with their new versions.

        Conflict when any has been written since; a drain that has lost its lease, or never got it, fails here.
        """

    def change(self, entries: Sequence[OpenEntry]) -> Sequence[OpenEntry]:
        """Writes entries of one group in one batch; they come back with their new versions. Conflict as in `claim`."""

    def finish(
        self, entries: Sequence[OpenEntry], threads: Sequence[ThreadRow], lease: Lease | None = None
    ) -> Sequence[ThreadRow]:
        """Ends entries of one group that Graph has, all in one thread; each of their keys has a row in `threads`.

        In one batch the rows of the threads are written, the `open` rows go, and the history gets the thread. The
        rows come back with their new versions. Conflict as in `claim`.
        lease: the group's, as it is to be given back with that.
        """

    def write_threads(self, group: str, threads: Sequence[ThreadRow]) -> Sequence[ThreadRow]:
        """Writes rows of threads; they come back with their new versions. Conflict as in `claim`."""

    def move_to_dead_letters(self, entry: OpenEntry, letter: DeadLetter) -> None:
        """Turns an open entry into a dead letter, in one batch. Conflict as in `claim`."""

    def set_aside(self, row: UnreadableRow, letter: DeadLetter) -> None:
        """Turns a row that cannot be read into a dead letter, in one batch. Conflict as in `claim`."""

    def add_dead_letter(self, letter: DeadLetter) -> None:
        """Keeps a dead letter of a message that is not an entry; one with the same id is replaced."""

    def dead_letters(self) -> Sequence[DeadLetter]:
        """All dead letters, the oldest first."""

    def remove_dead_letter(self, letter: DeadLetter) -> None:
        """Forgets a dead letter, if it is still there."""

    def requeue(self, letter: DeadLetter, entry: Entry, now: float) -> None:
        """Turns a dead letter into the open entry that it holds, due now. Conflict when it is open already, or gone."""

    def history(self, asked: str) -> Sequence[HistoryRecord]:
        """What is known of some entries, in the order of their recording.

        asked: their delivery, by its sender's id; the token of their post; or the beginning of an entry's id,
        eight digits of it or more.
        """

    def counts(self) -> Counts:
        """How many entries are open and how many dead, in all groups."""

    def purge(self, before: float, idle: float) -> None:
        """Forgets history, webhooks, contents, dead letters and ended threads from before then; nothing open goes.

        idle: threads that had no post since then go too.
        """


class Deliveries(Protocol):
    """What is known of every webhook, also of those that left no entry."""

    def note_delivery(self, record: DeliveryRecord) -> None:
        """Writes a record over the one of its id, with what it is found by."""

    def deliveries(self, wanted: DeliveryFilter, limit: int, before: str = "") -> DeliveryPage:
        """At most so many of the wanted records, newest first.

        before: `following` of the page before. A page may have fewer records and still a following page, where it
        had to look at many to find them: each call has a bounded cost.
        """

    def find_deliveries(self, asked: str) -> Sequence[DeliveryRecord]:
        """The records of a webhook, oldest first, by what a person has of it.

        asked: the sender's id of the delivery, or the beginning of a record's or an entry's id, from eight digits on.
        """

    def rows_of(self, entries: Mapping[str, str]) -> Mapping[str, HistoryRecord]:
        """What the history knows of entries, by their ids. entries: the group of each."""


class Leases(Protocol):
    """Exclusive rights: to drain a group, to use a slot, to renew the sign-in."""

    def acquire(self, partition: str, name: str, owner: str, now: float, expires: float) -> Lease:
        """The lease as it stands afterwards; one that expired by `now` is taken over.

        The caller has it if `owner` is the caller's; otherwise `expires` says how long another holds it.
        """

    def renew(self, lease: Lease) -> Lease:
        """Writes the lease as it is given, to take, prolong or give it back. Conflict when another was faster."""


class Wakes(Protocol):
    """When each group is drained next: its next wake, and the wait that puts it off."""

    def next_wake(self, group: str) -> NextWake:
        """When the next wake comes, as it was noted last, and what the group waits for."""

    def note_wake(self, group: str, due: float) -> None:
        """Notes when the next wake comes; the last writer wins."""

    def wait_of(self, group: str) -> Wait | None:
        """The group's backoff or hold, also one that is over."""

    def set_wait(self, group: str, wait: Wait | None) -> None:
        """Writes the wait or, with None, ends it; the last writer wins, for a wait is only advice."""

    def waits(self) -> Mapping[str, Wait]:
        """All backoffs and holds, each with its group."""


class Summaries(Protocol):
    """What health reads, so that nobody need read the rows of all groups to ask how the app is doing."""

    def note(self, summary: Summary) -> None:
        """Writes a summary over the one of its name; the last writer wins."""

    def summaries(self) -> Sequence[Summary]:
        """All summaries, in one request."""

    def tally(self) -> Mapping[str, tuple[int, float]]:
        """How many entries each group has that are open, and when the first is due. It reads all their rows."""

    def probe(self, now: float) -> None:
        """Writes a row as large as an entry's, to see that it can be written; raises what its storage raises."""


class Maintenance(Protocol):
    """The maintenance windows that were started from the command line: one text, however many entries come."""

    def maintenance(self) -> StoredText:
        """The text as it stands."""

    def write_maintenance(self, stored: StoredText) -> None:
        """Writes the text over the one that was read. Conflict when it has been written since."""


class Outbox(Entries, Deliveries, Leases, Wakes, Summaries, Maintenance, Memos, Protocol):
    """All of them, in one storage."""

    def close(self) -> None:
        """Closes the connections; the outbox must not be used afterwards."""


@dataclass(frozen=True)
class Message:
    """A queue message that was taken. receipt: shows that the taker still has it leased."""

    id: str
    body: str
    dequeue_count: int
    receipt: str


class Queue(Protocol):
    """A storage queue with its poison queue."""

    def put(self, body: str, delay: float = 0.0) -> None:
        """Adds a message that becomes visible after `delay` seconds."""

    def take(self, lease: float) -> Message | None:
        """The first visible message, hidden from others for `lease` seconds; None when there is none."""

    def renew(self, message: Message, lease: float) -> Message | None:
        """Hides it for another `lease` seconds; None when the receipt is stale. The new receipt is what counts now."""

    def retry(self, message: Message, delay: float) -> bool:
        """Gives it back, visible again after `delay` seconds; False when the receipt is stale."""

    def poison(self, message: Message) -> bool:
        """Moves it to the poison queue; False when the receipt is stale."""

    def delete(self, message: Message) -> bool:
        """Removes it for good; False when the receipt is stale."""

    def next_visible(self) -> float | None:
        """When to look for a message next, in seconds since 1970; None for an empty queue."""

    def poisoned(self) -> Sequence[Message]:
        """The messages of the poison queue."""

    def discard(self, message: Message) -> bool:
        """Takes a message out of the poison queue; False when it is not there any more."""

    def poison_count(self) -> int:
        """How many messages are in the poison queue, nearly."""

    def close(self) -> None:
        """Closes the connections."""
