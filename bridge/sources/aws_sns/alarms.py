"""CloudWatch's alarms: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from bridge.events import Event, Severity
from bridge.fields import Payload, dig, first, moment, objects, part
from bridge.rendering.filters import duration
from bridge.rendering.measures import Meter, against, figure, history
from bridge.rendering.text import in_words, one_line
from bridge.sources import kit
from bridge.sources.base import identifier

# The action and the severity of each state: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
_STATES = {
    "ALARM": ("firing", Severity.ERROR),
    "OK": ("ok", Severity.SUCCESS),
    "INSUFFICIENT_DATA": ("no_data", Severity.WARNING),
}
_COMPARISONS = {
    "GreaterThanOrEqualToThreshold": "≥",
    "GreaterThanThreshold": ">",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "≤",
}
_BANDS = ("LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold")
# Where CloudWatch writes the values that it compared: its payload has no field for them.
_VALUES = re.compile(r"Threshold Crossed: [^\[]{1,60}\[([^\]]{1,1000})\]")
_POINT = re.compile(r"(-?\d+(?:\.\d+)?(?:E-?\d+)?) \((\d\d/\d\d/\d\d \d\d:\d\d:\d\d)\)")


def of(content: Payload) -> Payload:
    """The alarm of a message, as CloudWatch sends it, or EventBridge in its envelope; empty where it is none."""
    if dig(content, "AlarmName"):
        return content
    detail = part(content, "detail")
    if dig(content, "detail-type") != "CloudWatch Alarm State Change" or not dig(detail, "alarmName"):
        return {}
    arns = content.get("resources")
    return {
        "AlarmName": dig(detail, "alarmName"),
        "AlarmDescription": dig(detail, "configuration.description"),
        "AWSAccountId": dig(content, "account"),
        "Region": dig(content, "region"),
        "NewStateValue": dig(detail, "state.value"),
        "OldStateValue": dig(detail, "previousState.value"),
        "NewStateReason": dig(detail, "state.reason"),
        "StateChangeTime": dig(detail, "state.timestamp"),
        "AlarmArn": arns[0] if isinstance(arns, list) and arns and isinstance(arns[0], str) else "",
        "Trigger": next((part(one, "metricStat") for one in objects(detail, "configuration.metrics")), {}),
    }


def alarm(event: Event, content: Payload) -> Event:
    """The event as a change of an alarm's state; all of one alarm has one correlation key."""
    whole, state = dig(content, "AlarmName"), dig(content, "NewStateValue")
    name = one_line(whole, 200)
    before, arn = dig(content, "OldStateValue"), dig(content, "AlarmArn")
    action, severity = _STATES.get(state, ("other", Severity.INFO))
    account, region = dig(content, "AWSAccountId"), dig(content, "Region")
    trigger, reason = part(content, "Trigger"), dig(content, "NewStateReason")
    url, points = _console(arn, name), _points(reason)
    meter = _meter(points, trigger) if action == "firing" else ()
    return replace(
        event,
        kind=f"alarm.{identifier(state) or 'changed'}",
        correlation_key=arn or kit.key(account, region, whole) or kit.key(event.correlation_key, whole),
        title=name,
        scope=one_line(region, 100),
        severity=severity,
        occurred=moment(content, "StateChangeTime") or event.occurred,
        url=url,
        facts=kit.facts(**_measure(trigger), **_dimensions(trigger), Rule=dig(content, "AlarmRule"), Account=account),
        attributes=kit.with_attributes(event, state=state, region=region, account=account, alarm=name),
        details={
            "action": "resolved" if (action, before) == ("ok", "ALARM") else action,
            "noun": "alarm",
            "name": name,
            "condition": " ".join(_measure(trigger).values()).strip() if _condition(trigger) else "",
            "word": in_words(state),
            "before": before,
            # What the reason says of its values is drawn.
            "text": "\n\n".join(filter(None, (dig(content, "AlarmDescription"), "" if meter else reason))),
            "meter": meter,
            "history": history(points, _comparison(trigger)) if action == "firing" else None,
            "buttons": [("Open the alarm", url)] if url else [],
        },
        ends_thread=state == "OK",
    )


def _measure(trigger: Payload) -> dict[str, str]:
    """The metric and its limit."""
    metric = first(trigger, ("MetricName", "metric.name")) or _of_math(trigger)
    statistic = first(trigger, ("Statistic", "ExtendedStatistic", "stat"))
    return {
        "Metric": f"{metric} ({statistic.lower()})" if metric and statistic else metric,
        "Threshold": _condition(trigger),
    }


def _of_math(trigger: Payload) -> str:
    """What is compared where metrics are combined: the label of the expression, or itself."""
    compared = [one for one in objects(trigger, "Metrics") if one.get("ReturnData") is True or dig(one, "Expression")]
    return next((text for one in compared if (text := first(one, ("Label", "Expression", "Id")))), "")


def _condition(trigger: Payload) -> str:
    limit, periods, period = (_number(trigger.get(name)) for name in ("Threshold", "EvaluationPeriods", "Period"))
    operator, unit = dig(trigger, "ComparisonOperator"), dig(trigger, "Unit")
    sign = _COMPARISONS.get(operator, in_words(operator))
    if operator in _BANDS:
        condition = "outside the expected band"
    elif limit is None or not sign:
        return ""
    else:
        condition = f"{sign} {figure(limit)}{f' {unit}' if unit and unit != 'None' else ''}"
    return f"{condition} for {duration(periods * period)}" if periods and period else condition


def _comparison(trigger: Payload) -> str:
    """What the alarm compares with, as `< 2.0`; empty where it is no single threshold."""
    sign = {"≥": ">=", "≤": "<="}.get(sign := _COMPARISONS.get(dig(trigger, "ComparisonOperator"), ""), sign)
    limit = _number(trigger.get("Threshold"))
    return f"{sign} {limit}" if sign and limit is not None else ""


def _dimensions(trigger: Payload) -> dict[str, str]:
    pairs = [*objects(trigger, "Dimensions"), *objects(trigger, "metric.dimensions")]
    listed = {dig(one, "name"): dig(one, "value") for one in pairs}
    mapped = {name: value for name, value in part(trigger, "metric.dimensions").items() if isinstance(value, str)}
    return {in_words(name).capitalize(): value for name, value in {**listed, **mapped}.items() if name}


def _meter(points: Sequence[tuple[datetime, float]], trigger: Payload) -> Meter | tuple[()]:
    """The newest value that CloudWatch names against the threshold, where both can be drawn."""
    if not points or dig(trigger, "ComparisonOperator") not in _COMPARISONS:
        return ()
    return against(max(points)[1], _number(trigger.get("Threshold")))


def _points(reason: str) -> list[tuple[datetime, float]]:
    """The datapoints that CloudWatch names, with the times in UTC at which they begin."""
    found = _VALUES.match(reason)
    pairs = _POINT.findall(found[1]) if found else []
    return [(datetime.strptime(f"{time}+0000", "%d/%m/%y %H:%M:%S%z"), float(value)) for value, time in pairs]


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _console(arn: str, name: str) -> str:
    """The alarm's page in the AWS console; its ARN names the region as URLs do."""
    region = arn.split(":")[3] if arn.startswith("arn:aws:cloudwatch:") else ""
    if not re.fullmatch(r"[a-z0-9-]+", region):
        return ""
    page = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
    return f"{page}#alarmsV2:alarm/{quote(name, safe='')}"
