"""What a text of a post names, as links: people, issues, commits and addresses."""

import re
from collections.abc import Iterator
from functools import cache

from markupsafe import escape

from bridge.rendering.links import real_host, safe_url

_STYLE = "color:#0f6cbd"
_ADDRESSES = {
    "site": "http://{site}",
    "mail": "mailto:{mail}",
    "name": "{forge}/{name}",
    "number": "{repository}/issues/{number}",
    "foreign": "{forge}/{elsewhere}/issues/{foreign}",
    "commit": "{repository}/commit/{commit}",
}


@cache
def _reference() -> re.Pattern[str]:
    """As on GitHub.

    https://docs.github.com/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
    """
    return re.compile(
        r"(?<![\w@#/.+-])(?:"
        r"(?P<site>www\.[\w-]+(?:\.[\w-]+)+(?:/[^\s<>\"']*[\w/])?)"
        r"|(?P<mail>[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,})"
        r"|@(?P<name>[a-zA-Z\d](?:[a-zA-Z\d-]{0,37}[a-zA-Z\d])?)(?![\w/@-])"
        r"|(?P<elsewhere>[\w.-]{1,39}/[\w.-]{1,100})#(?P<foreign>[1-9]\d{0,8})\b"
        r"|(?:\#|GH-)(?P<number>[1-9]\d{0,8})\b"
        r"|(?P<commit>(?=[a-f]*\d)(?=\d*[a-f])[\da-f]{7,40})(?![\w-])"
        r")",
        re.ASCII,
    )


def linked(text: str, repository: str) -> Iterator[str]:
    """The text, escaped, with links where it names something."""
    end = 0
    for found in _reference().finditer(text):
        if tag := anchor(_address(found, repository)):
            yield str(escape(text[end : found.start()]))
            shown = found["commit"][:7] if found["commit"] else found[0]
            yield f"{tag}{escape(shown)}</a>"
            end = found.end()
    yield str(escape(text[end:]))


def _address(found: re.Match[str], repository: str) -> str:
    """Where the reference leads, or an empty string where that is not known."""
    form = _ADDRESSES[str(found.lastgroup)]
    forge = repository.rsplit("/", 2)[0]
    # Without a repository what remains of the form is no safe address, unless it needs none.
    return form.format(**found.groupdict(), forge=forge, repository=repository)


def anchor(url: str) -> str:
    """The opening tag of a link, or an empty string without a safe address."""
    url = safe_url(url)
    return f'<a href="{escape(url)}" style="{_STYLE}">' if url else ""


def arrow(text: str, url: str) -> str:
    """What follows a link's text that looks like the address of another place."""
    host = real_host(text, url)
    return f" → {escape(host)}" if host else ""
