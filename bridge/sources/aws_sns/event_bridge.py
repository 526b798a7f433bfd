"""EventBridge's events: https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html."""

from dataclasses import replace
from typing import Any

from bridge.events import Event, Severity
from bridge.fields import Payload, dig, first, part
from bridge.rendering.text import last_part, one_line
from bridge.sources import kit, reading

# The number from which GuardDuty's severity is this; a lower one is information.
# https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings-severity.html
_GUARDDUTY = ((9.0, Severity.CRITICAL), (7.0, Severity.ERROR), (4.0, Severity.WARNING))
# What findings and other events that have a story are known by.
_STORIES = ("detail.arn", "detail.eventArn", "detail.findingArn")


def is_event(content: Payload) -> bool:
    """Whether a message is an event of EventBridge."""
    return bool(dig(content, "detail-type") and dig(content, "source") and isinstance(content.get("detail"), dict))


def event(event: Event, content: Payload) -> Event:
    """The event as EventBridge brought it; a finding has a correlation key of its own, else the resource has."""
    found = reading.read(content, about=_about(content))
    source = dig(content, "source")
    region, account = dig(content, "region"), dig(content, "account")
    filled = reading.fill(replace(event, scope=one_line(region, 100)), found)
    severity = _guardduty(content) if source == "aws.guardduty" else None
    return replace(
        filled,
        severity=severity or filled.severity,
        facts=tuple(pair for pair in filled.facts if not (severity and pair[0] == "Severity")),
        correlation_key=_story(content) or kit.key(event.correlation_key, found.key) or event.correlation_key,
        attributes=kit.with_attributes(
            event, region=region, account=account, detail_type=dig(content, "detail-type"), event_source=source
        ),
    )


def _story(content: Payload) -> str:
    """The ARN of the finding, else that of the one resource that the event is about with the kind of event."""
    if arn := first(content, _STORIES):
        return arn
    arns = _arns(content)
    return kit.key(arns[0], dig(content, "detail-type")) if len(arns) == 1 else ""


def _about(content: Payload) -> str:
    arns = _arns(content)
    return last_part(arns[0]) if len(arns) == 1 and not first(content, _STORIES) else ""


def _arns(content: Payload) -> list[str]:
    found: Any = content.get("resources")
    return [arn for arn in found if isinstance(arn, str)] if isinstance(found, list) else []


def _guardduty(content: Payload) -> Severity | None:
    number = part(content, "detail").get("severity")
    if not isinstance(number, int | float) or isinstance(number, bool):
        return None
    return next((severity for least, severity in _GUARDDUTY if number >= least), Severity.INFO)
