"""Bitbucket Cloud: https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.fields import Payload, dig, part
from bridge.rendering.text import one_line
from bridge.sources.base import Ignored, Source, decode_json, identifier, thread_key
from bridge.sources.bitbucket import issues, pull_requests, repositories
from bridge.sources.bitbucket.words import ATTRIBUTES, number, person, spoken, titled
from bridge.verification.signatures import Hmac

# What tells an event, by the beginning of its kind; what is not here is told by plain words.
_TELLERS: Mapping[str, Callable[[Event], Event]] = {
    "pullrequest.": pull_requests.pull_request,
    "issue.": issues.issue,
    "repo.commit_comment_": repositories.commit_comment,
    "repo.commit_status_": repositories.commit_status,
    "repo.fork": repositories.fork,
    "repo.": repositories.repository,
    "project.": repositories.project,
}


def read(webhook: Webhook) -> Sequence[Event] | Ignored:
    """The events of a webhook, one for each branch or tag of a push, or nothing for noise.

    BadWebhook without X-Event-Key, or for a body that is no JSON object.
    """
    key = webhook.header("X-Event-Key")
    kind = identifier(key.replace(":", "."))
    if not kind:
        raise BadWebhook("The header X-Event-Key is missing: is this Bitbucket's webhook?")
    payload = decode_json(webhook.body)
    if not isinstance(payload, dict):
        raise BadWebhook("The body is not a JSON object, as Bitbucket's payloads are.")
    if kind.startswith("diagnostics"):
        return Ignored("Bitbucket's test of the connection: the webhook is set up.")
    if reason := _noise(kind, payload):
        return Ignored(reason)
    delivery = identifier(webhook.header("X-Request-UUID"))
    event = replace(_plain(kind, payload), delivery=delivery, dedup_key=_digest(kind, delivery, webhook.body))
    return tuple(replace(one, correlation_key=thread_key(one.correlation_key)) for one in _told(event))


def _told(event: Event) -> Iterator[Event]:
    if event.kind == "repo.push":
        yield from repositories.pushes(event)
        return
    teller = next((teller for start, teller in _TELLERS.items() if event.kind.startswith(start)), None)
    yield teller(event) if teller else event


def _plain(kind: str, payload: Payload) -> Event:
    """What every event says of itself; its thread is the repository's."""
    repository = part(payload, "repository")
    scope = one_line(dig(repository, "full_name") or dig(repository, "name"), 120)
    home = dig(repository, "links.html.href").rstrip("/")
    return Event(
        source="bitbucket",
        kind=kind,
        delivery="",
        correlation_key=f"repo {number(repository, 'uuid') or scope}",
        title=titled(f"Repository {scope}" if scope else f"Bitbucket: {spoken(kind)}"),
        payload=payload,
        scope=scope,
        actor=person(payload.get("actor")),
        url=home,
        attributes={
            **ATTRIBUTES,
            "project": dig(repository, "project.key"),
            "repository": dig(repository, "full_name"),
            "private": dig(repository, "is_private", False),
            "sender": person(payload.get("actor")),
            "action": kind.partition(".")[2],
        },
        details={"home": home, "scope_url": home, "who_url": dig(payload, "actor.links.html.href")},
    )


def _noise(kind: str, payload: Payload) -> str:
    """Why the event says nothing; an empty text where it says something."""
    if kind.startswith("repo.commit_status_") and dig(payload, "commit_status.state") == "INPROGRESS":
        return "It is a build that has not ended yet."
    if kind == "repo.push" and payload.get("push") == {"changes": []}:
        return "It is a push that changes nothing."
    if kind in {"repo.updated", "project.updated"} and payload.get("changes") == {}:
        return "It is an update that changes nothing."
    if kind in {"issue.updated", "issue.comment_created"} and issues.is_empty(payload):
        return "It is an update of an issue that changes nothing, and says nothing."
    return ""


def _digest(kind: str, delivery: str, body: bytes) -> str:
    """Stands for the delivery, whose id is not signed.

    The body of a push names no time, and is the same when a branch is deleted and made again.
    """
    before = f"{delivery}\n".encode("utf-8", "replace") if kind == "repo.push" else b""
    return hashlib.sha256(before + body).hexdigest()


def _headers(event: str, delivery: str) -> Mapping[str, str]:
    return {"X-Event-Key": event.replace(".", ":"), "X-Request-UUID": delivery}


BITBUCKET = Source(
    name="bitbucket",
    title="Bitbucket",
    # https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/#Secure-webhooks
    verifier=Hmac(header="X-Hub-Signature", prefix="sha256="),
    read=read,
    headers=_headers,
    event_parts=2,
)
