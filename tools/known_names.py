"""bridge/sources/known_names.json: the names that the events of each source have, read from all recorded webhooks."""

import json
from collections.abc import Iterable, Mapping

from bridge.events import Event
from bridge.sources import SOURCES
from bridge.sources.base import Source
from bridge.sources.known_names import recorded


def table(_: str = "") -> str:
    """The file, with a line for each kind of names."""
    names = {name: _names(source) for name, source in sorted(SOURCES.items())}
    parts = (f" {json.dumps(name)}: {_lines(of_source)}" for name, of_source in names.items())
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _lines(names: Mapping[str, Iterable[str]]) -> str:
    return (
        "{\n"
        + ",\n".join(f"  {json.dumps(kind)}: {json.dumps(sorted(of_it))}" for kind, of_it in names.items())
        + "\n }"
    )


def _names(source: Source) -> Mapping[str, Iterable[str]]:
    events = list(recorded(source))
    return {
        "attributes": {name for event in events for name in event.attributes} | source.attributes,
        "details": {name for event in events for name in event.details} | source.details,
        "actions": {_action(event) for event in events} - {""},
        "kinds": {event.kind.partition(".")[0] for event in events},
    }


def _action(event: Event) -> str:
    return str(event.details.get("action") or event.kind.partition(".")[2])
