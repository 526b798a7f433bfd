"""What people write in Bitbucket Cloud: Markdown, in which people are named by their ids."""

import html
import re
from typing import Any

from bridge.fields import dig

# Bitbucket's own HTML of the same text has the names.
_NAMED = re.compile(r'data-atlassian-id="([^"]+)"[^<>]*>([^<]*)<')
_MENTION = re.compile(r"@\{([^{}]{1,80})\}")


def markdown_of(thing: Any, name: str) -> str:
    """The Markdown of a text, with names in it instead of the ids of people."""
    raw, rendered = dig(thing, f"{name}.raw"), dig(thing, f"{name}.html")
    names = {ident: html.unescape(name).strip() for ident, name in _NAMED.findall(rendered)}
    return _MENTION.sub(lambda found: names.get(found[1]) or "@someone", raw)
