"""GitLab's webhooks and system hooks: https://docs.gitlab.com/user/project/integrations/webhook_events/."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.fields import Payload, dig, first, part
from bridge.limits import MAX_BODY
from bridge.rendering.text import in_words
from bridge.sources import kit, reading
from bridge.sources.base import Ignored, Source, delivery_id, identifier
from bridge.sources.gitlab import administration, changes, code, issues, merge_requests, notes, pipelines, projects
from bridge.sources.gitlab.places import home, is_bot, page, person, scope
from bridge.sources.people import PeopleAt
from bridge.verification.combinations import AnyOf
from bridge.verification.shared_secrets import Token
from bridge.verification.signatures import Hmac

# What reads an event, by its kind of object.
_READERS: Mapping[str, Callable[[Event], Event]] = {
    "push": code.push,
    "tag_push": code.push,
    "merge_request": merge_requests.merge_request,
    "issue": issues.issue,
    "work_item": issues.issue,
    "note": notes.note,
    "emoji": notes.emoji,
    "pipeline": pipelines.pipeline,
    "build": pipelines.job,
    "deployment": pipelines.deployment,
    "release": projects.release,
    "wiki_page": projects.wiki_page,
    "feature_flag": projects.feature_flag,
    "access_token": projects.token,
    "deploy_token": projects.token,
    "milestone": projects.milestone,
    "vulnerability": projects.vulnerability,
}
# Where an object says what was done to it, or how it stands.
_ACTIONS = ("object_attributes.action", "action", "build_status", "status", "object_attributes.status")
# What an event has beside its object; the event itself names it.
_ENVELOPE = {"object_kind", "event_name", "event_type", "object_attributes", "project", "repository", "user", "group"}
_ATTRIBUTES = kit.no_attributes(
    "project branch source_branch target_branch tag author sender action state status type environment",
    lists="labels assignees reviewers paths",
    flags="bot draft fork confidential",
)


def read(webhook: Webhook) -> Sequence[Event] | Ignored:
    """The one event of a webhook, or the reason to ignore it; BadWebhook for a body without object and event."""
    payload = kit.json_object(webhook, "GitLab")
    name = identifier(first(payload, ("object_kind", "event_name")))
    if not name:
        raise BadWebhook("The body has no object_kind and no event_name: is this GitLab's webhook?")
    action = identifier(first(payload, _ACTIONS))
    if reason := _ignored(name, action, payload):
        return Ignored(reason)
    hidden = webhook.header("X-Gitlab-Event").startswith("Confidential")
    event = _read(_plain(name, action, payload, hidden), name)
    content = webhook.fingerprint
    signed = webhook.header("webhook-id") if webhook.header("webhook-signature") else ""
    return (
        replace(
            event,
            delivery=signed or _delivery(webhook),
            dedup_key="" if signed else content,
            correlation_key=event.correlation_key or content,
        ),
    )


def _read(event: Event, name: str) -> Event:
    if reader := _READERS.get(name):
        return reader(event)
    return administration.administered(event) if administration.knows(name) else _unknown(event, name)


def _unknown(event: Event, name: str) -> Event:
    """An event that is newer than the bridge: what its object says, by the usual names."""
    item = part(event.payload, "object_attributes")
    others = {field: value for field, value in event.payload.items() if field not in _ENVELOPE}
    happened = first(event.payload, ("event_name", "object_kind"))
    found = reading.happening(reading.read({**others, **item}, in_words(happened)))
    key = event.correlation_key or kit.key(home(event.payload), name, found.key)
    # Whether the user did what happened, or only has the rights for it, is not known.
    facts = kit.facts(User=event.actor)
    return reading.fill(replace(event, correlation_key=key, actor="", facts=facts), found)


def _plain(name: str, action: str, payload: Payload, confidential: bool) -> Event:
    """What every event says."""
    sender, address = dig(payload, "user.username"), dig(payload, "project.web_url")
    host = address.removesuffix(dig(payload, "project.path_with_namespace"))
    item = first(payload, ("object_attributes.title", "object_attributes.name", "name"))
    number = kit.id_at(payload, "object_attributes.iid", "object_attributes.id", "id")
    is_known = name in _READERS
    return Event(
        source="gitlab",
        kind=f"{name}.{action}" if action and is_known else name,
        delivery="",
        correlation_key=kit.key(home(payload), name, number),
        title=kit.title(f"{in_words(name).capitalize()} {item}".strip()),
        payload=payload,
        scope=scope(payload),
        actor=person(payload.get("user")),
        url=page(payload) if is_known else first(payload, ("object_attributes.url", "url")),
        attributes={
            **_ATTRIBUTES,
            "project": scope(payload),
            "sender": sender,
            "author": sender,
            "bot": is_bot(sender),
            "action": action,
            "confidential": confidential,
        },
        details={
            "actor_url": f"{host}{sender}" if host.endswith("/") and host != address and sender else "",
            "scope_url": address,
            "repository": address,
        },
    )


def _ignored(name: str, action: str, payload: Payload) -> str:
    """Why the event is ignored; an empty text where it is not."""
    if name in {"pipeline", "build", "deployment"} and action in pipelines.UNFINISHED:
        return f"It is a {'job' if name == 'build' else name} that has not ended yet."
    if name == "build" and action in {"manual", "skipped"}:
        return "It is a job that did not run."
    if name in {"merge_request", "issue", "work_item"} and action == "update" and changes.is_empty(payload):
        return "The update changes nothing worth reading."
    return ""


def _delivery(webhook: Webhook) -> str:
    """The id of a delivery for the log: without a signature it decides nothing.

    https://docs.gitlab.com/user/project/integrations/webhooks/#delivery-headers
    """
    names = ("Idempotency-Key", "X-Gitlab-Event-UUID", "webhook-id")
    return next((found for name in names if (found := delivery_id(webhook.header(name)))), "")


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
    max_body=MAX_BODY,
    headers=_headers,
    people=PeopleAt(
        actor=("user", "user_username+user_email+user_name"),
        author=("object_attributes/author", "@author", "commit/author"),
        reviewers=("reviewers",),
        assignees=("assignees", "assignee", "issue/assignees", "merge_request/assignees"),
    ),
)
