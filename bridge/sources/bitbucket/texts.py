"""People of Bitbucket Cloud, and what they write: Markdown, in which others are mentioned by their ids."""

import html
import re
from collections.abc import Iterable
from typing import Any

from bridge.fields import dig, first
from bridge.rendering.text import one_line

# Bitbucket's own HTML of the same text has the names.
_TAG = re.compile(r"<([^<>]*)>([^<>]*)")
_ACCOUNT = re.compile(r'data-atlassian-id="([^"]+)"')
_MENTION = re.compile(r"@\{([^{}]{1,80})\}")


def person(value: Any) -> str:
    """Somebody's name; an author of commits without an account is `Mona Lisa <mona@contoso.com>`."""
    name = first(value, ("display_name", "nickname", "username", "name", "user.display_name"))
    return one_line(name or dig(value, "raw").partition("<")[0], 80)


def people(values: Iterable[Any]) -> list[str]:
    """The names of people, each once."""
    return list(dict.fromkeys(filter(None, map(person, values))))


def markdown_of(holder: Any, name: str) -> str:
    """The Markdown of a text, with names in it instead of the ids of people."""
    raw, rendered = dig(holder, f"{name}.raw"), dig(holder, f"{name}.html")
    tags = ((_ACCOUNT.search(tag), name) for tag, name in _TAG.findall(rendered))
    names = {account[1]: html.unescape(name).strip() for account, name in tags if account}
    return _MENTION.sub(lambda found: names.get(found[1]) or "@someone", raw)
