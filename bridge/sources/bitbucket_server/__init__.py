"""Bitbucket Data Center and Server: https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html."""

from collections.abc import Callable, Mapping, Sequence

from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.fields import Payload, dig, moment, objects, part
from bridge.rendering.text import in_words
from bridge.sources import forge, kit
from bridge.sources.base import Ignored, Source, delivery_id, identifier
from bridge.sources.bitbucket_server import pull_requests, repositories
from bridge.sources.bitbucket_server.places import home, page, person, place
from bridge.sources.people import PeopleAt
from bridge.verification.combinations import AnyOf
from bridge.verification.shared_secrets import Basic
from bridge.verification.signatures import Hmac

# What reads an event, by the beginning of its kind.
_READERS: Mapping[str, Callable[[Event], Event]] = {
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
_ENVELOPE = {"actor", "repository", "eventKey", "date"}
_ATTRIBUTES = kit.no_attributes(
    "project repository branch source_branch tag author sender action state",
    lists="reviewers",
    flags="draft fork private",
)


def read(webhook: Webhook) -> Sequence[Event] | Ignored:
    """The events of a webhook, one for each branch or tag of a push, or the reason to ignore it.

    BadWebhook for a body without an eventKey.
    """
    payload = kit.json_object(webhook, "Bitbucket")
    kind = identifier((dig(payload, "eventKey") or webhook.header("X-Event-Key")).replace(":", "."))
    if kind.startswith("diagnostics") or payload.get("test") is True:
        return Ignored("Bitbucket's test of the connection: the webhook is set up.")
    if not kind:
        raise BadWebhook("The body has no eventKey: is this Bitbucket's webhook?")
    if reason := _ignored(kind, payload):
        return Ignored(reason)
    event = _plain(kind, payload)
    events = repositories.pushes(event) if kind == "repo.refs_changed" else [_read(event)]
    # The signature covers only the body, which says when it was.
    return forge.identified(events, delivery_id(webhook.header("X-Request-Id")), webhook.fingerprint)


def _read(event: Event) -> Event:
    reader = next((reader for start, reader in _READERS.items() if event.kind.startswith(start)), None)
    return reader(event) if reader else forge.unknown(event, _ENVELOPE)


def _plain(kind: str, payload: Payload) -> Event:
    """What every event says; its correlation key is the repository's."""
    repository = next((found for path in _REPOSITORIES if (found := part(payload, path))), {})
    scope, address, actor = place(repository), home(repository), person(payload.get("actor"))
    return Event(
        source="bitbucket_server",
        kind=kind,
        delivery="",
        correlation_key=kit.key("repo", kit.id_at(repository, "id") or (scope if "/" in scope else "")),
        title=kit.title(f"Repository {scope}" if scope else f"Bitbucket {in_words(kind.partition('.')[0])}"),
        payload=payload,
        scope=scope,
        actor=actor,
        url=address,
        occurred=moment(payload, "date"),
        attributes={
            **_ATTRIBUTES,
            "project": dig(repository, "project.key"),
            "repository": scope,
            "private": bool(repository) and not dig(repository, "public", False),
            "sender": actor,
            "action": kind.partition(".")[2],
        },
        details={"home": address, "scope_url": address, "actor_url": page(part(payload, "actor"))},
    )


def _ignored(kind: str, payload: Payload) -> str:
    """Why the event is ignored; an empty text where it is not."""
    if kind == "repo.refs_changed" and payload.get("changes") == []:
        return "It is a push that changes nothing."
    if kind == "pr.to_ref_updated":
        return "It is a push to the branch that a pull request is for: the push itself is posted."
    if kind == "pr.modified" and "previousTitle" in payload and not pull_requests.edits(payload):
        return "The update changes nothing worth reading."
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
    people=PeopleAt(
        actor=("actor",),
        author=("pullRequest/author", "commit/author", "changes/toCommit/author"),
        reviewers=("pullRequest/reviewers",),
    ),
)
