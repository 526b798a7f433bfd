"""Amazon SNS, and the alarms of CloudWatch that it carries.

https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bridge.errors import BadWebhook
from bridge.events import Event, Severity, Webhook
from bridge.fields import Payload, dig, first, moment, objects, part
from bridge.rendering.filters import duration, figure
from bridge.rendering.text import one_line, safe_url
from bridge.sources.aws_sns.authentication import by_signature
from bridge.sources.base import Source, decode_json, identifier, thread_key


@dataclass(frozen=True)
class _State:
    """What a state of an alarm is called, and how bad it is."""

    happens: str
    severity: Severity


# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
_STATES: Mapping[str, _State] = {
    "ALARM": _State("fires", Severity.ERROR),
    "OK": _State("is OK again", Severity.SUCCESS),
    "INSUFFICIENT_DATA": _State("has too little data", Severity.WARNING),
}
_COMPARISONS = {
    "GreaterThanOrEqualToThreshold": "≥",
    "GreaterThanThreshold": ">",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "≤",
}
# The link that ends a subscription is for who manages it, and not for a group.
_CONFIRMATIONS = {
    "SubscriptionConfirmation": "AWS asks to confirm the subscription to {}: open the link to do so",
    "UnsubscribeConfirmation": "The subscription to {} has ended; the link begins it again",
}


def read(webhook: Webhook) -> Sequence[Event]:
    """The one event of a message; BadWebhook for a body that is none.

    A confirmation is posted with its link: nothing that a payload names is ever requested.
    """
    payload = decode_json(webhook.body)
    kind, topic = dig(payload, "Type"), dig(payload, "TopicArn")
    if kind not in ("Notification", *_CONFIRMATIONS) or not topic:
        raise BadWebhook("The body is no message of SNS: is raw message delivery on? Turn it off.")
    if kind in _CONFIRMATIONS:
        return (_confirmation(payload, kind, webhook.body),)
    return (_notification(payload, webhook.body),)


def _event(payload: Payload, body: bytes, **more: Any) -> Event:
    base = {
        "source": "aws_sns",
        "delivery": dig(payload, "MessageId") or hashlib.sha256(body).hexdigest(),
        "payload": payload,
        "occurred": moment(payload, "Timestamp"),
    }
    return Event(**{**base, **more})


def _topic(payload: Payload) -> str:
    return dig(payload, "TopicArn").rpartition(":")[2]


def _confirmation(payload: Payload, kind: str, body: bytes) -> Event:
    url = dig(payload, "SubscribeURL")
    is_aws = re.match(r"https://sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/", url)
    return _event(
        payload,
        body,
        kind=identifier(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind)),
        correlation_key=thread_key(f"topic {dig(payload, 'TopicArn')}"),
        title=one_line(f"Topic {_topic(payload)}", 200),
        summary=_CONFIRMATIONS[kind].format(one_line(_topic(payload), 100)),
        severity=Severity.WARNING,
        url=safe_url(url) if is_aws else "",
        facts=(("topic", one_line(dig(payload, "TopicArn"), 200)),),
        attributes={"topic": _topic(payload)},
    )


def _notification(payload: Payload, body: bytes) -> Event:
    text = dig(payload, "Message")
    try:
        inner = decode_json(text.encode("utf-8", "replace"))
    except BadWebhook:
        inner = None
    if isinstance(inner, dict) and dig(inner, "AlarmName"):
        return _alarm(payload, inner, body)
    subject = one_line(dig(payload, "Subject"), 200)
    words = f"```json\n{json.dumps(inner, indent=1)}\n```" if isinstance(inner, dict | list) else text
    return _event(
        payload,
        body,
        kind="notification",
        correlation_key=thread_key(f"{dig(payload, 'TopicArn')} {subject}".strip()),
        title=subject or f"Topic {_topic(payload)}",
        scope=_topic(payload),
        text=words[:20_000],
        attributes={"topic": _topic(payload)},
    )


def _alarm(payload: Payload, alarm: Payload, body: bytes) -> Event:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html."""
    name, word = one_line(dig(alarm, "AlarmName"), 200), dig(alarm, "NewStateValue")
    state = _STATES.get(word, _State(f"is {word.lower().replace('_', ' ')}" if word else "changed", Severity.INFO))
    arn = dig(alarm, "AlarmArn")
    account, region = dig(alarm, "AWSAccountId"), first(alarm, ("Region",))
    reason = dig(alarm, "NewStateReason")
    return _event(
        payload,
        body,
        kind=f"alarm.{identifier(word) or 'changed'}",
        correlation_key=thread_key(arn or f"{account} {region} {name}"),
        title=name,
        summary=f"{name} {state.happens}",
        scope=one_line(region, 100),
        severity=state.severity,
        occurred=moment(alarm, "StateChangeTime") or moment(payload, "Timestamp"),
        url=_console(arn, name),
        text="\n\n".join(filter(None, (dig(alarm, "AlarmDescription"), reason))),
        facts=tuple(pair for pair in (*_measure(part(alarm, "Trigger")), ("account", account)) if pair[1]),
        attributes={"topic": _topic(payload), "state": word, "region": region, "account": account, "alarm": name},
        ends_thread=word == "OK",
    )


def _measure(trigger: Payload) -> Sequence[tuple[str, str]]:
    """What the alarm looks at: the metric, its limit, and of what."""
    limit, periods, period = (trigger.get(name) for name in ("Threshold", "EvaluationPeriods", "Period"))
    sign = _COMPARISONS.get(dig(trigger, "ComparisonOperator"), "")
    unit = dig(trigger, "Unit")
    condition = (
        f"{sign} {figure(limit)}{f' {unit}' if unit and unit != 'None' else ''}"
        if isinstance(limit, int | float) and sign
        else ""
    )
    if condition and isinstance(periods, int) and isinstance(period, int):
        condition += f" for {duration(periods * period)}"
    dimensions = [
        (one_line(dig(one, "name"), 40), one_line(dig(one, "value"), 100)) for one in objects(trigger, "Dimensions")
    ]
    metric = one_line(dig(trigger, "MetricName"), 100)
    return (("metric", metric), ("fires at", condition), *dimensions)


def _console(arn: str, name: str) -> str:
    """The alarm's page in the AWS console; its ARN names the region as URLs do."""
    region = arn.split(":")[3] if arn.startswith("arn:aws:cloudwatch:") else ""
    if not re.fullmatch(r"[a-z0-9-]+", region):
        return ""
    page = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
    return f"{page}#alarmsV2:alarm/{quote(name, safe='')}"


AWS_SNS = Source(
    name="aws_sns",
    title="Amazon SNS",
    verifier=None,
    read=read,
    delivery_field="MessageId",
    by_published_keys=by_signature,
)
