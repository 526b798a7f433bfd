"""The words that GitHub's events have in common: titles, times, severities and values of facts."""

import re
from collections.abc import Callable
from typing import Any

from bridge.events import Severity
from bridge.fields import Payload, as_time, at, dig, first, objects
from bridge.rendering.text import one_line

Title = Callable[[Payload], str]

MAX_TITLE = 200  # characters, so that a topic has room for the repository
_MAX_FACT = 120
_SHA = re.compile(r"[0-9a-f]{40}")

# https://docs.github.com/rest/checks/runs and https://docs.github.com/rest/deployments/statuses
_OUTCOMES = {
    "success": Severity.SUCCESS,
    "built": Severity.SUCCESS,
    "failure": Severity.ERROR,
    "timed_out": Severity.ERROR,
    "startup_failure": Severity.ERROR,
    "error": Severity.ERROR,
    "errored": Severity.ERROR,
    "action_required": Severity.WARNING,
}
# https://docs.github.com/rest/dependabot/alerts and https://docs.github.com/rest/code-scanning
_GRADES = {
    "low": Severity.INFO,
    "note": Severity.INFO,
    "moderate": Severity.WARNING,
    "medium": Severity.WARNING,
    "warning": Severity.WARNING,
    "high": Severity.ERROR,
    "error": Severity.ERROR,
    "critical": Severity.CRITICAL,
}
_SETTLED = {
    "fixed": Severity.SUCCESS,
    "fix": Severity.SUCCESS,
    "resolved": Severity.SUCCESS,
    "dismissed": Severity.INFO,
    "auto_dismissed": Severity.INFO,
    "closed": Severity.INFO,
    "withdrawn": Severity.INFO,
}
_GRADE_PATHS = (
    "alert.security_vulnerability.severity",
    "alert.security_advisory.severity",
    "alert.rule.security_severity_level",
    "alert.rule.severity",
    "alert.severity",
    "security_advisory.severity",
    "repository_advisory.severity",
)


def times(*things: str) -> tuple[str, ...]:
    """Where objects say when they changed last."""
    names = ("updated_at", "completed_at", "submitted_at", "published_at", "started_at", "created_at")
    return tuple(f"{thing}.{name}" for thing in things for name in names)


def grade(payload: Payload) -> Severity:
    """How much a security alert or advisory matters: as its author says while it is open."""
    state = "withdrawn" if at(payload, "security_advisory.withdrawn_at") else dig(payload, "alert.state")
    settled = _SETTLED.get(state)
    return settled or _GRADES.get(first(payload, _GRADE_PATHS), Severity.INFO)


def outcome_of(thing: str) -> Callable[[Payload], Severity]:
    """Of the conclusion or state of a run, a check or a deployment; a `status` has its state outside any object."""
    paths = (f"{thing}.conclusion", f"{thing}.state", f"{thing}.status", "state")

    def severity(payload: Payload) -> Severity:
        # Who asks for it again is told how it ended before.
        again = dig(payload, "action") in {"rerequested", "requested_action"}
        return Severity.INFO if again else _OUTCOMES.get(first(payload, paths), Severity.INFO)

    return severity


def always(severity: Severity) -> Callable[[Payload], Severity]:
    """The same severity, whatever the payload says."""
    return lambda _: severity


def by_action(**severities: Severity) -> Callable[[Payload], Severity]:
    """As the action says."""
    return lambda payload: severities.get(dig(payload, "action"), Severity.INFO)


def numbered(thing: str, noun: str) -> Title:
    """An issue's or a pull request's title with its number: `Fix the pump #12`."""

    def title(payload: Payload) -> str:
        number = dig(payload, f"{thing}.number", 0)
        name = one_line(first(payload, (f"{thing}.title",)), MAX_TITLE) or noun
        return f"{name} #{number}" if number else name

    return title


def named(noun: str, *paths: str) -> Title:
    """A noun with the first name at the paths; `Plan of` is just `Plan` without one."""

    def title(payload: Payload) -> str:
        name = first(payload, paths)
        return one_line(f"{noun} {name}" if name else noun.removesuffix(" of").removesuffix(" by"), MAX_TITLE)

    return title


def called(words: str) -> Title:
    """The same words for all of a repository or organization."""
    return lambda _: words


def run_title(branch: str, *names: str) -> Title:
    """The name of what runs, and the branch: `CI on main`."""

    def title(payload: Payload) -> str:
        parts = (first(payload, names) or "Checks", dig(payload, branch))
        return one_line(" on ".join(filter(None, parts)), MAX_TITLE)

    return title


def status_title(payload: Payload) -> str:
    """The name of a commit's status, and the branch."""
    branches = objects(payload, "branches")
    place = dig(branches[0], "name") if branches else dig(payload, "sha")[:7]
    return one_line(" on ".join(filter(None, (dig(payload, "context") or "Checks", place))), MAX_TITLE)


def deployment_title(payload: Payload) -> str:
    """What is deployed, and where: `Deployment of main (1b2c3d4) to production`."""
    ref, sha = dig(payload, "deployment.ref"), dig(payload, "deployment.sha")[:7]
    place = first(payload, ("deployment.environment", "deployment_status.environment", "environment"))
    what = f"{ref} ({sha})" if ref and sha and not _SHA.fullmatch(ref) else sha or ref
    return one_line(f"Deployment{f' of {what}' if what else ''}{f' to {place}' if place else ''}", MAX_TITLE)


def push_title(payload: Payload) -> str:
    """The branch or tag that is pushed."""
    ref = dig(payload, "ref")
    return one_line(f"{'Tag' if ref.startswith('refs/tags/') else 'Branch'} {ref.split('/', 2)[-1]}", MAX_TITLE)


def ref_title(payload: Payload) -> str:
    """As that of a push, whose thread it is."""
    return one_line(f"{dig(payload, 'ref_type').capitalize() or 'Branch'} {dig(payload, 'ref')}", MAX_TITLE)


def alert_title(noun: str, *paths: str) -> Title:
    """What is wrong, and the alert's number."""

    def title(payload: Payload) -> str:
        number = dig(payload, "alert.number", 0)
        return (one_line(first(payload, paths), MAX_TITLE) or noun) + (f" #{number}" if number else "")

    return title


def shown(value: Any) -> str:
    """A fact's value: text, a number, a day, or the names in a list of objects; a commit's hash is shortened."""
    if isinstance(value, list):
        names = (item if isinstance(item, str) else first(item, ("name", "login", "title", "type")) for item in value)
        return one_line(", ".join(filter(None, names)), _MAX_FACT)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else f"{value}"
    text = value if isinstance(value, str) else ""
    if re.match(r"\d{4}-\d\d-\d\d(T|$)", text) and (time := as_time(text)):
        return f"{time:%-d %b %Y}"
    text = text.removeprefix("refs/heads/")
    return text[:7] if _SHA.fullmatch(text) else one_line(text, _MAX_FACT)
