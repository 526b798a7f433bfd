"""Asks for drains: a wake is a message on the queue that nobody sees before it is due, so that nothing ever sleeps."""

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from bridge.entries import Wake, to_message
from bridge.outbox.base import Queue, Wakes
from bridge.outbox.group_state import NextWake
from bridge.publishing.batching import SKEW

# All in seconds.
NEAR = 3600.0  # a wake that comes later has a row of its own, which those before it leave as it is
_LATER = "later"
# Storage queues delay a message by seven days at the most:
# https://learn.microsoft.com/rest/api/storageservices/put-message
LONGEST = 6 * 86400.0


@dataclass(frozen=True)
class Promise:
    """A wake that is on the queue. row: the name by which it is still to be noted; empty: it is noted already."""

    due: float
    row: str = ""

    def is_to_come(self, now: float) -> bool:
        """Whether nobody can have taken it yet."""
        return now + SKEW <= self.due


class Waker:
    """Puts wakes on the queue, as few as will do. clock: seconds since 1970.

    It remembers the wakes that it knows to be on the queue, which spares reading their rows.
    """

    def __init__(self, wakes: Wakes, queue: Queue, clock: Callable[[], float]) -> None:
        self._wakes, self._queue, self._clock = wakes, queue, clock
        self._coming: dict[str, float] = {}
        # Who finds that no wake is coming puts one; the others of the process wait to find it.
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def wake(self, group: str, due: float = 0.0) -> None:
        """Has the group drained when that is due, or at once, whatever other wakes are on their way."""
        self._queue.put(to_message(Wake(group)), max(0.0, due - self._clock()))

    def ask(self, group: str, due: float) -> None:
        """Has the group drained when that is due, or soon after it, but not before its wait is over.

        Where the queue cannot delay a wake for so long, an earlier one asks again.
        """
        promise = self._promise(group, due, looks=True)
        if promise.row:
            self._wakes.note_wake(promise.row, promise.due)

    def promise(self, group: str, due: float) -> Promise:
        """Has the group drained then, even while it waits, and does not look for wakes of other processes.

        The note of a new wake is left to the caller. It comes after the message and never before it: without one, it
        would silence all others.
        """
        return self._promise(group, due, looks=False)

    def _promise(self, group: str, due: float, *, looks: bool) -> Promise:
        with self._locks[group]:
            now = self._clock()
            due = max(due, now)
            row = f"{group} {_LATER}" if due > now + NEAR else group
            if _serves(self._coming.get(row), due, now):
                return Promise(self._coming[row])
            known = self._wakes.next_wake(row) if looks else NextWake()
            due = min(max(due, known.wait.until if known.wait else due), now + LONGEST)
            if known.due is not None and _serves(known.due, due, now):
                self._coming[row] = known.due
                return Promise(known.due)
            self.wake(group, due)
            if due <= now + SKEW:
                return Promise(due)
            self._coming[row] = due
            return Promise(due, row)


def _serves(coming: float | None, due: float, now: float) -> bool:
    """Whether a wake that comes then will do for what is due."""
    return coming is not None and now + SKEW <= coming <= due + SKEW
