"""Prometheus Alertmanager: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config."""

from collections.abc import Sequence

from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.fields import objects
from bridge.sources.alert_groups import group
from bridge.sources.base import Source, decode_json
from bridge.verification.signatures import AnyOf, Basic, Token


def read(webhook: Webhook) -> Sequence[Event]:
    """The one event of a notification about a group; BadWebhook for a body without alerts."""
    payload = decode_json(webhook.body)
    if not isinstance(payload, dict) or not objects(payload, "alerts"):
        raise BadWebhook("The body has no alerts: is this the webhook of Alertmanager?")
    return (group("alertmanager", payload),)


ALERTMANAGER = Source(
    name="alertmanager",
    title="Alertmanager",
    # https://prometheus.io/docs/alerting/latest/configuration/#http_config
    verifier=AnyOf((Token("Authorization", "Bearer "), Basic())),
    read=read,
)
