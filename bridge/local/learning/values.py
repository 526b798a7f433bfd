"""The plain values of several payloads side by side: where each lies, its names, and what it is in each payload."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.rendering.filters import upper_first
from bridge.rendering.text import in_words, is_id, one_line, printable
from bridge.sources import reading_names as names

_MAX_DEPTH = 6
_MOST = 300
# Methods of a JSON object in expressions: `item.items` is not its field.
_METHODS = set(dir(dict))
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Words that an expression reads as its own.
_RESERVED = {"and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None"}
_ID_NAME = re.compile(r"(id|uuid|guid|key|fingerprint|number|ticket|hash|incident)$")

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Value:
    """A plain value, or a list of them. path: from the item. values: one for each item; None where it has none.

    names: what it may be called, as reading_names writes names. depth: 0 where it is about the event itself.
    """

    path: Path
    values: tuple[Any, ...]
    names: tuple[str, ...]
    depth: int

    @property
    def present(self) -> list[Any]:
        """Its values in the items that have it."""
        return [value for value in self.values if value is not None]

    @property
    def coverage(self) -> float:
        """The share of items that have it."""
        return len(self.present) / len(self.values)

    @property
    def texts(self) -> list[str]:
        """Its values as texts."""
        return [value.strip() if isinstance(value, str) else json.dumps(value) for value in self.present]

    @property
    def own_name(self) -> str:
        """The last key of its path, as reading_names writes it."""
        return next((names.normal(part) for part in reversed(self.path) if isinstance(part, str)), "")

    @property
    def expression(self) -> str:
        """How a form's expressions write it."""
        return expression("item", self.path)

    @property
    def label(self) -> str:
        """Its name for people."""
        keys = [str(part) for part in self.path if isinstance(part, str)]
        last = in_words(keys[-1]) if keys else "value"
        is_vague = names.normal(keys[-1]) in names.GENERIC if keys else False
        if len(keys) > 1 and is_vague and names.normal(keys[-2]) not in names.CONTAINERS:
            holder = in_words(keys[-2])
            last = holder if names.normal(keys[-1]) in {"name", "title", "label", "displayname"} else f"{holder} {last}"
        return one_line(upper_first(last), 40)

    @property
    def is_id_like(self) -> bool:
        """Whether its name or all of its values are those of an id."""
        plain = all(isinstance(value, str | int) and not isinstance(value, bool) for value in self.present)
        return plain and (
            bool(_ID_NAME.search(self.names[0])) or all(is_id(text) and not text.isdigit() for text in self.texts)
        )


def expression(name: str, path: Path) -> str:
    """The path as an expression: `item.alert['detail-type'][0]`."""
    return name + "".join(_step(part) for part in path)


def example(value: Any) -> str:
    """A value as it is quoted in a comment."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"“{one_line(printable(text), 40)}”"


def values(items: Sequence[Any]) -> list[Value]:
    """The values of all items. A list of objects is followed where it has one object alone."""
    found: dict[Path, list[Any]] = {}
    depths: dict[Path, int] = {}
    for place, item in enumerate(items):
        for path, value, depth in _walk(item, (), 0):
            if path not in found and len(found) >= _MOST:
                break
            found.setdefault(path, [None] * len(items))[place] = value
            depths.setdefault(path, depth)
    return [Value(path, tuple(each), _names(path), depths[path]) for path, each in found.items()]


def tables(item: Any, path: Path = ()) -> Iterator[tuple[Path, list[Mapping[str, Any]]]]:
    """The lists of several objects in an item, each with its path."""
    if not isinstance(item, Mapping) or len(path) > _MAX_DEPTH:
        return
    for key, value in item.items():
        if isinstance(value, list) and len(value) > 1 and all(isinstance(row, Mapping) for row in value):
            yield (*path, key), value
        else:
            yield from tables(value, (*path, key))


def _walk(value: Any, path: Path, depth: int) -> Iterator[tuple[Path, Any, int]]:
    if len(path) > _MAX_DEPTH:
        return
    if isinstance(value, Mapping):
        for key, each in value.items():
            if isinstance(key, str) and len(key) <= 100:
                is_inner = isinstance(each, Mapping | list) and names.normal(key) not in names.CONTAINERS
                yield from _walk(each, (*path, key), depth + is_inner)
    elif isinstance(value, list):
        if value and all(isinstance(each, str | int | float) for each in value):
            yield path, value, depth
        elif len(value) == 1:
            yield from _walk(value[0], (*path, 0), depth)
    elif isinstance(value, str | int | float) and value != "":
        yield path, value, depth


def _names(path: Path) -> tuple[str, ...]:
    """What is called `name` is called as what holds it, too: the `name` of a `check` is a check."""
    keys = [names.normal(part) for part in path if isinstance(part, str)]
    own, holder = (keys[-1], keys[-2]) if len(keys) > 1 else (keys[-1] if keys else "", "")
    found = [own, holder + own] if holder else [own]
    if holder and own in names.GENERIC and holder not in names.CONTAINERS:
        found = [holder, holder + own] if own not in {"id", "key", "number"} else [holder + own]
    return tuple(found)


def _step(part: str | int) -> str:
    if isinstance(part, str) and _IDENTIFIER.fullmatch(part) and part not in _METHODS | _RESERVED:
        return f".{part}"
    if isinstance(part, int):
        return f"[{part}]"
    return "['" + part.replace("\\", "\\\\").replace("'", "\\'") + "']"
