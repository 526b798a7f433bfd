"""Which groups this process is draining: one drain of a group at a time, without asking storage for it."""

import threading


REST = 5.0  # seconds


class Turns:
    """One turn of a group at a time. A caller that comes meanwhile has the holder look again.

    A crowded group rests after each look: looking at it costs much more than at another.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[str, bool] = {}
        self._rests: dict[str, float] = {}

    def begin(self, group: str) -> bool:
        """Takes the turn; False when another has it, which then looks again."""
        with self._lock:
            if group in self._asked:
                self._asked[group] = True
                return False
            self._asked[group] = False
            return True

    def goes_on(self, group: str) -> bool:
        """Whether somebody has come since the turn began, or since this was asked last."""
        with self._lock:
            asked, self._asked[group] = self._asked[group], False
            return asked

    def rest(self, group: str, now: float) -> None:
        """Has the group rest from now on."""
        self._rests[group] = now + REST

    def rests_until(self, group: str, now: float) -> float | None:
        """Until when the group rests; None when it does not."""
        until = self._rests.get(group, now)
        return until if now < until <= now + REST else None

    def end(self, group: str) -> None:
        """Gives the turn back."""
        with self._lock:
            del self._asked[group]
