"""Grafana's alerting, since version 8 and before it.

https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge.events import Event, Severity, Webhook
from bridge.fields import Payload, dig, first, objects, part
from bridge.rendering.links import safe_url
from bridge.rendering.measures import figure
from bridge.rendering.text import in_words, one_line
from bridge.sources import alerts, kit, reading
from bridge.sources.alert_labels import OWNERS
from bridge.sources.alert_values import STATE
from bridge.sources.base import Source, as_action, identifier
from bridge.verification.combinations import AnyOf
from bridge.verification.shared_secrets import Basic, Token
from bridge.verification.signatures import Hmac

_SIGNATURE, _TIME = "X-Grafana-Alerting-Signature", "X-Grafana-Alerting-Timestamp"
# States of the alerting before Grafana 8, as actions of templates/alerts.html.
# https://grafana.com/docs/grafana/v7.5/alerting/notifications/#webhook
_STATES = {
    "alerting": ("firing", Severity.ERROR),
    "no_data": ("no_data", Severity.WARNING),
    "pending": ("pending", Severity.WARNING),
    "paused": ("paused", Severity.INFO),
    "ok": ("resolved", Severity.SUCCESS),
}
# Alerts about a rule that could not be evaluated, which bear these names instead of the rule's.
_OF_THE_RULE = {"DatasourceNoData": "no_data", "DatasourceError": "error"}
# Why a rule is in a state without a threshold being crossed, by the words of the annotation grafana_state_reason.
# https://grafana.com/docs/grafana/latest/alerting/fundamentals/alert-rule-evaluation/nodata-and-error-states/
_REASONS = {"nodata": "no_data", "error": "error", "missingseries": "gone", "ruledeleted": "rule_deleted",
            "paused": "paused", "updated": "rule_updated", "keeplast": "kept"}  # fmt: skip
_MOST_SCREENSHOTS = 4
_TEXTS = {"summary", "message", "description", "grafana_state_reason"}


def read(webhook: Webhook) -> Sequence[Event]:
    """Read the one event of a notification, of unified alerting or the older one; any other object is a plain event."""
    payload = kit.json_object(webhook, "Grafana")
    if objects(payload, "alerts"):
        return (_unified(payload),)
    if first(payload, ("ruleName", "title")) and (
        "ruleId" in payload or "evalMatches" in payload or "state" in payload
    ):
        return (_legacy(payload, webhook.fingerprint),)
    return (reading.event("grafana", "Grafana", payload, webhook.fingerprint),)


def _unified(payload: Payload) -> Event:
    sent = [_plain(one) for one in objects(payload, "alerts")]
    rules = {dig(one, "labels.alertname") for one in sent}
    labels = part(payload, "groupLabels")
    if dig(labels, "alertname") in _OF_THE_RULE and len(rules) == 1:
        labels = {**labels, "alertname": rules.pop()}
    event = alerts.group("grafana", {**payload, "alerts": sent, "groupLabels": labels})
    event = replace(event, payload=payload, images=tuple(_screenshots(sent)))
    org = payload.get("orgId")
    # Organisations share an instance, and may have groups of the same names.
    return event if org in (None, 1) else replace(event, correlation_key=f"org {org} {event.correlation_key}")


def _screenshots(sent: Sequence[Payload]) -> Iterator[tuple[str, str]]:
    """Pictures of the alerts' panels, each once.

    https://grafana.com/docs/grafana/latest/alerting/configure-notifications/template-notifications/images-in-notifications/
    """
    found = {url: dig(one, "labels.alertname") for one in sent if (url := safe_url(dig(one, "imageURL")))}
    for url, name in list(found.items())[:_MOST_SCREENSHOTS]:
        yield one_line(f"Panel of {name}" if name else "Panel", 80), url


def _plain(one: Payload) -> Payload:
    """The alert with its real state, by its rule's name.

    What the rule says of its threshold is left out where none was crossed.
    """
    labels, annotations = part(one, "labels"), part(one, "annotations")
    name, status = dig(labels, "alertname"), dig(one, "status")
    state = _state(dig(annotations, "grafana_state_reason"), status)
    if name in _OF_THE_RULE:
        state = state or (_OF_THE_RULE[name] if status == "firing" else "")
        labels = {**labels, "alertname": dig(labels, "rulename") or name}
    if not state:
        return {**one, "labels": labels}
    texts = {"summary": dig(annotations, "Error")} if state == "error" else {}
    kept = {key: value for key, value in annotations.items() if key not in _TEXTS}
    return {**one, "labels": labels, "annotations": {**kept, **texts}, STATE: state}


def _state(reason: str, status: str) -> str:
    """The state that a reason stands for; empty where there is none: then the status is the state."""
    words = [word for word in re.split(r"[,\s]+", reason) if word]
    known = [_REASONS[word.lower()] for word in words if word.lower() in _REASONS]
    if "no_data" in known and status == "resolved":
        return "ended_without_data"
    if "error" in known and status == "resolved":
        return "ended_by_error"
    return next(iter(known), "") or as_action("_".join(words))


def _legacy(payload: Payload, identity: str) -> Event:
    """An alert of https://grafana.com/docs/grafana/v7.5/alerting/notifications/#webhook."""
    state = as_action(dig(payload, "state"))
    action, severity = _STATES.get(state, (state or "other", Severity.INFO))
    matches = objects(payload, "evalMatches")
    if action == "firing" and matches and all(match.get("value") is None for match in matches):
        action, severity = "no_data", Severity.WARNING
    name = one_line(first(payload, ("ruleName", "title")), 200)
    return Event(
        source="grafana",
        kind=f"rule.{identifier(state) or 'unknown'}",
        delivery=identity,
        dedup_key=identity,
        correlation_key=f"rule {payload.get('orgId', '')} {payload.get('ruleId') or name}",
        title=name,
        payload=payload,
        severity=severity,
        url=safe_url(dig(payload, "ruleUrl")),
        facts=tuple(_measured(payload)),
        images=(("Panel", url),) if (url := safe_url(dig(payload, "imageUrl"))) else (),
        attributes={
            "status": state,
            "alertname": name,
            "labels": {},
            "receiver": "",
            "state": action,
            "firing": int(action == "firing"),
            "resolved": int(action == "resolved"),
        },
        details={
            "action": action,
            "word": in_words(dig(payload, "state")),
            "names": [name],
            "count": 1,
            # It is what the rule says when it fires, whatever its state is.
            "annotation": dig(payload, "message") if action == "firing" else "",
            "buttons": [(text, url) for text, url in [("Open the panel", dig(payload, "ruleUrl"))] if safe_url(url)],
        },
        ends_thread=action == "resolved",
    )


def _measured(payload: Payload) -> list[tuple[str, str]]:
    """What was measured, of each series, and the tags of the rule."""
    found: list[tuple[str, str]] = []
    for match in objects(payload, "evalMatches"):
        value = match.get("value")
        if isinstance(value, int | float) and not isinstance(value, bool):
            found.append((one_line(dig(match, "metric") or _tags(part(match, "tags")) or "Value", 40), figure(value)))
    return [*found, *((one_line(name, 40), text) for name, text in _texts(part(payload, "tags")).items())]


def _tags(tags: Mapping[str, Any]) -> str:
    return " ".join(_texts(tags).values())


def _texts(tags: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): one_line(text, 100) for name, text in tags.items() if isinstance(text, str) and text}


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
    # Not by itself, but again with the next group interval, five minutes by default:
    # https://grafana.com/docs/grafana/latest/alerting/fundamentals/notifications/group-alert-notifications/
    retry_window=15 * 60.0,
    people=OWNERS,
)
