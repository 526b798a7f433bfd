"""The right to have posts on their way: a share of the requests that Graph allows an app, or slots for all groups."""

import random
from collections.abc import Callable
from typing import Protocol

from bridge.outbox.base import Leases, Wakes
from bridge.outbox.rows import SLOTS
from bridge.publishing.leases import SLOT_COUNT, HeldLease, new_owner, take_slot

# All in seconds.
_LOOK = 2.0  # between two looks whether another group wants a slot
_WANTED = 10.0  # for how long that counts


class Rights(Protocol):
    """How many posts a drain may have on their way. most: never more than so many."""

    most: int

    def allows(self, running: int) -> bool:
        """Whether one more post may leave, beside so many."""

    def slot(self) -> HeldLease | None:
        """The slot for a post that leaves now, which `allows` has found; None where it needs none."""

    def give_back(self, slot: HeldLease | None) -> None:
        """Takes the slot of a post that is over."""


class Share:
    """So many posts at once, without slots."""

    def __init__(self, lanes: int) -> None:
        self.most = lanes

    def allows(self, running: int) -> bool:
        """Whether there are fewer."""
        return running < self.most

    def slot(self) -> None:
        """There is none."""

    def give_back(self, slot: HeldLease | None) -> None:
        """There is nothing to do."""


class Slots:
    """The slots of one drain: one to begin with, and more of them as long as no other group looks for one.

    clock: seconds since 1970. rng: names for owners, and the order in which slots are tried.
    """

    most = SLOT_COUNT

    def __init__(self, leases: Leases, wakes: Wakes, clock: Callable[[], float], rng: random.Random) -> None:
        self._leases, self._wakes, self._clock, self._rng = leases, wakes, clock, rng
        self._free: list[HeldLease] = []
        self._looks_at = self._grows_at = clock()

    def begin(self) -> bool:
        """Takes the first slot; where all are taken, it is noted that a group looks for one."""
        if not self._add():
            self._wakes.note_wake(SLOTS, self._clock())
        return bool(self._free)

    def end(self) -> None:
        """Gives back those that no post has."""
        while self._free:
            self._free.pop().release()

    def allows(self, running: int) -> bool:
        """Whether there is a slot. The first one is kept; the others go back when another group looks for one."""
        if running == 0:
            return bool(self._free)
        self._look()
        if self._clock() < self._grows_at:
            self.end()
            return False
        return running < self.most and (bool(self._free) or self._add())

    def slot(self) -> HeldLease | None:
        """The slot for a post that leaves now."""
        return self._free.pop()

    def give_back(self, slot: HeldLease | None) -> None:
        """Keeps the slot of a post that is over for the next one."""
        self._free += [slot] if slot else []

    def _add(self) -> bool:
        # Each has an owner of its own: an owner is given a lease again that it holds already.
        slot = take_slot(self._leases, new_owner(self._rng), self._clock, self._rng)
        if slot is None:
            self._grows_at = self._clock() + _LOOK
            return False
        self._free.append(slot)
        return True

    def _look(self) -> None:
        """Looks whether another group has found no slot lately: then this drain takes no more for a while."""
        now = self._clock()
        if now >= self._looks_at:
            self._looks_at = now + _LOOK
            noted = self._wakes.next_wake(SLOTS).due
            if noted is not None and abs(now - noted) < _WANTED:
                self._looks_at = self._grows_at = now + _WANTED
