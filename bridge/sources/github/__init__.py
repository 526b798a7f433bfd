"""GitHub: https://docs.github.com/webhooks."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.fields import Payload, dig, first
from bridge.limits import MAX_BODY
from bridge.sources import kit
from bridge.sources.base import Ignored, Source, delivery_id, identifier
from bridge.sources.github.actors import actor, machine
from bridge.sources.github.attributes import attributes
from bridge.sources.github.bodies import is_of_another
from bridge.sources.github.ignored import reason_to_ignore
from bridge.sources.github.keys import key_of
from bridge.sources.github.kind import generic
from bridge.sources.github.kinds import KINDS
from bridge.sources.github.pages import page_of
from bridge.sources.people import PeopleAt
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
_OF_ANOTHER = "event"  # a body that is not of the event by whose name it came


def read(webhook: Webhook) -> Sequence[Event] | Ignored:
    """The one event of a delivery, or nothing for a ping and for what nobody wants to read.

    BadWebhook for a webhook without X-GitHub-Event or with a body that is not a JSON object.
    https://docs.github.com/webhooks/webhook-events-and-payloads#delivery-headers
    """
    name = identifier(webhook.header("X-GitHub-Event"))
    if not name:
        raise BadWebhook("The header X-GitHub-Event is missing: is this GitHub's webhook?")
    payload = kit.json_object(webhook, "GitHub")
    if name == "ping":
        return Ignored("GitHub's ping: the webhook is set up.")
    if name in KINDS and is_of_another(name, payload):
        name = _OF_ANOTHER  # whose object is not known, and so no conversation
    about = attributes(name, payload)
    if reason := reason_to_ignore(name, payload, about):
        return Ignored(reason)
    # The signature covers the body alone: a replay under another event or delivery id must still count as the same.
    dedup_key = hashlib.sha256(kit.json_text(webhook)).hexdigest()
    return (_event(name, payload, about, delivery_id(webhook.header("X-GitHub-Delivery")), dedup_key),)


def _event(name: str, payload: Payload, about: Mapping[str, Any], delivery: str, dedup_key: str) -> Event:
    action = identifier(dig(payload, "action"))
    kind = KINDS.get(name) or generic(name, payload)
    key = "" if name == _OF_ANOTHER else key_of(name, payload)
    who = actor(name, payload)
    home = dig(payload, "repository.html_url")
    details = {
        "machine": machine(who),
        "actor_url": dig(payload, "sender.html_url"),
        "scope_url": home,
        "repository": home,
        **kind.details(payload),
    }
    url = kind.url(payload)
    if url in ("", home, dig(payload, "organization.html_url")):
        page, details["page"] = page_of(name, payload)
        url = page or url
    event = Event(
        source="github",
        kind=f"{name}.{action}" if action else name,
        delivery=delivery,
        dedup_key=dedup_key,
        correlation_key=key or f"delivery {dedup_key}",
        title=kind.titled(payload),
        payload=payload,
        severity=kind.severity(payload),
        scope=first(payload, _SCOPES),
        actor="" if machine(who) else who,
        url=url,
        occurred=kind.occurred(payload),
        facts=kind.facts(payload),
        attributes=about,
        details=details,
    )
    return kind.read(event)


def _headers(event: str, delivery: str) -> Mapping[str, str]:
    return {"X-GitHub-Event": event, "X-GitHub-Delivery": delivery}


_PEOPLE = PeopleAt(
    actor=("sender", "pusher"),
    author=(
        *("pull_request/user", "issue/user", "discussion/user", "release/author", "workflow_run/actor"),
        *(
            "check_suite/head_commit/author",
            "deployment/creator",
            "head_commit/author",
            "commit/author",
            "comment/user",
        ),
    ),
    reviewers=("pull_request/requested_reviewers", "pull_request/requested_teams", "reviewers/reviewer"),
    assignees=("pull_request/assignees", "issue/assignees", "alert/assignees"),
)

GITHUB = Source(
    name="github",
    title="GitHub",
    # https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
    verifier=Hmac(header="X-Hub-Signature-256", prefix="sha256="),
    read=read,
    headers=_headers,
    max_body=MAX_BODY,
    # GitHub tries once; a person can have it deliver again for three days:
    # https://docs.github.com/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks
    retry_window=3 * 86400.0,
    people=_PEOPLE,
)
