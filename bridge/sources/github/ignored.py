"""What GitHub sends and nobody wants to read: it is answered, and not posted."""

from collections.abc import Mapping
from typing import Any

from bridge.fields import Payload, at, dig

_QUEUE = "gh-readonly-queue/"  # where the merge queue keeps what it tries

# How something stands that has not ended and waits for nobody, and where it says so.
# https://docs.github.com/rest/checks/runs and https://docs.github.com/rest/deployments/statuses
_UNDER_WAY = {"requested", "queued", "pending", "in_progress", "building"}
_STATES = {
    "workflow_run": "workflow_run.status",
    "workflow_job": "workflow_job.status",
    "check_run": "check_run.status",
    "check_suite": "check_suite.status",
    "deployment_status": "deployment_status.state",
    "status": "state",
    "page_build": "build.status",
}
# What begins: how it ends is another event.
_BEGUN = {
    ("check_suite", "requested"): "It asks for checks: each of them says how it ended.",
    (
        "merge_group",
        "checks_requested",
    ): "It asks for the checks of the merge queue: the pull request says what comes of it.",
    ("deployment", "created"): "It is the start of a deployment: how it ends is posted.",
}
_ASKED_AGAIN = {"rerequested", "requested_action"}


def reason_to_ignore(name: str, payload: Payload, about: Mapping[str, Any]) -> str:
    """Why the event, of which `about` are the attributes, is not posted; an empty text where it is."""
    action = dig(payload, "action")
    if about["branch"].startswith(_QUEUE):
        return "It is on a branch of the merge queue: the pull request says what comes of it."
    if action == "edited" and _changes_nothing(payload):
        return "It is an edit that changes nothing."
    if action in {"labeled", "unlabeled"} and about["bot"]:
        return f"It is a label that the bot {about['sender']} added or removed."
    if (name, action) in _BEGUN:
        return _BEGUN[name, action]
    if action not in _ASKED_AGAIN and _is_under_way(name, payload):
        return "It has not ended: how it ends is posted."
    return ""


def _is_under_way(name: str, payload: Payload) -> bool:
    state = dig(payload, _STATES[name]) if name in _STATES else ""
    return state in _UNDER_WAY and not dig(payload, f"{name}.conclusion")


def _changes_nothing(payload: Payload) -> bool:
    """Whether nothing is said to have changed, or only a text into the very same."""
    changes = at(payload, "changes")
    if changes == {}:
        return True
    same = ("comment", "review", "issue", "pull_request", "discussion", "release")
    before = dig(payload, "changes.body.from")
    thing = next((thing for thing in same if at(payload, thing)), "")
    return bool(before) and list(changes) == ["body"] and before == dig(payload, f"{thing}.body")
