"""Keys that services publish, fetched when a signature needs them: only from known addresses, and rarely.

Whatever a host does, a sender waits for seconds, what was fetched before stays in use, and memory is bounded.
"""

import logging
import math
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from bridge.errors import Unavailable
from bridge.verification.fetching import NotPublished, fetch

KEPT = 24 * 3600.0  # seconds; https://learn.microsoft.com/entra/identity-platform/signing-key-rollover asks for a day
INTERVAL = 300.0  # seconds between two requests for keys of which one is missing
RETRY = 10.0  # seconds until an address that failed is asked again
MOST = 16  # addresses in the cache; a service has one to three
AT_ONCE = 4  # requests under way, to all addresses together
LARGEST = 256 * 1024  # bytes of one answer; Entra's are the longest, with 20 KiB
DEADLINE = 4.0  # seconds for one request, during which the sender waits

_logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass
class _Address(Generic[T]):
    """What one address published last.

    asked: when the last request began. failure: the kind of error if it failed. lock: held during a request.
    """

    keys: T | None = None
    fetched: float = -math.inf
    asked: float = -math.inf
    failure: type[Unavailable] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def is_due(self, now: float, *, fresh: bool) -> bool:
        if self.failure:
            return now - self.asked >= RETRY
        return now - self.fetched >= (INTERVAL if fresh else KEPT)


class PublishedKeys(Generic[T]):
    """Fetches keys from the addresses that publish them, and caches them; thread-safe.

    addresses: matches every address that may be asked, as a whole. read: turns an answer into keys; an error of any
    kind is a failure of the host. clock: monotonic seconds.
    """

    def __init__(
        self, addresses: re.Pattern[str], read: Callable[[bytes], T], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._addresses = addresses
        self._read = read
        self._clock = clock
        self._known: dict[str, _Address[T]] = {}  # the one used last is the last
        self._lock = threading.Lock()
        self._requests = ThreadPoolExecutor(AT_ONCE, "published-keys")

    def __call__(self, url: str, *, fresh: bool = False) -> T:
        """Returns the keys at the address, at most a day old; older while its host fails.

        fresh: a key is missing in them, so they are fetched again, but at most every five minutes. Unavailable when the
        host fails and nothing is cached, or when the address is not a known one.
        """
        if not self._addresses.fullmatch(url):
            raise Unavailable("No keys are fetched from this address: it is not one of those that publish them.")
        address = self._of(url)
        if address.is_due(self._clock(), fresh=fresh):
            # One thread asks. The others wait for the same answer, unless they can do without it.
            waits = 0 if address.keys is not None and not fresh else DEADLINE
            if address.lock.acquire(timeout=waits):
                try:
                    if address.is_due(self._clock(), fresh=fresh):
                        self._ask(url, address)
                finally:
                    address.lock.release()
        if address.keys is None:
            raise (address.failure or Unavailable)(f"There are no keys from {url.split('/')[2]} now; the log says why.")
        return address.keys

    def __len__(self) -> int:
        """The number of addresses in the cache."""
        return len(self._known)

    def _of(self, url: str) -> _Address[T]:
        with self._lock:
            address = self._known[url] = self._known.pop(url) if url in self._known else _Address()
            if len(self._known) > MOST:
                # Addresses that never published anything go first: a stranger can name as many as there are.
                others = [known for known in self._known if known != url]
                del self._known[next((known for known in others if self._known[known].keys is None), others[0])]
            return address

    def _ask(self, url: str, address: _Address[T]) -> None:
        address.asked = self._clock()
        # In another thread: a name server, or a host that sends its headers byte by byte, has no other time limit.
        answer = self._requests.submit(lambda: self._read(fetch(url, LARGEST, DEADLINE)))
        try:
            address.keys = answer.result(DEADLINE)
            address.fetched, address.failure = address.asked, None
        except Exception as error:  # noqa: BLE001  hosts, libraries and readers fail in many ways
            if answer.cancel():  # it has never begun: other addresses are slow, and this one is not to blame
                return
            _logger.warning("The keys at %s cannot be fetched: %s", url, type(error).__name__)
            address.failure = NotPublished if isinstance(error, NotPublished) else Unavailable
