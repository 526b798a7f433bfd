"""Markdown in posts. Its libraries are imported when there is some: they are a sixth of a cold start."""

from markupsafe import Markup

from bridge.rendering.links import safe_url
from bridge.rendering.markdown_lines import html_of, words_of
from bridge.rendering.text import one_line

_LONGEST = 2000  # characters that are looked at before the parser looks at them


def markdown(text: str, limit: int, url: str = "", repository: str = "") -> Markup:
    """The text's Markdown as HTML for Outlook's Word engine.

    What is longer than `limit` characters is cut after a word; a link to the rest follows where a `url` is given.
    repository: its URL; then names, numbers of issues and commits in the text are links, as there.
    """
    if not text:
        return Markup("")
    if len(text) <= min(limit, _LONGEST):
        home = repository.rstrip("/") if safe_url(repository) else ""
        if found := html_of(text, home):
            return Markup(found)  # noqa: S704 - all but its own tags is escaped
    from bridge.rendering.markdown_html import as_html  # noqa: PLC0415

    return as_html(text, limit, url, repository)


def plain(text: str, limit: int) -> str:
    """The words of Markdown as one line, within `limit` characters."""
    if len(text) <= min(3 * limit, _LONGEST) and (found := words_of(text)):
        return one_line(found, limit)
    return one_line(markdown(text, 3 * limit).striptags(), limit)
