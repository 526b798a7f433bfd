"""The access tokens that the stand-ins have issued, and what each of them allows."""

import threading
import time
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Grant:
    """What a token allows.

    kind: `app` for an application by itself, `user` for an application acting for a user. permissions: the roles of
    the application, or the scopes of the user. subject: the object id of the application or user. audience: the Graph
    that accepts the token, such as `https://graph.microsoft.com`. expires: in seconds since 1970.
    """

    kind: Literal["app", "user"]
    permissions: frozenset[str]
    subject: str
    audience: str
    expires: float


class Tokens:
    """Remembers issued tokens; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._grants: dict[str, Grant] = {}

    def remember(self, token: str, grant: Grant) -> None:
        """Record what the token allows."""
        with self._lock:
            self._grants[token] = grant

    def grant(self, token: str) -> Grant | None:
        """What the token allows; None if it was never issued, was revoked, or has expired."""
        with self._lock:
            grant = self._grants.get(token)
        return grant if grant and grant.expires > time.time() else None

    def revoke(self) -> None:
        """Revoke all tokens that have been issued so far."""
        with self._lock:
            self._grants = {}
