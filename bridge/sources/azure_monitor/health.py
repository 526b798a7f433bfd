"""The health of Azure's services and of one's own resources.

https://learn.microsoft.com/azure/service-health/service-health-notifications-properties
https://learn.microsoft.com/azure/service-health/resource-health-alert-arm-template-guide
"""

import json
from typing import Any

from bridge.events import Severity
from bridge.fields import Payload, dig, first, moment, objects, part
from bridge.sources.azure_monitor.words import Told, shown, spaced
from bridge.text import one_line

_TYPES = {
    "incident": ("incident", Severity.ERROR),
    "maintenance": ("maintenance", Severity.INFO),
    "informational": ("advisory", Severity.INFO),
    "actionrequired": ("advisory", Severity.WARNING),
    "security": ("security advisory", Severity.ERROR),
}
_OVER = {"resolved", "complete", "completed", "canceled", "rca"}
_STATES = {"available": Severity.SUCCESS, "unavailable": Severity.ERROR, "degraded": Severity.WARNING}


def service(essentials: Payload, context: Payload) -> Told:
    """Something is wrong, or planned, with Azure itself; all that is said of one tracking id is one thread."""
    properties = part(context, "properties")
    word, severity = _TYPES.get(dig(properties, "incidentType").lower(), ("service health", Severity.WARNING))
    stage, tracking = dig(properties, "stage").lower(), dig(properties, "trackingId")
    over = stage in _OVER
    names, regions = _impact(properties)
    message = dig(properties, "communicationId") or dig(context, "eventDataId")
    return Told(
        title=first(properties, ("title", "defaultLanguageTitle")),
        scope=names,
        after=f"{names or 'Azure'}{f' in {regions}' if regions else ''}",
        did=f"is {stage}" if stage else "",
        word=f"{word} {stage}".strip() if over else word,
        text=first(properties, ("communication", "defaultLanguageContent")),
        url=f"https://app.azure.com/h/{tracking}" if tracking else "",
        thread=f"service health {tracking}" if tracking else "",
        delivery=f"{tracking} {message} {stage} {dig(essentials, 'alertId')}" if tracking and message else "",
        severity=severity,
        occurred=moment(context, "eventTimestamp"),
        is_over=over,
        facts={
            "Service": names,
            "Regions": regions,
            "Stage": stage,
            "Tracking id": tracking,
            "Began": dig(properties, "impactStartTime"),
            "Ended": dig(properties, "impactMitigationTime") if over else "",
        },
    )


def resource(essentials: Payload, context: Payload) -> Told:  # noqa: ARG001  as all tellers are called
    """A resource became unavailable, or available again."""
    properties = part(context, "properties")
    now, before = (dig(properties, name) for name in ("currentHealthStatus", "previousHealthStatus"))
    is_over = now.lower() == "available"
    return Told(
        after=f"is {now.lower()}{f', and was {before.lower()}' if before else ''}" if now else "",
        severity=_STATES.get(now.lower()),
        is_over=is_over,
        occurred=moment(context, "eventTimestamp"),
        text=": ".join(filter(None, (dig(properties, "title"), dig(properties, "details")))),
        facts={"Cause": spaced(dig(properties, "cause")), "Kind": dig(properties, "type").lower()},
    )


def _impact(properties: Payload) -> tuple[str, str]:
    """The services and the regions, from a list or from the text of its JSON."""
    impacted: Any = properties.get("impactedServices")
    if isinstance(impacted, str):
        try:
            impacted = json.loads(impacted)
        except (ValueError, RecursionError):
            impacted = []
    found = [one for one in impacted if isinstance(one, dict)] if isinstance(impacted, list) else []
    names = [shown(one.get("ServiceName")) for one in found] or [shown(properties.get("service"))]
    regions = [shown(region.get("RegionName")) for one in found for region in objects(one, "ImpactedRegions")]
    regions = regions or [shown(properties.get("region"))]
    return _joined(names), _joined(regions)


def _joined(names: list[str]) -> str:
    return one_line(", ".join(dict.fromkeys(filter(None, names))), 120)
