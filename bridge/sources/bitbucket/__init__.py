"""Bitbucket Cloud: https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/."""

from collections.abc import Callable, Mapping, Sequence

from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.fields import Payload, dig, part
from bridge.rendering.text import in_words, one_line
from bridge.sources import forge, kit
from bridge.sources.base import Ignored, Source, delivery_id, identifier
from bridge.sources.bitbucket import issues, pull_requests, repositories
from bridge.sources.bitbucket.texts import person
from bridge.sources.people import PeopleAt
from bridge.verification.signatures import Hmac

# What reads an event, by the beginning of its kind.
_READERS: Mapping[str, Callable[[Event], Event]] = {
    "pullrequest.": pull_requests.pull_request,
    "issue.": issues.issue,
    "repo.commit_comment_": repositories.commit_comment,
    "repo.commit_status_": repositories.commit_status,
    **{f"repo.{name}": repositories.repository for name in repositories.KNOWN},
    "project.": repositories.project,
}
_ENVELOPE = {"actor", "repository"}
_ATTRIBUTES = kit.no_attributes(
    "project repository branch source_branch tag author sender action state status issue_type priority assignee",
    lists="reviewers",
    flags="draft fork private",
)


def read(webhook: Webhook) -> Sequence[Event] | Ignored:
    """The events of a webhook, one for each branch or tag of a push, or the reason to ignore it.

    BadWebhook without X-Event-Key, or for a body that is no JSON object.
    """
    kind = identifier(webhook.header("X-Event-Key").replace(":", "."))
    if not kind:
        raise BadWebhook("The header X-Event-Key is missing: is this Bitbucket's webhook?")
    payload = kit.json_object(webhook, "Bitbucket")
    if kind.startswith("diagnostics"):
        return Ignored("Bitbucket's test of the connection: the webhook is set up.")
    if reason := _ignored(kind, payload):
        return Ignored(reason)
    event = _plain(kind, payload)
    events = repositories.pushes(event) if kind == "repo.push" else [_read(event)]
    # The signature covers only the body: neither the id of the delivery nor the name of the event.
    return forge.identified(events, delivery_id(webhook.header("X-Request-UUID")), webhook.fingerprint)


def _read(event: Event) -> Event:
    reader = next((reader for start, reader in _READERS.items() if event.kind.startswith(start)), None)
    return reader(event) if reader else forge.unknown(event, _ENVELOPE)


def _plain(kind: str, payload: Payload) -> Event:
    """What every event says; its correlation key is the repository's."""
    repository, actor = part(payload, "repository"), person(payload.get("actor"))
    scope = one_line(dig(repository, "full_name") or dig(repository, "name"), 120)
    home = dig(repository, "links.html.href").rstrip("/")
    return Event(
        source="bitbucket",
        kind=kind,
        delivery="",
        correlation_key=kit.key("repo", kit.id_at(repository, "uuid", "full_name").strip("{}")),
        title=kit.title(f"Repository {scope}" if scope else f"Bitbucket {in_words(kind.partition('.')[0])}"),
        payload=payload,
        scope=scope,
        actor=actor,
        url=home,
        attributes={
            **_ATTRIBUTES,
            "project": dig(repository, "project.key"),
            "repository": dig(repository, "full_name"),
            "private": dig(repository, "is_private", False),
            "sender": actor,
            "action": kind.partition(".")[2],
        },
        details={"home": home, "scope_url": home, "actor_url": dig(payload, "actor.links.html.href")},
    )


def _ignored(kind: str, payload: Payload) -> str:
    """Why the event is ignored; an empty text where it is not."""
    if kind.startswith("repo.commit_status_") and dig(payload, "commit_status.state") == "INPROGRESS":
        return "It is a build that has not ended yet."
    if kind == "repo.push" and payload.get("push") == {"changes": []}:
        return "It is a push that changes nothing."
    if kind in {"repo.updated", "project.updated"} and payload.get("changes") == {}:
        return "It is an update that changes nothing."
    if kind in {"issue.updated", "issue.comment_created"} and issues.is_empty(payload):
        return "It is an update of an issue that changes nothing, and says nothing."
    return ""


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
    # 256 KB, before encoding: https://confluence.atlassian.com/bbkb/troubleshoot-webhooks-1167729092.html
    max_body=512 * 1024,
    # Twice: https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/
    retry_window=15 * 60.0,
    people=PeopleAt(
        actor=("actor",),
        author=(
            "pullrequest/author",
            "issue/reporter",
            "commit_status/commit/author",
            "push/changes/new/target/author",
        ),
        reviewers=("pullrequest/reviewers",),
        assignees=("issue/assignee",),
    ),
)
