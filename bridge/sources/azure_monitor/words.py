"""How Azure Monitor's values read: resources, numbers, periods."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.events import Severity
from bridge.fields import Payload
from bridge.markup import duration
from bridge.text import one_line

_PERIOD = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII)


@dataclass(frozen=True)
class Told:
    """What a monitoring service says of an alert; what is empty is told as it is for all.

    before, after: a sentence around the affected resource (`CPU of` vm-1 `is 97`). did: the verb of the summary.
    meters: bars of value, threshold and text. thread, delivery: where the alert's own id is not what tells them apart.
    """

    title: str = ""
    scope: str = ""
    before: str = ""
    after: str = ""
    did: str = ""
    word: str = ""
    text: str = ""
    url: str = ""
    thread: str = ""
    delivery: str = ""
    severity: Severity | None = None
    occurred: datetime | None = None
    is_over: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    meters: Sequence[tuple[float, float, str]] = ()
    buttons: Sequence[tuple[str, str]] = ()


def named(resource: str) -> str:
    """The name of a resource: the last segment of its id."""
    if re.fullmatch(r"/subscriptions/[^/]*/?", resource):
        return "the subscription"
    return one_line(resource.rstrip("/").rpartition("/")[2], 100)


def resource_url(resource: str) -> str:
    """The resource in the portal, or an empty string for what is no id of one."""
    return f"https://portal.azure.com/#resource{resource}" if resource.startswith("/subscriptions/") else ""


def texts(value: Payload, name: str) -> list[str]:
    """The texts of a list, or none."""
    found = value.get(name)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def number(value: Any) -> float | None:
    """A number, also of a text: `$1,111.11`, `80%`."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    found = re.search(r"-?\d[\d,]{0,20}(?:\.\d{1,20})?", str(value)[:60])
    return float(found[0].replace(",", "")) if found else None


def amount(value: Any) -> str:
    """A number as people read it: four digits that count, thousands set apart."""
    found = number(value)
    if found is None:
        return one_line(str(value or ""), 40)
    return f"{round(found):,}" if abs(found) >= 1000 or found.is_integer() else f"{found:.4g}"


def period(text: str) -> str:
    """A length of time of ISO 8601 in words: `5 min`; minutes where there is only a number."""
    if text.isdecimal() and len(text) < 6:
        return duration(60 * int(text))
    found = _PERIOD.fullmatch(text)
    if not found or not any(found.groups()):
        return ""
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return duration(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def spaced(name: str) -> str:
    """A name of several joined words, apart and in small letters: `UserInitiated`, `user initiated`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def shown(value: Any) -> str:
    """A fact's value as text; what is no plain value, or stands for nothing, is empty."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = one_line(str(value), 200)
    return "" if text.lower() in ("none", "null", "n/a") else text
