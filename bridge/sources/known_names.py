"""The names that a source's events have: attributes for routes, values for templates, actions.

known_names.json is written by `make docs` from the recorded webhooks, as the package for Azure has none of them.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.sources.base import Ignored, Source
from bridge.values import dataclass

_PATHS: dict[str, frozenset[str]] = {}  # of sources of which they were asked for: recorded webhooks do not change
FILE = Path(__file__).with_name("known_names.json")
# What the machinery of forms adds to the details that a form names.
_OF_FORMS = frozenset({"action", "buttons", "meter", "meters", "table", "word", "minor", "started", "took",
                       "phase", "text", "name", "facts", "notes", "asks"})  # fmt: skip


@dataclass(frozen=True)
class Names:
    """attributes: of `attributes` in routes. details: of `details` in templates. actions: of `on_<action>` there.

    kinds: the first words of kinds.
    """

    attributes: frozenset[str] = frozenset()
    details: frozenset[str] = frozenset()
    actions: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()


def names_of(source: Source) -> Names:
    """The names of a source's events, of which recorded webhooks and the source's form know."""
    known = _recorded().get(source.extends or ("" if source.is_declared else source.name), Names())
    return Names(
        attributes=known.attributes | source.attributes,
        details=known.details | source.details | (_OF_FORMS if source.is_declared else frozenset()),
        actions=known.actions,
        kinds=known.kinds,
    )


@cache
def _recorded() -> Mapping[str, Names]:
    tables = json.loads(FILE.read_text("utf-8"))
    return {
        source: Names(*(frozenset(table[key]) for key in ("attributes", "details", "actions", "kinds")))
        for source, table in tables.items()
    }


def recorded(source: Source) -> Iterator[Event]:
    """The events of a source's recorded webhooks; none in the package for Azure."""
    for path in sorted(source.samples.iterdir()) if source.samples.is_dir() else ():
        event = ".".join(path.name.removesuffix(".json").partition("__")[0].split(".")[: source.event_parts])
        try:
            found = source.read(Webhook(source.headers(event, path.stem), path.read_bytes()))
        except BadWebhook:
            continue
        yield from () if isinstance(found, Ignored) else found


def paths_of(source: Source) -> frozenset[str]:
    """The paths of all fields in a source's recorded webhooks: `pull_request`, `pull_request.user`."""
    if source.name not in _PATHS:
        _PATHS[source.name] = frozenset(path for event in recorded(source) for path in _paths(event.payload))
    return _PATHS[source.name]


def _paths(value: Mapping[str, Any], parent: str = "") -> Iterator[str]:
    for name, inner in value.items():
        path = f"{parent}{name}"
        yield path
        if isinstance(inner, Mapping):
            yield from _paths(inner, f"{path}.")
