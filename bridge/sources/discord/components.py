"""Components of a message: https://discord.com/developers/docs/components/reference."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.fields import Payload, dig, objects, part
from bridge.sources import chat
from bridge.sources.cards import Reading


@dataclass
class Components:
    """Reads components into a reading. spoken: the first lines of their texts; accents: the colours of containers."""

    reading: Reading
    spoken: list[str] = field(default_factory=list)
    accents: list[Any] = field(default_factory=list)

    def read(self, holder: Payload, depth: int = 0) -> None:
        """Adds the components of a message, or of another component."""
        for each in objects(holder, "components"):
            if self.reading.enters(depth):
                kind = each.get("type")
                if isinstance(kind, int) and kind in _READERS:
                    _READERS[kind](self, each)
                self.accents.append(each.get("accent_color"))
                self.read(each, depth + 1)
                if accessory := part(each, "accessory"):
                    self.read({"components": [accessory]}, depth + 1)


def _button(found: Components, each: Payload) -> None:
    found.reading.button(found.reading.plain(dig(each, "label"), "plain"), dig(each, "url"))


def _menu(found: Components, _each: Payload) -> None:
    found.reading.inputs += 1


def _text(found: Components, each: Payload) -> None:
    found.reading.says(dig(each, "content"))
    found.spoken += [found.reading.plain(line.lstrip("# ")) for line in chat.first_lines(dig(each, "content"), 1)]


def _thumbnail(found: Components, each: Payload) -> None:
    found.reading.image(dig(each, "description"), dig(each, "media.url"))


def _gallery(found: Components, each: Payload) -> None:
    for item in objects(each, "items"):
        if found.reading.enters():
            _thumbnail(found, item)


def _separator(found: Components, _each: Payload) -> None:
    found.reading.rule()


_READERS: Mapping[int, Callable[[Components, Payload], None]] = {
    2: _button,
    **dict.fromkeys((3, 5, 6, 7, 8), _menu),
    10: _text,
    11: _thumbnail,
    12: _gallery,
    14: _separator,
}
