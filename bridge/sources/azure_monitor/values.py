"""How Azure Monitor's values read: numbers, periods, texts, dimensions."""

import re
from collections.abc import Mapping
from typing import Any

from bridge.errors import TooDeep
from bridge.fields import Payload, as_time, dig, objects, parse_json
from bridge.rendering.filters import between, duration
from bridge.rendering.text import last_part, one_line, shorten

_PERIOD = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII)
_NUMBER = re.compile(r"-?\d[\d,]{0,20}(?:\.\d{1,20})?(?:e[+-]?\d{1,3})?", re.IGNORECASE)
_MOST_CODE = 600  # characters
_NOTHING = {"none", "null", "n/a"}


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
    """A number as people read it: four digits that count, thousands set apart, and the unit that a name holds."""
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


def shown(value: Any) -> str:
    """A value as text on one line, of a path its last part; what is no plain value or stands for nothing is empty."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = one_line(f"{value:g}" if isinstance(value, float) and abs(value) < 1e6 else str(value), 200)
    return "" if text.lower() in _NOTHING or text.startswith(("{", "[")) else last_part(text)


def unpacked(value: Any) -> Any:
    """A value that comes as itself or as the text of its JSON; None where that is none."""
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except (ValueError, TooDeep):
        return None


def code(text: str) -> str:
    """The text, shortened, as a block of code in Markdown."""
    text = shorten(text.strip(), _MOST_CODE)
    fence = "`" * (1 + max((len(run) for run in re.findall(r"`+", text)), default=2))
    return f"{fence}\n{text}\n{fence}" if text else ""


def dimensions(value: Payload, name: str) -> dict[str, str]:
    """The dimensions of a criterion, by their names; the value may be the path of a resource."""
    pairs = ((one_line(dig(each, "name"), 40), each.get("value")) for each in objects(value, name))
    return {name: text for name, item in pairs if name and shown(item) and (text := one_line(str(item), 200))}


def named(pairs: Mapping[str, Any]) -> dict[str, str]:
    """The values that can be shown, by their names for people."""
    return {one_line(str(name), 40): text for name, value in pairs.items() if (text := shown(value)) and name}
