"""Reading values from payloads, which can hold anything: a missing value, or one of another type, is no error."""

import gc
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar, overload
from urllib.parse import parse_qsl

import orjson

from bridge.errors import TooDeep
from bridge.limits import MAX_DEPTH, MAX_FIELDS

Payload = Mapping[str, Any]

_NUMBER = r"\s*\d{9,19}(\.\d{1,9})?\s*"
_LATEST = 1e11  # seconds: the year 5138; more is in milliseconds, microseconds or nanoseconds

_DIGITS_AS_ZERO = bytes.maketrans(b"123456789", b"0" * 9)
_TOO_LONG = b"0" * 20, b"-" + b"0" * 19  # only such whole numbers can have more than 64 bits
_BEGINNING = 20_000  # bytes
_LARGE = 2.0**63
_CONTAINERS = frozenset({dict, list})

_T = TypeVar("_T")


def parse_json(text: str | bytes, parse_int: Callable[[str], Any] | None = None) -> Any:
    """The value of a JSON text; ValueError where it is none, TooDeep where it has more levels than the bridge reads."""
    try:
        value = json.loads(text, parse_int=parse_int)
    except RecursionError:
        raise TooDeep from None
    _check_depth(text, value)
    return value


def parse_plain_json(text: bytes) -> Any:
    """The same value as `parse_json` finds, in half the time; None where only that one can find it.

    orjson takes neither NaN, halves of surrogate pairs, bytes that are not UTF-8, nor a byte order mark, and makes
    floats of whole numbers of more than 64 bits.
    """
    try:
        value = orjson.loads(text)
    except ValueError:
        return None
    _check_depth(text, value)
    # To look for a run of digits like this takes a twentieth of what a regular expression takes.
    zeros = text.translate(_DIGITS_AS_ZERO)
    return None if any(run in zeros for run in _TOO_LONG) and _has_large_floats(value) else value


def _check_depth(text: str | bytes, value: Any) -> None:
    """TooDeep where the value of a text has more levels than may be."""
    marks: tuple[Any, Any] = (b"{", b"[") if isinstance(text, bytes) else ("{", "[")
    # Most texts have so few brackets that they need no closer look, which the beginning of a large one mostly shows.
    if not any(sum(text.count(mark, 0, end) for mark in marks) > MAX_DEPTH for end in (_BEGINNING, len(text))):
        return
    # One level after the other: recursion is what must not happen. The garbage collector knows what a value holds, in a
    # fifth of the time of a walk, and does not track an object that holds nothing that holds anything.
    level = [value]
    for _ in range(MAX_DEPTH - 1):
        level = list(filter(gc.is_tracked, gc.get_referents(*level)))
        if not level:
            return
    if any(isinstance(inner, dict | list) for inner in gc.get_referents(*level)):
        raise TooDeep


def _has_large_floats(value: Any) -> bool:
    """Whether there is a float in a value that may stand for a whole number of more than 64 bits."""
    level = [value]
    while level:
        if any(type(inner) is float and abs(inner) >= _LARGE for inner in level):
            return True
        containers = [inner.values() if type(inner) is dict else inner for inner in level if type(inner) in _CONTAINERS]
        level = [inner for outer in containers for inner in outer]
    return False


def form_fields(body: bytes, *, keep_blank: bool = False) -> Mapping[str, str]:
    """The fields of a form (application/x-www-form-urlencoded), the last one of each name; ValueError if too many."""
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=keep_blank, max_num_fields=MAX_FIELDS))


@overload
def dig(value: Any, path: str) -> str: ...
@overload
def dig(value: Any, path: str, default: _T) -> _T: ...
def dig(value: Any, path: str, default: Any = "") -> Any:
    """The value at a dotted path (`pull_request.user.login`) if it has the default's type, else the default."""
    for name in _names(path):
        if type(value) is not dict and not isinstance(value, Mapping):
            return default
        value = value.get(name)
    return value if type(value) is type(default) else default


def texts_of(values: Iterable[Payload], name: str) -> list[str]:
    """The text that each of the objects has under a name, or an empty one."""
    return [found if type(found := value.get(name)) is str else "" for value in values]


def text(value: Payload, name: str) -> str:
    """The text that an object has under a name, or an empty one: of thousands of them, in half the time of `dig`."""
    found = value.get(name)
    return found if type(found) is str else ""


def at(value: Any, path: str) -> Any:
    """The value at a dotted path, of any type; None if there is none."""
    for name in _names(path):
        # Nearly all are dictionaries, and to ask for a Mapping takes ten times as long.
        if type(value) is not dict and not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


@lru_cache(maxsize=4096)
def _names(path: str) -> Sequence[str]:
    """The parts of a path; all paths are in the code and in templates."""
    return tuple(path.split("."))


def part(value: Any, path: str) -> Payload:
    """The JSON object at a dotted path, or an empty one."""
    found = at(value, path)
    return found if type(found) is dict or isinstance(found, Mapping) else {}


def first(value: Any, paths: Sequence[str]) -> str:
    """The first text at one of the paths that is not empty, or an empty one."""
    for path in paths:
        if found := dig(value, path):
            return found
    return ""


def objects(value: Any, path: str) -> list[Mapping[str, Any]]:
    """The JSON objects of the list at a dotted path."""
    found = at(value, path)
    if not isinstance(found, list):
        return []
    return [item for item in found if type(item) is dict or isinstance(item, Mapping)]


def moment(value: Any, path: str) -> datetime | None:
    """The time at a dotted path, as `as_time` reads it."""
    return as_time(at(value, path))


def as_time(found: Any) -> datetime | None:
    """A time with its zone (UTC where it names none): of ISO 8601, or of seconds since 1970 or parts of them."""
    try:
        # Nearly all times have a dash behind the year, and are no numbers.
        if isinstance(found, str) and (found[4:5] == "-" or not re.fullmatch(_NUMBER, found, re.ASCII)):
            time = datetime.fromisoformat(found.strip())
            return time if time.tzinfo else time.replace(tzinfo=UTC)
        if isinstance(found, str | int | float) and (seconds := float(found)):
            parts = next((parts for parts in (1, 1e3, 1e6, 1e9) if seconds / parts <= _LATEST), 1)
            return datetime.fromtimestamp(seconds / parts, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None
