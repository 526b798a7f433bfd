"""What the bridge keeps about every webhook: when it came, what became of it, and why.

A record is made by the receiving wing, travels on the queue like an entry, and is read newest first. Its id begins with
the time, counted backwards, so that the newest has the smallest id and a page of records is a range of ids.
"""

import enum
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

from bridge.events import bounded
from bridge.limits import MAX_ID, MAX_KIND, MAX_RECORD
from bridge.values import dataclass

_LAST = 16**11 - 1  # milliseconds: a time counted backwards from there has eleven hexadecimal digits
_MOST_EVENTS, _MOST_ROUTES, _MOST_ENTRIES = 10, 20, 50
_LONGEST = 200  # characters of a line
_LONGEST_SEARCH = 1000
_CONTROLS = r"[\x00-\x1f\x7f]"


class Outcome(enum.StrEnum):
    """What became of a webhook."""

    ACCEPTED = "accepted"  # at least one entry is queued
    IGNORED = "ignored"  # the bridge posts nothing of it
    DROPPED = "dropped"  # a route drops it, or no route takes it
    REFUSED = "refused"  # it was answered with 4xx or 503


class RouteTrial(NamedTuple):
    """A route that was tried. number: its place in BRIDGE_CONFIG. answer: `matches`, `does not match`, `drops it`...

    values: what the names in its expression were, such as `severity = info`: the values that decided.
    """

    number: int
    when: str
    answer: str
    values: str = ""


@dataclass(frozen=True)
class EventRecord:
    """One event of a webhook. route: what decided where it goes. entries: the ids of those that were queued for it.

    unknown: the people whom a route would invite, and `[people]` does not name: `github:monalisa`.
    """

    kind: str
    title: str = ""
    severity: str = ""
    correlation_key: str = ""
    route: str = ""
    trials: tuple[RouteTrial, ...] = ()
    groups: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class DeliveryRecord:
    """What is known of one webhook from its receipt.

    id: the record's own. at: when it came, in seconds since 1970. delivery: the sender's id of it. event: the service's
    name for what it says. kind: the bridge's, of its first event. size: bytes of the body. status: of the answer.
    reason: why it has this outcome, in a sentence. authentication: by what its sender was authenticated, or empty.
    took: seconds of the answer. headers: those of a list that holds no secrets. events: the first of them, of
    `count_events`. count: how many webhooks it stands for; more than one are refusals that were only counted.
    payload: bytes of what is kept of it, by which that is found; 0: its payload is not kept.
    expected: the names of the expectations of BRIDGE_CONFIG that it meets.
    """

    id: str
    at: float
    source: str
    outcome: Outcome
    status: int
    reason: str = ""
    delivery: str = ""
    event: str = ""
    kind: str = ""
    size: int = 0
    authentication: str = ""
    took: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()
    events: tuple[EventRecord, ...] = ()
    count_events: int = 0
    count: int = 1
    payload: int = 0
    expected: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups to which it went, each once."""
        return tuple(dict.fromkeys(group for event in self.events for group in event.groups))

    @property
    def entries(self) -> tuple[str, ...]:
        """The ids of its entries."""
        return tuple(entry for event in self.events for entry in event.entries)

    @property
    def entry_groups(self) -> Mapping[str, str]:
        """The group of each of its entries."""
        pairs = (zip(event.entries, event.groups, strict=False) for event in self.events)
        return {entry: group for each in pairs for entry, group in each}

    @property
    def title(self) -> str:
        """What its first event is about."""
        return self.events[0].title if self.events else ""

    @property
    def searchable(self) -> str:
        """The text in which a search looks, in lower case."""
        own = (self.id, self.source, self.delivery, self.event, self.kind, self.reason)
        titles = (text for event in self.events for text in (event.title, event.correlation_key, event.kind))
        return " ".join(dict.fromkeys(filter(None, (*own, *titles)))).lower()[:_LONGEST_SEARCH]


@dataclass(frozen=True)
class DeliveryFilter:
    """Which records are wanted; what is empty does not matter.

    group: an object id. since, until: seconds since 1970. text: words, all of which must be in `searchable`.
    """

    source: str = ""
    outcome: str = ""
    group: str = ""
    since: float = 0.0
    until: float = 0.0
    text: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The words of `text`, as `searchable` has them."""
        return tuple(self.text.lower().split())

    @property
    def first(self) -> str:
        """The smallest id that is not too new."""
        return ids_at(self.until) if self.until else "0"

    @property
    def last(self) -> str:
        """What follows the greatest id that is not too old."""
        return f"{ids_at(self.since)}g" if self.since else "g"


@dataclass(frozen=True)
class DeliveryPage:
    """Some records, newest first. following: pass it as `before` to read on; empty: there are no more."""

    records: tuple[DeliveryRecord, ...] = ()
    following: str = ""


def ids_at(at: float) -> str:
    """With what the ids of the records of that moment begin."""
    return f"{_LAST - int(at * 1000):011x}"


def record_id(at: float, nonce: str) -> str:
    """The id of a record: sixteen hexadecimal digits. nonce: hexadecimal digits that no other record has."""
    return f"{ids_at(at)}{nonce[:5]:0<5}"


def within_limits(record: DeliveryRecord) -> DeliveryRecord:
    """The record, of which every part has a bounded length."""
    if _is_small(record):
        return record
    return replace(
        record,
        source=bounded(_line(record.source), MAX_KIND),
        delivery=bounded(_line(record.delivery), MAX_ID),
        event=_short(record.event),
        kind=_line(record.kind)[:MAX_KIND],
        reason=_line(record.reason)[: 2 * _LONGEST],
        events=tuple([_within_limits(event) for event in record.events[:_MOST_EVENTS]]),
    )


def _is_small(record: DeliveryRecord) -> bool:
    """Whether nothing of it can be too long, as it is with most of them: every webhook comes along here."""
    if len(record.events) > 1:
        return False
    texts = [record.source, record.delivery, record.event, record.kind, record.reason]
    for event in record.events:
        if max(len(event.trials), len(event.entries)) > _MOST_ROUTES:
            return False
        texts += [event.kind, event.title, event.severity, event.correlation_key, event.route, *event.unknown]
        for one in event.trials:
            texts += one[1:]
    whole = "".join(texts)
    return max(map(len, texts)) <= _LONGEST and whole.isascii() and whole.isprintable()


def _within_limits(event: EventRecord) -> EventRecord:
    return EventRecord(
        kind=_line(event.kind)[:MAX_KIND],
        title=_short(event.title),
        severity=_short(event.severity),
        correlation_key=_line(event.correlation_key)[:MAX_ID],
        route=_short(event.route),
        trials=tuple(
            [
                RouteTrial(one.number, _short(one.when), _short(one.answer), _short(one.values))
                for one in event.trials[:_MOST_ROUTES]
            ]
        ),
        groups=event.groups[:_MOST_ENTRIES],
        entries=event.entries[:_MOST_ENTRIES],
        unknown=tuple(map(_short, event.unknown[:_MOST_ROUTES])),
    )


def _line(text: str) -> str:
    """The text on one line that UTF-8 can hold."""
    if text.isprintable() and text.isascii():
        return text
    return " ".join(re.sub(_CONTROLS, " ", text.encode("utf-8", "replace").decode()).split())


def _short(text: str) -> str:
    return _line(text)[:_LONGEST]


def _fields(record: DeliveryRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if value or name in _REQUIRED}


_REQUIRED = frozenset({"id", "at", "source", "outcome", "status"})


def from_fields(fields: Mapping[str, Any]) -> DeliveryRecord:
    """The record of what `to_text` wrote; TypeError, KeyError or ValueError for anything else.

    Fields that this version does not know are left out.
    """
    known = {name: fields[name] for name in _FIELDS if name in fields}
    return DeliveryRecord(
        **known
        | {
            "outcome": Outcome(fields["outcome"]),
            "headers": tuple((str(name), str(value)) for name, value in fields.get("headers", ())),
            "events": tuple(map(_event, fields.get("events", ()))),
            "expected": tuple(map(str, fields.get("expected", ()))),
        }
    )


_FIELDS = tuple(DeliveryRecord.__dataclass_fields__)


def _event(fields: Mapping[str, Any]) -> EventRecord:
    known = {name: fields[name] for name in _EVENT_FIELDS if name in fields}
    # A newer version may know more of a route.
    trials = tuple(RouteTrial(*one[:_TRIAL_FIELDS]) for one in fields.get("trials", ()))
    lists = {name: tuple(fields.get(name, ())) for name in ("groups", "entries", "unknown")}
    return EventRecord(**known | {"trials": trials, **lists})


_TRIAL_FIELDS = len(RouteTrial._fields)
_EVENT_FIELDS = tuple(EventRecord.__dataclass_fields__)


def to_text(record: DeliveryRecord) -> str:
    """The record as JSON, without what is empty; short enough for a queue message and a row."""
    text = _written(record)
    if _fits(text):
        return text
    # The routes that were tried are most of it; those of the first event explain the rest.
    first, *others = record.events or (EventRecord(""),)
    bare = tuple(replace(event, trials=(), title="", unknown=()) for event in others)
    text = _written(replace(record, events=(first, *bare), headers=()))
    if _fits(text):
        return text
    least = replace(first, trials=(), entries=first.entries[:1], unknown=())
    return _written(replace(record, events=(least,), headers=()))


def _written(record: DeliveryRecord) -> str:
    # What orjson does not know are trials, which are tuples with names.
    return orjson.dumps(_fields(record), default=tuple).decode()


def _fits(text: str) -> bool:
    # Whether a text is ASCII is known without looking at it.
    return len(text if text.isascii() else text.encode()) <= MAX_RECORD


def from_text(text: str | bytes) -> DeliveryRecord:
    """What `to_text` wrote, also that of a newer version, without what this one does not know."""
    return from_fields(json.loads(text))
