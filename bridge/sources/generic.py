"""Sources without code: what their form says of a webhook becomes its events."""

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge.events import Event, Webhook
from bridge.rendering.expressions import Names
from bridge.rendering.text import in_words, one_line
from bridge.settings.toml_tables import Problems, Table
from bridge.sources import cloud_event, form_values
from bridge.sources.base import MARK, Ignored, Source
from bridge.sources.form import check_expressions, parse
from bridge.sources.form_bodies import BrokenJson, decoded, is_text
from bridge.sources.form_expressions import Form
from bridge.sources.reading import fill
from bridge.sources.reading import read as read_any
from bridge.verification.verifier import SecretVerifier

_ANY_FIELDS = {"any", "form"}  # forms that take the fields of a multipart form
_NOTHING = "The webhook holds no event."

Change = Callable[[Event, Names], Event | Ignored]


def preset(name: str) -> Source:
    """The source that the preset.toml of its folder describes."""
    table = preset_table(name)
    form, verifier = parse(name, table)
    table.problems.raise_any()
    return source(form, verifier)


def preset_file(name: str) -> Path:
    """Where the form of a source is, if it has one."""
    return Path(__file__).parent / name / "preset.toml"


def preset_table(name: str) -> Table:
    """The table of the preset.toml in a source's folder."""
    path = preset_file(name)
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
        retry_window=form.retry_window,
        read=lambda webhook: read(form, webhook),
        headers=lambda event, delivery: {
            key: text.replace("{event}", event).replace("{delivery}", delivery) for key, text in form.headers.items()
        },
        attributes=frozenset({*form.keys("attributes"), *cloud_event.ATTRIBUTES}),
        details=frozenset(form.keys("details")),
        takes_fields=form.body in _ANY_FIELDS,
        read_headers=form.read_headers,
    )


def read(form: Form, webhook: Webhook, change: Change = lambda event, _: event) -> Sequence[Event] | Ignored:
    """The events of a webhook, one for each item that it carries. BadWebhook where the body is not of its form.

    change: what else is done with each event, by the names of its item.
    """
    try:
        found = items(form, webhook)
    except BrokenJson:
        return (_unread(form, webhook),)
    return posted(_of_item(form, webhook, names, change) for names in found)


def posted(events: Iterable[Event | Ignored]) -> Sequence[Event] | Ignored:
    """The events that are posted, or why none of them is."""
    found = list(events)
    kept = [event for event in found if isinstance(event, Event)]
    return kept or next((one for one in reversed(found) if isinstance(one, Ignored)), Ignored(_NOTHING))


def _of_item(form: Form, webhook: Webhook, names: Names, change: Change) -> Event | Ignored:
    why = form_values.text(form, "ignore", names)
    return Ignored(why) if why else change(event_of(form, webhook, names), names)


def items(form: Form, webhook: Webhook) -> list[Names]:
    """For each item of a webhook the names that expressions may use. BrokenJson where it was meant to be JSON."""
    mode = form.body
    if mode == "any" and not form.describes_events and cloud_event.is_binary(webhook):
        mode = "cloudevents"
    payload = decoded(mode, webhook)
    names = {"payload": payload, "header": webhook.header, "query": webhook.query}
    found = form.value("event", "each", Names({**form.tables, **names}))
    if found is None:
        found = payload
    return [form.with_names({**names, "item": item}) for item in (found if isinstance(found, list) else [found])]


def event_of(form: Form, webhook: Webhook, names: Names) -> Event:
    """The event of an item. Where the form says nothing of it, the payload's own names do."""
    if form.describes(names):
        return _event(form, webhook, names)
    form, item = form.undescribed if form.describes_events else form, names["item"]
    if cloud_event.is_event(item):
        return _cloud_event(form, webhook, item)
    event = _undescribed(_event(form, webhook, names), item)
    return _verbatim(event) if is_text(form.body, webhook) else event


def _unread(form: Form, webhook: Webhook) -> Event:
    """What was meant to be JSON and is not, mostly because a template of its author does not escape a quote.

    It is shown as it came, and nothing is said of any state: no field of it was read.
    """
    text = webhook.body.decode("utf-8", "replace")[: form_values.MAX_TEXT]
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
        summary=f"{title}: {one_line(text, 200)}",
        text=f"~~~~~~\n{text}\n~~~~~~",
        attributes=dict.fromkeys(form.keys("attributes"), ""),
    )


def _undescribed(event: Event, item: Any) -> Event:
    reading = read_any(item if isinstance(item, Mapping) else {"body": item})
    filled = fill(event, reading)
    window = None if reading.is_key_stable else event.repeat_window
    key = reading.key or (filled.title if reading.title else event.correlation_key)
    return replace(filled, correlation_key=key, repeat_window=window)


def _verbatim(event: Event) -> Event:
    """A plain text of several lines as it came: none of it was meant as Markdown."""
    text = event.details.get("text", "")
    return replace(event, details={**event.details, "text": f"~~~~~~\n{text}\n~~~~~~"}) if "\n" in text else event


def _cloud_event(form: Form, webhook: Webhook, item: Mapping[str, Any]) -> Event:
    """An event in an envelope. What a replay could change does not identify it."""
    is_certain = form.trusts_event_headers or not cloud_event.is_binary(webhook)
    identity = cloud_event.identity(item) if is_certain else ""
    event = cloud_event.read(form.name, item, identity or webhook.fingerprint)
    return replace(event, attributes={**event.attributes, **dict.fromkeys(form.keys("attributes"), "")})


def _event(form: Form, webhook: Webhook, names: Names) -> Event:
    item, payload = names["item"], names["payload"]
    body, delivery = webhook.fingerprint, _delivery(form, names)
    is_certain = form.has_signed_delivery and (
        form.body != "cloudevents" or form.trusts_event_headers or not cloud_event.is_binary(webhook)
    )
    kind = form_values.kind(form, names) or "event"
    key = form_values.key(form, "correlation_key", names)
    title = (
        form_values.text(form, "title", names) or f"{form.title}: {form_values.happened(form, names) or in_words(kind)}"
    )
    occurred, ends = form_values.time(form, "occurred", names), bool(form.value("event", "ends_thread", names))
    event = Event(
        source=form.name,
        kind=kind,
        delivery=delivery or body,
        dedup_key="" if delivery and is_certain else body,
        # A title may differ with the state: then nothing is known of what came between two equal bodies.
        repeat_window=None if key else 0.0,
        correlation_key=key or _without_key(form, names) or f"event {body}",
        title=title,
        payload=item if isinstance(item, Mapping) else payload if isinstance(payload, Mapping) else {"body": payload},
        severity=form_values.severity(form, names),
        summary=form_values.text(form, "summary", names),
        scope=form_values.text(form, "scope", names),
        actor=form_values.text(form, "actor", names),
        url=form_values.text(form, "url", names, 2000),
        occurred=occurred,
        facts=tuple(form_values.facts(form, names)),
        images=form_values.images(form, names),
        people=form_values.people(form, names),
        attributes=form_values.attributes(form, names),
        details=form_values.with_words(form, form_values.details(form, names), form_values.happened(form, names)),
        text=form_values.long_text(form, names),
        ends_thread=ends,
    )
    return replace(event, details=form_values.with_duration(form, names, event))


def _without_key(form: Form, names: Names) -> str:
    """What the conversation is about where the form does not say it: the title, as far as it is there."""
    return "" if "correlation_key" in form.keys("event") else form_values.key(form, "title", names)


def _delivery(form: Form, names: Names) -> str:
    delivery = form_values.key(form, "delivery", names)
    marks = (found.get(MARK) for found in (names["item"], names["payload"]) if isinstance(found, Mapping))
    mark = next(filter(None, marks), "") if delivery else ""
    return f"{delivery} {mark}".strip()
