"""Alerts on what is measured: metrics, log queries, Prometheus rules, smart detection.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-payload-samples
"""

from collections.abc import Mapping
from typing import Any

from bridge.fields import Payload, dig, first, objects, part
from bridge.markup import plural
from bridge.sources.azure_monitor.words import Told, amount, named, number, period, shown, spaced, texts
from bridge.text import one_line, safe_url

_OPERATORS = {
    "greaterthan": "above",
    "greaterthanorequal": "at or above",
    "lessthan": "below",
    "lowerthan": "below",
    "lessthanorequal": "at or below",
    "lowerthanorequal": "at or below",
    "equals": "equal to",
    "equal": "equal to",
    "greaterorlessthan": "outside of",
}
_AGGREGATIONS = {
    "average": "on average",
    "total": "in total",
    "sum": "in total",
    "count": "by count",
    "maximum": "at most",
    "minimum": "at least",
}
_MOST_CRITERIA = 5
# Dimensions that repeat the resource, or name nothing that a person knows.
_NO_FACTS = {"resourceid", "microsoft.resourceid", "accountresourceid"}


def metric(essentials: Payload, context: Payload) -> Told:
    """A metric or a log query against thresholds: static, dynamic, of several resources, of an availability test."""
    criteria = objects(context, "condition.allOf")[:_MOST_CRITERIA]
    if not criteria:
        return Told()
    window = period(dig(context, "condition.windowSize"))
    over = dig(essentials, "monitorCondition").lower() == "resolved"
    head = criteria[0]
    facts: dict[str, Any] = {}
    for one in criteria:
        for dimension in objects(one, "dimensions"):
            if dig(dimension, "name").lower() not in _NO_FACTS:
                facts[one_line(dig(dimension, "name"), 40)] = named(dig(dimension, "value"))
    sensitivity = dig(head, "alertSensitivity")
    failing = part(head, "failingPeriods")
    if sensitivity:
        facts["Threshold"] = f"dynamic, {sensitivity.lower()} sensitivity"
    if dig(failing, "numberOfEvaluationPeriods", 0) > 1:
        facts["Failed"] = (
            f"{dig(failing, 'minFailingPeriodsToAlert', 0)} of {dig(failing, 'numberOfEvaluationPeriods', 0)} periods"
        )
    test = shown(head.get("webTestName"))
    if test:
        facts["Test"] = test
    query = one_line(dig(head, "searchQuery"), 200)
    if query:
        facts["Query"] = query
    links = [("Search results", first(head, ("linkToFilteredSearchResultsUI", "linkToSearchResultsUI")))]
    return Told(
        before=f"{_name(head)} of",
        after=_against(head, window, over),
        facts=facts,
        meters=[meter for one in criteria if (meter := _meter(one, len(criteria) > 1))],
        buttons=[link for link in links if safe_url(link[1])],
    )


def search(essentials: Payload, context: Payload) -> Told:
    """A log search of the older kind, of Log Analytics or Application Insights: how much it found."""
    count = dig(context, "ResultCount", 0)
    window = period(shown(first(context, ("SearchIntervalInMinutes", "SearchIntervalDurationMin"))))
    threshold, operator = (
        context.get("Threshold"),
        _OPERATORS.get(dig(context, "Operator").lower().replace(" ", ""), ""),
    )
    against = f", {operator} {amount(threshold)}" if operator and threshold is not None else ""
    links = [("Search results", first(context, ("LinkToFilteredSearchResultsUI", "LinkToSearchResults")))]
    found = number(threshold)
    return Told(
        before="A search in" if texts(essentials, "alertTargetIDs") else "A search",
        after=f"found {plural(count, 'row')}{against}{f' in {window}' if window else ''}",
        facts={"Query": one_line(dig(context, "SearchQuery"), 200), "Kind": dig(context, "AlertType").lower()},
        meters=[(float(count), found, f"{amount(count)} rows, threshold {amount(found)}")] if found and against else [],
        buttons=[link for link in links if safe_url(link[1])],
    )


def prometheus(essentials: Payload, context: Payload) -> Told:
    """A rule of a Prometheus rule group: its expression, its value, its labels."""
    labels = {one_line(str(name), 40): value for name, value in part(context, "labels").items() if name != "alertname"}
    lasting = period(dig(context, "for"))
    value = amount(context.get("expressionValue"))
    holds = "no longer holds" if dig(essentials, "monitorCondition").lower() == "resolved" else "holds"
    annotations = part(context, "annotations")
    return Told(
        title=shown(part(context, "labels").get("alertname")),
        before=f"{one_line(dig(context, 'expression'), 120) or 'The rule'} {holds} in",
        after=", ".join(
            filter(None, (f"for {lasting}" if lasting else "", f"with the value {value}" if value else ""))
        ),
        text="\n\n".join(filter(None, (dig(annotations, "summary"), dig(annotations, "description")))),
        facts={**labels, "Rule group": named(dig(context, "ruleGroup"))},
        buttons=[("Runbook", url) for url in [safe_url(first(annotations, ("runbook_url", "runbook")))] if url],
    )


def smart_detection(essentials: Payload, context: Payload) -> Told:  # noqa: ARG001  as all tellers are called
    """What Application Insights noticed by itself."""
    return Told(
        title=dig(context, "SmartDetectorName"),
        before=one_line(dig(context, "DetectionSummary"), 200).rstrip(".") + " in"
        if dig(context, "DetectionSummary")
        else "",
        after="",
        facts={
            "When": first(context, ("FormattedOccurrenceTime", "FormattedOccurenceTime")),
            "Now": dig(context, "DetectedFailureRate"),
            "Usually": first(context, ("NormalFailureRate", "NormalFailureRateForLastWeek")),
        },
    )


def _name(criterion: Mapping[str, Any]) -> str:
    names = (criterion.get("metricName"), criterion.get("metricMeasureColumn"), criterion.get("webTestName"))
    return next((shown(name) for name in names if shown(name)), "The number of results")


def _against(criterion: Mapping[str, Any], window: str, over: bool) -> str:
    """`is 97.2, above 80 on average over 5 min`."""
    if criterion.get("metricValue") is None:
        return "sends no data" if not over else "is as it should be"
    value, threshold = amount(criterion.get("metricValue")), criterion.get("threshold")
    operator = _OPERATORS.get(dig(criterion, "operator").lower(), spaced(dig(criterion, "operator")))
    aggregation = dig(criterion, "timeAggregation")
    how = _AGGREGATIONS.get(aggregation.lower(), "")
    against = (
        ""
        if threshold is None
        else f", no more {operator} {amount(threshold)}"
        if over
        else f", {operator} {amount(threshold)}"
    )
    return f"is {value}{against}{f' {how}' if how else ''}{f' over {window}' if window else ''}"


def _meter(criterion: Mapping[str, Any], several: bool) -> tuple[float, float, str] | None:
    value, threshold = number(criterion.get("metricValue")), number(criterion.get("threshold"))
    if value is None or threshold is None or value < 0 or threshold < 0 or dig(criterion, "alertSensitivity"):
        return None
    name = f"{_name(criterion)} " if several else ""
    return value, threshold, f"{name}{amount(value)}, threshold {amount(threshold)}"
