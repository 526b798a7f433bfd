"""What the expressions of a form come to, as an event has it: texts, ids, facts, links, a meter, a table."""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from bridge.events import Event, Person, Severity
from bridge.fields import as_time
from bridge.rendering.expressions import Names
from bridge.rendering.filters import between, figure, upper_first
from bridge.rendering.text import done, in_words, one_line, printable
from bridge.sources.form_expressions import Form
from bridge.sources.people import persons
from bridge.sources.severities import severity_of

MAX_TEXT = 20_000  # characters of a quoted text
_LONGEST = 200  # characters of a title
_MOST_ROWS = 10
_MOST_SHOWN = 1000  # members of a list: no text of a post has room for more
_LIMITS = {"above": "maximum", "below": "minimum"}


def shown(value: Any) -> str:
    """A value as text: of a list its members, of anything else that is no plain value nothing."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, list):
        return ", ".join(filter(None, map(shown, value[:_MOST_SHOWN])))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def text(form: Form, key: str, names: Names, limit: int = _LONGEST) -> str:
    """What an expression of the event says, as one line."""
    return one_line(shown(form.value("event", key, names)), limit)


def kind(form: Form, names: Names) -> str:
    """The service's name for the event, in the characters that names of templates have."""
    return re.sub(r"[^a-z0-9_.-]+", "_", text(form, "kind", names, 80).lower()).strip("._-")


def happened(form: Form, names: Names) -> str:
    """What happened in plain words, where the kind in small letters has lost where its words begin; else nothing."""
    word = done(text(form, "kind", names, 80))
    return "" if word == done(kind(form, names)) else word


def long_text(form: Form, names: Names) -> str:
    """The sender's text, of several lines."""
    return shown(form.value("event", "text", names))[:MAX_TEXT]


def attributes(form: Form, names: Names) -> dict[str, Any]:
    """The values for routes."""
    return {name: form.value("attributes", name, names) for name in form.keys("attributes")}


def key(form: Form, name: str, names: Names) -> str:
    """An id made of one part or several; empty when one of them is missing."""
    parts = [" ".join(printable(shown(value)).split()) for value in form.values("event", name, names)]
    return " ".join(parts) if all(parts) else ""


def time(form: Form, name: str, names: Names) -> datetime | None:
    """What an expression of the event says, as a time."""
    value = form.value("event", name, names)
    return value if isinstance(value, datetime) else as_time(value)


def severity(form: Form, names: Names) -> Severity:
    """By the service's words, then by common ones."""
    word = text(form, "severity", names)
    return form.severities.get(word.lower()) or severity_of(word)


def facts(form: Form, names: Names) -> Iterator[tuple[str, str]]:
    """The facts that have a value. The key `*` stands for pairs of names and values, or for an object's fields."""
    for name in form.keys("facts"):
        value = form.value("facts", name, names)
        for label, each in _pairs(value) if name == "*" else [(name, value)]:
            if line := one_line(shown(each), _LONGEST):
                yield label, line


def people(form: Form, names: Names) -> dict[str, tuple[Person, ...]]:
    """The people involved, by role."""
    found = {role: persons(form.value("people", role, names)) for role in form.keys("people")}
    return {role: those for role, those in found.items() if those}


def details(form: Form, names: Names) -> dict[str, Any]:
    """The values for templates; what is empty is left out, as if the form did not name it."""
    found: dict[str, Any] = {name: _detail(form.value("details", name, names)) for name in form.keys("details")}
    found |= {"buttons": _links(form, "buttons", names)} if form.keys("buttons") else {}
    found |= {"meter": meter, "meters": [meter]} if (meter := _meter(form, names)) else {}
    found |= {"table": _table(form, names)} if form.keys("table") else {}
    found |= {"word": text(form, "word", names, 40), "minor": bool(form.value("event", "minor", names))}
    return {name: value for name, value in found.items() if value}


def images(form: Form, names: Names) -> tuple[tuple[str, str], ...]:
    """The images that the service names, as pairs of name and address."""
    return tuple(_links(form, "images", names))


def with_words(form: Form, found: Mapping[str, Any], otherwise: str = "") -> dict[str, Any]:
    """The values for templates with the state as people say it, where the form says how.

    otherwise: what happened, where the form names neither an action nor a word.
    """
    word = found.get("word") or found.get("action") or ""
    said = form.words.get(str(word).lower(), "") or ("" if word else otherwise)
    return {**found, "word": said} if said else dict(found)


def with_duration(form: Form, names: Names, event: Event) -> dict[str, Any]:
    """The values for templates with when it began, and at its end how long it took.

    phase: whether it has begun (`firing`) or ended (`over`), by which the thread knows how long it lasted where no
    payload says so.
    """
    if not {"started", "ends_thread"} & {*form.keys("event")}:
        return dict(event.details)
    started = time(form, "started", names)
    took = between(started, event.occurred) if event.ends_thread else ""
    phase = "over" if event.ends_thread else "firing" if event.severity >= "warning" else ""
    made = {"started": started, "took": took, "phase": phase}
    return {**{name: value for name, value in made.items() if value}, **event.details}


def _detail(value: Any) -> Any:
    """A text, or a list of texts, of pairs of them, or of numbers."""
    if isinstance(value, list | tuple):
        return [
            each if isinstance(each, float | int) and not isinstance(each, bool) else _detail(each) for each in value
        ]
    return shown(value)


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    found = list(value.items()) if isinstance(value, Mapping) else value if isinstance(value, list) else []
    for pair in found:
        if isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], str):
            yield upper_first(in_words(pair[0])), pair[1]


def _links(form: Form, table: str, names: Names) -> list[tuple[str, str]]:
    pairs = [(name, shown(form.value(table, name, names))) for name in form.keys(table)]
    return [(name, url) for name, url in pairs if url]


def _meter(form: Form, names: Names) -> tuple[float, float, str] | None:
    """A value and its limit, with both as text: `Level 12 %, minimum 20 %`."""
    found = {name: form.value("meter", name, names) for name in form.keys("meter")}
    value, limit = _number(found.get("value")), _number(found.get("limit"))
    if value is None or limit is None or min(value, limit) < 0:
        return None
    label, unit = (one_line(shown(found.get(name)), 40) for name in ("label", "unit"))
    end = f" {unit}" if unit else ""
    bound = _LIMITS.get(shown(found.get("direction")), "limit")
    return value, limit, f"{label} {figure(value)}{end}, {bound} {figure(limit)}{end}".lstrip()


def _number(value: Any) -> float | None:
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _table(form: Form, names: Names) -> Mapping[str, Any]:
    """The names of the columns, the rows as texts, and how many rows there are beyond them; empty without rows."""
    items = form.value("table", "each", names)
    items = items if isinstance(items, list) else []
    columns = [name for name in form.keys("table") if name != "each"]
    rows = [
        [one_line(shown(form.value("table", name, of_row)), _LONGEST) for name in columns]
        for of_row in (Names({**names, "row": row}) for row in items[:_MOST_ROWS])
    ]
    return {"columns": columns, "rows": rows, "more": len(items) - len(rows)} if rows else {}
