"""CloudEvents 1.0 over HTTP, of any producer and in each mode: the attributes of an event, and what it brings.

https://github.com/cloudevents/spec/blob/v1.0/http-protocol-binding.md
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from bridge.errors import BadWebhook, TooDeep
from bridge.events import Event, Severity, Webhook
from bridge.fields import Payload, dig, moment
from bridge.rendering.text import in_words, one_line
from bridge.sources import kit, reading
from bridge.sources.base import Ignored, decode_json, identifier

_ATTRIBUTE = re.compile(r"ce-([a-z0-9]{1,40})")
_MOST_ATTRIBUTES = 50
# Words at the end of a type that say how bad it is, where its data has no severity.
_ALARMS = {
    **dict.fromkeys(["failed", "failure", "error", "expired"], Severity.ERROR),
    **dict.fromkeys(
        ["warning", "expiry", "unhealthy", "degraded", "unavailable", "rejected", "deadlettered"], Severity.WARNING
    ),
}
ATTRIBUTES = kit.no_attributes("type subject origin")


def is_binary(webhook: Webhook) -> bool:
    """Whether the headers are the attributes of an event, and the body is its data."""
    return bool(webhook.header("ce-type"))


def is_event(value: Any) -> bool:
    """Whether a JSON value is an event in structured mode."""
    return isinstance(value, Mapping) and all(dig(value, name) for name in ("specversion", "type", "source"))


def from_headers(webhook: Webhook) -> Payload:
    """An event in binary mode as one in structured mode."""
    found = [(match[1], value) for name, value in webhook.headers.items() if (match := _ATTRIBUTE.fullmatch(name))]
    attributes = {name: unquote(value) for name, value in found[:_MOST_ATTRIBUTES] if value}
    return {**attributes, "data": _decoded(webhook.body)}


def data(event: Payload) -> Any:
    """What the event brings, decoded from base64 where it comes so."""
    try:
        encoded = base64.b64decode(dig(event, "data_base64"), validate=True)
    except binascii.Error:
        return event.get("data")
    if not encoded:
        return event.get("data")
    return _decoded(encoded)


def _decoded(encoded: bytes) -> Any:
    try:
        return decode_json(encoded)
    except TooDeep:
        raise
    except BadWebhook:
        return encoded.decode("utf-8", "replace")


def agree(webhook: Webhook) -> Ignored:
    """The answer to a handshake: https://github.com/cloudevents/spec/blob/v1.0/http-webhook.md#4-abuse-protection."""
    origin, rate = webhook.header("WebHook-Request-Origin"), webhook.header("WebHook-Request-Rate")
    if not re.fullmatch(r"[\w.:*-]{1,253}", origin, re.ASCII):
        raise BadWebhook("The header WebHook-Request-Origin is missing: is this a handshake of CloudEvents?")
    allowed = {
        "Allow": "POST",
        "WebHook-Allowed-Origin": origin,
        "WebHook-Allowed-Rate": rate if rate.isdigit() else "*",
    }
    return Ignored(f"The handshake of {origin}: its events are accepted.", headers=allowed)


def alarm(name: str) -> Severity | None:
    """How bad an event is by the last word of its type that says so; None where none does."""
    words = in_words(re.split(r"[./]", name)[-1]).split()
    return next((_ALARMS[word] for word in words if word in _ALARMS), None)


def identity(event: Payload) -> str:
    """A hash by which the event is recognised: an id is its source's own. Empty where it has none."""
    source, event_id = dig(event, "source"), dig(event, "id")
    return hashlib.sha256(f"{source}\n{event_id}".encode("utf-8", "replace")).hexdigest() if event_id else ""


def read(source: str, event: Payload, dedup_key: str) -> Event:
    """The event of an envelope of which nothing else is known, read by the names of its data.

    source: the name of the bridge's source.
    """
    name, origin, subject = (dig(event, key) for key in ("type", "source", "subject"))
    about = subject.rstrip("/").rpartition("/")[2]
    found = reading.read(data(event), name, about)
    plain = Event(
        source=source,
        kind=identifier(name) or "event",
        delivery=dig(event, "id") or dedup_key,
        dedup_key=dedup_key,
        correlation_key="",
        title=one_line(about or name or "An event", kit.MAX_TITLE),
        payload=event,
        scope=one_line(re.sub(r"^[a-z]+://", "", origin), 100),
        occurred=moment(event, "time"),
        attributes={**ATTRIBUTES, "type": name, "subject": subject, "origin": origin},
        details={"type": name},
    )
    filled = reading.fill(plain, found)
    worst = found.severity or alarm(name) or Severity.INFO
    return replace(
        filled,
        correlation_key=kit.key(origin, subject) or kit.key(origin, found.key) or f"event {dedup_key}",
        severity=filled.severity if found.is_over else worst,
        facts=filled.facts + kit.facts(Subject="" if subject.rpartition("/")[2] in {"", found.resource} else subject),
    )
