"""Alerts on the activity log: what somebody did, what policy, security, autoscale and the advisor say.

https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema
"""

import json
from typing import Any

from bridge.events import Severity
from bridge.fields import Payload, dig, first, moment, part
from bridge.sources.azure_monitor.words import Told, shown, spaced
from bridge.text import one_line

_LEVELS = {
    "critical": Severity.CRITICAL,
    "error": Severity.ERROR,
    "warning": Severity.WARNING,
    "informational": Severity.INFO,
}
_VERBS = {"write": ("changed", "change"), "delete": ("deleted", "delete"), "action": ("acted on", "act on")}
_GRADES = {"high": Severity.ERROR, "medium": Severity.WARNING, "low": Severity.INFO}


def administrative(essentials: Payload, context: Payload) -> Told:  # noqa: ARG001  as all tellers are called
    """Somebody changed, deleted or started something."""
    operation, status, caller = (dig(context, name) for name in ("operationName", "status", "caller"))
    status = status.lower()
    did, do = _VERBS.get(operation.rpartition("/")[2].lower(), _VERBS["action"])
    return Told(
        before=f"{one_line(caller, 80) or 'Somebody'} {f'tried in vain to {do}' if status == 'failed' else did}",
        after="(begun)" if status in ("started", "accepted") else "",
        severity=_level(context),
        occurred=moment(context, "eventTimestamp"),
        facts={"Operation": operation, "Status": f"{status} {shown(context.get('subStatus')).lower()}".strip()},
    )


def policy(essentials: Payload, context: Payload) -> Told:  # noqa: ARG001
    """A resource does not comply."""
    found = _first_policy(dig(context, "properties.policies"))
    effect = dig(found, "policyDefinitionEffect")
    return Told(
        before="A policy found fault with",
        after="",
        severity=_level(context),
        occurred=moment(context, "eventTimestamp"),
        facts={
            "Policy": spaced(
                first(found, ("policyDefinitionReferenceId", "policyDefinitionDisplayName", "policyDefinitionName"))
            ),
            "Effect": spaced(effect),
            "Assignment": first(found, ("policyAssignmentDisplayName", "policyAssignmentName")),
            "Place": dig(context, "properties.resourceLocation"),
        },
    )


def security(essentials: Payload, context: Payload) -> Told:  # noqa: ARG001
    """Microsoft Defender for Cloud raised an alert."""
    properties = part(context, "properties")
    threat = first(properties, ("alertDisplayName", "category", "threatStatus"))
    return Told(
        before=f"Defender found {_article(threat)} on" if threat else "Defender raised an alert on",
        after=f"and {dig(properties, 'actionTaken').lower()} it" if dig(properties, "actionTaken") else "",
        severity=_GRADES.get(dig(properties, "severity").lower()) or _level(context),
        occurred=moment(context, "eventTimestamp"),
        text="\n".join(f"- {step}" for step in _list(dig(properties, "remediationSteps"))),
        facts={
            "Threat": first(properties, ("threatStatus", "intent")),
            "File": dig(properties, "filePath"),
            "Entity": dig(properties, "compromisedEntity"),
            "Protection": dig(properties, "protectionType"),
        },
    )


def autoscale(essentials: Payload, context: Payload) -> Told:  # noqa: ARG001
    """Instances were added or taken away, or could not be."""
    properties = part(context, "properties")
    old, new = (shown(properties.get(name)) for name in ("oldInstancesCount", "newInstancesCount"))
    failed = dig(context, "status").lower() == "failed"
    what = f"from {old} to {new} instances" if old and new else ""
    return Told(
        before="Autoscale could not change" if failed else "Autoscale changed",
        after=what,
        severity=_level(context),
        occurred=moment(context, "eventTimestamp"),
        text=dig(properties, "description"),
        facts={"Last action": dig(properties, "lastScaleActionTime")},
    )


def recommendation(essentials: Payload, context: Payload) -> Told:  # noqa: ARG001
    """The advisor has an advice."""
    properties = part(context, "properties")
    return Told(
        title=first(properties, ("recommendationName", "recommendationDisplayName")),
        before="Azure Advisor has an advice for",
        severity=_level(context),
        occurred=moment(context, "eventTimestamp"),
        facts={
            "Category": dig(properties, "recommendationCategory"),
            "Impact": dig(properties, "recommendationImpact"),
        },
        buttons=[("Open the advice", dig(properties, "recommendationResourceLink"))],
    )


def _level(context: Payload) -> Severity | None:
    return _LEVELS.get(dig(context, "level").lower())


def _article(noun: str) -> str:
    noun = spaced(noun) if noun.isalpha() else noun
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def _list(text: str) -> list[str]:
    """A list that comes as the text of its JSON."""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def _first_policy(text: str) -> Payload:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    head = found[0] if isinstance(found, list) and found else {}
    return head if isinstance(head, dict) else {}
