"""What every scheme of authentication has in common."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from bridge.events import Webhook


class Verifier(Protocol):
    """One scheme of authentication.

    credentials: what the settings hold for it: secrets, audiences, topics. None is empty, or has a comma.
    """

    def signs_body(self, webhook: Webhook) -> bool:
        """Whether the webhook has a signature, which covers its body alone: a replay may have another URL."""
        ...

    def verify(self, webhook: Webhook, credentials: Sequence[str]) -> None:
        """Returns if the credentials authenticate the webhook; raises AuthenticationError with the reason otherwise."""
        ...

    def sign(self, body: bytes, secret: str) -> Mapping[str, str]:
        """The headers with which a sender that knows the secret authenticates the body."""
        ...

    def describe(self) -> str:
        """One phrase for tables."""
        ...


class SecretVerifier(Verifier, Protocol):
    """A scheme whose credentials are secrets that somebody has chosen or copied, or public keys."""

    def key_size(self, secret: str) -> int | None:
        """The bytes of key that the scheme takes from a secret; None for a secret of another scheme."""
        ...
