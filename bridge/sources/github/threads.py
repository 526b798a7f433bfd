"""What each of GitHub's events is about: the thread in which it is told."""

from collections.abc import Callable, Mapping, Sequence

from bridge.fields import Payload, at, dig, first, objects
from bridge.text import one_line

_LONGEST = 255  # characters; names of branches and checks can be longer than a key may be


def thread(name: str, payload: Payload) -> str:
    """The thread of an event, the same over its object's life.

    Issues and pull requests share their numbers, and so `repo <id>#<number>`; runs and checks are told in the thread of
    the pull request that they name.
    """
    about = _ABOUT.get(name, _object(name))(payload)
    return one_line(f"{_home(payload)}{about}", _LONGEST)


def _home(payload: Payload) -> str:
    for owner, word in (("repository", "repo"), ("organization", "org"), ("installation", "installation")):
        if ident := dig(payload, f"{owner}.id", 0):
            return f"{word} {ident}"
    return "github"


def _number(*paths: str) -> Callable[[Payload], str]:
    return lambda payload: f"#{_ident(payload, paths)}"


def _word(word: str, *paths: str) -> Callable[[Payload], str]:
    """A word, and the first number or text at the paths: ids before names."""
    return lambda payload: f" {word} {_ident(payload, paths)}".rstrip()


def _object(name: str) -> Callable[[Payload], str]:
    """What an event without a rule of its own is about: its object's number or id."""
    return _word(name, f"{name}.number", f"{name}.id", "alert.number", "id")


def _run(word: str, thing: str, name: Sequence[str], branch: str) -> Callable[[Payload], str]:
    """The pull request that a run names, else its workflow and branch."""

    def about(payload: Payload) -> str:
        number = _pull_request(payload, thing)
        return f"#{number}" if number else f" {word} {first(payload, name)} {dig(payload, branch)}".rstrip()

    return about


def _pull_request(payload: Payload, thing: str) -> int:
    """A fork's run can name pull requests of another repository, whose numbers mean nothing here."""
    here = dig(payload, "repository.id", 0)
    for request in objects(payload, f"{thing}.pull_requests"):
        if dig(request, "base.repo.id", here) == here:
            return dig(request, "number", 0)
    return 0


def _ref(payload: Payload) -> str:
    return f" {dig(payload, 'ref')}"


def _short_ref(payload: Payload) -> str:
    """As a push names it: `create` and `delete` give the short name and its type."""
    folder = "tags" if dig(payload, "ref_type") == "tag" else "heads"
    return f" refs/{folder}/{dig(payload, 'ref')}"


def _status(payload: Payload) -> str:
    branches = objects(payload, "branches")
    place = dig(branches[0], "name") if branches else dig(payload, "sha")
    return f" status {dig(payload, 'context')} {place}"


def _ident(payload: Payload, paths: Sequence[str]) -> str:
    found = (at(payload, path) for path in paths)
    return next((str(value) for value in found if value and isinstance(value, int | str)), "")


_ABOUT: Mapping[str, Callable[[Payload], str]] = {
    "issues": _number("issue.number"),
    "issue_comment": _number("issue.number"),
    "pull_request": _number("pull_request.number", "number"),
    "pull_request_review": _number("pull_request.number"),
    "pull_request_review_comment": _number("pull_request.number"),
    "pull_request_review_thread": _number("pull_request.number"),
    "workflow_run": _run(
        "workflow", "workflow_run", ("workflow_run.name", "workflow.name"), "workflow_run.head_branch"
    ),
    "workflow_job": _run("workflow", "workflow_job", ("workflow_job.workflow_name",), "workflow_job.head_branch"),
    "check_run": _run("check", "check_run", ("check_run.name",), "check_run.check_suite.head_branch"),
    "check_suite": _run("checks", "check_suite", ("check_suite.app.slug",), "check_suite.head_branch"),
    "status": _status,
    "push": _ref,
    "create": _short_ref,
    "delete": _short_ref,
    "release": _word("release", "release.id"),
    "deployment": _word("deployment", "deployment.id"),
    "deployment_status": _word("deployment", "deployment.id"),
    "dependabot_alert": _word("dependabot", "alert.number"),
    "discussion": _word("discussion", "discussion.number"),
    "discussion_comment": _word("discussion", "discussion.number"),
    "commit_comment": _word("commit", "comment.commit_id"),
    "branch_protection_rule": _word("branch_protection_rule", "rule.id"),
    "deploy_key": _word("deploy_key", "key.id"),
    "member": _word("member", "member.id"),
    "membership": _word("team", "team.id"),
    "team": _word("team", "team.id"),
    "team_add": _word("team", "team.id"),
    "merge_group": _word("merge_group", "merge_group.head_ref"),
    "security_advisory": _word("advisory", "security_advisory.ghsa_id"),
    "star": lambda _: " stars",
    "watch": lambda _: " stars",
    "fork": lambda _: " forks",
    "gollum": lambda _: " wiki",
}
