"""The samples of all sources, for the send panel."""

from pathlib import Path
from typing import Any

from bridge.local.page.routes import RequestError
from bridge.local.sending import event_name
from bridge.sources import SOURCES
from bridge.sources.base import Source

# What people send first, in this order.
_USUAL = (
    ("github", "push.json"),
    ("github", "pull_request.opened.json"),
    ("github", "issues.opened.json"),
    ("github", "workflow_run.completed.json"),
    ("alertmanager", "group.firing.json"),
    ("alertmanager", "group.resolved.json"),
    ("azure_monitor", "metric.fired.json"),
    ("azure_monitor", "metric.resolved.json"),
    ("grafana", "group.firing.json"),
    ("azure_devops", "build.complete.failed.json"),
    ("gitlab", "merge_request.open.json"),
    ("pagerduty", "incident.triggered.json"),
    ("jira", "issue_created.json"),
)


def usual() -> list[dict[str, str]]:
    """The samples that a list begins with."""
    return [{"source": source, "file": file} for source, file in _USUAL]


def names() -> list[dict[str, Any]]:
    """The sources with their samples: the file's name, and the service's name for the event."""
    return [
        {
            "name": source.name,
            "title": source.title,
            "samples": [
                {"file": path.name, "event": event_name(path.name, source.event_parts)} for path in _files(source)
            ],
        }
        for source in SOURCES.values()
    ]


def payload(source: str, file: str) -> str:
    """The payload of a sample; RequestError if there is no such sample."""
    for path in _files(SOURCES[source]) if source in SOURCES else ():
        if path.name == file:
            return path.read_text("utf-8")
    raise RequestError("There is no such sample.", 404)


def _files(source: Source) -> list[Path]:
    return sorted(source.samples.glob("*.json"))
