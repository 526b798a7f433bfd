"""The seam between publishing and storage: what the outbox keeps, and how it is read and written.

A group's rows are one partition, and a batch never leaves it:

    seen/<id>     every entry ever recorded: the history by which repeats are known
    open/<id>     an entry still to be told
    dead/<id>     an entry that will not be told, and why
    thread/<key>  the thread that a key has now
    pause         until when the group is left alone, and why
    wake          when the next wake comes
    lease         who drains the group

The slots of the whole app, slot/0 to slot/3, are leases in the partition `SLOTS`.

A batch has room for `BATCH` entries with their history and threads.

A row has a version, new with every write. A write with a version fails with Conflict when the row has another one by
now, and then nothing of its batch is written. All times are seconds since 1970.
"""

import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.entries import Entry

SLOTS = "slots"
# A batch of Azure Tables has at most 100 rows: three for each entry that is finished, and the lease.
# https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
BATCH = 32


class Recorded(enum.Enum):
    """What recording an entry found."""

    NEW = "new"
    OPEN = "open"  # a repeat of one that is still to be told
    DELIVERED = "delivered"  # a repeat of one that was delivered, or is a dead letter


class State(enum.StrEnum):
    """Where an open entry stands."""

    PENDING = "pending"  # nothing of it is at Graph
    SENDING = "sending"  # Graph may have it: in doubt
    DEFERRED = "deferred"  # surely not sent, waits until it is due


@dataclass(frozen=True)
class OpenEntry:
    """An entry still to be told.

    recorded: when it was recorded. due: when something is to be done about it next.
    tries: how often it was surely not sent. missing: how often its thread was not there.
    alone: it is posted by itself, because a post of it and others was refused.
    attempt, claimed: the post that may have told it, and when it left. until: only after that a search that does not
    find the post proves that there is none. thread: where to look for it: the draft that was sent, or the thread that
    was replied to; empty when it started a thread.
    """

    entry: Entry
    recorded: float
    due: float
    state: State = State.PENDING
    tries: int = 0
    missing: int = 0
    alone: bool = False
    attempt: str = ""
    claimed: float = 0.0
    until: float = 0.0
    thread: str = ""
    version: str = ""


@dataclass(frozen=True)
class ThreadRow:
    """The thread that a key has now; an empty `thread` is one that is gone.

    created: when the bridge started it. posted: when it last posted there. ended: when the event occurred that ended
    it; None: it goes on. An empty version means that there is no such row yet.
    """

    key: str
    thread: str
    created: float
    posted: float
    ended: float | None = None
    version: str = ""


@dataclass(frozen=True)
class Lease:
    """The right of `owner` to a partition's drain, or to a slot, until `expires`. Nobody has it when owner is empty."""

    partition: str
    name: str
    owner: str
    expires: float
    version: str


@dataclass(frozen=True)
class Pause:
    """Until when a group is left alone.

    reason: why a person is needed; empty when Graph only asked for patience.
    since: when the first probe was refused. tries: how many probes were refused since.
    """

    until: float
    reason: str = ""
    since: float = 0.0
    tries: int = 0


@dataclass(frozen=True)
class DeadLetter:
    """What will not be told. message: the queue message, from which it can be told after all.

    tries: how often it was tried. An unreadable message belongs to no group.
    """

    id: str
    group: str
    message: str
    reason: str
    advice: str
    at: float
    tries: int = 0


@dataclass(frozen=True)
class DeliveryRecord:
    """What the history knows of an entry. thread: where it was told; empty while it is not."""

    id: str
    group: str
    source: str
    kind: str
    delivery: str
    recorded: float
    thread: str


@dataclass(frozen=True)
class Message:
    """A queue message that was taken. receipt: proves that it is still leased to who took it."""

    id: str
    body: str
    dequeue_count: int
    receipt: str


@dataclass(frozen=True)
class Counts:
    """How many entries are still to be told, and how many dead letters there are."""

    open: int
    dead: int


class Queue(Protocol):
    """A storage queue with its poison queue. Safe for threads and for several processes."""

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
        """Takes a message out of the poison queue."""

    def close(self) -> None:
        """Closes the connections."""


class Outbox(Protocol):
    """Storage of all groups. Safe for threads and for several processes.

    Every method may raise what its storage raises; the message at hand is then tried again.
    """

    def close(self) -> None:
        """Closes the connections; the outbox must not be used afterwards."""

    def record(self, entry: Entry, now: float, due: float) -> Recorded:
        """Inserts the `seen` and the `open` row in one batch, if the entry's id was never recorded."""

    def open_entries(self, group: str) -> Sequence[OpenEntry]:
        """All entries of a group that are still to be told, in no certain order."""

    def threads(self, group: str, keys: Collection[str]) -> Mapping[str, ThreadRow]:
        """The threads of those keys that have one."""

    def claim(self, lease: Lease, entries: Sequence[OpenEntry]) -> tuple[Lease, Sequence[OpenEntry]]:
        """Writes the group's lease and the entries, as they are given, in one batch: all with their new versions.

        Conflict when any has been written since; who has lost the lease fails here.
        """

    def change(self, entries: Sequence[OpenEntry]) -> Sequence[OpenEntry]:
        """Writes entries of one group in one batch; they come back with their new versions. Conflict as in `claim`."""

    def finish(self, entries: Sequence[OpenEntry], threads: Sequence[ThreadRow]) -> Sequence[ThreadRow]:
        """Graph has the entries of one group, all in one thread, of which each of their keys has a row here.

        In one batch the rows of the threads are written, the `open` rows go, and the history tells the thread. The
        rows come back with their new versions. Conflict as in `claim`.
        """

    def lose_threads(self, group: str, threads: Sequence[ThreadRow]) -> Sequence[ThreadRow]:
        """Writes rows of threads that are gone; they come back with their new versions. Conflict as in `claim`."""

    def bury(self, entry: OpenEntry, letter: DeadLetter) -> None:
        """Turns an open entry into a dead letter, in one batch. Conflict as in `claim`."""

    def bury_message(self, letter: DeadLetter) -> None:
        """Keeps a dead letter of what is not an entry; one with the same id is replaced."""

    def acquire(self, partition: str, name: str, owner: str, now: float, expires: float) -> Lease:
        """The lease as it stands afterwards; one that expired by `now` is taken over.

        Who asked has it if `owner` is theirs; else `expires` tells how long another holds it.
        """

    def renew(self, lease: Lease) -> Lease:
        """Writes the lease as it is given, to prolong it or to give it back. Conflict when it was taken over."""

    def pause(self, group: str) -> Pause | None:
        """The group's pause, also one that is over."""

    def set_pause(self, group: str, pause: Pause | None) -> None:
        """Writes the pause or, with None, ends it; the last writer wins, for a pause is only advice."""

    def pauses(self) -> Mapping[str, Pause]:
        """All pauses, each with its group."""

    def coming_wake(self, group: str) -> float | None:
        """When the next wake comes, as it was noted last."""

    def put_wake(self, group: str, due: float) -> None:
        """Puts a wake on the queue that is visible from then on."""

    def note_wake(self, group: str, due: float) -> None:
        """Notes when the next wake comes; the last writer wins."""

    def overdue(self, before: float) -> Sequence[str]:
        """The groups with an open entry that was due before then."""

    def poisoned(self) -> Sequence[Message]:
        """The messages of the poison queue."""

    def discard(self, message: Message) -> None:
        """Takes a message out of the poison queue."""

    def dead_letters(self) -> Sequence[DeadLetter]:
        """All dead letters, the oldest first."""

    def revive(self, letter: DeadLetter, entry: Entry, now: float) -> None:
        """Makes a dead letter the open entry that it tells of, due now. Conflict when it is open already, or gone."""

    def history(self, delivery: str) -> Sequence[DeliveryRecord]:
        """What is known of the entries of that delivery, by its sender's id."""

    def counts(self) -> Counts:
        """How much is open and how much dead, in all groups."""

    def purge(self, before: float, idle: float) -> None:
        """Forgets history, dead letters and ended threads from before then; nothing open goes.

        idle: threads that had no post since then go too.
        """
