"""What happens to a repository of Bitbucket Cloud: pushes, builds, comments on commits, forks, settings."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from bridge.events import Event, Severity
from bridge.fields import Payload, at, dig, first, moment, objects, part
from bridge.rendering.text import in_words, one_line
from bridge.sources import forge, kit
from bridge.sources.bitbucket.texts import markdown_of, person

# https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commit-statuses/
_OUTCOMES: Mapping[str, str] = {"SUCCESSFUL": "succeeded", "FAILED": "failed", "STOPPED": "canceled"}
_COMMENTS = {"created": "created", "updated": "edited"}
_REPOSITORY = {"transfer": "transferred", "updated": "settings_changed", "fork": "forked"}
KNOWN = {*_REPOSITORY, "created", "deleted", "imported"}
# What is no setting, or repeats another change.
_BRANCHES = {"", "branch", "named_branch", "bookmark"}
_OMITTED = {"links", "full_name", "slug"}


def pushes(event: Event) -> Iterator[Event]:
    """A push, an event for each branch or tag that it changed; it does not say when it was."""
    changes = [change for change in objects(event.payload, "push.changes") if _ref(change, "name")]
    for change in changes:
        push = _push(change)
        changed = replace(
            event,
            url=first(change, ("links.html.href", "new.links.html.href")) or event.url,
            attributes=kit.with_attributes(event, action=push.change),
        )
        yield forge.pushed(changed, push, forge.ref_key(event.correlation_key, push.kind, push.name))
    if not changes:
        yield kit.with_details(replace(event, correlation_key=""), action="pushed")


def _push(change: Payload) -> forge.Push:
    given = _ref(change, "type")
    kind = "tag" if given.endswith("tag") else "branch" if given in _BRANCHES else in_words(given)
    deleted, created = not at(change, "new"), not at(change, "old")
    forced = dig(change, "forced", False)
    updated = "moved" if kind == "tag" else "forced" if forced else "pushed"
    return forge.Push(
        kind=kind,
        name=one_line(_ref(change, "name"), 200),
        change="deleted" if deleted else "created" if created else updated,
        old=dig(change, "old.target.hash"),
        new=dig(change, "new.target.hash"),
        commits=[
            forge.Commit(dig(each, "hash"), dig(each, "message"), dig(each, "links.html.href"), _author(each))
            for each in objects(change, "commits")
        ],
        is_cut=dig(change, "truncated", False),
    )


def _ref(change: Payload, name: str) -> str:
    return first(change, (f"new.{name}", f"old.{name}"))


def _author(commit: Payload) -> str:
    """The author of a commit: a user where Bitbucket knows one."""
    return person(at(commit, "author.user")) or person(at(commit, "author"))


def commit_comment(event: Event) -> Event:
    """A comment on a commit."""
    comment, commit = part(event.payload, "comment"), part(event.payload, "commit")
    done = event.kind.rpartition("_")[2]
    return forge.commit_comment(
        replace(
            event,
            url=first(comment, ("links.html.href",)) or dig(commit, "links.html.href") or event.url,
            occurred=moment(comment, "updated_on") or moment(comment, "created_on"),
        ),
        event.correlation_key,
        dig(commit, "hash"),
        dig(commit, "message"),
        forge.comment_action(_COMMENTS.get(done, done), is_reply=bool(kit.id_at(comment, "parent.id"))),
        place=forge.place(dig(comment, "inline.path"), kit.id_at(comment, "inline.to", "inline.from")),
        text="" if done == "deleted" else markdown_of(comment, "content"),
        quoted=True,
    )


def commit_status(event: Event) -> Event:
    """A build or another check of a commit that has ended; it belongs to its branch where it names one."""
    status = part(event.payload, "commit_status")
    branch, state = one_line(dig(status, "refname"), 200), dig(status, "state")
    sha = dig(status, "commit.hash") or _hash_of(dig(status, "links.commit.href"))
    key, home = event.correlation_key, event.details["home"]
    # A status of a fork's commit: its branch is not ours.
    owner = part(status, "repository") or part(status, "commit.repository")
    fork = ""
    if kit.differ(owner, part(event.payload, "repository"), "uuid", "full_name"):
        fork, home = dig(owner, "full_name") or "fork", dig(owner, "links.html.href")
        key = kit.key("repo", kit.id_at(owner, "uuid", "full_name").strip("{}"))
    shown = forge.head(branch, fork, event.scope)
    run = forge.Run(
        name=one_line(dig(status, "name") or dig(status, "key"), 100),
        outcome=_OUTCOMES.get(state, state),
        branch=shown,
        sha=sha,
        sha_url=f"{home}/commits/{sha}" if home and sha else "",
        noun="build",
    )
    about = replace(
        event,
        correlation_key=forge.ref_key(key, "branch", branch) if branch else kit.key(key, "commit", sha),
        title=kit.title(f"Branch {shown}" if branch else f"Commit {sha[:7]}".strip()),
        actor="",  # who reported a build did not start it
        url=dig(status, "url") or dig(status, "links.commit.href") or event.url,
        occurred=moment(status, "updated_on"),
        facts=kit.facts(Commit=kit.first_line(dig(status, "commit.message")), Reported_by=event.actor),
        attributes=kit.with_attributes(
            event, branch=shown, fork=bool(fork), status=state.lower(), author=_author(part(status, "commit"))
        ),
    )
    return forge.ran(about, run, text=dig(status, "description"), quoted=True)


def _hash_of(url: str) -> str:
    """The hash that an address ends with."""
    match = re.search(r"/commit/([0-9a-f]{7,40})$", url)
    return match[1] if match else ""


def repository(event: Event) -> Event:
    """A repository that was created, deleted, transferred, forked, or got other settings."""
    changes, name = part(event.payload, "changes"), event.kind.partition(".")[2]
    copy = part(event.payload, "fork")
    facts = _facts(changes)
    renamed = name == "updated" and "name" in changes
    new = first(changes, ("full_name.new", "name.new")) if renamed else first(copy, ("full_name", "name"))
    about = replace(
        event,
        url=dig(copy, "links.html.href") or event.url,
        severity=Severity.WARNING if name == "deleted" else event.severity,
        facts=facts,
    )
    return kit.with_details(
        about,
        action="renamed" if renamed else _REPOSITORY.get(name, name),
        noun="repository",
        name=dig(changes, "full_name.old") or event.scope,
        new=one_line(new, 120),
        fields=_fields(facts),
    )


def project(event: Event) -> Event:
    """A project that got another name, or other settings."""
    held = part(event.payload, "project")
    name, action = one_line(dig(held, "name") or dig(held, "key"), 120), event.kind.partition(".")[2]
    facts = _facts(part(event.payload, "changes"))
    about = replace(
        event,
        correlation_key=kit.key("project", kit.id_at(held, "uuid", "key").strip("{}")),
        title=kit.title(f"Project {name}".strip()),
        scope=event.scope or one_line(dig(held, "workspace.slug"), 80),
        url=dig(held, "links.html.href") or event.url,
        facts=facts,
        attributes=kit.with_attributes(event, project=dig(held, "key")),
    )
    done = "settings_changed" if action == "updated" else action
    return kit.with_details(about, action=done, noun="project", name=name, fields=_fields(facts))


def _facts(changes: Payload) -> kit.Facts:
    """Each setting from what to what; a long text only as changed."""
    found = {name: (_shown(at(value, "old")), _shown(at(value, "new"))) for name, value in changes.items()}
    return tuple(
        (in_words(name).capitalize(), "changed" if max(map(len, pair)) > 80 else kit.change(*pair))
        for name, pair in found.items()
        if name not in _OMITTED and pair[0] != pair[1]
    )


def _fields(facts: kit.Facts) -> list[str]:
    return [name.lower() for name, _ in facts]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return one_line(value, 200) if isinstance(value, str) else person(value)
