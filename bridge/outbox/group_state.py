"""What is read of a group at once: by a drain to begin with, and before one is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.outbox.rows import Lease, OpenEntry, UnreadableRow, Wait

CROWD = 2000  # entries of a group that are read at once; of more, a drain reads only those that it can use


@dataclass(frozen=True)
class GroupState:
    """The group's lease, its wait and its open entries, in no certain order.

    Without entries where another holds the lease, or the group waits: there is nothing to do with them; and where the
    group is crowded.
    lease: as it stands; nobody's, without a version, where there is none yet. unreadable: rows that hold no entry that
    can be read. is_crowded: it has more entries than were to be read.
    """

    lease: Lease
    wait: Wait | None = None
    entries: tuple[OpenEntry, ...] = ()
    unreadable: tuple[UnreadableRow, ...] = ()
    is_crowded: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is open."""
        return not (self.entries or self.unreadable or self.is_crowded)

    def is_open(self, now: float) -> bool:
        """Whether a drain may begin: nobody has the lease, and the group does not wait."""
        return not (self.lease.is_held(now) or (self.wait is not None and self.wait.until > now))


def with_rows(state: GroupState, rows: Sequence[OpenEntry | UnreadableRow]) -> GroupState:
    """The state with what its rows hold."""
    entries = tuple(row for row in rows if isinstance(row, OpenEntry))
    return replace(state, entries=entries, unreadable=tuple(row for row in rows if isinstance(row, UnreadableRow)))


@dataclass(frozen=True)
class NextWake:
    """When the next wake of a group comes, as it was noted last, and the group's wait."""

    due: float | None = None
    wait: Wait | None = None
