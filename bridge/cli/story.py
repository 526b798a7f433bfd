"""The whole story of a webhook as lines for a terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.app import Bridge
from bridge.cli.common import route_rows, utc
from bridge.cli.output import filled, plural, table
from bridge.configuration import Configuration
from bridge.errors import SettingsError
from bridge.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bridge.deliveries import EventRecord
    from bridge.outbox.delivery_story import DeliveryStory, EntryStory


@dataclass(frozen=True)
class StoryView:
    """Shows stories. bridge: for the names of groups and templates; None where the settings cannot be read here.

    graph: the base URL of Graph.
    """

    bridge: Bridge | None
    graph: str
    _names: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def from_env(env: Mapping[str, str]) -> StoryView:
        """The view with the settings of the environment."""
        graph = Settings.from_env(env).graph_base
        try:
            bridge = Bridge(Configuration.from_env(env))
        except SettingsError:
            return StoryView(None, graph)
        names = {group: known.name for group, known in bridge.configuration.groups.items() if known.name}
        return StoryView(bridge, graph, names)

    def lines(self, story: DeliveryStory) -> Iterator[str]:
        """The lines of a story."""
        record, shown = story.record, len(story.record.events)
        many = f", {plural(record.count, 'webhook')}" if record.count > 1 else ""
        rows = {
            "came": utc(record.at),
            "source": record.source,
            "delivery": record.delivery,
            "event": record.event,
            "authenticated": f"by {record.authentication}" if record.authentication else "no",
            "body": f"{plural(record.size, 'byte')}, {'kept' if record.payload else 'not kept'}",
            "outcome": f"{record.outcome}{many}",
            "reason": record.reason,
            "answer": f"{record.status} after {record.took * 1000:.1f} ms" if record.took else str(record.status),
            "expected": ", ".join(record.expected),
            "events": f"{record.count_events}, here the first {shown}" if record.count_events > shown else "",
        }
        yield record.id
        yield from table(filled(rows))
        if record.headers:
            yield from ["", "  headers", *(f"  {line}" for line in table(record.headers))]
        entries = {entry.id: entry for entry in story.entries}
        for event in record.events:
            yield ""
            yield from self._of_event(record.source, event)
            for entry in filter(None, map(entries.get, event.entries)):
                yield ""
                yield from self._of_entry(entry)

    def _of_event(self, source: str, event: EventRecord) -> Iterator[str]:
        template = self.bridge.renderer.template_of(source, event.kind) if self.bridge else ""
        rows = [
            ("event", event.kind),
            ("title", event.title),
            ("severity", event.severity),
            ("key", event.correlation_key),
            ("template", template),
            *route_rows(event.trials),
            ("route", event.route),
            ("groups", "" if event.entries else "none: the event is dropped"),
        ]
        yield from table([row for row in rows if row[1]])

    def _of_entry(self, entry: EntryStory) -> Iterator[str]:
        name = self._names.get(entry.group, "")
        rows = {
            "entry": entry.id,
            "group": f"{name} ({entry.group})" if name else entry.group,
            "state": _state(entry),
            "attempts": f"{entry.tries} not sent" if entry.tries else "",
            "last answer": entry.answer,
            "what helps": entry.advice,
            "on hold": entry.hold,
            "next try": utc(entry.due) if entry.due else "",
            "thread": entry.thread,
            "posted": utc(entry.posted) if entry.posted else "",
            "last line": entry.token,
            "post": f"{self.graph}/groups/{entry.group}/threads/{entry.thread}/posts" if entry.is_delivered else "",
        }
        yield from table(filled(rows))


def _state(entry: EntryStory) -> str:
    if entry.state == "repeat":
        return f"not posted: a repeat of {entry.repeat_of}"
    return "on the queue, or forgotten with the history" if entry.state == "queued" else entry.state
