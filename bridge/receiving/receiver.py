"""The receiving wing: prove, read, route, render, answer. No I/O of its own."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.entries import Entry, Target, entry_id
from bridge.errors import BadWebhook, TooLarge, Unavailable, WebhookError
from bridge.events import Event, Webhook
from bridge.limits import MAX_BODY
from bridge.receiving.bodies import readable
from bridge.receiving.routing import Decision, Routes
from bridge.rendering.renderer import Renderer
from bridge.sources.base import Ignored, Source
from bridge.steps import log_step

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Receipt:
    """The answer to a webhook, and what is to be queued before it leaves."""

    status: int
    body: Mapping[str, Any]
    entries: tuple[Entry, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EventExplanation:
    """What becomes of one event. templates: from special to general; template: the one that is taken."""

    kind: str
    correlation_key: str
    title: str
    severity: str
    templates: tuple[str, ...]
    template: str
    route: str
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """What the bridge makes of a webhook. acknowledged: why there are no events, or empty."""

    proof: str
    steps: tuple[EventExplanation, ...] = ()
    acknowledged: str = ""


@dataclass(frozen=True)
class Receiver:
    """Turns a webhook into an answer and entries. secrets: by the source's name. clock: the time now, with its zone."""

    sources: Mapping[str, Source]
    secrets: Mapping[str, Sequence[str]]
    routes: Routes
    renderer: Renderer
    clock: Callable[[], datetime] = field(repr=False)

    def receive(self, name: str, webhook: Webhook) -> Receipt:
        """Never raises: what cannot be accepted is answered with the status and the reason of its error."""
        try:
            return self._receive(self.sources[name], webhook)
        except WebhookError as error:
            log_step("dropped", logging.WARNING, source=name, status=error.status, why=str(error))
            return Receipt(error.status, {"error": str(error)})
        except Exception:
            # 503 and not 500: senders that try again do so on it, and a mended bridge then takes the webhook.
            _logger.exception("A webhook of %s could not be received", name)
            return Receipt(Unavailable.status, {"error": "The bridge failed on this webhook; its log says why."})

    def explain(self, name: str, webhook: Webhook) -> Explanation:
        """What `receive` would make of a webhook that is taken as proved; BadWebhook where it would answer so."""
        source = self.sources[name]
        proof = (
            f"by {source.verifier.describe()}" if source.verifier and self.secrets.get(name) else "by the function key"
        )
        events = self._read(source, webhook)
        if isinstance(events, Ignored):
            return Explanation(proof, acknowledged=events.reason)
        return Explanation(proof, tuple(self._explain(event, webhook) for event in events))

    def _explain(self, event: Event, webhook: Webhook) -> EventExplanation:
        decision = self._decide(event, webhook)
        return EventExplanation(
            kind=event.kind,
            correlation_key=event.correlation_key,
            title=event.title,
            severity=str(event.severity),
            templates=tuple(self.renderer.considered(event)),
            template=self.renderer.chosen(event),
            route=decision.why,
            groups=tuple(target.group for target in decision.targets),
        )

    def _receive(self, source: Source, webhook: Webhook) -> Receipt:
        self._prove(source, webhook)
        events = self._read(source, webhook)
        if isinstance(events, Ignored):
            log_step("dropped", source=source.name, why=events.reason)
            return Receipt(200, events.body or {"acknowledged": events.reason}, headers=events.headers)
        entries: list[Entry] = []
        dropped: list[str] = []
        places: Counter[str] = Counter()
        for event in events:
            decision = self._decide(event, webhook)
            place = places[event.dedup_key or event.delivery]
            places[event.dedup_key or event.delivery] += 1
            made = [self._entry(event, place, target) for target in decision.targets]
            _log(event, decision, made)
            entries += made
            dropped += [] if made else [decision.why]
        if not entries:
            return Receipt(200, {"dropped": dropped})
        return Receipt(202, {"accepted": [entry.id for entry in entries]}, tuple(entries))

    def _prove(self, source: Source, webhook: Webhook) -> None:
        """Without a scheme or a secret the function key has proved the sender before the webhook came here."""
        secrets = self.secrets.get(source.name, ())
        if source.verifier and secrets:
            source.verifier.verify(webhook, secrets)

    def _read(self, source: Source, webhook: Webhook) -> Sequence[Event] | Ignored:
        if len(webhook.body) > MAX_BODY:
            raise TooLarge(f"The body is longer than {MAX_BODY // 1024**2} MiB.")
        if webhook.method == "POST" and not webhook.body.strip():
            raise BadWebhook("The body is empty.")
        return source.read(readable(webhook, MAX_BODY))

    def _decide(self, event: Event, webhook: Webhook) -> Decision:
        return self.routes.decide(event, webhook.query.get("group", ""))

    def _entry(self, event: Event, position: int, target: Target) -> Entry:
        return self.renderer.entry(event, entry_id(event, position, target.group), target, self.clock())


def _log(event: Event, decision: Decision, entries: Sequence[Entry]) -> None:
    ids: dict[str, Any] = {name: getattr(event, name) for name in ("source", "kind", "delivery", "correlation_key")}
    log_step("received", **ids)
    if not entries:
        log_step("dropped", why=decision.why, **ids)
    for entry in entries:
        log_step("queued", entry=entry.id, group=entry.group, **ids)
