"""The form of a source without code as it is used: its expressions, worked out over a webhook."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from functools import cached_property
from typing import Any

from jinja2 import Undefined

from bridge.events import Severity
from bridge.rendering.expressions import Expression, Names, compiled
from bridge.sources.base import RETRY_MINUTES
from bridge.values import dataclass

_logger = logging.getLogger(__name__)

# What says nothing of an event's content.
_OF_DELIVERY = {"each", "ignore", "delivery", "kind", "reads"}
_HEADER = re.compile(r"header\(\s*['\"]([^'\"]+)")
_OF_CLOUD_EVENT = frozenset({"ce-id", "ce-source"})

Texts = Mapping[str, Sequence[str]]
"""Expressions by their keys; several of one key are the parts of an id, which it has only if none is missing."""


@dataclass(frozen=True)
class Form:
    """How the webhooks of a service are read.

    body: how a body is parsed: `json`, `form`, `any` of these and plain text, or `cloudevents`.
    headers: what the service's requests carry; `{event}` and `{delivery}` stand for theirs.
    expressions: those of the tables let, event, people, meter, table, details, facts, images, buttons and attributes.
    tables: the service's words and what they stand for; expressions use them by their names.
    severities: the service's words for a severity. words: its words for a state, and how people say it.
    retry_minutes: for how long the service sends a webhook again that was not accepted; None: the form does not say.
    signs: whether a signature authenticates the sender. signed_headers: those that it covers, in lower case.
    """

    name: str
    title: str
    body: str = "json"
    headers: Mapping[str, str] = field(default_factory=dict)
    expressions: Mapping[str, Texts] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    severities: Mapping[str, Severity] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    retry_minutes: float | None = None
    signs: bool = False
    signed_headers: frozenset[str] = frozenset()

    @property
    def retry_window(self) -> float:
        """In seconds."""
        return (RETRY_MINUTES if self.retry_minutes is None else self.retry_minutes) * 60

    @cached_property
    def has_signed_delivery(self) -> bool:
        """Whether the delivery's id cannot be changed in a replay, because it is in the body or signed with it."""
        texts = " ".join(self.expressions.get("event", {}).get("delivery", ()))
        headers = {name.lower() for name in _HEADER.findall(texts)}
        return bool(texts) and "query" not in texts and headers <= self.signed_headers

    @property
    def read_headers(self) -> frozenset[str]:
        """The headers that its expressions read, in lower case."""
        texts = " ".join(text for table in self.expressions.values() for each in table.values() for text in each)
        return frozenset(name.lower() for name in _HEADER.findall(texts))

    @property
    def trusts_event_headers(self) -> bool:
        """Whether the headers of a CloudEvent in binary mode cannot be changed in a replay, or nothing is signed."""
        return not self.signs or self.signed_headers >= _OF_CLOUD_EVENT

    @property
    def describes_events(self) -> bool:
        """Whether any expression says what an event is about."""
        return bool(self.expressions.get("event", {}).keys() - _OF_DELIVERY)

    def describes(self, names: Names) -> bool:
        """Whether the form says what this event is about: `reads` says for which payloads it does."""
        is_read = "reads" not in self.keys("event") or bool(self.value("event", "reads", names))
        return self.describes_events and is_read

    @cached_property
    def undescribed(self) -> "Form":
        """The form for payloads that it does not read: it says nothing of their events."""
        return replace(self, expressions={part: self.expressions.get(part, {}) for part in ("let", "attributes")})

    @cached_property
    def _compiled(self) -> Mapping[tuple[str, str], Sequence[Expression]]:
        """Compiled when the first webhook comes: most sources never get any."""
        return {
            (table, key): [compiled(text) for text in texts]
            for table, keys in self.expressions.items()
            for key, texts in keys.items()
        }

    def values(self, table: str, key: str, names: Names) -> list[Any]:
        """What the expressions of a key come to; None for what is undefined or fails."""
        return [self._value(key, expression, names) for expression in self._compiled.get((table, key), ())]

    def value(self, table: str, key: str, names: Names) -> Any:
        """What the expression of a key comes to; None where there is none, where it is undefined, or where it fails."""
        expressions = self._compiled.get((table, key))
        return self._value(key, expressions[0], names) if expressions else None

    def keys(self, table: str) -> Sequence[str]:
        """The keys of a table of expressions."""
        return tuple(self.expressions.get(table, ()))

    def with_names(self, names: Mapping[str, Any]) -> Names:
        """The names that expressions may use: these, the tables, and the values of `let`, each from those before it."""
        found = Names({**self.tables, **names})
        for key in self.keys("let"):
            found[key] = self.value("let", key, found)
        return found

    def _value(self, key: str, expression: Expression, names: Names) -> Any:
        try:
            value = expression.over(names)
        except Exception as error:  # noqa: BLE001  whatever an expression raises must not cost the event
            _logger.warning(
                "`%s` of the source %s cannot be evaluated: %s: %s", key, self.name, type(error).__name__, error
            )
            return None
        return None if isinstance(value, Undefined) else value
