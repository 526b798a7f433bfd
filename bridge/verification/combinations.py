"""Verifiers that are made of others."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field

from bridge.errors import AuthenticationError, TooDeep, Unavailable
from bridge.events import Webhook
from bridge.fields import parse_json
from bridge.values import dataclass
from bridge.verification.signatures import TOLERANCE
from bridge.verification.verifier import SecretVerifier


@dataclass(frozen=True)
class Dated:
    """A scheme that signs a JSON body in which the sender says when it was sent.

    sent: the field that says so, in milliseconds since 1970; a body without it has no time.
    oldest: how many seconds may have passed: retries may keep the time of the first try.
    clock: seconds since 1970.
    """

    scheme: SecretVerifier
    sent: str
    oldest: float
    clock: Callable[[], float] = field(default=time.time, repr=False, compare=False)

    def signs_body(self, webhook: Webhook) -> bool:
        """Whether the scheme does."""
        return self.scheme.signs_body(webhook)

    def verify(self, webhook: Webhook, credentials: Sequence[str]) -> None:
        """Returns if the scheme authenticates a webhook that is not too old; AuthenticationError otherwise."""
        self.scheme.verify(webhook, credentials)
        # Read after the signature is verified: a stranger's body is never parsed.
        sent = _number(webhook, self.sent)
        if sent is not None and not -TOLERANCE <= self.clock() - sent / 1000 <= self.oldest:
            raise AuthenticationError(
                f"{self.sent} says that the webhook was sent longer ago than the service retries, "
                "or in the future: it may be a replay."
            )

    def sign(self, body: bytes, secret: str) -> Mapping[str, str]:
        """The headers of the scheme; the body says already when it is sent."""
        return self.scheme.sign(body, secret)

    def key_size(self, secret: str) -> int | None:
        """The bytes of key that the scheme takes from the secret."""
        return self.scheme.key_size(secret)

    def describe(self) -> str:
        """One phrase for tables."""
        return f"{self.scheme.describe()}, and the time in {self.sent}"


@dataclass(frozen=True)
class AnyOf:
    """One of several schemes, where the service lets people choose; the first one signs."""

    schemes: tuple[SecretVerifier, ...]

    def signs_body(self, webhook: Webhook) -> bool:
        """Whether one of them does."""
        return any(scheme.signs_body(webhook) for scheme in self.schemes)

    def verify(self, webhook: Webhook, credentials: Sequence[str]) -> None:
        """Returns if one of the schemes authenticates the webhook; else raises AuthenticationError with every reason.

        A secret need not fit all of the schemes.
        """
        reasons = []
        for scheme in self.schemes:
            try:
                return scheme.verify(webhook, credentials)
            except (AuthenticationError, Unavailable) as error:
                reasons.append(str(error))
        raise AuthenticationError(" Or: ".join(reasons))

    def sign(self, body: bytes, secret: str) -> Mapping[str, str]:
        """The headers of the first scheme."""
        return self.schemes[0].sign(body, secret)

    def key_size(self, secret: str) -> int | None:
        """The bytes of the shortest key that a scheme takes from the secret: it is the one that is found out."""
        sizes = [size for scheme in self.schemes if (size := scheme.key_size(secret)) is not None]
        return min(sizes, default=None)

    def describe(self) -> str:
        """One phrase for tables."""
        return " or ".join(scheme.describe() for scheme in self.schemes)


def _number(webhook: Webhook, name: str) -> float | None:
    try:
        content = webhook.parsed or parse_json(webhook.body)
    except (ValueError, TooDeep):
        return None  # it is refused where it is read
    value = content.get(name) if isinstance(content, dict) else None
    return value if isinstance(value, int | float) else None
