"""The values that the outbox keeps: entries, threads, leases, waits and dead letters.

A row has a version, new with every write. All times are seconds since 1970.
"""

import enum
from dataclasses import dataclass

from bridge.entries import Entry

SLOTS = "slots"  # the partition of the whole app's leases
# A batch of Azure Tables has at most 100 rows: three for each entry that is finished, and the lease.
# https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
BATCH = 32


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
    attempt, claimed: the post that may have delivered it, and when that left. guard_until: until then Graph may still
    carry that post out, so a search that does not find it shows nothing. thread: where to look for it: the draft that
    was sent, or the thread that was replied to; empty when the post started a thread.
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


@dataclass(frozen=True)
class ThreadRow:
    """The thread that a key has now; `thread` is empty when that thread is gone.

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
    """The right of `owner` to drain a partition, or to use a slot, until `expires`. Free when owner is empty."""

    partition: str
    name: str
    owner: str
    expires: float
    version: str


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


@dataclass(frozen=True)
class DeliveryRecord:
    """What the history knows of an entry. thread: where it was delivered; empty while it is not."""

    id: str
    group: str
    source: str
    kind: str
    delivery: str
    recorded: float
    thread: str


@dataclass(frozen=True)
class Counts:
    """How many entries are open, and how many dead letters there are."""

    open: int
    dead: int
