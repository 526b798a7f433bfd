"""The words and places that Azure DevOps' events have in common."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from bridge.events import Event, Severity
from bridge.fields import Payload, at, dig, first
from bridge.rendering.text import one_line

MAX_TITLE = 200  # characters, so that a topic has room for the project
Facts = tuple[tuple[str, str], ...]

_REF = re.compile(r"refs/(heads|tags|pull)/(.+?)(?:/merge)?")

# How something ends or stands: its word, its verb, its tone and how much it matters.
# https://learn.microsoft.com/rest/api/azure/devops/build/builds/get#buildresult and the like
_SUCCEEDED = ("succeeded", "succeeded", "success", Severity.SUCCESS)
_PARTLY = ("partly succeeded", "succeeded only in part", "warning", Severity.WARNING)
_CANCELED = ("canceled", "was canceled", "quiet", Severity.INFO)
_RUNNING = ("running", "started", "info", Severity.INFO)
_OUTCOMES: Mapping[str, tuple[str, str, str, Severity]] = {
    "succeeded": _SUCCEEDED,
    "partiallysucceeded": _PARTLY,
    "succeededwithissues": _PARTLY,
    "failed": ("failed", "failed", "error", Severity.ERROR),
    "rejected": ("rejected", "was rejected", "error", Severity.ERROR),
    "timedout": ("timed out", "timed out", "error", Severity.ERROR),
    "canceled": _CANCELED,
    "cancelled": _CANCELED,
    "stopped": _CANCELED,
    "abandoned": ("abandoned", "was abandoned", "quiet", Severity.INFO),
    "skipped": ("skipped", "was skipped", "quiet", Severity.INFO),
    "approved": ("approved", "was approved", "success", Severity.SUCCESS),
    "pending": ("approval needed", "waits for approval", "warning", Severity.WARNING),
    "inprogress": _RUNNING,
    "running": _RUNNING,
    "canceling": ("canceling", "is being canceled", "quiet", Severity.INFO),
    "notstarted": ("not started", "has not started yet", "info", Severity.INFO),
    "waiting": ("waiting", "waits", "info", Severity.INFO),
    "queued": ("queued", "was queued", "info", Severity.INFO),
}
_FINISHED = ("finished", "finished", "info", Severity.INFO)


def outcome(state: str) -> tuple[str, str, str, Severity]:
    """The word, the verb, the tone and the severity of a result or a state."""
    return _OUTCOMES.get(state.lower(), _FINISHED)


def person(value: Any) -> str:
    """Somebody's name: people are objects, in work items also `Mona Lisa <mona@contoso.com>`."""
    name = value if isinstance(value, str) else dig(value, "displayName")
    # Teams come as `[Pump]\Field team`, services with their id behind them.
    name = re.sub(r"\s*(?:<[^<>]*>|\(\w?[0-9a-f-]{36}\))$", "", name)
    return one_line(name.rpartition("\\")[2], 80)


def branch(ref: str) -> str:
    """The short name of a ref: `main` of refs/heads/main, `PR 12` of refs/pull/12/merge."""
    match = _REF.fullmatch(ref)
    return f"PR {match[2]}" if match and match[1] == "pull" else match[2] if match else ref


def pull_request(ref: str) -> str:
    """The number of the pull request whose merge the ref is, or nothing."""
    match = re.fullmatch(r"refs/pull/(\d+)/merge", ref)
    return match[1] if match else ""


def repository_url(repository: Payload) -> str:
    """The repository's page. Some URLs carry the organization as their user."""
    url = first(repository, ("webUrl", "remoteUrl"))
    return re.sub(r"(?<=://)[^/@]*@", "", url).rstrip("/")


def place(*names: str) -> str:
    """Project and repository, once where they are of one name: `Pump/firmware`."""
    return "/".join(dict.fromkeys(one_line(name, 80) for name in names if name))


def number(payload: Any, *paths: str) -> str:
    """The first id at the paths that is none of zero or empty, as text."""
    found = (at(payload, path) for path in paths)
    return next((str(value) for value in found if value and isinstance(value, int | str)), "")


def found(**facts: str) -> Facts:
    """The facts that have a value; an underscore is a blank in a name."""
    return tuple((name.replace("_", " "), one_line(value, 200)) for name, value in facts.items() if value)


def with_attributes(event: Event, **attributes: Any) -> Mapping[str, Any]:
    """The event's attributes with these."""
    return {**event.attributes, **attributes}


def titled(*parts: str) -> str:
    """A title from its parts: `PR 12 Stop the pump`."""
    return one_line(" ".join(filter(None, parts)), MAX_TITLE)


def escaped(text: str) -> str:
    """Text as a part of a URL."""
    return quote(text, safe="")
