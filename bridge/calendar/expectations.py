"""What is expected to come again and again, as BRIDGE_CONFIG declares it, and when its silence is news."""

import hashlib
from collections.abc import Callable
from typing import Any

from bridge.calendar.schedules import Calendar
from bridge.events import Severity
from bridge.values import dataclass

_EARLY = 60.0  # seconds by which what comes may precede its time, as clocks differ
_WRITTEN_EVERY = 60.0  # seconds; see `written_every`


@dataclass(frozen=True)
class Every:
    """It comes at least once in so many seconds. text: as a person wrote it."""

    text: str
    seconds: float

    def due_after(self, last: float) -> float:
        """When it must have come again at the latest."""
        return last + self.seconds

    @property
    def words(self) -> str:
        """How often, for people."""
        return f"at least every {self.text}"


@dataclass(frozen=True)
class At:
    """It comes after certain times, within the grace: so many seconds. text: the grace as a person wrote it."""

    times: Calendar
    grace: float
    text: str

    def due_after(self, last: float) -> float:
        """When it must have come again at the latest."""
        return self.times.next_after(last + _EARLY) + self.grace

    @property
    def words(self) -> str:
        """When, for people."""
        return f"{self.times.text} ({self.times.zone}), within {self.text}"


@dataclass(frozen=True)
class Expectation:
    """One `[[expect]]`.

    matches: whether an event is it. groups: object ids of those that are informed of its silence. severity: of that
    news. line: where it stands in BRIDGE_CONFIG.
    """

    name: str
    when: str
    matches: Callable[..., Any]
    schedule: Every | At
    groups: tuple[str, ...]
    severity: Severity = Severity.ERROR
    line: int = 0

    @property
    def written_every(self) -> float:
        """Seconds; it is written that often at most when it came last, however often it comes."""
        seconds = self.schedule.seconds if isinstance(self.schedule, Every) else self.schedule.grace
        return min(_WRITTEN_EVERY, seconds / 10)

    def due_after(self, last: float) -> float:
        """When its silence is news, if it came last at `last`, or a moment later."""
        return self.schedule.due_after(last) + self.written_every

    def is_known(self, at: float, written: float) -> bool:
        """Whether it need not be written that it came at `at`, as it is written that it came a moment before."""
        moment = self.written_every
        return at - written < moment and self.due_after(at) - self.due_after(written) < moment

    @property
    def rule(self) -> str:
        """A hash of what it says: another one is another expectation of the same name."""
        return hashlib.sha256(f"{self.when}\n{self.schedule.words}".encode()).hexdigest()[:16]
