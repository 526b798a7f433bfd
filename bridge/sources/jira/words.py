"""The words and places that Jira's events have in common."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from bridge.events import Event, Severity
from bridge.fields import Payload, as_time, at, dig, first, part
from bridge.rendering.text import one_line
from bridge.sources.jira import document, wiki

MAX_TITLE = 200  # characters, so that a topic has room for the project
Facts = tuple[tuple[str, str], ...]

# What has an address of its own, by which the site is known.
_THINGS = (
    "issue",
    "comment",
    "worklog",
    "sprint",
    "version",
    "board",
    "project",
    "attachment",
    "user",
    "configuration",
)
# Where people are named.
_PEOPLE = (
    "user", "comment.author", "comment.updateAuthor", "worklog.author", "issue.fields.assignee",
    "issue.fields.reporter", "issue.fields.creator",
)  # fmt: skip
_SEVERITIES = {"warning": Severity.WARNING, "error": Severity.ERROR}


@dataclass(frozen=True)
class Deed:
    """What somebody did to something: `moved` it `to Done`.

    did: the verb, before the thing. word, tone: for the card's first line and bar. after: the words behind the thing.
    """

    did: str
    word: str
    tone: str = "info"
    after: str = ""


def told(event: Event, deed: Deed, **details: Any) -> Event:
    """The event with what was done, which its tone says the weight of."""
    return replace(
        event,
        severity=max(event.severity, _SEVERITIES.get(deed.tone, Severity.INFO)),
        details={**event.details, **vars(deed), **details},
    )


def base(payload: Payload) -> str:
    """The address of the Jira that sends, as it stands before those of its things; some addresses lead to no page."""
    urls = (dig(payload, f"{thing}.self") for thing in _THINGS)
    found = next((url.partition("/rest/")[0] for url in urls if "/rest/" in url), "")
    return "" if "//api.atlassian.com/" in found else found


def site(payload: Payload) -> str:
    """The name of the Jira that sends, in which its ids count."""
    return urlsplit(base(payload)).netloc if "://" in base(payload) else ""


def below(address: str, path: str) -> str:
    """An address below another, or nothing."""
    return f"{address}/{path}" if address else ""


def person(value: Any) -> str:
    """Somebody's name."""
    return one_line(first(value, ("displayName", "name", "emailAddress")), 80)


def text_of(value: Any, payload: Payload) -> str:
    """Markdown of what people write, which is wiki markup or a document."""
    if isinstance(value, str):
        return wiki.markdown(value, _names(payload))
    return document.markdown(value) if isinstance(value, Mapping) else ""


def _names(payload: Payload) -> Mapping[str, str]:
    """The people that the payload knows, by what a mention may call them."""
    people = [part(payload, path) for path in _PEOPLE]
    return {ident: person(one) for one in people for key in ("accountId", "name", "key") if (ident := dig(one, key))}


def number(payload: Any, *paths: str) -> str:
    """The first id at the paths that is none of zero or empty, as text."""
    values = (at(payload, path) for path in paths)
    return next((str(value) for value in values if value and isinstance(value, int | str)), "")


def named(value: Any) -> str:
    """A thing's name: a status, a version, an option."""
    return one_line(value if isinstance(value, str) else first(value, ("name", "value", "displayName", "key")), 120)


def spoken(name: str) -> str:
    """`issue moved` of issue_moved."""
    return one_line(re.sub(r"[_.:]+", " ", name), 80).lower()


def day(text: Any) -> str:
    """`26 January 2026` of a time or of a date, which Jira also writes as `2026-01-26 00:00:00.0`."""
    if isinstance(text, str) and (match := re.match(r"\d{4}-\d\d-\d\d(?= |$)", text)):
        text = match[0]
    time = as_time(text)
    return f"{time:%d %B %Y}".lstrip("0") if time else ""


def moment(payload: Payload) -> datetime | None:
    """When the event happened."""
    return as_time(payload.get("timestamp"))


def titled(*parts: str) -> str:
    """A title from its parts: `PUMP-7 The pump runs dry`."""
    return one_line(" ".join(filter(None, parts)), MAX_TITLE)


def changed(old: str, new: str) -> str:
    """`Old → New`, or an empty text where both are the same."""
    return "" if old == new else f"{old or 'none'} → {new or 'none'}"


def found(**facts: str) -> Facts:
    """The facts that have a value; an underscore is a blank in a name."""
    return tuple((name.replace("_", " "), one_line(value, 200)) for name, value in facts.items() if value)


def with_attributes(event: Event, **attributes: Any) -> Mapping[str, Any]:
    """The event's attributes with these."""
    return {**event.attributes, **attributes}
