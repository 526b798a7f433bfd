"""What routes can filter GitHub's events on."""

from typing import Any

from bridge.fields import Payload, at, dig, first, objects

_BRANCHES = (
    "pull_request.base.ref",
    "workflow_run.head_branch",
    "workflow_job.head_branch",
    "check_run.check_suite.head_branch",
    "check_suite.head_branch",
    "deployment.ref",
    "release.target_commitish",
)
_AUTHORS = ("pull_request.user.login", "issue.user.login", "discussion.user.login", "release.author.login")
_RUNS = ("workflow_run", "workflow_job", "check_run", "check_suite")
_CONCLUSIONS = (*(f"{run}.conclusion" for run in _RUNS), "deployment_status.state")
_ENVIRONMENTS = ("deployment.environment", "deployment_status.environment", "environment")


def attributes(name: str, payload: Payload) -> dict[str, Any]:
    """Every attribute, empty where the event has none of its kind, so that no route's condition fails on it."""
    sender = dig(payload, "sender.login")
    return {
        "repository": dig(payload, "repository.full_name"),
        "private": dig(payload, "repository.private", False),
        "organization": dig(payload, "organization.login"),
        "branch": _branch(name, payload),
        "labels": _labels(payload),
        "author": first(payload, _AUTHORS) or sender,
        "sender": sender,
        "bot": dig(payload, "sender.type") == "Bot" or sender.endswith("[bot]"),
        "draft": dig(payload, "pull_request.draft", False) or dig(payload, "release.draft", False),
        "conclusion": first(payload, _CONCLUSIONS) or (dig(payload, "state") if name == "status" else ""),
        "environment": first(payload, _ENVIRONMENTS),
    }


def _branch(name: str, payload: Payload) -> str:
    """The branch that is changed: of a pull request the one that it is to be merged into."""
    ref = dig(payload, "ref")
    if name == "push":
        return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ""
    if name in {"create", "delete"}:
        return ref if dig(payload, "ref_type") == "branch" else ""
    return first(payload, _BRANCHES)


def _labels(payload: Payload) -> list[str]:
    labelled = next((path for path in ("pull_request", "issue", "discussion") if at(payload, path)), "")
    return [name for label in objects(payload, f"{labelled}.labels") if (name := dig(label, "name"))]
