"""The words that the events of Bitbucket have in common, those of Cloud and those of Data Center."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bridge.events import Event, Severity
from bridge.fields import at, dig, first
from bridge.rendering.text import one_line

MAX_TITLE = 200  # characters, so that a topic has room for the repository
Facts = tuple[tuple[str, str], ...]

# Every attribute that a route may ask for, so that no route's condition fails on it.
_TEXTS = (
    "project", "repository", "branch", "source_branch", "tag", "author", "sender", "action", "state", "status",
    "issue_type", "priority", "assignee",
)  # fmt: skip
ATTRIBUTES: Mapping[str, Any] = {**dict.fromkeys(_TEXTS, ""), "reviewers": [], "draft": False, "private": False}

_SEVERITIES = {"success": Severity.INFO, "warning": Severity.WARNING, "error": Severity.ERROR}


@dataclass(frozen=True)
class Deed:
    """What somebody did to something: `merged` it `into` main.

    did: the verb, before the thing. word, tone: for the card's first line and bar.
    after: the words behind the thing. place: a name of the machine world behind those.
    """

    did: str
    word: str
    tone: str = "info"
    after: str = ""
    place: str = ""


@dataclass(frozen=True)
class Change:
    """What a push did to one branch or tag.

    kind: `branch` or `tag`. deed: `created`, `deleted`, `forced` or `pushed`. old, new: hashes.
    commits: the newest first, as `parts.commits` of the templates takes them. is_cut: there are more than these.
    """

    kind: str
    name: str
    deed: str
    old: str = ""
    new: str = ""
    commits: Sequence[Mapping[str, str]] = ()
    is_cut: bool = False
    url: str = ""
    authors: str = ""


def told(event: Event, deed: Deed, **details: Any) -> Event:
    """The event with what was done, which its tone says the weight of."""
    return replace(
        event,
        severity=max(event.severity, _SEVERITIES.get(deed.tone, Severity.INFO)),
        details={**event.details, **vars(deed), **details},
    )


def pushed(event: Event, change: Change) -> Event:
    """The push of one change; the event's thread is that of the repository."""
    known = {change.kind: change.name}
    return replace(
        event,
        correlation_key=ref_thread(event.correlation_key, change.kind, change.name),
        title=titled(f"{change.kind.capitalize()} {change.name}"),
        url=change.url or event.url,
        facts=found(Authors=change.authors),
        attributes=with_attributes(event, action=change.deed, **known),
        details={**event.details, **vars(change), "old": change.old[:7], "new": change.new[:7]},
    )


def ref_thread(home: str, kind: str, name: str) -> str:
    """The thread of a branch or tag in the repository's own."""
    return f"{home} refs/{'tags' if kind == 'tag' else 'heads'}/{name}"


def commented(deed: str, answers: bool, path: str = "", line: str = "") -> Deed:
    """What was done with a comment: `created`, `updated`, `deleted`, `resolved` or `reopened`."""
    did, word, tone = {
        "created": ("answered a comment on" if answers else "commented on", "comment", "info"),
        "updated": ("edited a comment on", "comment", "info"),
        "deleted": ("deleted a comment on", "comment deleted", "quiet"),
        "resolved": ("resolved a comment on", "resolved", "success"),
        "reopened": ("reopened a comment on", "reopened", "info"),
    }.get(deed, ("commented on", "comment", "info"))
    place = path + (f":{line}" if line else "") if path else ""
    return Deed(did, word, tone, "at" if place else "", place)


def person(value: Any) -> str:
    """Somebody's name; who commits without an account is `Mona Lisa <mona@contoso.com>`."""
    name = first(value, ("display_name", "displayName", "nickname", "username", "name", "user.display_name"))
    return one_line(name or re.sub(r"\s*<[^<>]*>$", "", dig(value, "raw")), 80)


def people(values: Sequence[Any]) -> str:
    """Their names, each once."""
    return ", ".join(dict.fromkeys(filter(None, map(person, values))))


def number(payload: Any, *paths: str) -> str:
    """The first id at the paths that is none of zero or empty, as text."""
    values = (at(payload, path) for path in paths)
    return next((str(value).strip("{}") for value in values if value and isinstance(value, int | str)), "")


def titled(name: str, reference: str = "") -> str:
    """A title with its reference behind it: `Stop the pump #12`."""
    return one_line(name, MAX_TITLE - 20) + (f" {reference}" if reference else "")


def subject(message: str) -> str:
    """The first line of a commit's message."""
    return one_line(message.strip()[:2000].partition("\n")[0], 120)


def spoken(name: str) -> str:
    """`on hold` of on_hold."""
    return one_line(name.replace("_", " ").replace(":", " ").replace(".", " "), 80).lower()


def changed(old: str, new: str) -> str:
    """`Old → New`, or an empty text where both are the same."""
    return "" if old == new else f"{old or 'none'} → {new or 'none'}"


def found(**facts: str) -> Facts:
    """The facts that have a value; an underscore is a blank in a name."""
    return tuple((name.replace("_", " "), one_line(value, 200)) for name, value in facts.items() if value)


def with_attributes(event: Event, **attributes: Any) -> Mapping[str, Any]:
    """The event's attributes with these."""
    return {**event.attributes, **attributes}
