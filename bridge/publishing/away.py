"""Why there is a digest when hours begin: what it is about, and since when nobody was there."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from bridge.entries import Entry
from bridge.hours import Hours
from bridge.publishing.digests import STORM, Occasion
from bridge.rendering.filters import plural

_WEEK = timedelta(days=6)  # within which the name of a day is enough


def away(entries: Sequence[Entry], hours: Mapping[str, Hours]) -> Occasion:
    """The occasion of a digest of these: they have waited for hours, or so many came at once."""
    if not all(entry.hours and entry.not_before for entry in entries):
        return STORM
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
