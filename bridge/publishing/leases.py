"""Leases as their holder sees them: taken, kept long enough for a request, and given back."""

import contextlib
import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from bridge.errors import Conflict, LeaseLost
from bridge.outbox.base import Leases
from bridge.outbox.rows import SLOTS, Lease
from bridge.publishing.batching import SKEW

LEASE = 120.0  # seconds
AHEAD = 10.0  # seconds that the clock of a holder may be ahead of others before its leases are shortened
SLOT_COUNT = 4  # Graph allows an app four requests at once


class HeldLease:
    """A lease that was acquired; `lease` is what was written last."""

    def __init__(self, leases: Leases, lease: Lease, clock: Callable[[], float]) -> None:
        self.lease = lease
        self._leases = leases
        self._clock = clock

    def left(self) -> float:
        """Seconds until it expires."""
        return self.lease.expires - self._clock()

    def prolonged(self) -> Lease:
        """The lease as it is to be written for its full time."""
        return replace(self.lease, expires=self._clock() + LEASE)

    def keep(self, seconds: float) -> None:
        """Renews it when less than so many seconds are left; LeaseLost when it was taken over."""
        if self.left() < seconds:
            self._renew()

    def _renew(self) -> None:
        try:
            self.lease = self._leases.renew(self.prolonged())
        except Conflict:
            raise LeaseLost(f"{self.lease.partition}/{self.lease.name} was taken over.") from None

    def release(self) -> None:
        """Gives it back, if it is still held."""
        try:
            self.lease = self._leases.renew(replace(self.lease, owner="", expires=0.0))
        except Conflict:
            return


class GroupLease(HeldLease):
    """The lease of a group that nobody held when it was read: the first claim takes it, or `take`.

    It says whether the group has had a digest.
    """

    def __init__(self, leases: Leases, read: Lease, owner: str, clock: Callable[[], float]) -> None:
        super().__init__(leases, replace(read, owner=owner), clock)
        self._is_taken = self.is_given_back = False

    def left(self) -> float:
        """Seconds until it expires; all of them as long as it is not taken."""
        return super().left() if self._is_taken else LEASE

    def take(self) -> None:
        """Takes it now, before anything else is written; LeaseLost when another was faster."""
        if not self._is_taken:
            self._renew()
            self._is_taken = True

    def claimed(self, written: Lease) -> None:
        """Notes that a claim has taken or prolonged it."""
        self.lease, self._is_taken = written, True

    def note_digest(self, *, exists: bool) -> None:
        """Notes with the lease whether the group has had a digest: once it has, for ever."""
        self.lease = replace(self.lease, has_digest=exists or self.lease.has_digest is True)

    def given_back(self) -> Lease:
        """The lease as it is to be written by a batch that gives it back; `release` does nothing from then on."""
        return replace(self.lease, owner="", expires=0.0)

    def note_given_back(self) -> None:
        """Notes that such a batch was written."""
        self.is_given_back = True

    def release(self) -> None:
        """Gives it back, if it was taken and is still held."""
        if self._is_taken and not self.is_given_back:
            super().release()


def held_until(leases: Leases, lease: Lease, now: float) -> float | None:
    """When the time of a lease's holder is over, as `acquire` has it; None when nobody has it."""
    if not lease.is_held(now - SKEW):
        return None
    return _shortened(leases, lease, now + LEASE).expires


def lanes_of(groups: int) -> int:
    """How many requests each of so many groups may have under way without a slot: its share of what Graph allows.

    0: there is not enough for each of them.
    """
    return SLOT_COUNT // max(1, groups)


def take_slot(leases: Leases, owner: str, clock: Callable[[], float], rng: random.Random) -> HeldLease | None:
    """One of the app's slots, tried in random order; None when all are taken."""
    for number in rng.sample(range(SLOT_COUNT), SLOT_COUNT):
        slot = _take(leases, SLOTS, f"slot/{number}", owner, clock)
        if isinstance(slot, HeldLease):
            return slot
    return None


@contextlib.contextmanager
def app_lock(leases: Leases, name: str, clock: Callable[[], float], rng: random.Random) -> Iterator[bool]:
    """Yields whether it got the whole app's lock of that name; it is kept for two minutes at the most."""
    lease = _take(leases, SLOTS, name, new_owner(rng), clock)
    try:
        yield isinstance(lease, HeldLease)
    finally:
        if isinstance(lease, HeldLease):
            lease.release()


class RateLimiter:
    """At most `count` permits in so many seconds for the whole app, however many instances it has."""

    def __init__(
        self, leases: Leases, name: str, count: int, seconds: float, clock: Callable[[], float], rng: random.Random
    ) -> None:
        self._leases, self._name, self._seconds = leases, name, seconds
        self._clock, self._rng = clock, rng
        self._taken = dict.fromkeys(range(count), 0.0)  # until when, as far as it is known here

    def take(self) -> float:
        """Takes a permit and returns 0, or returns the seconds until one may be free."""
        free = [number for number, until in list(self._taken.items()) if until <= self._clock()]
        for number in self._rng.sample(free, len(free)):
            now, owner = self._clock(), new_owner(self._rng)
            lease = acquire(self._leases, SLOTS, f"{self._name}/{number}", owner, now, now + self._seconds)
            self._taken[number] = lease.expires
            if lease.owner == owner:
                return 0.0
        return max(min(self._taken.values()) - self._clock(), SKEW)


def acquire(leases: Leases, partition: str, name: str, owner: str, now: float, expires: float) -> Lease:
    """The lease as `Leases.acquire` gives it, but nobody's for longer than the caller would have it from now on.

    A lease that says more was written by a clock that is ahead. Its row is shortened: from then on it ends at the same
    time for everybody, and a holder that still lives has lost it, as if it had been taken over.
    """
    lease = leases.acquire(partition, name, owner, now, expires)
    return lease if lease.owner == owner else _shortened(leases, lease, expires)


def _shortened(leases: Leases, lease: Lease, expires: float) -> Lease:
    if lease.expires <= expires + AHEAD:
        return lease
    with contextlib.suppress(Conflict):
        leases.renew(replace(lease, expires=expires))
    return replace(lease, expires=expires)


def new_owner(rng: random.Random) -> str:
    """A name for an owner of leases that no other has."""
    return f"{rng.getrandbits(64):016x}"


def _take(leases: Leases, partition: str, name: str, owner: str, clock: Callable[[], float]) -> HeldLease | float:
    now = clock()
    # It expires a little later for others than for its holder: their clocks may differ.
    lease = acquire(leases, partition, name, owner, now - SKEW, now + LEASE)
    return HeldLease(leases, lease, clock) if lease.owner == owner else lease.expires
