"""Whether an event opens something that stands until somebody acts: a firing alert, a red branch, a review.

What an event neither opens nor closes stays as it is.
"""

from bridge.entries import ALERT, BRANCH, EXPIRY, INCIDENT, OVER, REVIEW
from bridge.events import Event, Severity
from bridge.fields import first

_PULL_REQUESTS = {"pull request", "merge request"}
_ASK_FOR_REVIEW = {
    "opened", "reopened", "ready", "review_requested", "approval_withdrawn", "approvals_reset", "review_dismissed",
    "changes_request_withdrawn", "vote_reset",
}  # fmt: skip
_NEED_NO_REVIEW = {
    "merged", "closed", "declined", "abandoned", "drafted", "approved", "approved_with_suggestions",
    "changes_requested", "rejected", "waiting", "deleted", "enqueued",
}  # fmt: skip
# Where the code hosts name the branch from which the others come.
_DEFAULT_BRANCH = (
    "repository.default_branch",
    "project.default_branch",
    "resource.repository.defaultBranch",
    "repository.mainbranch.name",
)
_USUAL = {"main", "master"}  # where the payload does not name it
_GREEN = {"succeeded", "partly_succeeded", "succeeded_with_warnings"}


def standing(event: Event, phase: str) -> str:
    """What it opens (`alert`), `over` where it closes that, or nothing. phase: as its template has it."""
    if event.ends_thread or phase == "over":
        return OVER
    if _text(event, "noun") in _PULL_REQUESTS:
        return _of_pull_request(event)
    if {"outcome", "part_of", "branch"} <= event.details.keys():
        return _of_run(event)
    return _of_alert(event, phase) if event.severity >= Severity.WARNING else ""


def _of_alert(event: Event, phase: str) -> str:
    if "expir" in f"{event.kind} {event.details.get('action') or ''}".lower():
        return EXPIRY
    if phase != "firing":
        return ""
    return INCIDENT if "incident" in f"{event.kind} {event.details.get('noun') or ''}".lower() else ALERT


def _of_pull_request(event: Event) -> str:
    action = _text(event, "action")
    if action in _NEED_NO_REVIEW:
        return OVER
    return REVIEW if action in _ASK_FOR_REVIEW and not event.details.get("draft") else ""


def _of_run(event: Event) -> str:
    """A run on the default branch, but no job of one, and none for a pull request or an environment."""
    details = event.details
    named = first(event.payload, _DEFAULT_BRANCH).removeprefix("refs/heads/")
    branches = {named} if named else _USUAL
    if _text(event, "branch") not in branches or details["part_of"] or details.get("reference") or details.get("where"):
        return ""
    if event.severity >= Severity.ERROR:
        return BRANCH
    return OVER if _text(event, "outcome") in _GREEN else ""


def _text(event: Event, name: str) -> str:
    """One of the event's details; forms take what the payload has there, which may be of any type."""
    value = event.details.get(name)
    return value if isinstance(value, str) else ""
