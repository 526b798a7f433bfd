"""Jira Cloud, Data Center and Server.

https://developer.atlassian.com/cloud/jira/platform/webhooks/
https://developer.atlassian.com/server/jira/platform/webhooks/
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.fields import Payload, dig, part
from bridge.sources.base import Ignored, Source, decode_json, identifier, thread_key
from bridge.sources.jira import issues, plans
from bridge.sources.jira.words import base, moment, named, number, person, site, spoken, titled
from bridge.verification.signatures import Hmac

# What tells an event, by the beginning of its kind; what is not here is told by plain words.
_TELLERS: Mapping[str, Callable[[Event], Event]] = {
    "issue_created": issues.issue,
    "issue_updated": issues.issue,
    "issue_deleted": issues.issue,
    "comment_": issues.comment,
    "worklog_": issues.worklog,
    "issuelink_": issues.link,
    "attachment_": issues.attachment,
    "sprint_": plans.sprint,
    "version_": plans.version,
    "board_": plans.board,
    "project_": plans.project,
    "user_": plans.user,
}
# Every attribute that a route may ask for, so that no route's condition fails on it.
_TEXTS = (
    "site", "project", "key", "issue_type", "status", "priority", "resolution", "assignee", "author", "sender",
    "action",
)  # fmt: skip
_LISTS = ("labels", "components", "fix_versions", "changed")
_ATTRIBUTES: Mapping[str, Any] = {
    **dict.fromkeys(_TEXTS, ""),
    **{name: [] for name in _LISTS},
    "internal": False,
}
_ACTORS = ("user", "comment.updateAuthor", "comment.author", "worklog.updateAuthor", "worklog.author")


def read(webhook: Webhook) -> Sequence[Event] | Ignored:
    """The one event of a webhook, or nothing for noise; BadWebhook for a body without a webhookEvent."""
    payload = decode_json(webhook.body)
    name = identifier(dig(payload, "webhookEvent").removeprefix("jira:"))
    if not name:
        raise BadWebhook("The body has no webhookEvent: is this Jira's webhook?")
    if reason := _noise(name, payload):
        return Ignored(reason)
    event = _plain(name, payload)
    teller = next((teller for start, teller in _TELLERS.items() if name.startswith(start)), None)
    event = teller(event) if teller else event
    delivery = identifier(webhook.header("X-Atlassian-Webhook-Identifier"))
    digest = hashlib.sha256(_identity(event, webhook.body)).hexdigest()
    return (
        replace(
            event, delivery=delivery or digest, dedup_key=digest, correlation_key=thread_key(event.correlation_key)
        ),
    )


def _plain(name: str, payload: Payload) -> Event:
    """What every event says of itself; its thread is the site's."""
    kind = identifier(dig(payload, "issue_event_type_name"))
    thing = part(payload, name.partition("_")[0])
    actor = next((who for path in _ACTORS if (who := person(part(payload, path)))), "")
    return Event(
        source="jira",
        kind=f"{name}.{kind}" if kind and name == "issue_updated" else name,
        delivery="",
        correlation_key=site(payload) or "jira",
        title=titled(spoken(name).capitalize(), named(thing)),
        payload=payload,
        scope=site(payload),
        actor=actor,
        url="",
        occurred=moment(payload),
        attributes={**_ATTRIBUTES, "site": site(payload), "sender": actor, "action": kind or name},
        details={"base": base(payload)},
    )


def _noise(name: str, payload: Payload) -> str:
    """Why the event says nothing; an empty text where it says something."""
    if name == "issue_updated" and issues.says_nothing(payload):
        return "It is an update that changes nothing to read, as a rank."
    if name in {"issue_property_set", "issue_property_deleted"}:
        return "It is a property of an issue, which only apps read."
    return ""


def _identity(event: Event, body: bytes) -> bytes:
    """What is the same when a delivery comes again.

    A comment may be told by two webhooks at the same time, that of the issue and its own: they count as one.
    """
    done, when = event.details.get("comment"), event.payload.get("timestamp")
    if done and when:
        ident = "" if done == "deleted" else number(event.payload, "comment.id")
        return f"{event.correlation_key} comment {done} {ident} {when}".encode("utf-8", "replace")
    return body


def _headers(_event: str, delivery: str) -> Mapping[str, str]:
    return {"X-Atlassian-Webhook-Identifier": delivery}


JIRA = Source(
    name="jira",
    title="Jira",
    # https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks
    verifier=Hmac(header="X-Hub-Signature", prefix="sha256="),
    read=read,
    headers=_headers,
    delivery_field="timestamp",
)
