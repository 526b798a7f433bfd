"""Adaptive Cards: https://adaptivecards.io/explorer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.events import Severity
from bridge.fields import Payload, at, dig, objects, part
from bridge.sources import markups
from bridge.sources.cards import Reading
from bridge.sources.chat import address, colour_severity, first_lines

_LARGE = {"large", "extralarge"}
_SMALL = {"small"}
_HIDDEN_ACTIONS = {"action.togglevisibility"}
_ICON_WIDTH = 64  # pixels


@dataclass
class AdaptiveCard:
    """Reads a card into a reading. heading: its title; first: its first text; colour: what the title's says."""

    reading: Reading
    heading: str = ""
    first: str = ""
    colour: Severity | None = None
    _shows_hidden: bool = False

    def read(self, card: Payload) -> None:
        """Adds all that the card holds."""
        self._shows_hidden = _has_toggle(card, 0)
        self._elements(card, "body", 0, ())
        self._actions(card, "actions", 0)
        self._action(part(card, "selectAction"), 0)

    def _elements(self, holder: Payload, name: str, depth: int, styles: Sequence[str]) -> None:
        listed = objects(holder, name)
        place = 0
        while place < len(listed):
            rows = _rows_of_columns(listed[place:])
            if rows:
                self._columns_as_table(rows)
                place += len(rows)
            else:
                self._element(listed[place], depth, styles)
                place += 1

    def _element(self, element: Payload, depth: int, styles: Sequence[str]) -> None:
        if not self.reading.enters(depth) or (element.get("isVisible") is False and not self._shows_hidden):
            return
        if element.get("separator") is True:
            self.reading.rule()
        kind = _kind(element)
        if kind.startswith("input."):
            self.reading.inputs += 1
        elif kind in _READERS:
            getattr(self, _READERS[kind])(element, depth, styles)
        elif dig(element, "text"):  # an element that is newer than this
            self._text_block(element, depth, styles)
        elif at(element, "fallback") and isinstance(element["fallback"], Mapping):
            self._element(element["fallback"], depth + 1, styles)
        else:
            self._container(element, depth, styles)
        self._action(part(element, "selectAction"), depth)

    def _text_block(self, element: Payload, _depth: int, styles: Sequence[str]) -> None:
        self._say(dig(element, "text"), "teams", element, styles)

    def _rich_text(self, element: Payload, _depth: int, styles: Sequence[str]) -> None:
        runs = element.get("inlines")
        pieces = [_run(self.reading, run) for run in runs if self.reading.enters()] if isinstance(runs, list) else []
        self._say("".join(pieces), "markdown", element, styles)

    def _say(self, text: str, markup: str, element: Payload, styles: Sequence[str]) -> None:
        """Adds a text. The first that is more than small print is the title if it looks like one."""
        is_heading = _is_heading(element)
        is_minor = not is_heading and (element.get("isSubtle") is True or _word(element, "size") in _SMALL)
        if not self.heading and not self.first and not is_minor:
            self.colour = _innermost(_word(element, "color"), *styles)
            is_heading = is_heading or _word(element, "weight") == "bolder"
            plain = self.reading.plain(text if is_heading else next(iter(first_lines(text)), ""), markup)
            self.heading, self.first = (plain, "") if is_heading else ("", plain)
        if is_heading or is_minor:
            self.reading.text(self.reading.markdown(text, markup), "heading" if is_heading else "minor")
        else:
            self.reading.says(text, markup)

    def _facts(self, element: Payload, _depth: int, _styles: Sequence[str]) -> None:
        self.reading.facts([(_shown(fact, "title"), _shown(fact, "value")) for fact in objects(element, "facts")])

    def _container(self, element: Payload, depth: int, styles: Sequence[str]) -> None:
        inner = [*styles, style] if (style := _word(element, "style")) else styles
        for name in ("items", "columns", "images", "body", "pages", "cells"):
            self._elements(element, name, depth + 1, inner)

    def _image(self, element: Payload, _depth: int, _styles: Sequence[str]) -> None:
        width = dig(element, "width").removesuffix("px")
        is_icon = (
            _word(element, "style") == "person"
            or _word(element, "size") in _SMALL
            or (width.isdigit() and int(width) <= _ICON_WIDTH)
        )
        if not is_icon:
            self.reading.image(dig(element, "altText"), dig(element, "url"))

    def _media(self, element: Payload, _depth: int, _styles: Sequence[str]) -> None:
        sources = [dig(source, "url") for source in objects(element, "sources")]
        self.reading.image(dig(element, "altText") or "Recording", address(*sources))

    def _table(self, element: Payload, depth: int, _styles: Sequence[str]) -> None:
        rows = [
            tuple(self._cell(cell, depth) for cell in objects(row, "cells") if self.reading.enters(depth))
            for row in objects(element, "rows")
            if self.reading.enters(depth)
        ]
        has_head = element.get("firstRowAsHeaders", element.get("firstRowAsHeader")) is not False and len(rows) > 1
        self.reading.table(rows[0] if has_head else (), rows[1:] if has_head else rows)

    def _cell(self, cell: Payload, depth: int) -> str:
        inner = Reading(self.reading.markup, self.reading.names)
        content = AdaptiveCard(inner)
        content._elements(cell, "items", depth + 1, ())
        card = inner.card()
        texts = [self.reading.plain(each.text, "markdown") for each in card.parts if each.text]
        return ", ".join([*texts, *(f"{name}: {value}" for name, value in card.facts)])

    def _code(self, element: Payload, _depth: int, _styles: Sequence[str]) -> None:
        self.reading.text(
            markups.fenced(dig(element, "codeSnippet")[: markups.LONGEST]) if dig(element, "codeSnippet") else ""
        )

    def _columns_as_table(self, rows: Sequence[Sequence[str]]) -> None:
        """Column sets of one text each stand below another like the rows of a table."""
        rows = [row for row in rows if self.reading.enters()]
        if not rows:
            return
        if len(rows[0]) == 2:
            self.reading.facts([(row[0], row[1]) for row in rows])
        else:
            plain = [[self.reading.plain(text) for text in row] for row in rows]
            self.reading.table(plain[0], plain[1:])

    def _action_set(self, element: Payload, depth: int, _styles: Sequence[str]) -> None:
        self._actions(element, "actions", depth)

    def _actions(self, holder: Payload, name: str, depth: int) -> None:
        for action in objects(holder, name):
            if self.reading.enters(depth):
                self._action(action, depth)

    def _action(self, action: Payload, depth: int) -> None:
        kind, title = _kind(action), self.reading.plain(dig(action, "title"))
        if not kind:
            return
        if kind == "action.openurl":
            self.reading.button(title, dig(action, "url"))
        elif kind == "action.showcard":
            # What the button would open is shown as it is.
            self.reading.text(markups.escaped(title), "heading")
            self._elements(part(action, "card"), "body", depth + 1, ())
            self._actions(part(action, "card"), "actions", depth + 1)
        elif kind not in _HIDDEN_ACTIONS:
            self.reading.presses += 1


# The kinds of elements, each with the method that reads it.
_READERS: Mapping[str, str] = {
    "textblock": "_text_block",
    "richtextblock": "_rich_text",
    "factset": "_facts",
    "image": "_image",
    "media": "_media",
    "table": "_table",
    "codeblock": "_code",
    "actionset": "_action_set",
}


def _kind(element: Payload) -> str:
    return dig(element, "type").lower()


def _word(element: Payload, name: str) -> str:
    return dig(element, name).lower()


def _shown(fact: Payload, name: str) -> str:
    """A text, or a number as one."""
    value = fact.get(name)
    return str(value) if isinstance(value, str | int | float) else ""


def _is_heading(element: Payload) -> bool:
    size = _word(element, "size")
    is_bold = _word(element, "weight") == "bolder"
    return _word(element, "style") == "heading" or size in _LARGE or (is_bold and size == "medium")


def _innermost(own: str, *around: str) -> Severity | None:
    """What the colours of a title and of the containers around it say: the innermost that says anything."""
    found = (colour_severity(word) for word in (own, *reversed(around)))
    return next(filter(None, found), None)


def _run(reading: Reading, run: Any) -> str:
    """Text with its own look, or plain text."""
    if isinstance(run, str):
        return markups.inline(run) if reading.has_room(run) else ""
    if not isinstance(run, Mapping):
        return ""
    text, url = dig(run, "text"), dig(run, "selectAction.url")
    if not reading.has_room(text):
        return ""
    words = markups.link(text, url) if url else markups.inline(text)
    for name, signs in (("strikethrough", "~~"), ("italic", "*")):
        words = markups.styled(words, signs) if run.get(name) is True else words
    return markups.styled(words, "**") if _word(run, "weight") == "bolder" else words


def _rows_of_columns(elements: Sequence[Payload]) -> list[list[str]]:
    """The texts of column sets that follow one another, where each column holds one text: at least two columns."""
    rows: list[list[str]] = []
    for element in elements:
        texts = _single_texts(element)
        if len(texts) < 2 or (rows and len(texts) != len(rows[0])):
            break
        rows.append(texts)
    return rows if rows and (len(rows[0]) == 2 or len(rows) > 1) else []


def _single_texts(element: Payload) -> list[str]:
    """The one text of each column, or nothing if a column holds anything else."""
    if _kind(element) != "columnset" or element.get("isVisible") is False or element.get("style"):
        return []
    texts = []
    for column in objects(element, "columns"):
        items = objects(column, "items")
        if len(items) != 1 or _kind(items[0]) != "textblock" or _is_heading(items[0]) or not dig(items[0], "text"):
            return []
        texts.append(dig(items[0], "text"))
    return texts


def _has_toggle(value: Any, depth: int) -> bool:
    """Whether a button shows what is hidden."""
    if depth > 8:
        return False
    if isinstance(value, Mapping):
        return _kind(value) in _HIDDEN_ACTIONS or any(
            _has_toggle(each, depth + 1) for each in value.values() if isinstance(each, list | Mapping)
        )
    return isinstance(value, list) and any(_has_toggle(each, depth + 1) for each in value[:200])
