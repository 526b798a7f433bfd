"""The networks from which GitHub sends webhooks, as it publishes them. Imported only if the settings ask for them."""

import ipaddress
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from bridge.fields import dig, parse_json
from bridge.verification.fetching import fetch
from bridge.verification.networks import Network, is_in

_META = "https://api.github.com/meta"  # https://docs.github.com/rest/meta/meta#get-github-meta-information
# Those that projects list for it in 2026: they count until it could be fetched for the first time.
_PUBLISHED = (
    "192.30.252.0/22",
    "185.199.108.0/22",
    "140.82.112.0/20",
    "143.55.64.0/20",
    "2a0a:a440::/29",
    "2606:50c0::/32",
)
_KEPT = 24 * 3600.0  # seconds
_PAUSE = 600.0  # seconds between two requests, of the sixty an hour that GitHub answers without a token
_DEADLINE = 4.0  # seconds, during which a sender waits
_LARGEST = 4 << 20  # bytes: it lists thousands of networks of GitHub Actions, too

_logger = logging.getLogger(__name__)


class GithubNetworks:
    """The networks of GitHub's webhooks, as it publishes them; thread-safe.

    answer: returns that of its API. clock: monotonic seconds.
    """

    def __init__(self, answer: Callable[[], bytes] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._answer = answer or partial(fetch, _META, _LARGEST, _DEADLINE)
        self._clock = clock
        self._networks: Sequence[Network] = [ipaddress.ip_network(text) for text in _PUBLISHED]
        self._asked = float("-inf")
        self._lock = threading.Lock()
        self._requests = ThreadPoolExecutor(1, "github-networks")

    def __contains__(self, address: object) -> bool:
        """Whether the address is in one of them. They are fetched once a day, and for an unknown address once again."""
        self._refresh(_KEPT)
        if not is_in(address, self._networks):
            self._refresh(_PAUSE)
        return is_in(address, self._networks)

    def _refresh(self, age: float) -> None:
        """Fetches them if they were last asked for so many seconds ago. While that fails, those before are kept.

        A webhook that needs them meanwhile waits for the same answer.
        """
        if self._clock() - self._asked < age or not self._lock.acquire(timeout=_DEADLINE):
            return
        try:
            if self._clock() - self._asked >= age:
                self._fetch()
        finally:
            self._lock.release()

    def _fetch(self) -> None:
        # In another thread: a host that sends its headers byte by byte has no other time limit.
        fetched = self._requests.submit(lambda: _networks_of(self._answer()))
        try:
            self._networks = fetched.result(_DEADLINE)
        except Exception as error:  # noqa: BLE001  hosts and libraries fail in many ways
            fetched.cancel()
            _logger.warning("GitHub's networks at %s cannot be fetched: %s", _META, type(error).__name__)
        finally:
            self._asked = self._clock()


def _networks_of(answer: bytes) -> Sequence[Network]:
    texts: list[str] = dig(parse_json(answer), "hooks", [])
    found = [ipaddress.ip_network(text) for text in texts]
    if not found:
        raise ValueError("no networks")
    return found
