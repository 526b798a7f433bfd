"""What happens to code: pushes, pull requests and their comments, check-ins, repositories."""

import re
from dataclasses import replace
from typing import Any

from bridge.events import Event, Severity
from bridge.fields import Payload, at, dig, first, objects, part
from bridge.rendering.text import one_line
from bridge.sources.azure_devops.messages import sentence
from bridge.sources.azure_devops.words import (
    branch,
    escaped,
    found,
    number,
    person,
    place,
    repository_url,
    titled,
    with_attributes,
)

_NOTHING = "0" * 40

# What a reviewer's vote means.
# https://learn.microsoft.com/rest/api/azure/devops/git/pull-request-reviewers/list#identityrefwithvote
_VOTES = {10: "approved", 5: "approved with suggestions", -5: "waits for the author", -10: "rejected"}

# What an update of a pull request is, by words of its message: what was done to it, its word, its tone.
_UPDATES: tuple[tuple[str, tuple[str, str, str]], ...] = (
    ("source branch", ("pushed to", "updated", "info")),
    ("left suggestions", ("approved, with suggestions,", "approved", "success")),
    ("approved", ("approved", "approved", "success")),
    ("waiting", ("waits for the author of", "changes requested", "warning")),
    ("rejected", ("rejected", "rejected", "error")),
    ("vote", ("took back the vote on", "vote reset", "info")),
    ("abandon", ("abandoned", "abandoned", "quiet")),
    ("reactivat", ("reactivated", "reopened", "success")),
    ("reviewer", ("changed the reviewers of", "reviewers", "info")),
    ("publish", ("published", "ready for review", "success")),
    ("draft", ("turned back into a draft", "draft", "quiet")),
    ("auto-complete", ("set auto-complete on", "auto-complete", "info")),
    ("autocomplete", ("set auto-complete on", "auto-complete", "info")),
    ("completed", ("merged", "merged", "merged")),
)
_SEVERITIES = {"warning": Severity.WARNING, "error": Severity.ERROR}


def push(event: Event) -> Event:
    """A push, which can change several branches and tags; the first is told, the others are a fact."""
    resource, repository = _resource(event), part(event.payload, "resource.repository")
    updates = objects(resource, "refUpdates")
    if not updates:
        return event
    update, home = updates[0], repository_url(repository)
    ref, old, new = (dig(update, name) for name in ("name", "oldObjectId", "newObjectId"))
    kind = "tag" if ref.startswith("refs/tags/") else "branch"
    change = "deleted" if new == _NOTHING else "created" if old == _NOTHING else "pushed"
    commits = [
        {"id": sha, "message": dig(each, "comment"), "url": f"{home}/commit/{sha}" if home else ""}
        for each in objects(resource, "commits")
        if (sha := dig(each, "commitId"))
    ]
    authors = list(dict.fromkeys(name for each in objects(resource, "commits") if (name := dig(each, "author.name"))))
    return replace(
        event,
        correlation_key=f"repo {number(repository, 'id')} {ref}",
        title=titled(kind.capitalize(), branch(ref)),
        actor=person(at(resource, "pushedBy")) or event.actor,
        url=_push_url(home, kind, ref, old, new) or event.url,
        facts=found(
            Authors=", ".join(authors) if len(authors) > 1 else "",
            Also=", ".join(branch(dig(each, "name")) for each in updates[1:]),
        ),
        details={
            **event.details,
            "name": branch(ref),
            "kind": kind,
            "change": change,
            "old": old[:7],
            "new": new[:7],
            "commits": commits,
        },
        **_home(event, repository, branch=branch(ref) if kind == "branch" else ""),
    )


def _push_url(home: str, kind: str, ref: str, old: str, new: str) -> str:
    if not home:
        return ""
    if _NOTHING in (old, new):
        return home if new == _NOTHING else f"{home}?version=G{'T' if kind == 'tag' else 'B'}{escaped(branch(ref))}"
    return f"{home}/branchCompare?baseVersion=GC{old}&targetVersion=GC{new}"


def pull_request(event: Event) -> Event:
    """A pull request that was created, updated, or tried to be merged."""
    pull = _resource(event)
    told = _pull_request(event, pull)
    did, word, tone = _deed(event, pull)
    return replace(
        told,
        severity=_SEVERITIES.get(tone, Severity.INFO),
        actor="" if word in {"conflicts", "mergeable"} else _pull_actor(event, pull, word),
        facts=found(
            Reviewers=", ".join(_reviewer(each) for each in objects(pull, "reviewers")),
            Labels=", ".join(dig(each, "name") for each in objects(pull, "labels")),
        ),
        details={**told.details, "did": did, "word": word, "tone": tone},
    )


def comment(event: Event) -> Event:
    """A comment on a pull request, which comes along."""
    pull = part(event.payload, "resource.pullRequest")
    remark = part(event.payload, "resource.comment")
    edited = "edited" in sentence(event.payload)
    gone = dig(remark, "isDeleted", False)
    answered = dig(remark, "parentCommentId", 0) > 0
    did = "deleted a comment on" if gone else "edited a comment on" if edited else "commented on"
    if not (gone or edited) and answered:
        did = "answered a comment on"
    told = _pull_request(event, pull)
    return replace(
        told,
        actor=person(at(remark, "author")) or event.actor,
        # The message's link leads to the very comment.
        url=event.url or told.url,
        details={**told.details, "did": did, "word": "comment", "tone": "quiet" if gone else "info"}
        | {"text": "" if gone else dig(remark, "content")},
    )


def repository(event: Event) -> Event:
    """A repository that was created, deleted, forked, renamed, disabled or enabled."""
    resource = _resource(event)
    repo = part(resource, "repository") or {"project": part(resource, "project")}
    name = first(event.payload, ("resource.repository.name", "resource.newName", "resource.repositoryName"))
    old = dig(resource, "oldName")
    source = first(resource, ("sourceRepository.name", "repository.parentRepository.name"))
    what = name or "a repository"
    did, word, tone = {
        "created": (f"created the repository {what}", "created", "success"),
        "forked": (f"forked {what}" + (f" from {source}" if source else ""), "forked", "info"),
        "renamed": (f"renamed the repository {old} to {what}" if old else f"renamed {what}", "renamed", "info"),
        "deleted": (f"deleted the repository {what}", "deleted", "warning"),
        "statuschanged": (
            (f"disabled the repository {what}", "disabled", "warning")
            if dig(resource, "disabled", False) or dig(repo, "isDisabled", False)
            else (f"enabled the repository {what}", "enabled", "success")
        ),
    }.get(event.kind.rpartition(".")[2], (f"changed the repository {what}", "changed", "info"))
    return replace(
        event,
        correlation_key=f"repo {number(event.payload, 'resource.repository.id', 'resource.repositoryId')}",
        title=titled("Repository", name),
        severity=_SEVERITIES.get(tone, Severity.INFO),
        actor=person(at(resource, "initiatedBy")) or event.actor,
        url=repository_url(repo) or event.url,
        details={**event.details, "did": did, "word": word, "tone": tone, "text": ""},
        **_home(event, repo),
    )


def check_in(event: Event) -> Event:
    """A changeset of Team Foundation version control."""
    resource = _resource(event)
    changeset = number(resource, "changesetId")
    if not changeset:
        return event
    return replace(
        event,
        correlation_key=f"changeset {event.attributes['collection']} {changeset}",
        title=titled("Changeset", changeset, one_line(dig(resource, "comment"), 140)),
        actor=person(at(resource, "checkedInBy")) or person(at(resource, "author")) or event.actor,
        details={
            **event.details,
            "did": f"checked in changeset {changeset}",
            "word": "checked in",
            "tone": "info",
            "text": dig(resource, "comment").strip().partition("\n")[2],
        },
    )


def _resource(event: Event) -> Payload:
    return part(event.payload, "resource")


def _pull_request(event: Event, pull: Payload) -> Event:
    """What every event of a pull request says of it; a resource without its details still has its URL."""
    repo = part(pull, "repository")
    message = re.search(r"pull request (\d+) \((.+)\) in ", sentence(event.payload))
    address = re.search(r"/repositories/([^/]+)/pullRequests/(\d+)", dig(pull, "url"))
    ident = number(pull, "pullRequestId") or (address[2] if address else "") or (message[1] if message else "")
    if not ident:
        return event
    home = repository_url(repo)
    title = dig(pull, "title") or (message[2] if message else "")
    target = branch(dig(pull, "targetRefName"))
    return replace(
        event,
        correlation_key=f"repo {number(repo, 'id') or (address[1] if address else place(home))} pull request {ident}",
        title=titled("PR", ident, title),
        url=dig(at(pull, "_links"), "web.href") or (f"{home}/pullrequest/{ident}" if home else "") or event.url,
        details={
            **event.details,
            "number": ident,
            "name": one_line(title, 200) or "Pull request",
            "source": branch(dig(pull, "sourceRefName")),
            "target": target,
            "text": dig(pull, "description"),
        },
        **_home(
            event,
            repo,
            branch=target,
            author=person(at(pull, "createdBy")),
            draft=dig(pull, "isDraft", False),
            labels=[name for each in objects(pull, "labels") if (name := dig(each, "name"))],
            state=dig(pull, "status"),
        ),
    )


def _deed(event: Event, pull: Payload) -> tuple[str, str, str]:
    """What was done to a pull request, its word and its tone."""
    action = event.kind.rpartition(".")[2]
    if action == "created":
        draft = dig(pull, "isDraft", False)
        return "created", "draft" if draft else "opened", "quiet" if draft else "success"
    if action == "merged" and dig(pull, "status") != "completed":
        failed = dig(pull, "mergeStatus") not in {"succeeded", ""}
        return "", "conflicts" if failed else "mergeable", "warning" if failed else "info"
    if action == "merged":
        return "merged", "merged", "merged"
    message = re.sub(r"\(.*\)", "", sentence(event.payload)).lower()
    known = next((deed for words, deed in _UPDATES if words in message), None)
    status = {"completed": ("merged", "merged", "merged"), "abandoned": ("abandoned", "abandoned", "quiet")}
    return known or status.get(dig(pull, "status")) or ("updated", "updated", "info")


def _pull_actor(event: Event, pull: Payload, word: str) -> str:
    if word in {"opened", "draft"} and event.kind.endswith("created"):
        return person(at(pull, "createdBy")) or event.actor
    return (person(at(pull, "closedBy")) if word in {"merged", "abandoned"} else "") or event.actor


def _reviewer(reviewer: Payload) -> str:
    vote = _VOTES.get(dig(reviewer, "vote", 0), "")
    return f"{person(reviewer)} ({vote})" if vote else person(reviewer)


def _home(event: Event, repo: Payload, **attributes: Any) -> dict[str, Any]:
    """Scope and attributes of what happens in a repository."""
    project, name = dig(repo, "project.name"), dig(repo, "name")
    return {
        "scope": place(project, name) or event.scope,
        "attributes": with_attributes(event, project=project, repository=name, **attributes),
    }
