"""The list of all webhooks on the page: what came, what became of it, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bridge.deliveries import DeliveryFilter, DeliveryRecord, Outcome
from bridge.events import bounded
from bridge.local.page.delivery_details import details
from bridge.local.page.payload_diff import compare
from bridge.local.page.routes import RequestError
from bridge.local.page.stored import Stored
from bridge.outbox.delivery_story import DeliveryStory, find, stories

_PAGE = 50
_LONGEST_COMPARED = 1 << 20  # characters
_LONGEST_FILTER = 500  # characters
_NEWEST = 10  # ids by which an open page sees that webhooks came
_MOST_STATES = 60
_REMEMBERED = 2000  # records of which the states may be asked
_OUTCOMES = frozenset(Outcome)
# The worst first: the state of a webhook is that of its entry that needs most attention.
_STATES = ("dead letter", "on hold", "deferred", "sending", "pending", "waiting", "queued", "posted", "repeat")

Query = Mapping[str, str]


class DeliveriesView:
    """Reads the records of webhooks for the page."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self._shown: dict[str, DeliveryRecord] = {}

    def newest(self) -> Sequence[str]:
        """The ids of the newest webhooks, which change when one comes."""
        return [record.id for record in self._stored.outbox().deliveries(DeliveryFilter(), _NEWEST).records]

    def page(self, query: Query) -> Mapping[str, Any]:
        """A page of the webhooks that a query wants, newest first.

        query: `source`, `outcome`, `group`, `since`, `until`, `text`, and `before`: `following` of the page before.
        A page may have few rows and still a following one, where a storage had to look at many to find them.
        """
        if any(len(query.get(name, "")) > _LONGEST_FILTER for name in ("source", "group", "before")):
            raise RequestError(f"A filter has {_LONGEST_FILTER} characters at most.")
        wanted, before = _filter(query), query.get("before", "")
        page = self._stored.outbox().deliveries(wanted, _PAGE, before)
        records, following = page.records, page.following
        if not records and not before and len(wanted.words) == 1:
            # It may be the id of an entry, or stand in the last line of a post.
            found = find(self._stored.outbox(), bounded(wanted.text.strip()))
            records = tuple(story.record for story in reversed(found))
            following = "" if records else following
        self._remember(records)
        return {"rows": [row(self._stored, record) for record in records], "following": following}

    def states(self, query: Query) -> Mapping[str, str]:
        """What became of the entries of webhooks that the list has shown: their ids with a state each.

        query: `ids`, separated by commas.
        """
        ids = query.get("ids", "").split(",")[:_MOST_STATES]
        records = [self._shown[one] for one in ids if one in self._shown]
        return {story.record.id: _state(story) for story in stories(self._stored.outbox(), records) if story.entries}

    def show(self, query: Query) -> Mapping[str, Any]:
        """The whole story of one webhook.

        query: `id`: its record's, its sender's, that of one of its entries, or what stands in the last line of a post.
        """
        asked = bounded(query.get("id", "").strip())
        found = find(self._stored.outbox(), asked)
        if not found:
            raise RequestError(f"There is no record of {asked}: it may be too old, or on its way.", 404)
        # Of a webhook that came several times, the last one.
        story = next((one for one in found if one.record.id == asked), found[-1])
        others = [one.record for one in found if one is not story]
        self._remember([story.record])
        shown = {"row": row(self._stored, story.record), "state": _state(story)}
        return {
            **shown,
            **details(self._stored, story),
            "others": [row(self._stored, record) for record in others[-_PAGE:]],
        }

    def compare(self, query: Query) -> Mapping[str, Any]:
        """What is different in the bodies of the webhooks `id` and `with`, as far as they are kept."""
        records = [_record(self._stored, query.get(name, "")) for name in ("id", "with")]
        payloads = [self._stored.payload(record) for record in records]
        texts = [self._stored.without_secrets(one.body.decode("utf-8", "replace")) for one in payloads if one]
        if len(texts) < 2:
            raise RequestError("The body of one of them is not kept: there is nothing to compare.", 409)
        if max(map(len, texts)) > _LONGEST_COMPARED:
            raise RequestError(f"They are longer than {_LONGEST_COMPARED >> 20} MiB, which takes too long.", 409)
        return {"rows": [row(self._stored, record) for record in records], **asdict(compare(*texts))}

    def _remember(self, records: Sequence[DeliveryRecord]) -> None:
        if len(self._shown) > _REMEMBERED:
            self._shown = {}
        self._shown |= {record.id: record for record in records}


def _record(stored: Stored, asked: str) -> DeliveryRecord:
    for record in stored.outbox().find_deliveries(asked):
        if record.id == asked:
            return record
    raise RequestError("There is no record of this webhook any more.", 404)


def row(stored: Stored, record: DeliveryRecord) -> Mapping[str, Any]:
    """A webhook as a row of the list."""
    return {
        "id": record.id,
        "at": record.at,
        "source": record.source,
        "source_title": stored.title(record.source),
        "outcome": record.outcome.value,
        "status": record.status,
        "reason": record.reason,
        "event": record.event,
        "kind": record.kind,
        "title": record.title,
        "severity": record.events[0].severity if record.events else "",
        "groups": [stored.group(group) for group in record.groups],
        "entries": len(record.entries),
        "count": record.count,
    }


def _filter(query: Query) -> DeliveryFilter:
    outcome = query.get("outcome", "")
    if outcome and outcome not in _OUTCOMES:
        raise RequestError(f"The outcome must be one of {', '.join(Outcome)}.")
    return DeliveryFilter(
        source=query.get("source", ""),
        outcome=outcome,
        group=query.get("group", ""),
        since=_seconds(query.get("since", "")),
        until=_seconds(query.get("until", "")),
        text=query.get("text", "")[:200],
    )


def _seconds(text: str) -> float:
    if not text:
        return 0.0
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e11:
        raise RequestError("A time must be in seconds since 1970.")
    return seconds


def _state(story: DeliveryStory) -> str:
    """One state for all entries of a webhook; empty where it has none."""
    states = {_entry_state(entry.state, entry.hold) for entry in story.entries}
    return next((state for state in _STATES if state in states), "")


def _entry_state(state: str, hold: str) -> str:
    return "on hold" if hold else "posted" if state == "delivered" else state
