"""Webhooks and events: a Webhook is a request, and an Event is something that a source reads in it."""

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from functools import cached_property
from typing import Any

from bridge.fields import parse_plain_json
from bridge.limits import MAX_ID, MAX_KIND
from bridge.values import dataclass

OWN = "bridge"  # the source of what the bridge itself has to say


class Severity(enum.StrEnum):
    """How much an event matters. Compares by rank, also with names: `severity >= 'warning'`."""

    SUCCESS = "success"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for success up to 4 for critical."""
        return _RANKS[self]

    def __lt__(self, other: str) -> bool:
        return self.rank < _rank(other)

    def __le__(self, other: str) -> bool:
        return self.rank <= _rank(other)

    def __gt__(self, other: str) -> bool:
        return self.rank > _rank(other)

    def __ge__(self, other: str) -> bool:
        return self.rank >= _rank(other)


_RANKS: Mapping[str, int] = {severity.value: rank for rank, severity in enumerate(Severity)}


def _rank(severity: str) -> int:
    found = _RANKS.get(severity)
    return Severity(severity).rank if found is None else found


@dataclass(frozen=True)
class Webhook:
    """One HTTP request of a sender. Names of headers are case-insensitive; read them with `header`.

    sent: the body as it was sent, if `body` was decompressed or decoded.
    """

    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"
    query: Mapping[str, str] = field(default_factory=dict)
    sent: bytes = b""

    def __post_init__(self) -> None:
        object.__setattr__(self, "headers", {name.lower(): value for name, value in self.headers.items()})

    def header(self, name: str) -> str:
        """The header's value, or an empty string."""
        return self.headers.get(name.lower(), "")

    @cached_property
    def parsed(self) -> Any:
        """The value of its body; None where that is not plain JSON, as `parse_plain_json` has it."""
        return parse_plain_json(self.body)

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the body as it was sent: headers, which no signature covers, do not change it."""
        return hashlib.sha256(self.sent or self.body).hexdigest()


def bounded(text: str, limit: int = MAX_ID) -> str:
    """The text, or its beginning and a hash of the whole: long ids remain different."""
    if len(text) <= limit:
        return text
    return f"{text[: limit - 17]}~{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]}"


# By what a service knows a person: a login, a name, an address.
Person = tuple[str, ...]


@dataclass(frozen=True)
class Event:
    """Something that happened, as a source reads it. Its names, ids and keys have a bounded length.

    source: the name of the service (`github`).
    kind: the service's own name for the event, dotted (`pull_request.opened`); it chooses the template.
    delivery: the sender's id of this delivery.
    correlation_key: what the conversation is about, on one line, stable over its life (`repo 1296269#12`).
    title: what it is about, for people.
    payload: everything that the service sent.
    severity: `success`, `info`, `warning`, `error` or `critical`; compares by rank: `event.severity >= 'warning'`.
    scope: the repository, project or host that it belongs to.
    actor: the person or system that acted.
    url: the address of its page.
    occurred: when it happened, if the service says so.
    summary: the sentence that says what happened (empty: composed of actor, title and kind).
    text: the sender's text, as Markdown.
    facts: further facts, as pairs of name and value.
    images: images that the service names, as pairs of name and address; a post shows them if their hosts are allowed.
    attributes: values by which routes choose: `event.attributes.branch`.
    details: values that the source computes for its templates.
    people: the people involved, by role: `actor`, `author`, `owner`, `reviewers`, `assignees`.
    ends_thread: the next event with this correlation key starts a new thread.
    dedup_key: a hash of the body, which recognises a repeat if the sender gives no certain id (empty: it gives one).
    repeat_window: the seconds in which the same content is a repeat of the newest event (None: the source's default).

    scope, title, summary, actor, url, text and facts are enough for a decent post of any event.
    """

    source: str
    kind: str
    delivery: str
    correlation_key: str
    title: str
    payload: Mapping[str, Any]
    severity: Severity = Severity.INFO
    scope: str = ""
    actor: str = ""
    url: str = ""
    occurred: datetime | None = None
    summary: str = ""
    text: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    images: tuple[tuple[str, str], ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    people: Mapping[str, tuple[Person, ...]] = field(default_factory=dict)
    ends_thread: bool = False
    dedup_key: str = ""
    repeat_window: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", bounded(self.source, MAX_KIND))
        object.__setattr__(self, "kind", bounded(self.kind, MAX_KIND))
        object.__setattr__(self, "delivery", bounded(self.delivery))
        object.__setattr__(self, "correlation_key", bounded(" ".join(self.correlation_key.split())))

    @property
    def thread(self) -> str:
        """The correlation key by its former name, for the routes and templates that still use it."""
        return self.correlation_key
