"""Counts the requests that were refused before anyone was authenticated, and says which are worth a line of the log.

A flood of them costs no line for each, and its answer is 429. A sender that authenticates itself is never among them:
GitHub, for one, never tries again, and anybody can make its servers send to the bridge.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bridge.errors import UnknownSignIn, WebhookError
from bridge.limits import MAX_REFUSALS
from bridge.steps import log_step

_MINUTE = 60.0  # seconds


@dataclass
class _Minute:
    """The refusals of a source since `began`. is_flood: the minute before had too many, too."""

    began: float
    count: int = 0
    is_flood: bool = False
    silent: int = 0  # those without a line of their own


class Refusals:
    """The refusals of this instance, minute by minute and by source; thread-safe.

    most: of a source in a minute. clock: monotonic seconds.
    """

    def __init__(self, most: int = MAX_REFUSALS, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._minutes: dict[str, _Minute] = {}
        self._lock = threading.Lock()

    def add(
        self, source: str, error: WebhookError | UnknownSignIn, delivery: str = ""
    ) -> tuple[int, Mapping[str, str], str]:
        """Counts one, and returns the status, the headers and the reason with which it is answered."""
        self.flush()
        with self._lock:
            now = self._clock()
            minute = self._minutes.setdefault(source, _Minute(now))
            minute.count += 1
            minute.is_flood = minute.is_flood or minute.count > self._most
            if minute.is_flood:
                minute.silent += 1
                wait = max(1, math.ceil(minute.began + _MINUTE - now))
        if not minute.is_flood:
            log_step(
                "refused", logging.WARNING, source=source, delivery=delivery, status=error.status, reason=str(error)
            )
            return error.status, {}, str(error)
        reason = "Too many requests were refused here in a minute; the log says why. Authenticated ones are accepted."
        return 429, {"Retry-After": str(wait)}, reason

    def flush(self) -> None:
        """Logs one line for each source of which there were too many, if its minute is over."""
        if not self._minutes:
            return
        with self._lock:
            now = self._clock()
            over = {name: each for name, each in self._minutes.items() if now - each.began >= _MINUTE}
            for name, minute in over.items():
                del self._minutes[name]
                # A flood that goes on gets no lines of its own in the next minute, either.
                if minute.is_flood and now - minute.began < 2 * _MINUTE and minute.count > self._most:
                    self._minutes[name] = _Minute(now, is_flood=True)
        for name, minute in over.items():
            if minute.silent:
                reason = f"{minute.count} requests in a minute were not authenticated."
                log_step(
                    "refused", logging.WARNING, source=name, delivery="", status=429, reason=reason, count=minute.silent
                )
