"""The last webhooks that came in, as they came: what the page shows beside a post."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.entries import Entry, from_message
from bridge.local.host.http_functions import Exchange

_PATH = "/api/webhooks/"
_MOST = 500
_LARGEST = 256 * 1024  # bytes of a body that are kept
_SECRET_HEADERS = {"authorization", "cookie", "proxy-authorization", "x-functions-key"}


@dataclass(frozen=True)
class Kept:
    """A webhook, when it came, and the entries that it was queued as."""

    at: float
    exchange: Exchange
    entries: Sequence[Entry]


class WebhookLog:
    """Keeps the last webhooks in memory; safe for threads. secrets: what it never shows. clock: seconds since 1970."""

    def __init__(self, secrets: Iterable[str] = (), clock: Callable[[], float] = time.time) -> None:
        self._secrets = frozenset(secrets)
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: deque[Kept] = deque()
        self._by_reference: OrderedDict[str, Kept] = OrderedDict()
        self._times: deque[float] = deque(maxlen=100_000)

    def add(self, exchange: Exchange) -> None:
        """Keeps it if it is a webhook."""
        if not exchange.path.startswith(_PATH):
            return
        items = [from_message(message) for message in exchange.messages]
        kept = Kept(self._clock(), exchange, [item for item in items if isinstance(item, Entry)])
        with self._lock:
            self._times.append(kept.at)
            self._kept.append(kept)
            self._by_reference |= {entry.reference: kept for entry in kept.entries}
            if len(self._kept) > _MOST:
                for entry in self._kept.popleft().entries:
                    self._by_reference.pop(entry.reference, None)

    def times(self) -> list[float]:
        """When webhooks came, the newest first."""
        with self._lock:
            return list(reversed(self._times))

    def entries(self) -> dict[str, tuple[float, Entry]]:
        """What was queued, by ids, each with the time when it came."""
        with self._lock:
            return {entry.id: (kept.at, entry) for kept in self._kept for entry in kept.entries}

    def has(self, reference: str) -> bool:
        """Whether it knows the webhook of the entry with that reference."""
        return reference in self._by_reference

    def shown(self, reference: str) -> Mapping[str, Any] | None:
        """The webhook of an entry, in plain values for JSON; its secrets are left out."""
        with self._lock:
            kept = self._by_reference.get(reference)
        if kept is None:
            return None
        body, exchange = kept.exchange.body or b"", kept.exchange
        return {
            "at": kept.at,
            "line": f"{exchange.method} {exchange.path}",
            "headers": {
                name: "(left out)" if self._is_secret(name, value) else value
                for name, value in exchange.headers.items()
            },
            "body": body[:_LARGEST].decode("utf-8", "replace"),
            "is_cut": len(body) > _LARGEST,
            "status": exchange.status,
            "answer": exchange.answer.decode("utf-8", "replace"),
        }

    def _is_secret(self, name: str, value: str) -> bool:
        return name.lower() in _SECRET_HEADERS or any(secret in value for secret in self._secrets)
