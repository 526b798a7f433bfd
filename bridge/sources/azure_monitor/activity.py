"""Alerts on the activity log: what somebody did, and what policy, security, autoscale and the advisor say.

https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema
"""

from typing import Any

from bridge.events import Severity
from bridge.fields import Payload, dig, first, moment, part
from bridge.rendering.text import in_words, is_id, one_line
from bridge.sources import kit
from bridge.sources.azure_monitor.report import Alert, Report
from bridge.sources.azure_monitor.values import shown, unpacked
from bridge.sources.azure_resources import Resource, resource

LEVELS = {
    "": Severity.INFO,
    "critical": Severity.CRITICAL,
    "error": Severity.ERROR,
    "warning": Severity.WARNING,
    "informational": Severity.INFO,
}
_GRADES = {"high": Severity.ERROR, "medium": Severity.WARNING, "low": Severity.INFO}
# How an operation ended, by its status; the template has a sentence for each. Any other status is shown as it is.
_ENDS = {
    **dict.fromkeys(("succeeded", "success", "resolved"), "done"),
    **dict.fromkeys(("failed", "failure"), "failed"),
    **dict.fromkeys(("canceled", "cancelled"), "canceled"),
    **dict.fromkeys(("started", "accepted", "in progress", "active"), "begun"),
}


def administrative(alert: Alert) -> Report:
    """Somebody did something to a resource, began it, or failed; all of one operation has one correlation key."""
    context = alert.context
    operation, status = dig(context, "operationName"), dig(context, "status")
    about = resource(dig(context, "authorization.scope"))
    about = about if about.id.lower() == alert.resource.id.lower() else alert.resource
    who, caller_id = _caller(context)
    end, noun = _ENDS.get(status.lower(), ""), _noun(about, operation)
    return Report(
        action=f"operation_{end or 'other'}",
        details={
            "operation": operation.removesuffix("/action").rpartition("/")[2].lower(),
            "operation_words": in_words(operation.removesuffix("/action").rpartition("/")[2]),
            "status": in_words(status),
            "resource_noun": noun,
            "by_application": bool(caller_id) and not who,
        },
        title=alert.rule or f"{noun.capitalize()} {about.name}".strip(),
        actor=who,
        what=about.name,
        link=about.url,
        word=in_words(status),
        severity=max(_level(context), Severity.ERROR if end == "failed" else Severity.INFO),
        occurred=moment(context, "eventTimestamp"),
        text=_description(alert),
        correlation_key=_operation(alert),
        facts={
            "Operation": operation,
            "Result": _text_of_status(context) if end == "failed" else "",
            "Caller": "" if who else caller_id,
        },
    )


def policy(alert: Alert) -> Report:
    """A policy found fault with a resource, or did something about it."""
    context = alert.context
    found = unpacked(dig(context, "properties.policies"))
    policies = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    head = policies[0] if policies else {}
    effect = dig(context, "operationName").removesuffix("/action").rpartition("/")[2]
    name = first(head, ("policyDefinitionDisplayName", "policyDefinitionReferenceId", "policyDefinitionName"))
    name = "" if is_id(name) or name.startswith("<") else name if " " in name else in_words(name)
    who, _ = _caller(context)
    return Report(
        action="policy",
        details={"effect": effect.lower(), "effect_words": in_words(effect), "policy": one_line(name, 100)},
        severity=_level(context),
        occurred=moment(context, "eventTimestamp"),
        text=_description(alert),
        facts={
            "Effect": in_words(dig(head, "policyDefinitionEffect")),
            "Assignment": first(head, ("policyAssignmentDisplayName", "policyAssignmentName")),
            "Policies": f"{len(policies)}" if len(policies) > 1 else "",
            "Location": dig(context, "properties.resourceLocation"),
            "Caller": who,
        },
    )


def security(alert: Alert) -> Report:
    """Microsoft Defender for Cloud raised an alert; each has a correlation key of its own."""
    context, properties = alert.context, part(alert.context, "properties")
    threat = shown(dig(properties, "alertDisplayName") or in_words(dig(properties, "category")))
    entity, grade = dig(properties, "compromisedEntity"), dig(properties, "severity").lower()
    is_other = entity.lower() != alert.resource.name.lower()
    steps = unpacked(properties.get("remediationSteps"))
    steps = [step for step in steps if isinstance(step, str)] if isinstance(steps, list) else []
    return Report(
        action="security",
        details={
            "threat": threat.lower() if threat.istitle() else threat,
            "taken": in_words(dig(properties, "actionTaken")),
        },
        title=alert.rule or threat,
        what="" if is_other else entity,
        severity=_GRADES.get(grade, Severity.INFO) if grade else _level(context),
        occurred=moment(context, "eventTimestamp"),
        text="\n".join(filter(None, (_description(alert), "\n", *(f"- {step}" for step in steps)))).strip(),
        correlation_key=_operation(alert),
        facts={
            "Threat": in_words(first(properties, ("threatStatus", "intent"))),
            "Severity": "" if grade in _GRADES else in_words(dig(properties, "severity")),
            "File": dig(properties, "filePath"),
            "Entity": entity if is_other else "",
            "Attackers": _all_of(properties.get("attackers")),
            "Protection": dig(properties, "protectionType"),
        },
    )


def autoscale(alert: Alert) -> Report:
    """Instances were added or taken away, or could not be; all of one resource has one correlation key."""
    context, properties = alert.context, part(alert.context, "properties")
    old, new = (shown(properties.get(name)) for name in ("oldInstancesCount", "newInstancesCount"))
    about = resource(dig(properties, "resourceName"))
    about = about if about.name else alert.resource
    end = _ENDS.get(dig(context, "status").lower(), "")
    return Report(
        action=f"autoscale_{end or 'other'}",
        details={
            "direction": _direction(dig(context, "operationName"), old, new),
            "old": old,
            "new": new,
            "status": in_words(dig(context, "status")),
        },
        what=about.name,
        link=about.url,
        severity=max(_level(context), Severity.ERROR if end == "failed" else Severity.INFO),
        occurred=moment(context, "eventTimestamp"),
        text=alert.description,
        correlation_key=kit.key("autoscale", about.id),
    )


def recommendation(alert: Alert) -> Report:
    """The advisor has an advice; each on a resource has a correlation key of its own."""
    properties = part(alert.context, "properties")
    name = first(properties, ("recommendationName", "recommendationDisplayName"))
    kind = first(properties, ("recommendationType", "recommendationName"))
    return Report(
        action="recommendation",
        details={"advice": one_line(name, 120)},
        title=name,
        word="recommendation",
        severity=_level(alert.context),
        occurred=moment(alert.context, "eventTimestamp"),
        text=_description(alert),
        correlation_key=kit.key("recommendation", kind, alert.resource.id),
        facts={
            "Category": in_words(dig(properties, "recommendationCategory")),
            "Impact": in_words(dig(properties, "recommendationImpact")),
        },
        buttons=[("Open the recommendation", dig(properties, "recommendationResourceLink"))],
    )


def _level(context: Payload) -> Severity:
    return LEVELS.get(dig(context, "level").lower(), Severity.INFO)


def _caller(context: Payload) -> tuple[str, str]:
    """The name of the person who did it, and the id of an application or of somebody without a name."""
    claims = unpacked(context.get("claims"))
    caller = dig(context, "caller")
    others = claims.items() if isinstance(claims, dict) else ()
    named = (text for name, text in others if isinstance(text, str) and name.endswith(("claims/name", "claims/upn")))
    name = next((text for text in (caller, *named) if "@" in text), "")
    return one_line(name, 80), "" if name or caller.startswith("<") else caller


def _noun(about: Resource, operation: str) -> str:
    """The kind of a resource; its operation often spells it with its words set apart."""
    kind = operation.removesuffix("/action").rpartition("/")[0]
    same = kind and kind.lower() == about.kind.lower()
    return (Resource(kind=kind) if same else about).noun


def _description(alert: Alert) -> str:
    """What the activity log says of the event, else what the rule says of itself."""
    return first(alert.context, ("Activity Log Event Description",)) or alert.description


def _text_of_status(context: Payload) -> str:
    parts = (dig(context, "status"), dig(context, "subStatus"), dig(context, "properties.statusCode"))
    return one_line(", ".join(dict.fromkeys(filter(None, parts))), 120)


def _operation(alert: Alert) -> str:
    """All that happens in one operation has one correlation id."""
    operation_id = first(alert.context, ("correlationId", "operationId", "eventDataId"))
    return kit.key("activity", "" if operation_id.startswith("<") else operation_id, alert.resource.id)


def _direction(operation: str, old: str, new: str) -> str:
    """`up` or `down`; empty where neither the numbers nor the operation's name say so."""
    if old.isdecimal() and new.isdecimal() and old != new:
        return "up" if int(new) > int(old) else "down"
    name = operation.lower()
    return "up" if "scaleup" in name else "down" if "scaledown" in name else ""


def _all_of(value: Any) -> str:
    found = unpacked(value)
    return one_line(kit.listed(map(shown, found), 6), 200) if isinstance(found, list) else ""
