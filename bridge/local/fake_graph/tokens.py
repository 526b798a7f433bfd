"""The access tokens that the stand-ins have handed out, and what each of them allows."""

import threading
import time
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Grant:
    """What a token stands for.

    kind: an application by itself (`app`), or somebody for whom one acts (`user`). permissions: its roles, or the
    scopes of a user. subject: the object id of who it is. audience: the Graph it is for, `https://graph.microsoft.com`.
    expires: in seconds since 1970.
    """

    kind: Literal["app", "user"]
    permissions: frozenset[str]
    subject: str
    audience: str
    expires: float


class Tokens:
    """Remembers tokens; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._grants: dict[str, Grant] = {}

    def remember(self, token: str, grant: Grant) -> None:
        """Makes the token worth what it is granted."""
        with self._lock:
            self._grants[token] = grant

    def grant(self, token: str) -> Grant | None:
        """What the token is worth now; None when it was never handed out, was revoked, or has expired."""
        with self._lock:
            grant = self._grants.get(token)
        return grant if grant and grant.expires > time.time() else None

    def revoke(self) -> None:
        """Makes all tokens that were handed out until now worthless."""
        with self._lock:
            self._grants = {}
