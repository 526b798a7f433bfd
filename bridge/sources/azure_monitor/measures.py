"""Alerts on metrics, and on what was learned from them.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-payload-samples
"""

from collections.abc import Callable, Mapping, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from bridge.fields import Payload, dig, first, objects, part
from bridge.rendering.measures import against
from bridge.rendering.text import in_words, one_line
from bridge.sources import reading_search
from bridge.sources.azure_monitor.report import Alert, Report
from bridge.sources.azure_monitor.values import amount, code, dimensions, number, period, shown
from bridge.sources.azure_resources import resource

# How each comparison is made, in small letters without blanks; the template has their words.
_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "greaterthan": gt,
    "greaterthanorequal": ge,
    "lessthan": lt,
    "lowerthan": lt,
    "lessthanorequal": le,
    "lowerthanorequal": le,
    "equals": eq,
    "equal": eq,
    "notequals": ne,
    "greaterorlessthan": ne,
}
_MOST_METERS = 4
# Dimensions that repeat the resource.
_THE_RESOURCE = {"resourceid", "_resourceid", "microsoft.resourceid", "microsoft.resourcetype", "accountresourceid"}


def metric(alert: Alert) -> Report:
    """A metric against a threshold, fixed or learned; of several conditions the first is said, and each has a bar."""
    criteria = objects(alert.context, "condition.allOf")
    if not criteria:
        return Report()
    head, name = criteria[0], metric_name(criteria[0])
    more = len(criteria) - 1 if alert.state == "firing" else 0
    return Report(
        action="metric",
        details={"metric": name, "more_conditions": more, **measure(alert, head, name)},
        meters=meters(criteria),
        series=series(_others(all_dimensions(criteria))),
        facts={**shown_dimensions(alert, criteria), **_sensitivity(head)},
    )


def availability(alert: Alert) -> Report:
    """An availability test of Application Insights that fails from several places, or passes again."""
    criterion = next(iter(objects(alert.context, "condition.allOf")), {})
    count = number(criterion.get("metricValue"))
    places = round(count) if count is not None else None
    return Report(
        action="availability",
        details={"places": places, **measure(alert, criterion, "")},
        what=shown(criterion.get("webTestName")) or alert.resource.name,
        link=alert.resource.url,
        meters=meters([criterion], f"{places} {'location' if places == 1 else 'locations'}"),
    )


def prometheus(alert: Alert) -> Report:
    """A rule of a Prometheus rule group: its labels distinguish its series."""
    labels = {one_line(str(name), 40): shown(value) for name, value in part(alert.context, "labels").items()}
    name = labels.pop("alertname", "") or alert.rule
    annotations = part(alert.context, "annotations")
    words = [shown(annotations.get(field)) for field in ("summary", "description", "message")]
    expression = code(dig(alert.context, "expression"))
    meter = against(alert.context.get("expressionValue"), dig(alert.context, "expression"))
    return Report(
        action="prometheus",
        details={"value": amount(alert.context.get("expressionValue")), "held": period(alert.context.get("for"))},
        title=name,
        # What the rule says of its threshold is so only while it fires.
        text="" if alert.is_resolved else "\n\n".join(filter(None, [*dict.fromkeys(words), expression])),
        meters=[meter] if meter and alert.state == "firing" else [],
        series=series(labels),
        facts={**labels, "Rule group": resource(dig(alert.context, "ruleGroup")).name},
        buttons=reading_search.pages({**labels, **annotations}),
    )


def smart_detection(alert: Alert) -> Report:
    """What Application Insights noticed by itself."""
    now = shown(first(alert.context, ("DetectedValue", "DetectedFailureRate")))
    usual = shown(first(alert.context, ("NormalValue", "NormalFailureRate", "NormalFailureRateForLastWeek")))
    value, threshold = number(now), number(usual)
    has_bar = value is not None and threshold is not None and not alert.is_resolved
    return Report(
        action="smart_detection",
        details={"found": dig(alert.context, "DetectionSummary").strip().rstrip(".")},
        title=alert.rule or dig(alert.context, "SmartDetectorName"),
        facts={"Detected": now, "Normally": usual, "Detector": dig(alert.context, "SmartDetectorName")},
        meters=[(value or 0, threshold or 0, f"{_short(now)}, normally {_short(usual)}")] if has_bar else [],
    )


def metric_name(criterion: Payload) -> str:
    """What is measured, as its rule names it."""
    names = (criterion.get(field) for field in ("metricName", "metricMeasureColumn", "name"))
    return next(filter(None, map(shown, names)), "The value")


def measure(alert: Alert, criterion: Payload, name: str) -> dict[str, Any]:
    """What a value did, for the template: value and threshold as texts with the unit of the name, and how they compare.

    is_back: it is resolved, and the value does not say why.
    """
    value, threshold = number(criterion.get("metricValue")), number(criterion.get("threshold"))
    operator = dig(criterion, "operator")
    holds = _OPERATORS.get(operator.lower().replace(" ", ""))
    still = bool(holds and value is not None and threshold is not None and holds(value, threshold))
    return {
        "aggregation": dig(criterion, "timeAggregation").lower(),
        "value": "" if value is None else amount(value, name),
        "operator": operator.lower().replace(" ", "") if holds else in_words(operator),
        "threshold": "" if threshold is None else amount(threshold, name),
        "is_expected": bool(criterion.get("alertSensitivity")),
        "is_back": alert.is_resolved and (value is None or still),
        "window": period(part(alert.context, "condition").get("windowSize")),
    }


def meters(criteria: Sequence[Payload], text: str = "") -> list[tuple[float, float, str]]:
    """A bar for each value that has a threshold. text: the value in words; several bars are named."""
    bars = []
    for criterion in criteria[:_MOST_METERS]:
        value, threshold = number(criterion.get("metricValue")), number(criterion.get("threshold"))
        if value is not None and threshold is not None:
            name = metric_name(criterion)
            label = f"{name} " if len(criteria) > 1 else ""
            kind = "expected" if criterion.get("alertSensitivity") else "threshold"
            words = text or amount(value, name)
            bars.append((value, threshold, f"{label}{words}, {kind} {amount(threshold, '' if text else name)}"))
    return bars


def all_dimensions(criteria: Sequence[Payload]) -> dict[str, str]:
    """The dimensions of all criteria."""
    return {name: value for criterion in criteria for name, value in dimensions(criterion, "dimensions").items()}


def shown_dimensions(alert: Alert, criteria: Sequence[Payload]) -> dict[str, str]:
    """Those that do not repeat the resource, and other resources by their names."""
    found = {name: (value, resource(value)) for name, value in all_dimensions(criteria).items()}
    others = {name: about.name or value for name, (value, about) in found.items() if about != alert.resource}
    ids = {name for name, (_, about) in found.items() if about.id.lower() == alert.resource.id.lower()}
    return {name: value for name, value in _others(others).items() if name not in ids or not alert.resource.id}


def _others(found: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in found.items() if name.lower() not in _THE_RESOURCE}


def series(names: Mapping[str, str]) -> str:
    """What distinguishes one series of a rule from another, in whatever order its names come."""
    return " ".join(f"{name}={names[name]}" for name in sorted(names))


def _sensitivity(criterion: Payload) -> dict[str, str]:
    failing, all_of = (
        dig(criterion, f"failingPeriods.{name}", 0)
        for name in ("minFailingPeriodsToAlert", "numberOfEvaluationPeriods")
    )
    return {
        "Sensitivity": in_words(shown(criterion.get("alertSensitivity"))),
        "Failed in": f"{failing} of {all_of} periods" if all_of > 1 else "",
    }


def _short(text: str) -> str:
    return text.partition(" (")[0]
