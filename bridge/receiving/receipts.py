"""What becomes of a webhook: the answer, the entries to queue, and what is kept of it."""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from types import MappingProxyType
from typing import Any

from bridge.deliveries import DeliveryRecord, Outcome
from bridge.entries import Entry, to_message
from bridge.errors import EmptyMessage, UnknownSignIn, WebhookError
from bridge.receiving.records import UNKNOWN, Reception
from bridge.rendering.text import one_line
from bridge.sources.answers import Refusal, Reply
from bridge.sources.base import Source
from bridge.values import dataclass


@dataclass(frozen=True)
class Receipt:
    """The answer to a webhook, and the entries to queue before it is sent.

    reply: what is sent in place of status and body where the service's clients expect an answer of their own.
    reception: what became of the webhook, and why. notes: the messages to queue behind the entries: its record.
    payload: what is kept of it, to render it again; empty: nothing.
    """

    status: int
    body: Mapping[str, Any]
    entries: tuple[Entry, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    reply: Reply | None = None
    reception: Reception = UNKNOWN
    notes: tuple[str, ...] = ()
    payload: bytes = b""


def with_notes(receipt: Receipt, records: Iterable[DeliveryRecord], payload: bytes = b"") -> Receipt:
    """The receipt with the messages of records."""
    notes = tuple(map(to_message, records))
    return Receipt(
        receipt.status, receipt.body, receipt.entries, receipt.headers, receipt.reply, receipt.reception, notes, payload
    )


def refusal(
    source: Source | None,
    error: WebhookError | UnknownSignIn,
    status: int = 0,
    headers: Mapping[str, str] = MappingProxyType({}),
    reason: str = "",
) -> Receipt:
    """The answer to what is refused, in words that the clients of its source know.

    status, reason: in place of the error's.
    """
    status, reason = status or error.status, reason or str(error)
    receipt = Receipt(status, {"error": reason}, headers=headers, reception=Reception(Outcome.REFUSED, str(error)))
    if source is None or source.protocol is None:
        return receipt
    reply = source.protocol.refused(Refusal(status, reason, isinstance(error, EmptyMessage)))
    # For people who try it: what clients look for says little.
    said = {"X-Error": one_line(reason, 300).encode("ascii", "replace").decode()}
    return replace(receipt, headers={**headers, **said}, reply=reply)
