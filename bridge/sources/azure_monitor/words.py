"""How Azure Monitor's values read: numbers, periods, resources, names."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.events import Severity
from bridge.fields import Payload, as_time, dig, objects
from bridge.rendering.filters import between, duration
from bridge.rendering.text import one_line, shorten
from bridge.sources.azure_resources import Resource

_PERIOD = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII)
_NUMBER = re.compile(r"-?\d[\d,]{0,20}(?:\.\d{1,20})?(?:e[+-]?\d{1,3})?", re.IGNORECASE)
_MOST_CODE = 600  # characters
_NOTHING = {"none", "null", "n/a"}


@dataclass(frozen=True)
class Alert:
    """What the common schema says of every alert, for those who tell it.

    resource: the first that it is about; resources: all of them. fired_for: how long, once it is resolved.
    """

    rule: str
    is_resolved: bool
    description: str
    resource: Resource
    resources: Sequence[Resource]
    fired_for: str
    essentials: Payload
    context: Payload

    @property
    def after(self) -> str:
        """What follows the sentence of one that is resolved: `after 12 min`, or nothing."""
        return f"after {self.fired_for}" if self.fired_for else ""


@dataclass(frozen=True)
class Report:
    """What is told of an alert; what is empty is told as it is for all.

    actor, before, what, after: the sentence: somebody `deleted the virtual machine` vm-1 `by mistake`. what leads to
    `link`; without one of its own it is the resource of the alert.
    meters: bars of value, threshold and text. table: columns and rows.
    series: what tells the alerts of one rule on one resource apart; thread: what the conversation is about, where it is
        not these three. is_over: it is settled; goes_on: more may be said of it even then.
    """

    title: str = ""
    scope: str = ""
    actor: str = ""
    before: str = ""
    what: str = ""
    link: str = ""
    after: str = ""
    word: str = ""
    text: str = ""
    url: str = ""
    series: str = ""
    correlation_key: str = ""
    stage: str = ""
    severity: Severity | None = None
    occurred: datetime | None = None
    is_over: bool = False
    goes_on: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    meters: Sequence[tuple[float, float, str]] = ()
    table: tuple[Sequence[str], Sequence[Sequence[str]]] = ((), ())
    buttons: Sequence[tuple[str, str]] = ()


def texts(value: Payload, name: str) -> list[str]:
    """The texts of a list, or none."""
    found = value.get(name)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def number(value: Any) -> float | None:
    """A number, also at the beginning of a text: `$1,111.11`, `0.45 sec`; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    found = _NUMBER.search(str(value)[:60])
    return float(found[0].replace(",", "")) if found else None


def amount(value: Any, name: str = "") -> str:
    """A number as people read it: four digits that count, thousands set apart, and the unit that a name tells."""
    found = number(value)
    if found is None:
        return shown(value)
    if "bytes" in name.lower() and "/" not in name and abs(found) >= 1024:
        return _bytes(found)
    text = f"{round(found):,}" if abs(found) >= 1000 or found.is_integer() else f"{found:.4g}"
    return f"{text} %" if "percent" in name.lower() else text


def _bytes(size: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:,.3g} TiB"


def period(value: Any) -> str:
    """A length of time in words, of ISO 8601 or in minutes: `5 min`; nothing for anything else."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if text.isascii() and text.isdecimal() and len(text) < 6:
        return duration(60 * int(text))
    found = _PERIOD.fullmatch(text[:40])
    if not found or not any(found.groups()):
        return ""
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return duration(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def lasted(start: Any, end: Any) -> str:
    """How long it was between two times of a payload, or nothing."""
    return between(as_time(start), as_time(end))


def spaced(name: str) -> str:
    """A name of joined words, apart and in small letters: `UserInitiated`, `user initiated`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").lower()


def shown(value: Any) -> str:
    """A value as text on one line; what is no plain value, is JSON, or stands for nothing is empty."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = one_line(f"{value:g}" if isinstance(value, float) and abs(value) < 1e6 else str(value), 200)
    return "" if text.lower() in _NOTHING or text.startswith(("{", "[")) else text


def unpacked(value: Any) -> Any:
    """A value that comes as itself or as the text of its JSON; None where that is none."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def code(text: str) -> str:
    """The text, shortened, as a block of code in Markdown."""
    text = shorten(text.strip(), _MOST_CODE)
    fence = "`" * (1 + max((len(run) for run in re.findall(r"`+", text)), default=2))
    return f"{fence}\n{text}\n{fence}" if text else ""


def dimensions(value: Payload, name: str) -> dict[str, str]:
    """The dimensions of a criterion, by their names."""
    pairs = ((one_line(dig(each, "name"), 40), shown(each.get("value"))) for each in objects(value, name))
    return {name: value for name, value in pairs if name and value}
