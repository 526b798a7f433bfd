"""Which open entries only repeat the event before them: pure, so that it can be read and tested by itself."""

from collections.abc import Sequence

from bridge.outbox.rows import LeftOut, Newest, OpenEntry


def received(row: OpenEntry | LeftOut) -> float:
    """When its webhook was received, in seconds since 1970."""
    return row.entry.received.timestamp()


def repeats(members: Sequence[OpenEntry], newest: Newest) -> list[tuple[OpenEntry, Newest]]:
    """The entries of one key that repeat the event before them, each with that event.

    newest: the key's newest event that was delivered. What was received before it is news, because what came before
    that is not known any more: a duplicate is better than a loss. So is what was claimed before: Graph may have it.
    """
    found = []
    for row in sorted(members, key=lambda row: (received(row), row.entry.id)):
        if received(row) < newest.received:
            continue
        if _repeats(row, newest):
            found.append((row, newest))
        else:
            newest = as_newest(row)
    return found


def _repeats(row: OpenEntry, newest: Newest) -> bool:
    entry = row.entry
    if not entry.content or entry.content != newest.content or row.attempt:
        return False
    return entry.repeat_window > 0 and received(row) - newest.received <= entry.repeat_window


def as_newest(row: OpenEntry) -> Newest:
    """The entry as the newest event of its key."""
    return Newest(row.entry.id, row.entry.content, received(row))


def newest_of(rows: Sequence[OpenEntry], known: Newest) -> Newest:
    """The newest event of a key after these were delivered."""
    last = as_newest(max(rows, key=lambda row: (received(row), row.entry.id)))
    return last if last.received >= known.received else known


def was_wrong(left: LeftOut, members: Sequence[OpenEntry]) -> bool:
    """Whether one of these, recorded late, was received between the repeat and what it repeats."""
    return any(
        left.since <= received(row) <= received(left) and row.entry.content != left.entry.content for row in members
    )


def repeats_one_of(left: LeftOut, rows: Sequence[OpenEntry]) -> bool:
    """Whether it repeats one of these. If they turn out to be repeats themselves, it is to be looked at again."""
    return any(left.of == row.entry.id for row in rows)
