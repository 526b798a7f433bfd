"""The maintenance windows of now: those of the configuration, and those that were started from the command line."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from bridge.calendar.maintenance import BRIDGE, NAMES, Plan, Window, from_text
from bridge.entries import Entry
from bridge.rendering.expressions import Expression, compiled, fault

FRESH = 15.0  # seconds for which what was read of the storage is good, however many entries come

_logger = logging.getLogger(__name__)


class Windows:
    """Says which windows there are, and which of them collects an entry.

    stored: reads the text of those that were started. Times are in seconds since 1970.
    """

    def __init__(self, plans: Sequence[Plan] = (), stored: Callable[[], str] = lambda: "") -> None:
        self._plans, self._stored = plans, stored
        self._read: tuple[float, Sequence[Window]] | None = None

    def refresh(self) -> None:
        """Has what was started read again."""
        self._read = None

    def active(self, now: float) -> Sequence[Window]:
        """All windows of that moment, the first that began first."""
        at = datetime.fromtimestamp(now, UTC)
        planned = [window for plan in self._plans if (window := plan.window(at))]
        started = [window for window in self._started(now) if window.is_active(now)]
        return sorted([*planned, *started], key=lambda window: (window.begin, window.id))

    def of(self, entry: Entry, now: float) -> Window | None:
        """The window that collects the entry."""
        if entry.source == BRIDGE:
            return None
        return next((window for window in self.active(now) if _matches(window, entry)), None)

    def end_of(self, window_id: str, now: float) -> float:
        """When the window ends; now if it is over, or is planned no more."""
        return next((window.end for window in self.active(now) if window.id == window_id), now)

    def _started(self, now: float) -> Sequence[Window]:
        if self._read is None or not self._read[0] <= now < self._read[0] + FRESH:
            self._read = (now, _windows_in(self._stored()))
        return self._read[1]


def _windows_in(text: str) -> Sequence[Window]:
    try:
        return from_text(text)
    except (KeyError, TypeError, ValueError):
        _logger.exception("The stored maintenance windows cannot be read: none of them counts")
        return ()


def _matches(window: Window, entry: Entry) -> bool:
    values = {name: getattr(entry, name, "") for name in NAMES} | {"title": entry.topic}
    try:
        return bool(_expression(window.match)(**values))
    except Exception:  # whatever it raises must not cost the event
        _logger.exception("The expression of a maintenance window failed, and does not match: %s", window.match)
        return False


@lru_cache(maxsize=100)
def _expression(text: str) -> Expression:
    return compiled("false" if fault(text, NAMES) else text)
