"""Sends a webhook of the page's list again: as it came, or edited; or shows as a curl command how its service does."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bridge.again import resent
from bridge.app import Bridge
from bridge.deliveries import DeliveryRecord
from bridge.entries import to_message
from bridge.errors import CommandError, WebhookError
from bridge.local import sending
from bridge.local.curl import curl_command
from bridge.local.page.routes import RequestError
from bridge.local.page.stored import Stored
from bridge.local.page.today import today
from bridge.local.received import is_json
from bridge.local.secrecy import HIDDEN
from bridge.outbox.base import Queue
from bridge.payloads import KeptPayload
from bridge.receiving.records import BY_KEY
from bridge.sources.base import Source

# The ones of the new request count.
_NOT_SENT = {"content-length", "content-encoding", "webhook-id", "webhook-timestamp", "traceparent"}


@dataclass(frozen=True)
class Resender:
    """Sends kept webhooks again.

    queue: returns it when it is first needed. address: of the bridge to which edited webhooks are sent; empty: they
    cannot be.
    """

    stored: Stored
    queue: Callable[[], Queue]
    address: str = ""

    def resend(self, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """Read `{"id", "body", "dry_run"}`. body: instead of the kept one. dry_run: only show what would be posted."""
        bridge, record, payload = _kept(self.stored, str(content.get("id", "")))
        body = content.get("body")
        if body is not None:
            payload = replace(payload, body=_edited(payload.body, body))
        if content.get("dry_run"):
            return today(bridge, payload, datetime.now(UTC)).as_json()
        return self._queue(bridge, payload) if body is None else self._send(bridge, record, payload)

    def _queue(self, bridge: Bridge, payload: KeptPayload) -> Mapping[str, Any]:
        try:
            made = resent(bridge, payload)
        except WebhookError as error:
            raise RequestError(f"Today it is refused: {error}", 409) from error
        queue = self.queue()
        # The entries first, as receiving has it.
        for message in (*map(to_message, made.receipt.entries), to_message(made.record)):
            queue.put(message)
        return {"find": made.record.id, "queued": len(made.receipt.entries), "reason": made.record.reason}

    def _send(self, bridge: Bridge, record: DeliveryRecord, payload: KeptPayload) -> Mapping[str, Any]:
        """Posts an edited webhook, authenticated as its service does, to the bridge."""
        source = _source(self.stored, payload)
        if not self.address:
            raise RequestError("Edited webhooks are sent only to the bridge on this machine.", 409)
        authentication = bridge.configuration.authentications.get(source.name)
        delivery = str(uuid.uuid4())
        webhook = sending.signed(source, authentication, payload.body, record.event, delivery)
        service = source.headers(record.event, delivery)
        # What came before holds, but for the id of the delivery and the signature.
        stays = {name.lower() for name, value in service.items() if delivery not in value} | {"content-type"}
        own = {name.lower() for name in webhook.headers} - stays
        kept = {name: value for name, value in payload.headers.items() if name not in own | _NOT_SENT}
        fresh = {name: value for name, value in webhook.headers.items() if name.lower() not in kept}
        webhook = replace(webhook, headers={**fresh, **kept})
        if authentication is None:
            webhook = sending.with_function_key(webhook)
        status, answer = sending.post(f"{self.address}/api/webhooks/{source.path}", webhook, payload.query)
        has_id = delivery in source.headers("", delivery).values()
        return {"status": status, "answer": answer, "find": _accepted(answer) or (delivery if has_id else "")}


def curl(stored: Stored, query: Mapping[str, str], address: str) -> Mapping[str, str]:
    """The curl command that signs and sends a kept webhook to the bridge at the address."""
    _, record, payload = _kept(stored, query.get("id", ""))
    source = _source(stored, payload)
    try:
        url = f"{address}/api/webhooks/{source.path}"
        command = curl_command(source, payload, url, by_key=record.authentication == BY_KEY)
    except CommandError as error:
        raise RequestError(str(error), 409) from error
    return {"command": stored.without_secrets(command)}


def _kept(stored: Stored, asked: str) -> tuple[Bridge, DeliveryRecord, KeptPayload]:
    if stored.bridge is None:
        raise RequestError("The settings cannot be read: nothing can be rendered.", 409)
    # JSON may name half a surrogate pair, for which no storage can be asked.
    asked = asked.encode("utf-8", "replace").decode()
    record = next((one for one in stored.outbox().find_deliveries(asked) if one.id == asked), None)
    if record is None:
        raise RequestError("There is no record of this webhook any more.", 404)
    payload = stored.payload(record)
    if payload is None:
        raise RequestError("The body of this webhook is not kept: BRIDGE_KEEP_PAYLOADS_HOURS says for how long.", 409)
    return stored.bridge, record, payload


def _source(stored: Stored, payload: KeptPayload) -> Source:
    source = stored.sources.get(payload.source)
    if source is None:
        raise RequestError(f"The settings have no source {payload.source} any more.", 409)
    return source


def _edited(kept: bytes, body: object) -> bytes:
    if not isinstance(body, str) or not body.strip():
        raise RequestError("The body must be a text.")
    if HIDDEN in body and HIDDEN.encode() not in kept:
        raise RequestError(f"The body contains a hidden secret, shown as {HIDDEN}: replace it with your own value.")
    edited = body.encode("utf-8", "replace")
    if is_json(kept):
        try:
            json.loads(edited)
        except (ValueError, RecursionError) as error:
            raise RequestError(f"The body was JSON and is not any more: {error}") from error
    return edited


def _accepted(answer: str) -> str:
    """The first entry that an answer accepts."""
    try:
        return str(json.loads(answer)["accepted"][0])
    except (ValueError, KeyError, IndexError, TypeError):
        return ""
