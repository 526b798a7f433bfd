"""How a storm reads: one post that shows many events of many objects, a row each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from types import MappingProxyType

from bridge.entries import Entry
from bridge.events import Severity
from bridge.limits import MAX_POST, MAX_TOPIC
from bridge.publishing.chart import Clock, chart_of, extent, worst_first
from bridge.publishing.stories import signed
from bridge.rendering.environment import OwnTemplates, environment
from bridge.rendering.filters import count, duration, offset, plural
from bridge.rendering.picture_marks import without_marks
from bridge.rendering.text import one_line

_NO_TITLES: Mapping[str, str] = MappingProxyType({})
_NOUNS = {
    Severity.CRITICAL: ("critical", "critical"),
    Severity.ERROR: ("error", "errors"),
    Severity.WARNING: ("warning", "warnings"),
    Severity.INFO: ("info", "info"),
    Severity.SUCCESS: ("success", "successes"),
}
# The states of which all alerts of a storm are.
ALERTING = {"Firing", "Resolved", "Down", "Up", "Still firing", "No data", "Alert", "Triggered"}
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
    """What is shown of one object: the state that it is in now, and how many events led there."""

    severity: Severity
    word: str
    time: str
    scope: str
    text: str
    url: str
    events: int


@dataclass(frozen=True)
class Occasion:
    """Why there is a digest. headline: empty: how many of what there are. reason: what the last line says of it.

    is_news_first: what goes on comes before what has ended, however bad that was.
    """

    headline: str = ""
    reason: str = "as so much came at once"
    is_news_first: bool = False


STORM = Occasion()

_TEMPLATE = environment(OwnTemplates()).get_template("digest.html")


def digest_topic(entries: Sequence[Entry], titles: Mapping[str, str] = _NO_TITLES, occasion: Occasion = STORM) -> str:
    """The digest of one entry or more as one line: how many of what, how long, how bad.

    titles: the names of sources for people.
    """
    bad = ", ".join(text for severity, text in _tally(entries) if severity >= Severity.WARNING)
    headline, colon = occasion.headline or _headline(entries, titles), " · " if occasion.headline else ": "
    return one_line(f"{headline}{colon if bad else ''}{bad}", MAX_TOPIC)


def digest_html(
    entries: Sequence[Entry],
    titles: Mapping[str, str] = _NO_TITLES,
    zone: tzinfo = UTC,
    token: str = "",
    occasion: Occasion = STORM,
    *,
    pictures: bool = False,
) -> str:
    """The HTML of a post that shows one entry or more, a row for each object, the worst first.

    As many as MAX_ROWS stay within MAX_POST bytes, whatever they say.
    titles: the names of sources for people. zone: of the times that are shown. token: of the attempt.
    pictures: the mark is kept at which the channel puts a picture of the chart.
    """
    html = ""
    for limits in _LIMITS:
        html = _html(entries, titles, zone, limits, occasion)
        if len(html.encode()) <= MAX_POST:
            break
    return signed(html if pictures else without_marks(html), [token])


def _html(
    entries: Sequence[Entry], titles: Mapping[str, str], zone: tzinfo, limits: _Limits, occasion: Occasion
) -> str:
    first, last = extent(entries)
    clock = _clock(first, last, zone)
    start, end, utc = clock(first), clock(last), offset(last, zone)
    return _TEMPLATE.render(
        severity=max(entry.severity for entry in entries),
        period=f"{start} {utc}" if start == end else f"{start} to {end} {utc}",
        offset=utc,
        headline=occasion.headline or _headline(entries, titles),
        reason=occasion.reason,
        tally=_tally(entries),
        sources=_listed([f"{name} {count(number)}" for name, number in _by_source(entries, titles)], 8),
        chart=chart_of(entries, clock) if last - first >= _MINUTE else None,
        rows=[_row(members, clock, limits) for members in _by_object(entries, occasion)],
    ).strip()


def _clock(first: datetime, last: datetime, zone: tzinfo) -> Clock:
    one_day = first.astimezone(zone).date() == last.astimezone(zone).date()
    return Clock("%H:%M", 36, zone) if one_day else Clock("%d %b %H:%M", 80, zone)


def _headline(entries: Sequence[Entry], titles: Mapping[str, str]) -> str:
    """How many of what in which time: `23 alerts of plant-west in 4 min`."""
    first, last = extent(entries)
    seconds = (last - first).total_seconds()
    length = duration(seconds if seconds < 60 else 60 * round(seconds / 60))
    noun = "alert" if {entry.word for entry in entries} <= ALERTING else "event"
    scopes = {entry.scope for entry in entries}
    names = [name for name, _ in _by_source(entries, titles)]
    *others, last_name = _listed(names, 3)
    place = (
        f" of {min(scopes)}"
        if len(scopes) == 1 and min(scopes)
        else f" from {', '.join(others)}{' and ' if others else ''}{last_name}"
    )
    return plural(len(entries), noun) + place + (f" in {length}" if seconds >= 1 else "")


def _by_object(entries: Sequence[Entry], occasion: Occasion) -> list[list[Entry]]:
    """The entries of each object; the object that stands worst now is the first."""
    objects: dict[str, list[Entry]] = {}
    for entry in entries:
        objects.setdefault(entry.key, []).append(entry)
    ordered = sorted(objects.values(), key=lambda members: _newest(members).severity.rank, reverse=True)
    return sorted(ordered, key=lambda members: members[-1].ends_thread) if occasion.is_news_first else ordered


def _newest(members: Sequence[Entry]) -> Entry:
    return next((entry for entry in reversed(members) if not entry.minor), members[-1])


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


def _row(members: Sequence[Entry], clock: Clock, limits: _Limits) -> _Row:
    newest = _newest(members)
    texts = (newest.summary, newest.topic, newest.kind)
    return _Row(
        severity=newest.severity,
        word=one_line(newest.word, 40) or str(newest.severity),
        time=clock(newest.occurred),
        scope=one_line(newest.scope, 60),
        text=next(filter(None, (one_line(text, limits.text) for text in texts)), ""),
        url=newest.url if len(newest.url) <= limits.url else "",
        events=len(members),
    )
