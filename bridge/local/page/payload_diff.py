"""What is different in two payloads: value by value where both are JSON, else line by line."""

import contextlib
import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any

MOST = 500  # differences that are listed
_ALIGNED = 50  # items of a list of which what was put in or taken out is looked for; of longer ones each by its place
_LINES = 2000
_VALUE = 200  # characters
_ABSENT = object()


@dataclass(frozen=True)
class Difference:
    """A value or a line that differs. left, right: as JSON, or the line; None: it is not there."""

    path: str
    left: str | None
    right: str | None


@dataclass(frozen=True)
class Comparison:
    """The first differences. more: how many there are beyond those. by: `values` or `lines`."""

    differences: tuple[Difference, ...]
    more: int
    by: str


def compare(left: str, right: str) -> Comparison:
    """What is different in two bodies. Its time grows with their length, and no faster."""
    values = _json(left), _json(right)
    if _ABSENT not in values:
        with contextlib.suppress(RecursionError):
            return _bounded(_of_values("", *values), "values")
    return _bounded(_of_lines(left.splitlines(), right.splitlines()), "lines")


def _bounded(found: Iterator[Difference], by: str) -> Comparison:
    first = tuple(islice(found, MOST))
    return Comparison(first, sum(1 for _ in found), by)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _ABSENT


def _of_values(path: str, left: Any, right: Any) -> Iterator[Difference]:
    if isinstance(left, dict) and isinstance(right, dict):
        for name in dict.fromkeys([*left, *right]):
            inner = f"{path}.{name}" if path else str(name)
            yield from _of_values(inner, left.get(name, _ABSENT), right.get(name, _ABSENT))
    elif isinstance(left, list) and isinstance(right, list):
        for place, one, other in _pairs(left, right):
            yield from _of_values(f"{path}[{place}]", one, other)
    elif _text(left) != _text(right):
        yield Difference(path or "the body", _shown(left), _shown(right))


def _pairs(left: Sequence[Any], right: Sequence[Any]) -> Iterator[tuple[int, Any, Any]]:
    """The items of two lists that belong together, with their places."""
    if max(len(left), len(right)) > _ALIGNED:
        yield from ((place, *pair) for place, pair in enumerate(zip_longest(left, right, fillvalue=_ABSENT)))
        return
    texts = [_text(item) for item in left], [_text(item) for item in right]
    for kind, from_left, to_left, from_right, to_right in difflib.SequenceMatcher(None, *texts, False).get_opcodes():
        if kind != "equal":
            pairs = zip_longest(left[from_left:to_left], right[from_right:to_right], fillvalue=_ABSENT)
            first = from_left if kind != "insert" else from_right
            yield from ((first + place, *pair) for place, pair in enumerate(pairs))


def _of_lines(left: Sequence[str], right: Sequence[str]) -> Iterator[Difference]:
    for place, one, other in _line_pairs(left, right):
        if one != other:
            yield Difference(f"line {place + 1}", _cut(one), _cut(other))


def _line_pairs(left: Sequence[str], right: Sequence[str]) -> Iterator[tuple[int, str | None, str | None]]:
    if max(len(left), len(right)) > _LINES:
        yield from ((place, *pair) for place, pair in enumerate(zip_longest(left, right)))
        return
    for kind, from_left, to_left, from_right, to_right in difflib.SequenceMatcher(None, left, right).get_opcodes():
        if kind != "equal":
            pairs = zip_longest(left[from_left:to_left], right[from_right:to_right])
            first = from_left if kind != "insert" else from_right
            yield from ((first + place, *pair) for place, pair in enumerate(pairs))


def _text(value: Any) -> str:
    return "" if value is _ABSENT else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _shown(value: Any) -> str | None:
    return None if value is _ABSENT else _cut(_text(value))


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _VALUE else f"{text[:_VALUE]}…"
