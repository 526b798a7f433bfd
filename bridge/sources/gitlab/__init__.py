"""GitLab's webhooks and system hooks: https://docs.gitlab.com/user/project/integrations/webhook_events/."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.fields import Payload, dig, first
from bridge.sources.base import Ignored, Source, decode_json, identifier, thread_key
from bridge.sources.gitlab import administration, changes, code, items, pipelines, projects
from bridge.sources.gitlab.words import found, home, is_bot, number, page, person, scope, spoken, titled
from bridge.verification.signatures import AnyOf, Hmac, Token

# What tells an event, by its kind of object; what is not here is told by plain words.
_TELLERS: Mapping[str, Callable[[Event], Event]] = {
    "push": code.push,
    "tag_push": code.push,
    "merge_request": items.merge_request,
    "issue": items.issue,
    "work_item": items.issue,
    "note": items.note,
    "emoji": items.emoji,
    "pipeline": pipelines.pipeline,
    "build": pipelines.job,
    "deployment": pipelines.deployment,
    "release": projects.release,
    "wiki_page": projects.wiki_page,
    "feature_flag": projects.feature_flag,
    "access_token": projects.access_token,
    "milestone": projects.milestone,
    "vulnerability": projects.vulnerability,
}
# Where an object says what was done to it, or how it stands.
_ACTIONS = ("object_attributes.action", "action", "build_status", "status", "object_attributes.status")
# Every attribute that a route may ask for, so that no route's condition fails on it.
_TEXTS = (
    "project", "branch", "source_branch", "target_branch", "tag", "author", "sender", "action", "state", "status",
    "type", "environment",
)  # fmt: skip
_ATTRIBUTES: Mapping[str, Any] = {
    **dict.fromkeys(_TEXTS, ""),
    **{name: [] for name in ("labels", "assignees", "reviewers", "paths")},
    **dict.fromkeys(("bot", "draft", "confidential"), False),
}


def read(webhook: Webhook) -> Sequence[Event] | Ignored:
    """The one event of a webhook, or nothing for noise; BadWebhook for a body that names neither object nor event."""
    payload = decode_json(webhook.body)
    name = identifier(first(payload, ("object_kind", "event_name")))
    if not name:
        raise BadWebhook("The body has no object_kind and no event_name: is this GitLab's webhook?")
    action = identifier(first(payload, _ACTIONS))
    if reason := _noise(name, action, payload):
        return Ignored(reason)
    delivery = _delivery(webhook)
    hidden = webhook.header("X-Gitlab-Event").startswith("Confidential")
    event = _told(_plain(name, action, payload, hidden), name)
    # The same body comes twice where a branch is made twice; a shared token covers neither body nor id.
    digest = hashlib.sha256(f"{delivery}\n".encode("utf-8", "replace") + webhook.body).hexdigest()
    return (
        replace(
            event, delivery=delivery or digest, dedup_key=digest, correlation_key=thread_key(event.correlation_key)
        ),
    )


def _told(event: Event, name: str) -> Event:
    if teller := _TELLERS.get(name):
        return teller(event)
    return administration.told(event) if administration.knows(name) else event


def _plain(name: str, action: str, payload: Payload, confidential: bool) -> Event:
    """What every event says of itself."""
    sender = first(payload, ("user.username", "user_username"))
    thing = first(payload, ("object_attributes.title", "object_attributes.name", "name"))
    ident = number(payload, "object_attributes.iid", "object_attributes.id", "id")
    return Event(
        source="gitlab",
        kind=f"{name}.{action}" if action and name in _TELLERS else name,
        delivery="",
        correlation_key=f"{home(payload)} {name} {ident}",
        title=titled(f"{spoken(name).capitalize()} {thing}".strip()),
        payload=payload,
        scope=scope(payload),
        actor=person(payload.get("user")),
        url=first(payload, ("object_attributes.url", "url")) if name not in _TELLERS else page(payload),
        facts=() if name in _TELLERS else found(Action=spoken(action), State=dig(payload, "object_attributes.state")),
        attributes={
            **_ATTRIBUTES,
            "project": scope(payload),
            "sender": sender,
            "author": sender,
            "bot": is_bot(sender),
            "action": action,
            "confidential": confidential,
        },
    )


def _noise(name: str, action: str, payload: Payload) -> str:
    """Why the event says nothing; an empty text where it says something."""
    if name in {"pipeline", "build"} and action in pipelines.UNFINISHED:
        return f"It is a {'job' if name == 'build' else name} that has not ended yet."
    if name == "build" and action in {"manual", "skipped"}:
        return "It is a job that did not run."
    if name in {"merge_request", "issue", "work_item"} and action == "update" and changes.is_empty(payload):
        return "It is an update that changes nothing to read."
    return ""


def _delivery(webhook: Webhook) -> str:
    """The id of a delivery, the same when GitLab tries again; of the three, `webhook-id` is covered by the signature.

    https://docs.gitlab.com/user/project/integrations/webhooks/#delivery-headers
    """
    names = ("webhook-id", "Idempotency-Key", "X-Gitlab-Event-UUID")
    return next((ident for name in names if (ident := identifier(webhook.header(name)))), "")


def _headers(event: str, delivery: str) -> Mapping[str, str]:
    kind = event.partition(".")[0]
    words = {"build": "job", "access_token": "resource access token"}.get(kind, kind.replace("_", " "))
    return {"X-Gitlab-Event": f"{words.title()} Hook", "Idempotency-Key": delivery}


GITLAB = Source(
    name="gitlab",
    title="GitLab",
    # https://docs.gitlab.com/user/project/integrations/webhooks/#validate-payloads-by-using-a-secret-token
    verifier=AnyOf(
        (
            Token("X-Gitlab-Token"),
            Hmac(
                header="webhook-signature",
                prefix="v1,",
                separator=" ",
                encoding="base64",
                signed="{webhook-id}.{webhook-timestamp}.{body}",
                timestamp="webhook-timestamp",
                secret_prefix="whsec_",  # noqa: S106  the beginning of every one
            ),
        )
    ),
    read=read,
    headers=_headers,
)
