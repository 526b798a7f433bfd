"""The schemas before the common one, read as if they were that.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-non-common-schema-definitions
https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-log-webhook
"""

from datetime import UTC, datetime
from typing import Any

from bridge.fields import Payload, as_time, dig, part
from bridge.sources.azure_monitor.values import shown

# Any other status is a condition of its own.
_CONDITIONS = {"activated": "Fired", "deactivated": "Resolved", "resolved": "Resolved"}
_SEVERITIES = {"critical": "Sev0", "error": "Sev1", "warning": "Sev2", "informational": "Sev3", "verbose": "Sev4"}
_SOURCES = {"servicehealth": "ServiceHealth", "resourcehealth": "Resource Health"}


def as_common(payload: Payload) -> Payload | None:
    """The alert in the common schema; None for a payload of no schema that is known."""
    if part(payload, "data.essentials"):
        return payload
    data = part(payload, "data") or payload
    # The schema of 2018 exists in two spellings, by the version of what sends it.
    data = _small(data) if part(data, "Context") else data
    if part(data, "context.activityLog"):
        return _activity(data)
    if part(data, "context.condition"):
        return _metric(part(data, "context"), dig(data, "status"), part(data, "properties"))
    if dig(data, "SearchQuery"):
        return _log(data)
    return _budget(data) if dig(payload, "schemaId") == "AIP Budget Notification" else None


def _small(value: Any) -> Any:
    """The value with a small letter at the beginning of each name."""
    if isinstance(value, dict):
        return {str(name)[:1].lower() + str(name)[1:]: _small(item) for name, item in value.items()}
    return [_small(item) for item in value] if isinstance(value, list) else value


def _metric(context: Payload, status: str, properties: Payload) -> Payload:
    condition = part(context, "condition")
    # The oldest has one condition, and its window in minutes.
    criteria = condition if "allOf" in condition else {"windowSize": condition.get("windowSize"), "allOf": [condition]}
    is_test = dig(context, "conditionType").lower().startswith("webtest")
    time = "resolvedDateTime" if _condition(status) == "Resolved" else "firedDateTime"
    essentials = {
        "alertRule": dig(context, "name"),
        "alertRuleId": dig(context, "id"),
        "severity": _severity(context.get("severity")),
        "signalType": "Metric",
        "monitoringService": "Platform",
        "monitorCondition": _condition(status),
        "alertTargetIDs": [dig(context, "resourceId")],
        time: _time(dig(context, "timestamp")),
        "description": dig(context, "description"),
    }
    kind = "WebtestLocationAvailabilityCriteria" if is_test else dig(context, "conditionType")
    return _alert(essentials, {"conditionType": kind, "condition": criteria, "properties": properties})


def _log(data: Payload) -> Payload:
    essentials = {
        "alertRule": dig(data, "AlertRuleName"),
        "severity": _severity(data.get("Severity")),
        "signalType": "Log",
        "monitoringService": "Log Analytics",
        "monitorCondition": "Fired",
        "alertTargetIDs": [dig(data, "ResourceId") or f"/subscriptions/{dig(data, 'SubscriptionId')}"],
        "configurationItems": data.get("AffectedConfigurationItems"),
        "firedDateTime": _time(dig(data, "SearchIntervalEndtimeUtc")),
        "description": dig(data, "Description"),
    }
    seconds = dig(data, "SearchIntervalInSeconds", 0)
    context = {
        **data,
        "Threshold": data.get("AlertThresholdValue"),
        "Operator": data.get("AlertThresholdOperator"),
        "SearchIntervalInMinutes": seconds // 60 or None,
    }
    return _alert(essentials, context)


def _activity(data: Payload) -> Payload:
    log = part(data, "context.activityLog")
    source = dig(log, "eventSource")
    essentials = {
        "alertRule": dig(data, "context.name"),
        "severity": "Sev4",
        "signalType": "Activity Log",
        "monitoringService": _SOURCES.get(source.lower(), f"Activity Log - {source}"),
        "monitorCondition": "Fired",
        "alertTargetIDs": [dig(log, "resourceId") or f"/subscriptions/{dig(log, 'subscriptionId')}"],
        "firedDateTime": dig(log, "eventTimestamp"),
        "description": dig(log, "description"),
    }
    return _alert(essentials, log, part(data, "properties"))


def _budget(data: Payload) -> Payload:
    """https://learn.microsoft.com/azure/cost-management-billing/manage/cost-management-budget-scenario."""
    group = dig(data, "ResourceGroup")
    scope = f"/subscriptions/{dig(data, 'SubscriptionId')}{f'/resourceGroups/{group}' if group else ''}"
    spent = {
        "Scope": scope,
        "ThresholdType": "Actual",
        "BudgetName": data.get("BudgetName"),
        "BudgetThreshold": data.get("Budget"),
        "SpentAmount": data.get("SpendingAmount"),
        "Unit": data.get("Unit"),
        "BudgetCreator": data.get("BudgetCreator"),
    }
    return _alert({"monitoringService": "CostAlerts", "monitorCondition": "Fired"}, {"AlertData": spent})


def _alert(essentials: dict[str, Any], context: Payload, custom: Payload | None = None) -> Payload:
    return {"data": {"essentials": essentials, "alertContext": context, "customProperties": custom or {}}}


def _condition(status: str) -> str:
    return _CONDITIONS.get(status.lower(), status)


def _severity(value: Any) -> str:
    text = shown(value).lower()
    return f"Sev{text}" if text in {"0", "1", "2", "3", "4"} else _SEVERITIES.get(text, shown(value))


def _time(text: str) -> str:
    """A time of ISO 8601, also of the American form that some of them have; nothing for anything else."""
    if as_time(text):
        return text
    for form in ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).isoformat()
        except ValueError:
            continue
    return ""
