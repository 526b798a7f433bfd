"""The words that GitHub's events have in common: titles, times, severities and values of facts."""

import re
from collections.abc import Callable
from typing import Any

from bridge.events import Severity
from bridge.fields import Payload, at, dig, first
from bridge.text import one_line

MAX_TITLE = 200  # characters, so that a topic has room for the repository
_MAX_FACT = 120
_SHA = re.compile(r"[0-9a-f]{40}")

# https://docs.github.com/rest/checks/runs and https://docs.github.com/rest/deployments/statuses
_OUTCOMES = {
    "success": Severity.SUCCESS,
    "failure": Severity.ERROR,
    "timed_out": Severity.ERROR,
    "startup_failure": Severity.ERROR,
    "error": Severity.ERROR,
    "action_required": Severity.WARNING,
}
# https://docs.github.com/rest/dependabot/alerts
_GRADES = {
    "low": Severity.INFO,
    "moderate": Severity.WARNING,
    "medium": Severity.WARNING,
    "high": Severity.ERROR,
    "critical": Severity.CRITICAL,
}
_SETTLED = {
    "fixed": Severity.SUCCESS,
    "resolved": Severity.SUCCESS,
    "dismissed": Severity.INFO,
    "auto_dismissed": Severity.INFO,
}
_GRADE_PATHS = (
    "alert.security_vulnerability.severity",
    "alert.security_advisory.severity",
    "alert.rule.security_severity_level",
    "security_advisory.severity",
)


def times(thing: str) -> tuple[str, ...]:
    """Where an object says when it changed last."""
    names = ("updated_at", "completed_at", "submitted_at", "published_at", "started_at", "created_at")
    return tuple(f"{thing}.{name}" for name in names)


def grade(payload: Payload) -> Severity:
    """How much a security alert or advisory matters: as its author says while it is open."""
    state = "dismissed" if at(payload, "security_advisory.withdrawn_at") else dig(payload, "alert.state")
    settled = _SETTLED.get(state)
    return settled or _GRADES.get(first(payload, _GRADE_PATHS), Severity.INFO)


def outcome_of(thing: str) -> Callable[[Payload], Severity]:
    """Of the conclusion or state of a run, a check or a deployment; a `status` has its state outside any object."""
    paths = (f"{thing}.conclusion", f"{thing}.state", "state")
    return lambda payload: _OUTCOMES.get(first(payload, paths), Severity.INFO)


def numbered(thing: str, noun: str) -> Callable[[Payload], str]:
    """An issue's or a pull request's title with its number: `Fix the pump #12`."""

    def title(payload: Payload) -> str:
        number = dig(payload, f"{thing}.number", 0)
        name = one_line(dig(payload, f"{thing}.title"), MAX_TITLE) or noun
        return f"{name} #{number}" if number else name

    return title


def named(noun: str, *paths: str) -> Callable[[Payload], str]:
    """A noun with the first name at the paths."""
    return lambda payload: one_line(f"{noun} {first(payload, paths)}", MAX_TITLE)


def run_title(branch: str, *names: str) -> Callable[[Payload], str]:
    """The name of what runs, and the branch: `CI on main`."""

    def title(payload: Payload) -> str:
        parts = (first(payload, names) or "Checks", dig(payload, branch))
        return one_line(" on ".join(filter(None, parts)), MAX_TITLE)

    return title


def push_title(payload: Payload) -> str:
    """The branch or tag that is pushed."""
    ref = dig(payload, "ref")
    return one_line(f"{'Tag' if ref.startswith('refs/tags/') else 'Branch'} {ref.split('/', 2)[-1]}", MAX_TITLE)


def ref_title(payload: Payload) -> str:
    """As that of a push, whose thread it is."""
    return one_line(f"{dig(payload, 'ref_type').capitalize() or 'Branch'} {dig(payload, 'ref')}", MAX_TITLE)


def advisory_title(payload: Payload) -> str:
    """What is wrong with a dependency."""
    summary = one_line(dig(payload, "alert.security_advisory.summary"), MAX_TITLE)
    return summary or named("Vulnerable", "alert.dependency.package.name")(payload)


def shown(value: Any) -> str:
    """A fact's value: text, a number, or the names in a list of objects; a commit's hash is shortened."""
    if isinstance(value, list):
        names = (first(item, ("name", "login", "title")) for item in value)
        return one_line(", ".join(filter(None, names)), _MAX_FACT)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value}"
    text = value if isinstance(value, str) else ""
    return text[:7] if _SHA.fullmatch(text) else one_line(text, _MAX_FACT)
