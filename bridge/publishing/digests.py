"""How a storm reads: one post that tells many events of many things."""

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from types import MappingProxyType

from bridge.entries import Entry
from bridge.events import Severity
from bridge.rendering.filters import count, duration, offset, plural
from bridge.rendering.renderer import MAX_LINE, OwnTemplates, environment
from bridge.rendering.text import one_line

MAX_ROWS = 200
MAX_DIGEST = 200_000  # bytes of as many rows
MAX_COLUMNS = 30

_NO_TITLES: Mapping[str, str] = MappingProxyType({})
_NOUNS = {
    Severity.CRITICAL: ("critical", "critical"),
    Severity.ERROR: ("error", "errors"),
    Severity.WARNING: ("warning", "warnings"),
    Severity.INFO: ("info", "info"),
    Severity.SUCCESS: ("success", "successes"),
}
_MINUTE = timedelta(minutes=1)
_DAY = 24 * 60  # minutes
_STEPS = (1, 2, 5, 10, 15, 30, 60, 2 * 60, 3 * 60, 6 * 60, 12 * 60)  # minutes
_STEP_NAMES = {1: "minute", 60: "hour", _DAY: "day"}
_PHONE_WIDTH = 290  # pixels
_CHART_WIDTH, _CHART_HEIGHT = 540, 48  # pixels
_WIDEST_COLUMN = 60
_LOWEST_BLOCK = 2


@dataclass(frozen=True)
class _Limits:
    """How much of an event its row shows: characters of its summary, and of a URL that is still linked."""

    text: int
    url: int


# What is too big with the first is tried with the next; the last always fits.
_LIMITS = (_Limits(text=160, url=500), _Limits(text=120, url=200), _Limits(text=80, url=0))


@dataclass(frozen=True)
class _Row:
    """What is shown of one event."""

    severity: Severity
    time: str
    text: str
    url: str
    reference: str


@dataclass(frozen=True)
class _Clock:
    """How times are written, the pixels that one takes, and where they are the time."""

    format: str
    width: int
    zone: tzinfo

    def __call__(self, time: datetime) -> str:
        return f"{time.astimezone(self.zone):{self.format}}"


@dataclass(frozen=True)
class _Chart:
    """Events per step of time: a column has blocks of a severity and a height, a label a text and a share.

    width: in pixels. share: of the width, in percent.
    """

    caption: str
    columns: tuple[tuple[tuple[Severity, int], ...], ...]
    width: int
    labels: tuple[tuple[str, int], ...]


_TEMPLATE = environment(OwnTemplates()).get_template("digest.html")


def digest_topic(entries: Sequence[Entry], titles: Mapping[str, str] = _NO_TITLES) -> str:
    """The digest of one entry or more as one line: how many, how long, how bad, from where.

    titles: the names of sources for people.
    """
    bad = ", ".join(text for severity, text in _tally(entries) if severity >= Severity.WARNING)
    names = _listed([name for name, _ in _by_source(entries, titles)], 3)
    return one_line(f"{_headline(entries)}{': ' if bad else ''}{bad} ({', '.join(names)})", MAX_LINE)


def digest_html(entries: Sequence[Entry], titles: Mapping[str, str] = _NO_TITLES, zone: tzinfo = UTC) -> str:
    """The HTML of a post that tells one entry or more, a row each, in the order in which they come.

    It holds every entry's reference. As many as MAX_ROWS stay within MAX_DIGEST bytes, whatever they say.
    titles: the names of sources for people. zone: of the times that are shown.
    """
    html = ""
    for limits in _LIMITS:
        html = _html(entries, titles, zone, limits)
        if len(html.encode()) <= MAX_DIGEST:
            break
    return html


def _html(entries: Sequence[Entry], titles: Mapping[str, str], zone: tzinfo, limits: _Limits) -> str:
    first, last = _extent(entries)
    clock = _clock(first, last, zone)
    start, end, utc = clock(first), clock(last), offset(last, zone)
    return _TEMPLATE.render(
        severity=max(entry.severity for entry in entries),
        period=f"{start} {utc}" if start == end else f"{start} to {end} {utc}",
        offset=utc,
        headline=_headline(entries),
        tally=_tally(entries),
        sources=_listed([f"{name} {count(number)}" for name, number in _by_source(entries, titles)], 8),
        chart=_chart(entries, clock) if last - first >= _MINUTE else None,
        rows=[_row(entry, clock, limits) for entry in entries],
        time_width=clock.width,
    ).strip()


def _extent(entries: Sequence[Entry]) -> tuple[datetime, datetime]:
    times = [entry.occurred for entry in entries]
    return min(times), max(times)


def _clock(first: datetime, last: datetime, zone: tzinfo) -> _Clock:
    one_day = first.astimezone(zone).date() == last.astimezone(zone).date()
    return _Clock("%H:%M", 36, zone) if one_day else _Clock("%d %b %H:%M", 80, zone)


def _headline(entries: Sequence[Entry]) -> str:
    first, last = _extent(entries)
    seconds = (last - first).total_seconds()
    length = duration(seconds if seconds < 60 else 60 * round(seconds / 60))
    return plural(len(entries), "event") + (f" in {length}" if seconds >= 1 else "")


def _tally(entries: Sequence[Entry]) -> list[tuple[Severity, str]]:
    """How many there are of each severity, the worst first."""
    counts = Counter(entry.severity for entry in entries)
    return [(severity, plural(counts[severity], *_NOUNS[severity])) for severity in _worst_first(counts)]


def _by_source(entries: Sequence[Entry], titles: Mapping[str, str]) -> list[tuple[str, int]]:
    """How many there are of each source, the most first."""
    return Counter(one_line(titles.get(entry.source, entry.source), 40) for entry in entries).most_common()


def _listed(names: list[str], limit: int) -> list[str]:
    more = len(names) - limit
    return [*names[:limit], f"{count(more)} more"] if more > 0 else names


def _row(entry: Entry, clock: _Clock, limits: _Limits) -> _Row:
    return _Row(
        severity=entry.severity,
        time=clock(entry.occurred),
        text=next(filter(None, (one_line(text, limits.text) for text in (entry.summary, entry.topic, entry.kind))), ""),
        url=entry.url if len(entry.url) <= limits.url else "",
        reference=entry.reference,
    )


def _chart(entries: Sequence[Entry], clock: _Clock) -> _Chart:
    first, last = _extent(entries)
    step = _step(first, last)
    start = _position(first, step)
    counts: list[Counter[Severity]] = [Counter() for _ in range(start, _position(last, step) + 1)]
    for entry in entries:
        counts[_position(entry.occurred, step) - start][entry.severity] += 1
    peak = max(column.total() for column in counts)
    pitch = min(_CHART_WIDTH // len(counts), _WIDEST_COLUMN)
    times = [clock(datetime.fromtimestamp(60 * step * (start + index), UTC)) for index in range(len(counts))]
    return _Chart(
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
    """The blocks of a column, from the top down: the worst stands on the base line. None is too low to be seen."""
    return tuple(
        (severity, max(round(_CHART_HEIGHT * counts[severity] / peak), _LOWEST_BLOCK))
        for severity in reversed(_worst_first(counts))
    )


def _labels(times: list[str], pitch: int, width: int) -> tuple[tuple[str, int], ...]:
    """A time under every column or under as many as there is room for, on a phone, too."""
    every = math.ceil(width / min(pitch, _PHONE_WIDTH // len(times)))
    groups = [times[index : index + every] for index in range(0, len(times), every)]
    return tuple((group[0] if len(group) == every else "", round(100 * len(group) / len(times))) for group in groups)


def _worst_first(counts: Counter[Severity]) -> list[Severity]:
    return sorted((severity for severity in counts if counts[severity]), reverse=True)
