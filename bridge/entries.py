"""What travels on the queue: an Entry is one event waiting for one group, a Wake asks for a group's drain.

A DeliveryRecord, what is kept of a webhook, travels beside its entries. A version that does not know records makes
dead letters of them, and loses no entry; they can be requeued after an upgrade.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import orjson

from bridge.deliveries import DeliveryRecord, from_fields, to_text
from bridge.errors import MessageError
from bridge.events import Event, Severity, bounded
from bridge.limits import MAX_ID, MAX_KIND, MAX_LINE, MAX_MESSAGE, MAX_PARTICIPANT, MAX_PARTICIPANTS, MAX_URL
from bridge.tracing import valid
from bridge.values import dataclass

if TYPE_CHECKING:
    from bridge.calendar.hours import Hours

VERSION = 3
# What stands open until somebody acts, and the end of it.
ALERT, INCIDENT, BRANCH, REVIEW, EXPIRY, OVER = "alert", "incident", "branch", "review", "expiry", "over"
CATEGORIES = (ALERT, INCIDENT, BRANCH, REVIEW, EXPIRY)
_RECORD, _RECORDS = "delivery", "records"
CREDIBLE = timedelta(days=7)
_BESIDE_TEXTS = 2000  # bytes of a message that are names, numbers and times, and more than there are
_EVER = 10 * 365 * 86400.0  # seconds: a certain id is remembered as long as the history lasts
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
# Left out of messages where they are empty: most entries have none.
_RARE = frozenset({"trace", "hours", "window", "not_before", "standing"})
_MOST_OF_IDS: Mapping[str, int] = {
    **dict.fromkeys(
        ("id", "group", "correlation_key", "source", "delivery", "conversation", "content", "place"), MAX_ID
    ),
    **dict.fromkeys(("kind", "hours", "window"), MAX_KIND),
}
_LINES = ("topic", "summary", "news", "excerpt", "word", "scope")
# The only values that JSON lacks are times.
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=datetime.isoformat)


@dataclass(frozen=True)
class Entry:
    """One event waiting for one group. `html` is its finished card.

    summary: what happened, where nothing else names the object. news: the same under a topic that names it.
    excerpt: the beginning of what somebody wrote. word: the state as people say it. scope: what the object belongs to.
    minor: a line is enough for it. notes: what the thread remembers of it, by name (`approved`: `hubot`).
    asks: what its post adds of what the thread remembers, names with their labels (`approved`: `Approved by`).
    An entry of an earlier version has none of the last seven.
    content, place, repeat_window, place_window: see `Content`.
    trace: the `traceparent` of the operation that received it; empty: it is not known.
    hours: the name of those outside of which it came. window: the id of the maintenance window in which it came.
    not_before: until when it waits for that; None: it does not wait.
    standing: what it opens, such as `alert`, or `over`; empty: what stands open stays as it is.
    """

    id: str
    group: str
    correlation_key: str
    source: str
    kind: str
    delivery: str
    topic: str
    summary: str
    html: str
    url: str
    severity: Severity
    ends_thread: bool
    participants: tuple[str, ...]
    conversation: str
    occurred: datetime
    received: datetime
    content: str = ""
    place: str = ""
    repeat_window: float = 0.0
    place_window: float = 0.0
    news: str = ""
    excerpt: str = ""
    word: str = ""
    scope: str = ""
    minor: bool = False
    notes: tuple[tuple[str, str], ...] = ()
    asks: tuple[tuple[str, str], ...] = ()
    trace: str = ""
    hours: str = ""
    window: str = ""
    not_before: datetime | None = None
    standing: str = ""

    @property
    def reference(self) -> str:
        """The first twelve digits of the id.

        Versions before the tokens of attempts wrote it into the footer of a card: a post of theirs is found by it.
        """
        return self.id[:12]

    @property
    def key(self) -> str:
        """The key of the thread that it belongs to, within its group: source and correlation key."""
        return f"{self.source} {self.correlation_key}"


@dataclass(frozen=True)
class Target:
    """Where an event goes: a group's object id, and what a thread that it starts there is given.

    hours: the event waits for them; None: it comes at once.
    """

    group: str
    participants: tuple[str, ...] = ()
    conversation: str = ""
    hours: Hours | None = None

    def not_before(self, received: datetime) -> datetime | None:
        """When its hours begin; None where they are open, or there are none."""
        begin = self.hours.open_from(received) if self.hours else received
        return begin if begin > received else None


@dataclass(frozen=True)
class Content:
    """By what a repeat is recognised that comes under another id.

    hash: of what was sent, whichever group it is for; empty: nothing of the kind is known.
    place: of a signed body, a hash of where it goes by what the signature does not cover; empty: all of it was
        authenticated, and may go to several places.
    window: so many seconds after the newest event of its conversation the same content is a repeat; 0: never, because
        the id is certain, or it is not known what conversation the event belongs to.
    place_window: so many seconds after it came to its place the same content is a replay anywhere else.
    """

    hash: str = ""
    place: str = ""
    window: float = 0.0
    place_window: float = 0.0


UNKNOWN = Content()


@dataclass(frozen=True)
class Wake:
    """Asks for the drain of a group's outbox."""

    group: str


def within_limits(entry: Entry) -> Entry:
    """The entry, in which everything but its card has a bounded length, and text that UTF-8 can hold.

    The renderer makes the card, and keeps its limit. All limits together fit into a message.
    """
    fields = dict(vars(entry))
    for name, limit in _MOST_OF_IDS.items():
        fields[name] = bounded(_on_one_line(fields[name]), limit)
    for name in _LINES:
        fields[name] = _on_one_line(fields[name])[:MAX_LINE]
    fields["html"] = _encodable(entry.html)
    fields["trace"] = valid(entry.trace)
    fields["standing"] = entry.standing if entry.standing in (*CATEGORIES, OVER) else ""
    # A part of an address leads elsewhere.
    fields["url"] = url if len(url := _on_one_line(entry.url)) <= MAX_URL else ""
    fields["participants"] = tuple(
        [_on_one_line(one)[:MAX_PARTICIPANT] for one in entry.participants[:MAX_PARTICIPANTS]]
    )
    return Entry(**fields)


def at_once(entry: Entry) -> Entry:
    """The entry without what it would wait for: a person wants it posted."""
    return replace(entry, hours="", window="", not_before=None)


def _on_one_line(text: str) -> str:
    """The text without control characters, of which JSON makes six each."""
    if text.isascii() and text.isprintable():
        return text
    return _CONTROLS.sub("\ufffd", _encodable(text))


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def entry_id(event: Event, position: int, group: str, arrival: str = "") -> str:
    """The id of an event's entry for a group: the same for the same delivery, however often it comes.

    It has 32 hexadecimal digits. position: the event's place among those of its delivery. arrival: what no other
    arrival has; it stands for the delivery's id where the sender gives none.
    """
    if not event.dedup_key:
        return _hash(group, event.source, event.delivery, str(position))
    sent = event.delivery if event.delivery != event.dedup_key else ""
    return _hash(group, event.source, event.dedup_key, sent or arrival, str(position))


def content_of(event: Event, position: int, window: float, asked: str | None) -> Content:
    """By what a repeat of an event is recognised. window: its source's.

    asked: the group that the URL names, if the signature covers only the body; None where all is authenticated.
    """
    if not event.dedup_key and asked is None:
        return UNKNOWN
    # With a key made of the body itself, nothing is known of what came between two equal ones.
    is_certain, has_key = not event.dedup_key, event.dedup_key not in event.correlation_key
    repeat_window = window if event.repeat_window is None else event.repeat_window
    return Content(
        hash=_hash(event.source, event.dedup_key or event.delivery, str(position)),
        place="" if asked is None else _hash(asked, event.kind, event.correlation_key),
        window=0.0 if is_certain or not has_key else repeat_window,
        place_window=_EVER if is_certain else max(window, repeat_window),
    )


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def credible(occurred: datetime | None, received: datetime) -> datetime:
    """When it happened, unless the sender does not say so or is more than seven days off."""
    if occurred is None:
        return received
    if occurred.tzinfo is None:
        occurred = occurred.replace(tzinfo=UTC)
    return occurred if abs(occurred - received) <= CREDIBLE else received


def fits_message(entry: Entry) -> bool:
    """Whether the entry's message is within its limit: most are so far below it that it is not even written."""
    texts = [value for value in vars(entry).values() if isinstance(value, str) and value is not entry.html]
    texts += [text for pair in (*entry.notes, *entry.asks) for text in pair]
    texts += entry.participants
    # JSON makes two bytes of a character of HTML at the most, and six of another one.
    most = 2 * utf8_size(entry.html) + 6 * sum(map(len, texts)) + _BESIDE_TEXTS
    return most <= MAX_MESSAGE or utf8_size(to_message(entry)) <= MAX_MESSAGE


def utf8_size(text: str) -> int:
    """How many bytes the text has as UTF-8; that of ASCII is known without looking at it."""
    return len(text) if text.isascii() else len(text.encode())


def to_message(item: Entry | Wake | DeliveryRecord) -> str:
    """The text of the queue message: JSON with its version."""
    if isinstance(item, DeliveryRecord):
        return f'{{"version":{VERSION},"type":"{_RECORD}","record":{to_text(item)}}}'
    fields = {name: value for name, value in vars(item).items() if value or name not in _RARE}
    message = {"version": VERSION, "type": type(item).__name__.lower(), **fields}
    try:
        return orjson.dumps(message, datetime.isoformat, orjson.OPT_PASSTHROUGH_DATETIME).decode()
    except TypeError:
        return _JSON.encode(message)  # of half a character, which only an entry of an earlier version can have


def to_messages(entries: Sequence[Entry], records: Sequence[str]) -> list[str]:
    """The queue messages of a webhook.

    records: messages of records. They travel with the first entry where both fit, as each message costs a run of the
    function that takes it; else behind all entries, which nothing may keep.
    """
    messages = [to_message(entry) for entry in entries]
    if messages and records:
        together = f'{messages[0][:-1]},"{_RECORDS}":[{",".join(records)}]}}'
        if len(together.encode()) <= MAX_MESSAGE:
            return [together, *messages[1:]]
    return [*messages, *records]


def records_in(text: str | bytes) -> list[DeliveryRecord]:
    """The records that travel with the entry of a readable message; none where they cannot be read.

    An entry must not fail with its record, which a later version may have written.
    """
    try:
        return [from_fields(each["record"]) for each in json.loads(text).get(_RECORDS, ())]
    except (KeyError, TypeError, ValueError):
        return []


def from_message(text: str | bytes) -> Entry | Wake | DeliveryRecord:
    """What `to_message` wrote, also what earlier versions wrote; MessageError for anything else.

    Fields that a later version added are left out: while an update rolls out, instances of both versions run. A version
    that an earlier one cannot read rightly has another number.
    """
    try:
        fields = json.loads(text)
        version, kind = fields.pop("version"), fields.pop("type")
        if version > VERSION:
            raise MessageError(f"The message has version {version}; this bridge reads up to {VERSION}: upgrade it.")
        if kind == "wake":
            return Wake(**fields)
        if kind == _RECORD:
            return from_fields(fields["record"])
        if version < 2:
            fields["correlation_key"] = fields.pop("thread")
        if version < 3:
            fields |= {name: bounded(fields[name]) for name in ("delivery", "correlation_key")}
        return Entry(
            **{
                **{name: value for name, value in fields.items() if name in Entry.__dataclass_fields__},
                "severity": Severity(fields["severity"]),
                "participants": tuple(fields["participants"]),
                "notes": tuple((str(name), str(value)) for name, value in fields.get("notes", ())),
                "asks": tuple((str(name), str(label)) for name, label in fields.get("asks", ())),
                "occurred": datetime.fromisoformat(fields["occurred"]),
                "received": datetime.fromisoformat(fields["received"]),
                "not_before": datetime.fromisoformat(text) if (text := fields.get("not_before")) else None,
            }
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise MessageError(f"The message is not one of the bridge's: {type(error).__name__}.") from error
