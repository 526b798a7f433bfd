"""The schemas before the common one, read as if they were that.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-non-common-schema-definitions
"""

from typing import Any

from bridge.fields import Payload, dig, first, part
from bridge.sources.azure_monitor.words import shown, spaced

_COMMON = "azuremonitorcommonalertschema"
_CONDITIONS = {"activated": "Fired", "fired": "Fired", "resolved": "Resolved", "deactivated": "Resolved"}
_ACTIVITY = {
    "servicehealth": "ServiceHealth",
    "resourcehealth": "Resource Health",
    "policy": "Activity Log - Policy",
    "security": "Activity Log - Security",
    "autoscale": "Activity Log - Autoscale",
    "recommendation": "Activity Log - Recommendation",
}


def as_common(payload: Payload) -> Payload:
    """The alert in the common schema, or nothing where it is no alert at all."""
    schema = dig(payload, "schemaId").lower()
    if schema == _COMMON or part(payload, "data.essentials"):
        return payload
    if part(payload, "data.context.activityLog"):
        return _activity(payload)
    if schema.endswith("logalert") or dig(payload, "data.SearchQuery"):
        return _log(payload)
    if part(payload, "context"):
        return _metric(payload, part(payload, "context"), dig(payload, "status"))
    if part(payload, "data.context"):
        return _metric(payload, part(payload, "data.context"), dig(payload, "data.status"))
    return {}


def _metric(payload: Payload, context: Payload, status: str) -> Payload:
    condition = part(context, "condition")
    criteria = condition if "allOf" in condition else {"windowSize": condition.get("windowSize"), "allOf": [condition]}
    properties = part(payload, "properties") or part(payload, "data.properties")
    time = "resolvedDateTime" if _condition(status) == "Resolved" else "firedDateTime"
    essentials = {
        "alertId": f"{dig(context, 'id')} {dig(context, 'resourceId')}",
        "alertRule": dig(context, "name"),
        "severity": _severity(context.get("severity")),
        "signalType": "Metric",
        "monitoringService": "Platform",
        "monitorCondition": _condition(status),
        "alertTargetIDs": [dig(context, "resourceId")] if dig(context, "resourceId") else [],
        "configurationItems": [dig(context, "resourceName")],
        time: dig(context, "timestamp"),
        "description": dig(context, "description"),
        "investigationLink": dig(context, "portalLink"),
    }
    return _alert(essentials, {"condition": criteria, "properties": properties})


def _log(payload: Payload) -> Payload:
    data = part(payload, "data") or payload
    essentials = {
        "alertId": " ".join((dig(data, "SubscriptionId"), dig(data, "AlertRuleName"))),
        "alertRule": dig(data, "AlertRuleName"),
        "severity": _severity(data.get("Severity")),
        "signalType": "Log",
        "monitoringService": "Log Analytics",
        "monitorCondition": "Fired",
        "alertTargetIDs": [],
        "configurationItems": [first(data, ("WorkspaceId", "ApplicationId"))],
        "firedDateTime": dig(data, "SearchIntervalEndtimeUtc"),
        "description": dig(data, "Description"),
    }
    context = {
        **data,
        "Threshold": data.get("AlertThresholdValue", data.get("Threshold")),
        "Operator": shown(data.get("AlertThresholdOperator")).replace(" ", ""),
    }
    return _alert(essentials, context)


def _activity(payload: Payload) -> Payload:
    log = part(payload, "data.context.activityLog")
    source = dig(log, "eventSource")
    essentials = {
        "alertId": first(log, ("correlationId", "eventDataId")),
        "alertRule": spaced(" ".join(dig(log, "operationName").split("/")[1:-1])),
        "signalType": "Activity Log",
        "monitoringService": _ACTIVITY.get(source.lower(), "Activity Log - Administrative"),
        "monitorCondition": _condition(dig(payload, "data.status")),
        "alertTargetIDs": [dig(log, "resourceId")] if dig(log, "resourceId") else [],
        "firedDateTime": dig(log, "eventTimestamp"),
        "description": dig(log, "description"),
    }
    return _alert(essentials, log)


def _alert(essentials: dict[str, Any], context: Payload) -> Payload:
    return {"data": {"essentials": essentials, "alertContext": context}}


def _condition(status: str) -> str:
    return _CONDITIONS.get(status.lower(), "Fired")


def _severity(value: Any) -> str:
    words = {"critical": "Sev0", "error": "Sev1", "warning": "Sev2", "informational": "Sev3", "verbose": "Sev4"}
    text = shown(value).lower()
    return f"Sev{text}" if text in ("0", "1", "2", "3", "4") else words.get(text, "")
