"""What an alert of a group measured, and the limit of its rule."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from bridge.fields import Payload, dig, first, part
from bridge.rendering.links import safe_url
from bridge.rendering.measures import Meter, against, figure
from bridge.rendering.text import one_line
from bridge.sources import alert_labels

STATE = "alert_state"  # in an alert: its state where a source knows more than `status`, as one of details.action
VALUES = ("value", "current_value", "currentValue", "current")
LIMITS = ("threshold", "limit")


def shown(one: Payload, annotations: Mapping[str, str]) -> str:
    """What was measured: Grafana's values without those of conditions, which are 0 or 1, or an annotation."""
    values = {name: value for name, value in measured(one).items() if name.lower() not in LIMITS}
    plain = {name: value for name, value in values.items() if value not in {0, 1}} or values
    texts = list(dict.fromkeys(figure(value) for value in plain.values()))
    named = [f"{name} {figure(value)}" for name, value in plain.items()]
    return (texts[0] if len(texts) == 1 else ", ".join(named[:3])) or one_line(first(annotations, VALUES), 60)


def measured(one: Payload) -> dict[str, float]:
    """The values of an alert of Grafana, also where they stand in its `valueString` alone."""
    values = {
        str(name): float(value)
        for name, value in part(one, "values").items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    found = re.findall(
        r"var='([^']{1,40})'(?: metric='[^']{0,200}')? labels=\{[^}]{0,500}\} value=([-+.\deE]{1,30})(?= )",
        _value_string(one),
    )
    return values or {name: value for name, text in found if (value := _number(text)) is not None}


def _value_string(one: Payload) -> str:
    return dig(one, "valueString")[:5000]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def meter(one: Payload) -> Meter | tuple[()]:
    """A bar of the value against the limit that the rule names, or that its expression in Prometheus compares with."""
    if dig(one, STATE) or dig(one, "status") != "firing":
        return ()
    values, named = measured(one), {**alert_labels.texts(one, "labels"), **alert_labels.texts(one, "annotations")}
    own = {name.lower(): value for name, value in values.items()}
    limit = next((own[name] for name in LIMITS if name in own), None)
    others = {value for name, value in values.items() if name.lower() not in LIMITS and value not in {0, 1}}
    value = others.pop() if len(others) == 1 else "" if others else first(named, VALUES)
    condition = limit if limit is not None else first(named, LIMITS) or _expression(dig(one, "generatorURL"))
    return against(value, condition)


def _expression(url: str) -> str:
    """What a rule of Prometheus evaluates, from the address of its graph."""
    return next(iter(parse_qs(urlsplit(url).query).get("g0.expr", [])), "") if safe_url(url) else ""
