"""The samples of the sources as the webhooks that they were recorded from."""

from datetime import UTC, datetime
from pathlib import Path

from bridge.events import Event, Webhook
from bridge.local.sending import event_name
from bridge.sources.base import Ignored, Source

NOW = datetime(2026, 11, 23, 15, 5, tzinfo=UTC)  # the time of every generated post that has none of its own


def webhook(source: Source, path: Path) -> Webhook:
    """The webhook with the sample in the file as its body."""
    event = event_name(path.name, source.event_parts)
    return Webhook(source.headers(event, path.stem), path.read_bytes())


def event(source: Source, path: Path) -> Event:
    """The first event of the sample in the file; TypeError if it has none."""
    events = source.read(webhook(source, path))
    if isinstance(events, Ignored):
        raise TypeError(f"{path} has no event: {events.reason}")
    return events[0]
