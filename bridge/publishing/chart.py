"""The chart of a digest: events over time, as blocks of their severities."""

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from bridge.entries import Entry
from bridge.events import Severity
from bridge.rendering.filters import count, duration

MAX_COLUMNS = 30

_DAY = 24 * 60  # minutes
_STEPS = (1, 2, 5, 10, 15, 30, 60, 2 * 60, 3 * 60, 6 * 60, 12 * 60)  # minutes
_STEP_NAMES = {1: "minute", 60: "hour", _DAY: "day"}
_PHONE_WIDTH = 290  # pixels
_WIDTH, _HEIGHT = 540, 48  # pixels
_WIDEST_COLUMN = 60
_LOWEST_BLOCK = 2


@dataclass(frozen=True)
class Clock:
    """How times are written, the pixels that one takes, and the time zone."""

    format: str
    width: int
    zone: tzinfo

    def __call__(self, time: datetime) -> str:
        """The time as it is written."""
        return f"{time.astimezone(self.zone):{self.format}}"


@dataclass(frozen=True)
class Chart:
    """Events per step of time: a column has blocks of a severity and a height, a label a text and a share.

    width: in pixels. share: of the width, in percent.
    """

    caption: str
    columns: tuple[tuple[tuple[Severity, int], ...], ...]
    width: int
    labels: tuple[tuple[str, int], ...]


def chart_of(entries: Sequence[Entry], clock: Clock) -> Chart:
    """The chart of one entry or more, by when they occurred."""
    first, last = extent(entries)
    step = _step(first, last)
    start = _position(first, step)
    counts: list[Counter[Severity]] = [Counter() for _ in range(start, _position(last, step) + 1)]
    for entry in entries:
        counts[_position(entry.occurred, step) - start][entry.severity] += 1
    peak = max(column.total() for column in counts)
    pitch = min(_WIDTH // len(counts), _WIDEST_COLUMN)
    times = [clock(datetime.fromtimestamp(60 * step * (start + index), UTC)) for index in range(len(counts))]
    return Chart(
        caption=f"Events per {_STEP_NAMES.get(step) or duration(60 * step)}, {count(peak)} at most",
        columns=tuple(_blocks(column, peak) for column in counts),
        width=pitch * len(counts),
        labels=_labels(times, pitch, clock.width),
    )


def _step(first: datetime, last: datetime) -> int:
    """The shortest step, in minutes, of which few enough are needed."""
    steps = itertools.chain(_STEPS, itertools.count(_DAY, _DAY))
    return next(step for step in steps if _position(last, step) - _position(first, step) < MAX_COLUMNS)


def _position(time: datetime, step: int) -> int:
    return int(time.timestamp() // (60 * step))


def _blocks(counts: Counter[Severity], peak: int) -> tuple[tuple[Severity, int], ...]:
    """The blocks of a column, from the top down: the worst stands on the base line. None is too low to be visible."""
    return tuple(
        (severity, max(round(_HEIGHT * counts[severity] / peak), _LOWEST_BLOCK))
        for severity in reversed(worst_first(counts))
    )


def _labels(times: list[str], pitch: int, width: int) -> tuple[tuple[str, int], ...]:
    """A time under every column or under as many as there is room for, on a phone, too."""
    every = math.ceil(width / min(pitch, _PHONE_WIDTH // len(times)))
    groups = [times[index : index + every] for index in range(0, len(times), every)]
    return tuple((group[0] if len(group) == every else "", round(100 * len(group) / len(times))) for group in groups)


def extent(entries: Sequence[Entry]) -> tuple[datetime, datetime]:
    """When the first and the last of them occurred."""
    times = [entry.occurred for entry in entries]
    return min(times), max(times)


def worst_first(counts: Counter[Severity]) -> list[Severity]:
    """The severities that were counted, the worst first."""
    return sorted((severity for severity in counts if counts[severity]), reverse=True)
