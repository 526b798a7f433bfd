"""A summary of what stands open, as an event: its rows by category, the worst and the oldest first. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.calendar.summaries import StandingSummary
from bridge.entries import ALERT, BRANCH, EXPIRY, INCIDENT, REVIEW
from bridge.events import OWN, Event
from bridge.outbox.standing import Standing
from bridge.publishing.lengths import length, moment
from bridge.rendering.filters import plural

# By category: the heading, and what one and several of them are in the topic.
_CATEGORIES = {
    INCIDENT: ("Incidents", "incident", "incidents"),
    ALERT: ("Firing alerts", "alert", "alerts"),
    BRANCH: ("Red branches", "red branch", "red branches"),
    EXPIRY: ("Expiring", "expiring", "expiring"),
    REVIEW: ("Waiting for review", "review", "reviews"),
}
_LATE = 900.0  # seconds


@dataclass(frozen=True)
class Section:
    """The rows of a category. more: how many others there are."""

    heading: str
    rows: Sequence["Row"]
    more: int


@dataclass(frozen=True)
class Row:
    """An object that stands open, and for how long."""

    title: str
    url: str
    state: str
    severity: str
    age: str


def summary_event(summary: StandingSummary, rows: Sequence[Standing], due: float, now: float) -> Event:
    """The event of a summary that was due then and is posted now."""
    when = moment(due).astimezone(summary.times.zone)
    day = f"{when:%a} {when.day} {when:%b}"
    counts = [(sum(row.category == name for row in rows), nouns) for name, (_, *nouns) in _CATEGORIES.items()]
    tally = ", ".join(plural(count, *nouns) for count, nouns in counts if count)
    own = "" if summary.name == "Summary" else f"{summary.name}: "
    title = f"{own}{len(rows)} open: {tally}" if rows else f"{own or ''}nothing is open"
    return Event(
        source=OWN,
        kind="summary",
        delivery=f"{summary.name}, due {moment(due):%Y-%m-%d %H:%M} UTC",
        # A thread of its own for each: its topic in the inbox is the news, and what was open then is of no more use.
        correlation_key=f"summary {summary.name} {moment(due):%Y-%m-%d %H:%M}",
        title=title[:1].upper() + title[1:],
        payload={},
        scope=day,
        occurred=moment(now),
        details={
            "sections": sections(rows, summary.most, now),
            "count": len(rows),
            "late": when if now - due > _LATE else None,
            "first": _first(rows),
        },
        attributes={"summary": summary.name},
    )


def sections(rows: Sequence[Standing], most: int, now: float) -> list[Section]:
    """The rows by category, at most so many in all; a long one leaves room for the others."""
    found = {name: sorted((row for row in rows if row.category == name), key=_order) for name in _CATEGORIES}
    found = {name: members for name, members in found.items() if members}
    left, shares = most, {}
    for place, (name, members) in enumerate(sorted(found.items(), key=lambda pair: len(pair[1]))):
        shares[name] = min(len(members), left // (len(found) - place))
        left -= shares[name]
    return [
        Section(_CATEGORIES[name][0], [_row(row, now) for row in members[: shares[name]]], len(members) - shares[name])
        for name, members in found.items()
    ]


def _order(row: Standing) -> tuple[object, ...]:
    return -row.severity.rank, row.since, row.title


def _row(row: Standing, now: float) -> Row:
    return Row(row.title, row.url, row.state, str(row.severity), length(now - row.since))


def _first(rows: Sequence[Standing]) -> str:
    """What has stood open the longest, of the worst."""
    return min(rows, key=_order).title if rows else ""
