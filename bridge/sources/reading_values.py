"""The plain values of a JSON value, each with its name and how far it is from what the event is about."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from bridge.errors import TooDeep
from bridge.fields import as_time, parse_json
from bridge.rendering.links import safe_url
from bridge.rendering.text import in_words, is_id, last_part, one_line
from bridge.sources import reading_names as names
from bridge.sources.kit import listed
from bridge.values import dataclass

MAX_STATE = 40  # characters
SHORT = 120  # characters of a message that can be a title

_MAX_DEPTH = 6
_MAX_LEAVES = 300
_MAX_ITEMS = 20  # of a list
_MAX_JSON = 65_536  # characters of a text that is read as JSON itself
_MAX_JSON_DEPTH = 2
_FIRST_TIME = 1e8  # seconds since 1970: smaller numbers are counted, not dated


@dataclass(frozen=True)
class Leaf:
    """A plain value. name: as reading_names has it; label: for people. depth: 0 where it is about the event itself.

    holder: the key of the object that it lies in.
    """

    name: str
    label: str
    value: str | int | float | bool
    depth: int
    is_list: bool = False
    holder: str = ""

    @property
    def place(self) -> int:
        """Where it stands among other facts."""
        return names.LIST if self.is_list else names.place_of(self.name, self.value, self.depth)

    @property
    def time(self) -> datetime | None:
        """The time that it is, where its name says that it is one, or its form does."""
        if isinstance(self.value, str):
            # Python reads a zone only as an offset.
            iso = re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:", self.value)
            return as_time(re.sub(r" UTC$", "+00:00", self.value.strip())) if iso else None
        is_time = self.place == names.TIME and not isinstance(self.value, bool) and self.value >= _FIRST_TIME
        return as_time(self.value) if is_time else None

    def shown(self) -> str:
        """The value for people; empty where it helps nobody: an id, a nested truth, a lie."""
        if isinstance(self.value, bool):
            return "yes" if self.value and not self.depth else ""
        if isinstance(self.value, str):
            text = last_part(one_line(self.value, 200))
            if (is_id(text) and not text.isdigit()) or text.startswith(("{", "[", "<")):
                return ""
            return self.time.isoformat() if self.time else text
        if self.time:
            return self.time.isoformat()
        return f"{self.value:g}" if isinstance(self.value, float) and abs(self.value) < 1e6 else f"{self.value}"


def leaves(value: Any) -> list[Leaf]:
    """The plain values of a JSON value, also those within lists and JSON texts, bounded in depth and number."""
    found: list[Leaf] = []
    for leaf in _walk(value, ("", ""), 0, 0, _MAX_JSON_DEPTH):
        found.append(leaf)
        if len(found) == _MAX_LEAVES:
            break
    return found


def _walk(value: Any, parent: tuple[str, str], depth: int, level: int, texts: int) -> Iterator[Leaf]:
    """parent: the label of what holds the value, and the value's own key."""
    if level > _MAX_DEPTH:
        return
    value, texts = _unpacked(value, texts)
    if isinstance(value, Mapping):
        yield from _of_object(value, parent, depth, level, texts)
    elif isinstance(value, list):
        yield from _of_list(value, parent, depth, level, texts)
    elif isinstance(value, str | int | float) and value != "":
        yield _leaf(parent, value, depth)


def _of_object(value: Mapping[str, Any], parent: tuple[str, str], depth: int, level: int, texts: int) -> Iterator[Leaf]:
    name = names.normal(parent[1])
    is_inner = bool(name) and name not in names.CONTAINERS
    if name in names.STORIES and (story := _id(value)):
        yield Leaf("storyid", "", f"{name} {story}", depth)
    called = _called(value) if is_inner else None
    if called:
        leaf = _leaf(parent, value[called], depth)
        yield replace(leaf, name=names.MEANING.get(leaf.name, leaf.name))
        if names.normal(called) != "value":
            # Beside its name it has much that is not about the event; a page of it may be wanted.
            yield from (_leaf(("", key), text, depth + 1) for key, text in value.items() if _leads_to_page(key, text))
            return
    for key, item in value.items():
        if key != called:
            *before, last = str(key)[:100].split(".") if "." in str(key)[:100] else ("", str(key)[:100])
            holder = before[-1] or (parent[1] if is_inner else "")
            yield from _walk(item, (holder, last), depth + is_inner, level + 1, texts)


def _of_list(value: list[Any], parent: tuple[str, str], depth: int, level: int, texts: int) -> Iterator[Leaf]:
    items = value[:_MAX_ITEMS]
    if all(isinstance(item, str | int | float) for item in items):
        text = listed((last_part(str(item)) for item in value[:1000]), 5)
        if text:
            yield replace(_leaf(parent, text, depth), is_list=len(items) > 1)
        return
    objects = [item for item in items if isinstance(item, Mapping)]
    pairs = [pair for item in objects if (pair := _pair(item))]
    if pairs and len(pairs) == len(objects):
        for key, item in pairs:
            yield from _walk(item, ("", key), depth, level + 1, texts)
    elif len(value) == 1 or not parent[1]:
        yield from _walk(value[0], parent, depth, level + 1, texts)
        if len(value) > 1:
            yield _leaf(("", "entries"), f"{len(value)}, of which this is the first", depth)
    elif names_of := [str(item[own]) for item in objects if (own := _called(item))]:
        yield replace(_leaf(parent, listed(names_of, 5), depth), is_list=True)


def _leaf(parent: tuple[str, str], value: Any, depth: int) -> Leaf:
    """A key that says nothing by itself (`name`) is called as what holds it."""
    holder, key = parent
    name, own = names.normal(key), in_words(key)
    if holder and name in names.GENERIC:
        return Leaf(names.normal(holder), _label(in_words(holder)), value, depth, holder=holder)
    outer = re.sub(r" (details|info|data)$", "", in_words(holder))
    label = own if " " in own or not outer or outer in own else f"{outer} {own}"
    return Leaf(name, _label(label), value, depth, holder=holder)


def _label(text: str) -> str:
    return one_line(text[:1].upper() + text[1:], 40)


def _called(value: Mapping[str, Any]) -> str | None:
    """The key by which an object is called."""
    keys = {names.normal(str(key)): key for key, text in value.items() if isinstance(text, str) and text}
    return next((keys[name] for name in names.CALLED if name in keys), None)


def _id(value: Mapping[str, Any]) -> str:
    """The id of an object, if it has one."""
    found = value.get("id")
    return str(found).strip()[:100] if isinstance(found, str | int) and not isinstance(found, bool) else ""


def _pair(value: Mapping[str, Any]) -> tuple[str, Any] | None:
    """Key and value of an object that is nothing but these, as of a dimension, a tag, or a link with its text."""
    keys = {names.normal(str(key)): key for key in value}
    called = next((keys[key] for key in names.PAIR_KEYS if key in keys), None)
    item = next((keys[key] for key in names.PAIR_VALUES if key in keys and keys[key] != called), None)
    if called is None or item is None or len(keys) > 4 or not isinstance(value[called], str):
        return None
    return value[called], value[item]


def _leads_to_page(key: str, text: Any) -> bool:
    return isinstance(text, str) and names.normal(str(key)) in names.PAGE


def _unpacked(value: Any, texts: int) -> tuple[Any, int]:
    """JSON in a text as what it is, and how many more such texts may lie within it."""
    if not (texts and isinstance(value, str) and value.strip()[:1] in {"{", "["} and len(value) <= _MAX_JSON):
        return value, texts
    try:
        found = parse_json(value)
    except (ValueError, TooDeep):
        return value, texts
    return (found, texts - 1) if isinstance(found, dict | list) else (value, texts)


def is_state(text: str) -> bool:
    """Whether a text can be a state: a few words."""
    return len(text) <= MAX_STATE and text.count(" ") < 4 and bool(re.fullmatch(r"[^\W\d][\w -]*", text))


def is_event_name(text: str) -> bool:
    """Whether a text can be the name of a kind of event."""
    return len(text) <= SHORT and bool(re.search(r"[^\W\d]{2}", text)) and not safe_url(text) and not is_id(text)


def is_name(text: str) -> bool:
    """Whether a text can be the name of an object: one line, and no address."""
    return 0 < len(text) <= 300 and "\n" not in text and not (safe_url(text) and "://" in text)


def is_title(text: str) -> bool:
    """Whether a text can be a title: a name that is no id."""
    return is_name(text) and not is_id(text) and len(text) > 1


def is_prose(text: str) -> bool:
    """Whether a text is what somebody wrote: no address, id or number."""
    return len(text) > 1 and not safe_url(text) and (len(text) > 64 or not is_id(text)) and not text.isdigit()


def is_page(text: str) -> bool:
    """Whether a text is the address of a page for people."""
    return bool(safe_url(text)) and "{" not in text and not names.is_for_machines(text)
