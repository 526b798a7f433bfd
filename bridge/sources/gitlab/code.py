"""What happens to branches and tags: pushes, and what comes and goes with them."""

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from bridge.events import Event
from bridge.fields import Payload, dig, first, objects
from bridge.rendering.text import one_line
from bridge.sources.gitlab.words import NOTHING, found, home, page, ref_name, subject, titled, with_attributes


def thread(payload: Payload, ref: str) -> str:
    """The thread of a branch or a tag, which its pipelines share."""
    return f"{home(payload)} {ref}"


def ref_title(ref: str) -> str:
    """`Branch main` or `Tag v2.4.0`."""
    return titled(f"{'Tag' if ref.startswith('refs/tags/') else 'Branch'} {ref_name(ref)}")


def push(event: Event) -> Event:
    """A push to a branch or a tag, which may create, delete or rewind it."""
    payload = event.payload
    ref = dig(payload, "ref")
    if not ref:
        return event
    old, new = dig(payload, "before"), dig(payload, "after")
    kind = "tag" if ref.startswith("refs/tags/") else "branch"
    change = "deleted" if new == NOTHING else "created" if old == NOTHING else "pushed"
    commits = [
        {"id": dig(commit, "id"), "message": dig(commit, "message") or dig(commit, "title"), "url": dig(commit, "url")}
        for commit in reversed(objects(payload, "commits"))
    ]
    total = max(dig(payload, "total_commits_count", 0), len(commits))
    return replace(
        event,
        correlation_key=thread(payload, ref),
        title=ref_title(ref),
        actor=one_line(first(payload, ("user_name", "user_username")), 80),
        url=_url(page(payload), kind, ref, old, new) or event.url,
        facts=found(Authors=_authors(payload)),
        attributes=with_attributes(
            event,
            branch=ref_name(ref) if kind == "branch" else "",
            tag=ref_name(ref) if kind == "tag" else "",
            action=change,
            paths=_paths(payload),
        ),
        details={
            "ref": ref_name(ref),
            "kind": kind,
            "change": change,
            "old": old[:7],
            "new": new[:7],
            "commits": commits,
            "total": total,
            "subject": subject(commits[0]["message"]) if commits else "",
            "text": dig(payload, "message") if kind == "tag" else "",
        },
    )


def _url(project: str, kind: str, ref: str, old: str, new: str) -> str:
    if not project or new == NOTHING:
        return project
    if old == NOTHING or kind == "tag":
        return f"{project}/-/{'tags' if kind == 'tag' else 'tree'}/{quote(ref_name(ref))}"
    return f"{project}/-/compare/{old}...{new}" if old and new else ""


def _authors(payload: Payload) -> str:
    """Who wrote the commits, where it was not the same one."""
    names = list(dict.fromkeys(name for each in objects(payload, "commits") if (name := dig(each, "author.name"))))
    return ", ".join(names) if len(names) > 1 else ""


def _paths(payload: Payload) -> list[str]:
    """The files that the commits touch."""
    changes = ("added", "modified", "removed")
    files = (dig(commit, change, list[Any]()) for commit in objects(payload, "commits") for change in changes)
    return list(dict.fromkeys(path for some in files for path in some if isinstance(path, str)))
