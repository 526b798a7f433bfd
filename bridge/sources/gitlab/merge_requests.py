"""Merge requests of GitLab: opened, changed, reviewed, merged and closed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bridge.events import Event
from bridge.fields import Payload, dig, part
from bridge.rendering.text import one_line
from bridge.sources import forge, kit
from bridge.sources.gitlab import changes
from bridge.sources.gitlab.places import (
    commit_fact,
    day,
    home,
    iid,
    iid_or_id,
    labels,
    moment,
    names,
    people,
    undrafted,
    usernames,
)

# https://docs.gitlab.com/user/project/integrations/webhook_events/#merge-request-events
_ACTIONS: Mapping[str, str] = {
    "open": "opened",
    "close": "closed",
    "reopen": "reopened",
    "merge": "merged",
    "approval": "partly_approved",
    "unapproved": "approval_withdrawn",
    "unapproval": "approval_withdrawn",
}
# Some system hooks name no action; then the state is one.
STATES: Mapping[str, str] = {"opened": "open", "closed": "close", "merged": "merge"}
# What GitLab did itself, because the user pushed.
_RESETS = {
    "approvals_reset_on_push": "approvals_reset",
    "code_owner_approvals_reset_on_push": "code_owner_approvals_reset",
}
_TARGETS = ("object_attributes.target_project_id", "merge_request.target_project_id")


def key(payload: Payload, number: str) -> str:
    """The correlation key of a merge request, which its pipelines share; those of a fork run in another project."""
    return kit.key(home(payload, *_TARGETS), "merge request", number)


def merge_request(event: Event) -> Event:
    """A merge request that was opened, changed, approved, merged or closed."""
    payload, pull = event.payload, part(event.payload, "object_attributes")
    name = dig(pull, "action") or STATES.get(dig(pull, "state").strip(), "")
    details = _details(payload, pull, name)
    about = about_merge_request(event, pull)
    facts = changes.facts(payload, details["action"]) if name == "update" else opened_facts(payload, name)
    if details["action"] == "pushed":
        commit = part(pull, "last_commit")
        facts = (*kit.facts(Newest_commit=commit_fact(dig(commit, "id"), commit)), *facts)
    return forge.pull_request(
        replace(about, facts=facts, actor=about.actor if details["action"] != dig(pull, "system_action") else ""),
        read(event, pull),
        **details,
        text=description(payload, name),
        sha=dig(pull, "last_commit.id")[:7] if details["action"] == "pushed" else "",
        review_url=f"{about.url}/diffs" if about.url else "",
    )


def _details(payload: Payload, pull: Payload, name: str) -> Mapping[str, Any]:
    """The action, with its values. What the system did is nobody's action, but for a push that resets approvals."""
    if name == "update":
        return changes.update(payload)
    if dig(pull, "system", False) and (why := dig(pull, "system_action")):
        return {"action": _RESETS.get(why, why)}
    if dig(pull, "system", False) and name.startswith("unappro"):
        return {"action": "approvals_reset"}
    return {"action": _ACTIONS.get(name, name or "changed")}


def read(event: Event, pull: Payload) -> forge.PullRequest:
    """The merge request of an event about it, or about a comment on it."""
    number = iid(pull)
    return forge.PullRequest(
        key=key(event.payload, iid_or_id(pull)),
        reference=f"!{number}" if number else "",
        name=one_line(undrafted(dig(pull, "title")), 180),
        url=dig(pull, "url"),
        source=source_branch(event.payload, pull),
        target=dig(pull, "target_branch"),
        draft=is_draft(pull),
        noun="merge request",
    )


def about_merge_request(event: Event, pull: Payload) -> Event:
    """The event with what routes ask of a merge request."""
    payload = event.payload
    return replace(
        event,
        url=dig(pull, "url") or event.url,
        occurred=moment(payload, "object_attributes.updated_at"),
        attributes=kit.with_attributes(
            event,
            branch=dig(pull, "target_branch"),
            source_branch=source_branch(payload, pull),
            fork=is_fork(pull),
            labels=labels(payload, pull),
            draft=is_draft(pull),
            state=dig(pull, "state"),
            author=author(event, pull),
            assignees=usernames(people(payload, "assignees", "assignee")),
            reviewers=usernames(people(payload, "reviewers")),
        ),
    )


def source_branch(payload: Payload, pull: Payload) -> str:
    """The branch with the changes; of a fork with its namespace: `stranger:main`."""
    if not is_fork(pull):
        return dig(pull, "source_branch")
    here = dig(payload, "project.path_with_namespace")
    # A pipeline of a fork runs in the fork's project, everything else in the project that the changes are for.
    runs_there = kit.id_at(pull, "source_project_id") == kit.id_at(payload, "project.id")
    fork = dig(pull, "source.path_with_namespace") or (here if runs_there else "fork")
    target = dig(pull, "target.path_with_namespace") or ("" if runs_there else here)
    return forge.head(dig(pull, "source_branch"), fork, target)


def is_fork(pull: Payload) -> bool:
    """Whether the changes come from another project than the one that they are for."""
    source, target = kit.id_at(pull, "source_project_id"), kit.id_at(pull, "target_project_id")
    return bool(source and target) and source != target


def is_draft(pull: Payload) -> bool:
    """Whether it is not ready to be merged."""
    return dig(pull, "draft", False) or dig(pull, "work_in_progress", False)


def author(event: Event, item: Payload) -> str:
    """The user name of who opened it, if that is the one who acts now; GitLab names no other."""
    own = kit.id_at(item, "author_id")
    return str(event.attributes["sender"]) if own and own == kit.id_at(event.payload, "user.id") else ""


def opened_facts(payload: Payload, name: str) -> kit.Facts:
    """What is known of a new issue or merge request."""
    if name != "open":
        return ()
    item = part(payload, "object_attributes")
    return kit.facts(
        Assignees=kit.listed(names(people(payload, "assignees", "assignee"))),
        Reviewers=kit.listed(names(people(payload, "reviewers"))),
        Labels=kit.listed(labels(payload, item)),
        Due_date=day(dig(item, "due_date")),
        Weight=kit.id_at(item, "weight"),
        Severity=dig(item, "severity") if dig(item, "type") == "Incident" else "",
    )


def description(payload: Payload, name: str) -> str:
    """The description where it is new, was rewritten, or sums up what was merged."""
    is_new = name in {"open", "merge"} or (name == "update" and "description" in changes.changed(payload))
    return dig(payload, "object_attributes.description") if is_new else ""
