"""The form of a source without code: a table of expressions that say how a service's webhooks are read.

It is a table `[sources.<name>]` of BRIDGE_CONFIG or the file preset.toml in a source's folder. docs/sources.md explains
its keys.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from jinja2 import Undefined

from bridge.errors import SettingsError
from bridge.events import Severity
from bridge.rendering.expressions import Expression, compiled, fault
from bridge.verification.signatures import AnyOf, Basic, Ed25519, Hmac, Token, Verifier

_logger = logging.getLogger(__name__)

_KEYS = {"title", "body", "verifier", "headers", "severities", "tables"}
# Tables of expressions, in the order in which they are worked out.
_EXPRESSIONS = ("let", "event", "details", "facts", "buttons", "attributes")
_BODIES = ("json", "form", "any")
_OF_WEBHOOK = frozenset({"payload", "header", "query"})
_OF_ITEM = _OF_WEBHOOK | {"item"}
_EVENT = {
    "each", "ignore", "delivery", "kind", "correlation_key", "title", "summary", "scope", "actor", "url", "severity",
    "text", "occurred", "ends_thread",
}  # fmt: skip
# What says nothing of an event's content.
_OF_DELIVERY = {"each", "ignore", "delivery", "kind"}
# Former names, which configurations of earlier versions still use.
_FORMER = {"proof": "verifier"}
_FORMER_EVENT = {"drop": "ignore", "thread": "correlation_key", "ends": "ends_thread"}
_VERIFIERS: Mapping[str, type[Hmac | Ed25519 | Token | Basic]] = {
    "hmac": Hmac,
    "ed25519": Ed25519,
    "token": Token,
    "basic": Basic,
}
_HEADER = re.compile(r"header\(\s*['\"]([^'\"]+)")
_SIGNED = re.compile(r"{([^}=]+)}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

Texts = Mapping[str, Sequence[str]]
"""Expressions by their keys; several of one key are the parts of an id, which it has only if none is missing."""


@dataclass(frozen=True)
class Form:
    """How the webhooks of a service are read.

    body: how a body is parsed: `json`, `form`, or `any` of these and plain text.
    headers: what the service's requests carry; `{event}` and `{delivery}` stand for theirs.
    expressions: those of the tables let, event, details, facts, buttons and attributes.
    tables: the service's words and what they stand for; expressions use them by their names.
    severities: the service's words for a severity.
    signed_headers: those that the verifier's signature covers, in lower case.
    """

    name: str
    title: str
    body: str = "json"
    headers: Mapping[str, str] = field(default_factory=dict)
    expressions: Mapping[str, Texts] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    severities: Mapping[str, Severity] = field(default_factory=dict)
    signed_headers: frozenset[str] = frozenset()

    @cached_property
    def has_signed_delivery(self) -> bool:
        """Whether the delivery's id cannot be changed in a replay, because it is in the body or signed with it."""
        texts = " ".join(self.expressions.get("event", {}).get("delivery", ()))
        headers = {name.lower() for name in _HEADER.findall(texts)}
        return bool(texts) and "query" not in texts and headers <= self.signed_headers

    @property
    def describes_events(self) -> bool:
        """Whether any expression says what an event is about."""
        return bool(self.expressions.get("event", {}).keys() - _OF_DELIVERY)

    @cached_property
    def _compiled(self) -> Mapping[tuple[str, str], Sequence[Expression]]:
        """Compiled when the first webhook comes: most sources never get any."""
        return {
            (table, key): [compiled(text) for text in texts]
            for table, keys in self.expressions.items()
            for key, texts in keys.items()
        }

    def values(self, table: str, key: str, names: Mapping[str, Any]) -> list[Any]:
        """What the expressions of a key come to; None for what is undefined or fails."""
        return [self._value(key, expression, names) for expression in self._compiled.get((table, key), ())]

    def value(self, table: str, key: str, names: Mapping[str, Any]) -> Any:
        """What the expression of a key comes to; None where there is none, where it is undefined, or where it fails."""
        return next(iter(self.values(table, key, names)), None)

    def keys(self, table: str) -> Sequence[str]:
        """The keys of a table of expressions."""
        return tuple(self.expressions.get(table, ()))

    def with_names(self, names: Mapping[str, Any]) -> dict[str, Any]:
        """The names that expressions may use: these, the tables, and the values of `let`, each from those before it."""
        found = {**self.tables, **names}
        for key in self.keys("let"):
            found[key] = self.value("let", key, found)
        return found

    def _value(self, key: str, expression: Expression, names: Mapping[str, Any]) -> Any:
        try:
            value = expression(**names)
        except Exception as error:  # noqa: BLE001  whatever an expression raises must not cost the event
            _logger.warning(
                "`%s` of the source %s cannot be evaluated: %s: %s", key, self.name, type(error).__name__, error
            )
            return None
        return None if isinstance(value, Undefined) else value


def parse(name: str, table: object, where: str) -> tuple[Form, Verifier | None]:
    """The form that the table declares, and its verifier.

    SettingsError with everything that is wrong with it but its expressions. where: for the errors.
    """
    if not isinstance(table, Mapping):
        raise SettingsError([f"{where} is not a table"])
    table = _renamed(table, _FORMER)
    problems: list[str] = []
    if not _NAME.fullmatch(name):
        problems.append(f"{where}: the name of a source has only lower-case letters, digits and underscores")
    problems += [f"{where} has an unknown key {key!r}" for key in sorted(table.keys() - _KEYS - {*_EXPRESSIONS})]
    expressions = {key: _expressions(where, table, key, problems) for key in _EXPRESSIONS}
    problems += [f"{where}: `event` has an unknown key {key!r}" for key in sorted(expressions["event"].keys() - _EVENT)]
    form = Form(
        name=name,
        title=str(table.get("title", name)),
        body=str(table.get("body", "any")),
        headers=_texts(where, table, "headers", problems),
        expressions=expressions,
        tables=_tables(where, table, problems),
        severities=_severities(where, table, problems),
        signed_headers=_signed_headers(table.get("verifier")),
    )
    if form.body not in _BODIES:
        problems.append(f"{where}: `body` must be one of {', '.join(_BODIES)}")
    verifier = _verifier(where, table.get("verifier"), problems)
    if problems:
        raise SettingsError(problems)
    return form, verifier


def faults(form: Form, where: str) -> Iterator[str]:
    """What is wrong with the expressions of a form. It takes a while: presets are checked by their tests alone."""
    let = form.keys("let")
    names = _OF_ITEM | form.tables.keys()
    for table in _EXPRESSIONS:
        for key, texts in form.expressions.get(table, {}).items():
            known = names | {*(let[: let.index(key)] if table == "let" else let)}
            if (table, key) == ("event", "each"):
                known = _OF_WEBHOOK | form.tables.keys()
            yield from (f"{where}: `{key}` {wrong}" for text in texts if (wrong := fault(text, known)))


def _renamed(table: Mapping[str, Any], former: Mapping[str, str]) -> Mapping[str, Any]:
    return {former.get(key, key): value for key, value in table.items()}


def _expressions(where: str, table: Mapping[str, Any], key: str, problems: list[str]) -> Texts:
    found = table.get(key, {})
    if isinstance(found, Mapping):
        texts = {name: value if isinstance(value, list) else [value] for name, value in found.items()}
        if all(isinstance(text, str) for each in texts.values() for text in each):
            return _renamed(texts, _FORMER_EVENT) if key == "event" else texts
    problems.append(f"{where}: `{key}` must be a table of names and expressions")
    return {}


def _texts(where: str, table: Mapping[str, Any], key: str, problems: list[str]) -> Mapping[str, str]:
    found = table.get(key, {})
    if isinstance(found, Mapping) and all(isinstance(text, str) for text in found.values()):
        return {str(name): str(text) for name, text in found.items()}
    problems.append(f"{where}: `{key}` must be a table of names and texts")
    return {}


def _tables(where: str, table: Mapping[str, Any], problems: list[str]) -> Mapping[str, Mapping[str, str]]:
    found = table.get("tables", {})
    if isinstance(found, Mapping):
        return {str(name): _texts(where, found, str(name), problems) for name in found}
    problems.append(f"{where}: `tables` must hold tables of names and texts")
    return {}


def _severities(where: str, table: Mapping[str, Any], problems: list[str]) -> Mapping[str, Severity]:
    texts = _texts(where, table, "severities", problems)
    wrong = sorted(set(texts.values()) - set(Severity))
    problems += [f"{where}: {word!r} is none of the severities {', '.join(Severity)}" for word in wrong]
    return {} if wrong else {word.lower(): Severity(severity) for word, severity in texts.items()}


def _verifier(where: str, table: object, problems: list[str]) -> Verifier | None:
    """What `verifier` describes: one scheme, a list of which any will do, or none: a function key is required."""
    schemes = table if isinstance(table, list) else [] if table is None else [table]
    verifiers = [verifier for scheme in schemes if (verifier := _scheme(where, scheme, problems))]
    return AnyOf(tuple(verifiers)) if len(verifiers) > 1 else next(iter(verifiers), None)


def _signed_headers(table: object) -> frozenset[str]:
    """The headers that every scheme of a verifier signs."""
    schemes = [scheme for scheme in (table if isinstance(table, list) else [table]) if isinstance(scheme, Mapping)]
    signed = [{name.lower() for name in _SIGNED.findall(str(scheme.get("signed", "")))} for scheme in schemes]
    return frozenset(set.intersection(*signed)) if signed else frozenset()


def _scheme(where: str, scheme: object, problems: list[str]) -> Verifier | None:
    kind = _VERIFIERS.get(str(scheme.get("kind"))) if isinstance(scheme, Mapping) else None
    if kind is None or not isinstance(scheme, Mapping):
        problems.append(f"{where}: `verifier` needs a `kind`, one of {', '.join(_VERIFIERS)}")
        return None
    known = {one.name for one in fields(kind) if one.name != "clock"}
    given = {key: value for key, value in scheme.items() if key != "kind"}
    wrong = sorted(key for key, value in given.items() if key not in known or not isinstance(value, str))
    missing = sorted({"header"} & known - given.keys())
    problems += [f"{where}: `verifier` has an unknown key {key!r}" for key in wrong]
    problems += [f"{where}: `verifier` needs the name of its {key}" for key in missing]
    return None if wrong or missing else kind(**given)
