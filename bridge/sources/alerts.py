"""Groups of alerts, as Alertmanager sends them and Grafana after it.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from bridge.events import Event, Severity
from bridge.fields import Payload, as_time, dig, first, moment, objects, part, text
from bridge.rendering.filters import between
from bridge.rendering.links import safe_url
from bridge.rendering.text import in_words, one_line
from bridge.sources import alert_buttons, alert_labels, alert_values, kit
from bridge.sources.alert_values import LIMITS, STATE, VALUES
from bridge.sources.base import MARK, as_action, identifier
from bridge.sources.reading_search import pages
from bridge.sources.severities import known_severity
from bridge.values import dataclass

_MOST = 10
_EPOCH = datetime.fromtimestamp(0, UTC)
_LONGEST_NAME = 2400  # characters that are looked at
_MARKS = ("fingerprint", "status", STATE, "startsAt")
# Seconds: Alertmanager and Grafana remind by `repeat_interval` for as long as nothing changes.
_REMINDED = 30 * 86400.0
_TEXTS = ("summary", "message", "description")
_YEAR_ONE = 1
# The states that say how a group stands, the one that counts most first.
_STATES = ("firing", "no_data", "error", "kept")
_RANKS = {state: place for place, state in enumerate(_STATES)}


@dataclass(frozen=True)
class Alert:
    """One alert of a group.

    state: `firing`, `resolved`, or another one that templates/alerts.html words. severity: of one that fires; grade: in
    the word of the rule's author where that is not known. what: the object that it is about. value: what was measured,
    for people. lasted: how long it fired, once it is over.
    """

    name: str
    state: str
    severity: Severity
    grade: str
    what: str
    text: str
    value: str
    since: datetime | None
    lasted: str
    url: str
    runbook: str


class _Sent(NamedTuple):
    """What is read of every alert, as it decides how the group stands; an Alert is made of those that are shown."""

    payload: Payload
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    name: str
    state: str
    severity: Severity
    what: str
    since: datetime | None


def group(source: str, payload: Payload) -> Event:
    """The event of a notification about a group: what fires comes before what is over, the newest first."""
    sent = objects(payload, "alerts")
    own = [alert_labels.texts(one, "labels") for one in sent]
    named = {key: value for key, value in alert_labels.texts(payload, "groupLabels").items() if key == "alertname"}
    several = alert_labels.without_ports(
        [alert_labels.exported(labels if named.items() <= labels.items() else {**named, **labels}) for labels in own]
    )
    noted = [alert_labels.texts(one, "annotations") for one in sent]
    shared = alert_labels.common(several)
    newest_first = sorted(map(_sent, sent, several, noted, _whats(several, shared)), key=_since, reverse=True)
    alerts = sorted(newest_first, key=_order)
    action = _action(alerts)
    concerned = [alert for alert in alerts if alert.state == action]
    (labels,) = alert_labels.without_ports([alert_labels.exported(alert_labels.texts(payload, "groupLabels"))])
    title, scope = _title(labels, shared, [alert.name for alert in alerts])
    annotations = alert_labels.common(noted)
    is_over = action == "resolved"
    shown = {id(alert): _alert(alert) for alert in (*alerts[:_MOST], *concerned[:_MOST])}
    newest, only = shown[id(alerts[0])], shown[id(concerned[0])] if len(concerned) == 1 else None
    said = _common_texts(annotations, only) if action in _STATES else []
    meter = alert_values.meter(sent[0]) if len(sent) == 1 else ()
    times = [alert.since if action in _STATES else moment(alert.payload, "endsAt") for alert in alerts]
    known = {*scope.values(), *re.split(r"[ ,:]+", title)}
    identity, statuses = _identity(payload, sent), [one.get("status") for one in sent]
    buttons = alert_buttons.buttons(sent, {**shared, **annotations}, payload)
    return Event(
        source=source,
        kind=f"group.{_kind(action, payload)}",
        delivery=identity,
        dedup_key=identity,
        repeat_window=_REMINDED,
        correlation_key=kit.id_at(payload, "groupKey") or repr(sorted(labels.items())) or title,
        title=kit.title(title),
        payload=payload,
        severity=Severity.SUCCESS if is_over else max({one.severity for one in concerned}, default=Severity.INFO),
        scope=one_line("/".join(scope.values()), 100),
        url=(newest.url if len(alerts) == 1 else "") or safe_url(dig(payload, "externalURL")),
        occurred=max((time for time in times if time and time.year > _YEAR_ONE), default=None),
        facts=tuple(_facts(alerts, newest.value, shared, annotations, known, bool(meter))),
        attributes={
            "status": dig(payload, "status"),
            "receiver": dig(payload, "receiver"),
            "alertname": shared.get("alertname") or labels.get("alertname") or "Alerts",
            "labels": alert_labels.common(own),
            "state": action,
            "firing": statuses.count("firing"),
            "resolved": statuses.count("resolved"),
        },
        ends_thread=is_over,
        details={
            "action": action,
            "alerts": [shown[id(alert)] for alert in alerts[:_MOST]],
            "more": max(len(alerts) - _MOST, 0),
            "left_out": max(dig(payload, "truncatedAlerts", 0), 0),
            "counts": Counter(alert.state for alert in alerts) if len(alerts) > 1 else {},
            "names": list(dict.fromkeys(alert.name for alert in concerned)),
            "whats": list(dict.fromkeys(alert.what for alert in concerned if alert.what)),
            "same": len({alert.what for alert in concerned}) == 1,
            "place": _place(shared, title, concerned),
            "concerned": [shown[id(alert)] for alert in concerned[:_MOST]],
            "count": len(concerned),
            "took": only.lasted if only else "",
            "annotation": "\n\n".join(said),
            "meter": meter,
            "buttons": buttons,
        },
    )


def _sent(one: Payload, labels: Mapping[str, str], annotations: Mapping[str, str], what: str) -> _Sent:
    start, state = as_time(one.get("startsAt")), text(one, STATE) or as_action(text(one, "status"))
    name, since = labels.get("alertname", "")[:_LONGEST_NAME], start if start and start.year > _YEAR_ONE else None
    severity = _severity(_word(labels, annotations)[:_LONGEST_NAME], state)
    return _Sent(one, labels, annotations, _name(name) or "An alert", state, severity, what, since)


def _alert(sent: _Sent) -> Alert:
    one, annotations, word = sent.payload, sent.annotations, _word(sent.labels, sent.annotations)
    return Alert(
        name=sent.name,
        state=sent.state,
        severity=sent.severity,
        grade=one_line(word, 20) if word and not known_severity(word) else sent.severity.value,
        what=sent.what,
        text=one_line(first(annotations, _TEXTS), 200),
        value=alert_values.shown(one, annotations),
        since=sent.since,
        lasted=between(moment(one, "startsAt"), moment(one, "endsAt")) if sent.state not in _STATES else "",
        url=safe_url(dig(one, "generatorURL")),
        runbook=next((url for text, url in pages({**sent.labels, **annotations}) if "runbook" in text), ""),
    )


# The alerts of a group mostly have the same.
@lru_cache(maxsize=1024)
def _name(name: str) -> str:
    return one_line(name, 120)


def _whats(several: Sequence[Mapping[str, str]], shared: Mapping[str, str]) -> list[str]:
    """What each alert is about: by the labels that differ, or by the well-known ones where none do."""
    pairs = list(zip(several, alert_labels.differing(several, shared), strict=True))
    found = [alert_labels.about(labels, own) or alert_labels.about(labels) for labels, own in pairs]
    counts = Counter(found)
    containers = [
        own.get("container", "") if counts[what] > 1 else "" for what, (_, own) in zip(found, pairs, strict=True)
    ]
    return [
        f"{what} {container}".strip() if container else what for what, container in zip(found, containers, strict=True)
    ]


def _place(shared: Mapping[str, str], title: str, concerned: Sequence[_Sent]) -> str:
    """The host or pod that all share, where the alerts are named by what differs on it."""
    place = alert_labels.place(shared) if len({alert.what for alert in concerned}) > 1 else ""
    return "" if place in title or any(place in alert.what for alert in concerned) else place


def _word(labels: Mapping[str, str], annotations: Mapping[str, str]) -> str:
    """The author's word for how bad it is."""
    return labels.get("severity") or labels.get("priority") or annotations.get("severity", "")


@lru_cache(maxsize=1024)
def _severity(word: str, state: str) -> Severity:
    """Of one that fires by its word. No data and errors are a warning, whatever crossing the threshold is."""
    if state not in _STATES:
        return Severity.SUCCESS if state == "resolved" else Severity.INFO
    severity = (known_severity(word) or Severity.INFO) if word else Severity.WARNING
    return severity if state == "firing" else Severity.WARNING


def _action(alerts: Sequence[_Sent]) -> str:
    """How the group stands: it fires as long as one does, and is resolved only when all are."""
    states = {alert.state for alert in alerts}
    return next((state for state in _STATES if state in states), "") or min(states - {"resolved"}, default="resolved")


def _kind(action: str, payload: Payload) -> str:
    """What the notification is called: by what it says itself, where its alerts are in one of these states."""
    if action in _STATES:
        return "firing"
    status = dig(payload, "status").lower()
    return status if status in {"firing", "resolved"} else identifier(action) or "changed"


def _order(alert: _Sent) -> tuple[int, int]:
    return _RANKS.get(alert.state, len(_STATES)), -alert.severity.rank


def _since(alert: _Sent) -> datetime:
    return alert.since or _EPOCH


def _title(labels: Mapping[str, str], shared: Mapping[str, str], names: Sequence[str]) -> tuple[str, dict[str, str]]:
    """What the group is about, the same for as long as it lasts, and the labels that name its scope."""
    name = labels.get("alertname") or (names[0] if len(set(names)) == 1 else "")
    others = {key: value for key, value in alert_labels.facts(labels).items() if value}
    if name and ("alertname" in labels or not others):
        what = alert_labels.about({**shared, **labels}, labels)
        return f"{name}: {what}" if what else name, alert_labels.scope({**shared, **labels})
    if not others:
        return "Alerts", alert_labels.scope(shared)
    # Grouped by anything but the alert's name: what the group has in common is all that stays.
    title = ", ".join(f"{in_words(key.removeprefix('grafana_'))} {value}" for key, value in others.items())
    rest = {key: value for key, value in shared.items() if value not in others.values()}
    return f"Alerts: {title}", alert_labels.scope(rest)


def _common_texts(annotations: Mapping[str, str], only: Alert | None) -> list[str]:
    """What all alerts say, or the only one that is concerned."""
    texts = dict.fromkeys(filter(None, (annotations.get(name) for name in _TEXTS)))
    return [*texts] or ([only.text] if only and only.text else [])


def _facts(
    alerts: Sequence[_Sent],
    value: str,
    shared: Mapping[str, str],
    annotations: Mapping[str, str],
    known: set[str],
    is_drawn: bool,
) -> list[tuple[str, str]]:
    """What else all alerts have in common; of a single one its measured value, unless it is drawn with its limit."""
    said = {*_TEXTS, *VALUES, "severity", "Error", *(LIMITS if is_drawn else ())}
    hidden = {*known, *(alert.what for alert in alerts), *(part for alert in alerts for part in alert.what.split())}
    word = shared.get("severity", "")
    pairs = {
        "value": value if len(alerts) == 1 and not is_drawn else "",
        **alert_labels.facts(shared),
        **{name: text for name, text in annotations.items() if name not in said},
        "severity": "" if known_severity(word) else word,
    }
    return [
        (one_line(in_words(name).capitalize(), 40), one_line(value, 200))
        for name, value in pairs.items()
        if value and value not in hidden and not name.startswith("_") and not safe_url(value)
    ]


def _identity(payload: Payload, sent: Sequence[Payload]) -> str:
    """What identifies the notification: the senders give it no id, and remind with the same content.

    It has the time when each alert began to fire, and so comes again only while nothing has changed.
    """
    alerts = sorted([repr(_mark(one)) for one in sent])
    whole = "\n".join((kit.id_at(payload, "groupKey"), dig(payload, "status"), dig(payload, MARK), *alerts))
    return hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()


def _mark(one: Payload) -> tuple[object, ...]:
    fingerprint, *others = [found if type(found) is str else "" for found in map(one.get, _MARKS)]
    return fingerprint or sorted(part(one, "labels").items(), key=str), *others
