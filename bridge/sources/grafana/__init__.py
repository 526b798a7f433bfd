"""Grafana's alerting, since version 8 and before it.

https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from bridge.errors import BadWebhook
from bridge.events import Event, Severity, Webhook
from bridge.fields import Payload, dig, first, objects
from bridge.rendering.filters import figure
from bridge.rendering.text import one_line, safe_url
from bridge.sources.alert_groups import group
from bridge.sources.base import MARK, Source, decode_json, identifier, thread_key
from bridge.verification.signatures import AnyOf, Basic, Hmac, Token

_SIGNATURE, _TIME = "X-Grafana-Alerting-Signature", "X-Grafana-Alerting-Timestamp"
# States of the alerting before Grafana 8.
_STATES = {
    "alerting": ("fires", Severity.ERROR),
    "no_data": ("has no data", Severity.WARNING),
    "pending": ("is about to fire", Severity.WARNING),
    "paused": ("is paused", Severity.INFO),
    "ok": ("is over", Severity.SUCCESS),
}
# Alerts about the rule itself: https://grafana.com/docs/grafana/latest/alerting/fundamentals/alert-rule-evaluation/nodata-and-error-states/
_OF_THE_RULE = {
    "DatasourceNoData": ("has no data", "has data again"),
    "DatasourceError": ("cannot be evaluated", "is evaluated again"),
}


def read(webhook: Webhook) -> Sequence[Event]:
    """The one event of a notification, of unified alerting or the older one; BadWebhook for anything else."""
    payload = decode_json(webhook.body)
    if isinstance(payload, dict) and objects(payload, "alerts"):
        return (_unified(payload),)
    if isinstance(payload, dict) and first(payload, ("ruleName", "title")):
        return (_legacy(payload, webhook.body),)
    raise BadWebhook("The body is no alert: is this the webhook of a contact point of Grafana?")


def _unified(payload: Payload) -> Event:
    event = group("grafana", payload)
    rule = first(payload, ("commonLabels.rulename", "groupLabels.rulename"))
    phrases = _OF_THE_RULE.get(event.title)
    if not phrases or not rule:
        return event
    sentence = f"{rule} {phrases[event.ends_thread]}"
    return replace(event, title=one_line(rule, 200), details={**event.details, "sentence": sentence})


def _legacy(payload: Payload, body: bytes) -> Event:
    """An alert of https://grafana.com/docs/grafana/v7.5/alerting/notifications/#webhook."""
    state = identifier(dig(payload, "state")) or "alerting"
    happens, severity = _STATES.get(state, (state.replace("_", " "), Severity.INFO))
    name = one_line(first(payload, ("ruleName", "title")), 200)
    matches = [
        (one_line(dig(match, "metric"), 40), figure(match["value"]))
        for match in objects(payload, "evalMatches")
        if isinstance(match.get("value"), int | float) and dig(match, "metric")
    ]
    return Event(
        source="grafana",
        kind=f"rule.{state}",
        delivery=hashlib.sha256(body + dig(payload, MARK).encode()).hexdigest(),
        correlation_key=thread_key(f"rule {payload.get('orgId', '')} {payload.get('ruleId') or name}"),
        title=name,
        summary=f"{name} {happens}",
        payload=payload,
        severity=severity,
        url=safe_url(dig(payload, "ruleUrl")),
        text=dig(payload, "message"),
        facts=tuple(matches),
        attributes={"status": state, "alertname": name, "labels": {}, "receiver": "", "firing": 0, "resolved": 0},
        ends_thread=state == "ok",
    )


GRAFANA = Source(
    name="grafana",
    title="Grafana",
    verifier=AnyOf(
        (
            Hmac(_SIGNATURE),
            Hmac(_SIGNATURE, signed=f"{{{_TIME}}}:{{body}}", timestamp=_TIME),
            Token("Authorization", "Bearer "),
            Basic(),
        )
    ),
    read=read,
)
