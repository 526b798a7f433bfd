"""The text of a post: its beginning, as a list shows it, and the whole of it, as a search reads it."""

import html
import re

_PREVIEW = 255
_MARKUP = re.compile(r"<(style|script|title)\b.*?(?:</\1>|\Z)|<[^<>]*>", re.DOTALL | re.IGNORECASE)


def preview(content: str) -> str:
    """The beginning of a post, without markup."""
    return _plain(content)[:_PREVIEW].rstrip(" \u200c")


def searchable(*parts: str) -> str:
    """The text of some parts of a post, HTML or not, in which upper and lower case do not differ."""
    return "\n".join(map(_plain, parts)).casefold()


def _plain(content: str) -> str:
    return " ".join(html.unescape(_MARKUP.sub(" ", content)).split())
