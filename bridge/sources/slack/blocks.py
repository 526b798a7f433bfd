"""Block Kit: https://docs.slack.dev/reference/block-kit/blocks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.fields import Payload, dig, objects, part
from bridge.sources import chat
from bridge.sources.cards import Reading
from bridge.sources.emoji import with_emoji
from bridge.sources.slack import rich_text

# `*Severity:*` and a value behind it or below it.
_LABELLED = re.compile(r"\s*\*([^*\n]{1,60})(?:(?<=:)\*|\*:|\* ?\n)(.+)", re.DOTALL)


@dataclass
class Blocks:
    """Reads blocks into a reading. headings: what headers say. first: the first lines of other texts."""

    reading: Reading
    headings: list[str] = field(default_factory=list)
    first: list[str] = field(default_factory=list)

    @property
    def has_text(self) -> bool:
        """Whether a block has anything to read."""
        return bool(self.headings or self.first)

    def read(self, holder: Payload, name: str, depth: int = 0) -> None:
        """Adds the blocks of a list."""
        for block in objects(holder, name):
            if self.reading.enters(depth):
                getattr(self, _READERS.get(dig(block, "type"), "_other"))(block, depth)

    def _header(self, block: Payload, _depth: int) -> None:
        text = self._text(part(block, "text"), "plain_text")
        self.headings.append(self.reading.plain(text, "markdown"))
        self.reading.text(text, "heading")

    def _section(self, block: Payload, _depth: int) -> None:
        text = part(block, "text")
        pair = _LABELLED.fullmatch(dig(text, "text")) if dig(text, "type") == "mrkdwn" else None
        if pair and "\n" not in pair[2].strip():
            self._pairs([pair])
        else:
            self._say(self._text(text))
        self._fields(block)
        self._accessory(part(block, "accessory"))

    def _fields(self, block: Payload) -> None:
        """The fields of a section: facts where each has its name in bold, else texts."""
        pairs: list[re.Match[str]] = []
        for each in objects(block, "fields"):
            if not self.reading.enters():
                continue
            pair = _LABELLED.fullmatch(dig(each, "text"))
            if pair:
                pairs.append(pair)
            else:
                self._say(self._text(each))
        self._pairs(pairs)

    def _pairs(self, pairs: list[re.Match[str]]) -> None:
        self.reading.facts([(pair[1], pair[2].strip()) for pair in pairs])
        self.first += [self.reading.plain(pair[0]) for pair in pairs[:1] if not self.first]

    def _accessory(self, element: Payload) -> None:
        if dig(element, "type") == "image":
            self.reading.image(dig(element, "alt_text"), dig(element, "image_url"))
        elif element:
            self._element(element)

    def _context(self, block: Payload, _depth: int) -> None:
        """Small print; its images are icons."""
        texts = [self._text(each) for each in objects(block, "elements") if dig(each, "type") != "image"]
        line = " · ".join(" ".join(text.split("\n")) for text in texts if text)
        self.reading.text(line, "minor")
        self.first += [self.reading.plain(line, "markdown")] if line and not self.first else []

    def _image(self, block: Payload, _depth: int) -> None:
        self.reading.image(dig(block, "title.text") or dig(block, "alt_text"), dig(block, "image_url"))

    def _actions(self, block: Payload, _depth: int) -> None:
        for element in objects(block, "elements"):
            if self.reading.enters():
                self._element(element)

    def _element(self, element: Payload) -> None:
        """A button that leads somewhere; anything else works in Slack alone."""
        kind = dig(element, "type")
        options = [option for option in objects(element, "options") if chat.address(dig(option, "url"))]
        if kind == "overflow" and options:
            for option in options:
                self.reading.button(self.reading.plain(dig(option, "text.text"), "plain"), dig(option, "url"))
        elif kind in {"button", "workflow_button", "overflow", "feedback_buttons", "icon_button"}:
            self.reading.button(self.reading.plain(dig(element, "text.text"), "plain"), dig(element, "url"))
        else:
            self.reading.inputs += 1

    def _input(self, _block: Payload, _depth: int) -> None:
        self.reading.inputs += 1

    def _rich_text(self, block: Payload, _depth: int) -> None:
        self._say(rich_text.markdown(block, self.reading))

    def _markdown(self, block: Payload, _depth: int) -> None:
        """Standard Markdown, without HTML."""
        self._say(self.reading.markdown(dig(block, "text"), "discord"))

    def _table(self, block: Payload, _depth: int) -> None:
        listed = block.get("rows")
        rows = [
            [self._cell(cell) for cell in row if isinstance(cell, Mapping) and self.reading.enters()]
            for row in (listed if isinstance(listed, list) else [])
            if isinstance(row, list)
        ]
        self.reading.table(rows[0] if len(rows) > 1 else (), rows[1:] if len(rows) > 1 else rows)

    def _cell(self, cell: Payload) -> str:
        if dig(cell, "type") == "rich_text":
            return self.reading.plain(rich_text.markdown(cell, self.reading), "markdown")
        return self.reading.plain(dig(cell, "text"), "plain")

    def _video(self, block: Payload, _depth: int) -> None:
        self.reading.image(dig(block, "title.text") or dig(block, "alt_text"), dig(block, "video_url"))

    def _divider(self, _block: Payload, _depth: int) -> None:
        self.reading.rule()

    def _other(self, block: Payload, depth: int) -> None:
        """A block that is newer than this: its texts."""
        self._say(self._text(part(block, "text")) or self._text(block))
        self.read(block, "elements", depth + 1)
        self.read(block, "blocks", depth + 1)

    def _say(self, markdown: str) -> None:
        self.reading.text(markdown)
        if markdown and not self.first:
            self.first.append(self.reading.plain(markdown.strip().split("\n")[0], "markdown"))

    def _text(self, text: Payload, kind: str = "mrkdwn") -> str:
        """A text object as Markdown; in plain text, names of emoji are still signs."""
        found = dig(text, "text")
        is_plain = (dig(text, "type") or kind) == "plain_text"
        return self.reading.markdown(with_emoji(found) if is_plain else found, "plain" if is_plain else "slack")


# The kinds of blocks, each with the method that reads it.
_READERS: Mapping[str, str] = {
    **{
        name: f"_{name}"
        for name in ("header", "section", "context", "image", "actions", "input", "rich_text", "markdown", "table")
    },
    "context_actions": "_actions",
    "divider": "_divider",
    "video": "_video",
}
