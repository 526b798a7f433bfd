"""The log as a person reads it in a terminal."""

import json
import logging
from datetime import datetime

_SHOWN = ("source", "kind", "why", "reason", "delivery")


class StepFormatter(logging.Formatter):
    """Steps as short words instead of JSON, everything else as it is; each line with the time of day."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the name is logging's
        """The line without a traceback, which follows it."""
        text = _step(json.loads(record.message)) if record.name == "bridge.steps" else record.message
        return f"{datetime.fromtimestamp(record.created).astimezone():%H:%M:%S} {text}"


def _step(step: dict[str, object]) -> str:
    ident = str(step.get("entry", ""))[:12]  # as in the post's footer
    words = [f"{step['step']:<8}", f"{ident:<12}", *(str(step[name]) for name in _SHOWN if step.get(name))]
    return " ".join(words)
