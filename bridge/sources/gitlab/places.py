"""Where GitLab's events say who acted, which project it was in, and when."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from bridge.fields import Payload, as_time, at, dig, first, objects, part
from bridge.rendering.text import one_line
from bridge.sources import kit

NOTHING = "0" * 40  # the commit that a new branch was at before, and a deleted one is at after

_PATHS = ("project.path_with_namespace", "path_with_namespace", "project_path_with_namespace")
_PAGES = ("project.web_url", "repository.homepage", "project.homepage")
_GROUPS = ("group.full_path", "full_path", "group.group_path", "group_path", "project_name", "project.name", "path")
_MERGE_REQUEST = re.compile(r"refs/merge-requests/(\d+)/\w+")
# GitLab names the users of its tokens so, and people their bots: `project_7_bot_1a2b`, `renovate-bot`.
_BOT = re.compile(r"(?:^|[_.-])bot\d*(?:[_.-]|$)|\[bot\]$")
_DRAFT = re.compile(r"^\s*(?:\[(?:draft|wip)\]|\((?:draft|wip)\)|(?:draft|wip):)\s*", re.IGNORECASE)


def moment(payload: Any, *paths: str) -> datetime | None:
    """The first time at the paths. GitLab writes `2026-11-23 14:03:11 UTC` and `... +0200`, too."""
    for path in paths:
        found = at(payload, path)
        if isinstance(found, str):
            found = re.sub(r" ?UTC$", "Z", re.sub(r" ([+-]\d{4})$", r"\1", found.strip()[:40]))
        if time := as_time(found):
            return time
    return None


def day(text: str) -> str:
    """`26 January 2026` of a date or a time."""
    time = moment({"time": text}, "time")
    return f"{time:%d %B %Y}".lstrip("0") if time else ""


def person(value: Any) -> str:
    """Somebody's name."""
    return one_line(first(value, ("name", "username")), 80)


def people(payload: Any, many: str, one: str = "") -> list[Payload]:
    """Everybody of a list; before GitLab 12 there was only one assignee."""
    only = part(payload, one) if one else {}
    return objects(payload, many) or ([only] if only else [])


def names(users: Iterable[Any]) -> list[str]:
    """The names of users, each once."""
    return list(dict.fromkeys(filter(None, map(person, users))))


def usernames(users: Iterable[Any]) -> list[str]:
    """The names by which users sign in, which routes match."""
    return [name for user in users if (name := dig(user, "username"))]


def is_bot(username: str) -> bool:
    """Whether a user is a program, as far as its name says; GitLab's payloads do not."""
    return bool(_BOT.search(username.lower()))


def page(payload: Payload) -> str:
    """The project's page, below which is what belongs to it."""
    address, below, _ = dig(payload, "object_attributes.url").partition("/-/")
    return (first(payload, _PAGES) or (address if below else "")).rstrip("/")


def page_below(payload: Payload, what: str, number: str) -> str:
    """The page of a pipeline, job or merge request of the project."""
    home_page = page(payload)
    return f"{home_page}/-/{what}/{number}" if home_page and number else ""


def scope(payload: Payload) -> str:
    """The project's path, `pump/firmware`, else the group's, else a name."""
    address = page(payload)
    path = urlsplit(address).path.strip("/") if address.startswith(("http://", "https://")) else ""
    return one_line(first(payload, _PATHS) or path or first(payload, _GROUPS), 120)


def home(payload: Payload, *projects: str) -> str:
    """The correlation key of the project or group; `projects` are better places to look for its id."""
    project = kit.id_at(payload, *projects, "project.id", "project_id", "object_attributes.project_id")
    if project:
        return f"project {project}"
    group = kit.id_at(payload, "group.group_id", "group.id", "group_id", "object_attributes.group_id")
    return f"group {group}" if group else scope(payload)


def ref_name(ref: str) -> str:
    """`main` of refs/heads/main, `!12` of refs/merge-requests/12/head."""
    number = merge_request_of(ref)
    return f"!{number}" if number else re.sub(r"^refs/(heads|tags)/", "", ref)


def merge_request_of(ref: str) -> str:
    """The number of the merge request that a ref is of, or nothing."""
    match = _MERGE_REQUEST.fullmatch(ref)
    return match[1] if match else ""


def iid(item: Payload) -> str:
    """The number that people know an issue or a merge request by; its URL has it, too."""
    address = re.search(r"/(?:issues|merge_requests|work_items|epics)/(\d+)", dig(item, "url")[:2000])
    return kit.id_at(item, "iid") or (address[1] if address else "")


def iid_or_id(item: Payload) -> str:
    """The number of an issue or a merge request for its key; an id must not be taken for another's number."""
    number = kit.id_at(item, "id")
    return iid(item) or (f"id {number}" if number else "")


def undrafted(title: str) -> str:
    """A merge request's title without the mark of a draft, which goes when it is ready."""
    return _DRAFT.sub("", title)


def labels(*places: Any) -> list[str]:
    """The titles of labels, of the first place that has some."""
    found = next(filter(None, (objects(place, "labels") for place in places)), [])
    return [title for label in found if (title := first(label, ("title", "name")))]


def commit_fact(sha: str, commit: Payload) -> str:
    """A commit by its subject and its short hash: `Stop the pump (3c3c3c3)`."""
    subject = kit.first_line(dig(commit, "title") or dig(commit, "message"))
    return f"{subject} ({sha[:7]})" if subject and sha else subject or sha[:7]
