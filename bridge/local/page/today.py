"""What today's routes and templates make of a kept webhook. Nothing is queued, and nothing is logged as received."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from bridge.app import Bridge
from bridge.deliveries import Outcome, RouteTrial
from bridge.entries import Target, entry_id
from bridge.errors import WebhookError
from bridge.events import Event
from bridge.payloads import KeptPayload
from bridge.publishing.stories import post_html
from bridge.receiving.bodies import readable
from bridge.receiving.explanations import EventExplanation
from bridge.sources.base import Ignored, Source

_MOST = 10  # events that are rendered


@dataclass(frozen=True)
class EventToday:
    """One event as it would be routed and rendered now.

    groups: object ids; without any it would be dropped. participants: who would be invited.
    """

    kind: str
    title: str
    severity: str
    key: str
    template: str
    route: str
    trials: tuple[RouteTrial, ...]
    groups: tuple[str, ...]
    topic: str
    summary: str
    html: str
    participants: tuple[str, ...] = ()


@dataclass(frozen=True)
class Today:
    """What would become of a webhook now. reason: why nothing would be posted. count: of its events."""

    outcome: Outcome
    reason: str = ""
    events: tuple[EventToday, ...] = ()
    count: int = 0

    def as_json(self) -> Mapping[str, Any]:
        """The same, ready for JSON."""
        return asdict(self) | {"events": [_as_json(event) for event in self.events]}


def today(bridge: Bridge, payload: KeptPayload, received: datetime) -> Today:
    """What would become of a kept webhook now. It never raises for what is in the webhook. received: when it came."""
    source = bridge.configuration.sources.get(payload.source)
    if source is None:
        return Today(Outcome.REFUSED, f"The bridge has no source {payload.source} any more.")
    try:
        return _read(bridge, source, payload, received)
    except WebhookError as error:
        return Today(Outcome.REFUSED, f"{error.status}: {error}")
    except RecursionError:
        return Today(Outcome.REFUSED, "400: The body is nested too deep.")


def _read(bridge: Bridge, source: Source, payload: KeptPayload, received: datetime) -> Today:
    explained = bridge.receiver.explain(source.name, payload.webhook)
    events = source.read(readable(payload.webhook, source.max_body, as_fields=source.takes_fields))
    if isinstance(events, Ignored):
        return Today(Outcome.IGNORED, events.reason)
    made = tuple(_event(bridge, *pair, received) for pair in zip(events[:_MOST], explained.steps, strict=False))
    if any(step.groups for step in explained.steps):
        return Today(Outcome.ACCEPTED, "", made, len(events))
    reasons = dict.fromkeys(step.route for step in explained.steps)
    return Today(Outcome.DROPPED, "; ".join(reasons), made, len(events))


def _event(bridge: Bridge, event: Event, step: EventExplanation, received: datetime) -> EventToday:
    group = step.groups[0] if step.groups else ""
    entry = bridge.renderer.entry(event, entry_id(event, 0, group, ""), Target(group), received)
    return EventToday(
        kind=step.kind,
        title=step.title,
        severity=step.severity,
        key=step.correlation_key,
        template=step.template,
        route=step.route,
        trials=step.trials,
        groups=step.groups,
        topic=entry.topic,
        summary=entry.summary,
        participants=step.participants,
        html=post_html([entry], zone=bridge.configuration.settings.time_zone),
    )


def _as_json(event: EventToday) -> Mapping[str, Any]:
    return asdict(event) | {"trials": [one._asdict() for one in event.trials]}
