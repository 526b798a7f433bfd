"""One structured log line for each step of an entry's life, so that one query gives an event's whole story."""

import json
import logging
from typing import Literal

from bridge.entries import Entry

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
    "held",  # Graph refuses the group or the identity: a person is needed
    "dead",  # it is a dead letter
    "requeued",  # it was a dead letter, and is open again
    "late",  # a group's entries wait longer than they should
]

_logger = logging.getLogger("bridge.steps")
_JSON = json.JSONEncoder(ensure_ascii=False, default=str)


def log_step(step: Step, level: int = logging.INFO, **ids: object) -> None:
    """Logs the step with its ids.

    The line is JSON: the Functions worker forwards a record's text and nothing else of it.
    """
    if _logger.isEnabledFor(level):
        _logger.log(level, "%s", _JSON.encode({"step": step, **ids}))


def log_entry(step: Step, entry: Entry, level: int = logging.INFO, thread: str = "", **more: object) -> None:
    """Logs a step of the entry with its ids, and with Graph's thread where that is known."""
    ids = {
        "entry": entry.id,
        "group": entry.group,
        "source": entry.source,
        "delivery": entry.delivery,
        "correlation_key": entry.correlation_key,
    }
    known = {"thread": thread} if thread else {}
    log_step(step, level, **ids, **known, **more)
