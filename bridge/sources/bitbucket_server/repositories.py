"""What happens to a repository of Bitbucket Data Center: pushes, comments on commits, forks, settings, secrets."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from bridge.events import Event, Severity
from bridge.fields import Payload, at, dig, objects, part
from bridge.rendering.text import one_line
from bridge.sources import forge, kit
from bridge.sources.base import as_action
from bridge.sources.bitbucket_server.places import below, escaped, home, page, person, place

_CHANGES = {"ADD": "created", "DELETE": "deleted", "UPDATE": "pushed"}
_COMMENTS = {"added": "created", "edited": "edited"}
_MOST = 100  # commits that Bitbucket lists at most


def pushes(event: Event) -> Iterator[Event]:
    """A push, an event for each branch or tag that it changed; newer versions list the commits of the whole push."""
    changes = [change for change in objects(event.payload, "changes") if _ref(change)]
    for change in changes:
        push = _push(event, change, is_only=len(changes) == 1)
        tip = part(event.payload, "toCommit")
        is_newest = not push.commits and push.change == "pushed" and push.new and dig(tip, "id") == push.new
        changed = replace(
            event,
            url=_address(event.details["home"], push, _ref(change)),
            facts=kit.facts(Newest_commit=kit.first_line(dig(tip, "message"))) if is_newest else (),
            attributes=kit.with_attributes(event, action=push.change),
        )
        yield forge.pushed(changed, push, forge.ref_key(event.correlation_key, push.kind, push.name))
    if not changes:
        yield kit.with_details(replace(event, correlation_key=""), action="pushed")


def _ref(change: Payload) -> str:
    return dig(change, "ref.id") or dig(change, "refId")


def _push(event: Event, change: Payload, *, is_only: bool) -> forge.Push:
    ref = _ref(change)
    kind = "tag" if ref.startswith("refs/tags/") else "branch"
    name = dig(change, "ref.displayId") or ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    done = _CHANGES.get(dig(change, "type"), as_action(dig(change, "type")))
    listed = objects(event.payload, "commits") if is_only and done != "deleted" else []
    is_cut = len(listed) >= _MOST
    return forge.Push(
        kind=kind,
        name=one_line(name, 200),
        change="moved" if kind == "tag" and done == "pushed" else done,
        old=dig(change, "fromHash"),
        new=dig(change, "toHash"),
        # One less than Bitbucket lists at most: there are more than these for certain.
        commits=[_commit(each, event.details["home"]) for each in listed[: _MOST - 1 if is_cut else _MOST]],
        is_cut=is_cut,
    )


def _commit(commit: Payload, address: str) -> forge.Commit:
    sha = dig(commit, "id")
    url = below(address, f"commits/{sha}") if sha else ""
    return forge.Commit(sha, dig(commit, "message"), url, person(at(commit, "author")))


def _address(home_url: str, push: forge.Push, ref: str) -> str:
    if push.change == "deleted":
        return home_url
    if push.change == "created":
        return below(home_url, f"browse?at={escaped(ref)}")
    return below(home_url, f"compare/commits?sourceBranch={push.new}&targetBranch={push.old}")


def commit_comment(event: Event) -> Event:
    """A comment on a commit."""
    comment, name = part(event.payload, "comment"), event.kind.rpartition(".")[2]
    done, number = _COMMENTS.get(name, name), kit.id_at(comment, "id")
    sha = dig(event.payload, "commit") or dig(event.payload, "commit.id")
    query = f"?commentId={number}" if number and done != "deleted" else ""
    return forge.commit_comment(
        replace(event, url=below(event.details["home"], f"commits/{sha}{query}") if sha else event.url),
        event.correlation_key,
        sha,
        dig(event.payload, "commit.message"),
        forge.comment_action(done, is_reply=bool(kit.id_at(event.payload, "commentParentId"))),
        place=forge.place(dig(comment, "anchor.path"), kit.id_at(comment, "anchor.line")),
        text="" if done == "deleted" else dig(comment, "text"),
        quoted=True,
    )


def fork(event: Event) -> Event:
    """A fork that somebody made; the event belongs to the repository that it was made of."""
    copy = part(event.payload, "repository")
    about = replace(event, url=home(copy) or event.url)
    new = place(copy) if copy.get("origin") else ""
    return kit.with_details(about, action="forked", noun="repository", name=event.scope, new=new)


def modified(event: Event) -> Event:
    """A repository with another name, project or description."""
    old, new = part(event.payload, "old"), part(event.payload, "new")
    before, after = place(old), place(new)
    is_renamed = bool(before and after) and before != after
    facts = _changes(old, new, Name="name", Project="project.name", Description="description")
    action = {"action": "renamed", "new": after} if is_renamed else _settings(facts)
    about = replace(event, facts=facts)
    return kit.with_details(about, **action, noun="repository", name=before or event.scope)


def modified_project(event: Event) -> Event:
    """A project with another name, key or description."""
    old, new = part(event.payload, "old"), part(event.payload, "new")
    name = one_line(dig(new, "name") or dig(new, "key"), 120)
    facts = _changes(old, new, Name="name", Key="key", Description="description")
    return replace(
        event,
        correlation_key=kit.key("project", kit.id_at(new, "id")),
        title=kit.title(f"Project {name}".strip()),
        scope=dig(new, "key"),
        url=page(new),
        facts=facts,
        attributes=kit.with_attributes(event, project=dig(new, "key"), repository="", private=False),
        details={**event.details, **_settings(facts), "noun": "project", "name": name},
    )


def _changes(old: Payload, new: Payload, **paths: str) -> kit.Facts:
    return kit.facts(**{name: kit.change(dig(old, path), dig(new, path)) for name, path in paths.items()})


def _settings(facts: kit.Facts) -> Mapping[str, Any]:
    return {"action": "settings_changed", "fields": [name.lower() for name, _ in facts]}


def secret(event: Event) -> Event:
    """A secret that the scanner found in what was pushed."""
    places = objects(event.payload, "secretLocations")
    repository = next((found for one in places if (found := part(one, "repository"))), {})
    scope = event.scope or place(repository)
    key = kit.key("repo", kit.id_at(repository, "id")) or event.correlation_key
    files = [forge.place(dig(one, "path"), kit.id_at(one, "lineNumber")) for one in places]
    return replace(
        event,
        correlation_key=kit.key(key, "secrets"),
        title=kit.title(f"Secrets in {scope}" if scope else "Secrets"),
        severity=Severity.ERROR,
        scope=scope,
        url=event.url or home(repository),
        facts=kit.facts(Files=kit.listed(files), Rules=kit.listed(dig(one, "ruleName") for one in places)),
        attributes=kit.with_attributes(event, repository=scope, project=dig(repository, "project.key")),
        details={
            **event.details,
            "action": "secret_found",
            "noun": "repository",
            "name": scope,
            "total": len(places),
        },
    )


def mirrored(event: Event) -> Event:
    """A mirror that has the repository as it is now."""
    name = one_line(dig(event.payload, "mirrorServer.name"), 80)
    return replace(
        event,
        title=kit.title(f"Mirrors of {event.scope}".strip()),
        correlation_key=kit.key(event.correlation_key, "mirrors"),
        details={**event.details, "action": "mirrored", "noun": "repository", "name": event.scope, "mirror": name},
    )
