"""Markdown in posts. Its libraries are imported when there is some: they are a sixth of a cold start."""

import re

from markupsafe import Markup

from bridge.rendering.text import one_line

# One line of words, in which nothing is markup, a link or a reference: most of what alerts say. To parse it costs fifty
# times as much. Digits may be the number of an issue or a commit.
_WORDS = re.compile(r"[A-Za-z][A-Za-z ,.;:?'()%-]*(?<! )")
_WORDS_AND_NUMBERS = re.compile(r"[A-Za-z][A-Za-z0-9 ,.;:?'()%/=-]*")
_LONGEST = 500  # characters that are looked at for that


def markdown(text: str, limit: int, url: str = "", repository: str = "") -> Markup:
    """The text's Markdown as HTML for Outlook's Word engine.

    What is longer than `limit` characters is cut after a word; a link to the rest follows where a `url` is given.
    repository: its URL; then names, numbers of issues and commits in the text are links, as there.
    """
    if not text:
        return Markup("")
    if len(text) <= min(limit, _LONGEST) and _WORDS.fullmatch(text) and "www." not in text:
        return Markup('<p style="margin:0">{}</p>').format(text)
    from bridge.rendering.markdown_html import as_html  # noqa: PLC0415

    return as_html(text, limit, url, repository)


def plain(text: str, limit: int) -> str:
    """The words of Markdown as one line, within `limit` characters."""
    if len(text) <= min(limit, _LONGEST) and _WORDS_AND_NUMBERS.fullmatch(text) and "//" not in text:
        return " ".join(text.split())
    return one_line(markdown(text, 3 * limit).striptags(), limit)
