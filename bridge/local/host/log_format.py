"""Format the log for a terminal."""

import logging
import time
from collections.abc import Mapping

_QUIET = ("azure", "msal", "uvicorn")  # only their warnings are shown
_SHOWN = ("bridge.source", "bridge.kind", "bridge.reason", "bridge.delivery")


def configure() -> None:
    """Write the log of this process to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(StepFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class StepFormatter(logging.Formatter):
    """Formats steps as short lines instead of JSON; every line begins with the time of day."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and the traceback if there is one."""
        text = _step(vars(record)) if record.name == "bridge.steps" else super().format(record)
        return f"{time.strftime('%H:%M:%S', time.localtime(record.created))} {text}"


def _step(fields: Mapping[str, object]) -> str:
    """The line of a step, from the attributes that its record has beside its JSON."""
    entry = str(fields.get("bridge.entry", ""))[:12]
    values = [str(fields[name]) for name in _SHOWN if fields.get(name)]
    return " ".join([f"{fields['bridge.step']:<9}", f"{entry:<12}", *values])
