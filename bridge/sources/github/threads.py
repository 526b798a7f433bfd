"""What each of GitHub's events is about: the thread in which it is told."""

import re
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
    return one_line(f"{_home(name, payload)}{about}", _LONGEST)


def queued_pull_request(payload: Payload) -> int:
    """The number of the pull request that a merge group is for, which only its branch names; 0 where it does not."""
    found = re.search(r"/pr-(\d{1,9})-", dig(payload, "merge_group.head_ref"))
    return int(found[1]) if found else 0


def _home(name: str, payload: Payload) -> str:
    owners = _HOMES if name not in _OF_ORGANIZATION else _HOMES[1:]
    for owner, word in owners:
        if ident := dig(payload, f"{owner}.id", 0):
            return f"{word} {ident}"
    return "github"


_HOMES = (("repository", "repo"), ("organization", "org"), ("installation", "installation"))
# What belongs to the organization where it names a repository, too.
_OF_ORGANIZATION = {"team", "team_add", "membership"}


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


def _relative(payload: Payload) -> str:
    thing = "sub_issue" if dig(payload, "action").startswith("parent_issue") else "parent_issue"
    return f"#{_ident(payload, (f'{thing}.number',))}"


def _dependent(payload: Payload) -> str:
    thing = "blocked_issue" if dig(payload, "action").startswith("blocked_by") else "blocking_issue"
    return f"#{_ident(payload, (f'{thing}.number',))}"


def _queued(payload: Payload) -> str:
    number = queued_pull_request(payload)
    return f"#{number}" if number else f" merge_group {dig(payload, 'merge_group.head_ref')}"


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
    "merge_group": _queued,
    "sub_issues": _relative,
    "issue_dependencies": _dependent,
    "deployment_protection_rule": _word("deployment", "deployment.id"),
    "deployment_review": _run("workflow", "workflow_run", ("workflow_run.name",), "workflow_run.head_branch"),
    "workflow_dispatch": _word("workflow_dispatch", "workflow"),
    "secret_scanning_alert_location": _word("secret_scanning_alert", "alert.number"),
    "secret_scanning_scan": lambda _: " secret_scanning_scan",
    "repository_advisory": _word("advisory", "repository_advisory.ghsa_id"),
    "security_and_analysis": lambda _: " security_and_analysis",
    "branch_protection_configuration": lambda _: " branch_protection",
    **dict.fromkeys(("repository", "public", "repository_import", "custom_property_values"), lambda _: " repository"),
    "repository_dispatch": _word("dispatch", "action"),
    "custom_property": _word("custom_property", "definition.property_name"),
    "organization": _word("member", "membership.user.id", "user.id", "invitation.id"),
    "org_block": _word("member", "blocked_user.id"),
    "sponsorship": _word("sponsorship", "sponsorship.node_id"),
    "marketplace_purchase": _word("marketplace", "marketplace_purchase.account.id"),
    "installation": lambda _: "",
    "installation_repositories": lambda _: "",
    "installation_target": _word("account", "account.id"),
    "github_app_authorization": _word("authorization", "sender.id"),
    "meta": _word("webhook", "hook_id"),
    "page_build": lambda _: " pages",
    "projects_v2_status_update": _word("project status", "projects_v2_status_update.project_node_id"),
    "security_advisory": _word("advisory", "security_advisory.ghsa_id"),
    "star": lambda _: " stars",
    "watch": lambda _: " stars",
    "fork": lambda _: " forks",
    "gollum": lambda _: " wiki",
}
