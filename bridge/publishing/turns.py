"""Which groups this process is draining: one drain of a group at a time, without asking storage for it."""

import threading


class Turns:
    """One turn of a group at a time. A caller that comes meanwhile has the holder look again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[str, bool] = {}

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

    def end(self, group: str) -> None:
        """Gives the turn back."""
        with self._lock:
            del self._asked[group]
