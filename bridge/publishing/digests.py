"""How a storm reads: one post that shows many events of many objects, a row each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from types import MappingProxyType

from bridge.entries import Entry
from bridge.events import Severity
from bridge.limits import MAX_LINE, MAX_POST
from bridge.publishing.chart import Clock, chart_of, extent, worst_first
from bridge.rendering.environment import OwnTemplates, environment
from bridge.rendering.filters import count, duration, offset, plural
from bridge.rendering.text import one_line

_NO_TITLES: Mapping[str, str] = MappingProxyType({})
_NOUNS = {
    Severity.CRITICAL: ("critical", "critical"),
    Severity.ERROR: ("error", "errors"),
    Severity.WARNING: ("warning", "warnings"),
    Severity.INFO: ("info", "info"),
    Severity.SUCCESS: ("success", "successes"),
}
_MINUTE = timedelta(minutes=1)


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


_TEMPLATE = environment(OwnTemplates()).get_template("digest.html")


def digest_topic(entries: Sequence[Entry], titles: Mapping[str, str] = _NO_TITLES) -> str:
    """The digest of one entry or more as one line: how many, how long, how bad, from where.

    titles: the names of sources for people.
    """
    bad = ", ".join(text for severity, text in _tally(entries) if severity >= Severity.WARNING)
    names = _listed([name for name, _ in _by_source(entries, titles)], 3)
    return one_line(f"{_headline(entries)}{': ' if bad else ''}{bad} ({', '.join(names)})", MAX_LINE)


def digest_html(entries: Sequence[Entry], titles: Mapping[str, str] = _NO_TITLES, zone: tzinfo = UTC) -> str:
    """The HTML of a post that shows one entry or more, a row each, in the order in which they come.

    As many as MAX_ROWS stay within MAX_POST bytes, whatever they say.
    titles: the names of sources for people. zone: of the times that are shown.
    """
    html = ""
    for limits in _LIMITS:
        html = _html(entries, titles, zone, limits)
        if len(html.encode()) <= MAX_POST:
            break
    return html


def _html(entries: Sequence[Entry], titles: Mapping[str, str], zone: tzinfo, limits: _Limits) -> str:
    first, last = extent(entries)
    clock = _clock(first, last, zone)
    start, end, utc = clock(first), clock(last), offset(last, zone)
    return _TEMPLATE.render(
        severity=max(entry.severity for entry in entries),
        period=f"{start} {utc}" if start == end else f"{start} to {end} {utc}",
        offset=utc,
        headline=_headline(entries),
        tally=_tally(entries),
        sources=_listed([f"{name} {count(number)}" for name, number in _by_source(entries, titles)], 8),
        chart=chart_of(entries, clock) if last - first >= _MINUTE else None,
        rows=[_row(entry, clock, limits) for entry in entries],
        time_width=clock.width,
    ).strip()


def _clock(first: datetime, last: datetime, zone: tzinfo) -> Clock:
    one_day = first.astimezone(zone).date() == last.astimezone(zone).date()
    return Clock("%H:%M", 36, zone) if one_day else Clock("%d %b %H:%M", 80, zone)


def _headline(entries: Sequence[Entry]) -> str:
    first, last = extent(entries)
    seconds = (last - first).total_seconds()
    length = duration(seconds if seconds < 60 else 60 * round(seconds / 60))
    return plural(len(entries), "event") + (f" in {length}" if seconds >= 1 else "")


def _tally(entries: Sequence[Entry]) -> list[tuple[Severity, str]]:
    """How many there are of each severity, the worst first."""
    counts = Counter(entry.severity for entry in entries)
    return [(severity, plural(counts[severity], *_NOUNS[severity])) for severity in worst_first(counts)]


def _by_source(entries: Sequence[Entry], titles: Mapping[str, str]) -> list[tuple[str, int]]:
    """How many there are of each source, the most first."""
    return Counter(one_line(titles.get(entry.source, entry.source), 40) for entry in entries).most_common()


def _listed(names: list[str], limit: int) -> list[str]:
    more = len(names) - limit
    return [*names[:limit], f"{count(more)} more"] if more > 0 else names


def _row(entry: Entry, clock: Clock, limits: _Limits) -> _Row:
    return _Row(
        severity=entry.severity,
        time=clock(entry.occurred),
        text=next(filter(None, (one_line(text, limits.text) for text in (entry.summary, entry.topic, entry.kind))), ""),
        url=entry.url if len(entry.url) <= limits.url else "",
    )
