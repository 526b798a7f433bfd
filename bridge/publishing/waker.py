"""Asks for drains: a wake is a message on the queue that nobody sees before it is due, so that nothing ever sleeps."""

from collections.abc import Callable

from bridge.entries import Wake, to_message
from bridge.outbox.base import Queue, Wakes
from bridge.publishing.batching import SKEW

# All in seconds.
_FAR = 3600.0  # a wake that comes later has a row of its own, which those before it leave as it is
_LATER = "later"
# Storage queues delay a message by seven days at the most:
# https://learn.microsoft.com/rest/api/storageservices/put-message
LONGEST = 6 * 86400.0


class Waker:
    """Puts wakes on the queue, as few as will do. clock: seconds since 1970."""

    def __init__(self, wakes: Wakes, queue: Queue, clock: Callable[[], float]) -> None:
        self._wakes, self._queue, self._clock = wakes, queue, clock

    def wake(self, group: str, due: float = 0.0) -> None:
        """Has the group drained when that is due, or at once, whatever other wakes are on their way."""
        self._queue.put(to_message(Wake(group)), max(0.0, due - self._clock()))

    def ask(self, group: str, due: float) -> None:
        """Has the group drained when that is due, or soon after it, but not before its wait is over.

        Where the queue cannot delay a wake for so long, an earlier one asks again.
        """
        wait, now = self._wakes.wait_of(group), self._clock()
        due = max(due, wait.until if wait else now, now)
        promised = f"{group} {_LATER}" if due > now + _FAR else group
        due = min(due, now + LONGEST)
        coming = self._wakes.next_wake(promised)
        if coming is not None and now + SKEW <= coming <= due + SKEW:
            return
        self.wake(group, due)
        # After the message and never before it: a row without its message would silence all others.
        if due > now + SKEW:
            self._wakes.note_wake(promised, due)
