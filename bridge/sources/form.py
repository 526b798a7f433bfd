"""The form of a source without code: a table of expressions that say how a service's webhooks are read.

It is a table `[sources.<name>]` of BRIDGE_CONFIG or the file preset.toml in a source's folder. Its keys:
docs/own-service.md.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import fields

from bridge.events import Severity
from bridge.rendering.expressions import fault
from bridge.settings.toml_tables import Table
from bridge.sources.form_expressions import Form, Texts
from bridge.verification.combinations import AnyOf
from bridge.verification.shared_secrets import Basic, Token
from bridge.verification.signatures import Ed25519, Hmac
from bridge.verification.verifier import SecretVerifier

_KEYS = {
    "title", "extends", "body", "verifier", "headers", "severities", "words", "tables", "retry_minutes",
}  # fmt: skip
# Tables of expressions, in the order in which they are worked out.
_EXPRESSIONS = ("let", "event", "people", "meter", "table", "details", "facts", "images", "buttons", "attributes")
_BODIES = ("json", "form", "any", "cloudevents")
_OF_WEBHOOK = frozenset({"payload", "header", "query"})
_OF_ITEM = _OF_WEBHOOK | {"item"}
_EVENT = {
    "each", "ignore", "delivery", "kind", "correlation_key", "title", "summary", "scope", "actor", "url", "severity",
    "text", "occurred", "started", "ends_thread", "word", "minor", "reads",
}  # fmt: skip
_PEOPLE = {"actor", "author", "owner", "reviewers", "assignees"}
_METER = {"value", "limit", "unit", "direction", "label"}
# Former names, which configurations of earlier versions still use.
_FORMER = {"proof": "verifier"}
_FORMER_EVENT = {"drop": "ignore", "thread": "correlation_key", "ends": "ends_thread"}
_VERIFIERS: Mapping[str, type[Hmac | Ed25519 | Token | Basic]] = {
    "hmac": Hmac,
    "ed25519": Ed25519,
    "token": Token,
    "basic": Basic,
}
_SIGNED = re.compile(r"{([^}=]+)}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


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
        words={word.lower(): said for word, said in table.texts("words").values.items()},
        retry_minutes=_retry_minutes(table),
        signs=_signs(table.values.get("verifier")),
        signed_headers=_signed_headers(table.values.get("verifier")),
    )
    _check_parts(form, table)
    return form, _verifier(table)


def check_expressions(form: Form, table: Table, more: Collection[str] = ()) -> None:
    """Report what is wrong with the expressions of a form. It takes a while: only their tests check presets.

    more: the names that they may use beside those of every form.
    """
    let = form.keys("let")
    names = _OF_ITEM | form.tables.keys() | set(more)
    for part in _EXPRESSIONS:
        for key, texts in form.expressions.get(part, {}).items():
            known = names | {*(let[: let.index(key)] if part == "let" else let)}
            if (part, key) == ("event", "each"):
                known = _OF_WEBHOOK | form.tables.keys()
            elif part == "table" and key != "each":
                known |= {"row"}
            for problem in filter(None, (fault(text, known) for text in texts)):
                table.problems.add(f"{table.where}: `{part}`: `{key}` {problem}")


def _expressions(key: str, table: Table) -> Texts:
    part = table.table(key, f"{table.where}: `{key}`")
    if key == "event":
        part = part.renamed(_FORMER_EVENT)
        part.allow(_EVENT)
    elif key == "meter":
        part.allow(_METER)
    elif key == "people":
        part.allow(_PEOPLE)
    texts = {name: value if isinstance(value, list) else [value] for name, value in part.values.items()}
    if all(isinstance(text, str) for each in texts.values() for text in each):
        return texts
    part.report("must be a table of names and expressions")
    return {}


def _check_parts(form: Form, table: Table) -> None:
    """Report parts that say nothing without another."""
    meter, grid = form.keys("meter"), form.keys("table")
    if meter and not {"value", "limit"} <= {*meter}:
        table.problems.add(f"{table.where}: `meter` needs `value` and `limit`")
    if grid and ("each" not in grid or len(grid) == 1):
        table.problems.add(f"{table.where}: `table` needs `each`, the rows, and an expression for each column")


def _body(table: Table) -> str:
    body = str(table.values.get("body", "any"))
    if body not in _BODIES:
        table.report_key("body", f"must be one of {', '.join(_BODIES)}")
    return body


def _retry_minutes(table: Table) -> float | None:
    minutes = table.values.get("retry_minutes")
    if minutes is None:
        return None
    if isinstance(minutes, int | float) and not isinstance(minutes, bool) and 0 <= minutes <= 30 * 24 * 60:
        return float(minutes)
    table.report_key("retry_minutes", "must be a number of minutes, at most 43200")
    return None


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
    verifiers = [verifier for scheme in _schemes(table.values.get("verifier")) if (verifier := _scheme(scheme, table))]
    return AnyOf(tuple(verifiers)) if len(verifiers) > 1 else next(iter(verifiers), None)


def _schemes(value: object) -> list[object]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _signs(value: object) -> bool:
    """Whether any scheme of a verifier is a signature."""
    return any(isinstance(one, Mapping) and str(one.get("kind")) in {"hmac", "ed25519"} for one in _schemes(value))


def _signed_headers(value: object) -> frozenset[str]:
    """The headers that every scheme of a verifier signs."""
    schemes = [scheme for scheme in _schemes(value) if isinstance(scheme, Mapping)]
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
