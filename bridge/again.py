"""Sends kept webhooks again, and renders dead letters again: with the templates and routes of today."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bridge.app import Bridge
from bridge.deliveries import DeliveryRecord
from bridge.entries import Entry, from_message
from bridge.errors import BridgeError, MessageError
from bridge.outbox.rows import DeadLetter
from bridge.payloads import KeptPayload
from bridge.receiving.receipts import Receipt
from bridge.sources.base import Source

RESENT = "a person, who resent "
"""How the record of a webhook that was sent again begins to say who sent it; the id of the first one follows."""

Find = Callable[[str], KeptPayload | None]
"""The kept payload of an entry, by its id."""


@dataclass(frozen=True)
class Resent:
    """A webhook that is sent again: its receipt, and the record of this time."""

    receipt: Receipt
    record: DeliveryRecord


def resent(bridge: Bridge, payload: KeptPayload) -> Resent:
    """Reads, routes and renders a kept webhook as news; nothing is queued yet. WebhookError where it is refused now."""
    source = _source(bridge, payload)
    receipt, at = bridge.receiver.again(source.name, payload.webhook), datetime.now(UTC)
    made = bridge.records.record(
        source, payload.webhook, receipt.status, receipt.reception, at, secrets.token_hex(3), took=0.0
    )
    return Resent(receipt, replace(made, authentication=f"{RESENT}{payload.id}"))


class UnknownSource(BridgeError):
    """A kept webhook is of a source that the settings do not declare any more."""


def _source(bridge: Bridge, payload: KeptPayload) -> Source:
    if source := bridge.configuration.sources.get(payload.source):
        return source
    raise UnknownSource(f"The bridge has no source {payload.source} any more.")


def requeue(bridge: Bridge, letter: DeadLetter, find: Find) -> str:
    """Requeues a dead letter, rendered again where its payload is kept; returns how, in a few words.

    MessageError or Conflict where it cannot be requeued; WebhookError where its payload is refused now.
    """
    item = from_message(letter.message)
    if not isinstance(item, Entry):
        bridge.publisher.requeue(letter)
        return "requeued"
    payload = find(item.id)
    if payload is None:
        bridge.publisher.requeue(letter)
        return "requeued as it was rendered before: its payload is not kept"
    bridge.publisher.requeue(letter, _rendered(bridge, item, payload))
    return "rendered again and requeued"


def _rendered(bridge: Bridge, entry: Entry, payload: KeptPayload) -> Entry:
    """What templates and routes make of the entry's event today, with the id that it had."""
    made = bridge.receiver.again(_source(bridge, payload).name, payload.webhook).entries
    same = [one for one in made if (one.kind, one.correlation_key) == (entry.kind, entry.correlation_key)]
    # Routes may lead elsewhere today.
    chosen = next((one for one in same if one.group == entry.group), same[0] if same else None)
    if chosen is None:
        raise MessageError("Today's routes drop this event, so it stays a dead letter.")
    return replace(chosen, id=entry.id, received=entry.received, occurred=entry.occurred)


def entry_of(letter: DeadLetter) -> Entry | None:
    """The entry of a dead letter; None where it is of something else, or cannot be read."""
    try:
        item = from_message(letter.message)
    except MessageError:
        return None
    return item if isinstance(item, Entry) else None
