"""What is wrong with how a post looks: rules over its HTML, for Outlook's Word engine and for people."""

import functools
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser

from bridge.rendering.links import safe_url

WIDTH = 600  # pixels
DEPTH = 8  # tables within tables
SIZE = 40_000  # bytes
CONTRAST = 4.5  # https://www.w3.org/TR/WCAG22/#contrast-minimum
LONGEST_BARE_URL = 60

_SIZES = {"width", "height"}
_TEXT = {"style", "dir"}
_CELL = _SIZES | _TEXT | {"bgcolor", "valign", "align"}
# What a post is made of: each tag with its attributes.
TAGS = {
    "table": {"role", "width", "cellpadding", "cellspacing", "border", "style", "dir"},
    "tr": {"valign"},
    "td": _CELL,
    "th": _CELL,
    "a": {"href", "style"},
    **dict.fromkeys(("p", "pre", "ul", "ol", "blockquote", "span", "b", "code"), _TEXT),
    **dict.fromkeys(("thead", "tbody", "br", "hr", "strong", "em", "s", "li", "div"), _TEXT),
}
_CELLS = {"td", "th"}
_BLOCKS = {"p", "pre", "ul", "ol", "blockquote"}
_ANY = set(TAGS)
# What Word draws, or leaves out without harm, and on which tags:
# https://learn.microsoft.com/previous-versions/office/developer/office-2007/aa338201(v=office.12)
PROPERTIES = {
    **dict.fromkeys(("color", "line-height", "font-family", "font-size", "font-weight"), _ANY),
    **dict.fromkeys(
        ("border", *(f"border-{side}" for side in ("top", "left", "bottom", "right"))), _CELLS | _BLOCKS | {"table"}
    ),
    "background": _CELLS | {"table", "span", "code", "pre"},
    "border-collapse": {"table"},
    "display": {"div"},
    "margin": _BLOCKS | {"table"},
    "max-width": {"table"},
    "mso-hide": {"div"},
    "padding": _CELLS | {"pre", "blockquote", "ul", "ol"},
    "table-layout": {"table"},
    "text-decoration": {"a"},
    "white-space": {"pre", "td"},
    "width": _CELLS | {"table"},
    "word-break": _CELLS | {"table", "span", "code"},
    "overflow-wrap": _CELLS | {"table"},
}
_LINES = {"p", "pre", "li", "tr", "div", "blockquote", "br", "hr"}
_VAGUE = {"here", "click here", "link", "this", "this link", "more"}


class Node:
    """An element with its attributes and its children, which are elements and texts."""

    def __init__(self, tag: str, attributes: dict[str, str], parent: "Node | None" = None) -> None:
        self.tag, self.attributes, self.parent = tag, attributes, parent
        self.children: list[Node | str] = []
        pairs = (part.partition(":") for part in attributes.get("style", "").split(";") if part.strip())
        self.style = {name.strip(): value.strip() for name, _, value in pairs}

    def walk(self) -> "Iterator[Node]":
        """The element and all below it, in their order."""
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()

    def above(self) -> "Iterator[Node]":
        """The elements that it lies in, from the inside out."""
        if self.parent:
            yield self.parent
            yield from self.parent.above()

    @property
    def hidden(self) -> bool:
        """Whether it is there for the preview alone."""
        return any(node.style.get("display") == "none" for node in (self, *self.above()))

    @property
    def lines(self) -> list[str]:
        """Its text as a program shows it that drops the HTML."""
        text = "".join(self._pieces(shown=False))
        return [" ".join(line.split()) for line in text.split("\n") if line.strip()]

    @property
    def shown(self) -> list[str]:
        """The lines that are seen where the HTML is drawn."""
        text = "".join(self._pieces(shown=True))
        return [" ".join(line.split()) for line in text.split("\n") if line.strip()]

    @property
    def text(self) -> str:
        """Its text as one line."""
        return " ".join(self.lines)

    def _pieces(self, shown: bool) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child.replace("\n", " ")
                continue
            if not (shown and child.style.get("display") == "none"):
                yield from child._pieces(shown)
            yield "\n" if child.tag in _LINES else " " if child.tag in _CELLS else ""


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.here = self.root = Node("body", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs}, self.here)
        self.here.children.append(node)
        if tag not in {"br", "hr", "img"}:
            self.here = node

    def handle_endtag(self, tag: str) -> None:
        assert self.here.tag == tag, f"</{tag}> where <{self.here.tag}> is open"
        assert self.here.parent
        self.here = self.here.parent

    def handle_data(self, data: str) -> None:
        self.here.children.append(data)


@functools.lru_cache(maxsize=32)  # each rule looks at it
def parse(html: str) -> Node:
    """The tree of a post's HTML, whose every element must be closed."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    assert builder.here is builder.root, f"<{builder.here.tag}> is left open"
    return builder.root


def findings(html: str) -> list[str]:
    """Everything that is wrong with the post, in words."""
    body = parse(html)
    found = [finding for rule in _RULES for node in body.walk() if node is not body for finding in rule(node)]
    if len(html.encode()) >= SIZE:
        found.append(f"{len(html.encode())} bytes")
    return [*found, *_widths(body, WIDTH), *_contrasts(body, "#201f1e", "#fefefe")]


# What a template leaves behind when it fails to say something, by what it is.
_REMNANTS = {
    "an empty value": re.compile(r"\b(None|null|undefined|NaN)\b|\[object Object\]|\{\}|\[\]|\(\)|#0\b"),
    "a raw time": re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?"),
    "Markdown": re.compile(r"\*\*\w[^*]*\*\*|\[[^\]]*\]\(\S*\)|```|(?:^|\n)#{1,6} |(?<!\w)__\w[^_]*__(?!\w)"),
    "HTML": re.compile(r"</?(?!(?:[A-Z]\b))[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]*)?/?>|<!--|&(?:amp|lt|gt|quot|nbsp|#\d+);"),
    "a template": re.compile(r"\{\{.*?\}\}|\{%.*?%\}|<[\w.]+ object at|\bMarkup\("),
    "a gap": re.compile(
        r"\S+ [,.;:!?](?=\s|$)|,,|\S+:(?=\n|$)|(?:^|\n)[,;:]|\S+ (?:to|on|in|by|with|from|of|at|for|the|an?)(?=\n|$)"
    ),
}


def remnants(topic: str, summary: str, html: str, payload: object) -> list[str]:
    """What a post says that its template did not mean to say, in words.

    What people wrote themselves is theirs: a text of the payload may hold anything, but not as the whole of it.
    """
    body = parse(html)
    said = {"topic": topic, "summary": summary, "card": "\n".join(_prose(body))}
    texts = [" ".join(text.split()) for text in _texts(payload)]
    names = [[name] for name in _names(payload)]
    return [
        f"{what} in the {place}: {_around(text, match)}"
        for place, text in said.items()
        for what, pattern in _REMNANTS.items()
        for match in pattern.finditer(text)
        if not any(match[0].strip() in own and own != match[0].strip() for own in texts)
        and match[0].split()[-1:] not in names
    ]


def _prose(body: Node) -> list[str]:
    """The lines but for code, in which anything may stand, and the last line's token."""
    return [" ".join(line.split()) for line in "".join(_without_code(body)).split("\n") if line.strip()]


def _without_code(node: Node) -> Iterator[str]:
    for child in node.children:
        if isinstance(child, str):
            yield child.replace("\n", " ")
        elif child.tag in {"pre", "code"} or "Consolas" in child.style.get("font-family", ""):
            yield "x"
        else:
            yield from _without_code(child)
            yield "\n" if child.tag in _LINES else " " if child.tag in _CELLS else ""


def _texts(value: object) -> Iterator[str]:
    """Every text of a payload, and every name."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield name
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _names(value: object) -> Iterator[str]:
    """What things are named: a tag may be `a`."""
    if isinstance(value, Mapping):
        yield from (name for key in ("name", "displayId") if isinstance(name := value.get(key), str))
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    for item in items:
        yield from _names(item)


def _around(text: str, match: re.Match[str]) -> str:
    return repr(text[max(match.start() - 30, 0) : match.end() + 30])


def _known(node: Node) -> Iterator[str]:
    for name in sorted({node.tag} - _ANY):
        yield f"<{name}>"
    for name in sorted(node.attributes.keys() - TAGS.get(node.tag, set())):
        yield f"{name} on <{node.tag}>"
    for name, value in node.style.items():
        if node.tag not in PROPERTIES.get(name, ()):
            yield f"{name} on <{node.tag}>, which Word does not draw"
        if "(" in value:
            yield f"{name}: {value}"


def _tables(node: Node) -> Iterator[str]:
    if node.tag == "table":
        if node.attributes.get("role") != "presentation" and not any(each.tag == "th" for each in node.walk()):
            yield "a table that is neither data nor marked as presentation"
        if sum(each.tag == "table" for each in (node, *node.above())) > DEPTH:
            yield "tables too deep within tables"


def _links(node: Node) -> Iterator[str]:
    if node.tag == "a":
        url, text = node.attributes.get("href", ""), node.text
        if not url or safe_url(url) != url:
            yield f"a link to {url!r}"
        if not re.search(r"\w", text) or text.lower() in _VAGUE:
            yield f"a link that says {text!r}"
        if "://" in text and " " not in text and len(text) > LONGEST_BARE_URL:
            yield f"a link that shows {text}"


def _colours(node: Node) -> Iterator[str]:
    background = node.style.get("background", "")
    if node.attributes.get("bgcolor", background) != background:
        yield f"bgcolor other than the background {background}"
    if background and node.text and "color" not in node.style:
        yield f"a background without a colour: {node.text[:40]}"
    for name in ("color", "background"):
        if node.style.get(name) in ("#000000", "#ffffff", "#000", "#fff"):
            yield f"{name} {node.style[name]}, which dark modes turn over"


def _words(node: Node) -> Iterator[str]:
    """Colour is never alone: a bar has its word, another coloured cell has text in its row of the card."""
    if node.tag != "td" or "background" not in node.style or node.text:
        return
    rows = [each for each in node.above() if each.tag == "tr"]
    if len(rows) == 1:
        first = next(iter(rows[0].shown), "")
        if not re.match(r"[^\W\d_]|[#!]\d", first):
            yield f"a bar without its word: {first}"
    else:
        siblings = [row for row in rows[-2].parent.children if isinstance(row, Node)] if rows[-2].parent else []
        place = siblings.index(rows[-2])
        if not any(row.text for row in siblings[max(place - 1, 0) : place + 1]):
            yield "a coloured cell without a text beside it"


_RULES = (_known, _tables, _links, _colours, _words)


def _widths(node: Node, room: float) -> Iterator[str]:
    own = node.attributes.get("width", "")
    if own.isdigit():
        if int(own) > room:
            yield f"{own} pixels where there is room for {room:g}"
        room = int(own)
    if node.tag == "tr":
        cells = [each.attributes.get("width", "0") for each in node.children if isinstance(each, Node)]
        if (total := sum(int(width) for width in cells if width.isdigit())) > room:
            yield f"cells of {total} pixels where there is room for {room:g}"
    for child in node.children:
        if isinstance(child, Node):
            yield from _widths(child, room - (_padding(node) if node.tag in _CELLS else 0))


PHONE = 320  # pixels
LEAST = 64  # pixels of a column whose width is not given, in which words still fit
_CHARACTER = 6.6  # pixels, on average, of text of 13 pixels


def narrow(html: str, width: int = PHONE) -> list[str]:
    """What does not fit a phone of that width, in words: columns too narrow for their words, tables that are wider."""
    return [finding for table in parse(html).walk() if table.tag == "table" for finding in _narrow(table, width)]


def _narrow(table: Node, width: float) -> Iterator[str]:
    room = _room(table, width)
    for row in (each for each in table.walk() if each.tag == "tr" and next(_tables_above(each)) is table):
        cells = [each for each in row.children if isinstance(each, Node)]
        fixed = [_fixed(cell) for cell in cells]
        needed = sum(size or min(LEAST, _longest(cell)) for size, cell in zip(fixed, cells, strict=True))
        if len(cells) > 1 and needed > room:
            yield f"{needed:g} pixels where a phone has room for {room:g}: {row.text[:60]}"


def _tables_above(node: Node) -> Iterator[Node]:
    return (each for each in node.above() if each.tag == "table")


def _room(table: Node, width: float) -> float:
    """The pixels within a table: the screen's without the bars and the paddings of the cells around it."""
    outer = next((each for each in table.above() if each.tag == "td"), None)
    if outer is None:
        return width
    above = next(_tables_above(outer))
    row = next(each for each in outer.above() if each.tag == "tr")
    others = sum(_fixed(each) for each in row.children if isinstance(each, Node) and each is not outer)
    return (_fixed(outer) or _room(above, width) - others) - _padding(outer)


def _fixed(cell: Node) -> float:
    size = cell.attributes.get("width", "")
    return float(size) if size.isdigit() else 0


def _longest(cell: Node) -> float:
    """The pixels of a cell's longest word with its paddings; names of the machine world are broken anywhere."""
    words = [word for word in cell.text.split() if len(word) <= 16] if not cell.hidden else []
    return max(map(len, words), default=0) * _CHARACTER + _padding(cell)


def sentences(html: str) -> list[str]:
    """What does not read as text where the HTML is dropped: lines without words, pieces of punctuation alone."""
    lines = [line.replace("\u200c", "").strip() for line in _prose(parse(html))]
    return [line for line in lines if line and not re.search(r"\w", line)]


def _padding(node: Node) -> float:
    sides = [float(size.removesuffix("px")) for size in node.style.get("padding", "0").split()]
    return sides[1 % len(sides)] + sides[3 if len(sides) == 4 else 1 % len(sides)]


def _contrasts(node: Node, colour: str, background: str) -> Iterator[str]:
    if node.hidden:
        return
    colour, background = node.style.get("color", colour), node.style.get("background", background)
    for child in node.children:
        if isinstance(child, Node):
            yield from _contrasts(child, colour, background)
        elif child.strip() and contrast(colour, background) < CONTRAST:
            yield f"{child.strip()[:40]!r} in {colour} on {background}"


def contrast(one: str, other: str) -> float:
    """The contrast of two colours: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    shares = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
