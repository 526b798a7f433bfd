"""Variants of a payload, each about another object, for bursts of webhooks that become threads of their own."""

import itertools
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.sources.base import Ignored, Source

Path = tuple[Any, ...]  # the names and positions that lead to a value


def variants(source: Source, body: bytes, event: str) -> Callable[[int], bytes]:
    """A function that returns a different variant of the payload for each number.

    The field that identifies the object is found by trying: it is the first one whose change also changes the
    correlation key, preferably together with the title. If there is none, every variant equals the payload.
    """
    try:
        payload = json.loads(body)
    except ValueError:
        return lambda _: body
    path = _identifying_path(source, payload, event)
    return lambda number: json.dumps(_changed(payload, path, number)).encode() if path else body


def _identifying_path(source: Source, payload: Any, event: str) -> Path:
    before = _first_event(source, payload, event)
    found: Path = ()
    for path in _paths(payload) if before else ():
        after = _first_event(source, _changed(payload, path, 1), event)
        if before and after and after.correlation_key != before.correlation_key and after.kind == before.kind:
            if after.title != before.title:
                return path
            found = found or path
    return found


def _first_event(source: Source, payload: Any, event: str) -> Event | None:
    try:
        events = source.read(Webhook(source.headers(event, "variant"), json.dumps(payload).encode()))
    except BadWebhook:
        return None
    return None if isinstance(events, Ignored) else next(iter(events), None)


def _paths(value: Any, parent: Path = ()) -> Iterator[Path]:
    """The paths to all strings and integers."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        yield from itertools.chain.from_iterable(_paths(item, (*parent, name)) for name, item in items)
    elif isinstance(value, str) or type(value) is int:
        yield parent


def _changed(payload: Any, path: Path, number: int) -> Any:
    changed = deepcopy(payload)
    container = changed
    for step in path[:-1]:
        container = container[step]
    value = container[path[-1]]
    container[path[-1]] = value + number if isinstance(value, int) else f"{value}-{number}"
    return changed
