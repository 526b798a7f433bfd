"""Jira Cloud, Data Center and Server.

https://developer.atlassian.com/cloud/jira/platform/webhooks/
https://developer.atlassian.com/server/jira/platform/webhooks/
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bridge.events import Event, Webhook
from bridge.fields import Payload, dig, part
from bridge.rendering.text import in_words
from bridge.sources import kit, reading
from bridge.sources.base import Ignored, Source, delivery_id, identifier
from bridge.sources.jira import issues, plans
from bridge.sources.jira.names import base, moment, person, site
from bridge.sources.people import PeopleAt
from bridge.verification.signatures import Hmac

# What reads an event, by the beginning of its kind; of all others the plain facts are shown.
_READERS: Mapping[str, Callable[[Event], Event]] = {
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
    "automation": issues.sent,
}
# Every attribute that a route may ask for, so that no route's condition fails on it.
_ATTRIBUTES = kit.no_attributes(
    "site project key issue_type status priority resolution assignee author sender action",
    lists="labels components fix_versions changed",
    flags="internal",
)


def read(webhook: Webhook) -> Sequence[Event] | Ignored:
    """The one event of a webhook, or nothing for noise; BadWebhook for a body that is no object."""
    payload = kit.json_object(webhook, "Jira")
    name = identifier(dig(payload, "webhookEvent").removeprefix("jira:"))
    if not name and (sent := _sent_by_a_rule(payload)):
        name, payload = "automation", sent
    if reason := _noise(name, payload):
        return Ignored(reason)
    event = _plain(name or "event", payload)
    reader = next((reader for start, reader in _READERS.items() if name.startswith(start)), None)
    event = reader(event) if reader else _unknown(event, name)
    delivery = delivery_id(webhook.header("X-Atlassian-Webhook-Identifier"))
    digest = hashlib.sha256(_identity(event, webhook.body)).hexdigest()
    return (
        replace(
            event,
            delivery=delivery or digest,
            dedup_key=digest,
            correlation_key=event.correlation_key or f"event {digest}",
            attributes=kit.with_attributes(event, sender=event.actor),
        ),
    )


def _sent_by_a_rule(payload: Payload) -> Payload:
    """The issue that a rule of Jira Automation sends, bare or with what is around it, as Jira's webhooks have it.

    https://support.atlassian.com/cloud-automation/docs/issue-data-automation-format-payload-for-send-web-request
    """
    if dig(payload, "issue.key"):
        return payload
    return {"issue": payload} if dig(payload, "key") and part(payload, "fields") else {}


def _plain(name: str, payload: Payload) -> Event:
    """What every event says of itself."""
    kind = identifier(dig(payload, "issue_event_type_name"))
    family = name.partition("_")[0]
    about = part(payload, family)
    return Event(
        source="jira",
        kind=f"{name}.{kind}" if kind and name == "issue_updated" else name,
        delivery="",
        correlation_key=kit.key(site(payload), family, kit.id_at(about, "id", "key")),
        title=kit.title(f"Jira: {in_words(name)}"),
        payload=payload,
        scope=site(payload),
        actor=person(part(payload, "user")),
        url="",
        occurred=moment(payload),
        attributes={**_ATTRIBUTES, "site": site(payload), "action": kind or name},
        details={"base": base(payload), "site": site(payload)},
    )


def _unknown(event: Event, name: str) -> Event:
    """An event that is not known here, or what somebody's own rule sends: what its JSON says."""
    envelope = {"webhookEvent", "timestamp", "user"} if name else set()
    content = {field: value for field, value in event.payload.items() if field not in envelope}
    happened = in_words(dig(event.payload, "webhookEvent").removeprefix("jira:"))
    found = reading.happening(reading.read(part(content, name.partition("_")[0]) or content, happened))
    key = event.correlation_key or kit.key("jira", found.key)
    return replace(reading.fill(event, found), correlation_key=key)


def _noise(name: str, payload: Payload) -> str:
    """Why the event says nothing; an empty text where it says something."""
    if name == "issue_updated" and issues.says_nothing(payload):
        return "The update changes nothing worth reading, such as the rank."
    if name in {"issue_property_set", "issue_property_deleted"}:
        return "It is a property of an issue, which only apps read."
    return ""


def _identity(event: Event, body: bytes) -> bytes:
    """What is the same when a delivery comes again.

    Two webhooks may bring the same comment at the same time, that of the issue and its own: they count as one.
    """
    action, when = event.details.get("comment"), event.payload.get("timestamp")
    comment_id = "deleted" if action == "deleted" else kit.id_at(event.payload, "comment.id")
    same = kit.key(event.correlation_key, "comment", f"{action}", comment_id, f"{when}") if action and when else ""
    return same.encode("utf-8", "replace") or body


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
    # Five times, with five to fifteen minutes between them: https://developer.atlassian.com/cloud/jira/platform/webhooks/
    retry_window=75 * 60.0,
    people=PeopleAt(
        actor=("user", "comment/updateAuthor", "worklog/updateAuthor"),
        author=("issue/fields/reporter", "issue/fields/creator"),
        assignees=("issue/fields/assignee",),
    ),
)
