"""The events of Azure's own management: resources that change, their health, policies, the end of subscriptions.

Each function returns None for an event that lacks what it is about.
"""

import re
from dataclasses import replace

from bridge.events import Event, Severity
from bridge.fields import Payload, dig, moment, part
from bridge.rendering.text import in_words, one_line
from bridge.sources import kit
from bridge.sources.azure_resources import Resource, resource
from bridge.sources.severities import known_severity

_COMPLIANCES = {"noncompliant": Severity.WARNING, "compliant": Severity.SUCCESS}


def resource_change(event: Event, data: Payload) -> Event | None:
    """Something that was done to a resource by Azure's management, or that failed."""
    about = resource(dig(data, "resourceUri") or dig(event.payload, "subject"))
    match = re.fullmatch(r"resource(write|delete|action)(success|failure|cancel)", event.kind.rpartition(".")[2])
    if not (about.name and match):
        return None
    done, end = match[1], match[2]
    who, application = _who(part(data, "claims")), dig(data, "claims.appid")
    operation, is_gone = dig(data, "operationName"), (done, end) == ("delete", "success")
    group_or_subscription = "resource group" if "/resourcegroups/" in event.url.lower() else "subscription"
    return replace(
        _of_resource(event, about, operation=operation),
        severity=Severity.ERROR if end == "failure" else Severity.INFO,
        actor=who,
        title=kit.title(f"{about.noun.capitalize()} {about.name}"),
        url=event.url if is_gone else about.url,
        correlation_key=about.id.lower(),
        facts=kit.facts(
            Operation=operation,
            Resource_group=about.group,
            Application="" if who else application,
            Correlation=dig(data, "correlationId") if end == "failure" else "",
        ),
        details={
            "action": f"{done}_{end}",
            "noun": about.noun,
            "name": about.name,
            "by_application": bool(application) and not who,
            "operation": in_words(operation.removesuffix("/action").rpartition("/")[2]),
            "buttons": [] if is_gone else _button(about),
            "page": f"Open the {group_or_subscription}" if is_gone else "",
        },
    )


def health(event: Event, data: Payload) -> Event | None:
    """A resource that is available, or not, or a remark of Azure on why.

    https://learn.microsoft.com/azure/event-grid/event-schema-health-resources
    """
    properties = part(data, "resourceInfo.properties")
    about = resource(dig(properties, "targetResourceId"))
    state, before = dig(properties, "availabilityState"), dig(properties, "previousAvailabilityState")
    remark = dig(properties, "annotationName")
    if not (about.name and (state or remark)):
        return None
    is_unplanned = dig(properties, "category").lower() == "unplanned"
    severity = known_severity(state) or (Severity.WARNING if is_unplanned else Severity.INFO)
    return replace(
        _of_resource(event, about),
        severity=severity,
        title=kit.title(f"{about.noun.capitalize()} {about.name}"),
        url=about.url,
        occurred=moment(properties, "occurredTime") or event.occurred,
        correlation_key=f"resource health {about.id}".lower(),
        text=dig(properties, "summary"),
        facts=kit.facts(
            Resource_group=about.group,
            Category=in_words(dig(properties, "category")).capitalize(),
            Initiated_by=in_words(dig(properties, "context")).capitalize(),
            Reason=in_words(dig(properties, "reason")).capitalize(),
        ),
        details={
            "action": "health_changed" if state else "health_annotated",
            "noun": about.noun,
            "name": about.name,
            "state": state,
            "before": before,
            "remark": in_words(remark),
            "word": in_words(state or remark),
            "buttons": _button(about),
        },
        ends_thread=state.lower() == "available",
    )


def policy(event: Event, data: Payload) -> Event | None:
    """The compliance of a resource with a policy, which is new, changed or gone."""
    about = resource(dig(event.payload, "subject"))
    name = dig(data, "policyAssignmentId").rpartition("/")[2] or dig(data, "policyDefinitionId").rpartition("/")[2]
    if not (about.name and name):
        return None
    state, is_gone = dig(data, "complianceState"), event.kind.endswith("deleted")
    action = "not_assessed" if is_gone else f"policy_{in_words(state).replace(' ', '_')}"
    return replace(
        _of_resource(event, about),
        severity=Severity.INFO if is_gone else _COMPLIANCES.get(state.lower(), Severity.INFO),
        title=kit.title(f"{about.noun.capitalize()} {about.name} and the policy {name}"),
        url=about.url,
        correlation_key=f"{about.id} policy {name}".lower(),
        facts=kit.facts(Resource_group=about.group if about.group != about.name else ""),
        details={
            "action": action,
            "noun": about.noun,
            "name": about.name,
            "policy": name,
            "word": "" if is_gone else in_words(state) or "policy",
            "buttons": _button(about),
        },
    )


def subscription_deleted(event: Event, data: Payload) -> Event:
    """The end of the event subscription itself: nothing comes from it any more."""
    name = dig(data, "eventSubscriptionId").rpartition("/")[2]
    return replace(
        event,
        severity=Severity.WARNING,
        title=one_line(f"Event subscription {name}", 200),
        correlation_key=event.correlation_key or f"event subscription {name}".lower(),
        details={"action": "subscription_deleted", "noun": "event subscription", "name": name},
    )


def _button(about: Resource) -> list[tuple[str, str]]:
    return [(f"Open the {about.noun}", about.url)]


def _of_resource(event: Event, about: Resource, operation: str = "") -> Event:
    """The event with the scope and the attributes of a resource."""
    return replace(
        event,
        scope=about.group or event.scope,
        attributes=kit.with_attributes(
            event, resource=about.name, resource_type=about.kind, resource_group=about.group, operation=operation
        ),
    )


def _who(claims: Payload) -> str:
    """Who asked, if it was a person."""
    others = (str(claims[name]) for name in claims if name.endswith(("claims/upn", "claims/name")))
    return next((name for name in (dig(claims, "name"), *others) if "@" in name or " " in name), "")
