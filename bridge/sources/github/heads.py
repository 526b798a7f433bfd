"""Where the changes are that run or are deployed: the branch, whose it is, the commit, and who or what started it.

A run of a fork's `main` is not one of our `main`: its branch is written with the fork's owner, as `stranger:main`.
"""

from collections.abc import Mapping
from typing import Any

from bridge.fields import Payload, at, dig, first, objects
from bridge.sources import forge, kit
from bridge.sources.github.actors import machine
from bridge.values import dataclass

_DELETED = "deleted fork"  # whose repository is null


@dataclass(frozen=True)
class Head:
    """branch: with the owner of its fork. fork: the full name of its repository where that is not ours, or empty."""

    branch: str = ""
    fork: str = ""
    sha: str = ""

    @property
    def place(self) -> str:
        """The branch, or the commit where no branch is named, as for checks of forks."""
        return self.branch or self.sha


@dataclass(frozen=True)
class _Paths:
    branch: str
    sha: str
    repository: str = ""
    requests: str = ""


def _run(thing: str) -> _Paths:
    return _Paths(f"{thing}.head_branch", f"{thing}.head_sha", f"{thing}.head_repository", f"{thing}.pull_requests")


_SUITE = "check_run.check_suite"
_DEPLOYMENT = _Paths("deployment.ref", "deployment.sha", "workflow_run.head_repository", "pull_requests")
_PATHS: Mapping[str, _Paths] = {
    "workflow_run": _run("workflow_run"),
    "workflow_job": _run("workflow_job"),
    "check_suite": _run("check_suite"),
    "check_run": _Paths(
        f"{_SUITE}.head_branch", "check_run.head_sha", f"{_SUITE}.head_repository", "check_run.pull_requests"
    ),
    "deployment_review": _run("workflow_run"),
    "deployment": _DEPLOYMENT,
    "deployment_status": _DEPLOYMENT,
    "deployment_protection_rule": _DEPLOYMENT,
}


def head_of(name: str, payload: Payload) -> Head:
    """The head of a run, a check, a status, a deployment or a pull request; an empty one for other events."""
    if name == "status":
        return Head(_status_branch(payload), sha=dig(payload, "sha"))
    if paths := _PATHS.get(name):
        fork = _fork(payload, paths)
        branch = dig(payload, paths.branch).removeprefix("refs/heads/")
        return Head(_owned(payload, branch, fork), fork, dig(payload, paths.sha))
    branch, fork = dig(payload, "pull_request.head.ref"), _fork_of_request(payload)
    return Head(_owned(payload, branch, fork), fork, dig(payload, "pull_request.head.sha"))


def pull_request(payload: Payload, thing: str) -> int:
    """The number of the pull request that a run is for, the oldest of several.

    A fork's run can name those of another repository.
    """
    here = dig(payload, "repository.id", 0)
    requests = objects(payload, f"{thing}.pull_requests")
    ours = (dig(request, "number", 0) for request in requests if dig(request, "base.repo.id", here) == here)
    return min(filter(None, ours), default=0)


def started_by(payload: Payload, run: str) -> tuple[str, str, str]:
    """Who started a run, their page, and otherwise what did: `its schedule`.

    GitHub names the author of the last change to a workflow as the actor of its scheduled runs. The
    account that runs one again is the one that triggered it.
    """
    again = dig(payload, f"{run}.run_attempt", 0) > 1
    trigger = _TRIGGERS.get(dig(payload, f"{run}.event"), "")
    paths = (f"{run}.triggering_actor", f"{run}.actor")[: 1 if again else 2]
    login = first(payload, tuple(f"{path}.login" for path in paths))
    trigger = machine(login) or (trigger if not again else "")
    if trigger or not login:
        return "", "", trigger
    return login, first(payload, tuple(f"{path}.html_url" for path in paths)), ""


_TRIGGERS = {"schedule": "its schedule", "merge_group": "the merge queue"}


def _owned(payload: Payload, branch: str, fork: str) -> str:
    return branch if branch.startswith("refs/") else forge.head(branch, fork, dig(payload, "repository.full_name"))


def _fork(payload: Payload, paths: _Paths) -> str:
    owner, _, name = paths.repository.rpartition(".")
    within = at(payload, owner)
    if isinstance(within, Mapping) and name in within:
        repository = within[name]
        return _DELETED if repository is None else _name_of_fork(payload, repository)
    sha, branch = dig(payload, paths.sha), dig(payload, paths.branch)
    for request in objects(payload, paths.requests):
        same = dig(request, "head.sha") == sha if sha else dig(request, "head.ref") == branch
        if same and (fork := _name_of_fork(payload, at(request, "head.repo"))):
            return fork
    return ""


def _fork_of_request(payload: Payload) -> str:
    repository = at(payload, "pull_request.head.repo")
    if repository is None:  # deleted, or hidden from us: the label keeps its owner
        theirs, ours = (dig(payload, f"pull_request.{side}.label").rpartition(":")[0] for side in ("head", "base"))
        return theirs if theirs and ours and theirs != ours else ""
    return _name_of_fork(payload, repository)


def _name_of_fork(payload: Payload, repository: Any) -> str:
    """The full name of a repository that is not the event's own; empty where it is, or where none is given."""
    if not kit.differ(repository, dig(payload, "repository", dict[str, Any]()), "id", "full_name", "owner.login"):
        return ""
    url = dig(repository, "url").partition("/repos/")[2]
    return dig(repository, "full_name") or url or dig(repository, "owner.login") or dig(repository, "name") or "fork"


def _status_branch(payload: Payload) -> str:
    """The branch that a commit's status is about: of those that hold it, one that ends with it, ours first."""
    branches = [branch for branch in objects(payload, "branches") if dig(branch, "name")]
    sha, main = dig(payload, "sha"), dig(payload, "repository.default_branch")
    ranked = sorted(
        (dig(branch, "commit.sha") != sha, dig(branch, "name") != main, dig(branch, "name")) for branch in branches
    )
    return ranked[0][2] if ranked else ""
