"""The words and places that GitLab's events have in common."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from bridge.events import Event, Severity
from bridge.fields import Payload, as_time, at, dig, first, objects, part
from bridge.rendering.text import one_line

MAX_TITLE = 200  # characters, so that a topic has room for the project
NOTHING = "0" * 40  # the commit that a new branch was at before, and a deleted one is at after
Facts = tuple[tuple[str, str], ...]

_PATHS = ("project.path_with_namespace", "path_with_namespace", "project_path_with_namespace")
_PAGES = ("project.web_url", "repository.homepage", "project.homepage")
_GROUPS = ("group.full_path", "full_path", "group.group_path", "group_path", "project_name", "project.name", "path")
_MERGE_REQUEST = re.compile(r"refs/merge-requests/(\d+)/\w+")
# GitLab names the users of its tokens so, and people their bots: `project_7_bot_1a2b`, `renovate-bot`.
_BOT = re.compile(r"(?:^|[_.-])bot\d*(?:[_.-]|$)|\[bot\]$")
_DRAFT = re.compile(r"^\s*(?:\[(?:draft|wip)\]|\((?:draft|wip)\)|(?:draft|wip):)\s*", re.IGNORECASE)

# What a severity of vulnerabilities and incidents is here.
SEVERITIES: Mapping[str, Severity] = {
    "critical": Severity.CRITICAL,
    "high": Severity.ERROR,
    "medium": Severity.WARNING,
    "low": Severity.INFO,
    "info": Severity.INFO,
}


def moment(payload: Any, *paths: str) -> datetime | None:
    """The first time at the paths. GitLab writes `2026-11-23 14:03:11 UTC` and `... +0200`, too."""
    for path in paths:
        found = at(payload, path)
        if isinstance(found, str):
            found = re.sub(r" ?UTC$", "Z", re.sub(r" ([+-]\d{4})$", r"\1", found.strip()))
        if time := as_time(found):
            return time
    return None


def day(text: str) -> str:
    """`26 January 2026` of a date or a time."""
    time = moment({"time": text}, "time")
    return f"{time:%d %B %Y}".lstrip("0") if time else ""


def number(payload: Any, *paths: str) -> str:
    """The first id at the paths that is none of zero or empty, as text."""
    found = (at(payload, path) for path in paths)
    return next((str(value) for value in found if value and isinstance(value, int | str)), "")


def person(value: Any) -> str:
    """Somebody's name."""
    return one_line(first(value, ("name", "username")), 80)


def people(payload: Any, many: str, one: str = "") -> list[Payload]:
    """Everybody of a list; before GitLab 12 there was only one assignee."""
    alone = part(payload, one) if one else {}
    return objects(payload, many) or ([alone] if alone else [])


def names(users: list[Payload]) -> str:
    """The names of users, as a fact."""
    return ", ".join(dict.fromkeys(filter(None, map(person, users))))


def is_bot(username: str) -> bool:
    """Whether a user is a program, as far as its name tells; GitLab's payloads do not."""
    return bool(_BOT.search(username.lower()))


def page(payload: Payload) -> str:
    """The project's page, which its things have theirs below."""
    address, below, _ = dig(payload, "object_attributes.url").partition("/-/")
    return (first(payload, _PAGES) or (address if below else "")).rstrip("/")


def scope(payload: Payload) -> str:
    """The project's path, `pump/firmware`, else the group's, else a name."""
    address = page(payload)
    path = urlsplit(address).path.strip("/") if address.startswith(("http://", "https://")) else ""
    return one_line(first(payload, _PATHS) or path or first(payload, _GROUPS), 120)


def home(payload: Payload, *projects: str) -> str:
    """The project or group that a thread belongs to; `projects` are better places to look for its id."""
    ident = number(payload, *projects, "project.id", "project_id", "object_attributes.project_id")
    if ident:
        return f"project {ident}"
    group = number(payload, "group.group_id", "group.id", "group_id", "object_attributes.group_id")
    return f"group {group}" if group else scope(payload) or "gitlab"


def ref_name(ref: str) -> str:
    """`main` of refs/heads/main, `!12` of refs/merge-requests/12/head."""
    match = _MERGE_REQUEST.fullmatch(ref)
    return f"!{match[1]}" if match else re.sub(r"^refs/(heads|tags)/", "", ref)


def merge_request_of(ref: str) -> str:
    """The number of the merge request that a ref is of, or nothing."""
    match = _MERGE_REQUEST.fullmatch(ref)
    return match[1] if match else ""


def iid(thing: Payload) -> str:
    """The number that people know an issue or a merge request by; its URL has it, too."""
    address = re.search(r"/(?:issues|merge_requests|work_items|epics)/(\d+)", dig(thing, "url"))
    return number(thing, "iid") or (address[1] if address else "")


def undrafted(title: str) -> str:
    """A merge request's title without the mark of a draft, so that it stays the same when it is ready."""
    return _DRAFT.sub("", title)


def labels(*places: Any) -> list[str]:
    """The titles of labels, of the first place that has some."""
    found = next(filter(None, (objects(place, "labels") for place in places)), [])
    return [title for label in found if (title := first(label, ("title", "name")))]


def titled(name: str, reference: str = "") -> str:
    """A title as in GitLab's own mails: `Stop the pump (!12)`."""
    return one_line(name, MAX_TITLE - 20) + (f" ({reference})" if reference else "")


def subject(message: str) -> str:
    """The first line of a commit's message."""
    return one_line(message.strip()[:2000].partition("\n")[0], 120)


def commit_fact(sha: str, commit: Payload) -> str:
    """A commit by its subject and its short hash: `Stop the pump (3c3c3c3)`."""
    told = dig(commit, "title") or subject(dig(commit, "message"))
    return f"{told} ({sha[:7]})" if told and sha else told or sha[:7]


def found(**facts: str) -> Facts:
    """The facts that have a value; an underscore is a blank in a name."""
    return tuple((name.replace("_", " "), one_line(value, 200)) for name, value in facts.items() if value)


def spoken(name: str) -> str:
    """`script failure` of script_failure."""
    return one_line(name.replace("_", " ").replace("::", " "), 80).lower()


def with_attributes(event: Event, **attributes: Any) -> Mapping[str, Any]:
    """The event's attributes with these."""
    return {**event.attributes, **attributes}
