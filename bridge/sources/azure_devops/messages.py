"""The message that every service hook carries, in words and with links, whatever its resource has.

https://learn.microsoft.com/azure/devops/service-hooks/events
"""

import html
import re
from collections.abc import Sequence

from bridge.fields import Payload, first
from bridge.rendering.text import one_line

_LONGEST = 20_000  # characters; longer ones are of no use to anyone
_FORMS = ("text", "markdown", "html")
_URL = re.compile(r"https?://[^\s\"'<>()\]]+")
_TAG = re.compile(r"<[\\/]?\w[^<>]*>")
_LINK = re.compile(r"\[([^\[\]]*)\] ?\(([^()]*)\)")
# A name comes before one of these. "by" is for work items: `Bug #5 (The pump runs dry) created by Mona Lisa.`
_ACTOR = re.compile(
    r"^(.{1,80}?) (?:has |is |was )?(?:abandoned|added|approved|changed|checked in|commented|completed|created|deleted|"
    r"disabled|edited|enabled|forked|marked|posted|published|pushed|reactivated|rejected|removed|renamed|replied|"
    r"requested|reset|restored|set|updated|voted|waiting)\b"
)
_BY = re.compile(r" by ([^.()]{1,80})\.?$")


def sentence(payload: Payload) -> str:
    """What the hook says in one line, without its links: `Mona Lisa pushed updates to pump:main`."""
    text = _message(payload, ("message", "detailedMessage"), _FORMS)
    lines = [line for line in _plain(text).splitlines() if line.strip()]
    return one_line(re.sub(r"\s*\(\s*\)|:\s*$", "", _URL.sub("", lines[0])), 250).rstrip(" .") if lines else ""


def text(payload: Payload) -> str:
    """What the hook adds to its sentence, as Markdown."""
    told = _message(payload, ("detailedMessage",), ("markdown", "text"))
    lines = [line for line in _tidy(told).splitlines() if not re.fullmatch(r"\s*[*+-] [^:]+:\s*", line)]
    return "\n".join(lines[1:]).strip()


def link(payload: Payload) -> str:
    """The first link for people; those to the REST interface show them only JSON."""
    for form in ("html", "markdown", "text"):
        found = _URL.findall(html.unescape(_message(payload, ("message", "detailedMessage"), (form,))))
        if urls := [url for url in found if "/_apis/" not in url]:
            return str(urls[0])
    return ""


def actor(payload: Payload) -> str:
    """Who did it, as far as the sentence tells."""
    told = sentence(payload)
    match = _BY.search(told) or _ACTOR.match(told)
    return match[1] if match else ""


def readable(text: str) -> str:
    """Markdown of somebody's words, which work items keep as HTML."""
    if not _TAG.search(text):
        return text
    text = re.sub(r'<a\b[^<>]*?href="(https?://[^"<>]*)"[^<>]*>([^<]*)</a>', r"[\2](\1)", text[:_LONGEST])
    text = re.sub(r"<li\b[^<>]*>", "\n* ", text)
    text = re.sub(r"</(?:div|p|ul|ol|tr|h\d)>|<br\b[^<>]*>", "\n\n", text)
    return html.unescape(_TAG.sub("", text)).strip()


def _message(payload: Payload, names: Sequence[str], forms: Sequence[str]) -> str:
    return first(payload, [f"{name}.{form}" for name in names for form in forms])[:_LONGEST]


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
