"""Markdown in posts. Its libraries are imported when there is a text: they are a sixth of a cold start."""

from markupsafe import Markup


def markdown(text: str, limit: int, url: str = "", repository: str = "") -> Markup:
    """The text's Markdown as HTML for Outlook's Word engine.

    What is longer than `limit` characters is cut after a word; a link to the rest follows where a `url` is given.
    repository: its URL; then names, numbers of issues and commits in the text are links, as there.
    """
    if not text:
        return Markup("")
    from bridge.rendering.markdown_html import as_html  # noqa: PLC0415

    return as_html(text, limit, url, repository)
