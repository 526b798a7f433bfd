"""Groups of alerts, as Alertmanager sends them and Grafana after it.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge.events import Event, Severity
from bridge.fields import Payload, dig, first, moment, objects, part
from bridge.rendering.filters import between, figure, plural
from bridge.rendering.text import one_line, safe_url
from bridge.sources.base import MARK, thread_key
from bridge.sources.severities import severity_of

_MOST = 10
_TEXTS = ("summary", "message", "description")
_RUNBOOKS = ("runbook_url", "runbook", "runbookUrl")
# Labels that name what an alert is about, the most telling first.
_PLACES = ("instance", "host", "node", "pod", "service", "job", "namespace", "cluster")
_NO_FACTS = {"alertname", "severity", "grafana_folder", "__alert_rule_uid__"}
_YEAR_ONE = 1


@dataclass(frozen=True)
class Alert:
    """One alert of a group. lasted: how long it fired, once it is over. what: the place or thing that it is about."""

    is_over: bool
    severity: Severity
    what: str
    text: str
    since: datetime | None
    lasted: str
    url: str


def group(source: str, payload: Payload) -> Event:
    """The event of a notification about a group: what fires comes before what is over, the newest first."""
    alerts = sorted((_alert(one, payload) for one in objects(payload, "alerts")), key=_order)
    firing = [alert for alert in alerts if not alert.is_over]
    is_over = dig(payload, "status") == "resolved" or (bool(alerts) and not firing)
    labels, common = part(payload, "groupLabels"), part(payload, "commonLabels")
    name = first({**common, **labels}, ("alertname",)) or _only(payload, "alertname") or "Alerts"
    severity = max((alert.severity for alert in firing), default=Severity.INFO)
    texts = _texts(alerts, part(payload, "commonAnnotations"))
    times = [moment(one, "endsAt" if is_over else "startsAt") for one in objects(payload, "alerts")]
    return Event(
        source=source,
        kind="group.resolved" if is_over else "group.firing",
        delivery=_delivery(payload),
        correlation_key=thread_key(dig(payload, "groupKey") or repr(sorted(labels.items(), key=str)) or name),
        title=one_line(name, 200),
        payload=payload,
        severity=Severity.SUCCESS if is_over else severity,
        scope=one_line(_scope({**common, **labels}), 100),
        url=next((alert.url for alert in alerts if alert.url), "") or safe_url(dig(payload, "externalURL")),
        occurred=max((time for time in times if time and time.year > _YEAR_ONE), default=None),
        facts=(*_values(payload), *_facts(common, part(payload, "commonAnnotations"))),
        attributes={
            "status": dig(payload, "status"),
            "receiver": dig(payload, "receiver"),
            "alertname": name,
            "labels": common,
            "firing": len(firing),
            "resolved": len(alerts) - len(firing),
        },
        ends_thread=is_over,
        details={
            "alerts": alerts[:_MOST],
            "more": max(len(alerts) - _MOST, 0),
            "left_out": max(dig(payload, "truncatedAlerts", 0), 0),
            "counts": _counts(alerts),
            "sentence": _sentence(name, firing, alerts),
            "lead": one_line(next(iter(texts), ""), 120),
            "text": "\n\n".join(texts),
            "buttons": _buttons(payload),
        },
    )


def _alert(one: Payload, payload: Payload) -> Alert:
    labels, annotations = part(one, "labels"), part(one, "annotations")
    start, end = moment(one, "startsAt"), moment(one, "endsAt")
    is_over = dig(one, "status") == "resolved"
    common = part(payload, "commonLabels")
    place = first(labels, _PLACES) or " ".join(
        value
        for name, value in labels.items()
        if isinstance(value, str) and name not in common and name not in _NO_FACTS
    )
    return Alert(
        is_over=is_over,
        severity=severity_of(
            first(labels, ("severity", "priority")) or first(annotations, ("severity",)), Severity.WARNING
        ),
        what=one_line(place, 80),
        text=one_line(first(annotations, _TEXTS), 200),
        since=start if start and start.year > _YEAR_ONE else None,
        lasted=between(start, end) if is_over else "",
        url=safe_url(dig(one, "generatorURL")),
    )


def _order(alert: Alert) -> tuple[bool, int, float]:
    return alert.is_over, -alert.severity.rank, -(alert.since.timestamp() if alert.since else 0.0)


def _counts(alerts: Sequence[Alert]) -> str:
    over = sum(alert.is_over for alert in alerts)
    parts = (f"{len(alerts) - over} firing" if over < len(alerts) else "", f"{over} resolved" if over else "")
    return " · ".join(filter(None, parts)) if len(alerts) > 1 else ""


def _sentence(name: str, firing: Sequence[Alert], alerts: Sequence[Alert]) -> str:
    about = firing or alerts
    head = next((alert.what for alert in about if alert.what), "")
    others = len(about) - 1
    who = f"{head} and {others} more" if head and others else head or (plural(len(about), "alert") if others else "")
    if firing:
        return f"{name} fires{f' for {who}' if who else ''}"
    lasted = next((alert.lasted for alert in alerts if alert.lasted), "")
    return f"{name} is over{f' for {who}' if who else ''}{f' after {lasted}' if lasted and not others else ''}"


def _texts(alerts: Sequence[Alert], annotations: Payload) -> Sequence[str]:
    """What all alerts say, or the only one."""
    texts = dict.fromkeys(filter(None, (dig(annotations, name) for name in _TEXTS)))
    return [*texts] or [alert.text for alert in alerts if alert.text and len(alerts) == 1]


def _scope(labels: Mapping[str, Any]) -> str:
    return first(labels, ("cluster", "namespace", "grafana_folder", "environment", "env", "job"))


def _only(payload: Payload, label: str) -> str:
    """The label's value, where all alerts have the same."""
    found = {dig(one, f"labels.{label}") for one in objects(payload, "alerts")}
    return found.pop() if len(found) == 1 else ""


def _facts(labels: Payload, annotations: Payload) -> tuple[tuple[str, str], ...]:
    told = {*_TEXTS, *_RUNBOOKS, *_NO_FACTS}
    pairs = [(name, value) for name, value in (*labels.items(), *annotations.items()) if name not in told]
    return tuple(
        (one_line(name, 40), one_line(value, 200))
        for name, value in pairs
        if isinstance(value, str) and value and name[:1] != "_"
    )


def _values(payload: Payload) -> Iterator[tuple[str, str]]:
    """What Grafana measured, where there is one alert only."""
    alerts = objects(payload, "alerts")
    values = part(alerts[0], "values") if len(alerts) == 1 else {}
    told = [f"{name} = {figure(value)}" for name, value in values.items() if isinstance(value, int | float)]
    if told:
        yield "values", one_line(", ".join(told), 200)


def _buttons(payload: Payload) -> list[tuple[str, str]]:
    one = next(iter(objects(payload, "alerts")), {})
    annotations = {**part(one, "annotations"), **part(payload, "commonAnnotations")}
    pairs = (
        ("Runbook", first(annotations, _RUNBOOKS)),
        ("Dashboard", first(one, ("panelURL", "dashboardURL"))),
        ("Silence", dig(one, "silenceURL")),
        ("Open alerts", dig(payload, "externalURL")),
    )
    return [(text, url) for text, url in pairs if safe_url(url)][:3]


def _delivery(payload: Payload) -> str:
    """What identifies the notification: the senders give it no id, and remind with the same content."""
    alerts = sorted(
        repr(
            (
                dig(one, "fingerprint") or sorted(part(one, "labels").items(), key=str),
                dig(one, "status"),
                dig(one, "startsAt"),
            )
        )
        for one in objects(payload, "alerts")
    )
    text = "\n".join((dig(payload, "groupKey"), dig(payload, "status"), dig(payload, MARK), *alerts))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
