"""Sources of BRIDGE_CONFIG that extend one of the bridge's own: that one reads, and their form changes what it read.

The expressions of such a form also have `event`, the event as it was read; where the source that is extended has a form
itself, they have its tables and the values of its `let`, and may replace these.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from bridge.events import Event, Webhook
from bridge.rendering.expressions import Names
from bridge.settings.toml_tables import Table
from bridge.sources import form_values, generic
from bridge.sources.base import Ignored, Source
from bridge.sources.form import check_expressions, parse
from bridge.sources.form_expressions import Form
from bridge.sources.severities import severity_of
from bridge.spelling import meant

_OF_BODY = ("each", "delivery")
_TEXTS = {"title": 200, "summary": 200, "scope": 200, "actor": 200, "url": 2000}
_NEVER_EMPTY = {"title"}


def declared(name: str, table: Table, shipped: Mapping[str, Source]) -> Source:
    """The source that a table of BRIDGE_CONFIG declares, if the table has no problem then.

    shipped: the bridge's own sources, which it may extend.
    """
    if "extends" not in table.values:
        return generic.declared(name, table)
    base = shipped.get(str(table.values["extends"]))
    if base is None:
        like = meant(str(table.values["extends"]), shipped)
        which = f"; did you mean `{like}`?" if like else f": {', '.join(sorted(shipped))}"
        table.report_key("extends", f"must be one of the bridge's own sources{which}")
        return generic.declared(name, replace(table, values={}))
    form, verifier = parse(name, table)
    if "title" not in table.values:
        form = replace(form, title=base.title)
    made = _of_form(form, table, base) if generic.preset_file(base.name).is_file() else _of_code(form, table, base)
    return replace(
        made,
        name=name,
        title=form.title,
        verifier=verifier or base.verifier,
        headers=generic.source(form, None).headers if form.headers else base.headers,
        retry_window=base.retry_window if form.retry_minutes is None else form.retry_window,
        attributes=base.attributes.union(form.keys("attributes")),
        details=base.details.union(form.keys("details")),
        read_headers=form.read_headers | base.read_headers,
        is_declared=True,
        extends=base.name,
    )


def _of_code(form: Form, table: Table, base: Source) -> Source:
    check_expressions(form, table, {"event"})
    reason = f"cannot be changed: {base.title} reads its bodies itself"
    if "body" in table.values:
        table.report_key("body", reason)
    for key in _OF_BODY:
        if key in form.keys("event"):
            table.problems.add(f"{table.where}: `event`: `{key}` {reason}")
    return replace(base, read=partial(_read, form, base))


def _read(form: Form, base: Source, webhook: Webhook) -> Sequence[Event] | Ignored:
    found = base.read(webhook)
    if isinstance(found, Ignored):
        return found
    of_webhook = {"header": webhook.header, "query": webhook.query}
    return generic.posted(
        change(form, event, {**form.tables, **of_webhook, "payload": event.payload, "item": event.payload})
        for event in found
    )


def _of_form(form: Form, table: Table, base: Source) -> Source:
    inner, _ = parse(base.name, generic.preset_table(base.name))
    merged = _merged(form, inner, table)
    let = form.expressions["let"]
    own = {key: texts for key, texts in let.items() if key not in merged.expressions["let"]}
    event = {key: texts for key, texts in form.expressions["event"].items() if key not in _OF_BODY}
    outer = replace(
        form,
        expressions={**form.expressions, "let": own, "event": event},
        severities=merged.severities,
        words=merged.words,
    )
    if len(own) < len(let):
        check_expressions(replace(merged, expressions={"let": merged.expressions["let"]}), table)
    check_expressions(outer, table, {"event", *merged.keys("let"), *merged.tables})
    made = generic.source(merged, None)
    return replace(
        base,
        read=lambda webhook: generic.read(merged, webhook, partial(change, outer)),
        takes_fields=made.takes_fields,
    )


def _merged(form: Form, inner: Form, table: Table) -> Form:
    """The form of the source that is extended, with what the other form replaces in it."""
    let = {key: form.expressions["let"].get(key, texts) for key, texts in inner.expressions["let"].items()}
    of_body = {key: texts for key, texts in form.expressions["event"].items() if key in _OF_BODY}
    signing = form if "verifier" in table.values else inner
    return replace(
        inner,
        name=form.name,
        title=form.title,
        body=form.body if "body" in table.values else inner.body,
        expressions={**inner.expressions, "let": let, "event": {**inner.expressions["event"], **of_body}},
        tables={
            name: {**inner.tables.get(name, {}), **form.tables.get(name, {})}
            for name in {**inner.tables, **form.tables}
        },
        severities={**inner.severities, **form.severities},
        words={**inner.words, **form.words},
        signs=signing.signs,
        signed_headers=signing.signed_headers,
    )


def change(form: Form, event: Event, outer: Mapping[str, Any]) -> Event | Ignored:
    """The event with what the form says in place of what was read, or why it is not posted. outer: more names."""
    names = form.with_names({**outer, "event": event})
    if why := form_values.text(form, "ignore", names):
        return Ignored(why)
    given = set(form.keys("event"))
    texts: dict[str, Any] = {
        key: form_values.text(form, key, names, limit) for key, limit in _TEXTS.items() if key in given
    }
    texts = {key: text for key, text in texts.items() if text or key not in _NEVER_EMPTY}
    changed = replace(event, source=form.name, **texts)
    if word := form_values.text(form, "severity", names):
        changed = replace(changed, severity=form.severities.get(word.lower()) or severity_of(word))
    if kind := form_values.kind(form, names):
        changed = replace(changed, kind=kind)
    if key := form_values.key(form, "correlation_key", names):
        changed = replace(changed, correlation_key=key, repeat_window=event.repeat_window or None)
    if "text" in given:
        changed = replace(changed, text=form_values.long_text(form, names))
    if "occurred" in given:
        changed = replace(changed, occurred=form_values.time(form, "occurred", names))
    if "ends_thread" in given:
        changed = replace(changed, ends_thread=bool(form.value("event", "ends_thread", names)))
    return replace(
        changed,
        people={**event.people, **form_values.people(form, names)},
        facts=tuple({**dict(event.facts), **dict(form_values.facts(form, names))}.items()),
        images=tuple(dict.fromkeys((*form_values.images(form, names), *event.images))),
        attributes={**event.attributes, **form_values.attributes(form, names)},
        details=_details(form, changed, names, is_retitled="title" in texts),
    )


def _details(form: Form, event: Event, names: Names, *, is_retitled: bool) -> Mapping[str, Any]:
    own = form_values.details(form, names)
    found = {**event.details, **own}
    if buttons := own.get("buttons"):
        found["buttons"] = [*buttons, *(pair for pair in event.details.get("buttons") or [] if pair not in buttons)]
    if is_retitled and "name" in found and "name" not in own:
        found["name"] = event.title  # which is what the card shows
    if "text" in form.keys("event") and "text" in found and "text" not in own:
        found["text"] = event.text
    return form_values.with_duration(form, names, replace(event, details=form_values.with_words(form, found)))
