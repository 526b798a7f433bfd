"""Keys that others publish, fetched when a signature needs them: from known hosts only, and rarely."""

import logging
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests

from bridge.errors import Unavailable

KEPT = 24 * 3600.0  # seconds; https://learn.microsoft.com/entra/identity-platform/signing-key-rollover asks for a day
PAUSE = 300.0  # seconds between two requests for keys that are still kept
RETRY = 10.0  # seconds until a host that failed is asked again
_TIMEOUT = 2.0  # seconds; the sender waits meanwhile
_LARGEST = 1 << 20  # bytes

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Kept:
    """What a host answered, if it ever did. asked: when it was asked last; failed: then without success."""

    content: bytes = b""
    fetched: float = 0.0
    asked: float = 0.0
    failed: bool = False


class PublishedKeys:
    """What lies at the URLs of published keys; safe for threads.

    hosts: the only ones that are asked, and over HTTPS alone. clock: seconds, of any beginning.
    """

    def __init__(self, hosts: Collection[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._hosts = frozenset(hosts)
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def __call__(self, url: str, *, refresh: bool = False) -> bytes:
        """The content of the URL, at most a day old; older where its host fails.

        refresh: a key is missing in it, so it is asked for again, but not more often than every five minutes.
        Unavailable when the host fails and nothing is kept, or is none of the known ones.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" or parts.netloc not in self._hosts:
            raise Unavailable(f"No keys are fetched from {parts.netloc or 'nowhere'}: it is none of the known hosts.")
        # One asks while the others wait for the same answer.
        with self._lock:
            kept = self._kept.get(url)
            if kept is None or self._is_due(kept, refresh):
                kept = self._kept[url] = self._asked(url, kept or _Kept())
        if not kept.content:
            raise Unavailable(f"The keys of {parts.netloc} cannot be fetched now; the log says why.")
        return kept.content

    def _is_due(self, kept: _Kept, refresh: bool) -> bool:
        now = self._clock()
        if kept.failed:
            return now - kept.asked >= RETRY
        return now - kept.fetched >= (PAUSE if refresh else KEPT)

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
