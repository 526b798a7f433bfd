"""Reading values from payloads, which can hold anything: a missing value, or one of another type, is no error."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar, overload
from urllib.parse import parse_qsl

from bridge.errors import TooDeep
from bridge.limits import MAX_DEPTH, MAX_FIELDS

Payload = Mapping[str, Any]

_NUMBER = re.compile(r"\s*\d{9,19}(\.\d{1,9})?\s*", re.ASCII)
_LATEST = 1e11  # seconds: the year 5138; more is in milliseconds, microseconds or nanoseconds

_T = TypeVar("_T")


def parse_json(text: str | bytes, parse_int: Callable[[str], Any] | None = None) -> Any:
    """The value of a JSON text; ValueError where it is none, TooDeep where it has more levels than the bridge reads."""
    try:
        value = json.loads(text, parse_int=parse_int)
    except RecursionError:
        raise TooDeep from None
    # Most texts have so few brackets that they need no closer look.
    marks = (b"[", b"{") if isinstance(text, bytes) else ("[", "{")
    if sum(map(text.count, marks)) > MAX_DEPTH and _is_deep(value):  # type: ignore[arg-type]
        raise TooDeep
    return value


def form_fields(body: bytes, *, keep_blank: bool = False) -> Mapping[str, str]:
    """The fields of a form (application/x-www-form-urlencoded), the last one of each name; ValueError if too many."""
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=keep_blank, max_num_fields=MAX_FIELDS))


def _is_deep(value: Any) -> bool:
    """Whether there are more levels than may be, looked at one after the other: recursion is what must not happen."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return False
    return True


@overload
def dig(value: Any, path: str) -> str: ...
@overload
def dig(value: Any, path: str, default: _T) -> _T: ...
def dig(value: Any, path: str, default: Any = "") -> Any:
    """The value at a dotted path (`pull_request.user.login`) if it has the default's type, else the default."""
    found = at(value, path)
    return found if type(found) is type(default) else default


def at(value: Any, path: str) -> Any:
    """The value at a dotted path, of any type; None if there is none."""
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def part(value: Any, path: str) -> Payload:
    """The JSON object at a dotted path, or an empty one."""
    found = at(value, path)
    return found if isinstance(found, Mapping) else {}


def first(value: Any, paths: Sequence[str]) -> str:
    """The first text at one of the paths that is not empty, or an empty one."""
    return next((found for path in paths if (found := dig(value, path))), "")


def objects(value: Any, path: str) -> list[Mapping[str, Any]]:
    """The JSON objects of the list at a dotted path."""
    found = at(value, path)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def moment(value: Any, path: str) -> datetime | None:
    """The time at a dotted path, as `as_time` reads it."""
    return as_time(at(value, path))


def as_time(found: Any) -> datetime | None:
    """A time with its zone (UTC where it names none): of ISO 8601, or of seconds since 1970 or parts of them."""
    try:
        if isinstance(found, str) and not _NUMBER.fullmatch(found):
            time = datetime.fromisoformat(found.strip())
            return time if time.tzinfo else time.replace(tzinfo=UTC)
        if isinstance(found, str | int | float) and (seconds := float(found)):
            parts = next((parts for parts in (1, 1e3, 1e6, 1e9) if seconds / parts <= _LATEST), 1)
            return datetime.fromtimestamp(seconds / parts, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None
