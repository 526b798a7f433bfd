"""What fails once must not take the rest with it."""

import contextlib
import logging
from collections.abc import Iterator

_logger = logging.getLogger(__name__)


@contextlib.contextmanager
def by_itself(what: str) -> Iterator[None]:
    """Logs any error, with what it means, and goes on."""
    try:
        yield
    except Exception:
        _logger.exception("%s", what)
