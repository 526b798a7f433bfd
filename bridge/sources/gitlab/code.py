"""What happens to branches and tags: pushes, and what comes and goes with them."""

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from bridge.events import Event
from bridge.fields import Payload, dig, first, objects
from bridge.rendering.text import one_line
from bridge.sources import forge, kit
from bridge.sources.gitlab.places import NOTHING, home, is_bot, page, ref_name


def ref_title(ref: str) -> str:
    """`Branch main` or `Tag v2.4.0`."""
    return kit.title(f"{'Tag' if ref.startswith('refs/tags/') else 'Branch'} {ref_name(ref)}".strip())


def push(event: Event) -> Event:
    """A push to a branch or a tag, which may create, delete or rewind it."""
    payload, ref = event.payload, dig(event.payload, "ref")
    old, new = dig(payload, "before"), dig(payload, "after")
    kind = "tag" if ref.startswith("refs/tags/") else "branch"
    commits = objects(payload, "commits")[::-1]
    updated = "pushed" if commits and kind == "branch" else "moved"
    pushed = forge.Push(
        kind=kind,
        name=one_line(ref_name(ref), 200),
        change="deleted" if new == NOTHING else "created" if old == NOTHING else updated,
        old=old,
        new=new,
        commits=[_commit(each) for each in commits[: forge.MOST_COMMITS]],
        total=max(dig(payload, "total_commits_count", 0), len(commits)),
        authors=[_author(each) for each in commits],
    )
    sender = dig(payload, "user_username")
    return forge.pushed(
        replace(
            event,
            actor=one_line(first(payload, ("user_name", "user_username")), 80),
            url=_url(page(payload), kind, ref, old, new) or event.url,
            attributes=kit.with_attributes(
                event, action=pushed.change, paths=_paths(payload), sender=sender, author=sender, bot=is_bot(sender)
            ),
        ),
        pushed,
        kit.key(home(payload), ref),
        text=dig(payload, "message") if kind == "tag" else "",
    )


def _commit(commit: Payload) -> forge.Commit:
    message = dig(commit, "message") or dig(commit, "title")
    return forge.Commit(dig(commit, "id"), message, dig(commit, "url"), _author(commit))


def _author(commit: Payload) -> str:
    return one_line(dig(commit, "author.name"), 80)


def _url(project: str, kind: str, ref: str, old: str, new: str) -> str:
    if not project or new == NOTHING:
        return project
    if old == NOTHING or kind == "tag":
        return f"{project}/-/{'tags' if kind == 'tag' else 'tree'}/{quote(ref_name(ref))}"
    return f"{project}/-/compare/{old}...{new}" if old and new else ""


def _paths(payload: Payload) -> list[str]:
    """The files that the commits touch."""
    changes = ("added", "modified", "removed")
    files = (dig(commit, change, list[Any]()) for commit in objects(payload, "commits") for change in changes)
    return list(dict.fromkeys(path for some in files for path in some if isinstance(path, str)))
