"""What waits for hours or the end of a maintenance: how to find it, and how a person has it posted at once."""

from collections.abc import Sequence

from bridge.entries import Entry
from bridge.errors import Conflict
from bridge.outbox.base import Outbox
from bridge.outbox.rows import OpenEntry
from bridge.publishing.batching import is_ending, is_held
from bridge.publishing.transitions import held
from bridge.publishing.waker import Waker

_TRIES = 5


def waits_for(entry: Entry) -> str:
    """For what the entry waits, in words."""
    return "For the end of a maintenance." if entry.window else f"For the hours {entry.hours}."


def waiting_entries(outbox: Outbox, now: float) -> Sequence[OpenEntry]:
    """All entries of events that wait, the first to be posted first."""
    found = (row for group in outbox.waiting(now) for row in outbox.open_entries(group))
    rows = [row for row in found if is_held(row, now) and not is_ending(row)]
    return sorted(rows, key=lambda row: (row.due, row.recorded, row.entry.id))


def release(outbox: Outbox, waker: Waker, rows: Sequence[OpenEntry], now: float) -> int:
    """Has these posted at once, with what waits for the same threads; returns how many waited still."""
    released = [row for row in rows if _release(outbox, row, now)]
    for group in dict.fromkeys(row.entry.group for row in released):
        waker.ask(group, now)
    return len(released)


def _release(outbox: Outbox, row: OpenEntry, now: float) -> bool:
    for _ in range(_TRIES):
        try:
            outbox.change([held(row, now)])
        except Conflict:
            # A drain has written it: it may wait for other hours now, or be on its way.
            known = {each.entry.id: each for each in outbox.open_entries(row.entry.group)}
            if row.entry.id not in known or not is_held(known[row.entry.id], now):
                return False
            row = known[row.entry.id]
        else:
            return True
    return False
