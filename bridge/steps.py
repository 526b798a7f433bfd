"""One structured log line for each step of an entry's life, so that one query tells an event's story."""

import json
import logging

_logger = logging.getLogger("bridge.steps")
_JSON = json.JSONEncoder(ensure_ascii=False, default=str)


def log_step(step: str, level: int = logging.INFO, **ids: object) -> None:
    """Logs `step` with its ids.

    It is received, dropped, queued, recorded, planned, sent, held, deferred, late, dead or replayed.

    The line is JSON: the Functions worker forwards a record's text and nothing else of it.
    """
    if _logger.isEnabledFor(level):
        _logger.log(level, "%s", _JSON.encode({"step": step, **ids}))
