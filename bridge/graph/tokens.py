"""Access tokens for Microsoft Graph: who gives them, and the cache that keeps them while they are good."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bridge.errors import NotSent

if TYPE_CHECKING:
    from collections.abc import Callable

# A claims challenge without a demand: it is answered with a token that does not come from a cache.
FRESH = "{}"
_RENEW = 300.0  # seconds before a token expires


class Identity(Protocol):
    """An identity that Microsoft Graph knows."""

    def token(self, claims: str = "") -> str:
        """Returns an access token, from a cache while it is good.

        claims: the JSON of a claims challenge, or FRESH; either gives a token that does not come from a cache.
        Raises NotSent when the issuer cannot be reached or fails, AccessRefused when it refuses this identity a token.
        """


@dataclass(frozen=True)
class Token:
    """An access token and its lifetime in seconds, as its issuer states it."""

    text: str
    lifetime: float


class TokenCache:
    """An `Identity` that keeps its token until shortly before it expires; only one thread at a time fetches a new one.

    fetch: returns a new token for a claims challenge, for FRESH, or for an empty text. clock: seconds since 1970.
    """

    def __init__(self, fetch: Callable[[str], Token], clock: Callable[[], float] = time.time) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._text = ""
        self._renew = self._expires = 0.0

    def token(self, claims: str = "") -> str:
        """Returns the cached token, or a new one when it is due for renewal or `claims` asks for one."""
        with self._lock:
            now = self._clock()
            if claims or now >= self._renew:
                try:
                    self._keep(self._fetch(claims), now)
                except NotSent:
                    # While the issuer is down, a token that is due for renewal is still good.
                    if claims or now >= self._expires:
                        raise
            return self._text

    def _keep(self, token: Token, asked: float) -> None:
        self._text = token.text
        self._expires = asked + token.lifetime
        self._renew = self._expires - min(_RENEW, token.lifetime / 2)
