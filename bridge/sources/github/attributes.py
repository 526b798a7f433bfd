"""What routes can filter GitHub's events on."""

from typing import Any

from bridge.fields import Payload, at, dig, first, objects
from bridge.sources.github.heads import head_of

_BRANCHES = ("pull_request.base.ref", "release.target_commitish", "merge_group.base_ref")
_HEADS = {
    "workflow_run",
    "workflow_job",
    "check_run",
    "check_suite",
    "status",
    "deployment",
    "deployment_status",
    "deployment_review",
    "deployment_protection_rule",
}
_AUTHORS = (
    "pull_request.user.login",
    "issue.user.login",
    "discussion.user.login",
    "release.author.login",
    "comment.user.login",
)
_PATHS = ("comment.path", "alert.most_recent_instance.location.path", "alert.dependency.manifest_path")
_RUNS = ("workflow_run", "workflow_job", "check_run", "check_suite")
_CONCLUSIONS = (*(f"{run}.conclusion" for run in _RUNS), "deployment_status.state")
_ENVIRONMENTS = (
    "deployment.environment",
    "deployment_status.environment",
    "environment",
    "workflow_job_run.environment",
)


def attributes(name: str, payload: Payload) -> dict[str, Any]:
    """Every attribute, empty where the event has none of its kind, and no route's condition fails on it."""
    sender = dig(payload, "sender.login")
    head = head_of(name, payload)
    touched = _touched(payload)
    paths = list(dict.fromkeys(path for files in touched.values() for path in files)) or _place(payload)
    return {
        "repository": dig(payload, "repository.full_name"),
        "private": dig(payload, "repository.private", False),
        "organization": dig(payload, "organization.login"),
        "branch": head.branch if name in _HEADS else _branch(name, payload),
        "tag": _tag(name, payload),
        "fork": bool(head.fork),
        "labels": _labels(payload),
        "author": first(payload, _AUTHORS) or sender,
        "sender": sender,
        "bot": dig(payload, "sender.type") == "Bot" or sender.endswith("[bot]"),
        "draft": dig(payload, "pull_request.draft", False) or dig(payload, "release.draft", False),
        "conclusion": first(payload, _CONCLUSIONS) or (dig(payload, "state") if name == "status" else ""),
        "environment": first(payload, _ENVIRONMENTS),
        "team": first(payload, ("team.slug", "requested_team.slug", "team.name")),
        "paths": paths,
        "touched": {change: len(files) for change, files in touched.items()},
    }


def _branch(name: str, payload: Payload) -> str:
    """The branch that is changed: of a pull request the one that it is to be merged into."""
    ref = dig(payload, "ref")
    if name in {"push", "code_scanning_alert", "workflow_dispatch"}:
        return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ""
    if name in {"create", "delete"}:
        return ref if dig(payload, "ref_type") == "branch" else ""
    return first(payload, _BRANCHES).removeprefix("refs/heads/")


def _tag(name: str, payload: Payload) -> str:
    ref = dig(payload, "ref")
    if name in {"create", "delete"}:
        return ref if dig(payload, "ref_type") == "tag" else ""
    if name == "push" and ref.startswith("refs/tags/"):
        return ref.removeprefix("refs/tags/")
    return dig(payload, "release.tag_name")


def _touched(payload: Payload) -> dict[str, list[str]]:
    """The files that a push's commits added, modified and removed, each once and as the last of them left it."""
    last: dict[str, str] = {}
    for commit in objects(payload, "commits"):
        for change in ("added", "modified", "removed"):
            paths = commit.get(change)
            for path in paths if isinstance(paths, list) else ():
                if isinstance(path, str):
                    last[path] = "added" if change == "modified" and last.get(path) == "added" else change
    found: dict[str, list[str]] = {}
    for path, change in last.items():
        found.setdefault(change, []).append(path)
    return found


def _place(payload: Payload) -> list[str]:
    """The one file that a comment or an alert is about."""
    path = first(payload, _PATHS)
    return [path] if path else []


def _labels(payload: Payload) -> list[str]:
    labelled = next((path for path in ("pull_request", "issue", "discussion") if at(payload, path)), "")
    return [name for label in objects(payload, f"{labelled}.labels") if (name := dig(label, "name"))]
