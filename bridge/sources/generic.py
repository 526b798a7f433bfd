"""Sources without code: a form of expressions says how a service's webhooks are proved and read.

The form is a table: `[sources.<name>]` in BRIDGE_CONFIG, or the file preset.toml in a source's folder. docs/sources.md
explains its keys.
"""

import hashlib
import logging
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jinja2 import Undefined

from bridge.errors import BadWebhook, SettingsError
from bridge.events import Event, Severity, Webhook
from bridge.fields import as_time
from bridge.rendering.expressions import Expression, compiled, fault
from bridge.rendering.text import one_line
from bridge.sources.base import MARK, Ignored, Source, decode_json
from bridge.sources.severities import severity_of
from bridge.verification.signatures import AnyOf, Basic, Ed25519, Hmac, Token, Verifier

_logger = logging.getLogger(__name__)

_FORM = "application/x-www-form-urlencoded"
_KEYS = {"title", "body", "proof", "headers", "event", "facts", "attributes", "severities"}
_BODIES = ("json", "form", "any")
_OF_WEBHOOK = frozenset({"payload", "header", "query"})
_OF_ITEM = _OF_WEBHOOK | {"item"}
_EVENT = (
    "each",
    "drop",
    "delivery",
    "kind",
    "thread",
    "title",
    "summary",
    "scope",
    "actor",
    "url",
    "severity",
    "text",
    "occurred",
    "ends",
)
_SCHEMES: Mapping[str, type[Hmac | Ed25519 | Token | Basic]] = {
    "hmac": Hmac,
    "ed25519": Ed25519,
    "token": Token,
    "basic": Basic,
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LONGEST = 200  # characters of a title
_LONGEST_TEXT = 20_000


@dataclass(frozen=True)
class Form:
    """What is said of a service. event, facts and attributes are texts of expressions; severities: words of its own.

    body: how a body is read: `json`, `form`, or `any` of these and plain text.
    headers: what the service's requests carry; `{event}` and `{delivery}` stand for theirs.
    """

    name: str
    title: str
    body: str = "json"
    headers: Mapping[str, str] = field(default_factory=dict)
    event: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    severities: Mapping[str, Severity] = field(default_factory=dict)

    @cached_property
    def expressions(self) -> Mapping[tuple[str, str], Expression]:
        """Compiled when the first webhook comes: most sources never get any."""
        tables = {"event": self.event, "facts": self.facts, "attributes": self.attributes}
        return {(table, key): compiled(text) for table, texts in tables.items() for key, text in texts.items()}

    def value(self, table: str, key: str, names: Mapping[str, Any]) -> Any:
        """What an expression comes to; None where there is none, where it is undefined, or where it fails."""
        expression = self.expressions.get((table, key))
        if expression is None:
            return None
        try:
            value = expression(**names)
        except Exception as error:  # noqa: BLE001  whatever a user's expression raises must not cost the event
            _logger.warning(
                "`%s` of the source %s cannot be worked out: %s: %s", key, self.name, type(error).__name__, error
            )
            return None
        return None if isinstance(value, Undefined) else value

    def text(self, key: str, names: Mapping[str, Any], limit: int = _LONGEST) -> str:
        """What an expression of the event says, as one line."""
        return one_line(_shown(self.value("event", key, names)), limit)


def preset(name: str) -> Source:
    """The source that the preset.toml of its folder describes."""
    path = Path(__file__).parent / name / "preset.toml"
    return source(name, tomllib.loads(path.read_text("utf-8")), f"{name}/{path.name}")


def source(name: str, table: object, where: str) -> Source:
    """The source that the table declares; SettingsError with everything that is wrong with it but its expressions.

    where: for the errors.
    """
    problems: list[str] = []
    if not isinstance(table, Mapping):
        raise SettingsError([f"{where} is not a table"])
    if not _NAME.fullmatch(name):
        problems.append(f"{where}: a source's name is of small letters, digits and underscores")
    problems += [f"{where} has an unknown key {key!r}" for key in sorted(table.keys() - _KEYS)]
    form = Form(
        name=name,
        title=str(table.get("title", name)),
        body=str(table.get("body", "any")),
        headers=_texts(where, table, "headers", problems),
        event=_texts(where, table, "event", problems),
        facts=_texts(where, table, "facts", problems),
        attributes=_texts(where, table, "attributes", problems),
        severities=_severities(where, table, problems),
    )
    problems += [f"{where}: `event` has an unknown key {key!r}" for key in sorted(form.event.keys() - set(_EVENT))]
    if form.body not in _BODIES:
        problems.append(f"{where}: `body` must be one of {', '.join(_BODIES)}")
    scheme = _scheme(where, table.get("proof"), problems)
    if problems:
        raise SettingsError(problems)
    return Source(
        name=name,
        title=form.title,
        verifier=scheme,
        read=lambda webhook: read(form, webhook),
        headers=lambda event, delivery: {
            key: text.replace("{event}", event).replace("{delivery}", delivery) for key, text in form.headers.items()
        },
    )


def read(form: Form, webhook: Webhook) -> Sequence[Event] | Ignored:
    """The events of a webhook, one for each item that it carries. BadWebhook where the body is not of its form."""
    payload = _without_nulls(_decoded(form.body, webhook))
    names = {"payload": payload, "header": webhook.header, "query": webhook.query}
    events: list[Event] = []
    reason = "The webhook holds no event."
    for item in _items(form, payload, names):
        if why := form.text("drop", {**names, "item": item}):
            reason = why
        else:
            events.append(_event(form, webhook, item, names))
    return events or Ignored(reason)


def _items(form: Form, payload: Any, names: Mapping[str, Any]) -> list[Any]:
    found = form.value("event", "each", names)
    if found is None:
        found = payload
    return found if isinstance(found, list) else [found]


def _event(form: Form, webhook: Webhook, item: Any, names: Mapping[str, Any]) -> Event:
    names = {**names, "item": item}
    body = hashlib.sha256(webhook.body).hexdigest()
    kind = re.sub(r"[^a-z0-9_.-]+", "_", form.text("kind", names, 80).lower()).strip("._-") or "event"
    title = form.text("title", names) or f"{form.title}: {kind.replace('_', ' ').replace('.', ' ')}"
    payload = names["payload"]
    return Event(
        source=form.name,
        kind=kind,
        delivery=_delivery(form, item, names) or body,
        correlation_key=form.text("thread", names) or title,
        title=title,
        payload=item if isinstance(item, Mapping) else payload if isinstance(payload, Mapping) else {"body": payload},
        severity=_severity(form, form.text("severity", names)),
        summary=form.text("summary", names),
        scope=form.text("scope", names),
        actor=form.text("actor", names),
        url=form.text("url", names, 2000),
        occurred=as_time(form.value("event", "occurred", names)),
        facts=tuple(
            (key, text) for key in form.facts if (text := one_line(_shown(form.value("facts", key, names)), 200))
        ),
        attributes={key: form.value("attributes", key, names) for key in form.attributes},
        text=_shown(form.value("event", "text", names))[:_LONGEST_TEXT],
        ends_thread=bool(form.value("event", "ends", names)),
    )


def _delivery(form: Form, item: Any, names: Mapping[str, Any]) -> str:
    ident = form.text("delivery", names)
    marks = (found.get(MARK) for found in (item, names["payload"]) if isinstance(found, Mapping))
    mark = next(filter(None, marks), "") if ident else ""
    return f"{ident} {mark}".strip()


def _decoded(form: str, webhook: Webhook) -> Any:
    if form == "form" or (form == "any" and webhook.header("Content-Type").lower().startswith(_FORM)):
        return dict(parse_qsl(webhook.body.decode("utf-8", "replace"), keep_blank_values=True))
    if form == "json":
        return _payload(decode_json(webhook.body))
    try:
        return decode_json(webhook.body)
    except BadWebhook:
        # Whoever wrote the body's template forgot a quote: the alert counts all the same.
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


def _texts(where: str, table: Mapping[str, Any], key: str, problems: list[str]) -> Mapping[str, str]:
    found = table.get(key, {})
    if isinstance(found, Mapping) and all(isinstance(text, str) for text in found.values()):
        return {str(name): str(text) for name, text in found.items()}
    problems.append(f"{where}: `{key}` must be a table of names and texts")
    return {}


def _severities(where: str, table: Mapping[str, Any], problems: list[str]) -> Mapping[str, Severity]:
    texts = _texts(where, table, "severities", problems)
    wrong = sorted(set(texts.values()) - set(Severity))
    problems += [f"{where}: {word!r} is none of the severities {', '.join(Severity)}" for word in wrong]
    return {} if wrong else {word.lower(): Severity(severity) for word, severity in texts.items()}


def _scheme(where: str, proof: object, problems: list[str]) -> Verifier | None:
    """What `proof` describes: one way, a list of which any will do, or nothing: then the function key proves."""
    ways = proof if isinstance(proof, list) else [] if proof is None else [proof]
    schemes = [scheme for way in ways if (scheme := _way(where, way, problems))]
    return AnyOf(tuple(schemes)) if len(schemes) > 1 else next(iter(schemes), None)


def _way(where: str, way: object, problems: list[str]) -> Verifier | None:
    kind = _SCHEMES.get(str(way.get("kind"))) if isinstance(way, Mapping) else None
    if kind is None or not isinstance(way, Mapping):
        problems.append(f"{where}: `proof` needs a `kind`, one of {', '.join(_SCHEMES)}")
        return None
    known = {one.name for one in fields(kind) if one.name != "clock"}
    given = {key: value for key, value in way.items() if key != "kind"}
    wrong = sorted(key for key, value in given.items() if key not in known or not isinstance(value, str))
    missing = sorted({"header"} & known - given.keys())
    problems += [f"{where}: `proof` has an unknown key {key!r}" for key in wrong]
    problems += [f"{where}: `proof` needs the name of its {key}" for key in missing]
    return None if wrong or missing else kind(**given)


def faults(table: Mapping[str, Any], where: str) -> list[str]:
    """What is wrong with the expressions of a table. It takes a while: presets are checked by their tests alone."""
    found: list[str] = []
    for name in ("event", "facts", "attributes"):
        for key, text in _texts(where, table, name, []).items():
            if wrong := fault(text, _OF_WEBHOOK if (name, key) == ("event", "each") else _OF_ITEM):
                found.append(f"{where}: `{key}` {wrong}")
    return found
