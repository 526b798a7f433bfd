"""Sources without code: what their form says of a webhook becomes its events."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bridge.errors import BadWebhook, TooDeep
from bridge.events import Event, Severity, Webhook
from bridge.fields import as_time, form_fields
from bridge.rendering.filters import upper_first
from bridge.rendering.text import in_words, one_line, printable
from bridge.sources.base import MARK, Ignored, Source, decode_json
from bridge.sources.form import Form, check_expressions, parse
from bridge.sources.reading import fill
from bridge.sources.reading import read as read_any
from bridge.sources.severities import severity_of
from bridge.toml_tables import Problems, Table
from bridge.verification.verifier import SecretVerifier


class BrokenJson(Exception):
    """The body begins as JSON does, and is not."""


_FORM = "application/x-www-form-urlencoded"
_LONGEST = 200  # characters of a title
_LONGEST_TEXT = 20_000


def preset(name: str) -> Source:
    """The source that the preset.toml of its folder describes."""
    table = preset_table(name)
    form, verifier = parse(name, table)
    table.problems.raise_any()
    return source(form, verifier)


def preset_table(name: str) -> Table:
    """The table of the preset.toml in a source's folder."""
    path = Path(__file__).parent / name / "preset.toml"
    return Table(f"{name}/{path.name}", tomllib.loads(path.read_text("utf-8")), Problems())


def declared(name: str, table: Table) -> Source:
    """The source that a table of BRIDGE_CONFIG declares, if the table has no problem then."""
    form, verifier = parse(name, table)
    check_expressions(form, table)
    return replace(source(form, verifier), is_declared=True)


def source(form: Form, verifier: SecretVerifier | None) -> Source:
    """The source whose webhooks are read by the form."""
    return Source(
        name=form.name,
        title=form.title,
        verifier=verifier,
        retry_window=form.retry_minutes * 60,
        read=lambda webhook: read(form, webhook),
        headers=lambda event, delivery: {
            key: text.replace("{event}", event).replace("{delivery}", delivery) for key, text in form.headers.items()
        },
    )


def read(form: Form, webhook: Webhook) -> Sequence[Event] | Ignored:
    """The events of a webhook, one for each item that it carries. BadWebhook where the body is not of its form."""
    try:
        payload = _without_nulls(_decoded(form.body, webhook))
    except BrokenJson:
        return (_unread(form, webhook),)
    names = {**form.tables, "payload": payload, "header": webhook.header, "query": webhook.query}
    events: list[Event] = []
    reason = "The webhook holds no event."
    for item in _items(form, payload, names):
        of_item = form.with_names({**names, "item": item})
        if why := _text(form, "ignore", of_item):
            reason = why
        else:
            event = _event(form, webhook, of_item)
            # Where the form says nothing of the event, the payload's own names do.
            events.append(event if form.describes_events else _undescribed(event, of_item["item"]))
    return events or Ignored(reason)


def _undescribed(event: Event, item: Any) -> Event:
    reading = read_any(item)
    window = None if reading.is_key_stable else event.repeat_window
    return replace(fill(event, reading), correlation_key=reading.key or event.correlation_key, repeat_window=window)


def _unread(form: Form, webhook: Webhook) -> Event:
    """What was meant to be JSON and is not, mostly because a template of its author does not escape a quote.

    It is shown as it came, and nothing is said of any state: no field of it was read.
    """
    text = webhook.body.decode("utf-8", "replace")[:_LONGEST_TEXT]
    title = f"{form.title} sent a body that is not JSON"
    return Event(
        source=form.name,
        kind="unread",
        delivery=webhook.fingerprint,
        dedup_key=webhook.fingerprint,
        repeat_window=0.0,
        correlation_key=title,
        title=title,
        payload={"body": text},
        summary=f"{title}: {one_line(text, _LONGEST)}",
        text=f"~~~~~~\n{text}\n~~~~~~",
        attributes=dict.fromkeys(form.keys("attributes"), ""),
    )


def _items(form: Form, payload: Any, names: Mapping[str, Any]) -> list[Any]:
    found = form.value("event", "each", names)
    if found is None:
        found = payload
    return found if isinstance(found, list) else [found]


def _event(form: Form, webhook: Webhook, names: Mapping[str, Any]) -> Event:
    item, payload = names["item"], names["payload"]
    body, delivery = webhook.fingerprint, _delivery(form, names)
    kind = re.sub(r"[^a-z0-9_.-]+", "_", _text(form, "kind", names, 80).lower()).strip("._-") or "event"
    key = _key(form, "correlation_key", names)
    title = _text(form, "title", names) or f"{form.title}: {kind.replace('_', ' ').replace('.', ' ')}"
    return Event(
        source=form.name,
        kind=kind,
        delivery=delivery or body,
        dedup_key="" if delivery and form.has_signed_delivery else body,
        # A title may differ with the state: then nothing is known of what came between two equal bodies.
        repeat_window=None if key else 0.0,
        correlation_key=key or _key(form, "title", names) or title,
        title=title,
        payload=item if isinstance(item, Mapping) else payload if isinstance(payload, Mapping) else {"body": payload},
        severity=_severity(form, _text(form, "severity", names)),
        summary=_text(form, "summary", names),
        scope=_text(form, "scope", names),
        actor=_text(form, "actor", names),
        url=_text(form, "url", names, 2000),
        occurred=as_time(form.value("event", "occurred", names)),
        facts=tuple(_facts(form, names)),
        attributes={key: form.value("attributes", key, names) for key in form.keys("attributes")},
        details=_details(form, names),
        text=_shown(form.value("event", "text", names))[:_LONGEST_TEXT],
        ends_thread=bool(form.value("event", "ends_thread", names)),
    )


def _details(form: Form, names: Mapping[str, Any]) -> dict[str, Any]:
    """The values for templates, texts and lists of them; what is empty is left out, as if the form did not name it."""
    details: dict[str, Any] = {key: _detail(form.value("details", key, names)) for key in form.keys("details")}
    buttons = [(key, _shown(form.value("buttons", key, names))) for key in form.keys("buttons")]
    if links := [(text, url) for text, url in buttons if url]:
        details["buttons"] = links
    return {key: value for key, value in details.items() if value}


def _detail(value: Any) -> Any:
    """A text, or a list of texts, of pairs of them, or of numbers."""
    if isinstance(value, list | tuple):
        return [
            each if isinstance(each, float | int) and not isinstance(each, bool) else _detail(each) for each in value
        ]
    return _shown(value)


def _text(form: Form, key: str, names: Mapping[str, Any], limit: int = _LONGEST) -> str:
    """What an expression of the event says, as one line."""
    return one_line(_shown(form.value("event", key, names)), limit)


def _facts(form: Form, names: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The facts that have a value. The key `*` stands for pairs of names and values, or for an object's fields."""
    for key in form.keys("facts"):
        value = form.value("facts", key, names)
        for name, each in _pairs(value) if key == "*" else [(key, value)]:
            if text := one_line(_shown(each), _LONGEST):
                yield name, text


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    found = list(value.items()) if isinstance(value, Mapping) else value if isinstance(value, list) else []
    for pair in found:
        if isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], str):
            yield upper_first(in_words(pair[0])), pair[1]


def _key(form: Form, key: str, names: Mapping[str, Any]) -> str:
    """An id made of one part or several; empty when one of them is missing."""
    parts = [" ".join(printable(_shown(value)).split()) for value in form.values("event", key, names)]
    return " ".join(parts) if all(parts) else ""


def _delivery(form: Form, names: Mapping[str, Any]) -> str:
    delivery = _key(form, "delivery", names)
    marks = (found.get(MARK) for found in (names["item"], names["payload"]) if isinstance(found, Mapping))
    mark = next(filter(None, marks), "") if delivery else ""
    return f"{delivery} {mark}".strip()


def _decoded(body: str, webhook: Webhook) -> Any:
    if body == "form" or (body == "any" and webhook.header("Content-Type").lower().startswith(_FORM)):
        try:
            return form_fields(webhook.body, keep_blank=True)
        except ValueError as error:
            raise BadWebhook("The form has too many fields.") from error
    if body == "json":
        return _payload(decode_json(webhook.body))
    try:
        return decode_json(webhook.body)
    except TooDeep:
        raise
    except BadWebhook:
        if webhook.body.lstrip()[:1] in {b"{", b"["}:
            raise BrokenJson from None
        return {"body": webhook.body.decode("utf-8", "replace")}


def _payload(value: Any) -> Any:
    items = value if isinstance(value, list) else [value]
    if items and all(isinstance(item, Mapping) for item in items):
        return value
    raise BadWebhook("The body is neither a JSON object nor a list of them.")


def _without_nulls(value: Any) -> Any:
    """JSON's null is as good as missing, which is undefined and so empty in expressions."""
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value if each is not None] if isinstance(value, list) else value


def _severity(form: Form, word: str) -> Severity:
    return form.severities.get(word.lower()) or severity_of(word)


def _shown(value: Any) -> str:
    """A value as text: of a list its members, of anything else that is no plain value nothing."""
    if isinstance(value, list):
        return ", ".join(filter(None, map(_shown, value)))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
