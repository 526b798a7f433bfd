"""Maintenance windows: what is planned in BRIDGE_CONFIG, and what was started from the command line. Pure."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime

from bridge.calendar.hours import Hours
from bridge.values import dataclass

# What `match` may use: what an entry says of its event.
NAMES = ("source", "kind", "severity", "scope", "title", "summary", "url", "correlation_key")
# The posts at the beginning and at the end of a window are entries of the bridge's own.
BRIDGE, STARTED, ENDED = "bridge", "maintenance.started", "maintenance.ended"
_KEPT = 86400.0  # seconds for which a window that is over is still listed


@dataclass(frozen=True)
class Window:
    """A time in which the events that match are collected.

    begin, end: in seconds since 1970. match: an expression over `NAMES`. note: what is done. groups: the object ids of
    those that are informed whatever happens; empty: the default group.
    """

    id: str
    begin: float
    end: float
    match: str
    note: str = ""
    groups: tuple[str, ...] = ()

    def is_active(self, now: float) -> bool:
        """Whether the moment is within it."""
        return self.begin <= now < self.end


@dataclass(frozen=True)
class Plan:
    """A `[[maintenance]]`: once, or in every week. Its other fields are those of its windows."""

    match: str
    note: str
    groups: tuple[str, ...] = ()
    once: tuple[datetime, datetime] | None = None
    weekly: Hours | None = None

    def window(self, at: datetime) -> Window | None:
        """The window of that moment."""
        period = self.weekly.period(at) if self.weekly else self.once
        if period is None or not period[0] <= at < period[1]:
            return None
        begin, end = (moment.timestamp() for moment in period)
        return Window(window_id(self.match, self.note, begin), begin, end, self.match, self.note, self.groups)

    def begins(self, at: datetime) -> datetime | None:
        """When it begins next, or has begun; None when it is over."""
        if self.weekly:
            return self.weekly.open_from(at)
        return self.once[0] if self.once and at < self.once[1] else None


def window_id(match: str, note: str, begin: float) -> str:
    """The id of a window: the same for the same plan, on every instance."""
    return hashlib.sha256(f"{match}\n{note}\n{begin:.0f}".encode()).hexdigest()[:12]


def to_text(windows: Iterable[Window], now: float) -> str:
    """The windows as they are stored; those that are over for a day are left out."""
    return json.dumps([asdict(window) for window in windows if window.end > now - _KEPT])


def from_text(text: str) -> Sequence[Window]:
    """The stored windows, the first to begin first."""
    windows = [Window(**{**fields, "groups": tuple(fields["groups"])}) for fields in json.loads(text or "[]")]
    return sorted(windows, key=lambda window: (window.begin, window.id))
