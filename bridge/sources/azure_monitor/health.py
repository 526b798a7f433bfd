"""The health of Azure's services and of one's own resources.

https://learn.microsoft.com/azure/service-health/service-health-notifications-properties
https://learn.microsoft.com/azure/service-health/resource-health-alert-arm-template-guide
"""

from bridge.events import Severity
from bridge.fields import Payload, dig, first, moment, objects, part
from bridge.rendering.filters import between
from bridge.rendering.text import in_words, one_line
from bridge.sources import kit
from bridge.sources.azure_monitor.report import Alert, Report
from bridge.sources.azure_monitor.values import shown, unpacked
from bridge.sources.base import identifier

# The kinds of notices and how much they matter: https://learn.microsoft.com/azure/service-health/service-health-overview
_TYPES = {
    "incident": ("incident", Severity.ERROR),
    "maintenance": ("maintenance", Severity.INFO),
    "informational": ("advisory", Severity.INFO),
    "actionrequired": ("advisory", Severity.WARNING),
    "security": ("security advisory", Severity.ERROR),
    "billing": ("billing notice", Severity.INFO),
}
_OVER = {"resolved", "complete", "completed", "canceled", "rca"}
# The stages that the template has words for.
_STAGES = {*_OVER, "active", "planned", "inprogress", "rescheduled"}
_EVERYWHERE = {"Global": "all regions"}
_STATES = {"available": Severity.SUCCESS, "unavailable": Severity.ERROR, "degraded": Severity.WARNING}


def service(alert: Alert) -> Report:
    """Something is wrong, or planned, with Azure itself; a tracking id has one correlation key."""
    properties = part(alert.context, "properties")
    kind = dig(properties, "incidentType")
    noun, severity = _TYPES.get(kind.lower(), ("notice", Severity.INFO))
    stage, tracking = identifier(dig(properties, "stage")), dig(properties, "trackingId")
    services, regions = _impact(properties)
    took = between(moment(properties, "impactStartTime"), moment(properties, "impactMitigationTime"))
    url = f"https://app.azure.com/h/{tracking}" if tracking else ""
    return Report(
        action="service_health",
        details={
            "kind": noun,
            "stage": stage if stage in _STAGES else "",
            "stage_words": in_words(dig(properties, "stage")),
            "regions": _EVERYWHERE.get(regions, regions),
            "took": took if stage == "resolved" else "",
        },
        title=first(properties, ("title", "defaultLanguageTitle")),
        scope=services or "Azure Service Health",
        what=services or "Azure",
        link=url,
        url=url,
        word=f"{noun} {in_words(dig(properties, 'stage'))}".strip(),
        stage=stage,
        text=first(properties, ("communication", "defaultLanguageContent")),
        correlation_key=kit.key("service health", tracking),
        severity=severity if stage in {"", *_STAGES} else Severity.INFO,
        occurred=moment(alert.context, "eventTimestamp"),
        is_over=stage in _OVER,
        goes_on=True,
        facts={
            "Kind": "" if kind.lower() in _TYPES else in_words(kind),
            "Tracking id": tracking,
            "Began" if noun != "maintenance" else "Begins": dig(properties, "impactStartTime"),
            "Ended" if stage in _OVER else "Ends": dig(properties, "impactMitigationTime"),
            "Level": dig(properties, "impactType") if dig(properties, "isHIR").lower() == "true" else "",
        },
    )


def resource_health(alert: Alert) -> Report:
    """A resource became unavailable, or available again; all of one resource has one correlation key."""
    properties = part(alert.context, "properties")
    now, before = (dig(properties, name) for name in ("currentHealthStatus", "previousHealthStatus"))
    is_over = now.lower() == "available"
    cause = dig(properties, "cause").lower()
    by_ourselves = cause == "userinitiated" and not is_over
    return Report(
        action="resource_health",
        details={"health": in_words(now), "was_bad": before.lower() in {"unavailable", "degraded"}},
        word=in_words(now),
        stage=identifier(now),
        severity=Severity.INFO if by_ourselves else _STATES.get(now.lower(), Severity.INFO),
        is_over=is_over,
        occurred=moment(alert.context, "eventTimestamp"),
        text=": ".join(filter(None, (dig(properties, "title"), dig(properties, "details")))) or alert.description,
        correlation_key=kit.key("resource health", alert.resource.id),
        facts={
            "Before": in_words(before),
            "Cause": {"userinitiated": "initiated by a user", "platforminitiated": "initiated by Azure"}.get(
                cause, in_words(dig(properties, "cause"))
            ),
            "Kind": in_words(dig(properties, "type")),
        },
    )


def _impact(properties: Payload) -> tuple[str, str]:
    """The services and the regions, from a list or from the text of its JSON."""
    found = {"impacted": unpacked(properties.get("impactedServices"))}
    impacted = objects(found, "impacted")
    names = [shown(one.get("ServiceName")) for one in impacted]
    regions = [shown(region.get("RegionName")) for one in impacted for region in objects(one, "ImpactedRegions")]
    return _joined([*names] or [shown(properties.get("service"))]), _joined(
        [*regions] or [shown(properties.get("region"))]
    )


def _joined(names: list[str]) -> str:
    return one_line(kit.listed(names, 6), 160)
