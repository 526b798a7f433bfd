"""What is kept of each webhook: a note that travels on the queue beside its entries, made of what receiving knows.

Headers are kept if they are in a list of names that hold no secret.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from bridge.deliveries import DeliveryRecord, EventRecord, Outcome, record_id, within_limits
from bridge.errors import redacted
from bridge.events import Webhook
from bridge.payloads import KeptPayload, to_bytes
from bridge.receiving.unauthenticated import Unauthenticated
from bridge.sources.base import Authentication, Source
from bridge.values import dataclass

BY_KEY = "the function key"
_LONGEST = 200  # characters of a header
_PROBES = "{event}", "{delivery}"
# What senders say about a request, beside the headers that each source reads.
_HEADER_NAMES = """
    content-encoding content-length content-type idempotency-key request-id traceparent user-agent webhook-id
    webhook-timestamp x-request-id ce-dataschema ce-id ce-source ce-specversion ce-subject ce-time ce-type
    aeg-data-version aeg-delivery-count aeg-event-type aeg-metadata-version aeg-output-event-id
    aeg-subscription-name webhook-request-origin webhook-request-rate webhook-request-callback
    x-amz-sns-message-id x-amz-sns-message-type x-amz-sns-subscription-arn x-amz-sns-topic-arn x-attempt-number
    x-event-key x-event-time x-hook-uuid x-request-uuid x-atlassian-webhook-identifier x-atlassian-webhook-retry
    x-github-hook-id x-github-hook-installation-target-id x-github-hook-installation-target-type
    x-gitlab-event-uuid x-gitlab-instance x-gitlab-webhook-uuid linear-timestamp sentry-hook-timestamp
    x-retry-num x-slack-retry-num x-slack-retry-reason
"""
_HEADERS = frozenset(_HEADER_NAMES.split())
_SECRET = re.compile(r"auth|cookie|token|secret|signature|password|key$|credential|sig$|^code$")
_NOT_SECRET = frozenset({"idempotency-key", "x-event-key"})


@dataclass(frozen=True)
class Reception:
    """What receiving found out about a webhook: its outcome, the reason, its events, and the expectations it meets."""

    outcome: Outcome
    reason: str
    events: tuple[EventRecord, ...] = ()
    delivery: str = ""
    expected: tuple[str, ...] = ()


UNKNOWN = Reception(Outcome.REFUSED, "")


@dataclass(frozen=True)
class _Names:
    """Of a source: the headers that are kept, and those with the service's name for an event and its delivery's id.

    authentication: by what its senders are authenticated.
    """

    kept: frozenset[str]
    event: str
    delivery: str
    authentication: str


class DeliveryRecords:
    """Makes the records of webhooks; safe for threads.

    secrets: texts that no record may hold. keeps_payloads: whether bodies whose sender is authenticated are kept, too.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        authentications: Mapping[str, Authentication],
        secrets: Iterable[str] = (),
        *,
        keeps_payloads: bool = False,
    ) -> None:
        self._sources, self._authentications = sources, authentications
        known = sorted({re.escape(secret) for secret in secrets if secret})
        self._has_secret = re.compile("|".join(known) or r"(?!)").search
        self._keeps_payloads = keeps_payloads
        self._names: dict[str, _Names] = {}
        self._unauthenticated = Unauthenticated()

    def record(
        self, source: Source, webhook: Webhook, status: int, reception: Reception, at: datetime, nonce: str, took: float
    ) -> DeliveryRecord:
        """The record of a webhook. nonce: hexadecimal digits that no other one has. took: seconds."""
        names = self._names_of(source)
        headers = self._kept(names, webhook)
        known, events = dict(headers), reception.events
        kind = events[0].kind if events else ""
        moment = at.timestamp()
        return within_limits(
            DeliveryRecord(
                id=record_id(moment, nonce),
                at=moment,
                source=source.name,
                outcome=reception.outcome,
                status=status,
                reason=self._without_secrets(reception.reason),
                delivery=reception.delivery or known.get(names.delivery, ""),
                event=known.get(names.event, ""),
                kind=kind,
                size=len(webhook.body),
                authentication=names.authentication,
                took=round(took, 6),
                headers=headers,
                events=events,
                count_events=len(events),
                expected=reception.expected,
            )
        )

    def unauthenticated(self, record: DeliveryRecord) -> Iterator[DeliveryRecord]:
        """The record of a webhook that authenticates nobody, if there were not too many; and the count of others."""
        return self._unauthenticated.add(replace(record, authentication=""))

    def counted(self, now: datetime) -> Iterator[DeliveryRecord]:
        """The counts of webhooks that authenticated nobody and have no record, for minutes that are over."""
        return self._unauthenticated.over(now.timestamp())

    def payload(self, source: Source, webhook: Webhook, record: DeliveryRecord) -> bytes:
        """What is kept of a webhook to render it again, if that is wanted; else nothing."""
        if not self._keeps_payloads or not webhook.body:
            return b""
        headers = dict(self._kept(self._names_of(source), webhook))
        query = {name: text for name, text in webhook.query.items() if not self._is_secret(name.lower(), text)}
        return to_bytes(KeptPayload(record.id, source.name, webhook.method, headers, query, webhook.body))

    def _kept(self, names: _Names, webhook: Webhook) -> tuple[tuple[str, str], ...]:
        kept, has_secret = names.kept, self._has_secret
        found = [(name, value) for name, value in webhook.headers.items() if name in kept and not has_secret(value)]
        return tuple([(name, redacted(value[:_LONGEST])) for name, value in found])

    def _is_secret(self, name: str, value: str) -> bool:
        return _is_secret_name(name) or self._has_secret(value) is not None

    def _without_secrets(self, text: str) -> str:
        return "(hidden)" if self._has_secret(text) else text

    def _names_of(self, source: Source) -> _Names:
        found = self._names.get(source.name)
        if found is None:
            own = {value: name.lower() for name, value in source.headers(*_PROBES).items()}
            event = next((name for value, name in own.items() if _PROBES[0] in value), "")
            names = _HEADERS | set(own.values()) | source.read_headers
            kept = frozenset(name for name in names if not _is_secret_name(name))
            by = self._authentications.get(source.name)
            authentication = by.verifier.describe() if by else BY_KEY
            found = self._names[source.name] = _Names(kept, event, own.get(_PROBES[1], ""), authentication)
        return found


def _is_secret_name(name: str) -> bool:
    return name not in _NOT_SECRET and bool(_SECRET.search(name))
