"""Prometheus Alertmanager: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config."""

from collections.abc import Sequence

from bridge.events import Event, Webhook
from bridge.fields import objects
from bridge.sources import kit, reading
from bridge.sources.alert_labels import OWNERS
from bridge.sources.alerts import group
from bridge.sources.base import Source
from bridge.verification.combinations import AnyOf
from bridge.verification.shared_secrets import Basic, Token


def read(webhook: Webhook) -> Sequence[Event]:
    """Read the one event of a notification; a payload of somebody's own template becomes a plain event."""
    payload = kit.json_object(webhook, "Alertmanager")
    if objects(payload, "alerts"):
        return (group("alertmanager", payload),)
    return (reading.event("alertmanager", "Alertmanager", payload, webhook.fingerprint),)


ALERTMANAGER = Source(
    name="alertmanager",
    title="Alertmanager",
    # https://prometheus.io/docs/alerting/latest/configuration/#http_config
    verifier=AnyOf((Token("Authorization", "Bearer "), Basic())),
    read=read,
    # For as long as the group's interval lasts, five minutes by default:
    # https://prometheus.io/docs/alerting/latest/configuration/#route
    retry_window=15 * 60.0,
    people=OWNERS,
)
