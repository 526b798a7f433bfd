"""The values that the outbox keeps: entries, threads, leases, waits and dead letters.

A row has a version, new with every write. All times are seconds since 1970.
"""

import enum
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from bridge.entries import Entry, from_message
from bridge.errors import MessageError
from bridge.outbox.standing import Standing

SLOTS = "slots"  # the partition of the whole app's leases
WATCHDOG = "watchdog"  # in place of a group, for entries that are not posted
IDENTITY = "identity"  # in place of a group: the hold is not of one group but of all of them
SWEEP, PASSED = "sweep", "passed"  # the names of the summaries that are not of a group
# A batch of Azure Tables has at most 100 rows: three for each entry that is finished, and the lease.
# https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
BATCH = 32
_ID = re.compile(r"[0-9a-f]{8,32}")
_REQUEST = re.compile(r"\A[A-Z]+ /\S+: ")


class Recorded(enum.Enum):
    """What recording an entry found."""

    NEW = "new"
    OPEN = "open"  # a repeat of an entry that is still open
    DELIVERED = "delivered"  # a repeat of an entry that was delivered, or is a dead letter


class State(enum.StrEnum):
    """Where an open entry stands."""

    PENDING = "pending"  # Graph does not have it
    SENDING = "sending"  # Graph may have it: the outcome is unknown
    DEFERRED = "deferred"  # surely not sent; waits until it is due


@dataclass(frozen=True)
class OpenEntry:
    """An entry that is not delivered yet.

    recorded: when it was recorded. due: when the next action for it is due.
    tries: how often it was surely not sent. not_found_count: how often its thread was not found.
    isolated: it is posted by itself, because a post with others was refused.
    attempt, claimed: the token of the post that may have delivered it, and when that left. guard_until: until then
    Graph may still carry that post out, so a search that does not find it shows nothing. thread: where to look for it:
    the draft that was sent, or the thread that was replied to; empty when the post started a thread.
    answer: why it was not delivered the last time, as Graph or the bridge put it.
    """

    entry: Entry
    recorded: float
    due: float
    state: State = State.PENDING
    tries: int = 0
    not_found_count: int = 0
    isolated: bool = False
    attempt: str = ""
    claimed: float = 0.0
    guard_until: float = 0.0
    thread: str = ""
    version: str = ""
    answer: str = ""

    @property
    def mark(self) -> str:
        """What the footer of its post shows: the token of the attempt.

        Earlier versions wrote the entry's reference there, and gave attempts names with a dot.
        """
        return self.entry.reference if "." in self.attempt else self.attempt


def is_id(asked: str) -> bool:
    """Whether a text may be the beginning of an entry's id."""
    return _ID.fullmatch(asked) is not None


class Columns(Protocol):
    """A stored row, by the names of its columns."""

    def __getitem__(self, name: str, /) -> Any: ...


def read_open_entry(row: Columns, message: str | bytes, version: str, answer: str) -> OpenEntry:
    """The open entry of a row with this message; MessageError where it holds none. Columns keep older names."""
    entry = from_message(message)
    if not isinstance(entry, Entry):
        raise MessageError("The row does not hold an entry.")
    return OpenEntry(
        entry,
        recorded=row["recorded"],
        due=row["due"],
        state=State(row["state"]),
        tries=row["tries"],
        not_found_count=row["missing"],
        isolated=bool(row["alone"]),
        attempt=row["attempt"],
        claimed=row["claimed"],
        guard_until=row["until"],
        thread=row["thread"],
        version=version,
        answer=answer,
    )


@dataclass(frozen=True)
class Newest:
    """The newest event of a key that was delivered: its entry's id and content, and when it was received."""

    id: str = ""
    content: str = ""
    received: float = 0.0


DIGEST = "digest"  # the key of the row of a group's latest digest; keys of entries contain a space

# What a thread remembers of its events: names with their values, oldest first.
Memory = Mapping[str, tuple[str, ...]]


def memory_of(text: str) -> Memory:
    """What a stored memory holds; nothing where there is none."""
    return {name: tuple(values) for name, values in json.loads(text or "{}").items()}


@dataclass(frozen=True)
class ThreadRow:
    """The thread that a key has now; `thread` is empty when that thread is gone, or was not started yet.

    created: when the bridge started it. posted: when it last posted there. ended: when the event occurred that ended
    it; None: it goes on. An empty version means that there is no such row yet.
    newest: what a repeat of it is recognised by. left_out: when the latest repeat that was left out was received.
    memory: what later posts add of its earlier events. standing: what stands open in it.
    """

    key: str
    thread: str
    created: float
    posted: float
    ended: float | None = None
    version: str = ""
    newest: Newest = Newest()
    left_out: float = 0.0
    memory: Memory = field(default_factory=dict)
    standing: Standing | None = None


@dataclass(frozen=True)
class ContentRow:
    """Who sent a signed body first. An empty version means that there is no such row yet.

    content: a hash of the body and its source. entry: the latest entry of it. place: where it went to, by what the
    signature does not cover. since, received: the times of the first and the latest arrival of a series of them.
    """

    content: str
    entry: str
    place: str
    since: float
    received: float
    version: str = ""


@dataclass(frozen=True)
class LeftOut:
    """A repeat that was left out, kept in case an event between it and what it repeats is recorded late.

    of: the id of the entry that it repeats. since: when that was received. recorded: when this one was recorded.
    """

    entry: Entry
    of: str
    since: float
    recorded: float
    version: str = ""


@dataclass(frozen=True)
class UnreadableRow:
    """The row of an open entry that this version cannot read: its message as it is stored, and why not."""

    id: str
    group: str
    message: str
    reason: str
    version: str


@dataclass(frozen=True)
class Lease:
    """The right of `owner` to drain a partition, or to use a slot, until `expires`. Free when owner is empty.

    An empty version means that there is no such row yet. has_digest: of a group, whether the thread of a digest was
    ever noted; None: not known.
    """

    partition: str
    name: str
    owner: str
    expires: float
    version: str
    has_digest: bool | None = None

    def is_held(self, now: float) -> bool:
        """Whether somebody has it."""
        return bool(self.owner) and self.expires > now


@dataclass(frozen=True)
class Backoff:
    """Graph asked for patience (Retry-After): nothing is sent to the group until then."""

    until: float


@dataclass(frozen=True)
class Hold:
    """Graph refuses the group or the identity, and a person is needed.

    until: when the next probe is due. reason: what Graph said. since: when the first probe was refused.
    tries: how many probes were refused since.
    """

    until: float
    reason: str
    since: float
    tries: int = 0


Wait = Backoff | Hold
"""Why a group is not drained now, and until when. A group that is paused by choice is known to the policy alone."""


@dataclass(frozen=True)
class DeadLetter:
    """What will not be delivered. message: the queue message, from which it can be requeued.

    tries: how often it was tried. A message that cannot be read belongs to no group.
    """

    id: str
    group: str
    message: str
    reason: str
    advice: str
    at: float
    tries: int = 0

    @property
    def cause(self) -> str:
        """The first sentence of the reason, without the request to Graph, whose address may be longer than a line."""
        return _REQUEST.sub("", self.reason.partition(". ")[0], count=1)


@dataclass(frozen=True)
class HistoryRecord:
    """What the history knows of an entry.

    thread: where it was delivered; empty while it is not. repeat_of: the entry that it repeats; it is not posted then.
    token: what the footer of its post shows; empty for what an earlier version delivered. posted: when that was; 0:
    not known. tries: how often it was surely not sent before. answer: why not, the last time.
    """

    id: str
    group: str
    source: str
    kind: str
    delivery: str
    recorded: float
    thread: str
    repeat_of: str = ""
    token: str = ""
    posted: float = 0.0
    tries: int = 0
    answer: str = ""


@dataclass(frozen=True)
class Summary:
    """What health needs to know of a group without reading its rows, as the last drain or sweep found it.

    name: the group's; SWEEP, for the last sweep; PASSED, for the last watchdog that came through. at: when it was
    written. count: open entries; of the sweep, the messages that it had to leave in the poison queue. due: when the
    next of the entries is due. held: the group needs a person.
    """

    name: str
    at: float
    count: int = 0
    due: float | None = None
    held: bool = False

    @property
    def is_clear(self) -> bool:
        """Whether there is nothing to say of the group."""
        return not (self.count or self.held) and self.due is None


@dataclass(frozen=True)
class Counts:
    """How many entries are open, and how many dead letters there are."""

    open: int
    dead: int
