"""The message that every service hook carries, in words and with links, whatever its resource has.

https://learn.microsoft.com/azure/devops/service-hooks/events

What is read from a message is read from its whole first line, by the form in which the service writes it.
"""

import html
import re

from bridge.fields import Payload, first
from bridge.rendering.text import one_line

_LONGEST = 20_000  # characters; longer ones are of no use to anyone
_URL = re.compile(r"https?://[^\s\"'<>()\]]+")
_OWN_LINE = re.compile(r"^[ \t]*\(?(https?://[^\s\"'<>()\]]+)\)?[ \t]*$", re.MULTILINE)
_TARGET = re.compile(r"\]\s?\((https?://[^\s\"'<>()\]]+)\)")
_HREF = re.compile(r"\bhref=[\"']?(https?://[^\s\"'<>]+)")
_SERVICE = re.compile(r"\bMicrosoft\.(?:VisualStudio\.Services|TeamFoundation)(?:\.[A-Za-z]+)+")
_TAG = re.compile(r"<[\\/]?\w[^<>]*>")
_ANCHOR = re.compile(r"<a\b([^<>]*)>([^<]*)</a>")
_ADDRESS = re.compile(r'href="(https?://[^"]*)"')
_LINK = re.compile(r"\[([^\[\]]*)\] ?\(([^()]*)\)")


def line(payload: Payload) -> str:
    """What the hook says, in its one line, whole: `Mona Lisa approved pull request 12 (Stop the pump) in firmware`."""
    text = _message(payload, "text")
    if not text.strip():
        text = _plain(_message(payload, "markdown", "html"))
    return next((" ".join(line.split()) for line in text.splitlines() if line.strip()), "")


def sentence(payload: Payload) -> str:
    """What the hook says in one line, without its links and as short as a post needs it."""
    text = _plain(_message(payload, "text", "markdown", "html"))
    whole = next((line for line in text.splitlines() if line.strip()), "")
    whole = _SERVICE.sub("Azure DevOps", _URL.sub("", whole))
    return one_line(re.sub(r"(?<!\s)\s*\(\s*\)|:\s*$", "", whole), 250).rstrip(" .")


def text(payload: Payload) -> str:
    """What the hook adds to its sentence, as Markdown."""
    added = first(payload, ("detailedMessage.markdown", "detailedMessage.text"))[:_LONGEST]
    lines = [line for line in _tidy(added).splitlines() if not re.fullmatch(r"\s*[*+-] [^:]+:\s*", line)]
    return "\n".join(lines[1:]).strip()


def link(payload: Payload) -> str:
    """The first link for people that the hook itself sets; those to the REST interface show them only JSON."""
    for form, pattern in (("html", _HREF), ("markdown", _TARGET), ("text", _OWN_LINE)):
        urls = map(html.unescape, pattern.findall(_message(payload, form)))
        if found := next((url for url in urls if "/_apis/" not in url), ""):
            return found
    return ""


def readable(text: str) -> str:
    """Markdown of somebody's words, which work items keep as HTML."""
    if not _TAG.search(text):
        return text
    text = _ANCHOR.sub(_anchored, text[:_LONGEST])
    text = re.sub(r"<li\b[^<>]*>", "\n* ", text)
    text = re.sub(r"</(?:div|p|ul|ol|tr|h\d)>|<br\b[^<>]*>", "\n\n", text)
    return html.unescape(_TAG.sub("", text)).strip()


def _anchored(match: re.Match[str]) -> str:
    address = _ADDRESS.search(match[1])
    return f"[{match[2]}]({address[1]})" if address else match[0]


def _message(payload: Payload, *forms: str) -> str:
    """The message in the first of these forms that it has."""
    paths = [f"{name}.{form}" for name in ("message", "detailedMessage") for form in forms]
    return first(payload, paths)[:_LONGEST]


def _plain(text: str) -> str:
    return html.unescape(_TAG.sub("", _LINK.sub(r"\1", _tidy(text))))


def _tidy(text: str) -> str:
    """Some hooks write line ends as a backslash and a letter, tags into Markdown, and links the wrong way round."""
    text = text.replace("\\r", "").replace("\\n", "\n").replace("\r", "")
    return _LINK.sub(_mended, _TAG.sub("", re.sub(r"<li>", "\n* ", text)))


def _mended(match: re.Match[str]) -> str:
    name, target = match[1].strip(), match[2].strip()
    if target.startswith("http"):
        return f"[{name}]({target})"
    return f"[{target}]({name})" if name.startswith("http") else f"{name} ({target})"
