"""One webhook on the page: who sent it, what it said, which way it took, and what Graph answered."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bridge.again import RESENT
from bridge.deliveries import DeliveryRecord, EventRecord, Outcome
from bridge.local.page.stored import Stored
from bridge.local.page.today import today
from bridge.local.received import is_json
from bridge.outbox.delivery_story import DeliveryStory, EntryStory
from bridge.payloads import KeptPayload

LARGEST = 256 * 1024  # bytes of a body that are shown
_MOST_POSTS = 5
_KEEP = "BRIDGE_KEEP_PAYLOADS_HOURS"


def details(stored: Stored, story: DeliveryStory) -> Mapping[str, Any]:
    """All that is known of a webhook, ready for JSON."""
    record = story.record
    payload, moment = stored.payload(record), datetime.fromtimestamp(record.at, UTC)
    entries = {entry.id: entry for entry in story.entries}
    return {
        "delivery": record.delivery,
        "authentication": record.authentication,
        "size": record.size,
        "took": record.took,
        "headers": [(name, stored.without_secrets(value)) for name, value in record.headers],
        "body": _body(stored, record, payload),
        "events": [_event(stored, record, event, entries) for event in record.events],
        "count_events": record.count_events,
        "posts": _posts(stored, story),
        "today": today(stored.bridge, payload, moment).as_json() if stored.bridge and payload else None,
    }


def _body(stored: Stored, record: DeliveryRecord, payload: KeptPayload | None) -> Mapping[str, Any]:
    if payload is None:
        return {"text": None, "note": _why_not_kept(stored, record), "is_cut": False, "is_json": False}
    text, is_cut = payload.body[:LARGEST].decode("utf-8", "replace"), len(payload.body) > LARGEST
    found = is_json(payload.body)
    text = _indented(text) if found and not is_cut else text
    return {"text": stored.without_secrets(text), "note": "", "is_cut": is_cut, "is_json": found}


def _why_not_kept(stored: Stored, record: DeliveryRecord) -> str:
    hours = stored.bridge.configuration.settings.keep_payloads_hours if stored.bridge else None
    now = "" if hours is None else f", which is {hours:g} now"
    if record.payload or record.authentication.startswith(RESENT):
        return f"The body is not kept any more: {_KEEP}{now}, says for how long."
    if record.count > 1:
        return "These webhooks were only counted: there were too many of them."
    if record.outcome is Outcome.REFUSED and not record.authentication:
        return "The body is not kept: nobody was authenticated as its sender."
    if not record.size:
        return "It has no body."
    if hours:
        return f"The body is not kept: {_KEEP}{now}, was 0 when it came."
    return f"The body is not kept: set {_KEEP}{now}, to the number of hours for which bodies shall be kept."


def _indented(text: str) -> str:
    """JSON for people, with the numbers as they came, which a browser would round."""
    shown = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    # JSON may name half a surrogate pair, which no answer may hold.
    return shown.encode("utf-8", "replace").decode()


def _event(
    stored: Stored, record: DeliveryRecord, event: EventRecord, entries: Mapping[str, EntryStory]
) -> Mapping[str, Any]:
    renderer = stored.bridge.renderer if stored.bridge else None
    return {
        "kind": event.kind,
        "title": event.title,
        "severity": event.severity,
        "key": event.correlation_key,
        "template": renderer.template_of(record.source, event.kind) if renderer else "",
        "route": event.route,
        "trials": [trial._asdict() for trial in event.trials],
        "entries": [_entry(stored, entries[one]) for one in event.entries if one in entries],
    }


def _entry(stored: Stored, entry: EntryStory) -> Mapping[str, Any]:
    return vars(entry) | {"group": stored.group(entry.group), "answer": stored.without_secrets(entry.answer)}


def _posts(stored: Stored, story: DeliveryStory) -> list[Mapping[str, Any]]:
    """The posts that have its entries, each once."""
    delivered = {entry.token: entry for entry in story.entries if entry.is_delivered}
    found = [(entry, stored.posted(entry)) for entry in list(delivered.values())[:_MOST_POSTS]]
    return [
        {"html": html, "thread": entry.thread, "group": stored.group(entry.group), "posted": entry.posted}
        for entry, html in found
        if html
    ]
