"""Why there is a digest: so much came at once, hours begin, or a maintenance window is over."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from bridge.calendar.hours import Hours
from bridge.calendar.maintenance import BRIDGE, ENDED
from bridge.entries import Entry
from bridge.events import Severity
from bridge.publishing.digests import ALERTING, STORM, Occasion
from bridge.rendering.filters import plural

_WEEK = timedelta(days=6)  # within which the name of a day is enough


def occasion_of(entries: Sequence[Entry], hours: Mapping[str, Hours]) -> Occasion:
    """The occasion of a digest of these. hours: by their names."""
    if ending := next((entry for entry in entries if entry.source == BRIDGE and entry.kind == ENDED), None):
        return _over(ending, [entry for entry in entries if entry.source != BRIDGE])
    if all(entry.window for entry in entries):
        return Occasion("More of what happened during the maintenance", "as a maintenance is over", is_news_first=True)
    if all(entry.hours and entry.not_before for entry in entries):
        return _away(entries, hours)
    return STORM


def _over(ending: Entry, entries: Sequence[Entry]) -> Occasion:
    """The end of a maintenance window: how many events there were, and what still goes on."""
    newest = {entry.key: entry for entry in entries}
    open_ones = [entry for entry in newest.values() if not entry.ends_thread and entry.severity >= Severity.WARNING]
    events = f"{plural(len(entries), 'event')} of {plural(len(newest), 'object')}"
    state = "firing" if {entry.word for entry in open_ones} <= ALERTING else "open"
    still = f"{len(open_ones)} still {state}" if open_ones else "nothing still open"
    return Occasion(f"{ending.summary}. {events}, {still}", "as a maintenance is over", is_news_first=True)


def _away(entries: Sequence[Entry], hours: Mapping[str, Hours]) -> Occasion:
    since = min(_ends(entries, hours), default=None)
    until = max(entry.not_before for entry in entries if entry.not_before)
    beginning = f" since {_day(since, until)}" if since else ""
    names = " and ".join(sorted({entry.hours for entry in entries}))
    return Occasion(
        headline=f"While you were away: {plural(len(entries), 'event')}{beginning}",
        reason=f"of what came outside the hours {names}",
    )


def _ends(entries: Sequence[Entry], hours: Mapping[str, Hours]) -> Iterator[datetime]:
    """When each of their hours ended, on its own clock."""
    first: dict[str, datetime] = {}
    for entry in entries:
        first[entry.hours] = min(first.get(entry.hours, entry.received), entry.received)
    for name, received in first.items():
        if known := hours.get(name):
            yield (known.closed_since(received) or received).astimezone(known.zone)


def _day(since: datetime, until: datetime) -> str:
    return f"{since:%A %H:%M}" if until - since < _WEEK else f"{since:%-d %b %H:%M}"
