"""What each of GitHub's events is about: the correlation key of its conversation."""

import re
from collections.abc import Callable, Mapping

from bridge.fields import Payload, dig, first
from bridge.sources import forge, kit
from bridge.sources.github.heads import head_of, pull_request

_Key = Callable[[Payload], str]


def key_of(name: str, payload: Payload) -> str:
    """The correlation key of an event, the same over its object's life; empty where a part of it is missing.

    Issues and pull requests share their numbers, and so `repo <id>#<number>`. Runs and checks belong to the pull
    request that they name, else to their name and branch, which is written with its owner where that is a fork.
    """
    return _KEYS[name](payload) if name in _KEYS else _unruled(name, payload)


def object_of(name: str, payload: Payload) -> str:
    """Where the object is of an event without rules of its own: what bears its name, else the first that is its own."""
    others = (
        key
        for key, value in payload.items()
        if isinstance(value, Mapping) and key not in COMMON and "login" not in value  # a person is not the object
    )
    return name if isinstance(payload.get(name), Mapping) else next(others, name)


# https://docs.github.com/webhooks/webhook-events-and-payloads: what every payload may have beside its object.
COMMON = {"repository", "organization", "sender", "installation", "enterprise", "changes"}


def queued_pull_request(payload: Payload) -> int:
    """The number of the pull request that a merge group is for, which only its branch names; 0 where it does not."""
    found = re.search(r"/pr-(\d{1,9})-", dig(payload, "merge_group.head_ref"))
    return int(found[1]) if found else 0


def repository(payload: Payload) -> str:
    """The key of the event's repository."""
    return kit.key("repo", kit.id_at(payload, "repository.id"))


def _home(payload: Payload) -> str:
    return repository(payload) or _organization(payload)


def _organization(payload: Payload) -> str:
    organization = kit.key("org", kit.id_at(payload, "organization.id"))
    return organization or kit.key("installation", kit.id_at(payload, "installation.id"))


def _numbered(payload: Payload, number: int | str) -> str:
    home = repository(payload)
    return f"{home}#{number}" if home and number else ""


def _number(*paths: str) -> _Key:
    return lambda payload: _numbered(payload, kit.id_at(payload, *paths))


def _within(word: str, *paths: str) -> _Key:
    """What only its repository knows by that number or name."""
    return lambda payload: kit.key(repository(payload), word, kit.id_at(payload, *paths))


def _with_id(word: str, *paths: str, home: _Key = _home) -> _Key:
    """What all of GitHub knows by that id."""
    return lambda payload: kit.key(home(payload) or "github", word, kit.id_at(payload, *paths))


def _only(word: str) -> _Key:
    """What there is once in a repository."""
    return lambda payload: kit.key(repository(payload), word)


def _unruled(name: str, payload: Payload) -> str:
    thing = object_of(name, payload)
    home = _home(payload)
    numbers = (f"{thing}.number",) if home else ()  # which count only there
    return kit.key(home or "github", name, kit.id_at(payload, *numbers, f"{thing}.id", "id"))


def _run(event: str, word: str, thing: str, *names: str) -> _Key:
    def key(payload: Payload) -> str:
        if number := pull_request(payload, thing):
            return _numbered(payload, number)
        return kit.key(repository(payload), word, first(payload, names), head_of(event, payload).place)

    return key


def _ref(payload: Payload) -> str:
    _, kind, name = (*dig(payload, "ref").split("/", 2), "", "")[:3]
    return forge.ref_key(repository(payload), "tag" if kind == "tags" else "branch", name)


def _short_ref(payload: Payload) -> str:
    """As a push names it: `create` and `delete` give the short name and its type."""
    return forge.ref_key(repository(payload), dig(payload, "ref_type"), dig(payload, "ref"))


def _one_of(**things: str) -> _Key:
    """Of two issues the one that the action is about: by the beginnings of actions."""

    def key(payload: Payload) -> str:
        action = dig(payload, "action")
        thing = next((thing for beginning, thing in things.items() if action.startswith(beginning)), "")
        return _numbered(payload, kit.id_at(payload, f"{thing}.number"))

    return key


def _queued(payload: Payload) -> str:
    number = queued_pull_request(payload)
    return _numbered(payload, number) or _within("merge_group", "merge_group.head_ref")(payload)


def _member(payload: Payload) -> str:
    """Somebody in the organization, or the organization itself."""
    person = kit.id_at(payload, "membership.user.id", "user.id", "invitation.id")
    return kit.key(_organization(payload), "member", person) or _organization(payload)


_KEYS: Mapping[str, _Key] = {
    "issues": _number("issue.number"),
    "issue_comment": _number("issue.number"),
    "pull_request": _number("pull_request.number", "number"),
    **dict.fromkeys(
        ("pull_request_review", "pull_request_review_comment", "pull_request_review_thread"),
        _number("pull_request.number"),
    ),
    "workflow_run": _run("workflow_run", "workflow", "workflow_run", "workflow_run.name", "workflow.name"),
    "workflow_job": _run("workflow_job", "workflow", "workflow_job", "workflow_job.workflow_name"),
    "check_run": _run("check_run", "check", "check_run", "check_run.name"),
    "check_suite": _run("check_suite", "checks", "check_suite", "check_suite.app.slug"),
    "status": _run("status", "status", "", "context"),
    "push": _ref,
    "create": _short_ref,
    "delete": _short_ref,
    "release": _with_id("release", "release.id"),
    "deployment": _with_id("deployment", "deployment.id"),
    "deployment_status": _with_id("deployment", "deployment.id"),
    "deployment_protection_rule": _with_id("deployment", "deployment.id"),
    "deployment_review": _run("deployment_review", "workflow", "workflow_run", "workflow_run.name"),
    "dependabot_alert": _within("dependabot", "alert.number"),
    "code_scanning_alert": _within("code_scanning_alert", "alert.number"),
    "secret_scanning_alert": _within("secret_scanning_alert", "alert.number"),
    "secret_scanning_alert_location": _within("secret_scanning_alert", "alert.number"),
    "secret_scanning_scan": lambda payload: kit.key(_home(payload), "secret_scanning_scan"),
    "discussion": _within("discussion", "discussion.number"),
    "discussion_comment": _within("discussion", "discussion.number"),
    "commit_comment": _within("commit", "comment.commit_id"),
    "branch_protection_rule": _with_id("branch_protection_rule", "rule.id"),
    "deploy_key": _with_id("deploy_key", "key.id"),
    "member": _with_id("member", "member.id"),
    **dict.fromkeys(("membership", "team", "team_add"), _with_id("team", "team.id", home=_organization)),
    "merge_group": _queued,
    "sub_issues": _one_of(parent_issue="sub_issue", sub_issue="parent_issue"),
    "issue_dependencies": _one_of(blocked_by="blocked_issue", blocking="blocking_issue"),
    "workflow_dispatch": _within("workflow_dispatch", "workflow"),
    "repository_dispatch": _within("dispatch", "action"),
    "repository_advisory": _with_id("advisory", "repository_advisory.ghsa_id"),
    "security_advisory": _with_id("advisory", "security_advisory.ghsa_id"),
    "security_and_analysis": _only("security_and_analysis"),
    "branch_protection_configuration": _only("branch_protection"),
    **dict.fromkeys(("repository", "public", "repository_import", "custom_property_values"), _only("repository")),
    "custom_property": lambda payload: kit.key(
        _organization(payload) or kit.key("enterprise", kit.id_at(payload, "enterprise.id")),
        "custom_property",
        dig(payload, "definition.property_name"),
    ),
    "organization": _member,
    "org_block": _with_id("member", "blocked_user.id", home=_organization),
    "sponsorship": _with_id("sponsorship", "sponsorship.node_id"),
    "marketplace_purchase": _with_id("marketplace", "marketplace_purchase.account.id"),
    **dict.fromkeys(
        ("installation", "installation_repositories"),
        lambda payload: kit.key("installation", kit.id_at(payload, "installation.id")),
    ),
    "installation_target": _with_id("account", "account.id"),
    "github_app_authorization": _with_id("authorization", "sender.id"),
    "meta": _with_id("webhook", "hook_id"),
    "page_build": _only("pages"),
    "projects_v2_status_update": _with_id("project status", "projects_v2_status_update.project_node_id"),
    "star": _only("stars"),
    "watch": _only("stars"),
    "fork": _only("forks"),
    "gollum": _only("wiki"),
}
