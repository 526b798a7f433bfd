"""Alerts on the activity log: what somebody did, and what policy, security, autoscale and the advisor say.

https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema
"""

from typing import Any

from bridge.events import Severity
from bridge.fields import Payload, dig, first, moment, part
from bridge.rendering.text import is_id, one_line
from bridge.sources.azure_monitor.words import Alert, Report, shown, spaced, unpacked
from bridge.sources.azure_resources import Resource, resource

_LEVELS = {
    "critical": Severity.CRITICAL,
    "error": Severity.ERROR,
    "warning": Severity.WARNING,
    "informational": Severity.INFO,
}
_GRADES = {"high": Severity.ERROR, "medium": Severity.WARNING, "low": Severity.INFO}
# What an operation's last word is in the past and after "failed to"; any other is run.
_DEEDS = {
    "write": ("created or changed", "create or change"),
    "delete": ("deleted", "delete"),
    "start": ("started", "start"),
    "restart": ("restarted", "restart"),
    "redeploy": ("redeployed", "redeploy"),
    "deallocate": ("deallocated", "deallocate"),
    "poweroff": ("powered off", "power off"),
    "stop": ("stopped", "stop"),
    "move": ("moved", "move"),
    "listkeys": ("listed the keys of", "list the keys of"),
    "regeneratekey": ("renewed a key of", "renew a key of"),
}
_POLICIES = {
    "audit": "audited",
    "auditifnotexists": "audited",
    "deny": "denied a change of",
    "append": "added to",
    "modify": "modified",
    "deployifnotexists": "deployed what was missing at",
}
_BEGUN = {"started", "accepted", "in progress"}


def administrative(alert: Alert) -> Report:
    """Somebody did something to a resource, began it, or failed; all of one operation is one thread."""
    context = alert.context
    operation, status = dig(context, "operationName"), dig(context, "status").lower()
    about = resource(dig(context, "authorization.scope"))
    about = about if about.ident.lower() == alert.resource.ident.lower() else alert.resource
    who, ident = _caller(context)
    past, present = _deed(operation)
    failed = status in {"failed", "failure", "canceled"}
    doing = f"failed to {present}" if failed else f"began to {present}" if status in _BEGUN else past
    noun = _noun(about, operation)
    return Report(
        title=alert.rule or f"{noun.capitalize()} {about.name}".strip(),
        actor=who,
        before=" ".join(filter(None, ("" if who else "An application" if ident else "Somebody", doing, "the", noun))),
        what=about.name,
        link=about.url,
        word=status or "fired",
        severity=max(_level(context), Severity.ERROR if failed else Severity.INFO),
        occurred=moment(context, "eventTimestamp"),
        text=_description(alert),
        correlation_key=_one_of_a_kind(alert),
        facts={
            "Operation": operation,
            "Result": _text_of_status(context) if failed else "",
            "Caller": "" if who else ident,
        },
    )


def policy(alert: Alert) -> Report:
    """A policy found fault with a resource, or did something about it."""
    context = alert.context
    found = unpacked(dig(context, "properties.policies"))
    policies = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    head = policies[0] if policies else {}
    effect = dig(context, "operationName").removesuffix("/action").rpartition("/")[2].lower()
    name = first(head, ("policyDefinitionDisplayName", "policyDefinitionReferenceId", "policyDefinitionName"))
    name = "" if is_id(name) or name.startswith("<") else name if " " in name else spaced(name)
    who, _ = _caller(context)
    return Report(
        before=f"Azure Policy {_POLICIES.get(effect, 'looked at')}",
        after=f"for “{one_line(name, 100)}”" if name else "",
        severity=_level(context),
        occurred=moment(context, "eventTimestamp"),
        text=_description(alert),
        facts={
            "Effect": spaced(dig(head, "policyDefinitionEffect")),
            "Assignment": first(head, ("policyAssignmentDisplayName", "policyAssignmentName")),
            "Policies": f"{len(policies)}" if len(policies) > 1 else "",
            "Location": dig(context, "properties.resourceLocation"),
            "Caller": who,
        },
    )


def security(alert: Alert) -> Report:
    """Microsoft Defender for Cloud raised an alert; each is a thread."""
    context, properties = alert.context, part(alert.context, "properties")
    threat = shown(first(properties, ("alertDisplayName", "category")))
    action, entity = dig(properties, "actionTaken").lower(), dig(properties, "compromisedEntity")
    steps = unpacked(properties.get("remediationSteps"))
    steps = [step for step in steps if isinstance(step, str)] if isinstance(steps, list) else []
    return Report(
        title=alert.rule or threat,
        before=f"Defender for Cloud found {_article(threat)} on" if threat else "Defender for Cloud raised an alert on",
        what=entity if entity.lower() == alert.resource.name.lower() else "",
        after=f"and {action} it" if action else "",
        severity=_GRADES.get(dig(properties, "severity").lower()) or _level(context),
        occurred=moment(context, "eventTimestamp"),
        text="\n".join(filter(None, (_description(alert), "\n", *(f"- {step}" for step in steps)))).strip(),
        correlation_key=_one_of_a_kind(alert),
        facts={
            "Threat": first(properties, ("threatStatus", "intent")),
            "File": dig(properties, "filePath"),
            "Entity": entity if entity.lower() != alert.resource.name.lower() else "",
            "Attackers": _all_of(properties.get("attackers")),
            "Protection": dig(properties, "protectionType"),
        },
    )


def autoscale(alert: Alert) -> Report:
    """Instances were added or taken away, or could not be; all of one resource is one thread."""
    context, properties = alert.context, part(alert.context, "properties")
    old, new = (shown(properties.get(name)) for name in ("oldInstancesCount", "newInstancesCount"))
    about = resource(dig(properties, "resourceName"))
    about = about if about.name else alert.resource
    failed = dig(context, "status").lower() == "failed"
    word = "scale up" if _is_up(dig(context, "operationName"), old, new) else "scale down"
    done = f"failed to {word}" if failed else word.replace("scale", "scaled")
    verb, direction = done.rsplit(" ", 1)
    return Report(
        before=f"Autoscale {verb}",
        what=about.name,
        link=about.url,
        after=" ".join(filter(None, (direction, f"from {old} to {new} instances" if old and new else ""))),
        word=f"{word} failed" if failed else done,
        severity=max(_level(context), Severity.ERROR if failed else Severity.INFO),
        occurred=moment(context, "eventTimestamp"),
        text=alert.description,
        correlation_key=f"autoscale {about.ident}" if about.ident else "",
    )


def recommendation(alert: Alert) -> Report:
    """The advisor has an advice; each on a resource is a thread."""
    properties = part(alert.context, "properties")
    name = first(properties, ("recommendationName", "recommendationDisplayName"))
    kind = first(properties, ("recommendationType", "recommendationName"))
    return Report(
        title=name,
        before=f"Azure Advisor recommended “{one_line(name, 120)}” for" if name else "Azure Advisor has an advice for",
        word="recommendation",
        severity=_level(alert.context),
        occurred=moment(alert.context, "eventTimestamp"),
        text=_description(alert),
        correlation_key=f"recommendation {kind} {alert.resource.ident}" if kind else "",
        facts={
            "Category": spaced(dig(properties, "recommendationCategory")),
            "Impact": dig(properties, "recommendationImpact").lower(),
        },
        buttons=[("Open the recommendation", dig(properties, "recommendationResourceLink"))],
    )


def _level(context: Payload) -> Severity:
    return _LEVELS.get(dig(context, "level").lower(), Severity.INFO)


def _caller(context: Payload) -> tuple[str, str]:
    """The name of the person who did it, and the id of an application or of somebody without a name."""
    claims = unpacked(context.get("claims"))
    caller = dig(context, "caller")
    others = claims.items() if isinstance(claims, dict) else ()
    named = (text for name, text in others if isinstance(text, str) and name.endswith(("claims/name", "claims/upn")))
    name = next((text for text in (caller, *named) if "@" in text), "")
    return one_line(name, 80), "" if name or caller.startswith("<") else caller


def _deed(operation: str) -> tuple[str, str]:
    action = operation.removesuffix("/action").rpartition("/")[2]
    words = spaced(action) or "an operation"
    return _DEEDS.get(action.lower(), (f"ran {words} on", f"run {words} on"))


def _noun(about: Resource, operation: str) -> str:
    """The kind of a resource; its operation often spells it so that the words can be told apart."""
    kind = operation.removesuffix("/action").rpartition("/")[0]
    same = kind and kind.lower() == about.kind.lower()
    return (Resource(kind=kind) if same else about).noun


def _description(alert: Alert) -> str:
    """What the activity log says of the event, else what the rule says of itself."""
    return first(alert.context, ("Activity Log Event Description",)) or alert.description


def _text_of_status(context: Payload) -> str:
    parts = (dig(context, "status"), dig(context, "subStatus"), dig(context, "properties.statusCode"))
    return one_line(", ".join(dict.fromkeys(filter(None, parts))), 120)


def _one_of_a_kind(alert: Alert) -> str:
    """All that happens in one operation has one correlation id."""
    ident = first(alert.context, ("correlationId", "operationId", "eventDataId"))
    return f"activity {ident} {alert.resource.ident}" if ident and not ident.startswith("<") else ""


def _is_up(operation: str, old: str, new: str) -> bool:
    if old.isdecimal() and new.isdecimal():
        return int(new) > int(old)
    return "scaleup" in operation.lower()


def _all_of(value: Any) -> str:
    found = unpacked(value)
    return one_line(", ".join(text for each in found if (text := shown(each))), 200) if isinstance(found, list) else ""


def _article(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun.lower() if noun.istitle() else noun}"
