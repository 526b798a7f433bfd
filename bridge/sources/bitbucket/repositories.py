"""What happens to a repository of Bitbucket Cloud: pushes, builds, comments on commits, forks, settings."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bridge.events import Event, Severity
from bridge.fields import Payload, at, dig, moment, objects, part
from bridge.rendering.text import one_line
from bridge.sources.bitbucket.texts import markdown_of
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
    ref_thread,
    spoken,
    subject,
    titled,
    told,
    with_attributes,
)

# How a build ends: its verb, its word, its tone and how much it matters.
# https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commit-statuses/
_BUILDS = {
    "SUCCESSFUL": ("passed", "passed", "success", Severity.SUCCESS),
    "FAILED": ("failed", "failed", "error", Severity.ERROR),
    "STOPPED": ("was stopped", "stopped", "quiet", Severity.INFO),
}
_REPOSITORY = {
    "created": Deed("created", "created", "success"),
    "deleted": Deed("deleted", "deleted", "warning"),
    "imported": Deed("imported", "imported", "success"),
    "transfer": Deed("moved", "moved", after="to this workspace"),
}
_SETTINGS = Deed("changed the settings of", "settings")
_KNOWN = {*_REPOSITORY, "updated"}
# What is no setting, or says another's change once more.
_UNTOLD = {"links", "full_name", "slug"}


def pushes(event: Event) -> Iterator[Event]:
    """A push, an event for each branch or tag that it changed; it does not say when it was."""
    changes = objects(event.payload, "push.changes")
    for change in changes:
        kind = dig(change, "new.type") or dig(change, "old.type")
        name = dig(change, "new.name") or dig(change, "old.name")
        if name:
            yield pushed(event, _change(event, change, "tag" if kind == "tag" else "branch", name))
    if not changes:
        yield told(event, Deed("pushed to", "pushed"), noun="repository", name=event.scope)


def _change(event: Event, change: Payload, kind: str, name: str) -> Change:
    gone, new = not at(change, "new"), not at(change, "old")
    commits = [
        {"id": dig(each, "hash"), "message": dig(each, "message"), "url": dig(each, "links.html.href")}
        for each in objects(change, "commits")
    ]
    target = dig(change, "new.target.hash")
    if kind == "branch" and not commits and target and not gone and not new:
        at_it = part(change, "new.target")
        commits = [{"id": target, "message": dig(at_it, "message"), "url": dig(at_it, "links.html.href")}]
    authors = people([_author(each) for each in objects(change, "commits")])
    forced = dig(change, "forced", False) and not gone and not new
    return Change(
        kind=kind,
        name=one_line(name, 200),
        deed="deleted" if gone else "created" if new else "forced" if forced else "pushed",
        old=dig(change, "old.target.hash"),
        new=target,
        commits=commits,
        is_cut=dig(change, "truncated", False),
        url=dig(change, "links.html.href") or dig(change, "new.links.html.href") or event.details["home"],
        authors=authors if ", " in authors else "",
    )


def _author(commit: Payload) -> Any:
    """Who wrote a commit: its user where Bitbucket knows one."""
    return at(commit, "author.user") or at(commit, "author")


def commit_comment(event: Event) -> Event:
    """A comment on a commit."""
    comment, commit = part(event.payload, "comment"), part(event.payload, "commit")
    sha = dig(commit, "hash")
    inline = part(comment, "inline")
    deed = commented(
        event.kind.rpartition("_")[2],
        bool(number(comment, "parent.id")),
        dig(inline, "path"),
        number(inline, "to", "from"),
    )
    return told(
        replace(
            event,
            correlation_key=f"{event.correlation_key} commit {sha}",
            title=titled(f"Commit {sha[:7]} {subject(dig(commit, 'message'))}".strip()),
            url=dig(comment, "links.html.href") or dig(commit, "links.html.href") or event.url,
            occurred=moment(comment, "updated_on") or moment(comment, "created_on"),
        ),
        deed,
        noun="commit",
        reference=sha[:7],
        name=subject(dig(commit, "message")) or "Commit",
        alone=f"commit {sha[:7]}".strip(),
        text="" if deed.tone == "quiet" else markdown_of(comment, "content"),
        quoted=True,
    )


def commit_status(event: Event) -> Event:
    """A build or another check of a commit that has ended; told under its branch where it names one."""
    status = part(event.payload, "commit_status")
    verb, word, tone, severity = _BUILDS.get(
        dig(status, "state"), (f"is {spoken(dig(status, 'state')) or 'unknown'}", "build", "info", Severity.INFO)
    )
    branch = one_line(dig(status, "refname"), 200)
    sha = dig(status, "commit.hash") or _last(dig(status, "links.commit.href"))
    name = one_line(dig(status, "name") or dig(status, "key"), 100) or "A build"
    home = event.details["home"]
    return replace(
        event,
        correlation_key=ref_thread(event.correlation_key, "branch", branch)
        if branch
        else f"{event.correlation_key} commit {sha}",
        title=titled(f"Branch {branch}" if branch else f"Commit {sha[:7]}"),
        severity=severity,
        actor="",
        url=dig(status, "url") or dig(status, "links.commit.href") or event.url,
        occurred=moment(status, "updated_on"),
        facts=found(
            Commit=f"{subject(dig(status, 'commit.message'))} ({sha[:7]})" if dig(status, "commit.message") else "",
            Reported_by=event.actor,
        ),
        attributes=with_attributes(
            event, branch=branch, status=dig(status, "state").lower(), author=person(at(status, "commit.author"))
        ),
        details={
            **event.details,
            "build": name,
            "verb": verb,
            "word": word,
            "tone": tone,
            "branch": branch,
            "sha": sha[:7],
            "commit_url": f"{home}/commits/{sha}" if home and sha else "",
            "text": dig(status, "description"),
        },
    )


def _last(url: str) -> str:
    """The hash that an address ends with."""
    match = re.search(r"/commit/([0-9a-f]{7,40})$", url)
    return match[1] if match else ""


def fork(event: Event) -> Event:
    """A fork that somebody made."""
    copy = part(event.payload, "fork")
    name = one_line(dig(copy, "full_name") or dig(copy, "name"), 120)
    deed = Deed("forked", "forked", after="to" if name else "", place=name)
    url = dig(copy, "links.html.href") or event.url
    return told(replace(event, url=url), deed, noun="repository", name=event.scope or "a repository")


def repository(event: Event) -> Event:
    """A repository that was created, deleted, moved, or got other settings."""
    changes, action = part(event.payload, "changes"), event.kind.partition(".")[2]
    if action not in _KNOWN:
        return event
    deed = _REPOSITORY.get(action) or (_renamed(changes) if "name" in changes else _SETTINGS)
    facts = {_label(name): _changed(changes[name]) for name in changes if name not in _UNTOLD}
    name = dig(changes, "full_name.old") or event.scope or "a repository"
    return told(replace(event, facts=found(**facts)), deed, noun="repository", name=name)


def _renamed(changes: Payload) -> Deed:
    new = dig(changes, "full_name.new") or dig(changes, "name.new")
    return Deed("renamed", "renamed", after="to" if new else "", place=one_line(new, 120))


def project(event: Event) -> Event:
    """A project that got another name, or other settings."""
    about, changes = part(event.payload, "project"), part(event.payload, "changes")
    name = one_line(dig(about, "name") or dig(about, "key"), 120) or "a project"
    facts = {_label(each): _changed(changes[each]) for each in changes if each not in _UNTOLD}
    return told(
        replace(
            event,
            correlation_key=f"project {number(about, 'uuid', 'key')}",
            title=titled(f"Project {name}"),
            scope=event.scope or one_line(dig(about, "workspace.slug"), 80),
            url=dig(about, "links.html.href") or event.url,
            facts=found(**facts),
            attributes=with_attributes(event, project=dig(about, "key")),
        ),
        _SETTINGS,
        noun="project",
        name=name,
        alone=f"the project {name}",
    )


def _label(name: str) -> str:
    return spoken(name).capitalize()


def _changed(change: Any) -> str:
    old, new = _shown(at(change, "old")), _shown(at(change, "new"))
    return "changed" if max(len(old), len(new)) > 80 else changed(old, new)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return one_line(value, 200) if isinstance(value, str) else person(value)
