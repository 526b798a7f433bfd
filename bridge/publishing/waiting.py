"""Until when an entry waits: for the hours of its route, or the end of a maintenance window.

What is configured now decides, not what was when it came.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from bridge.calendar.hours import Hours
from bridge.entries import Entry
from bridge.outbox.heads import Head
from bridge.publishing.windows import Windows


class Waiting:
    """Says from when on entries may be posted: from now on, or later. hours: by their names.

    now: seconds since 1970, as all times here.
    """

    def __init__(self, hours: Mapping[str, Hours], windows: Windows | None = None) -> None:
        self._hours = hours
        self.windows = windows or Windows()

    def until(self, entry: Entry | Head, now: float) -> float:
        """Of an entry that waits. What waits for hours or a window that are gone may be posted."""
        if entry.window:
            return max(now, self.windows.end_of(entry.window, now))
        hours = self._hours.get(entry.hours)
        return hours.open_from(datetime.fromtimestamp(now, UTC)).timestamp() if hours else now

    def first_until(self, entry: Entry, now: float) -> float:
        """Of an entry that is recorded now, perhaps late: one whose time has come waits no longer."""
        if entry.not_before is None or entry.not_before.timestamp() <= now:
            return now
        return self.until(entry, now)


NOT_WAITING = Waiting({})
