"""Bitbucket Data Center and Server: https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.fields import Payload, dig, moment, objects, part
from bridge.sources.base import Ignored, Source, decode_json, identifier, thread_key
from bridge.sources.bitbucket.words import ATTRIBUTES, number, person, spoken, titled
from bridge.sources.bitbucket_server import pull_requests, repositories
from bridge.sources.bitbucket_server.places import home, page, place
from bridge.verification.signatures import AnyOf, Basic, Hmac

# What tells an event, by the beginning of its kind; what is not here is told by plain words.
_TELLERS: Mapping[str, Callable[[Event], Event]] = {
    "pr.": pull_requests.pull_request,
    "repo.comment.": repositories.commit_comment,
    "repo.forked": repositories.fork,
    "repo.modified": repositories.modified,
    "repo.secret_detected": repositories.secret,
    "project.modified": repositories.modified_project,
    "mirror.repo_synchronized": repositories.mirrored,
}
# Where the repository stands that an event belongs to; a fork belongs to what it was made of.
_REPOSITORIES = ("pullRequest.toRef.repository", "repository.origin", "repository", "new")


def read(webhook: Webhook) -> Sequence[Event] | Ignored:
    """The events of a webhook, one for each branch or tag of a push, or nothing for noise and for the test.

    BadWebhook for a body without an eventKey.
    """
    payload = decode_json(webhook.body)
    if not isinstance(payload, dict):
        raise BadWebhook("The body is not a JSON object, as Bitbucket's payloads are.")
    kind = identifier((dig(payload, "eventKey") or webhook.header("X-Event-Key")).replace(":", "."))
    if kind.startswith("diagnostics") or payload.get("test") is True:
        return Ignored("Bitbucket's test of the connection: the webhook is set up.")
    if not kind:
        raise BadWebhook("The body has no eventKey: is this Bitbucket's webhook?")
    if reason := _noise(kind, payload):
        return Ignored(reason)
    # The signature covers the body alone, which says when it was.
    event = replace(
        _plain(kind, payload),
        delivery=identifier(webhook.header("X-Request-Id")),
        dedup_key=hashlib.sha256(webhook.body).hexdigest(),
    )
    return tuple(replace(one, correlation_key=thread_key(one.correlation_key)) for one in _told(event))


def _told(event: Event) -> Iterator[Event]:
    if event.kind == "repo.refs_changed":
        yield from repositories.pushes(event)
        return
    teller = next((teller for start, teller in _TELLERS.items() if event.kind.startswith(start)), None)
    yield teller(event) if teller else event


def _plain(kind: str, payload: Payload) -> Event:
    """What every event says of itself; its thread is the repository's."""
    repository = next((found for path in _REPOSITORIES if (found := part(payload, path))), {})
    scope, address = place(repository), home(repository)
    return Event(
        source="bitbucket_server",
        kind=kind,
        delivery="",
        correlation_key=f"repo {number(repository, 'id') or scope}",
        title=titled(f"Repository {scope}" if scope else f"Bitbucket: {spoken(kind)}"),
        payload=payload,
        scope=scope,
        actor=person(payload.get("actor")),
        url=address,
        occurred=moment(payload, "date"),
        attributes={
            **ATTRIBUTES,
            "project": dig(repository, "project.key"),
            "repository": scope,
            "private": bool(repository) and not dig(repository, "public", False),
            "sender": person(payload.get("actor")),
            "action": kind.partition(".")[2],
        },
        details={"home": address, "scope_url": address, "who_url": page(part(payload, "actor"))},
    )


def _noise(kind: str, payload: Payload) -> str:
    """Why the event says nothing; an empty text where it says something."""
    if kind == "repo.refs_changed" and payload.get("changes") == []:
        return "It is a push that changes nothing."
    if kind == "pr.to_ref_updated":
        return "It is a push to the branch that a pull request is for: the push itself tells it."
    if kind == "pr.modified" and "previousTitle" in payload and not pull_requests.changes(payload):
        return "It is an update that changes nothing to read."
    if kind == "pr.reviewer.updated" and "addedReviewers" in payload:
        lists = [objects(payload, name) for name in ("addedReviewers", "removedReviewers")]
        return "" if any(lists) else "It is an update that changes nothing."
    return ""


def _headers(_event: str, delivery: str) -> Mapping[str, str]:
    return {"X-Request-Id": delivery}  # the body has the event's key


BITBUCKET_SERVER = Source(
    name="bitbucket_server",
    title="Bitbucket Data Center",
    # https://confluence.atlassian.com/bitbucketserver/manage-webhooks-938025878.html
    verifier=AnyOf((Hmac(header="X-Hub-Signature", prefix="sha256="), Basic())),
    read=read,
    headers=_headers,
)
