"""Alerts on log searches, of today's rules and of the older ones of Log Analytics and Application Insights.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema#log-search-alerts-context-fields
"""

from collections.abc import Sequence
from typing import Any

from bridge.fields import Payload, dig, first, objects
from bridge.rendering.filters import plural
from bridge.rendering.text import is_id
from bridge.sources.azure_monitor.measures import (
    against,
    all_dimensions,
    compared,
    meters,
    series,
    told_dimensions,
)
from bridge.sources.azure_monitor.words import Alert, Report, amount, code, dimensions, number, period, shown

_MOST_COLUMNS, _MOST_ROWS = 4, 10
_VERBS = {"average": "averaged", "total": "totaled", "sum": "totaled", "maximum": "peaked at", "minimum": "fell to"}


def search(alert: Alert) -> Report:
    """A search of a rule of today: rows that it counts, a column that it measures, or single events."""
    criteria = objects(alert.context, "condition.allOf")
    if not criteria:
        return Report()
    head = criteria[0]
    column, aggregation = shown(head.get("metricMeasureColumn")), dig(head, "timeAggregation").lower()
    measured = column if aggregation in _VERBS else ""
    if measured:
        before, after, bars = f"{measured} in", against(alert, _VERBS[aggregation], head, measured), meters(criteria)
    else:
        rows = _rows(head.get("metricValue"))
        before, after, bars = "A search in", against(alert, "found", head, "", rows), meters(criteria, rows)
    events = next(iter(_events(head)), {})
    return Report(
        before=before,
        after=after,
        text=_query(alert, dig(head, "searchQuery")),
        meters=bars,
        series=series(all_dimensions(criteria)),
        facts={**told_dimensions(alert, criteria), **events},
        buttons=[("See the results", first(head, ("linkToFilteredSearchResultsUI", "linkToSearchResultsUI")))],
    )


def older_search(alert: Alert) -> Report:
    """A search of an older rule, which sends what it found along."""
    context = alert.context
    columns, rows = _results(context)
    is_measured = dig(context, "AlertType").lower().startswith("metric")
    value = _furthest(columns, rows, dig(context, "Operator")) if is_measured else context.get("ResultCount")
    criterion = {
        "metricValue": value,
        "threshold": context.get("Threshold"),
        "operator": dig(context, "Operator"),
        "metricName": "AggregatedValue",
    }
    counted = "" if is_measured else _rows(value)
    said = f"measured {amount(value)}" if value is not None else "fired"
    window = period(context.get("SearchIntervalInMinutes") or context.get("SearchIntervalDurationMin"))
    return Report(
        before="A search in",
        after=f"{said if is_measured else f'found {counted}'}{compared(criterion)}{f', in {window}' if window else ''}",
        text=_query(alert, dig(context, "SearchQuery")),
        meters=meters([criterion], counted),
        series=series(found := dimensions(context, "Dimensions")),
        facts=found,
        table=_told(columns, rows),
        buttons=[("See the results", first(context, ("LinkToFilteredSearchResultsUI", "LinkToSearchResults")))],
    )


def _rows(value: Any) -> str:
    count = number(value)
    if count is None:
        return "rows"
    return plural(round(count), "row") if count else "no rows"


def _query(alert: Alert, query: str) -> str:
    """The rule's description, and the query while it is fired."""
    return "\n\n".join(filter(None, (alert.description, "" if alert.is_resolved else code(query))))


def _events(criterion: Payload) -> list[dict[str, str]]:
    """The single events of a simple rule: lists of names and values."""
    found = criterion.get("event")
    return [dimensions({"event": event}, "event") for event in found] if isinstance(found, list) else []


def _results(context: Payload) -> tuple[list[str], list[list[Any]]]:
    """The columns and the rows of the first table that was sent along."""
    for table in [*objects(context, "SearchResults.tables"), *objects(context, "SearchResult.tables")]:
        columns = [shown(column.get("name")) for column in objects(table, "columns")]
        rows = table.get("rows")
        return columns, [row for row in rows if isinstance(row, list)] if isinstance(rows, list) else []
    return [], []


def _furthest(columns: Sequence[str], rows: Sequence[Sequence[Any]], operator: str) -> float | None:
    """The measured value that is furthest on the wrong side."""
    if "AggregatedValue" not in columns:
        return None
    place = columns.index("AggregatedValue")
    found = [value for row in rows if place < len(row) and (value := number(row[place])) is not None]
    return (min if "less" in operator.lower() else max)(found, default=None)


def _told(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> tuple[list[str], list[list[str]]]:
    """The table that people see: without columns of ids, of one value only, and of nothing."""
    texts = [[shown(cell) for cell in row] + [""] * len(columns) for row in rows[:_MOST_ROWS]]
    tells = [
        place
        for place, name in enumerate(columns)
        if name and any(row[place] and not is_id(row[place]) for row in texts)
    ][:_MOST_COLUMNS]
    if not tells:
        return [], []
    return [columns[place] for place in tells], [[row[place] for place in tells] for row in texts]
