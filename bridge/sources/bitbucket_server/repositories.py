"""What happens to a repository of Bitbucket Data Center: pushes, comments on commits, forks, settings, secrets."""

from collections.abc import Iterator
from dataclasses import replace

from bridge.events import Event
from bridge.fields import Payload, at, dig, objects, part
from bridge.rendering.text import one_line
from bridge.sources.bitbucket.words import (
    Change,
    Deed,
    changed,
    commented,
    found,
    number,
    people,
    person,
    pushed,
    titled,
    told,
    with_attributes,
)
from bridge.sources.bitbucket_server.places import below, escaped, home, page, place

_DEEDS = {"ADD": "created", "DELETE": "deleted", "UPDATE": "pushed"}
_COMMENTS = {"added": "created", "edited": "updated", "deleted": "deleted"}
_MOST = 100  # commits; where there are so many, there may be more


def pushes(event: Event) -> Iterator[Event]:
    """A push, an event for each branch or tag that it changed; newer versions list the commits of the whole push."""
    changes = objects(event.payload, "changes")
    for change in changes:
        ref = dig(change, "ref.id") or dig(change, "refId")
        if ref:
            yield pushed(event, _change(event, change, ref, alone=len(changes) == 1))
    if not changes:
        yield told(event, Deed("pushed to", "pushed"), noun="repository", name=event.scope)


def _change(event: Event, change: Payload, ref: str, *, alone: bool) -> Change:
    name = dig(change, "ref.displayId") or ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    address, old, new = event.details["home"], dig(change, "fromHash"), dig(change, "toHash")
    deed = _DEEDS.get(dig(change, "type"), "pushed")
    listed = objects(event.payload, "commits") if alone and deed != "deleted" else []
    commits = [_commit(each, address) for each in listed]
    tip = part(event.payload, "toCommit")
    if alone and not commits and deed == "pushed" and dig(tip, "id") == new:
        commits = [_commit(tip, address)]
    authors = people([at(each, "author") for each in listed])
    return Change(
        kind="tag" if ref.startswith("refs/tags/") else "branch",
        name=one_line(name, 200),
        deed=deed,
        old=old if old.strip("0") else "",
        new=new if new.strip("0") else "",
        commits=commits,
        is_cut=len(commits) >= _MOST or (len(commits) == 1 and not listed),
        url=_address(address, deed, ref, old, new),
        authors=authors if ", " in authors else "",
    )


def _commit(commit: Payload, address: str) -> dict[str, str]:
    sha = dig(commit, "id")
    return {"id": sha, "message": dig(commit, "message"), "url": below(address, f"commits/{sha}") if sha else ""}


def _address(home_url: str, deed: str, ref: str, old: str, new: str) -> str:
    if deed == "deleted":
        return home_url
    if deed == "created":
        return below(home_url, f"browse?at={escaped(ref)}")
    return below(home_url, f"compare/commits?sourceBranch={new}&targetBranch={old}")


def commit_comment(event: Event) -> Event:
    """A comment on a commit."""
    comment = part(event.payload, "comment")
    sha = dig(event.payload, "commit") or dig(event.payload, "commit.id")
    deed = commented(
        _COMMENTS.get(event.kind.rpartition(".")[2], ""),
        bool(number(event.payload, "commentParentId")),
        dig(comment, "anchor.path"),
        number(comment, "anchor.line"),
    )
    below_it = f"commits/{sha}" + (f"?commentId={number(comment, 'id')}" if deed.tone != "quiet" else "")
    return told(
        replace(
            event,
            correlation_key=f"{event.correlation_key} commit {sha}",
            title=titled(f"Commit {sha[:7]}"),
            url=below(event.details["home"], below_it),
        ),
        deed,
        noun="commit",
        reference=sha[:7],
        name="Commit",
        alone=f"commit {sha[:7]}".strip(),
        text="" if deed.tone == "quiet" else dig(comment, "text"),
        quoted=True,
    )


def fork(event: Event) -> Event:
    """A fork that somebody made; the event belongs to what it was made of."""
    copy = part(event.payload, "repository")
    name = place(copy) if copy.get("origin") else ""
    deed = Deed("forked", "forked", after="to" if name else "", place=name)
    return told(replace(event, url=home(copy) or event.url), deed, noun="repository", name=event.scope)


def modified(event: Event) -> Event:
    """A repository with another name, project or description."""
    old, new = part(event.payload, "old"), part(event.payload, "new")
    before, after = place(old), place(new)
    renamed = bool(before and after) and before != after
    deed = Deed("renamed", "renamed", after="to", place=after) if renamed else _SETTINGS
    facts = found(
        Name=changed(dig(old, "name"), dig(new, "name")),
        Project=changed(dig(old, "project.name"), dig(new, "project.name")),
        Description=changed(dig(old, "description"), dig(new, "description")),
    )
    return told(replace(event, facts=facts), deed, noun="repository", name=before or event.scope or "a repository")


_SETTINGS = Deed("changed the settings of", "settings")


def modified_project(event: Event) -> Event:
    """A project with another name, key or description."""
    old, new = part(event.payload, "old"), part(event.payload, "new")
    name = one_line(dig(new, "name") or dig(new, "key"), 120) or "a project"
    return told(
        replace(
            event,
            correlation_key=f"project {number(new, 'id')}",
            title=titled(f"Project {name}"),
            scope=dig(new, "key"),
            url=page(new),
            facts=found(
                Name=changed(dig(old, "name"), dig(new, "name")),
                Key=changed(dig(old, "key"), dig(new, "key")),
                Description=changed(dig(old, "description"), dig(new, "description")),
            ),
            attributes=with_attributes(event, project=dig(new, "key"), repository="", private=False),
        ),
        _SETTINGS,
        noun="project",
        name=name,
        alone=f"the project {name}",
    )


def secret(event: Event) -> Event:
    """A secret that the scanner found in what was pushed."""
    places = objects(event.payload, "secretLocations")
    repository = next((at_it for one in places if (at_it := part(one, "repository"))), {})
    scope = event.scope or place(repository)
    paths = list(dict.fromkeys(path for one in places if (path := dig(one, "path"))))
    rules = list(dict.fromkeys(rule for one in places if (rule := dig(one, "ruleName"))))
    many = f"{len(places)} secrets" if len(places) > 1 else "a secret"
    return told(
        replace(
            event,
            correlation_key=f"repo {number(repository, 'id')} secrets"
            if repository
            else f"{event.correlation_key} secrets",
            title=titled(f"Secrets in {scope}" if scope else "Secrets"),
            scope=scope,
            url=event.url or home(repository),
            facts=found(Files=", ".join(paths), Rules=", ".join(rules)),
            attributes=with_attributes(event, repository=scope, project=dig(repository, "project.key")),
        ),
        Deed(f"pushed {many} to", "secret found", "error"),
        noun="repository",
        name=scope or "a repository",
    )


def mirrored(event: Event) -> Event:
    """A mirror that has the repository as it is now."""
    name = one_line(dig(event.payload, "mirrorServer.name"), 80) or person(event.payload.get("mirrorServer"))
    sentence = f"The mirror {name} is up to date" if name else "A mirror is up to date"
    details = {**event.details, "sentence": sentence, "word": "mirrored", "tone": "quiet"}
    return replace(
        event,
        title=titled(f"Mirrors of {event.scope}"),
        correlation_key=f"{event.correlation_key} mirrors",
        details=details,
    )
