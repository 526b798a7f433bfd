"""How senders prove who they are: each scheme is a value, and the comparison stands here once."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.errors import Unproved
from bridge.events import Webhook


@dataclass(frozen=True)
class Hmac:
    """A keyed hash of the raw body in a header (RFC 2104): `<prefix><hexadecimal digest>`."""

    header: str
    prefix: str = ""
    algorithm: str = "sha256"

    def verify(self, webhook: Webhook, secrets: Sequence[str]) -> None:
        """Returns when one of the secrets signed the body; raises Unproved otherwise."""
        given = webhook.header(self.header)
        if not given:
            raise Unproved(f"The header {self.header} is missing: set the secret in the service's webhook settings.")
        # Every secret is tried and compared in constant time, so that the answer's time tells nothing.
        proofs = [_same(given, self._signature(webhook.body, secret)) for secret in secrets]
        if not any(proofs):
            raise Unproved(f"The signature in {self.header} is not of this body with the configured secret.")

    def sign(self, body: bytes, secret: str) -> Mapping[str, str]:
        """The headers by which a sender who knows the secret proves the body."""
        return {self.header: self._signature(body, secret)}

    def describe(self) -> str:
        """One phrase for tables."""
        return f"HMAC-{self.algorithm.upper()} in {self.header}"

    def _signature(self, body: bytes, secret: str) -> str:
        return self.prefix + hmac.new(secret.encode(), body, getattr(hashlib, self.algorithm)).hexdigest()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
