"""Format the log for a terminal."""

import json
import logging
from datetime import datetime

_QUIET = ("azure", "msal", "uvicorn")  # only their warnings are shown
_SHOWN = ("source", "kind", "reason", "delivery")


def configure() -> None:
    """Write the log of this process to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(StepFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class StepFormatter(logging.Formatter):
    """Formats steps as short lines instead of JSON; every line begins with the time of day."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the name is logging's
        """The line without the traceback, which follows it."""
        text = _step(json.loads(record.message)) if record.name == "bridge.steps" else record.message
        return f"{datetime.fromtimestamp(record.created).astimezone():%H:%M:%S} {text}"


def _step(step: dict[str, object]) -> str:
    entry = str(step.get("entry", ""))[:12]
    values = [str(step[name]) for name in _SHOWN if step.get(name)]
    return " ".join([f"{step['step']:<9}", f"{entry:<12}", *values])
