"""The warnings that a piece of work logs, to be shown elsewhere."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Collector(logging.Filter):
    """Takes the warnings of one thread out of the log."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()
        self.texts: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        if record.thread != self._thread or record.levelno < logging.WARNING:
            return True
        self.texts.append(record.getMessage())
        return False


@contextmanager
def warnings_of(*modules: str) -> Iterator[list[str]]:
    """Collect what the modules warn of in this thread, in place of logging it."""
    collector = _Collector()
    loggers = [logging.getLogger(name) for name in modules]
    for logger in loggers:
        logger.addFilter(collector)
    try:
        yield collector.texts
    finally:
        for logger in loggers:
            logger.removeFilter(collector)
