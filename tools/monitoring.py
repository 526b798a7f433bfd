"""The alerts and the workbook of the template, from the queries in infra/queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

QUERIES = Path(__file__).parents[1] / "infra/queries"
_SCHEMA = "https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json"


@dataclass(frozen=True)
class Alert:
    """An alert that fires while its query finds a row. every, window: how often it looks, and how far back."""

    name: str
    severity: int
    title: str
    description: str
    every: str = "PT5M"
    window: str = "PT10M"


@dataclass(frozen=True)
class Chart:
    """A query of the workbook. name: of its file."""

    name: str
    title: str
    visualization: str = "table"


ALERTS = (
    Alert(
        "dead-letters",
        1,
        "posts were not delivered",
        "The bridge gave up a post, which is now a dead letter: docs/operate.md says how to requeue it.",
    ),
    Alert(
        "late",
        2,
        "posts are late",
        "Entries wait longer than they should, or a group is on hold: GET /api/health/details says why.",
    ),
    Alert(
        "failures",
        2,
        "functions fail",
        "Webhooks are answered with 5xx, or a function ends with an exception: the log says which one.",
    ),
    Alert(
        "poison-queue",
        2,
        "messages could not be handled",
        "A message failed five times. It is taken back within five minutes, and becomes an entry or a dead letter.",
        every="PT15M",
        window="PT30M",
    ),
    Alert(
        "silent",
        1,
        "the app does nothing",
        "There has been no sweep for half an hour: the app is stopped, has no code, or cannot start.",
        every="PT15M",
        window="PT30M",
    ),
)
CHARTS: Mapping[str, Sequence[Chart]] = {
    "Deliveries": (
        Chart("webhooks_by_hour", "Webhooks of each hour, by source", "timechart"),
        Chart("webhooks", "Webhooks by source, step and status"),
    ),
    "One delivery": (Chart("one_delivery", "The life of one delivery"),),
    "Not posted": (Chart("not_posted", "Dropped, ignored and refused webhooks, and why"),),
    "Delay": (Chart("delay", "Seconds from the webhook to the post, by source"),),
    "Holds and dead letters": (
        Chart("not_delivered", "Entries that wait or were given up, and why"),
        Chart("late_groups", "Groups whose entries wait longer than they should"),
    ),
    "Costs": (
        Chart("cost_of_functions", "Executions and billed seconds, by function"),
        Chart("cost_of_the_log", "Billed megabytes of the log, by table"),
    ),
}


def query(name: str) -> str:
    """The query in a file, without its comments."""
    lines = (QUERIES / f"{name}.kql").read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("//"))


def alerts() -> list[Mapping[str, Any]]:
    """The variable `alerts` of the template."""
    return [
        {
            "name": alert.name,
            "severity": alert.severity,
            "title": f"Webhook bridge: {alert.title}",
            "description": alert.description,
            "every": alert.every,
            "window": alert.window,
            "query": query(f"alert_{alert.name.replace('-', '_')}"),
        }
        for alert in ALERTS
    ]


def workbook() -> Mapping[str, Any]:
    """The variable `workbook` of the template."""
    items = [_parameters()]
    for heading, charts in CHARTS.items():
        items.append({"type": 1, "content": {"json": f"## {heading}"}, "name": f"{heading} (heading)"})
        items += [_item(chart) for chart in charts]
    return {
        "version": "Notebook/1.0",
        "items": items,
        "isLocked": False,
        "fallbackResourceIds": ["[variables('workspaceId')]"],
        "$schema": _SCHEMA,
    }


def _parameters() -> dict[str, Any]:
    """The time range, and the id for `One delivery`."""
    ranges = [{"durationMs": hours * 3_600_000} for hours in (1, 4, 24, 72, 168, 720)]
    time = {
        "version": "KqlParameterItem/1.0",
        "name": "Time",
        "type": 4,
        "isRequired": True,
        "value": {"durationMs": 86_400_000},
        "typeSettings": {"selectableValues": ranges, "allowCustom": True},
    }
    delivery = {
        "version": "KqlParameterItem/1.0",
        "name": "Delivery",
        "type": 1,
        "label": "Delivery id or token",
        "description": "The service's delivery id (GitHub: X-GitHub-Delivery), or the token that ends a post.",
        "value": "",
    }
    memory = {
        "version": "KqlParameterItem/1.0",
        "name": "Memory",
        "type": 1,
        "label": "Memory of an instance (MB)",
        "isRequired": True,
        "value": "[string(parameters('instanceMemory'))]",
    }
    content = {
        "version": "KqlParameterItem/1.0",
        "parameters": [time, delivery, memory],
        "style": "pills",
        "queryType": 0,
        "resourceType": "microsoft.operationalinsights/workspaces",
    }
    return {"type": 9, "content": content, "name": "parameters"}


def _item(chart: Chart) -> dict[str, Any]:
    content = {
        "version": "KqlItem/1.0",
        "query": query(chart.name),
        "size": 0,
        "title": chart.title,
        "timeContextFromParameter": "Time",
        "queryType": 0,
        "resourceType": "microsoft.operationalinsights/workspaces",
        "crossComponentResources": ["[variables('workspaceId')]"],
        "visualization": chart.visualization,
        "noDataMessage": "Nothing in this time.",
    }
    return {"type": 3, "content": content, "name": chart.name}
