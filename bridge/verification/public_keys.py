"""Keys that services publish, fetched when a signature needs them: only from known hosts, and rarely."""

import logging
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests

from bridge.errors import Unavailable

KEPT = 24 * 3600.0  # seconds; https://learn.microsoft.com/entra/identity-platform/signing-key-rollover asks for a day
INTERVAL = 300.0  # seconds between two requests for keys of which one is missing
RETRY = 10.0  # seconds until a host that failed is asked again
_TIMEOUT = 2.0  # seconds, during which the sender waits
_LARGEST = 1 << 20  # bytes

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Kept:
    """The last content of a URL, if there ever was one. asked: the last time; failed: whether that was in vain."""

    content: bytes = b""
    fetched: float = 0.0
    asked: float = 0.0
    failed: bool = False


class PublishedKeys:
    """Fetches the content of URLs with published keys, and caches it; thread-safe.

    hosts: the only ones that are asked, over HTTPS. clock: monotonic seconds.
    """

    def __init__(self, hosts: Collection[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._hosts = frozenset(hosts)
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def __call__(self, url: str, *, fresh: bool = False) -> bytes:
        """Returns the content of the URL, at most a day old; older while its host fails.

        fresh: a key is missing in it, so it is fetched again, but at most every five minutes. Unavailable when the host
        fails and nothing is cached, or when it is not one of the known hosts.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" or parts.netloc not in self._hosts:
            raise Unavailable(
                f"No keys are fetched from {parts.netloc or 'nowhere'}: it is not one of the known hosts."
            )
        # One thread asks while the others wait for the same answer.
        with self._lock:
            kept = self._kept.get(url)
            if kept is None or self._is_due(kept, fresh=fresh):
                kept = self._kept[url] = self._asked(url, kept or _Kept())
        if not kept.content:
            raise Unavailable(f"The keys of {parts.netloc} cannot be fetched now; the log says why.")
        return kept.content

    def _is_due(self, kept: _Kept, *, fresh: bool) -> bool:
        now = self._clock()
        if kept.failed:
            return now - kept.asked >= RETRY
        return now - kept.fetched >= (INTERVAL if fresh else KEPT)

    def _asked(self, url: str, kept: _Kept) -> _Kept:
        now = self._clock()
        try:
            return _Kept(_fetch(url), now, now)
        except requests.RequestException as error:
            _logger.warning("The keys at %s cannot be fetched: %s", url, type(error).__name__)
            return _Kept(kept.content, kept.fetched, now, failed=True)


def _fetch(url: str) -> bytes:
    with requests.get(url, timeout=_TIMEOUT, allow_redirects=False, stream=True) as response:
        if response.status_code != 200:
            raise requests.HTTPError(f"status {response.status_code}")
        content = bytes(response.raw.read(_LARGEST, decode_content=True))
    if not content:
        raise requests.HTTPError("no content")
    return content
