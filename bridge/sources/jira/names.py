"""What Jira's events have in common: who, where, and the texts that people write."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from bridge.fields import Payload, as_time, dig, first
from bridge.rendering.text import one_line
from bridge.sources import kit
from bridge.sources.jira import document, wiki

# What has an address of its own, by which the site is known.
_ADDRESSED = (
    "issue", "comment", "worklog", "sprint", "version", "board", "project", "attachment", "user", "configuration",
)  # fmt: skip


def base(payload: Payload) -> str:
    """The address of the Jira that sends, as it stands before those of its objects; some addresses lead to no page."""
    urls = (dig(payload, f"{name}.self") for name in _ADDRESSED)
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
    """Markdown of what people write, which is wiki markup or a document; mentions have the names of the payload."""
    names = kit.names_by_id(payload, "accountId", "name", "key")
    if isinstance(value, str):
        return wiki.markdown(value, names)
    return document.markdown(value, names) if isinstance(value, Mapping) else ""


def named(value: Any) -> str:
    """The name of a status, a version, an option."""
    return one_line(value if isinstance(value, str) else first(value, ("name", "value", "displayName", "key")), 120)


def day(text: Any) -> str:
    """`26 January 2026` of a time or of a date, which Jira also writes as `2026-01-26 00:00:00.0`."""
    if isinstance(text, str) and (match := re.match(r"\d{4}-\d\d-\d\d(?= |$)", text)):
        text = match[0]
    time = as_time(text)
    return f"{time:%d %B %Y}".lstrip("0") if time else ""


def moment(payload: Payload) -> datetime | None:
    """When the event happened."""
    return as_time(payload.get("timestamp"))
