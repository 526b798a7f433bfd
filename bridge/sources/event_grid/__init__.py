"""Azure Event Grid and CloudEvents 1.0: https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge.errors import BadWebhook
from bridge.events import Event, Severity, Webhook
from bridge.fields import Payload, dig, first, moment, part
from bridge.rendering.text import one_line
from bridge.sources import cloud_event, kit, reading
from bridge.sources.azure_container_registry import is_part
from bridge.sources.azure_resources import resource
from bridge.sources.base import Ignored, Source, decode_json, identifier
from bridge.sources.event_grid import management, services
from bridge.verification.shared_secrets import Token

_VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"
# What reads an event, by the beginning of its type; what is not here is read as JSON that nobody described.
# https://learn.microsoft.com/azure/event-grid/system-topics
_READERS: Mapping[str, Callable[[Event, Payload], Event | None]] = {
    "microsoft.keyvault.": services.key_vault,
    "microsoft.storage.": services.storage,
    "microsoft.containerregistry.": services.registry,
    "microsoft.machinelearningservices.modelregistered": services.model_registered,
    "microsoft.machinelearningservices.modeldeployed": services.model_deployed,
    "microsoft.machinelearningservices.run": services.run,
    "microsoft.machinelearningservices.datasetdrift": services.drift,
    "microsoft.resources.resource": management.resource_change,
    "microsoft.resourcenotifications.healthresources.": management.health,
    "microsoft.policyinsights.": management.policy,
    "microsoft.eventgrid.subscriptiondeletedevent": management.subscription_deleted,
}
_ATTRIBUTES = kit.no_attributes(
    "type subject subscription resource_group resource resource_type operation registry repository tag action"
)


def read(webhook: Webhook) -> Sequence[Event] | Ignored:
    """Read a delivery, single or batched, of Event Grid's schema or CloudEvents', or answer a handshake.

    BadWebhook for a body that is no object and no list of objects.
    """
    if webhook.method == "OPTIONS":
        return cloud_event.agree(webhook)
    if cloud_event.is_binary(webhook):
        return [_event(cloud_event.from_headers(webhook))]
    payload = decode_json(webhook.body)
    events = payload if isinstance(payload, list) else [payload]
    if not events or not all(isinstance(event, dict) for event in events):
        raise BadWebhook("The body is no event and no list of events, as Event Grid sends them.")
    if _type(events[0]) == _VALIDATION:
        code = dig(events[0], "data.validationCode")
        if not code:
            raise BadWebhook("The validation event has no validationCode.")
        return Ignored("Event Grid's validation: the subscription is set up.", {"validationResponse": code})
    whole = [event for event in events if not _is_part(event)]
    return [_event(event) for event in whole] or Ignored("A part of an image that has no tag of its own.")


def _is_part(event: Payload) -> bool:
    return _type(event).startswith("Microsoft.ContainerRegistry.") and is_part(part(event, "data"))


def _type(event: Payload) -> str:
    return first(event, ("eventType", "type"))


def _event(payload: Payload) -> Event:
    name, source, subject = _type(payload), first(payload, ("topic", "source")), dig(payload, "subject")
    event_id, about, data = dig(payload, "id"), resource(source), cloud_event.data(payload) if name else payload
    event = Event(
        source="event_grid",
        kind=identifier(name) or "event",
        delivery=event_id,
        # An id is its source's own, and the same event can come in another batch, at another place.
        dedup_key=hashlib.sha256(f"{source}\n{event_id}".encode()).hexdigest() if event_id else _digest(payload),
        correlation_key=kit.key(source, subject).lower(),
        title=one_line(resource(subject).name or subject or name or "An event", 200),
        payload=payload,
        scope=one_line(about.name or re.sub(r"^https?://", "", source), 100),
        url=about.url,
        occurred=moment(payload, "eventTime") or moment(payload, "time"),
        attributes={
            **_ATTRIBUTES,
            "type": name,
            "subject": subject,
            "subscription": about.subscription,
            "resource_group": about.group,
            "resource": about.name,
            "resource_type": about.kind,
        },
        details={"type": name},
    )
    reader = next((reader for start, reader in _READERS.items() if event.kind.startswith(start)), None)
    known = reader(event, part(payload, "data")) if reader else None
    event = known or _any(event, data)
    return event if event.correlation_key else replace(event, correlation_key=f"event {event.dedup_key}")


def _any(event: Event, data: Any) -> Event:
    """An event of which only the envelope is known."""
    name, subject = event.attributes["type"], event.attributes["subject"]
    found = reading.read(data, name, subject.rstrip("/").rpartition("/")[2])
    filled = reading.fill(event, found)
    severity = found.severity or cloud_event.alarm(name) or Severity.INFO
    source = first(event.payload, ("topic", "source"))
    # Without an envelope it is whatever it says itself.
    key = event.correlation_key or (kit.key(source, found.key).lower() if name else found.key)
    return replace(
        filled,
        correlation_key=key,
        severity=filled.severity if found.is_over else severity,
        # App Service says by which verb its interface was called.
        facts=tuple(each for each in filled.facts if each[0] != "Verb")
        + kit.facts(Subject="" if subject.rpartition("/")[2] in {"", found.resource} else subject),
    )


def _digest(payload: Payload) -> str:
    return hashlib.sha256(repr(sorted(payload.items(), key=str)).encode("utf-8", "replace")).hexdigest()


EVENT_GRID = Source(
    name="event_grid",
    title="Azure Event Grid",
    # https://learn.microsoft.com/azure/event-grid/delivery-properties
    verifier=Token("Authorization", "Bearer "),
    read=read,
    methods=("POST", "OPTIONS"),
    # An event has at most 1 MB, and so has a batch, unless its last event goes beyond:
    # https://learn.microsoft.com/azure/event-grid/quotas-limits
    # https://learn.microsoft.com/azure/event-grid/delivery-and-retry#output-batching
    max_body=2 * 1024 * 1024,
    delivery_field="id",
    # https://learn.microsoft.com/azure/event-grid/delivery-and-retry
    retry_window=86400.0,
)
