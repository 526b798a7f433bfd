"""The form of a source without code: a table of expressions that say how a service's webhooks are read.

It is a table `[sources.<name>]` of BRIDGE_CONFIG or the file preset.toml in a source's folder. docs/sources.md explains
its keys.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from jinja2 import Undefined

from bridge.events import Severity
from bridge.rendering.expressions import Expression, compiled, fault
from bridge.sources.base import RETRY_MINUTES
from bridge.toml_tables import Table
from bridge.verification.combinations import AnyOf
from bridge.verification.shared_secrets import Basic, Token
from bridge.verification.signatures import Ed25519, Hmac
from bridge.verification.verifier import SecretVerifier

_logger = logging.getLogger(__name__)

_KEYS = {"title", "body", "verifier", "headers", "severities", "tables", "retry_minutes"}
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
    retry_minutes: for how long the service sends a webhook again that was not accepted.
    signed_headers: those that the verifier's signature covers, in lower case.
    """

    name: str
    title: str
    body: str = "json"
    headers: Mapping[str, str] = field(default_factory=dict)
    expressions: Mapping[str, Texts] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    severities: Mapping[str, Severity] = field(default_factory=dict)
    retry_minutes: float = RETRY_MINUTES
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


def parse(name: str, table: Table) -> tuple[Form, SecretVerifier | None]:
    """The form that the table declares, and its verifier; what is wrong with them is a problem of the table.

    What is wrong with the expressions is not: `check_expressions` finds it.
    """
    if not _NAME.fullmatch(name):
        table.report("is not a source's name, which has only lower-case letters, digits and underscores")
    table = table.renamed(_FORMER)
    table.allow(_KEYS | {*_EXPRESSIONS})
    form = Form(
        name=name,
        title=str(table.values.get("title", name)),
        body=_body(table),
        headers=table.texts("headers").values,
        expressions={key: _expressions(key, table) for key in _EXPRESSIONS},
        tables=_tables(table),
        severities=_severities(table),
        retry_minutes=_retry_minutes(table),
        signed_headers=_signed_headers(table.values.get("verifier")),
    )
    return form, _verifier(table)


def check_expressions(form: Form, table: Table) -> None:
    """Report what is wrong with the expressions of a form. It takes a while: only their tests check presets."""
    let = form.keys("let")
    names = _OF_ITEM | form.tables.keys()
    for part in _EXPRESSIONS:
        for key, texts in form.expressions.get(part, {}).items():
            known = names | {*(let[: let.index(key)] if part == "let" else let)}
            if (part, key) == ("event", "each"):
                known = _OF_WEBHOOK | form.tables.keys()
            for problem in filter(None, (fault(text, known) for text in texts)):
                table.problems.add(f"{table.where}: `{part}`: `{key}` {problem}")


def _expressions(key: str, table: Table) -> Texts:
    part = table.table(key, f"{table.where}: `{key}`")
    if key == "event":
        part = part.renamed(_FORMER_EVENT)
        part.allow(_EVENT)
    texts = {name: value if isinstance(value, list) else [value] for name, value in part.values.items()}
    if all(isinstance(text, str) for each in texts.values() for text in each):
        return texts
    part.report("must be a table of names and expressions")
    return {}


def _body(table: Table) -> str:
    body = str(table.values.get("body", "any"))
    if body not in _BODIES:
        table.report_key("body", f"must be one of {', '.join(_BODIES)}")
    return body


def _retry_minutes(table: Table) -> float:
    minutes = table.values.get("retry_minutes", RETRY_MINUTES)
    if isinstance(minutes, int | float) and not isinstance(minutes, bool) and 0 <= minutes <= 30 * 24 * 60:
        return float(minutes)
    table.report_key("retry_minutes", "must be a number of minutes, at most 43200")
    return RETRY_MINUTES


def _tables(table: Table) -> Mapping[str, Mapping[str, str]]:
    tables = table.table("tables", f"{table.where}: `tables`")
    return {name: tables.texts(name).values for name in tables.values}


def _severities(table: Table) -> Mapping[str, Severity]:
    severities = table.texts("severities")
    wrong = sorted(set(severities.values.values()) - set(Severity))
    for word in wrong:
        severities.report(f"has {word!r}, which is not one of {', '.join(Severity)}")
    return {} if wrong else {word.lower(): Severity(severity) for word, severity in severities.values.items()}


def _verifier(table: Table) -> SecretVerifier | None:
    """What `verifier` describes: one scheme, a list of which any will do, or none: a function key is required."""
    value = table.values.get("verifier", [])
    schemes = value if isinstance(value, list) else [value]
    verifiers = [verifier for scheme in schemes if (verifier := _scheme(scheme, table))]
    return AnyOf(tuple(verifiers)) if len(verifiers) > 1 else next(iter(verifiers), None)


def _signed_headers(table: object) -> frozenset[str]:
    """The headers that every scheme of a verifier signs."""
    schemes = [scheme for scheme in (table if isinstance(table, list) else [table]) if isinstance(scheme, Mapping)]
    signed = [{name.lower() for name in _SIGNED.findall(str(scheme.get("signed", "")))} for scheme in schemes]
    return frozenset(set.intersection(*signed)) if signed else frozenset()


def _scheme(scheme: object, table: Table) -> SecretVerifier | None:
    kind = _VERIFIERS.get(str(scheme.get("kind"))) if isinstance(scheme, Mapping) else None
    if kind is None or not isinstance(scheme, Mapping):
        table.report_key("verifier", f"needs a `kind`, one of {', '.join(_VERIFIERS)}")
        return None
    known = {one.name for one in fields(kind) if one.name != "clock"}
    given = {key: value for key, value in scheme.items() if key != "kind"}
    wrong = sorted(key for key, value in given.items() if key not in known or not isinstance(value, str))
    missing = sorted({"header"} & known - given.keys())
    for key in wrong:
        table.report_key("verifier", f"has an unknown key {key!r}")
    for key in missing:
        table.report_key("verifier", f"needs the name of its {key}")
    return None if wrong or missing else kind(**given)
