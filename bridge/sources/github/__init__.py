"""GitHub: https://docs.github.com/webhooks."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.fields import Payload, dig, first, moment
from bridge.sources.base import Ignored, Source, decode_json, identifier
from bridge.sources.github.attributes import attributes
from bridge.sources.github.kind import generic
from bridge.sources.github.kinds import KINDS
from bridge.sources.github.noise import noise
from bridge.sources.github.threads import thread
from bridge.verification.signatures import Hmac

_SCOPES = (
    "repository.full_name",
    "organization.login",
    "enterprise.slug",
    "installation.account.login",
    "account.login",
    "sponsorship.sponsorable.login",
    "marketplace_purchase.account.login",
)
_FORM = "application/x-www-form-urlencoded"


def read(webhook: Webhook) -> Sequence[Event] | Ignored:
    """The one event of a delivery, or nothing for a ping and for noise.

    BadWebhook for a webhook without X-GitHub-Event or with a body that is no JSON object.
    https://docs.github.com/webhooks/webhook-events-and-payloads#delivery-headers
    """
    name = identifier(webhook.header("X-GitHub-Event"))
    if not name:
        raise BadWebhook("The header X-GitHub-Event is missing: is this GitHub's webhook?")
    body = _json_text(webhook)
    payload = decode_json(body)
    if not isinstance(payload, dict):
        raise BadWebhook("The body is not a JSON object, as GitHub's payloads are.")
    if name == "ping":
        return Ignored("GitHub's ping: the webhook is set up.")
    about = attributes(name, payload)
    if reason := noise(name, payload, about):
        return Ignored(reason)
    # The signature covers the body alone: a replay under another delivery id must still count as the same.
    digest = hashlib.sha256(body).hexdigest()
    return (_event(name, payload, about, identifier(webhook.header("X-GitHub-Delivery")), digest),)


def _event(name: str, payload: Payload, about: Mapping[str, Any], delivery: str, digest: str) -> Event:
    action = identifier(dig(payload, "action"))
    kind = KINDS.get(name) or generic(name, payload)
    return Event(
        source="github",
        kind=f"{name}.{action}" if action else name,
        delivery=delivery,
        dedup_key=digest,
        correlation_key=thread(name, payload),
        title=kind.title(payload),
        payload=payload,
        severity=kind.severity(payload),
        scope=first(payload, _SCOPES),
        actor=first(payload, ("sender.login", "pusher.name")),
        url=first(payload, (*kind.urls, "repository.html_url", "organization.html_url")),
        occurred=next((time for path in kind.times if (time := moment(payload, path))), None),
        facts=kind.facts(payload),
        attributes=about,
    )


def _json_text(webhook: Webhook) -> bytes:
    """The payload's JSON, which a form carries in its field `payload`; the same delivery gives the same text."""
    if not webhook.header("Content-Type").lower().startswith(_FORM):
        return webhook.body
    fields = parse_qs(webhook.body.decode("utf-8", "replace"))
    if "payload" not in fields:
        raise BadWebhook("The form has no field `payload`: is this GitHub's webhook?")
    return fields["payload"][0].encode("utf-8", "replace")


def _headers(event: str, delivery: str) -> Mapping[str, str]:
    return {"X-GitHub-Event": event, "X-GitHub-Delivery": delivery}


GITHUB = Source(
    name="github",
    title="GitHub",
    # https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
    verifier=Hmac(header="X-Hub-Signature-256", prefix="sha256="),
    read=read,
    headers=_headers,
)
