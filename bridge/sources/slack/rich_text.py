"""Rich text blocks as Markdown: https://docs.slack.dev/reference/block-kit/blocks/rich-text-block."""

from collections.abc import Callable, Mapping

from bridge.fields import Payload, as_time, dig, objects, part
from bridge.rendering.filters import date
from bridge.sources import markups
from bridge.sources.cards import Reading
from bridge.sources.emoji import EMOJI, with_emoji

_STYLES = (("code", "`"), ("strike", "~~"), ("italic", "*"), ("bold", "**"))


def markdown(block: Payload, reading: Reading) -> str:
    """The Markdown of a block; what there is no room for is counted by the reading."""
    pieces = [_element(element, reading) for element in objects(block, "elements") if reading.enters()]
    return "\n\n".join(filter(None, pieces))


def _element(element: Payload, reading: Reading) -> str:
    kind = dig(element, "type")
    if kind == "rich_text_list":
        return _list(element, reading)
    if kind == "rich_text_preformatted":
        return markups.fenced("".join(_plain(run) for run in objects(element, "elements"))[: markups.LONGEST])
    text = _runs(element, reading)
    if kind == "rich_text_quote":
        return "\n".join(f"> {line}" for line in text.split("\n"))
    return text


def _list(element: Payload, reading: Reading) -> str:
    indent, is_ordered = element.get("indent"), dig(element, "style") == "ordered"
    before = "   " * min(indent, 3) if isinstance(indent, int) and indent > 0 else ""
    items = [_runs(item, reading) for item in objects(element, "elements") if reading.enters()]
    return "\n".join(f"{before}{f'{place}.' if is_ordered else '*'} {item}" for place, item in enumerate(items, 1))


def _runs(element: Payload, reading: Reading) -> str:
    return "".join(_run(run, reading) for run in objects(element, "elements") if reading.enters())


def _run(run: Payload, reading: Reading) -> str:
    kind = dig(run, "type")
    if kind in _NAMED:
        return _NAMED[kind](run)
    if kind == "link":
        words = markups.link(dig(run, "text"), dig(run, "url"))
        return _styled(run, words) if not part(run, "style").get("code") else words
    text = dig(run, "text")
    if not reading.has_room(text):
        return ""
    if part(run, "style").get("code") is True:
        return f"`{text.replace('`', chr(0xB4))}`" if text.strip() else text
    return _styled(run, "\n".join(markups.inline(with_emoji(line)) for line in text.split("\n")))


def _styled(run: Payload, words: str) -> str:
    style = part(run, "style")
    for name, signs in _STYLES[1:]:
        words = markups.styled(words, signs) if style.get(name) is True and "\n" not in words else words
    return words


def _time(run: Payload) -> str:
    time = as_time(run.get("timestamp"))
    return date(time) if time else dig(run, "fallback")


def _plain(run: Payload) -> str:
    return dig(run, "text") or dig(run, "url")


_NAMED: Mapping[str, Callable[[Payload], str]] = {
    "emoji": lambda run: EMOJI.get(dig(run, "name"), f":{dig(run, 'name')}:".replace("_", "\\_")),
    "user": lambda _: "@someone",
    "usergroup": lambda _: "@a user group",
    "channel": lambda _: "#channel",
    "team": lambda _: "a workspace",
    "broadcast": lambda run: f"@{dig(run, 'range') or 'here'}",
    "date": _time,
    "color": lambda run: markups.escaped(dig(run, "value")),
}
