"""Alerts on log searches, of today's rules and of the older ones of Log Analytics and Application Insights.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema#log-search-alerts-context-fields
"""

from collections.abc import Sequence
from typing import Any

from bridge.fields import Payload, as_time, dig, first, objects
from bridge.rendering.filters import plural
from bridge.rendering.measures import History, history
from bridge.rendering.text import in_words, is_id, one_line
from bridge.sources.azure_monitor.measures import all_dimensions, measure, meters, series, shown_dimensions
from bridge.sources.azure_monitor.report import Alert, Report
from bridge.sources.azure_monitor.values import code, dimensions, number, period, shown

_RESULTS = {"", "number of results", "numberofresults"}  # kinds of older alerts that count rows
_MOST_COLUMNS, _MOST_ROWS = 4, 10
_TIMES = {"timestamp", "timegenerated", "bin_timestamp", "bin_timegenerated"}


def search(alert: Alert) -> Report:
    """A search of a rule of today: rows that it counts, a column that it measures, or single events."""
    criteria = objects(alert.context, "condition.allOf")
    if not criteria:
        return Report()
    head = criteria[0]
    column = shown(head.get("metricMeasureColumn"))
    is_measured = bool(column) and dig(head, "timeAggregation").lower() != "count"
    rows = _rows(head.get("metricValue"))
    return Report(
        action="measured_search" if is_measured else "search",
        details={"metric": column, "rows": _count(head.get("metricValue")), **measure(alert, head, column)},
        text=_query(alert, dig(head, "searchQuery")),
        meters=meters(criteria) if is_measured else meters(criteria, _named(alert, rows)),
        series=series(all_dimensions(criteria)),
        facts={**shown_dimensions(alert, criteria), **next(iter(_events(head)), {})},
        buttons=[("See the results", first(head, ("linkToFilteredSearchResultsUI", "linkToSearchResultsUI")))],
    )


def older_search(alert: Alert) -> Report:
    """A search of an older rule, which sends what it found along."""
    context = alert.context
    columns, rows = _results(context)
    is_measured = dig(context, "AlertType").lower().startswith("metric")
    value = _furthest(columns, rows, dig(context, "Operator")) if is_measured else context.get("ResultCount")
    kind = dig(context, "AlertType")
    is_known = is_measured or kind.lower() in _RESULTS
    criterion = {
        "metricValue": value,
        "threshold": context.get("Threshold") if is_known else None,  # of nobody knows what
        "operator": dig(context, "Operator"),
        "metricName": "AggregatedValue",
    }
    window = period(context.get("SearchIntervalInMinutes") or context.get("SearchIntervalDurationMin"))
    return Report(
        action="older_measured_search" if is_measured else "older_search",
        details={"rows": _count(value), **measure(alert, criterion, ""), "window": window},
        text=_query(alert, dig(context, "SearchQuery")),
        meters=meters([criterion], "" if is_measured else _named(alert, _rows(value))),
        history=_history(columns, rows, dig(context, "Operator"), context.get("Threshold")) if is_measured else None,
        series=series(found := dimensions(context, "Dimensions")),
        facts={**found, "Kind": "" if is_known else in_words(kind)},
        table=_table(columns, rows),
        buttons=[("See the results", first(context, ("LinkToFilteredSearchResultsUI", "LinkToSearchResults")))],
    )


def _count(value: Any) -> int | None:
    count = number(value)
    return None if count is None else round(count)


def _rows(value: Any) -> str:
    count = _count(value)
    return "" if count is None else plural(count, "row") if count else "no rows"


def _named(alert: Alert, rows: str) -> str:
    """What the bar of a search shows: rows are rows of nothing that has a name but the rule."""
    return rows and f"{one_line(alert.rule, 60)}: {rows}"


def _query(alert: Alert, query: str) -> str:
    """The rule's description and the query, while it fires."""
    return "" if alert.is_resolved else "\n\n".join(filter(None, (alert.description, code(query))))


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


def _history(columns: Sequence[str], rows: Sequence[Sequence[Any]], operator: str, threshold: Any) -> History | None:
    """The measured values in their order, where all rows are of one series."""
    times = [place for place, name in enumerate(columns) if name.lower() in _TIMES]
    if not times or "AggregatedValue" not in columns:
        return None
    time, measured = times[0], columns.index("AggregatedValue")
    whole = [row for row in rows if len(row) == len(columns)]
    others = {tuple(str(cell) for place, cell in enumerate(row) if place not in {time, measured}) for row in whole}
    points = [
        (at, value) for row in whole if (at := as_time(row[time])) and (value := number(row[measured])) is not None
    ]
    sign, limit = {"g": ">", "l": "<"}.get(operator[:1].lower(), ""), number(threshold)
    return history(points, f"{sign} {limit}" if sign and limit is not None else "") if len(others) == 1 else None


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> tuple[list[str], list[list[str]]]:
    """The table that people see: without columns of ids, of one value only, and of nothing."""
    texts = [[shown(cell) for cell in row] + [""] * len(columns) for row in rows[:_MOST_ROWS]]
    kept = [
        place
        for place, name in enumerate(columns)
        if name and any(row[place] and not is_id(row[place]) for row in texts)
    ][:_MOST_COLUMNS]
    if not kept:
        return [], []
    return [columns[place] for place in kept], [[row[place] for place in kept] for row in texts]
