"""Azure Monitor's action groups: https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema."""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from urllib.parse import quote

from bridge.errors import BadWebhook
from bridge.events import Event, Severity, Webhook
from bridge.fields import Payload, dig, first, moment, part
from bridge.markup import between
from bridge.sources.azure_monitor import activity, costs, health, measures
from bridge.sources.azure_monitor.legacy import as_common
from bridge.sources.azure_monitor.words import Told, named, resource_url, shown, texts
from bridge.sources.base import MARK, Source, decode_json, identifier, thread_key
from bridge.text import one_line, safe_url

_PORTAL_ALERT = "https://portal.azure.com/#view/Microsoft_Azure_Monitoring_Alerts/AlertDetails.ReactView/alertId/"
_SEVERITIES: Mapping[str, Severity] = {
    "sev0": Severity.CRITICAL,
    "sev1": Severity.ERROR,
    "sev2": Severity.WARNING,
    "sev3": Severity.INFO,
    "sev4": Severity.INFO,
}
# A monitoring service in small letters without blanks: how its events are called, and who tells them.
# https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema#essentials-fields
_SERVICES = {
    "platform": ("metric", measures.metric),
    "logalertsv2": ("log", measures.metric),
    "loganalytics": ("log", measures.search),
    "applicationinsights": ("log", measures.search),
    "prometheus": ("prometheus", measures.prometheus),
    "smartdetector": ("smart_detection", measures.smart_detection),
    "activitylog-administrative": ("activity_administrative", activity.administrative),
    "activitylog-policy": ("activity_policy", activity.policy),
    "activitylog-security": ("activity_security", activity.security),
    "activitylog-autoscale": ("activity_autoscale", activity.autoscale),
    "activitylog-recommendation": ("activity_recommendation", activity.recommendation),
    "servicehealth": ("service_health", health.service),
    "resourcehealth": ("resource_health", health.resource),
    "costalerts": ("budget", costs.budget),
}


def read(webhook: Webhook) -> Sequence[Event]:
    """The one event of a delivery, of the common schema or an older one; BadWebhook for a body that is no alert."""
    payload = decode_json(webhook.body)
    alert = as_common(payload) if isinstance(payload, dict) else {}
    if not part(alert, "data.essentials"):
        raise BadWebhook("The body is no alert: is this the webhook of an action group of Azure Monitor?")
    return (_event(payload, alert, webhook.body),)


def _event(payload: Payload, alert: Payload, body: bytes) -> Event:
    essentials, context = part(alert, "data.essentials"), part(alert, "data.alertContext")
    service = dig(essentials, "monitoringService")
    name, tell = _SERVICES.get(
        service.lower().replace(" ", ""), (identifier(service.replace(" ", "_")) or "alert", plain)
    )
    told = tell(essentials, context)
    is_over = told.is_over or dig(essentials, "monitorCondition").lower() == "resolved"
    targets = texts(essentials, "alertTargetIDs")
    custom = {
        **part(context, "properties" if name in ("metric", "log") else "none"),
        **part(alert, "data.customProperties"),
    }
    lasted = between(moment(essentials, "firedDateTime"), moment(essentials, "resolvedDateTime"))
    alert_id = first(essentials, ("alertId", "originAlertId"))
    title = told.title or dig(essentials, "alertRule") or "Alert"
    about = [] if name in ("service_health", "budget") else targets[:1]
    resource = {"name": "".join(map(named, about)), "url": "".join(map(resource_url, about))}
    return Event(
        source="azure_monitor",
        kind=f"{name}.{'resolved' if is_over else identifier(dig(essentials, 'monitorCondition')) or 'fired'}",
        delivery=_delivery(told, payload) or hashlib.sha256(body).hexdigest(),
        thread=thread_key((told.thread or alert_id or f"{title} {' '.join(targets)}").lower()),
        title=one_line(title, 200),
        payload=payload,
        severity=Severity.SUCCESS if is_over else told.severity or _severity(essentials),
        scope=one_line(told.scope or _scope(essentials, targets), 100),
        url=safe_url(dig(essentials, "investigationLink")) or told.url or _alert_url(alert_id),
        occurred=told.occurred or moment(essentials, "resolvedDateTime" if is_over else "firedDateTime"),
        facts=tuple(
            (label, text)
            for label, value in {**told.facts, "Fired for": lasted if is_over else "", **custom}.items()
            if (text := shown(value)) and one_line(str(label), 40)
        ),
        attributes={
            "rule": dig(essentials, "alertRule"),
            "severity": dig(essentials, "severity"),
            "signal": dig(essentials, "signalType"),
            "service": service,
            "condition": dig(essentials, "monitorCondition"),
            "subscription": _segment(targets, "subscriptions"),
            "resource_group": _segment(targets, "resourcegroups"),
            "resource": resource["name"],
            "resource_type": _type(targets),
            "resources": [named(target) for target in targets],
            "custom": custom,
        },
        ends_thread=is_over,
        details={
            "word": told.word or ("resolved" if is_over else "firing"),
            "did": told.did or (f"is over{f' after {lasted}' if lasted else ''}" if is_over else "fired"),
            "before": told.before,
            "resource": resource,
            "after": told.after,
            "more": len(targets) - 1,
            "meters": told.meters,
            "text": told.text or (dig(essentials, "description") if not is_over else ""),
            "buttons": told.buttons,
        },
    )


def plain(essentials: Payload, context: Payload) -> Told:  # noqa: ARG001  as all tellers are called
    """An alert of a service that has no teller: its rule, its resource and its description."""
    return Told()


def _delivery(told: Told, payload: Payload) -> str:
    return f"{told.delivery} {dig(payload, MARK)}".strip() if told.delivery else ""


def _severity(essentials: Payload) -> Severity:
    return _SEVERITIES.get(dig(essentials, "severity").lower(), Severity.WARNING)


def _scope(essentials: Payload, targets: Sequence[str]) -> str:
    return next(filter(None, [*texts(essentials, "configurationItems"), *map(named, targets)]), "")


def _alert_url(alert_id: str) -> str:
    return f"{_PORTAL_ALERT}{quote(alert_id, safe='')}" if alert_id.startswith("/subscriptions/") else ""


def _segment(targets: Sequence[str], name: str) -> str:
    segments = targets[0].strip("/").lower().split("/") if targets else []
    return next((value for key, value in pairwise(segments) if key == name), "")


def _type(targets: Sequence[str]) -> str:
    _, _, rest = targets[0].lower().partition("/providers/") if targets else ("", "", "")
    return "/".join(rest.split("/")[:2])


AZURE_MONITOR = Source(
    name="azure_monitor",
    title="Azure Monitor",
    # An action group can add no header: the function key in its URL proves it.
    scheme=None,
    read=read,
)
