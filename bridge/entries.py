"""What travels on the queue: an Entry is one event waiting for one group, a Wake asks for a group's drain."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bridge.errors import MessageError
from bridge.events import Event, Severity

VERSION = 2
CREDIBLE = timedelta(days=7)
# The only values that JSON lacks are times.
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=datetime.isoformat)


@dataclass(frozen=True)
class Entry:
    """One event waiting for one group. `html` is its finished card, footer and reference included."""

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

    @property
    def reference(self) -> str:
        """The first twelve digits of the id: the footer of the post shows it, and the post is found by it."""
        return self.id[:12]

    @property
    def key(self) -> str:
        """The key of the thread that it belongs to, within its group: source and correlation key."""
        return f"{self.source} {self.correlation_key}"


@dataclass(frozen=True)
class Target:
    """Where an event goes: a group's object id, and what a thread that it starts there is given."""

    group: str
    participants: tuple[str, ...] = ()
    conversation: str = ""


@dataclass(frozen=True)
class Wake:
    """Asks for the drain of a group's outbox."""

    group: str


def entry_id(event: Event, position: int, group: str) -> str:
    """The id of an event's entry for a group: the same for the same delivery, however often it comes.

    It has 32 hexadecimal digits. position: the event's place among those of its delivery.
    """
    parts = (group, event.source, event.dedup_key or event.delivery, str(position))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def credible(occurred: datetime | None, received: datetime) -> datetime:
    """When it happened, unless the sender does not say so or is more than seven days off."""
    if occurred is None:
        return received
    if occurred.tzinfo is None:
        occurred = occurred.replace(tzinfo=UTC)
    return occurred if abs(occurred - received) <= CREDIBLE else received


def to_message(item: Entry | Wake) -> str:
    """The text of the queue message: JSON with its version."""
    return _JSON.encode({"version": VERSION, "type": type(item).__name__.lower(), **vars(item)})


def from_message(text: str | bytes) -> Entry | Wake:
    """What `to_message` wrote, also what the version before wrote; MessageError for anything else."""
    try:
        fields = json.loads(text)
        version, kind = fields.pop("version"), fields.pop("type")
        if version > VERSION:
            raise MessageError(f"The message has version {version}; this bridge reads up to {VERSION}: upgrade it.")
        if kind == "wake":
            return Wake(**fields)
        if version < 2:
            fields["correlation_key"] = fields.pop("thread")
        return Entry(
            **{
                **fields,
                "severity": Severity(fields["severity"]),
                "participants": tuple(fields["participants"]),
                "occurred": datetime.fromisoformat(fields["occurred"]),
                "received": datetime.fromisoformat(fields["received"]),
            }
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise MessageError(f"The message is not one of the bridge's: {type(error).__name__}.") from error
