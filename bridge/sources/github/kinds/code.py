"""What happens to code and to the repository that holds it: pushes, releases, packages, its life, its friends."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jinja2.filters import do_filesizeformat

from bridge.events import Event, Severity
from bridge.fields import Payload, at, dig, first, objects, part
from bridge.rendering.text import done, in_words
from bridge.sources import forge
from bridge.sources.base import as_action
from bridge.sources.github.kind import Kind, values, with_details
from bridge.sources.github.kinds.conversations import words_of
from bridge.sources.github.severities import always, by_action, of_push
from bridge.sources.github.titles import called, named, shown, times

# https://docs.github.com/webhooks/webhook-events-and-payloads#push: a list of this length may be cut.
_MOST_COMMITS = 2048


def _author(commit: Payload, event: Event, pusher: str) -> str:
    """Who wrote a commit. pusher: the address of the one who pushed it. A push has thousands of commits."""
    author = part(commit, "author")
    return event.actor if pusher and author.get("email") == pusher else first(author, ("username", "name"))


def _commit(commit: Payload, author: str) -> forge.Commit:
    return forge.Commit(dig(commit, "id"), dig(commit, "message"), dig(commit, "url"), author)


def _push(event: Event) -> Event:
    payload = event.payload
    _, kind, name = (*dig(payload, "ref").split("/", 2), "", "")[:3]
    kind = "tag" if kind == "tags" else "branch"
    flags = (("deleted", "deleted"), ("created", "created"), ("forced", "forced" if kind == "branch" else "moved"))
    change = next((change for flag, change in flags if dig(payload, flag, False)), "")
    commits, pusher = objects(payload, "commits")[::-1], dig(payload, "pusher.email")
    authors = [_author(commit, event, pusher) for commit in commits]
    push = forge.Push(
        kind=kind,
        name=name,
        change=change or ("pushed" if kind == "branch" else "moved"),
        old=dig(payload, "before"),
        new=dig(payload, "after"),
        commits=list(map(_commit, commits[: forge.MOST_COMMITS], authors)),
        authors=authors,
        total=len(commits),
        is_cut=len(commits) >= _MOST_COMMITS,
    )
    return forge.pushed(event, push, event.correlation_key)


def _ref(change: str) -> Any:
    """Reads what `create` and `delete` say of a branch or tag, as of a push without commits."""

    def read(event: Event) -> Event:
        kind = in_words(dig(event.payload, "ref_type")) or "branch"
        return forge.pushed(event, forge.Push(kind, dig(event.payload, "ref"), change), event.correlation_key)

    return read


def _size(octets: int) -> str:
    return do_filesizeformat(octets) if octets > 0 else ""


def _release(event: Event) -> Event:
    payload = event.payload
    described = {"published", "released", "prereleased", "created", "edited"}
    files = [
        (dig(asset, "name"), dig(asset, "browser_download_url"), _size(dig(asset, "size", 0)))
        for asset in objects(payload, "release.assets")
        if dig(asset, "name")
    ]
    early, draft = dig(payload, "release.prerelease", False), dig(payload, "release.draft", False)
    return with_details(
        event,
        noun="pre-release" if early else "draft release" if draft else "release",
        text=words_of(payload, "release") if dig(payload, "action") in described else "",
        rows=files,
        rows_of="file",
    )


def _package(thing: str) -> Kind:
    def read(event: Event) -> Event:
        payload, version = event.payload, f"{thing}.package_version"
        name = f"{dig(payload, f'{thing}.name')} {dig(payload, f'{version}.version')}".strip()
        return with_details(
            event,
            name=name,
            install=dig(payload, f"{version}.installation_command"),
            text=first(payload, (f"{version}.body", f"{thing}.description")),
        )

    return Kind(
        noun="package",
        names=(f"{thing}.name",),
        urls=(f"{thing}.package_version.html_url", f"{thing}.html_url"),
        times=times(f"{thing}.package_version", thing),
        severity=by_action(published=Severity.SUCCESS),
        labels=(
            ("Type", f"{thing}.package_type"),
            ("Tag", f"{thing}.package_version.container_metadata.tag.name"),
            ("From", f"{thing}.package_version.target_commitish"),
        ),
        read=read,
    )


def _wiki(event: Event) -> Event:
    pages = [page for page in objects(event.payload, "pages") if dig(page, "title")]
    if len(pages) == 1:
        (page,) = pages
        action = as_action(dig(page, "action")) or "updated"
        found = {
            "noun": "wiki page",
            "name": dig(page, "title"),
            "action": action,
            "text": dig(page, "summary"),
            "page": "",
        }
        return with_details(replace(event, url=dig(page, "html_url") or event.url), **found)
    rows = [(dig(page, "title"), dig(page, "html_url"), done(dig(page, "action"))) for page in pages]
    changed = {"action": "pages_changed", "rows": rows, "rows_of": "page"}
    return with_details(event, **changed if rows else {})


def _properties(event: Event) -> Event:
    """The values of custom properties, old and new, as facts."""
    old = {dig(each, "property_name"): at(each, "value") for each in objects(event.payload, "old_property_values")}
    found = [
        (name, f"{shown(old.get(name)) or 'nothing'} → {shown(at(each, 'value')) or 'nothing'}")
        for each in objects(event.payload, "new_property_values")
        if (name := dig(each, "property_name"))
    ]
    return replace(event, facts=(*event.facts, *found))


def _security_features(event: Event) -> Event:
    before = dig(event.payload, "changes.from.security_and_analysis", dict[str, Any]())
    found = [
        (name.replace("_", " ").capitalize(), f"{in_words(old)} → {in_words(new) or 'unknown'}")
        for name, value in before.items()
        if (old := dig(value, "status"))
        != (new := dig(event.payload, f"repository.security_and_analysis.{name}.status"))
    ]
    return replace(event, facts=(*event.facts, *found))


def _dispatch(event: Event) -> Event:
    """Its inputs as facts, and where it runs."""
    inputs = dig(event.payload, "inputs", dict[str, Any]())
    found = [(name, shown(value)) for name, value in inputs.items() if shown(value)]
    ref = dig(event.payload, "ref").removeprefix("refs/heads/").removeprefix("refs/tags/")
    name = dig(event.payload, "workflow").split("/")[-1] or dig(event.payload, "action")
    return with_details(replace(event, facts=(*event.facts, *found)), name=name, branch=ref)


CODE: Mapping[str, Kind] = {
    "push": Kind(
        noun="branch",
        urls=("compare",),
        times=("repository.pushed_at", "head_commit.timestamp"),
        severity=of_push,
        read=_push,
    ),
    "create": Kind(noun="branch", times=("repository.pushed_at",), read=_ref("created")),
    "delete": Kind(noun="branch", times=("repository.pushed_at",), read=_ref("deleted")),
    "release": Kind(
        noun="release",
        names=("release.name", "release.tag_name"),
        times=("release.published_at", "release.created_at"),
        labels=(("Tag", "release.tag_name"), ("From", "release.target_commitish")),
        thing="release",
        read=_release,
    ),
    "package": _package("package"),
    "registry_package": _package("registry_package"),
    "repository": Kind(
        noun="repository",
        severity=by_action(deleted=Severity.WARNING, publicized=Severity.WARNING, transferred=Severity.WARNING),
        labels=(("About", "repository.description"), ("Visibility", "repository.visibility")),
        thing="repository",
        read=values(old="changes.repository.name.from", new="repository.name", destination="repository.owner.login"),
    ),
    "public": Kind(noun="repository", severity=always(Severity.WARNING), actions="publicized"),
    "custom_property_values": Kind(
        noun="repository", title=called("Repository"), actions={"updated": "properties_changed"}, read=_properties
    ),
    "security_and_analysis": Kind(
        noun="repository",
        title=called("Security features"),
        actions="security_features_changed",
        read=_security_features,
    ),
    "repository_dispatch": Kind(
        noun="event",
        title=named("Dispatch of", "action"),
        labels=(("Branch", "branch"),),
        actions="event_sent",
        read=_dispatch,
    ),
    "workflow_dispatch": Kind(
        noun="workflow",
        title=lambda payload: f"Workflow {dig(payload, 'workflow').split('/')[-1] or 'run'} by hand",
        actions="dispatched",
        read=_dispatch,
    ),
    "star": Kind(
        noun="repository",
        title=called("Stars"),
        times=("starred_at",),
        actions={"created": "starred", "deleted": "unstarred"},
    ),
    "watch": Kind(noun="repository", title=called("Stars"), actions={"started": "starred"}),
    "fork": Kind(
        noun="repository",
        thing="forkee",
        title=named("Fork", "forkee.full_name"),
        times=("forkee.created_at",),
        actions="forked",
        read=values(fork="forkee.full_name"),
    ),
    "gollum": Kind(noun="wiki", title=called("Wiki"), read=_wiki),
}
