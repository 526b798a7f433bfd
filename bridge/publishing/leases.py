"""Leases as their holder sees them: taken, kept long enough for a request, and given back."""

import contextlib
import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from bridge.errors import Conflict, LeaseLost
from bridge.outbox.base import SLOTS, Lease, Outbox
from bridge.publishing.batching import SKEW

LEASE = 120.0  # seconds
SLOT_COUNT = 4  # Graph allows an app four requests at once


class HeldLease:
    """A lease that was acquired; `lease` is what was written last."""

    def __init__(self, outbox: Outbox, lease: Lease, clock: Callable[[], float]) -> None:
        self.lease = lease
        self._outbox = outbox
        self._clock = clock

    def left(self) -> float:
        """Seconds until it expires."""
        return self.lease.expires - self._clock()

    def prolonged(self) -> Lease:
        """The lease as it is to be written for its full time."""
        return replace(self.lease, expires=self._clock() + LEASE)

    def keep(self, seconds: float) -> None:
        """Renews it when less than so many seconds are left; LeaseLost when it was taken over."""
        if self.left() >= seconds:
            return
        try:
            self.lease = self._outbox.renew(self.prolonged())
        except Conflict:
            raise LeaseLost(f"{self.lease.partition}/{self.lease.name} was taken over.") from None

    def release(self) -> None:
        """Gives it back, if it is still held."""
        try:
            self.lease = self._outbox.renew(replace(self.lease, owner="", expires=0.0))
        except Conflict:
            return


def take_lease(outbox: Outbox, group: str, owner: str, clock: Callable[[], float]) -> HeldLease | float:
    """The group's lease, or when the one who has it will lose it."""
    return _take(outbox, group, "lease", owner, clock)


def take_slot(outbox: Outbox, owner: str, clock: Callable[[], float], chance: random.Random) -> HeldLease | None:
    """One of the app's slots, tried in random order; None when all are taken."""
    for number in chance.sample(range(SLOT_COUNT), SLOT_COUNT):
        slot = _take(outbox, SLOTS, f"slot/{number}", owner, clock)
        if isinstance(slot, HeldLease):
            return slot
    return None


@contextlib.contextmanager
def app_lock(outbox: Outbox, name: str, clock: Callable[[], float], chance: random.Random) -> Iterator[bool]:
    """Whether nobody else in the whole app is within such a block of that name, for two minutes at the most."""
    lease = _take(outbox, SLOTS, name, f"{chance.getrandbits(64):016x}", clock)
    try:
        yield isinstance(lease, HeldLease)
    finally:
        if isinstance(lease, HeldLease):
            lease.release()


class RateLimiter:
    """So many of something in so many seconds for the whole app, however many instances it has."""

    def __init__(
        self, outbox: Outbox, name: str, count: int, seconds: float, clock: Callable[[], float], chance: random.Random
    ) -> None:
        self._outbox, self._name, self._seconds = outbox, name, seconds
        self._clock, self._chance = clock, chance
        self._taken = dict.fromkeys(range(count), 0.0)  # until when, as far as it is known here

    def take(self) -> float:
        """Takes one and returns 0, or the seconds until there may be one."""
        free = [number for number, until in list(self._taken.items()) if until <= self._clock()]
        for number in self._chance.sample(free, len(free)):
            now, owner = self._clock(), f"{self._chance.getrandbits(64):016x}"
            lease = self._outbox.acquire(SLOTS, f"{self._name}/{number}", owner, now, now + self._seconds)
            self._taken[number] = lease.expires
            if lease.owner == owner:
                return 0.0
        return max(min(self._taken.values()) - self._clock(), SKEW)


def _take(outbox: Outbox, partition: str, name: str, owner: str, clock: Callable[[], float]) -> HeldLease | float:
    now = clock()
    # It expires a little later for others than for its holder: their clocks may differ.
    lease = outbox.acquire(partition, name, owner, now - SKEW, now + LEASE)
    return HeldLease(outbox, lease, clock) if lease.owner == owner else lease.expires
