"""Verifiers for secrets that are sent along: in a header of their own, or as a password."""

import base64
from collections.abc import Mapping, Sequence

from bridge.events import Webhook
from bridge.values import dataclass
from bridge.verification.headers import PUBLIC_KEY, compare, once, private


@dataclass(frozen=True)
class Token:
    """The secret itself in a header, after a prefix in any case (`Bearer `)."""

    header: str
    prefix: str = ""

    def signs_body(self, webhook: Webhook) -> bool:  # noqa: ARG002  none has a signature
        """False: the secret is for the whole request."""
        return False

    def verify(self, webhook: Webhook, credentials: Sequence[str]) -> None:
        """Returns if one of the secrets is in the header; raises AuthenticationError otherwise."""
        kind, token = _split(once(webhook, self.header), len(self.prefix))
        given = [token] if kind.lower() == self.prefix.lower() else []
        compare(
            given,
            private(credentials),
            f"The header {self.header} does not hold {self.prefix}and the configured secret.",
        )

    def sign(self, body: bytes, secret: str) -> Mapping[str, str]:  # noqa: ARG002  the secret is the same for any body
        """The header with the secret."""
        return {self.header: self.prefix + secret}

    def key_size(self, secret: str) -> int | None:
        """The bytes of the secret."""
        return _size(secret)

    def describe(self) -> str:
        """One phrase for tables."""
        return f"the secret in {self.header}{f' after {self.prefix.strip()}' if self.prefix else ''}"


@dataclass(frozen=True)
class Basic:
    """HTTP's basic authentication (RFC 7617), with the secret as the password and any user name."""

    def signs_body(self, webhook: Webhook) -> bool:  # noqa: ARG002  none has a signature
        """False: the secret is for the whole request."""
        return False

    def verify(self, webhook: Webhook, credentials: Sequence[str]) -> None:
        """Returns if one of the secrets is the password; raises AuthenticationError otherwise."""
        kind, encoded = _split(once(webhook, "Authorization"), len("Basic "))
        given = [_decode(encoded).partition(":")[2]] if kind.lower() == "basic " else []
        compare(given, private(credentials), "The password of the basic authentication is not the configured secret.")

    def sign(self, body: bytes, secret: str) -> Mapping[str, str]:  # noqa: ARG002  the secret is the same for any body
        """The header with the password."""
        return {"Authorization": f"Basic {base64.b64encode(f'bridge:{secret}'.encode()).decode()}"}

    def key_size(self, secret: str) -> int | None:
        """The bytes of the password."""
        return _size(secret)

    def describe(self) -> str:
        """One phrase for tables."""
        return "basic authentication"


def _size(secret: str) -> int | None:
    return None if secret.startswith(PUBLIC_KEY) else len(secret.encode())


def _split(text: str, position: int) -> tuple[str, str]:
    return text[:position], text[position:]


def _decode(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8", "replace")
    except ValueError:
        return ""
