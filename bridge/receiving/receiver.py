"""The receiving wing: authenticate, read, route, render, answer. No I/O of its own."""

from __future__ import annotations

import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bridge.deliveries import EventRecord, Outcome, RouteTrial
from bridge.entries import Entry, Target, at_once, content_of, entry_id
from bridge.errors import BadWebhook, TooLarge, Unavailable, UnknownSignIn, WebhookError
from bridge.events import Event, Webhook
from bridge.limits import in_units
from bridge.people import People
from bridge.receiving.bodies import readable
from bridge.receiving.participants import invitation, shown
from bridge.receiving.receipts import Receipt, refusal, with_notes
from bridge.receiving.records import DeliveryRecords, Reception
from bridge.receiving.refusals import Refusals
from bridge.receiving.routing import Decision, Routes
from bridge.receiving.sightings import Sightings
from bridge.recent_faults import RecentFaults
from bridge.rendering.renderer import Renderer
from bridge.sources.base import Authentication, Ignored, Source
from bridge.steps import log_step
from bridge.values import dataclass

if TYPE_CHECKING:
    from bridge.receiving.explanations import EventExplanation, Explanation
    from bridge.verification.networks import AllowList

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Receiver:
    """Turns a webhook into an answer and entries.

    authentications: by the source's name; a source without one needs the function key. clock: the time, with its zone.
    nonce: a text that no other arrival has. networks: from where the webhooks of a source may come, by its name; from
    anywhere without. refusals: counts those who are refused before they are authenticated. faults: where health looks
    for what went wrong with webhooks that were authenticated; others must not make it look ill. records: makes the
    record of each webhook; without, there are none. timer: seconds that only pass. people: who the people of services
    are, for the routes that invite them. sightings: finds the expectations that a webhook meets.
    """

    sources: Mapping[str, Source]
    authentications: Mapping[str, Authentication]
    routes: Routes
    renderer: Renderer
    clock: Callable[[], datetime] = field(repr=False)
    nonce: Callable[[], str] = field(default=lambda: secrets.token_hex(16), repr=False)
    networks: Mapping[str, AllowList] = field(default_factory=dict)
    refusals: Refusals = field(default_factory=Refusals, repr=False)
    faults: RecentFaults = field(default_factory=RecentFaults, repr=False)
    records: DeliveryRecords | None = field(default=None, repr=False)
    sightings: Sightings = field(default_factory=Sightings, repr=False)
    timer: Callable[[], float] = field(default=time.perf_counter, repr=False)
    people: People = field(default_factory=People, repr=False)

    def receive(self, name: str, webhook: Webhook) -> Receipt:
        """Never raises: a webhook that is refused is answered with the status and the reason of its error."""
        began, source = self.timer(), self.sources[name]
        self.refusals.flush()
        try:
            self._admit(source, webhook)
        except WebhookError as error:
            refused = self.turn_away(name, error, source.delivery_in(webhook))
            return self._recorded(source, webhook, refused, began, is_authenticated=False)
        except Exception as error:
            _logger.debug("A webhook of %s could not be authenticated", name, exc_info=True)
            reason = f"The webhook cannot be authenticated: {type(error).__name__}."
            refused = self.turn_away(name, Unavailable(reason), source.delivery_in(webhook))
            return self._recorded(source, webhook, refused, began, is_authenticated=False)
        return self._recorded(source, webhook, self._answered(source, webhook), began, is_authenticated=True)

    def _recorded(
        self, source: Source, webhook: Webhook, receipt: Receipt, began: float, *, is_authenticated: bool
    ) -> Receipt:
        """The receipt with the webhook's record. What fails here is logged: it must not cost the webhook anything."""
        if self.records is None:
            return receipt
        try:
            took, at = self.timer() - began, self.clock()
            record = self.records.record(
                source, webhook, receipt.status, receipt.reception, at, secrets.token_hex(3), took
            )
            if not is_authenticated:
                return with_notes(receipt, self.records.unauthenticated(record))
            payload = self.records.payload(source, webhook, record)
            record = replace(record, payload=len(payload)) if payload else record
            return with_notes(receipt, (record, *self.records.counted(at)), payload)
        except Exception:
            _logger.exception("A webhook of %s has no record", source.name)
            return receipt

    def _answered(self, source: Source, webhook: Webhook) -> Receipt:
        """The answer to a webhook whose sender is authenticated."""
        name = source.name
        try:
            return self._with_reply(source, webhook, self._receive(source, webhook))
        except RecursionError:
            # Of bodies whose parts are nested, such as forms: JSON has a bound of its own.
            return self._refused(source, webhook, BadWebhook("The body is nested too deep."))
        except WebhookError as error:
            return self._refused(source, webhook, error)
        except Exception:
            # 503 and not 500: senders that try again do so on 503, and a repaired bridge then accepts the webhook.
            _logger.exception("A webhook of %s could not be received", name)
            self.faults.note(f"Webhooks of {name} were answered with {Unavailable.status}.")
            return refusal(source, Unavailable("The bridge failed on this webhook; its log says why."))

    def _with_reply(self, source: Source, webhook: Webhook, receipt: Receipt) -> Receipt:
        if source.protocol is None:
            return receipt
        ids = [entry.id for entry in receipt.entries]
        return replace(receipt, reply=source.protocol.accepted(webhook, ids, self.clock()))

    def _refused(self, source: Source, webhook: Webhook, error: WebhookError) -> Receipt:
        ids = {"source": source.name, "delivery": source.delivery_in(webhook)}
        log_step("refused", logging.WARNING, **ids, status=error.status, reason=str(error))
        if error.status >= Unavailable.status:
            self.faults.note(f"Webhooks of {source.name} were answered with {error.status}.")
        return refusal(source, error)

    def turn_away(self, name: str, error: WebhookError | UnknownSignIn, delivery: str = "") -> Receipt:
        """The answer to a request that was refused before its sender was authenticated; a flood of them gets 429."""
        return refusal(self.sources.get(name), error, *self.refusals.add(name, error, delivery))

    def again(self, name: str, webhook: Webhook) -> Receipt:
        """The receipt of a webhook that was authenticated before, as news: with ids that no entry had.

        Raises the error that would refuse it.
        """
        receipt = self._receive(self.sources[name], webhook)
        # A person wants it posted, whatever was posted since.
        fresh = tuple(at_once(replace(entry, id=self.nonce(), content="", place="")) for entry in receipt.entries)
        ids = dict(zip([entry.id for entry in receipt.entries], [entry.id for entry in fresh], strict=True))
        events = tuple(
            replace(event, entries=tuple(ids[entry] for entry in event.entries)) for event in receipt.reception.events
        )
        body = {"accepted": list(ids.values())} if ids else receipt.body
        return replace(receipt, entries=fresh, body=body, reception=replace(receipt.reception, events=events))

    def explain(self, name: str, webhook: Webhook) -> Explanation:
        """What `receive` would make of a webhook, without its authentication; raises the error that would refuse it."""
        from bridge.receiving.explanations import Explanation  # noqa: PLC0415

        authentication = self.authentications.get(name)
        by = authentication.verifier.describe() if authentication else "the function key"
        events = self._read(self.sources[name], webhook)
        if isinstance(events, Ignored):
            expected = self.sightings.of_ignored(self.sources[name], webhook, events.reason)
            return Explanation(f"by {by}", ignored=events.reason, expected=expected)
        steps = tuple(self._explain(event, webhook) for event in events)
        return Explanation(f"by {by}", steps, expected=self.sightings.of(events))

    def _explain(self, event: Event, webhook: Webhook) -> EventExplanation:
        from bridge.receiving.explanations import EventExplanation  # noqa: PLC0415

        decision = self._decide(event, webhook)
        invitations = [invitation(self.people, event, target.participants) for target in decision.targets]
        return EventExplanation(
            kind=event.kind,
            correlation_key=event.correlation_key,
            title=event.title,
            severity=str(event.severity),
            templates=tuple(self.renderer.considered(event)),
            template=self.renderer.chosen(event),
            route=decision.reason,
            groups=tuple(target.group for target in decision.targets),
            trials=(*self.routes.trials(event, decision), *self.routes.untried(decision)),
            participants=tuple(dict.fromkeys(one for invited in invitations for one in invited.participants)),
            unknown=tuple(dict.fromkeys(one for invited in invitations for one in invited.unknown)),
            waiting=tuple(_waiting(target, self.clock()) for target in decision.targets if target.hours),
        )

    def _admit(self, source: Source, webhook: Webhook) -> None:
        """Returns if the sender is authenticated: what costs nothing is checked first, and no body is parsed before."""
        if len(webhook.body) > source.max_body:
            raise TooLarge(f"The body is longer than {in_units(source.max_body)}.")
        if networks := self.networks.get(source.name):
            networks.check(webhook)
        if authentication := self.authentications.get(source.name):
            authentication.check(webhook)

    def _receive(self, source: Source, webhook: Webhook) -> Receipt:
        authentication = self.authentications.get(source.name)
        # What the signature does not cover decides nothing that a replay could gain by.
        signed = authentication is not None and authentication.verifier.signs_body(webhook)
        asked = webhook.query.get("group", "") if signed else None
        events = self._read(source, webhook)
        if isinstance(events, Ignored):
            log_step("ignored", source=source.name, delivery=source.delivery_in(webhook), reason=events.reason)
            expected = self.sightings.of_ignored(source, webhook, events.reason)
            ignored = Reception(Outcome.IGNORED, events.reason, expected=expected)
            return Receipt(200, events.body or {"ignored": events.reason}, headers=events.headers, reception=ignored)
        expected = self.sightings.of(events)
        entries: list[Entry] = []
        known: list[EventRecord] = []
        reasons: list[str] = []
        dropped: list[str] = []
        places: Counter[str] = Counter()
        arrival = self.nonce()
        for event in events:
            decision = self._decide(event, webhook)
            place = places[event.dedup_key or event.delivery]
            places[event.dedup_key or event.delivery] += 1
            content = content_of(event, place, source.retry_window, asked)
            post = shown(event, self.people)
            invitations = [invitation(self.people, event, target.participants) for target in decision.targets]
            targets = [
                replace(target, participants=invited.participants)
                for target, invited in zip(decision.targets, invitations, strict=True)
            ]
            made = [
                self.renderer.entry(post, entry_id(event, place, target.group, arrival), target, self.clock(), content)
                for target in targets
            ]
            _log(event, decision, made)
            if self.records:
                record = _event_record(event, decision, self.routes.trials(event, decision), made)
                unknown = dict.fromkeys(one for invited in invitations for one in invited.unknown)
                known.append(replace(record, unknown=tuple(unknown)) if unknown else record)
            entries += made
            (reasons if made else dropped).append(decision.reason)
        if not entries:
            reason = "; ".join(dict.fromkeys(dropped))
            reception = Reception(Outcome.DROPPED, reason, tuple(known), events[0].delivery, expected)
            return Receipt(200, {"dropped": dropped}, reception=reception)
        reason = "; ".join(dict.fromkeys(reasons))
        reception = Reception(Outcome.ACCEPTED, reason, tuple(known), events[0].delivery, expected)
        accepted = {"accepted": [entry.id for entry in entries]}
        return Receipt(202, accepted, tuple(entries), reception=reception)

    def _read(self, source: Source, webhook: Webhook) -> Sequence[Event] | Ignored:
        if webhook.method == "POST" and not webhook.body.strip():
            raise BadWebhook("The body is empty.")
        found = source.read(readable(webhook, source.max_body, as_fields=source.takes_fields))
        return found if isinstance(found, Ignored) else [source.with_people(event) for event in found]

    def _decide(self, event: Event, webhook: Webhook) -> Decision:
        return self.routes.decide(event, webhook.query.get("group", ""))


def _waiting(target: Target, now: datetime) -> str:
    """What the hours of a route do to an event that comes now."""
    hours, begin = target.hours, target.not_before(now)
    if hours is None or begin is None:
        return f"for {target.group}: no, the hours {hours.name if hours else ''} are open"
    return f"for {target.group}: until {begin.astimezone(hours.zone):%a %Y-%m-%d %H:%M %Z}, hours {hours.name}"


def _event_record(
    event: Event, decision: Decision, trials: tuple[RouteTrial, ...], entries: Sequence[Entry]
) -> EventRecord:
    return EventRecord(
        kind=event.kind,
        title=event.title,
        severity=event.severity.value,
        correlation_key=event.correlation_key,
        route=decision.reason,
        trials=trials,
        groups=tuple([entry.group for entry in entries]),
        entries=tuple([entry.id for entry in entries]),
    )


def _log(event: Event, decision: Decision, entries: Sequence[Entry]) -> None:
    ids: dict[str, Any] = {name: getattr(event, name) for name in ("source", "kind", "delivery", "correlation_key")}
    log_step("received", **ids)
    if not entries:
        log_step("dropped", reason=decision.reason, **ids)
    for entry in entries:
        log_step("queued", entry=entry.id, group=entry.group, **ids)
