"""Which groups this process is draining: one drain of a group at a time, without asking storage for it."""

import threading
from collections.abc import Callable

REST = 5.0  # seconds


class Turns:
    """One turn of a group at a time. A caller that comes meanwhile has the holder look again.

    A crowded group rests after a drain, because looking at it takes so long. clock: seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._lock, self._clock = threading.Lock(), clock
        self._asked: dict[str, bool] = {}
        self._rested: dict[str, float] = {}

    def begin(self, group: str) -> bool:
        """Takes the turn; False when the group rests, or when another has the turn, which then looks again."""
        with self._lock:
            if group in self._asked:
                self._asked[group] = True
                return False
            if self._rests(group):
                return False
            self._asked[group] = False
            return True

    def goes_on(self, group: str) -> bool:
        """Whether somebody has come since the turn began, or since this was asked last, and the group does not rest."""
        with self._lock:
            asked, self._asked[group] = self._asked[group], False
            return asked and not self._rests(group)

    def rest(self, group: str) -> None:
        """Has the group rest from now on."""
        with self._lock:
            self._rested[group] = self._clock()

    def end(self, group: str) -> None:
        """Gives the turn back."""
        with self._lock:
            del self._asked[group]

    def _rests(self, group: str) -> bool:
        since = self._rested.get(group)
        return since is not None and since <= self._clock() < since + REST
