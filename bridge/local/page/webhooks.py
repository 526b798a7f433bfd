"""The most recent webhooks as they came in, which the page shows beside their posts."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.entries import Entry, from_message
from bridge.local.host.http_functions import Exchange
from bridge.local.secrecy import HIDDEN, without

_PATH = "/api/webhooks/"
_MOST = 500
_LARGEST = 256 * 1024  # bytes of a body that are shown
_SECRET_HEADERS = {"authorization", "cookie", "proxy-authorization", "x-functions-key"}


@dataclass(frozen=True)
class RecentWebhook:
    """A webhook, the time when it came, and the entries that were queued for it."""

    at: float
    exchange: Exchange
    entries: Sequence[Entry]


class WebhookLog:
    """Keeps the most recent webhooks in memory; safe for threads.

    secrets: texts that are never shown. clock: seconds since 1970.
    """

    def __init__(self, secrets: Iterable[str] = (), clock: Callable[[], float] = time.time) -> None:
        self._secrets = frozenset(secrets)
        self._clock = clock
        self._lock = threading.Lock()
        self._new: deque[tuple[float, Exchange]] = deque(maxlen=_MOST)  # nobody has asked for them yet
        self._recent: deque[RecentWebhook] = deque()
        self._by_entry: OrderedDict[str, RecentWebhook] = OrderedDict()
        self._times: deque[float] = deque(maxlen=100_000)

    def add(self, exchange: Exchange) -> None:
        """Add the exchange if it is a webhook."""
        if not exchange.path.startswith(_PATH):
            return
        with self._lock:
            at = self._clock()
            self._times.append(at)
            self._new.append((at, exchange))

    def times(self) -> list[float]:
        """When webhooks came, newest first."""
        with self._lock:
            return list(reversed(self._times))

    def entries(self) -> dict[str, tuple[float, Entry]]:
        """The queued entries by id, each with the time when its webhook came."""
        with self._lock:
            self._read()
            return {entry.id: (webhook.at, entry) for webhook in self._recent for entry in webhook.entries}

    def has(self, entry_id: str) -> bool:
        """Whether the webhook of the entry is still here."""
        with self._lock:
            self._read()
            return entry_id in self._by_entry

    def show(self, entry_id: str) -> Mapping[str, Any] | None:
        """The webhook of an entry without its secrets, ready for JSON."""
        with self._lock:
            self._read()
            webhook = self._by_entry.get(entry_id)
        if webhook is None:
            return None
        body, exchange = webhook.exchange.body or b"", webhook.exchange
        return {
            "at": webhook.at,
            "line": f"{exchange.method} {exchange.path}",
            "headers": {
                name: HIDDEN if self._is_secret(name, value) else value for name, value in exchange.headers.items()
            },
            "body": without(self._secrets, body[:_LARGEST].decode("utf-8", "replace")),
            "is_cut": len(body) > _LARGEST,
            "status": exchange.status,
            "answer": without(self._secrets, exchange.answer.decode("utf-8", "replace")),
        }

    def _read(self) -> None:
        """Find the entries of new webhooks: not when they come, as that would take time from their answers."""
        while self._new:
            at, exchange = self._new.popleft()
            items = [from_message(message) for message in exchange.messages]
            webhook = RecentWebhook(at, exchange, [item for item in items if isinstance(item, Entry)])
            self._recent.append(webhook)
            self._by_entry |= {entry.id: webhook for entry in webhook.entries}
            if len(self._recent) > _MOST:
                for entry in self._recent.popleft().entries:
                    self._by_entry.pop(entry.id, None)

    def _is_secret(self, name: str, value: str) -> bool:
        return name.lower() in _SECRET_HEADERS or any(secret in value for secret in self._secrets)
