"""Webhooks that reach no function. In Azure the host answers them without a word; here the log says what helps."""

import logging

from bridge.local.config import FUNCTION_KEY
from bridge.local.host.http_functions import Exchange
from bridge.sources import Sources
from bridge.spelling import hint

_WEBHOOKS = "/api/webhooks/"
_MOST = 80  # characters of a path

_logger = logging.getLogger(__name__)


def log_missing_key(exchange: Exchange) -> None:
    """Log what a webhook lacks that the host has refused; the bridge gives a reason with its own refusals."""
    if exchange.status == 401 and not exchange.answer and exchange.path.startswith(_WEBHOOKS):
        _logger.warning("401 for %s: append ?code=%s to its URL, or set its secret.", exchange.path, FUNCTION_KEY)


def log_unknown_source(path: str, sources: Sources) -> None:
    """Log that the path below `/api/webhooks/` is that of no source, and which one may be meant."""
    known = [sources.path(name) for name in sources]
    path = path[:_MOST]
    _logger.warning("404 for %r: there is no such source%s", _WEBHOOKS + path, hint(path, known) or ".")
