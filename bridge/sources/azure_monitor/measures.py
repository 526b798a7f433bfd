"""Alerts on metrics, and on what was learned from them.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-payload-samples
"""

import re
from collections.abc import Callable, Mapping, Sequence
from operator import eq, ge, gt, le, lt, ne

from bridge.fields import Payload, dig, first, objects, part
from bridge.rendering.filters import plural
from bridge.rendering.text import one_line, safe_url
from bridge.sources.azure_monitor.words import (
    Alert,
    Report,
    amount,
    code,
    dimensions,
    number,
    period,
    shown,
    spaced,
)
from bridge.sources.azure_resources import resource

# Each comparison, in small letters without blanks: in words, and how it is made.
_OPERATORS: Mapping[str, tuple[str, Callable[[float, float], bool]]] = {
    "greaterthan": ("above", gt),
    "greaterthanorequal": ("at or above", ge),
    "lessthan": ("below", lt),
    "lowerthan": ("below", lt),
    "lessthanorequal": ("at or below", le),
    "lowerthanorequal": ("at or below", le),
    "equals": ("equal to", eq),
    "equal": ("equal to", eq),
    "notequals": ("other than", ne),
    "greaterorlessthan": ("outside of", ne),
}
_VERBS = {
    "average": "averaged",
    "total": "totaled",
    "sum": "totaled",
    "count": "counted",
    "maximum": "peaked at",
    "minimum": "fell to",
}
_MOST_METERS = 4
# Dimensions that repeat the resource.
_THE_RESOURCE = {"resourceid", "_resourceid", "microsoft.resourceid", "microsoft.resourcetype", "accountresourceid"}


def metric(alert: Alert) -> Report:
    """A metric against a threshold, fixed or learned; of several conditions the first is told, and each has a bar."""
    criteria = objects(alert.context, "condition.allOf")
    if not criteria:
        return Report()
    head, more = criteria[0], len(criteria) - 1
    name = metric_name(head)
    said = against(alert, _VERBS.get(_word(head, "timeAggregation"), "was"), head, name)
    also = f", and {plural(more, 'more condition')} held" if more and not alert.is_resolved else ""
    return Report(
        before=f"{name} of",
        after=f"{said}{also}",
        meters=meters(criteria),
        series=series(_others(all_dimensions(criteria))),
        facts={**told_dimensions(alert, criteria), **_sensitivity(head)},
    )


def availability(alert: Alert) -> Report:
    """An availability test of Application Insights that fails from several places, or passes again."""
    criterion = next(iter(objects(alert.context, "condition.allOf")), {})
    name = shown(criterion.get("webTestName"))
    count = number(criterion.get("metricValue"))
    places = plural(round(count), "location") if count is not None else "its locations"
    return Report(
        before="Availability test",
        what=name or alert.resource.name,
        link=alert.resource.url,
        after=_joined("passed again", alert.after)
        if alert.is_resolved
        else f"failed from {places}{compared(criterion)}{_window(alert, ', within ')}",
        meters=meters([criterion], places),
    )


def prometheus(alert: Alert) -> Report:
    """A rule of a Prometheus rule group: its labels tell its series apart."""
    labels = {one_line(str(name), 40): shown(value) for name, value in part(alert.context, "labels").items()}
    name = labels.pop("alertname", "") or alert.rule
    value, held = amount(alert.context.get("expressionValue")), period(alert.context.get("for"))
    at = " ".join(filter(None, (f"with the value {value}" if value else "", f"after {held}" if held else "")))
    annotations = part(alert.context, "annotations")
    words = [shown(annotations.get(field)) for field in ("summary", "description", "message")]
    expression = code(dig(alert.context, "expression"))
    return Report(
        title=name,
        before=f"{name or 'The rule'} {'was resolved' if alert.is_resolved else 'fired'} in",
        after=alert.after if alert.is_resolved else at,
        text="\n\n".join(filter(None, [*dict.fromkeys(words), "" if alert.is_resolved else expression])),
        series=series(labels),
        facts={**labels, "Rule group": resource(dig(alert.context, "ruleGroup")).name},
        buttons=[("Open the runbook", safe_url(first(annotations, ("runbook_url", "runbook"))))],
    )


def smart_detection(alert: Alert) -> Report:
    """What Application Insights noticed by itself."""
    found = dig(alert.context, "DetectionSummary").strip().rstrip(".")
    now = shown(first(alert.context, ("DetectedValue", "DetectedFailureRate")))
    usual = shown(first(alert.context, ("NormalValue", "NormalFailureRate", "NormalFailureRateForLastWeek")))
    value, threshold = number(now), number(usual)
    told = Report(
        title=alert.rule or dig(alert.context, "SmartDetectorName"),
        before=f"Smart detection found {_inside(found) or 'an anomaly'} in",
        facts={"Detected": now, "Normally": usual, "Detector": dig(alert.context, "SmartDetectorName")},
        meters=[(value, threshold, f"{_short(now)}, normally {_short(usual)}")]
        if value is not None and threshold is not None
        else [],
    )
    over = Report(title=told.title, after=_joined("went back to normal", alert.after), facts=told.facts)
    return over if alert.is_resolved else told


def metric_name(criterion: Payload) -> str:
    """What is measured, as its rule names it."""
    names = (criterion.get(field) for field in ("metricName", "metricMeasureColumn", "name"))
    return next(filter(None, map(shown, names)), "The value")


def against(alert: Alert, verb: str, criterion: Payload, name: str, words: str = "") -> str:
    """What a value did: `averaged 97.21 %, above 80 %, over 5 min`, or `averaged 41 %, no longer above 80 %`.

    words: the value in words, where it is not a number with the unit of its name.
    """
    value, threshold = number(criterion.get("metricValue")), number(criterion.get("threshold"))
    operator, holds = _OPERATORS.get(_word(criterion, "operator"), ("", None))
    still = bool(holds and value is not None and threshold is not None and holds(value, threshold))
    if alert.is_resolved and (value is None or still):
        return _joined("went back to normal", alert.after)
    if value is None:
        return f"was {operator} {amount(threshold, name)}" if operator and threshold is not None else "fired"
    said = f"{verb} {words or amount(value, name)}"
    if alert.is_resolved:
        return f"{said}{compared(criterion, name, 'no longer ')}{f', {alert.after}' if alert.after else ''}"
    return f"{said}{compared(criterion, name)}{_window(alert)}"


def compared(criterion: Payload, name: str = "", no_longer: str = "") -> str:
    """How it compares: `, above 80 %`, or nothing where that is not known."""
    operator, _ = _OPERATORS.get(_word(criterion, "operator"), ("", None))
    threshold = number(criterion.get("threshold"))
    if threshold is None or not operator:
        return ""
    expected = "the expected " if criterion.get("alertSensitivity") else ""
    return f", {no_longer}{operator} {expected}{amount(threshold, name)}"


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


def told_dimensions(alert: Alert, criteria: Sequence[Payload]) -> dict[str, str]:
    """Those that do not repeat the resource, and other resources by their names."""
    found = {name: (value, resource(value)) for name, value in all_dimensions(criteria).items()}
    others = {name: about.name or value for name, (value, about) in found.items() if about != alert.resource}
    ids = {name for name, (_, about) in found.items() if about.ident.lower() == alert.resource.ident.lower()}
    return {name: value for name, value in _others(others).items() if name not in ids or not alert.resource.ident}


def _others(found: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in found.items() if name.lower() not in _THE_RESOURCE}


def series(names: Mapping[str, str]) -> str:
    """What tells one series of a rule from another, in whatever order its names come."""
    return " ".join(f"{name}={names[name]}" for name in sorted(names))


def _sensitivity(criterion: Payload) -> dict[str, str]:
    failing, all_of = (
        dig(criterion, f"failingPeriods.{name}", 0)
        for name in ("minFailingPeriodsToAlert", "numberOfEvaluationPeriods")
    )
    return {
        "Sensitivity": spaced(shown(criterion.get("alertSensitivity"))),
        "Failed in": f"{failing} of {plural(all_of, 'period')}" if all_of > 1 else "",
    }


def _window(alert: Alert, before: str = ", over ") -> str:
    window = period(part(alert.context, "condition").get("windowSize"))
    return f"{before}{window}" if window else ""


def _word(criterion: Payload, name: str) -> str:
    return dig(criterion, name).lower().replace(" ", "")


def _joined(*words: str) -> str:
    return " ".join(filter(None, words))


def _inside(sentence: str) -> str:
    """A sentence as a part of another one: it begins small, unless its first word is a name or an abbreviation."""
    return sentence[:1].lower() + sentence[1:] if re.match(r"[A-Z]([a-z]|\s)", sentence) else sentence


def _short(text: str) -> str:
    return text.partition(" (")[0]
