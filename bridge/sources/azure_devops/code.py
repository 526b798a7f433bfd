"""What happens to code: pushes, check-ins, repositories."""

import re
from collections.abc import Sequence
from dataclasses import replace

from bridge.events import Event, Severity
from bridge.fields import Payload, at, dig, first, objects, part
from bridge.sources import forge, kit
from bridge.sources.azure_devops import messages
from bridge.sources.azure_devops.names import branch, escaped, home, person, repository_url

_NOTHING = "0" * 40
_WARNINGS = {"deleted", "disabled"}


def push(event: Event) -> Event:
    """A push, which can change several branches and tags; the first one has the post, the others are a fact."""
    resource, repository = part(event.payload, "resource"), part(event.payload, "resource.repository")
    updates = objects(resource, "refUpdates")
    if not updates:
        return event
    page, actor = repository_url(repository), person(at(resource, "pushedBy"))
    listed = [(sha, each) for each in objects(resource, "commits") if (sha := dig(each, "commitId"))]
    commits = [
        forge.Commit(sha, dig(each, "comment"), f"{page}/commit/{sha}" if page else "", dig(each, "author.name"))
        for sha, each in listed[: forge.MOST_COMMITS]
    ]
    total = max(_count(event, actor, repository, updates[0]), len(listed))
    value = replace(_push(updates[0], commits, total), authors=[dig(each, "author.name") for _, each in listed])
    about = replace(
        event,
        actor=actor,
        url=_push_url(page, value, dig(updates[0], "name")) or event.url,
        facts=kit.facts(Also=kit.listed(map(_other, updates[1:]))),
        **home(event, repository),
    )
    key = kit.key("repo", kit.id_at(repository, "id"), dig(updates[0], "name"))
    return forge.pushed(about, value, key or event.correlation_key, text="")


def _push(update: Payload, commits: Sequence[forge.Commit], total: int) -> forge.Push:
    ref, old, new = (dig(update, name) for name in ("name", "oldObjectId", "newObjectId"))
    kind = "tag" if ref.startswith("refs/tags/") else "branch"
    changed = "moved" if kind == "tag" else "pushed"
    change = "deleted" if new == _NOTHING else "created" if old == _NOTHING else changed
    return forge.Push(kind, branch(ref), change, old, new, commits, max(total, len(commits)))


def _count(event: Event, actor: str, repository: Payload, update: Payload) -> int:
    """How many commits were pushed; the payload lists only so many, the message has the number."""
    line = first(event.payload, ("detailedMessage.text",))[:2000].partition("\n")[0].strip()
    place = f"{dig(repository, 'name')}:{branch(dig(update, 'name'))}"
    match = re.fullmatch(rf"{re.escape(actor)} pushed (\d{{1,9}}) commits to {re.escape(place)}", line)
    return int(match[1]) if match else 0


def _other(update: Payload) -> str:
    value = _push(update, (), 0)
    return value.name if value.change == "pushed" else f"{value.name} ({value.change})"


def _push_url(page: str, push: forge.Push, ref: str) -> str:
    if not page or push.change == "deleted":
        return page
    if push.change == "created":
        return f"{page}?version=G{'T' if push.kind == 'tag' else 'B'}{escaped(branch(ref))}"
    return f"{page}/branchCompare?baseVersion=GC{push.old}&targetVersion=GC{push.new}"


def repository(event: Event) -> Event:
    """A repository that was created, deleted, forked, renamed, disabled or enabled."""
    resource = part(event.payload, "resource")
    repo = part(resource, "repository") or part(resource, "targetRepository") or {"project": part(resource, "project")}
    name = dig(repo, "name") or first(resource, ("newName", "repositoryName"))
    if not name:
        return event
    action = event.kind.rpartition(".")[2]
    if action == "statuschanged":
        disabled = at(resource, "disabled")
        action = {True: "disabled", False: "enabled"}.get(disabled, action) if isinstance(disabled, bool) else action
    repo_id = kit.id_at(repo, "id") or kit.id_at(resource, "repositoryId")
    return replace(
        event,
        correlation_key=kit.key("repo", repo_id) or event.correlation_key,
        title=kit.title(f"Repository {name}"),
        severity=Severity.WARNING if action in _WARNINGS else Severity.INFO,
        actor=person(at(resource, "initiatedBy")),
        url=repository_url(repo) or event.url,
        details={
            **event.details,
            "action": action,
            "noun": "repository",
            "name": name,
            "old": dig(resource, "oldName"),
            "parent": first(resource, ("sourceRepository.name", "repository.parentRepository.name")),
            "text": "",
        },
        **home(event, repo),
    )


def check_in(event: Event) -> Event:
    """A changeset of Team Foundation version control."""
    resource = part(event.payload, "resource")
    number = kit.id_at(resource, "changesetId")
    if not number:
        return event
    match = re.fullmatch(rf"(.{{1,1000}}?) checked in changeset {number}: .*", messages.line(event.payload))
    actor = person(at(resource, "checkedInBy")) or (person(match[1]) if match else "")
    author = person(at(resource, "author"))
    comment = dig(resource, "comment").strip()
    return replace(
        event,
        correlation_key=kit.key("changeset", event.attributes["collection"], number) or event.correlation_key,
        title=kit.title(f"Changeset {number} {kit.first_line(comment)}"),
        actor=actor,
        facts=kit.facts(Written_by=author if author != actor else ""),
        details={
            **event.details,
            "action": "checked_in",
            "noun": "changeset",
            "reference": f"changeset {number}",
            "name": kit.first_line(comment, 200),
            "text": comment.partition("\n")[2],
        },
    )
