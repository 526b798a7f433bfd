"""The digest: one post that tells many events of many things, so that a storm does not become a flood."""

from collections import Counter
from collections.abc import Mapping, Sequence

from jinja2 import FileSystemLoader

from bridge.entries import Entry
from bridge.events import Severity
from bridge.markup import one_line
from bridge.rendering import MAX_LINE, TEMPLATES, environment_of

MOST_COLUMNS = 30
_TALLEST = 40  # pixels
_NOUNS = {
    Severity.CRITICAL: ("critical", "critical"),
    Severity.ERROR: ("error", "errors"),
    Severity.WARNING: ("warning", "warnings"),
    Severity.INFO: ("notice", "notices"),
    Severity.SUCCESS: ("success", "successes"),
}

_environment = environment_of(FileSystemLoader(TEMPLATES))


def digest_topic(entries: Sequence[Entry], titles: Mapping[str, str]) -> str:
    """One line: how many events, of which severity and from whom. titles: the names of sources for people."""
    names = ", ".join(dict.fromkeys(_title(entry, titles) for entry in entries))
    return one_line(f"{len(entries)} events{_span(entries)}: {', '.join(_severities(entries))} ({names})", MAX_LINE)


def digest_html(entries: Sequence[Entry], titles: Mapping[str, str]) -> str:
    """The post: counts, a column for each minute, and a row for each entry with its reference, in the given order."""
    return _environment.get_template("digest.html").render(
        entries=entries,
        worst=max(entry.severity for entry in entries),
        span=_span(entries),
        severities=_severities(entries),
        sources=[(name, _events(number)) for name, number in _sources(entries, titles)],
        heights=_heights(entries),
    )


def _title(entry: Entry, titles: Mapping[str, str]) -> str:
    return titles.get(entry.source, entry.source)


def _sources(entries: Sequence[Entry], titles: Mapping[str, str]) -> list[tuple[str, int]]:
    """The number of events of each source, the largest first."""
    return Counter(_title(entry, titles) for entry in entries).most_common()


def _severities(entries: Sequence[Entry]) -> list[str]:
    """The number of events of each severity in words, the most severe first."""
    counts = Counter(entry.severity for entry in entries)
    return [
        f"{counts[severity]} {nouns[counts[severity] > 1]}" for severity, nouns in _NOUNS.items() if counts[severity]
    ]


def _events(number: int) -> str:
    return "1 event" if number == 1 else f"{number} events"


def _minutes(entries: Sequence[Entry]) -> list[int]:
    """The minute in which each occurred, from the first one's on."""
    minutes = [int(entry.occurred.timestamp() // 60) for entry in entries]
    return [minute - min(minutes) for minute in minutes]


def _span(entries: Sequence[Entry]) -> str:
    minutes = max(_minutes(entries))
    if not minutes:
        return ""
    return f" in {minutes} min" if minutes < 120 else f" in {minutes // 60} h"


def _heights(entries: Sequence[Entry]) -> list[int]:
    """The heights of the columns in pixels: a minute each, or as many minutes as it takes to have no more than 30."""
    minutes = _minutes(entries)
    step = max(minutes) // MOST_COLUMNS + 1
    counts = Counter(minute // step for minute in minutes)
    most = max(counts.values())
    return [max(1, _TALLEST * counts[column] // most) for column in range(max(counts) + 1)]
