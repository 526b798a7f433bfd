"""What a drain knows of open entries that it does not read: enough to choose those for which it can do something."""

from typing import NamedTuple

from bridge.calendar.maintenance import BRIDGE, ENDED
from bridge.entries import Entry
from bridge.outbox.rows import OpenEntry, State, UnreadableRow


class Head(NamedTuple):
    """An open entry without its card. Heads of one key compare in the order in which their entries are posted.

    occurred, received: in seconds since 1970, as all times. waits: it was recorded to wait for `hours`, or for the end
    of `window`. is_ending: it says that the window is over.
    """

    occurred: float
    received: float
    id: str
    key: str
    waits: bool
    hours: str
    window: str
    is_ending: bool
    recorded: float
    due: float
    state: str


Facts = tuple[float, float, str, str, bool, str, str, bool]
"""The part of a head that stays as it is, from `occurred` to `is_ending`."""


def facts_of(entry: Entry) -> Facts:
    """What storage keeps of an entry for its head."""
    return (
        entry.occurred.timestamp(),
        entry.received.timestamp(),
        entry.id,
        entry.key,
        entry.not_before is not None,
        entry.hours,
        entry.window,
        entry.source == BRIDGE and entry.kind == ENDED,
    )


def head_of(row: OpenEntry) -> Head:
    """The head of an entry that was read."""
    return Head(*facts_of(row.entry), row.recorded, row.due, row.state)


def head_of_unreadable(row: UnreadableRow) -> Head:
    """A head that is due at once, of a key of its own: a drain that reads the row sets it aside."""
    return Head(0.0, 0.0, row.id, f"\n{row.id}", False, "", "", False, 0.0, 0.0, State.PENDING)


def head_of_row(row: OpenEntry | UnreadableRow) -> Head:
    """The head of a row of which storage keeps none: an earlier version wrote it."""
    return head_of(row) if isinstance(row, OpenEntry) else head_of_unreadable(row)
