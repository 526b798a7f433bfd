"""What the cards and messages of chat services have in common: parts in their order, buttons, and bounds."""

import dataclasses
import functools
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from urllib.parse import urlsplit

from bridge.rendering.filters import upper_first
from bridge.rendering.links import safe_url
from bridge.rendering.markdown import plain
from bridge.rendering.text import one_line
from bridge.sources import listings, markups
from bridge.values import dataclass

MAX_DEPTH = 16  # blocks within blocks
_MAX_BLOCKS = 1000
_MAX_CHARACTERS = 40_000
_MAX_PARTS = 60
_MAX_BUTTONS = 20
_MAX_FACTS = 200
_LONG_FACT = 240  # characters; a longer one is a text under its name

# A value in which no markup service sees markup: it is shown as any other fact, ids and times as such.
_MARKUP = re.compile(r"[*`~<>\[\]\\\n|]|&\w{1,30};|:[a-z0-9_+-]{1,50}:|(?<!\w)_|_(?!\w)|https?://|\{\{")

_BLOCK = re.compile(r"\s*(?:#{1,6}\s|-#|>|[-+\u2022]\s|\d+[.)]\s)")
_NEWS = ("summary", "description", "message", "error", "reason")
# `[words](address)` or a bare address, as markups.py writes them and as people do.
_LINK = re.compile(r"\[([^\[\]\n]{1,99})\]\(<?(https?://[^\s<>)]+)|(https?://[^\s<>]+)")


@dataclass(frozen=True)
class Part:
    """One block of a card.

    kind: `text`, `heading`, `facts`, `table`, `image`, `minor` (small print) or `rule`. text: Markdown; of an image,
    its name. pairs: names, values, and whether the value is Markdown. head, rows: of a table; a head may be missing.
    url: of an image.
    """

    kind: str
    text: str = ""
    pairs: tuple[tuple[str, str, bool], ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    url: str = ""


@dataclass(frozen=True)
class Card:
    """What can be shown of a card.

    buttons: pairs of text and URL. presses, inputs: how many buttons and fields only the service itself can offer.
    left_out: how many blocks there was no room for.
    """

    parts: tuple[Part, ...] = ()
    buttons: tuple[tuple[str, str], ...] = ()
    presses: int = 0
    inputs: int = 0
    left_out: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be said of it."""
        return not (self.parts or self.buttons or self.presses or self.inputs or self.left_out)

    @functools.cached_property
    def facts(self) -> Sequence[tuple[str, str]]:
        """All its facts, in plain words."""
        return [(name, plain(value, 200) if rich else value) for part in self.parts for name, value, rich in part.pairs]

    @property
    def news(self) -> str:
        """What a reader wants first: what is summed up somewhere, else the first text. Markdown."""
        named = {name.lower(): value for name, value in reversed(self.facts)}
        text = next((part.text for part in self.parts if part.kind == "text"), "")
        return next((markups.escaped(named[name]) for name in _NEWS if named.get(name)), text)

    def without(self, said: Iterable[str]) -> "Card":
        """The card without the texts, headings and facts that say nothing but one of these, which are shown already.

        Where such a text has links, they become buttons.
        """
        known = {_bare(text) for text in said if text}
        buttons = {url: text for text, url in self.buttons}
        for part in self.parts[:1]:
            for line in _first_lines(part, known):
                for words, url, bare in _LINK.findall(line):
                    label = one_line(markups.unescaped(words), 60)
                    buttons.setdefault(url or bare.rstrip(".,;:!?)"), upper_first(label) if label else "Open")
        parts = [left for each in self.parts if (left := _unsaid(each, known)) is not None]
        return replace(self, parts=_tidy(parts), buttons=tuple((text, url) for url, text in buttons.items()))


@dataclasses.dataclass
class Reading:
    """A card while it is read. markup: of its texts. names: of people who are mentioned."""

    markup: str
    names: dict[str, str] = field(default_factory=dict)
    presses: int = 0
    inputs: int = 0
    _parts: list[Part] = field(default_factory=list)
    _buttons: dict[str, str] = field(default_factory=dict)
    _blocks: int = 0
    _facts: int = 0
    _characters: int = 0
    _left_out: int = 0

    def enters(self, depth: int = 0) -> bool:
        """Whether one more block may be read, so deep within others; else it is counted as left out."""
        self._blocks += 1
        if self._blocks <= _MAX_BLOCKS and depth <= MAX_DEPTH:
            return True
        self._left_out += 1
        return False

    def has_room(self, text: str) -> bool:
        """Whether the text may be added to those that were read before; else it is counted as left out."""
        self._characters += len(text)
        if self._characters <= _MAX_CHARACTERS or not text:
            return True
        self._left_out += 1
        return False

    def markdown(self, text: str, markup: str = "") -> str:
        """A text of the card as Markdown; empty when there is no room for it."""
        if not self.has_room(text):
            return ""
        return markups.markdown(markup or self.markup, text, self.names)

    def text(self, markdown: str, kind: str = "text") -> None:
        """Adds Markdown; kind: `text`, `heading` or `minor`."""
        if markdown.strip():
            self._parts.append(Part(kind, markdown.strip()))

    def says(self, text: str, markup: str = "") -> None:
        """Adds a text of the card. Facts that are written as its lines become facts, and links of an alert buttons."""
        for piece in listings.pieces(text):
            if isinstance(piece, listings.Listing):
                if piece.is_next:
                    self.rule()
                self.facts(piece.pairs, "plain")
                for label, url in piece.links:
                    self.button(label, url)
                continue
            for part in listings.labelled(piece) if "```" not in piece else [piece]:
                if isinstance(part, str):
                    self.text(self.markdown(part, markup))
                else:
                    self.facts(part, markup)

    def facts(self, pairs: Iterable[tuple[str, str]], markup: str = "") -> None:
        """Adds facts, as pairs of name and value in the card's markup. What is long becomes a text under its name."""
        short: list[tuple[str, str, bool]] = []
        for name, value in pairs:
            if self._facts == _MAX_FACTS:
                self._left_out += 1
                continue
            self._facts += 1
            label, found = self.plain(name).rstrip(":"), self.markdown(value, markup)
            if not found:
                continue
            if not label or len(value) > _LONG_FACT:
                self.text(f"{f'**{markups.escaped(label)}**' if label else ''}\n\n{found}")
            elif safe_url(value) or not _MARKUP.search(value.strip()):
                short.append((label, value.strip(), False))
            else:
                short.append((label, found, True))
        if short:
            self._parts.append(Part("facts", pairs=tuple(short)))

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Adds a table; its texts are plain."""
        width = max((len(row) for row in [head, *rows]), default=0)
        if width and rows:
            even = tuple((*row, *[""] * (width - len(row))) for row in rows)
            self._parts.append(Part("table", head=(*head, *[""] * (width - len(head))) if head else (), rows=even))

    def image(self, name: str, url: str) -> None:
        """Adds an image, which becomes a link: nothing is fetched."""
        if safe_url(url):
            self._parts.append(Part("image", one_line(name, 80) or _file_name(url), url=url.strip()))
        elif name.strip():
            self._parts.append(Part("minor", markups.escaped(one_line(name, 80))))

    def rule(self) -> None:
        """Adds a line between what stands before and after it."""
        self._parts.append(Part("rule"))

    def button(self, text: str, url: str) -> None:
        """Adds a button that leads somewhere; one that does not is counted as another that cannot be pressed here."""
        if not safe_url(url):
            self.presses += 1
        elif len(self._buttons) < _MAX_BUTTONS:
            self._buttons.setdefault(url.strip(), one_line(text, 60) or "Open")
        else:
            self._left_out += 1

    def plain(self, text: str, markup: str = "", limit: int = 200) -> str:
        """A text of the card in plain words, on one line."""
        text = text[: 10 * limit]
        if not _MARKUP.search(text) and not _BLOCK.match(text):
            return one_line(text, limit)
        return plain(markups.markdown(markup or self.markup, text, self.names), limit)

    def card(self) -> Card:
        """What was read."""
        parts = _tidy(self._parts)
        left_out = self._left_out + len(parts[_MAX_PARTS:])
        buttons = tuple((text, url) for url, text in self._buttons.items())
        return Card(parts[:_MAX_PARTS], buttons, self.presses, self.inputs, left_out)


def _tidy(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Neighbours that belong together as one part, and lines only between others."""
    tidy: list[Part] = []
    for part in parts:
        last = tidy[-1] if tidy else Part("rule")
        if part.kind == "rule" == last.kind:
            continue
        if part.kind == last.kind and part.kind in {"text", "minor"}:
            joint = " · " if part.kind == "minor" else "\n\n"
            tidy[-1] = replace(last, text=f"{last.text}{joint}{part.text}")
        elif part.kind == last.kind == "facts":
            tidy[-1] = replace(last, pairs=(*last.pairs, *part.pairs))
        else:
            tidy.append(part)
    return tuple(tidy[:-1] if tidy and tidy[-1].kind == "rule" else tidy)


def _unsaid(part: Part, known: set[str]) -> Part | None:
    if part.kind in {"heading", "minor"}:
        return None if _bare(plain(part.text, 600)) in known else part
    if part.kind == "text":
        text = _without_first_lines(part, known)
        return replace(part, text=text) if text else None
    if part.kind == "facts":
        pairs = tuple(pair for pair in part.pairs if not _is_said(pair, known))
        return replace(part, pairs=pairs) if pairs else None
    return part


def _without_first_lines(part: Part, known: set[str]) -> str:
    lines = part.text.split("\n")
    return "\n".join(lines[len(_first_lines(part, known)) :])


def _first_lines(part: Part, known: set[str]) -> list[str]:
    """The lines at the beginning of a text that are empty or known."""
    if part.kind != "text":
        return []
    lines = part.text.split("\n")
    is_known = (not line.strip() or _bare(plain(line, 600)) in known for line in lines)
    return list(itertools.takewhile(lambda _: next(is_known), lines))


def _is_said(pair: tuple[str, str, bool], known: set[str]) -> bool:
    """Whether a fact says only what is known: a short value may be so by accident."""
    if len(pair[1]) <= 20:
        return False
    return _bare(plain(pair[1], 600) if pair[2] else pair[1]) in known


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text[:1000].lower())


def _file_name(url: str) -> str:
    return one_line(urlsplit(url.strip()).path.rsplit("/", 1)[-1], 60) or "image"
