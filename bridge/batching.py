"""What goes into one post: pure, so that order and size can be read and tested by themselves."""

from collections.abc import Iterator, Sequence
from itertools import chain

from bridge.outbox.base import OpenEntry, State

MOST_ENTRIES = 20
MOST_BYTES = 200_000  # of a post's HTML
SKEW = 1.0  # seconds; clocks of two machines may be that far apart

Batch = tuple[OpenEntry, ...]


def plan(entries: Sequence[OpenEntry], now: float) -> list[Batch]:
    """The posts to send, in this order: each the entries of one thread's key, by occurrence, receipt and id.

    A thread waits as a whole while one of its entries is in doubt or deferred, or order would be lost; and while none
    of them is due. A post ends after an entry that ends its thread, and at 20 entries or 200,000 bytes of HTML.
    """
    ready = (members for members in _by_thread(entries) if _is_ready(members, now))
    return list(chain.from_iterable(_cut(sorted(members, key=_order)) for members in ready))


def next_due(entries: Sequence[OpenEntry], now: float) -> float | None:
    """When a drain can next do something; None when nothing is open.

    A thread that waits for one entry waits with all of them: to count the others as due would wake the group in a
    circle.
    """
    return min((_thread_due(members, now) for members in _by_thread(entries)), default=None)


def _by_thread(entries: Sequence[OpenEntry]) -> list[list[OpenEntry]]:
    """The entries of each key; the key whose first entry comes first is the first."""
    threads: dict[str, list[OpenEntry]] = {}
    for row in sorted(entries, key=_order):
        threads.setdefault(row.entry.key, []).append(row)
    return list(threads.values())


def _order(row: OpenEntry) -> tuple[object, ...]:
    return row.entry.occurred, row.entry.received, row.entry.id


def _is_ready(members: Sequence[OpenEntry], now: float) -> bool:
    waits = any(row.state is State.SENDING or (row.state is State.DEFERRED and row.due > now) for row in members)
    return not waits and any(row.due <= now + SKEW for row in members)


def _thread_due(members: Sequence[OpenEntry], now: float) -> float:
    waited_for = [row.due for row in members if row.state is not State.PENDING and row.due > now]
    return max(waited_for) if waited_for else min(row.due for row in members)


def _cut(members: Sequence[OpenEntry]) -> Iterator[Batch]:
    batch: Batch = ()
    for row in members:
        if batch and not _goes_into(batch, row):
            yield batch
            batch = ()
        batch += (row,)
    yield batch


def _goes_into(batch: Batch, row: OpenEntry) -> bool:
    if batch[-1].entry.ends_thread or batch[-1].alone or row.alone or len(batch) == MOST_ENTRIES:
        return False
    return sum(len(member.entry.html.encode()) for member in (*batch, row)) <= MOST_BYTES
