"""Which summaries of what stands open a person wants, and when, as BRIDGE_CONFIG declares them."""

import hashlib
from collections.abc import Callable
from typing import Any

from bridge.calendar.schedules import Calendar
from bridge.values import dataclass

# What an expression may use.
NAMES = frozenset({"category", "title", "url", "state", "severity", "scope", "source", "kind", "hours"})


@dataclass(frozen=True)
class StandingSummary:
    """One `[[summary]]`.

    when, matches: which rows are in it. times: when it is posted. groups: object ids; each gets what stands open in its
    own threads. most: rows that it shows. line: where it stands in BRIDGE_CONFIG.
    """

    name: str
    when: str
    matches: Callable[..., Any]
    times: Calendar
    groups: tuple[str, ...]
    most: int
    line: int = 0

    @property
    def rule(self) -> str:
        """A hash of its times: others are those of another summary of the same name."""
        return hashlib.sha256(f"{self.times.text}\n{self.times.zone}".encode()).hexdigest()[:16]
