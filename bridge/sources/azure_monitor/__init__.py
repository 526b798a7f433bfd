"""Azure Monitor's action groups: https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from bridge.errors import BadWebhook
from bridge.events import Event, Severity, Webhook
from bridge.fields import Payload, dig, moment, part
from bridge.rendering.text import one_line, safe_url
from bridge.sources.azure_monitor import activity, costs, health, logs, measures
from bridge.sources.azure_monitor.authentication import by_entra_tokens
from bridge.sources.azure_monitor.legacy import as_common
from bridge.sources.azure_monitor.words import Alert, Report, lasted, shown, texts
from bridge.sources.azure_resources import Resource, resource
from bridge.sources.base import Source, decode_json, thread_key

_PORTAL_ALERT = "https://portal.azure.com/#view/Microsoft_Azure_Monitoring_Alerts/AlertDetails.ReactView/alertId/"
_MOST_FACTS = 6
_SEVERITIES: Mapping[str, Severity] = {
    "sev0": Severity.CRITICAL,
    "sev1": Severity.ERROR,
    "sev2": Severity.WARNING,
    "sev3": Severity.INFO,
    "sev4": Severity.INFO,
}
# How the signals of a monitoring service are called, by its name in small letters without blanks, and who tells them.
# https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema#essentials-fields
_SERVICES: Mapping[str, tuple[str, Callable[[Alert], Report]]] = {
    "platform": ("metric", measures.metric),
    "logalertsv2": ("log", logs.search),
    "simplelogalert": ("log", logs.search),
    "loganalytics": ("log", logs.older_search),
    "applicationinsights": ("log", logs.older_search),
    "prometheus": ("prometheus", measures.prometheus),
    "smartdetector": ("smart_detection", measures.smart_detection),
    "activitylog-administrative": ("administrative", activity.administrative),
    "activitylog-policy": ("policy", activity.policy),
    "activitylog-security": ("security", activity.security),
    "activitylog-autoscale": ("autoscale", activity.autoscale),
    "activitylog-recommendation": ("recommendation", activity.recommendation),
    "servicehealth": ("service_health", health.service),
    "resourcehealth": ("resource_health", health.resource_health),
    "costalerts": ("budget", costs.budget),
}


def read(webhook: Webhook) -> Sequence[Event]:
    """The one event of a delivery, of the common schema or an older one; BadWebhook for a body that is no object.

    What is no alert of any schema that is known, as the custom payload of an old rule, becomes a plain event.
    """
    payload = decode_json(webhook.body)
    if not isinstance(payload, dict):
        raise BadWebhook("The body is not a JSON object, as Azure Monitor's alerts are.")
    return (_event(payload, as_common(payload), hashlib.sha256(webhook.body).hexdigest()),)


def _event(payload: Payload, common: Payload, digest: str) -> Event:
    essentials = part(common, "data.essentials")
    alert = _alert(essentials, part(common, "data.alertContext"))
    name, tell = _teller(alert)
    told = tell(alert)
    is_over = told.is_over or alert.is_resolved
    custom = _custom(name, alert, common)
    about = alert.resource
    ident = dig(essentials, "alertId")
    title = one_line(told.title or alert.rule or told.what or "Alert", 200)
    url = safe_url(dig(essentials, "investigationLink")) or told.url or _alert_url(ident) or about.url
    return Event(
        source="azure_monitor",
        kind=f"{name}.{told.stage or ('resolved' if is_over else 'fired')}",
        delivery=f"{ident.rpartition('/')[2] or digest[:32]} {'resolved' if is_over else 'fired'}",
        # It has no id that each delivery has to itself; one that comes again is the same to the byte.
        dedup_key=digest,
        correlation_key=thread_key((told.correlation_key or _watched(alert, told) or ident or title).lower()),
        title=title,
        payload=payload,
        severity=Severity.SUCCESS if is_over else told.severity or _severity(essentials),
        scope=one_line(told.scope or _scope(alert), 100),
        actor=told.actor,
        url=url,
        occurred=told.occurred or moment(essentials, "resolvedDateTime" if alert.is_resolved else "firedDateTime"),
        facts=_facts(told, custom, about),
        attributes={
            "rule": alert.rule,
            "severity": dig(essentials, "severity"),
            "signal": "Activity Log" if "ctivity" in dig(essentials, "signalType") else dig(essentials, "signalType"),
            "service": dig(essentials, "monitoringService"),
            "condition": dig(essentials, "monitorCondition"),
            # Azure spells ids now in small letters, now as their owners did.
            "subscription": about.subscription.lower(),
            "resource_group": about.group.lower(),
            "resource": about.name.lower(),
            "resource_type": about.kind.lower(),
            "resources": [each.name.lower() for each in alert.resources],
            "tracking_id": dig(alert.context, "properties.trackingId"),
            "custom": custom,
        },
        ends_thread=is_over and not told.goes_on,
        details={
            "word": told.word or ("resolved" if is_over else "fired"),
            # Alerts on what Azure tells are all of Sev4.
            "sev": dig(essentials, "severity") if dig(essentials, "severity").lower() != "sev4" else "",
            "before": told.before,
            "what": told.what or _scope(alert),
            "link": told.link or about.url,
            "after": told.after or ("" if told.before or told.what else _plainly(alert)),
            "more": len(alert.resources) - 1 if not told.what else 0,
            "scope_url": told.url if told.scope else about.url,
            "meters": told.meters,
            "table": told.table,
            "text": told.text or ("" if is_over or name == "budget" else alert.description),
            "buttons": [*(button for button in told.buttons if safe_url(button[1])), (_opening(told, url, about), url)],
        },
    )


def _alert(essentials: Payload, context: Payload) -> Alert:
    ids = texts(essentials, "alertTargetIDs")
    resources = [found for ident in ids if (found := resource(ident)).ident]
    return Alert(
        rule=one_line(dig(essentials, "alertRule").rpartition("/")[2], 200),
        is_resolved=dig(essentials, "monitorCondition").lower() == "resolved",
        description=dig(essentials, "description").strip(),
        resource=resources[0] if resources else Resource(),
        resources=resources,
        fired_for=lasted(essentials.get("firedDateTime"), essentials.get("resolvedDateTime")),
        essentials=essentials,
        context=context,
    )


def _teller(alert: Alert) -> tuple[str, Callable[[Alert], Report]]:
    """By the service; metrics, searches and availability tests of one service are known by what they bring."""
    service = re.sub(r"\s", "", dig(alert.essentials, "monitoringService").lower())
    if dig(alert.context, "conditionType").lower().startswith("webtest"):
        return "availability", measures.availability
    if dig(alert.context, "SearchQuery"):
        return "log", logs.older_search
    if service in _SERVICES:
        return _SERVICES[service]
    if part(alert.context, "condition"):
        return "metric", measures.metric
    return re.sub(r"\W+", "_", service, flags=re.ASCII).strip("_")[:50] or "alert", _plain


def _plain(alert: Alert) -> Report:
    """An alert of a service that has no teller: what its context says in plain values."""
    text = next(
        (shown(alert.context.get(name)) for name in ("text", "message", "summary") if alert.context.get(name)), ""
    )
    facts = {_label(name): value for name, value in alert.context.items() if shown(value) not in {"", text}}
    if not alert.rule:
        # It may be the payload that somebody wrote for an old rule.
        return Report(what=text or "An alert", after="" if text else _plainly(alert), facts=facts)
    return Report(
        before=f"{alert.rule} {_plainly(alert)} {'at' if alert.resources else ''}".strip(), text=text, facts=facts
    )


def _plainly(alert: Alert) -> str:
    return " ".join(filter(None, ("went back to normal", alert.after))) if alert.is_resolved else "fired"


def _label(name: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name)
    return words[:1].upper() + words[1:].lower()


def _custom(name: str, alert: Alert, common: Payload) -> dict[str, Any]:
    """The properties that people gave the rule; those in the context of an activity are the activity's own."""
    own = part(alert.context, "properties") if name in {"metric", "availability", "log"} else {}
    return {**own, **part(common, "data.customProperties")}


def _watched(alert: Alert, told: Report) -> str:
    """What a rule watches: one thread for all that it says of it, however often the alert comes and goes."""
    rule = dig(alert.essentials, "alertRuleId") or alert.rule
    ids = sorted({each.ident.lower() for each in alert.resources}) or texts(alert.essentials, "alertTargetIDs")
    return " ".join(filter(None, (rule, *ids, told.series))) if rule and ids else ""


def _facts(told: Report, custom: Payload, about: Resource) -> tuple[tuple[str, str], ...]:
    group = {"Resource group": about.group} if about.name != about.group and not told.scope else {}
    pairs = ((one_line(str(name), 40), shown(value)) for name, value in {**told.facts, **custom, **group}.items())
    return tuple((name, value) for name, value in pairs if name and value)[:_MOST_FACTS]


def _severity(essentials: Payload) -> Severity:
    return _SEVERITIES.get(dig(essentials, "severity").lower(), Severity.WARNING)


def _scope(alert: Alert) -> str:
    """The resource by its name; a subscription has none, and is known by the beginning of its id."""
    about = alert.resource
    if about.name == about.subscription:
        return f"subscription {about.subscription[:8]}" if about.name else ""
    return next(
        (text for text in texts(alert.essentials, "configurationItems") if text.lower() == about.name.lower()),
        about.name,
    )


def _opening(told: Report, url: str, about: Resource) -> str:
    """What a button says that leads there."""
    if url == told.url:
        return "Open the budget's scope" if told.scope == "Cost Management" else "Open Service Health"
    return f"Open the {about.noun}" if url == about.url else "Open the alert"


def _alert_url(alert_id: str) -> str:
    return f"{_PORTAL_ALERT}{quote(alert_id, safe='')}" if alert_id.startswith("/subscriptions/") else ""


AZURE_MONITOR = Source(
    name="azure_monitor",
    title="Azure Monitor",
    verifier=None,
    read=read,
    by_published_keys=by_entra_tokens,
)
