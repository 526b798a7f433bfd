"""Azure Monitor's action groups: https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from bridge.events import Event, Severity, Webhook
from bridge.fields import Payload, dig, moment, part
from bridge.rendering.links import safe_url
from bridge.rendering.text import in_words, one_line
from bridge.sources import kit, reading, reading_names, reading_search
from bridge.sources.azure_monitor import activity, costs, health, logs, measures
from bridge.sources.azure_monitor.authentication import by_entra_tokens
from bridge.sources.azure_monitor.legacy import as_common
from bridge.sources.azure_monitor.report import Alert, Report
from bridge.sources.azure_monitor.values import lasted, named, texts
from bridge.sources.azure_resources import Resource, resource
from bridge.sources.base import Source, identifier
from bridge.sources.people import PeopleAt

_PORTAL_ALERT = "https://portal.azure.com/#view/Microsoft_Azure_Monitoring_Alerts/AlertDetails.ReactView/alertId/"
_SEVERITIES: Mapping[str, Severity] = {
    # No severity, as budgets and the portal's tests have none: whatever fires is a warning.
    "": Severity.WARNING,
    "sev0": Severity.CRITICAL,
    "sev1": Severity.ERROR,
    "sev2": Severity.WARNING,
    "sev3": Severity.INFO,
    "sev4": Severity.INFO,
}
_STATES = {"fired": "firing", "resolved": "resolved"}
# How the signals of a monitoring service are called, by its name in small letters without blanks, and who reads them.
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
_ATTRIBUTES = {
    **kit.no_attributes(
        "rule severity signal service condition subscription resource_group resource resource_type tracking_id",
        "resources",
    ),
    "custom": {},
}


def read(webhook: Webhook) -> Sequence[Event]:
    """Read the one event of a delivery, of the common schema or an older one; BadWebhook for a body that is no object.

    What is no alert of a known schema, as the custom payload of an old rule, is read as JSON that nobody described.
    """
    payload = kit.json_object(webhook, "Azure Monitor")
    digest, common = webhook.fingerprint, as_common(payload)
    if common is None:
        return (reading.event("azure_monitor", "An alert", payload, digest, "alert", _ATTRIBUTES),)
    return (_event(payload, common, digest),)


def _event(payload: Payload, common: Payload, digest: str) -> Event:
    essentials = part(common, "data.essentials")
    alert = _alert(essentials, part(common, "data.alertContext"))
    name, read_signal = _signal(alert)
    report = read_signal(alert)
    is_over = report.is_over or alert.is_resolved
    custom, about, alert_id = _custom(name, alert, common), alert.resource, dig(essentials, "alertId")
    title = one_line(report.title or alert.rule or report.what or "An alert", 200)
    url = safe_url(dig(essentials, "investigationLink")) or report.url or _alert_url(alert_id) or about.url
    state = "resolved" if is_over else alert.state
    buttons = _buttons(report, custom, url, about)
    return Event(
        source="azure_monitor",
        kind=f"{name}.{report.stage or _stage(state)}".strip("."),
        # It has no id that each delivery has to itself; one that comes again is the same to the byte.
        delivery=digest,
        dedup_key=digest,
        correlation_key=(report.correlation_key or _watched(alert, report) or alert_id or f"event {digest}").lower(),
        title=title,
        payload=payload,
        severity=Severity.SUCCESS if is_over else report.severity or _severity(alert),
        scope=one_line(report.scope or _scope(alert), 100),
        actor=report.actor,
        url=url,
        occurred=report.occurred or moment(essentials, "resolvedDateTime" if alert.is_resolved else "firedDateTime"),
        facts=_facts(alert, report, custom, {address for _, address in buttons}),
        attributes=_attributes(alert, custom),
        ends_thread=is_over and not report.goes_on,
        details={
            **report.details,
            "action": report.action,
            "state": alert.state,
            "took": alert.took or report.details.get("took", ""),
            "word": report.word or (alert.state if not report.is_over else "resolved"),
            "what": report.what or _scope(alert),
            "link": report.link or about.url,
            "more": len(alert.resources) - 1 if alert.resources and not report.what else 0,
            "scope_url": report.url if report.scope else about.url,
            "meters": report.meters,
            "history": report.history,
            "table": report.table,
            "description": report.text or ("" if is_over or name == "budget" else alert.description),
            "buttons": buttons,
        },
    )


def _stage(state: str) -> str:
    return "fired" if state == "firing" else identifier(state.replace(" ", "_"))


def _attributes(alert: Alert, custom: Mapping[str, Any]) -> Mapping[str, Any]:
    essentials, about = alert.essentials, alert.resource
    signal = dig(essentials, "signalType")
    return {
        **_ATTRIBUTES,
        "rule": alert.rule,
        "severity": dig(essentials, "severity"),
        "signal": "Activity Log" if "ctivity" in signal else signal,
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
    }


def _alert(essentials: Payload, context: Payload) -> Alert:
    ids = texts(essentials, "alertTargetIDs")
    resources = [found for resource_id in ids if (found := resource(resource_id)).id]
    condition = dig(essentials, "monitorCondition")
    return Alert(
        rule=one_line(dig(essentials, "alertRule").rpartition("/")[2], 200),
        state=_STATES.get(condition.lower(), in_words(condition)),
        description=dig(essentials, "description").strip(),
        resource=resources[0] if resources else Resource(),
        resources=resources,
        took=lasted(essentials.get("firedDateTime"), essentials.get("resolvedDateTime")),
        essentials=essentials,
        context=context,
    )


def _signal(alert: Alert) -> tuple[str, Callable[[Alert], Report]]:
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
    """An alert of a service that nothing here knows: its state, and what its context says in plain values."""
    found = reading.read(alert.context)
    description = "" if alert.is_resolved else alert.description
    words = [text for text in (found.title, found.message, description) if text not in {"", alert.rule, found.resource}]
    return Report(
        text="\n\n".join(words),
        facts={"State": in_words(found.state), "Before": in_words(found.before), **dict(found.facts)},
        buttons=found.buttons,
    )


def _custom(name: str, alert: Alert, common: Payload) -> dict[str, Any]:
    """The properties that people gave the rule; those in the context of an activity are the activity's own."""
    own = part(alert.context, "properties") if name in {"metric", "availability", "log"} else {}
    return {**own, **part(common, "data.customProperties")}


def _watched(alert: Alert, report: Report) -> str:
    """What a rule watches: one key for all that it says of it, however often the alert comes and goes."""
    rule = dig(alert.essentials, "alertRuleId") or alert.rule
    ids = sorted({each.id.lower() for each in alert.resources}) or list(
        filter(None, texts(alert.essentials, "alertTargetIDs"))
    )
    return " ".join(filter(None, (rule, *ids, report.series))) if rule and ids else ""


def _facts(alert: Alert, report: Report, custom: Payload, buttons: set[str]) -> tuple[tuple[str, str], ...]:
    """What the alert is about, then what people said of its rule in the order that readers need, then the group."""
    about = alert.resource
    group = {"Resource group": about.group} if about.name != about.group and not report.scope else {}
    extra = named(custom)
    # Whom to ask and what to do is what most of them are for.
    ordered = sorted(extra, key=lambda name: not reading_names.is_of_people(name))
    found = named({**report.facts, **_unseen(alert), **{name: extra[name] for name in ordered}, **group})
    return tuple((name, text) for name, text in found.items() if text not in buttons)


def _unseen(alert: Alert) -> dict[str, str]:
    """Words of Azure's that nothing here knows, and that no sentence says."""
    severity, level = dig(alert.essentials, "severity"), dig(alert.context, "level")
    words = {
        "Condition": "" if alert.state in {"", *_STATES.values()} else alert.state,
        "Severity": "" if severity.lower() in _SEVERITIES else in_words(severity),
        "Level": "" if level.lower() in activity.LEVELS else in_words(level),
    }
    return {name: word for name, word in words.items() if word}


def _severity(alert: Alert) -> Severity:
    """Azure's own of an alert that fires; of any other condition and of an unknown severity information."""
    if alert.state not in {"firing", ""}:
        return Severity.INFO
    return _SEVERITIES.get(dig(alert.essentials, "severity").lower(), Severity.INFO)


def _scope(alert: Alert) -> str:
    """The resource by its name; a subscription has none, and is known by the beginning of its id."""
    about = alert.resource
    if about.name == about.subscription:
        return f"subscription {about.subscription[:8]}" if about.name else ""
    return next(
        (text for text in texts(alert.essentials, "configurationItems") if text.lower() == about.name.lower()),
        about.name,
    )


def _buttons(report: Report, custom: Payload, url: str, about: Resource) -> list[tuple[str, str]]:
    """Runbooks of custom properties and dimensions first, then what the signal leads to, then the alert itself."""
    texts = {name: value for name, value in report.facts.items() if isinstance(value, str)}
    pages = reading_search.pages({**texts, **custom})
    return [*pages, *(pair for pair in report.buttons if safe_url(pair[1])), (_opening(report, url, about), url)][:3]


def _opening(report: Report, url: str, about: Resource) -> str:
    """What a button says that leads there."""
    if url == report.url:
        return "Open the budget's scope" if report.scope == "Cost Management" else "Open Service Health"
    return f"Open the {about.noun}" if url == about.url else "Open the alert"


def _alert_url(alert_id: str) -> str:
    return f"{_PORTAL_ALERT}{quote(alert_id, safe='')}" if alert_id.startswith("/subscriptions/") else ""


AZURE_MONITOR = Source(
    name="azure_monitor",
    title="Azure Monitor",
    verifier=None,
    read=read,
    by_published_keys=by_entra_tokens,
    # Azure Monitor knows nobody: an alert rule's custom properties are the place to say it.
    people=PeopleAt(
        owner=tuple(f"data/customProperties/{name}" for name in ("owner", "Owner", "team", "Team")),
        assignees=("data/customProperties/assignee", "data/customProperties/Assignee"),
    ),
    # Five times within 75 seconds, and then not for 15 minutes:
    # https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups
    retry_window=15 * 60.0,
)
