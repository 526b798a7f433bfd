"""The template filters: Markdown, links, shortening, times and numbers, all safe to show in Outlook."""

import re
from collections.abc import Mapping, MutableMapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup, escape

SCHEMES = {"http", "https", "mailto"}
LONGEST_URL = 2000  # what every browser and Outlook take

_PARAGRAPH = "margin:0 0 8px 0"
_CODE = "font-family:Consolas,monospace;font-size:13px;background:#f3f2f1;color:#323130"
_CELL = "border:1px solid #e1dfdd;padding:3px 8px"
_HEADING = f"{_PARAGRAPH};font-weight:600;color:#201f1e"
_STYLES: Mapping[str, str] = {
    "p": _PARAGRAPH,
    "a": "color:#0f6cbd",
    "code": _CODE,
    "pre": f"{_CODE};{_PARAGRAPH};padding:6px 8px;white-space:pre-wrap",
    # Word puts the marks of a list into its margin, and knows no padding here.
    "ul": "margin:0 0 8px 24px",
    "ol": "margin:0 0 8px 24px",
    "blockquote": f"{_PARAGRAPH};padding:0 0 0 10px;border-left:3px solid #c8c6c4;color:#605e5c",
    "table": f"{_PARAGRAPH};border-collapse:collapse;font-size:13px",
    "th": f"{_CELL};font-weight:600",
    "td": _CELL,
}
_PLAIN_TAGS = {"br", "strong", "em", "s", "li", "span", "hr", "thead", "tbody", "tr"}
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}

# An open comment runs to the end, which also keeps the search linear.
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TASK = re.compile(r"^([ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+)\[([ xX])\](?=[ \t])", re.MULTILINE)
# Controls but for tab and line ends, and the marks that turn the direction of text to disguise it.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """The text without control characters; line ends and tabs stay."""
    return _CONTROLS.sub("", text)


def shorten(text: str, limit: int) -> str:
    """The text within `limit` characters, cut after a word and then ending in an ellipsis."""
    if len(text) <= limit:
        return text
    cut = text[: max(limit - 1, 0)]
    word_end = max(cut.rfind(" "), cut.rfind("\n"))
    # A cut in a very long word is better than nearly nothing.
    return cut[: word_end if word_end > limit // 2 else None].rstrip(" \n,.;:") + "…"


def one_line(text: str, limit: int) -> str:
    """The text as one line without control characters, within `limit` characters."""
    # Only so much is looked at, as a title can be megabytes of blanks.
    return shorten(" ".join(printable(text[: limit * 20]).split()), limit)


def safe_url(url: str) -> str:
    """The URL if it is a whole one of http, https or mailto and not overlong, else an empty string."""
    url = url.strip()
    if len(url) > LONGEST_URL or re.search(r"[\s\x00-\x1f\x7f<>\"]", url):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    whole = parts.path if parts.scheme == "mailto" else parts.netloc
    return url if parts.scheme in SCHEMES and whole else ""


def is_id(text: str) -> bool:
    """Whether the text is an id, which is compared digit by digit: a commit's hash or a UUID."""
    return bool(
        re.fullmatch(r"(?=.*\d)([0-9a-f]{7,64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})", text.strip().lower())
    )


def short_url(url: str) -> str:
    """A URL as people read it: its host and what there is room for of its path."""
    return shorten(re.sub(r"^https?://(www\.)?", "", url.strip()).rstrip("/"), 60)


def markdown(text: str, limit: int, url: str = "") -> Markup:
    """The text's Markdown (GitHub's flavour) as HTML for Outlook's Word engine.

    Raw HTML is reduced to its text, images become links. What is longer than `limit` characters is cut after a word;
    a link to the rest follows where a `url` is given.
    """
    text = _COMMENT.sub("", printable(text)).strip()
    text = _TASK.sub(lambda task: task[1] + ("☐" if task[2] == " " else "☑"), text)
    html = _without_last_gap(_clean(_PARSER.render(shorten(text, limit)).strip()))
    url = safe_url(url)
    if len(text) > limit and url:
        html = _append(html, f" {_anchor(url)}Read on</a>")
    return Markup(html)  # noqa: S704 - the sanitiser has cleaned it


def plain(text: str, limit: int) -> str:
    """The words of Markdown as one line, within `limit` characters."""
    return one_line(markdown(text, 3 * limit).striptags(), limit)


def duration(seconds: float) -> str:
    """A length of time in its two largest units: `4 min 10 s`, `2 h`, `3 d 4 h`."""
    rest = max(round(seconds), 0)
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        amount, rest = divmod(rest, size)
        parts.append((amount, unit))
    while len(parts) > 1 and not parts[0][0]:
        parts.pop(0)
    return " ".join(f"{amount} {unit}" for index, (amount, unit) in enumerate(parts[:2]) if amount or len(parts) == 1)


def between(start: datetime | None, end: datetime | None) -> str:
    """How long it took from one time to another, or an empty string where that cannot be said."""
    if start is None or end is None or not timedelta(seconds=1) <= end - start < timedelta(days=400):
        return ""
    return duration((end - start).total_seconds())


def clock(time: datetime) -> str:
    """The time of day in UTC: `14:03 UTC`."""
    return f"{time.astimezone(UTC):%H:%M} UTC"


def count(number: float) -> str:
    """A number with its thousands set apart: `12,400`."""
    return f"{number:,}"


def plural(number: int, noun: str, many: str = "") -> str:
    """A number with its noun: `1 commit`, `3 commits`."""
    return f"{count(number)} {noun if number == 1 else many or noun + 's'}"


FILTERS = {
    "between": between,
    "clock": clock,
    "count": count,
    "duration": duration,
    "is_id": is_id,
    "markdown": markdown,
    "one_line": one_line,
    "plain": plain,
    "plural": plural,
    "safe_url": safe_url,
    "short_url": short_url,
    "shorten": shorten,
}


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802, ARG002 - the library's name
        """Every link is parsed; the ones that are not safe lose their address when they are written."""
        return True


class _Renderer(RendererHTML):
    """Writes tokens with inline styles, and nothing of the author's HTML but its text."""

    def renderToken(  # noqa: N802 - the library's name
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        token = tokens[idx]
        heading = token.tag in _HEADINGS
        token.tag = "p" if heading else token.tag
        if token.nesting >= 0 and token.tag in _STYLES:
            token.attrSet("style", _HEADING if heading else _STYLES[token.tag])
        return super().renderToken(tokens, idx, options, env)

    def link_open(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return _anchor(str(tokens[idx].attrGet("href")))

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        token = tokens[idx]
        name = escape(self.renderInlineAsText(token.children, options, env) or "image")
        inside_link = sum(earlier.nesting for earlier in tokens[:idx] if earlier.type.startswith("link_")) > 0
        return str(name) if inside_link else f"{_anchor(str(token.attrGet('src')))}{name}</a>"

    def code_inline(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return f'<code style="{_CODE}">{escape(tokens[idx].content)}</code>'

    def code_block(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return f'<pre style="{_STYLES["pre"]}">{escape(tokens[idx].content.rstrip())}</pre>\n'

    def fence(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return self.code_block(tokens, idx)

    def html_block(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        inner = nh3.clean(tokens[idx].content, tags=set()).strip()
        return f'<p style="{_PARAGRAPH}">{inner}</p>' if inner else ""

    def html_inline(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return "<br>" if tokens[idx].content.lower().startswith("<br") else ""


def _anchor(url: str) -> str:
    """An opening tag; without a safe address it is bare, and taken out again after the sanitiser."""
    url = safe_url(url)
    return f'<a href="{escape(url)}" style="{_STYLES["a"]}">' if url else "<a>"


def _clean(html: str) -> str:
    cleaned = nh3.clean(
        html,
        tags=_PLAIN_TAGS | set(_STYLES),
        attributes={tag: {"style"} for tag in _STYLES if tag != "a"} | {"a": {"href", "style"}},
        url_schemes=SCHEMES,
        link_rel=None,
    )
    return re.sub(r"<a>(.*?)</a>", r"\1", cleaned, flags=re.DOTALL)


def _without_last_gap(html: str) -> str:
    """What comes after the text brings its own distance."""
    before, gap, after = html.rpartition(_PARAGRAPH)
    return f"{before}margin:0{after}" if gap and html.endswith("</p>") else html


def _append(html: str, more: str) -> str:
    """Adds to the last paragraph, or after whatever else stands last."""
    return html.removesuffix("</p>") + more + ("</p>" if html.endswith("</p>") else "")


def _parser() -> MarkdownIt:
    # HTML is parsed so that it can be told from text; the renderer keeps none of its tags.
    options = {"html": True, "linkify": True, "breaks": True}
    parser = _Parser("commonmark", options, renderer_cls=_Renderer)
    parser.enable(["table", "strikethrough", "linkify"])
    if parser.linkify:
        # Only what is written as a link: `README.md` is a file here, not a site in Moldova.
        parser.linkify.set({"fuzzy_link": False, "fuzzy_email": False})
    return parser


_PARSER = _parser()
