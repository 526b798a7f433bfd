"""Which open entries of a crowded group a drain reads, and when it can do something for the others. Pure.

A drain sees the heads of all of them, and reads what it can use: of each key the first entries in their order, and all
that the key waits for. So it plans for these what it would plan for them if it had read everything.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bridge.limits import MAX_CARDS
from bridge.outbox.heads import Head
from bridge.outbox.rows import State
from bridge.publishing.batching import SKEW

PENDING, SENDING, DEFERRED = State.PENDING.value, State.SENDING.value, State.DEFERRED.value

Until = Callable[[Head, float], float]
"""Until when an entry waits that was recorded to wait, as `Waiting.until` has it."""

Members = list[Head]


@dataclass(frozen=True)
class KeyDue:
    """When something can be done for entries of a key.

    first: when the first of them is due. tried: when the last of those is that were tried already; 0: there are none.
    window: the maintenance for whose end all of them wait; empty: there are others.
    """

    first: float
    tried: float
    window: str

    @staticmethod
    def of(members: Sequence[Head]) -> "KeyDue":
        """Of these entries of a key."""
        windows = {head.window for head in members}
        tried = max((head.due for head in members if head.state != PENDING), default=0.0)
        return KeyDue(min(head.due for head in members), tried, min(windows) if len(windows) == 1 else "")

    def with_others(self, other: "KeyDue | None") -> "KeyDue":
        """Of these and other entries of the key."""
        if other is None:
            return self
        window = self.window if self.window == other.window else ""
        return KeyDue(min(self.first, other.first), max(self.tried, other.tried), window)

    def due(self, now: float) -> float:
        """The key waits as a whole for what was tried: to count the others as due would wake the group in a circle."""
        return self.tried if self.tried > now else self.first


@dataclass
class Unread:
    """The open entries that a drain has not read. count: how many. keys: when something can be done for them.

    recorded: when the first of those was recorded that could be sent now; None: none can.
    """

    count: int = 0
    keys: dict[str, KeyDue] = field(default_factory=dict)
    recorded: float | None = None

    @property
    def has_tried(self) -> bool:
        """Whether any of them was tried already."""
        return any(key.tried for key in self.keys.values())

    def add(self, members: Sequence[Head]) -> None:
        """Adds entries of one key, one or more."""
        key = members[0].key
        self.count += len(members)
        self.keys[key] = KeyDue.of(members).with_others(self.keys.get(key))


_NONE: Mapping[str, KeyDue] = {}


def next_due(heads: Iterable[Head], now: float, unread: Mapping[str, KeyDue] = _NONE) -> float | None:
    """When a drain can next do something; None when nothing is open. unread: of further entries."""
    heads = list(heads)
    to_come = [head.due for head in heads if head.is_ending and is_held(head, now)]
    keys = _by_key(head for head in heads if not (head.is_ending and is_held(head, now)))
    dues = {**unread, **{key: KeyDue.of(members).with_others(unread.get(key)) for key, members in keys.items()}}
    endings = {head.window: dues[key].due(now) for key, members in keys.items() for head in members if head.is_ending}
    return min([*to_come, *(max(key.due(now), endings.get(key.window, 0.0)) for key in dues.values())], default=None)


def is_held(head: Head, now: float) -> bool:
    """Whether the entry waits for the hours of its route or the end of a maintenance, and for nothing else."""
    return head.waits and head.state == PENDING and head.due > now


def choose(heads: Iterable[Head], now: float, most: int, digest_over: float, until: Until) -> tuple[set[str], Unread]:
    """The ids of the entries to read, and what is left.

    most: about so many are read, and more only of what belongs together. First comes what is read as a whole: outcomes
    that are to be looked up, and what the maintenances have collected that are over. Then keys with a share each: those
    that are due, then those with an entry that is to wait until another time, and last those that will be due soon, by
    which a storm is recognised. The longest wait comes first.
    """
    heads = list(heads)
    changed = dict(_changed(heads, now, until))
    keys = _by_key(changed.get(head.id, head) for head in heads)
    uses = _uses(keys, now, changed)
    whole = [use for use in uses if use.rank == _WHOLE]
    others = [use for use in uses if use.rank != _WHOLE]
    share, ids = _share(most, len(others), digest_over), set[str]()
    for place, use in enumerate(whole):
        # Entries of one post are looked up together.
        if len(ids) >= most and use.since > whole[place - 1].since:
            break
        ids.update(head.id for head in use.members[: use.least])
    for place, use in enumerate(others):
        # One of them always has its turn.
        if place and len(ids) >= most:
            break
        ids.update(head.id for head in use.members[: max(use.least, share)])
    return ids, _left(keys, ids, changed, {use.members[0].key for use in others}, now)


def _changed(heads: Iterable[Head], now: float, until: Until) -> Iterator[tuple[str, Head]]:
    """The entries that are to wait until another time, as they will be, by their ids."""
    known: dict[tuple[str, str], float] = {}
    for head in heads:
        if is_held(head, now):
            waits_for = (head.window, head.hours)
            if waits_for not in known:
                known[waits_for] = until(head, now)
            if known[waits_for] != head.due:
                yield head.id, head._replace(due=known[waits_for])


def _by_key(heads: Iterable[Head]) -> dict[str, Members]:
    keys: dict[str, Members] = {}
    for head in heads:
        keys.setdefault(head.key, []).append(head)
    return keys


def _share(most: int, keys: int, digest_over: float) -> int:
    """How many entries of each key are read: as many as a post has, unless a digest would miss some of the keys."""
    fair = max(MAX_CARDS, most // max(1, keys))
    return min(fair, int(most // (digest_over + 1))) if digest_over < min(keys, most) else fair


_WHOLE, _DUE, _CHANGED, _SOON = range(4)


class _Use(NamedTuple):
    """A key for which a drain can do something. They compare in the order in which they are read.

    rank: why it is read. since: when its longest wait began. least: how many of its entries that takes, in their order.
    """

    rank: int
    since: float
    least: int
    members: Members


def _uses(keys: Mapping[str, Members], now: float, changed: Collection[str]) -> list[_Use]:
    endings = {key: head for key, members in keys.items() for head in members if head.is_ending}
    # Of the maintenances that are over: whether the post that says so has to wait.
    over = {head.window: bool(_tried(keys[key], now)) for key, head in endings.items() if not is_held(head, now)}
    uses = (
        _Use(_WHOLE, 0.0, len(members), members) if key in endings else _use(members, now, changed, over)
        for key, members in keys.items()
    )
    return sorted(use for use in uses if use)


def _use(members: Members, now: float, changed: Collection[str], over: Mapping[str, bool]) -> _Use | None:
    """What can be done for a key; None for one that waits."""
    if tried := _tried(members, now):
        members.sort()
        due = [head.due for head in tried if head.state == SENDING and head.due <= now]
        return _Use(_WHOLE, min(due), _last(members, tried), members) if due else None
    windows = {head.window for head in members}
    posted = {window for window in windows if over.get(window) is False}
    is_collected = len(windows) == 1 and windows <= over.keys()
    if is_collected and not posted:
        return None
    members.sort()
    if posted:
        return _Use(_WHOLE, 0.0, _last(members, [head for head in members if head.window in posted]), members)
    since = min(head.recorded for head in members)
    if place := _first(members, lambda head: head.due <= now + SKEW):
        return _Use(_DUE, since, max(place, _first(members, lambda head: head.window not in over)), members)
    if place := _first(members, lambda head: head.id in changed):
        return _Use(_CHANGED, since, place, members)
    return None if all(is_held(head, now) for head in members) else _Use(_SOON, since, 1, members)


def _tried(members: Members, now: float) -> Members:
    """What a key waits for: entries whose outcome is unknown, and those that are deferred."""
    return [head for head in members if head.state == SENDING or (head.state == DEFERRED and head.due > now)]


def _first(members: Members, is_wanted: Callable[[Head], bool]) -> int:
    """The place of the first such entry, counted from one; 0 where there is none."""
    return next((place for place, head in enumerate(members, 1) if is_wanted(head)), 0)


def _last(members: Members, wanted: Members) -> int:
    return members.index(max(wanted)) + 1


def _left(
    keys: Mapping[str, Members], ids: Collection[str], changed: Collection[str], ready: Collection[str], now: float
) -> Unread:
    """What is not read. ready: the keys that have nothing to wait for."""
    unread, recorded = Unread(), list[float]()
    for key, members in keys.items():
        rest = [head for head in members if head.id not in ids]
        if rest and key in ready:
            # What is to wait until another time is written at once.
            rest = [head._replace(due=min(now, head.due)) if head.id in changed else head for head in rest]
            recorded += [head.recorded for head in rest if not is_held(head, now)]
        if rest:
            unread.add(rest)
    unread.recorded = min(recorded, default=None)
    return unread
