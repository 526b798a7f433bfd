"""Who the bridge is to Microsoft Graph: where its access tokens come from."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bridge.errors import NotSent

if TYPE_CHECKING:
    from collections.abc import Callable

# A claims challenge that demands nothing: it is answered with a token that is not from memory.
FRESH = "{}"
_RENEW = 300.0  # seconds before a token expires
_TOKEN = re.compile(r"(?i:bearer)\s+[^\s\"',;]+|eyJ[\w-]{6,}(?:\.[\w-]*){0,4}")


class Identity(Protocol):
    """Somebody whom Microsoft Graph knows."""

    def token(self, claims: str = "") -> str:
        """An access token, from memory while it is good.

        claims: the JSON of a claims challenge, or FRESH; either gives a token that is not from memory.
        Raises NotSent when the issuer cannot be reached or fails, AccessRefused when it gives this identity no token.
        """


@dataclass(frozen=True)
class Token:
    """An access token and for how many seconds it is good, by the issuer's word."""

    text: str
    lifetime: float


class Remembered:
    """An `Identity` whose tokens are kept until shortly before they expire, and fetched by one thread at a time.

    fetch: gives a new token for a claims challenge, FRESH, or nothing in particular. clock: seconds since 1970.
    """

    def __init__(self, fetch: Callable[[str], Token], clock: Callable[[], float] = time.time) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._text = ""
        self._renew = self._expires = 0.0

    def token(self, claims: str = "") -> str:
        """See `Identity.token`."""
        with self._lock:
            now = self._clock()
            if claims or now >= self._renew:
                try:
                    self._keep(self._fetch(claims), now)
                except NotSent:
                    # While the issuer is down, the token that is due for renewal is still good.
                    if claims or now >= self._expires:
                        raise
            return self._text

    def _keep(self, token: Token, asked: float) -> None:
        self._text = token.text
        self._expires = asked + token.lifetime
        self._renew = self._expires - min(_RENEW, token.lifetime / 2)


def without_tokens(text: str) -> str:
    """The text with everything that looks like a token blotted out."""
    return _TOKEN.sub("[token]", text)


def in_short(text: str) -> str:
    """What an issuer says, on one line of bounded length, without anything that looks like a token."""
    return " ".join(without_tokens(text).split())[:500]
