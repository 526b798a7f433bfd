"""How Markdown is read and written: as GitHub means it, as HTML for Outlook's Word engine.

https://github.github.com/gfm/
https://docs.github.com/get-started/writing-on-github
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markupsafe import Markup, escape

from bridge.rendering.links import SCHEMES, safe_url
from bridge.rendering.markdown_lines import BLOCK, CODE, PARAGRAPH
from bridge.rendering.references import anchor, arrow, linked
from bridge.rendering.text import one_line, printable, shorten, visible

_HEADING = f"{PARAGRAPH};font-weight:600;color:#201f1e"
_CELL = "border:1px solid #e1dfdd;padding:3px 8px"
# Word puts the marks of a list into its margin; browsers would add a padding of their own.
_LIST = "margin:0 0 8px 24px;padding:0"
_QUOTE = f"{PARAGRAPH};padding:0 0 0 10px;border-left:3px solid "

# What each tag of Markdown or of HTML within it is written as; what is not named here is its text alone.
_ELEMENTS: Mapping[str, tuple[str, str]] = {
    "p": ("p", PARAGRAPH),
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6", "summary", "dt"), ("p", _HEADING)),
    "dd": ("p", PARAGRAPH),
    "pre": ("pre", BLOCK),
    **dict.fromkeys(("code", "kbd", "samp", "tt"), ("code", CODE)),
    **dict.fromkeys(("strong", "b"), ("strong", "")),
    **dict.fromkeys(("em", "i"), ("em", "")),
    **dict.fromkeys(("s", "del", "strike"), ("s", "")),
    "ul": ("ul", _LIST),
    "ol": ("ol", _LIST),
    "li": ("li", ""),
    "table": ("table", f"{PARAGRAPH};border-collapse:collapse;font-size:13px"),
    "thead": ("thead", ""),
    "tbody": ("tbody", ""),
    "tr": ("tr", ""),
    "th": ("th", f"{_CELL};font-weight:600"),
    "td": ("td", _CELL),
    "br": ("br", ""),
    "hr": ("hr", ""),
}
_VOID = {"br", "hr", "img"}
# https://docs.github.com/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax#alerts
_ALERTS = {
    "note": "#0c5798",
    "tip": "#116329",
    "important": "#6639ba",
    "warning": "#8a3707",
    "caution": "#b02a42",
}
_ALERT = re.compile(rf"\[!({'|'.join(_ALERTS)})\]\s*", re.IGNORECASE)
_TASK = re.compile(r"\[([ xX])\](?=\s)")
# Comments but those within code. An open one runs to the end, which also keeps the search linear.
_COMMENT = re.compile(r"((?P<fence>```|~~~).*?(?:(?P=fence)|\Z)|`[^`\n]+`)|<!--.*?(?:-->|\Z)", re.DOTALL)
_OPEN_TAG = re.compile(r"<[^<>]*\Z")
# Much of a text may be markup; more than so many times the characters to be seen is not looked at.
_MARKUP_SHARE = 6
# Without a text within, these are not written.
_EMPTY = {"</p>", "</li>", "</strong>", "</em>", "</s>"}


def as_html(text: str, limit: int, url: str, repository: str) -> Markup:
    """The text's Markdown as HTML, as `markdown` describes it."""
    text = _COMMENT.sub(lambda found: found[1] or "", printable(text)).strip()
    most = _MARKUP_SHARE * limit
    source = text if len(text) <= most else _OPEN_TAG.sub("", text[:most])
    writer = _Writer(limit, repository.rstrip("/") if safe_url(repository) else "")
    writer.feed(_sanitised(_PARSER.render(source)))
    writer.close()
    html = _without_last_gap("".join(writer.written).replace("\n</pre>", "</pre>").strip())
    if (writer.is_full or len(source) < len(text)) and safe_url(url):
        html = _append(html, f" {anchor(url)}Read on</a>")
    return Markup(html)  # noqa: S704 - the writer writes its own tags, and escapes all else


def _sanitised(html: str) -> str:
    """The HTML with every tag closed, and without anything that acts."""
    return nh3.clean(
        html,
        tags={*_ELEMENTS, "a", "img", "blockquote"},
        attributes={"a": {"href"}, "img": {"src", "alt"}, "blockquote": {"class"}},
        url_schemes=SCHEMES,
        link_rel=None,
    )


@dataclass
class _Element:
    """An element that is being written. start: how many pieces had been written before it."""

    tag: str
    start: int
    end: str = ""


@dataclass
class _Link:
    """A link that is being written. text: the pieces of its text, as a reader sees it."""

    url: str
    text: list[str] = field(default_factory=list)


class _Writer(HTMLParser):
    """Rewrites sanitised HTML with tags and styles that Word knows, up to so many characters of text."""

    def __init__(self, limit: int, repository: str) -> None:
        super().__init__()
        self.written: list[str] = []
        self.is_full = False
        self._left = limit
        self._repository = repository
        self._open: list[_Element] = []
        self._link = _Link("")
        self._counts: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self._open.append(_Element(tag, len(self.written)))
            self._counts[tag] += 1
        if self.is_full:
            return
        values = {name: value or "" for name, value in attrs}
        if tag == "img":
            self._image(values)
        elif tag == "a":
            self._link = _Link(values.get("href", ""))
            self._write(anchor(self._link.url), "</a>")
        elif tag == "blockquote":
            self._quote(values.get("class", ""))
        elif tag in _ELEMENTS and not (tag == "code" and self._within("pre")):
            name, style = _ELEMENTS[tag]
            look = f' style="{style}"' if style else ""
            self._write(f"<{name}{look}>", "" if tag in _VOID else f"</{name}>")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002  the sanitiser has balanced them
        element = self._open.pop()
        self._counts[element.tag] -= 1
        if element.end in _EMPTY and self._is_blank_from(element.start + 1):
            del self.written[element.start :]
            return
        if element.end == "</a>":
            self.written.append(arrow("".join(self._link.text), self._link.url))
        self.written.append(element.end)

    def _is_blank_from(self, start: int) -> bool:
        return not any(self.written[place].strip() for place in range(start, len(self.written)))

    def handle_data(self, data: str) -> None:
        data = visible(data)
        if self.is_full:
            return
        if not data.strip():
            self.written.append(data)
            return
        if len(data) > self._left:
            data, self.is_full = shorten(data, self._left), True
        self._left -= len(data)
        as_it_is = self._within("a") or self._within("pre") or self._within("code")
        self._show(data, str(escape(data)) if as_it_is else "".join(linked(data, self._repository)))

    def _show(self, text: str, html: str) -> None:
        self.written.append(html)
        if self._within("a"):
            self._link.text.append(text)

    def _write(self, start: str, end: str) -> None:
        if start:
            self.written.append(start)
            if end:
                self._open[-1].end = end

    def _within(self, tag: str) -> bool:
        return self._counts[tag] > 0

    def _image(self, values: Mapping[str, str]) -> None:
        name = one_line(values.get("alt", ""), 80) or "image"
        if self._within("a"):
            self._show(name, escape(name))
        elif tag := anchor(values.get("src", "")):
            self.written.append(f"{tag}{escape(name)}{arrow(name, values['src'])}</a>")
        else:
            self.written.append(escape(name))

    def _quote(self, kind: str) -> None:
        ink = _ALERTS.get(kind)
        self._write(
            f'<blockquote style="{_QUOTE}{ink or "#c8c6c4"};color:{"#323130" if ink else "#605e5c"}">', "</blockquote>"
        )
        if ink:
            self.written.append(f'<p style="{_HEADING.replace("#201f1e", ink)}">{kind.capitalize()}</p>')


def _without_last_gap(html: str) -> str:
    """What comes after the text brings its own distance."""
    before, gap, after = html.rpartition(PARAGRAPH)
    return f"{before}margin:0{after}" if gap and html.endswith("</p>") else html


def _append(html: str, more: str) -> str:
    """Adds to the last paragraph, or after whatever else stands last."""
    return html.removesuffix("</p>") + more + ("</p>" if html.endswith("</p>") else "")


def _tasks_and_alerts(state: StateCore) -> None:
    """Boxes of task lists become signs; a quote that begins with `[!NOTE]` gets that as its class."""
    for before, opening, inline in zip(state.tokens, state.tokens[1:], state.tokens[2:], strict=False):
        first = inline.children[0] if opening.type == "paragraph_open" and inline.children else None
        if first and before.type == "list_item_open" and (task := _TASK.match(first.content)):
            first.content = ("☐" if task[1] == " " else "☑") + first.content[task.end() :]
        elif first and before.type == "blockquote_open" and (alert := _ALERT.fullmatch(first.content)):
            before.attrSet("class", alert[1].lower())
            inline.children = (inline.children or [])[2:]


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802, ARG002 - the library's name
        """Every link is parsed; the ones that are not safe lose their address when they are written."""
        return True


def _parser() -> MarkdownIt:
    parser = _Parser("commonmark", {"html": True, "linkify": True, "breaks": True})
    parser.enable(["table", "strikethrough", "linkify"])
    parser.core.ruler.push("tasks_and_alerts", _tasks_and_alerts)
    if parser.linkify:
        # Only what is written as a link: `README.md` is a file here, not a site in Moldova.
        parser.linkify.set({"fuzzy_link": False, "fuzzy_email": False})
    return parser


_PARSER = _parser()
