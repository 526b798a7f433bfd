"""The health of Azure's services and of one's own resources.

https://learn.microsoft.com/azure/service-health/service-health-notifications-properties
https://learn.microsoft.com/azure/service-health/resource-health-alert-arm-template-guide
"""

from bridge.events import Severity
from bridge.fields import Payload, dig, first, moment, objects, part
from bridge.rendering.filters import between
from bridge.rendering.text import one_line
from bridge.sources.azure_monitor.words import Alert, Report, shown, spaced, unpacked
from bridge.sources.base import identifier

_TYPES = {
    "incident": ("incident", "with", Severity.ERROR),
    "maintenance": ("maintenance", "of", Severity.INFO),
    "informational": ("advisory", "on", Severity.INFO),
    "actionrequired": ("advisory", "on", Severity.WARNING),
    "security": ("security advisory", "on", Severity.ERROR),
    "billing": ("billing notice", "on", Severity.INFO),
}
# What Microsoft did with it, by its stage, and whether it is settled.
_STAGES = {
    "active": ("reported", False),
    "planned": ("planned", False),
    "inprogress": ("began", False),
    "rescheduled": ("moved", False),
    "resolved": ("resolved", True),
    "complete": ("completed", True),
    "completed": ("completed", True),
    "canceled": ("canceled", True),
    "rca": ("explained", True),
}
_EVERYWHERE = {"Global": "all regions"}
_FIRST = {"active", "planned"}
_STATES = {"available": Severity.SUCCESS, "unavailable": Severity.ERROR, "degraded": Severity.WARNING}


def service(alert: Alert) -> Report:
    """Something is wrong, or planned, with Azure itself; all that is said of one tracking id is one thread."""
    properties = part(alert.context, "properties")
    kind = dig(properties, "incidentType").lower()
    noun, about, severity = _TYPES.get(kind, ("notice", "on", Severity.WARNING))
    stage, tracking = identifier(dig(properties, "stage")), dig(properties, "trackingId")
    did, is_over = _STAGES.get(stage, ("updated", False))
    article = "the" if stage not in _FIRST else "an" if noun[0] in "aeiou" else "a"
    services, regions = _impact(properties)
    lasted = between(moment(properties, "impactStartTime"), moment(properties, "impactMitigationTime"))
    lasted = lasted if stage == "resolved" else ""
    return Report(
        title=first(properties, ("title", "defaultLanguageTitle")),
        scope=services or "Azure Service Health",
        before=f"Microsoft {did} {article} {noun} {about}",
        what=services or "Azure",
        link=f"https://app.azure.com/h/{tracking}" if tracking else "",
        url=f"https://app.azure.com/h/{tracking}" if tracking else "",
        after=" ".join(
            filter(
                None,
                (f"in {_EVERYWHERE.get(regions, regions)}" if regions else "", f"after {lasted}" if lasted else ""),
            )
        ),
        word=f"{noun} {spaced(dig(properties, 'stage'))}".strip(),
        stage=stage,
        text=first(properties, ("communication", "defaultLanguageContent")),
        correlation_key=f"service health {tracking}" if tracking else "",
        severity=severity,
        occurred=moment(alert.context, "eventTimestamp"),
        is_over=is_over,
        goes_on=True,
        facts={
            "Tracking id": tracking,
            "Began" if noun != "maintenance" else "Begins": dig(properties, "impactStartTime"),
            "Ended" if is_over else "Ends": dig(properties, "impactMitigationTime"),
            "Level": dig(properties, "impactType") if dig(properties, "isHIR").lower() == "true" else "",
        },
    )


def resource_health(alert: Alert) -> Report:
    """A resource became unavailable, or available again; all of one resource is one thread."""
    properties = part(alert.context, "properties")
    now, before = (dig(properties, name).lower() for name in ("currentHealthStatus", "previousHealthStatus"))
    is_over = now == "available"
    cause = dig(properties, "cause")
    by_ourselves = cause.lower() == "userinitiated" and not is_over
    return Report(
        after=f"became {now}{' again' if is_over else ''}{f', {alert.after}' if alert.after else ''}" if now else "",
        word=now,
        stage=identifier(now),
        severity=Severity.INFO if by_ourselves else _STATES.get(now),
        is_over=is_over,
        occurred=moment(alert.context, "eventTimestamp"),
        text=": ".join(filter(None, (dig(properties, "title"), dig(properties, "details")))) or alert.description,
        correlation_key=f"resource health {alert.resource.ident}" if alert.resource.ident else "",
        facts={
            "Before": before,
            "Cause": {"userinitiated": "initiated by a user", "platforminitiated": "initiated by Azure"}.get(
                cause.lower(), spaced(cause)
            ),
            "Kind": dig(properties, "type").lower(),
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
    return one_line(", ".join(dict.fromkeys(filter(None, names))), 120)
