"""The words that the events of Azure's services have in common."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bridge.events import Event, Severity
from bridge.fields import Payload, as_time, dig
from bridge.rendering.text import is_id, one_line
from bridge.sources.azure_resources import spaced

_ALARMS = (
    (re.compile(r"fail|error|expired"), Severity.ERROR),
    (re.compile(r"warning|nearexpiry|unhealthy|degraded|unavailable|rejected|deadletter|drift"), Severity.WARNING),
)
_TONES = {Severity.ERROR: "error", Severity.WARNING: "warning"}
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def told(
    event: Event,
    severity: Severity = Severity.INFO,
    word: str = "",
    tone: str = "",
    before: str = "",
    what: str = "",
    after: str = "",
    facts: Mapping[str, str] | None = None,
    button: tuple[str, ...] = (),
) -> Event:
    """The event with what is to be read: a sentence of what comes before a thing, the thing and what comes after it.

    word, tone: of the state at the top. button: the text and the URL of where to go from here.
    """
    return replace(
        event,
        severity=severity,
        facts=tuple((name, one_line(value, 200)) for name, value in (facts or {}).items() if value),
        details={
            "before": before,
            "what": one_line(what, 120),
            "after": after,
            "word": word,
            "tone": tone or _TONES.get(severity, severity.value),
            "button": button,
        },
    )


def any_event(event: Event, data: Payload) -> Event:
    """An event of which only the envelope is known."""
    severity = next((severity for words, severity in _ALARMS if words.search(event.kind)), Severity.INFO)
    subject = dig(event.payload, "subject")
    name = subject.rstrip("/").rpartition("/")[2]
    values = {spaced(field).capitalize(): shown(value) for field, value in data.items()}
    facts = {field: value for field, value in values.items() if value not in {name, event.scope} and not is_id(value)}
    happened = last_word(event).capitalize()
    return replace(
        told(
            event,
            severity=severity,
            word=last_word(event),
            before=f"{happened}:" if name else "",
            what=name or happened,
            facts={"Subject": subject if subject != name else "", **facts},
        ),
        title=one_line(name or happened, 200),
    )


def last_word(event: Event) -> str:
    """What the type ends with, in words: `device connected` of Microsoft.Devices.DeviceConnected."""
    return spaced(re.split(r"[./]", str(event.details.get("type", "")))[-1])


def shown(value: Any) -> str:
    """A value of an event's data as text; lists and objects are too much to show."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else f"{value:g}"
    if not isinstance(value, str):
        return ""
    time = as_time(value) if re.match(r"\d{4}-\d\d-\d\dT", value) else None
    return f"{time.astimezone(UTC):%d %B %Y, %H:%M} UTC".lstrip("0") if time else value


def day(time: datetime | None) -> str:
    """The day of a time: `23 November 2026`."""
    return f"{time.astimezone(UTC):%d %B %Y}".lstrip("0") if time else ""


def size(count: int) -> str:
    """A number of bytes in the largest unit that it fills."""
    size = float(count)
    unit = 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.3g} {_UNITS[unit]}" if count > 0 else ""
