"""A webhook of every source, in the sizes of the others: its largest sample, in which a list grows."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.events import Webhook
from bridge.local.sending import event_name, signed
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests.bench.payloads import SECRET, SIZES, SUBJECTS, Subject

STANDARD_SECRET = "whsec_c2VjcmV0LW9mLXRoZS1iZW5jaA=="  # as two services take only such ones
SECRETS = {name: (STANDARD_SECRET if name in ("standard_webhooks", "incident_io") else SECRET,) for name in SOURCES}
# A batch of events is as many webhooks, and a message of a chat is no longer than its service takes.
_BATCHES = {"cloud_events", "updown"}
_CHATS = {"discord", "messagecard", "slack", "teams"}


@dataclass(frozen=True)
class Grown:
    """A source that the bench has no words for."""

    source: str

    def webhook(self, size: int) -> Webhook:
        """A signed webhook of so many KB."""
        source = SOURCES[self.source]
        sample = max(_samples(self.source), key=lambda path: path.stat().st_size)
        payload = json.loads(sample.read_text("utf-8"))
        body = json.dumps(grown(payload, size * 1024) if size > SIZES[0] else payload, separators=(",", ":")).encode()
        authentication = source.authentication(Settings(secrets={self.source: SECRETS[self.source]}))
        if authentication is None:
            return Webhook({"content-type": "application/json"}, body)
        sent = signed(source, authentication, body, event_name(sample.name), "bench")
        return Webhook(sent.headers, sent.body)


def everything() -> Iterator[tuple[Grown | Subject, int]]:
    """Every source with each size that it may have."""
    known = {subject.source: subject for subject in SUBJECTS}
    for name in SOURCES:
        if name not in _BATCHES:
            sizes = SIZES[:2] if name in _CHATS else SIZES
            yield from ((known.get(name) or Grown(name), size) for size in sizes)


def _samples(source: str) -> Iterator[Path]:
    return SOURCES[source].samples.glob("*.json")


def grown(payload: Any, size: int) -> Any:
    """The payload with more items of its longest list; without one, with a list of its own that nobody knows."""
    payload = deepcopy(payload)
    found = max((each for each in _lists(payload) if each and isinstance(each[0], dict)), key=_length, default=None)
    if found is None:
        (payload[0] if isinstance(payload, list) else payload)["more"] = found = [
            {"name": "a", "value": 12.5, "of": {}}
        ]
    first, missing, number = found[0], size - _length(payload), 0
    while missing > 0:
        found.append(_another(first, number))
        missing -= _length(found[-1])
        number += 1
    return payload


def _lists(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, list):
        yield value
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _lists(inner)


def _length(value: Any) -> int:
    return len(json.dumps(value))


def _another(first: dict[str, Any], number: int) -> dict[str, Any]:
    """Another item of the list: as the next alert of a group, it differs in what names it."""
    names = ("id", "name", "fingerprint", "key", "instance")
    changed = {key: f"{value}-{number}" if key in names else value for key, value in first.items()}
    if isinstance(labels := first.get("labels"), dict):
        changed["labels"] = {**labels, "instance": f"node-{number}:9100"}
    return changed
