"""Whom routes wanted to invite to posts, and `[people]` does not name: found in what is known of webhooks."""

from collections.abc import Mapping
from datetime import UTC, datetime

from bridge.deliveries import DeliveryFilter
from bridge.outbox.base import Deliveries

LATEST = 300  # webhooks that are looked at
_PAGE, _MOST_PAGES = 100, 5
_MOST_LISTED = 20


def unknown_people(deliveries: Deliveries) -> Mapping[str, float]:
    """Each with when a webhook named them last, in seconds since 1970; the latest first."""
    found: dict[str, float] = {}
    seen, before = 0, ""
    for _ in range(_MOST_PAGES):
        page = deliveries.deliveries(DeliveryFilter(), _PAGE, before)
        for record in page.records:
            for event in record.events:
                found = {**dict.fromkeys(event.unknown, record.at), **found}
        seen, before = seen + len(page.records), page.following
        if not before or seen >= LATEST:
            break
    return dict(sorted(found.items(), key=lambda pair: pair[1], reverse=True))


def listed(people: Mapping[str, float]) -> str:
    """The people on one line, each with when a webhook named them last."""
    named = [f"{who} (last {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC)" for who, at in people.items()]
    more = len(named) - _MOST_LISTED
    return ", ".join(named[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")
