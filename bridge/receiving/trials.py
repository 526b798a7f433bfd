"""What a person is shown of a route that was tried: its answer, and the values of the names in its expression."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from bridge.deliveries import RouteTrial
from bridge.errors import redacted
from bridge.events import Event
from bridge.rendering.expressions import paths

_LONGEST = 60  # characters of a value
_MOST = 5  # items of a list
_HIDDEN = r"auth|cookie|token|secret|signature|password|key$|credential"


def trial(number: int, when: str, answer: str, event: Event | None) -> RouteTrial:
    """A route that was tried with this event; without one, it was not tried."""
    return RouteTrial(number, when, answer, _values(when, event) if event else "")


def _values(when: str, event: Event) -> str:
    return ", ".join(
        [f"{name} = {'(hidden)' if is_hidden else _value(event, path)}" for name, path, is_hidden in _paths(when)]
    )


@lru_cache(maxsize=1000)
def _paths(when: str) -> tuple[tuple[str, tuple[str, ...], bool], ...]:
    """What an expression reads of an event: its name, its path, and whether nobody is shown it."""
    return tuple([(".".join(path), path, _is_hidden(path)) for path in paths(when)])


def _is_hidden(path: tuple[str, ...]) -> bool:
    return bool(re.search(_HIDDEN, path[-1], re.IGNORECASE)) and path[0] != "correlation_key"


def _value(event: Event, path: tuple[str, ...]) -> str:
    value: Any = getattr(event, path[0], None)
    for name in path[1:]:
        value = _part(value, name)
    return "(missing)" if value is None else redacted(shown(value))


def _part(value: object, name: str) -> Any:
    if type(value) is dict or isinstance(value, Mapping):
        return value.get(name)
    if isinstance(value, list | tuple) and name.isdecimal() and int(name) < len(value):
        return value[int(name)]
    return None


def shown(value: object) -> str:
    """A value as a person reads it, on one line and not too long."""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}..."
    if isinstance(value, Mapping):
        return f"an object with {len(value)} fields"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value[:_MOST]))}{', ...' if len(value) > _MOST else ''}]"
    return str(value)[:_LONGEST]
