"""Azure Event Grid and CloudEvents 1.0: https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.fields import Payload, dig, first, moment, part
from bridge.rendering.text import one_line
from bridge.sources.azure_resources import resource
from bridge.sources.base import Ignored, Source, decode_json, identifier, thread_key
from bridge.sources.event_grid import management, services
from bridge.sources.event_grid.words import any_event
from bridge.verification.signatures import Token

_VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"
# What tells an event, by the beginning of its type; what is not here is told by its envelope.
# https://learn.microsoft.com/azure/event-grid/system-topics
_TELLERS: Mapping[str, Callable[[Event, Payload], Event]] = {
    "microsoft.keyvault.": services.key_vault,
    "microsoft.storage.": services.storage,
    "microsoft.containerregistry.": services.registry,
    "microsoft.machinelearningservices.modelregistered": services.model_registered,
    "microsoft.machinelearningservices.modeldeployed": services.model_deployed,
    "microsoft.machinelearningservices.run": services.run,
    "microsoft.machinelearningservices.datasetdrift": services.drift,
    "microsoft.resources.resource": management.resource_change,
    "microsoft.policyinsights.": management.policy,
    "microsoft.eventgrid.subscriptiondeletedevent": management.subscription_deleted,
}
# Every attribute that a route may ask for, so that no route's condition fails on it.
_ATTRIBUTES: Mapping[str, Any] = dict.fromkeys(
    ("type", "subject", "subscription", "resource_group", "resource", "resource_type", "operation", "registry",
     "repository", "tag", "action"), "")  # fmt: skip


def read(webhook: Webhook) -> Sequence[Event] | Ignored:
    """The events of a delivery, single or batched, of Event Grid's schema or CloudEvents'; or a handshake's answer.

    BadWebhook for a body that is no event and no list of events.
    """
    if webhook.method == "OPTIONS":
        return _agreed(webhook)
    payload = decode_json(webhook.body)
    events = payload if isinstance(payload, list) else [payload]
    if not events or not all(isinstance(event, dict) and _type(event) for event in events):
        raise BadWebhook("The body is no event and no list of events, as Event Grid sends them.")
    if _type(events[0]) == _VALIDATION:
        code = dig(events[0], "data.validationCode")
        if not code:
            raise BadWebhook("The validation event has no validationCode.")
        return Ignored("Event Grid's validation: the subscription is set up.", {"validationResponse": code})
    return [_told(_event(event)) for event in events]


def _told(event: Event) -> Event:
    teller = next((teller for start, teller in _TELLERS.items() if event.kind.startswith(start)), any_event)
    event = teller(event, part(event.payload, "data"))
    return replace(event, correlation_key=thread_key(event.correlation_key))


def _agreed(webhook: Webhook) -> Ignored:
    """https://github.com/cloudevents/spec/blob/v1.0/http-webhook.md#4-abuse-protection."""
    origin, rate = webhook.header("WebHook-Request-Origin"), webhook.header("WebHook-Request-Rate")
    if not re.fullmatch(r"[\w.:*-]{1,253}", origin, re.ASCII):
        raise BadWebhook("The header WebHook-Request-Origin is missing: is this Event Grid's handshake?")
    allowed = {
        "Allow": "POST",
        "WebHook-Allowed-Origin": origin,
        "WebHook-Allowed-Rate": rate if rate.isdigit() else "*",
    }
    return Ignored(f"The handshake of {origin}: its events may come.", headers=allowed)


def _type(event: Payload) -> str:
    return first(event, ("eventType", "type"))


def _event(payload: Payload) -> Event:
    name, source, subject = _type(payload), first(payload, ("topic", "source")), dig(payload, "subject")
    ident = dig(payload, "id")
    about = resource(source)
    return Event(
        source="event_grid",
        kind=identifier(name) or "event",
        delivery=ident,
        # An id is its source's own, and the same event can come in another batch, at another place.
        dedup_key=hashlib.sha256(f"{source}\n{ident}".encode()).hexdigest() if ident else _digest(payload),
        correlation_key=f"{source} {subject}".strip().lower() or name,
        title=one_line(resource(subject).name or subject or name, 200),
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


def _digest(payload: Payload) -> str:
    return hashlib.sha256(repr(sorted(payload.items(), key=str)).encode("utf-8", "replace")).hexdigest()


EVENT_GRID = Source(
    name="event_grid",
    title="Azure Event Grid",
    # https://learn.microsoft.com/azure/event-grid/delivery-properties
    verifier=Token("Authorization", "Bearer "),
    read=read,
    methods=("POST", "OPTIONS"),
    delivery_field="id",
)
