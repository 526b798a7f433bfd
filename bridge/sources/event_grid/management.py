"""What Azure's own management says: resources that change, policies, and event subscriptions that end."""

import re
from dataclasses import replace

from bridge.events import Event, Severity
from bridge.fields import Payload, dig, part
from bridge.rendering.text import one_line
from bridge.sources.azure_resources import resource, spaced
from bridge.sources.event_grid.words import any_event, told

_COMPLIANCES = {
    "noncompliant": (Severity.WARNING, "does not comply with", "warning"),
    "compliant": (Severity.SUCCESS, "complies with", "success"),
    "exempt": (Severity.INFO, "is exempt from", "quiet"),
}


def resource_change(event: Event, data: Payload) -> Event:
    """Something that was done to a resource by Azure's management, or that failed."""
    about = resource(dig(data, "resourceUri") or dig(event.payload, "subject"))
    match = re.fullmatch(r"resource(write|delete|action)(success|failure|cancel)", event.kind.rpartition(".")[2])
    if not (about.name and match):
        return any_event(event, data)
    deed, end = match[1], match[2]
    who, application = _who(part(data, "claims")), dig(data, "claims.appid")
    subject = "" if who else "An application " if application else "Somebody "
    operation = dig(data, "operationName")
    word, tone = _ends(deed, end)
    return replace(
        told(
            event,
            severity=Severity.ERROR if end == "failure" else Severity.INFO,
            word=word,
            tone=tone,
            before=f"{subject}{_doing(deed, end, operation)} the {about.noun}",
            what=about.name,
            facts={
                "Operation": operation,
                "Resource group": about.group,
                "Application": "" if who else application,
                "Correlation": dig(data, "correlationId") if end == "failure" else "",
            },
        ),
        actor=who,
        title=one_line(f"{about.noun.capitalize()} {about.name}", 200),
        scope=about.group or event.scope,
        url=event.url if deed == "delete" and end == "success" else about.url,
        correlation_key=about.ident.lower(),
        attributes={
            **event.attributes,
            "resource": about.name,
            "resource_type": about.kind,
            "resource_group": about.group,
            "operation": operation,
        },
    )


def policy(event: Event, data: Payload) -> Event:
    """The compliance of a resource with a policy, which is new, changed or gone."""
    about = resource(dig(event.payload, "subject"))
    name = dig(data, "policyAssignmentId").rpartition("/")[2] or dig(data, "policyDefinitionId").rpartition("/")[2]
    if not (about.name and name):
        return any_event(event, data)
    state = dig(data, "complianceState")
    severity, after, tone = _COMPLIANCES.get(state.lower(), (Severity.INFO, "has another state under", "info"))
    if event.kind.endswith("deleted"):
        severity, after, tone, state = Severity.INFO, "is no longer assessed by", "quiet", "no longer assessed"
    return replace(
        told(
            event,
            severity=severity,
            word=spaced(state) or "policy",
            tone=tone,
            before=f"The {about.noun}",
            what=about.name,
            after=f"{after} the policy {name}",
            facts={"Resource group": about.group if about.group != about.name else ""},
        ),
        title=one_line(f"{about.noun.capitalize()} {about.name} and the policy {name}", 200),
        scope=about.group or event.scope,
        url=about.url,
        correlation_key=f"{about.ident} policy {name}".lower(),
        attributes={
            **event.attributes,
            "resource": about.name,
            "resource_type": about.kind,
            "resource_group": about.group,
        },
    )


def subscription_deleted(event: Event, data: Payload) -> Event:
    """The end of the event subscription itself: nothing comes from it any more."""
    name = dig(data, "eventSubscriptionId").rpartition("/")[2]
    return replace(
        told(
            event,
            severity=Severity.WARNING,
            word="subscription deleted",
            before="The event subscription",
            what=name or "of this webhook",
            after="was deleted: its events come here no more",
        ),
        title=one_line(f"Event subscription {name}", 200),
    )


def _ends(deed: str, end: str) -> tuple[str, str]:
    """The word and the tone of what became of a write, a delete or an action."""
    if end == "failure":
        return f"{deed} failed", "error"
    if end == "cancel":
        return f"{deed} canceled", "quiet"
    return {"write": ("changed", "info"), "delete": ("deleted", "quiet")}.get(deed, ("action", "info"))


def _doing(deed: str, end: str, operation: str) -> str:
    """`deleted`, `failed to delete`, `canceled the deletion of` and the like."""
    action = spaced(operation.removesuffix("/action").rpartition("/")[2]) or "an action"
    present, past, noun = {
        "write": ("create or change", "created or changed", "change"),
        "delete": ("delete", "deleted", "deletion"),
    }.get(deed, (f"run {action} on", f"ran {action} on", f"{action}"))
    return {"success": past, "failure": f"failed to {present}"}.get(end, f"canceled the {noun} of")


def _who(claims: Payload) -> str:
    """Who asked, if it was a person."""
    others = (str(claims[name]) for name in claims if name.endswith(("claims/upn", "claims/name")))
    return next((name for name in (dig(claims, "name"), *others) if "@" in name or " " in name), "")
