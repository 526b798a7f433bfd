"""CloudEvents 1.0 of any producer, in binary, structured and batched mode: https://cloudevents.io."""

from collections.abc import Sequence

from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.sources import cloud_event, reading
from bridge.sources.base import Ignored, Source, decode_json
from bridge.verification.shared_secrets import Token


def read(webhook: Webhook) -> Sequence[Event] | Ignored:
    """The events of a webhook, or the answer to a handshake. What is no CloudEvent is read as JSON of any kind."""
    if webhook.method == "OPTIONS":
        return cloud_event.agree(webhook)
    if cloud_event.is_binary(webhook):
        event = cloud_event.from_headers(webhook)
        return [cloud_event.read("cloud_events", event, cloud_event.identity(event) or webhook.fingerprint)]
    payload = decode_json(webhook.body)
    events = payload if isinstance(payload, list) else [payload]
    if not events or not all(isinstance(event, dict) for event in events):
        raise BadWebhook("The body is no event and no list of events, as CloudEvents are in JSON.")
    return [_event(event, webhook.fingerprint) for event in events]


def _event(payload: dict[str, object], fingerprint: str) -> Event:
    if cloud_event.is_event(payload):
        return cloud_event.read("cloud_events", payload, cloud_event.identity(payload) or fingerprint)
    return reading.event(
        "cloud_events", "An event without an envelope", payload, fingerprint, attributes=cloud_event.ATTRIBUTES
    )


CLOUD_EVENTS = Source(
    name="cloud_events",
    title="CloudEvents",
    # https://github.com/cloudevents/spec/blob/v1.0/http-webhook.md#31-oauth-20-bearer-token
    verifier=Token("Authorization", "Bearer "),
    read=read,
    methods=("POST", "OPTIONS"),
    delivery_field="id",
)
