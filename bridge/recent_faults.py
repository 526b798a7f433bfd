"""What went wrong in this process in the last minutes, for health to report."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

WINDOW = 600.0  # seconds for which a fault is reported
_MOST = 100  # different faults
_MOST_TIMES = 1000  # of each


class RecentFaults:
    """Counts faults that need a person although the bridge goes on. Safe for threads. clock: seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._times: dict[str, deque[float]] = {}

    def note(self, what: str) -> None:
        """Notes a fault in a sentence for an operator; it must hold nothing of a payload, and no secret."""
        with self._lock:
            self._forget()
            if what in self._times or len(self._times) < _MOST:
                self._times.setdefault(what, deque(maxlen=_MOST_TIMES)).append(self._clock())

    def report(self) -> Mapping[str, int]:
        """How often each fault happened in the last ten minutes."""
        with self._lock:
            self._forget()
            return {what: len(times) for what, times in self._times.items()}

    def _forget(self) -> None:
        before = self._clock() - WINDOW
        for what, times in list(self._times.items()):
            while times and times[0] < before:
                times.popleft()
            if not times:
                del self._times[what]
