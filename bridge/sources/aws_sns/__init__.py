"""Amazon SNS, and what it carries: CloudWatch's alarms, EventBridge's events, other JSON, and texts.

https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge.errors import BadWebhook
from bridge.events import Event, Severity, Webhook
from bridge.fields import Payload, dig, moment, objects
from bridge.rendering.links import safe_url
from bridge.rendering.text import in_words, last_part, one_line
from bridge.sources import kit, reading
from bridge.sources.aws_sns import alarms, event_bridge
from bridge.sources.aws_sns.authentication import by_signature
from bridge.sources.base import Source, decode_json, identifier

# The link that ends a subscription is for who manages it, and not for a group.
_CONFIRMATIONS = {
    "SubscriptionConfirmation": "subscription_requested",
    "UnsubscribeConfirmation": "subscription_ended",
}
_MAX_TEXT = 20_000
_ATTRIBUTES = kit.no_attributes("topic alarm state region account detail_type event_source")


def read(webhook: Webhook) -> Sequence[Event]:
    """Read the one event of a message; BadWebhook for a body that is no object.

    A confirmation is posted with its link: nothing that a payload names is ever requested. With raw message delivery
    the body is the message, and a header names its topic.
    """
    payload = kit.json_object(webhook, "Amazon SNS")
    kind, topic = dig(payload, "Type"), dig(payload, "TopicArn")
    is_raw = not (kind and topic)
    topic = topic or webhook.header("x-amz-sns-topic-arn")
    event = Event(
        source="aws_sns",
        kind="notification",
        delivery=dig(payload, "MessageId") or webhook.fingerprint,
        dedup_key=webhook.fingerprint if is_raw or not dig(payload, "MessageId") else "",
        correlation_key=topic,
        title=one_line(f"Topic {last_part(topic)}", 200) if topic else "A topic of Amazon SNS",
        payload=payload,
        occurred=moment(payload, "Timestamp"),
        attributes={**_ATTRIBUTES, "topic": last_part(topic)},
    )
    if kind in _CONFIRMATIONS:
        event = _confirmation(event, kind)
    else:
        event = _of_json(event, payload) if is_raw else _notification(event, dig(payload, "Message"))
    return (event if topic else replace(event, correlation_key=f"event {event.delivery}"),)


def _unseen(payload: Payload) -> str:
    """The type of a message, where it is not known here, in words."""
    kind = dig(payload, "Type")
    return "" if kind == "Notification" else in_words(kind)


def _confirmation(event: Event, kind: str) -> Event:
    url = dig(event.payload, "SubscribeURL")
    is_aws = re.match(r"https://sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/", url)
    url = safe_url(url) if is_aws else ""
    return replace(
        event,
        kind=identifier(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind)),
        correlation_key=f"topic {event.correlation_key}",
        severity=Severity.WARNING,
        url=url,
        facts=(("Topic", one_line(dig(event.payload, "TopicArn"), 200)),),
        details={
            "action": _CONFIRMATIONS[kind],
            "noun": "topic",
            "name": event.attributes["topic"],
            "buttons": [("Confirm the subscription", url)] if url else [],
        },
    )


def _notification(event: Event, message: str) -> Event:
    """What the message says, which is JSON or a text."""
    subject = one_line(dig(event.payload, "Subject"), 200)
    titled = replace(event, title=subject or event.title)
    try:
        content = decode_json(message.encode("utf-8", "replace"))
    except BadWebhook:
        content = None
    if isinstance(content, dict | list):
        return _of_json(titled, content, subject)
    return replace(
        titled,
        correlation_key=f"{event.correlation_key} {subject}".strip(),
        scope=event.attributes["topic"] if subject else "",
        text=message[:_MAX_TEXT],
        details={"action": "published", "text": message[:_MAX_TEXT], "happened": _unseen(event.payload)},
    )


def _of_json(event: Event, content: Mapping[str, Any] | list[Any], subject: str = "") -> Event:
    """An alarm, an event of EventBridge, or JSON of somebody's own or of a service of AWS: S3's records are a list."""
    if isinstance(content, dict) and (alarm := alarms.of(content)):
        return alarms.alarm(event, alarm)
    if isinstance(content, dict) and event_bridge.is_event(content):
        return event_bridge.event(event, content)
    found = reading.read(content, *_of_records(content))
    scope, facts = found.scope or event.attributes["topic"], kit.facts(Subject=subject)
    filled = reading.fill(replace(event, scope=scope, facts=facts), found)
    return replace(filled, correlation_key=f"{event.correlation_key} {found.key or subject}".strip())


def _of_records(content: Any) -> tuple[str, str]:
    """What happened to which object, by the records of S3.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    record: Payload = next(iter(objects(content, "Records")), {})
    name, key = dig(record, "eventName"), dig(record, "s3.object.key")
    return (name.partition(":")[0], key) if name and key else ("", "")


AWS_SNS = Source(
    name="aws_sns",
    title="Amazon SNS",
    verifier=None,
    read=read,
    # A message has at most 256 KiB, in which the quotes of JSON are escaped when it is sent:
    # https://docs.aws.amazon.com/general/latest/gr/sns.html#limits_sns
    max_body=2 * 256 * 1024,
    delivery_field="MessageId",
    by_published_keys=by_signature,
    # Fifty times in up to an hour: https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
    retry_window=3600.0,
)
