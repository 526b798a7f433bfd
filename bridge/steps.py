"""One structured log line for each step of an entry's life, so that one query gives an event's whole story."""

import json
import logging
from collections.abc import Mapping
from typing import Literal

from bridge.entries import Entry
from bridge.tracing import current, operation_of, within

Step = Literal[
    "received",  # a webhook was authenticated and read
    "refused",  # a webhook got a 4xx or 503
    "ignored",  # the source posts nothing of an authenticated webhook: a ping, a handshake, an event that it leaves out
    "dropped",  # a route drops an event
    "queued",  # an entry of it is on the queue
    "recorded",  # the entry is in the outbox
    "repeat",  # it was recorded before, or repeats or replays another entry, which `repeat_of` names
    "planned",  # it is about to be posted
    "delivered",  # Graph has it
    "deferred",  # it was surely not sent, and is sent later
    "unknown",  # Graph may have it: the post is looked up before it is sent again
    "uninvited",  # Graph refused a participant: it is posted without
    "held",  # Graph refuses the group or the identity: a person is needed
    "dead",  # it is a dead letter
    "requeued",  # it was a dead letter, and is open again
    "redelivery",  # GitHub could not deliver a webhook, and is asked to do it again
    "late",  # a group's entries wait longer than they should
]

_logger = logging.getLogger("bridge.steps")
_JSON = json.JSONEncoder(ensure_ascii=False, default=str)


# Every field that a line may have, with its meaning; no line has another. docs/log.md lists them.
FIELDS: Mapping[str, str] = {
    "step": "what happened, as above",
    "source": "the source",
    "kind": "the kind of the event",
    "delivery": "the sender's id of the delivery, or a hash of its body",
    "correlation_key": "what the conversation is about",
    "entry": "the entry's id",
    "group": "the group's object id",
    "thread": "the thread in Microsoft 365",
    "token": "the token of the attempt, which the last line of the post shows",
    "repeat_of": "the entry of which this is a repeat",
    "due": "when it is tried again, in seconds since 1970",
    "status": "the status with which a webhook was refused",
    "count": "how many webhooks this line stands for",
    "reason": "why",
    "operation": "the operation id of the webhook's receipt, the same up to its post",
}


class _Line:
    """The text of a line: JSON, which is made when a handler wants it. The local host's writes the fields only."""

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = fields

    def __str__(self) -> str:
        return _JSON.encode(self._fields)


def log_step(step: Step, level: int = logging.INFO, **ids: object) -> None:
    """Logs the step with its ids, within the operation that it is part of.

    The line is JSON: the Functions worker forwards a record's text and nothing else of it. Where the worker sends
    records by OpenTelemetry, the fields are their attributes, too.
    """
    if not _logger.isEnabledFor(level):
        return
    operation = operation_of(current())
    fields = {"step": step, **ids, **({"operation": operation} if operation else {})}
    _logger.log(level, "%s", _Line(fields), extra={f"bridge.{name}": fields[name] for name in fields})


def log_entry(step: Step, entry: Entry, level: int = logging.INFO, thread: str = "", **more: object) -> None:
    """Logs a step of the entry with its ids, and with Graph's thread where that is known."""
    ids = {
        "entry": entry.id,
        "group": entry.group,
        "source": entry.source,
        "kind": entry.kind,
        "delivery": entry.delivery,
        "correlation_key": entry.correlation_key,
    }
    known = {"thread": thread} if thread else {}
    with within(entry.trace):
        log_step(step, level, **ids, **known, **more)
