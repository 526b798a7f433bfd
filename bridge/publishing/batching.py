"""What goes into one post: pure, so that order, size and threads can be read and tested by themselves."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

from bridge.calendar.maintenance import BRIDGE, ENDED
from bridge.limits import MAX_CARDS, MAX_POST, MAX_ROWS
from bridge.outbox.rows import DIGEST, OpenEntry, State, ThreadRow

SOURCES = "sources"  # what the row of a digest remembers: where its storm comes from
SKEW = 1.0  # seconds; clocks of two machines may be that far apart
OVERTAKEN = 1.0  # seconds by which an entry may be recorded later than one that came after it

Rows = tuple[OpenEntry, ...]


@dataclass(frozen=True)
class Rules:
    """When a thread is over, and when there are too many new ones. Times are in seconds.

    reopen: an event that occurs within this time after the thread's end still belongs to the thread.
    idle: a thread that had no post for so long is over.
    digest_over: up to so many new threads at once are threads of their own; more become one digest.
    storm, longest_storm: what is new within this time after the latest post of a digest, and comes from one of its
    sources, belongs to its storm and goes into its thread; a storm is over that long after its first post.
    """

    reopen: float = 900.0
    idle: float = 90 * 86400.0
    digest_over: int = 10
    storm: float = 300.0
    longest_storm: float = 3600.0


@dataclass(frozen=True)
class Batch:
    """The entries of one post, in its order.

    target: the thread that it replies to; empty: it starts one. follows: it goes on in the thread of the batch before.
    digest: it shows a row for each entry, not a card.
    """

    rows: Rows
    target: str
    follows: bool = False
    digest: bool = False


def plan(entries: Sequence[OpenEntry], threads: Mapping[str, ThreadRow], now: float, rules: Rules) -> list[Batch]:
    """The posts to send, in this order.

    Within a thread entries go by occurrence, receipt and id. A key waits as a whole while the outcome of one of its
    entries is unknown, or one is deferred, or order would be lost; and while none of them is due. So an entry that is
    due takes those with it that wait for the hours of their route: order counts for more. The last entries of a key
    that were recorded a moment ago are left to a later plan, unless they are due. Entries of several keys that share a
    thread, a digest's, are posted together. Entries that belong to the thread after the next one of their key are left
    to a later plan. A storm is recognised by all other entries, due or not: otherwise a steady one would become a few
    new threads at a time. Keys that wait for hours as a whole are no part of it.

    What a maintenance window has collected is one post, with the entry that says that it is over.
    """
    ordered = _by_key([row for row in entries if not _is_to_come(row, now)])
    keys = [members for key in ordered if (members := _complete(key, now))]
    over = list(chain.from_iterable(_collected(keys, threads, now, rules)))
    gone, endings = {row.entry.id for batch in over for row in batch.rows}, _endings(keys)
    free = [
        members
        for members in keys
        if not (_waits(members, now) or _are_held(members, now) or _window_of(members) in endings)
        and gone.isdisjoint(row.entry.id for row in members)
    ]
    episodes = [
        (_is_due(members, now), *_first_episode(members, threads.get(members[0].entry.key), rules)) for members in free
    ]
    storm = _storm(threads.get(DIGEST), now, rules)
    episodes = [(due, target or storm.get(rows[0].entry.source, ""), rows) for due, target, rows in episodes]
    new = [(due, rows) for due, target, rows in episodes if not target]
    old = [(target, rows) for due, target, rows in episodes if target and due]
    if len(new) > rules.digest_over and any(due for due, _ in new):
        started = _digest([_whole(rows, free) for _, rows in new], "")
    else:
        started = list(chain.from_iterable(_cut(rows, "", _fits_cards) for due, rows in new if due))
    return over + started + list(chain.from_iterable(_replies(old, rules)))


def target_of(thread: ThreadRow | None, occurred: float, rules: Rules) -> str:
    """The thread that an event of the key belongs to; empty when it starts a new one.

    Flapping stays in one thread, and an event that occurred before the thread's end belongs to it, however late it
    comes.
    """
    if thread is None or not thread.thread:
        return ""
    is_over = thread.ended is not None and occurred - thread.ended >= rules.reopen
    return "" if is_over or occurred - thread.posted >= rules.idle else thread.thread


def ended_after(ended: float | None, rows: Sequence[OpenEntry]) -> float | None:
    """Since when a thread is at its end after these entries, in their order; None when it goes on."""
    for row in rows:
        occurred = occurrence(row)
        if row.entry.ends_thread:
            ended = max(occurred, ended or occurred)
        elif ended is not None and occurred > ended:
            ended = None
    return ended


def occurrence(row: OpenEntry) -> float:
    """When it happened, in seconds since 1970."""
    return row.entry.occurred.timestamp()


def is_held(row: OpenEntry, now: float) -> bool:
    """Whether the entry waits for the hours of its route or the end of a maintenance, and for nothing else."""
    return row.entry.not_before is not None and row.state is State.PENDING and row.due > now


def _are_held(members: Sequence[OpenEntry], now: float) -> bool:
    return all(is_held(row, now) for row in members)


def _endings(keys: Sequence[Sequence[OpenEntry]]) -> Mapping[str, Sequence[OpenEntry]]:
    """By the windows that are over and not posted yet: the key with the entry that says so."""
    return {row.entry.window: members for members in keys for row in members if is_ending(row)}


def is_ending(row: OpenEntry) -> bool:
    """Whether the entry says that a window is over."""
    return row.entry.source == BRIDGE and row.entry.kind == ENDED


def _is_to_come(row: OpenEntry, now: float) -> bool:
    """Whether the entry says that a window is over that is not: nothing takes it along."""
    return is_ending(row) and is_held(row, now)


def _window_of(members: Sequence[OpenEntry]) -> str:
    """The window for whose post all entries of a key wait; empty where there are others, for which they do not."""
    windows = {row.entry.window for row in members}
    return min(windows) if len(windows) == 1 else ""


def _collected(
    keys: Sequence[Sequence[OpenEntry]], threads: Mapping[str, ThreadRow], now: float, rules: Rules
) -> Iterator[list[Batch]]:
    """The posts of the windows that are over, each in the thread of its beginning; what still goes on comes first."""
    endings, taken = _endings(keys), set[str]()
    others = [members for members in keys if members not in endings.values() and not _waits(members, now)]
    for window, own in endings.items():
        if _waits(own, now):
            continue
        # What one window has collected may stand before what another has.
        left = [[row for row in members if row.entry.id not in taken] for members in others]
        parts = [part for members in left if (part := _up_to(members, window, now))]
        taken |= {row.entry.id for part in parts for row in part}
        parts.sort(key=lambda part: (part[-1].entry.ends_thread, -max(row.entry.severity.rank for row in part)))
        target = target_of(threads.get(own[0].entry.key), occurrence(own[0]), rules)
        yield list(_cut([*own, *chain.from_iterable(parts)], target, _fits_rows, digest=bool(parts)))


def _up_to(members: Sequence[OpenEntry], window: str, now: float) -> Rows:
    """The entries of a key up to the last that the window has collected, in their order."""
    places = [place for place, row in enumerate(members, 1) if row.entry.window == window and not is_held(row, now)]
    return tuple(members[: places[-1]]) if places else ()


def _whole(rows: Rows, keys: Sequence[Sequence[OpenEntry]]) -> Rows:
    """All entries of the key of these if they have waited for hours: one digest then says everything of it."""
    if not any(row.entry.not_before for row in rows):
        return rows
    return next(tuple(members) for members in keys if members[0].entry.key == rows[0].entry.key)


def _by_key(entries: Sequence[OpenEntry]) -> list[list[OpenEntry]]:
    """The entries of each key; the key whose first entry comes first is the first."""
    keys: dict[str, list[OpenEntry]] = {}
    for row in sorted(entries, key=_order):
        keys.setdefault(row.entry.key, []).append(row)
    return list(keys.values())


def _complete(members: Sequence[OpenEntry], now: float) -> Sequence[OpenEntry]:
    """The entries of a key up to the last one that is not new: what came before that one is recorded by now."""
    places = [place for place, row in enumerate(members, 1) if not _is_new(row, now)]
    return members[: places[-1]] if places else ()


def _is_new(row: OpenEntry, now: float) -> bool:
    """Whether an entry that came before it may not be recorded yet: messages of the queue are handled side by side."""
    if row.state is not State.PENDING or _is_due([row], now):
        return False
    return now - row.recorded < min(OVERTAKEN, (row.due - row.recorded) / 5)


def _order(row: OpenEntry) -> tuple[object, ...]:
    return row.entry.occurred, row.entry.received, row.entry.id


def _waits(members: Sequence[OpenEntry], now: float) -> bool:
    """Whether the key has an entry whose outcome is unknown, or one that is deferred."""
    return any(row.state is State.SENDING or (row.state is State.DEFERRED and row.due > now) for row in members)


def _is_due(members: Sequence[OpenEntry], now: float) -> bool:
    return any(row.due <= now + SKEW for row in members)


def _first_episode(members: Sequence[OpenEntry], thread: ThreadRow | None, rules: Rules) -> tuple[str, Rows]:
    """The thread of a key's first entry, and the entries that go there too."""
    target = target_of(thread, occurrence(members[0]), rules)
    ended = thread.ended if thread and target else None
    rows: Rows = ()
    for row in members:
        if rows and ended is not None and occurrence(row) - ended >= rules.reopen:
            break
        rows += (row,)
        ended = ended_after(ended, [row])
    return target, rows


def _storm(digest: ThreadRow | None, now: float, rules: Rules) -> Mapping[str, str]:
    """The thread of a storm that goes on, for each of its sources."""
    if digest is None or not digest.thread or now - digest.posted > rules.storm:
        return {}
    over = now - digest.created > rules.longest_storm
    return {} if over else dict.fromkeys(digest.memory.get(SOURCES, ()), digest.thread)


def _replies(old: Sequence[tuple[str, Rows]], rules: Rules) -> Iterator[list[Batch]]:
    """The batches for each thread that goes on."""
    targets: dict[str, list[Rows]] = {}
    for target, rows in old:
        targets.setdefault(target, []).append(rows)
    for target, keys in targets.items():
        if len(keys) > rules.digest_over:
            yield _digest(keys, target)
        else:
            yield list(_cut(sorted(chain.from_iterable(keys), key=_order), target, _fits_cards))


def _digest(keys: Sequence[Rows], target: str) -> list[Batch]:
    """The rows of many keys: the key with the most severe entry first, and each key's entries in their order."""
    ordered = sorted(keys, key=lambda rows: max(row.entry.severity.rank for row in rows), reverse=True)
    return list(_cut(list(chain.from_iterable(ordered)), target, _fits_rows, digest=True))


def _cut(
    rows: Sequence[OpenEntry], target: str, fits: Callable[[Rows], bool], *, digest: bool = False
) -> Iterator[Batch]:
    """Posts of as many entries as fit; an isolated entry is a post of its own, as a card."""
    follows = False
    for isolated, members in groupby(rows, key=lambda row: row.entry.id if row.isolated else ""):
        batch: Rows = ()
        for row in members:
            if batch and not fits((*batch, row)):
                yield Batch(batch, target, follows, digest)
                batch, follows = (), True
            batch += (row,)
        yield Batch(batch, target, follows, digest and not isolated)
        follows = True


def _fits_cards(rows: Rows) -> bool:
    return len(rows) <= MAX_CARDS and sum(len(row.entry.html.encode()) for row in rows) <= MAX_POST


def _fits_rows(rows: Rows) -> bool:
    return len(rows) <= MAX_ROWS
