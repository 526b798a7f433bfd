"""Verifiers: each authenticates the sender of a webhook by one scheme, and all compare in constant time."""

import base64
import contextlib
import hashlib
import hmac
import itertools
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bridge.errors import AuthenticationError, CommandError, Unavailable
from bridge.events import Webhook
from bridge.verification.verifier import Verifier

PUBLIC_KEY = "whpk_"  # the beginning of a public key in the specification of Standard Webhooks
TOLERANCE = 300  # seconds, for the sender's clock and for the time that a webhook takes


@dataclass(frozen=True)
class _Signature:
    """What all signatures in a header have in common.

    header: its value is `<prefix><signature>`.
    separator: between several signatures in the header, one of which must be right; empty: there is only one.
    signed: the text that is signed: `{body}`, another header by its name, such as `{webhook-id}`, or a part of the same
        header, such as `{t=}`.
    timestamp: the one of these that holds the time of signing, in seconds since 1970; at most TOLERANCE from now.
    """

    header: str
    prefix: str = ""
    separator: str = ""
    signed: str = "{body}"
    timestamp: str = ""
    clock: Callable[[], float] = field(default=time.time, repr=False, compare=False)

    def signs_body(self, webhook: Webhook) -> bool:
        """Whether the webhook has the signature's header."""
        return bool(webhook.header(self.header))

    def _given(self, webhook: Webhook) -> tuple[Sequence[str], Mapping[str, str]]:
        """The signatures, and the signed values beside the body, by their names."""
        parts = self._parts(webhook)
        values = {name: self._value(webhook, parts, name) for name in self._names}
        return [part for part in parts if part.startswith(self.prefix)], values

    @property
    def _names(self) -> Sequence[str]:
        """The names of the signed values beside the body."""
        return [name for name in re.findall(r"{(.*?)}", self.signed) if name != "body"]

    def _parts(self, webhook: Webhook) -> list[str]:
        if self.separator:
            return [part.strip() for part in _given(webhook, self.header).split(self.separator)]
        return [_once(webhook, self.header)]

    def _value(self, webhook: Webhook, parts: Iterable[str], name: str) -> str:
        if not name.endswith("="):
            return _once(webhook, name)
        found = [part.removeprefix(name) for part in parts if part.startswith(name)]
        if len(found) != 1:
            raise AuthenticationError(f"The header {self.header} has {len(found)} parts {name} instead of one.")
        return found[0]

    def _message(self, body: bytes, values: Mapping[str, str]) -> bytes:
        # Texts are at the even positions, names at the odd ones.
        return b"".join(
            piece.encode() if place % 2 == 0 else body if piece == "body" else values[piece].encode("utf-8", "replace")
            for place, piece in enumerate(re.split(r"[{}]", self.signed))
        )

    def _in_time(self, values: Mapping[str, str]) -> None:
        if not self.timestamp:
            return
        try:
            age = abs(self.clock() - int(values[self.timestamp]))
        except (ValueError, OverflowError):
            raise AuthenticationError(
                f"The time in {self.timestamp.rstrip('=')} is not a number of seconds since 1970."
            ) from None
        if age > TOLERANCE:
            raise AuthenticationError(
                f"The webhook was signed more than {TOLERANCE // 60} minutes ago, or in the future: is it a replay?"
            )


@dataclass(frozen=True)
class Hmac(_Signature):
    """A keyed hash in a header (RFC 2104).

    secret_prefix: the beginning of secrets that are base64 (`whsec_`); empty: secrets are plain text.
    """

    algorithm: str = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    secret_prefix: str = ""

    def verify(self, webhook: Webhook, credentials: Sequence[str]) -> None:
        """Returns if the body was signed in time with one of the secrets; raises AuthenticationError otherwise."""
        signatures, values = self._given(webhook)
        expected = [self._signature(webhook.body, values, key) for key in self._keys(credentials)]
        _compare(
            signatures, expected, f"The signature in {self.header} is not of this body with the configured secret."
        )
        self._in_time(values)

    def sign(self, body: bytes, secret: str) -> Mapping[str, str]:
        """The headers with which a sender that knows the secret authenticates the body; ids are hashes of the body."""
        now, webhook_id = str(int(self.clock())), hashlib.sha256(body).hexdigest()
        values = {name: now if name == self.timestamp else webhook_id for name in self._names}
        parts = [name + value for name, value in values.items() if name.endswith("=")]
        signature = self.separator.join([*parts, self._signature(body, values, self._keys([secret])[0])])
        return {**{name: value for name, value in values.items() if not name.endswith("=")}, self.header: signature}

    def describe(self) -> str:
        """One phrase for tables."""
        return f"HMAC-{self.algorithm.upper()} in {self.header}"

    def _signature(self, body: bytes, values: Mapping[str, str], key: bytes) -> str:
        digest = hmac.new(key, self._message(body, values), getattr(hashlib, self.algorithm)).digest()
        return self.prefix + (digest.hex() if self.encoding == "hex" else base64.b64encode(digest).decode())

    def _keys(self, secrets: Sequence[str]) -> list[bytes]:
        """The keys among the secrets; the others may be for another scheme of the source."""
        own = [secret for secret in secrets if not (self.secret_prefix and secret.startswith(PUBLIC_KEY))]
        keys = [key for secret in own if (key := self._key(secret)) is not None]
        if own and not keys:
            raise Unavailable(f"No secret consists of {self.secret_prefix} and base64: copy it from the service.")
        return keys

    def _key(self, secret: str) -> bytes | None:
        if not self.secret_prefix:
            return secret.encode()
        try:
            return base64.b64decode(secret.removeprefix(self.secret_prefix), validate=True)
        except ValueError:
            return None


@dataclass(frozen=True)
class Ed25519(_Signature):
    """A signature by a private key (RFC 8032), in base64; the secrets in the settings are the public keys."""

    def verify(self, webhook: Webhook, credentials: Sequence[str]) -> None:
        """Returns if the body was signed in time with the private key of one of them; else AuthenticationError."""
        keys = [secret.removeprefix(PUBLIC_KEY) for secret in credentials if secret.startswith(PUBLIC_KEY)]
        if not keys:
            raise AuthenticationError(f"No public key is configured: it begins with {PUBLIC_KEY}.")
        # Imported here: few services sign like this, and it takes a tenth of a second.
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

        signatures, values = self._given(webhook)
        message = self._message(webhook.body, values)
        for given, key in itertools.product(signatures, keys):
            with contextlib.suppress(InvalidSignature, ValueError):
                signature = base64.b64decode(given.removeprefix(self.prefix), validate=True)
                Ed25519PublicKey.from_public_bytes(base64.b64decode(key)).verify(signature, message)
                return self._in_time(values)
        raise AuthenticationError(f"The signature in {self.header} is not of this body with the configured public key.")

    def sign(self, body: bytes, secret: str) -> Mapping[str, str]:  # noqa: ARG002  for other schemes
        """Raises CommandError: only the owner of the private key can sign."""
        raise CommandError(
            "Nobody can sign with a public key: send it with a shared secret, or with none in the settings."
        )

    def describe(self) -> str:
        """One phrase for tables."""
        return f"an Ed25519 signature in {self.header}"


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
        kind, token = _split(_once(webhook, self.header), len(self.prefix))
        given = [token] if kind.lower() == self.prefix.lower() else []
        _compare(given, credentials, f"The header {self.header} does not hold {self.prefix}and the configured secret.")

    def sign(self, body: bytes, secret: str) -> Mapping[str, str]:  # noqa: ARG002  the secret is the same for any body
        """The header with the secret."""
        return {self.header: self.prefix + secret}

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
        kind, encoded = _split(_once(webhook, "Authorization"), len("Basic "))
        given = [_decode(encoded).partition(":")[2]] if kind.lower() == "basic " else []
        _compare(given, credentials, "The password of the basic authentication is not the configured secret.")

    def sign(self, body: bytes, secret: str) -> Mapping[str, str]:  # noqa: ARG002  the secret is the same for any body
        """The header with the password."""
        return {"Authorization": f"Basic {base64.b64encode(f'bridge:{secret}'.encode()).decode()}"}

    def describe(self) -> str:
        """One phrase for tables."""
        return "basic authentication"


@dataclass(frozen=True)
class Dated:
    """A scheme that signs a JSON body in which the sender says when it was sent.

    sent: the field that says so, in milliseconds since 1970; a body without it has no time.
    oldest: how many seconds may have passed: retries may keep the time of the first try.
    clock: seconds since 1970.
    """

    scheme: Verifier
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
        sent = _number(webhook.body, self.sent)
        if sent is not None and not -TOLERANCE <= self.clock() - sent / 1000 <= self.oldest:
            raise AuthenticationError(
                f"{self.sent} says that the webhook was sent longer ago than the service tries again, "
                "or in the future: is it a replay?"
            )

    def sign(self, body: bytes, secret: str) -> Mapping[str, str]:
        """The headers of the scheme; the body says already when it is sent."""
        return self.scheme.sign(body, secret)

    def describe(self) -> str:
        """One phrase for tables."""
        return f"{self.scheme.describe()}, and the time in {self.sent}"


@dataclass(frozen=True)
class AnyOf:
    """One of several schemes, where the service lets people choose; the first one signs."""

    schemes: tuple[Verifier, ...]

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

    def describe(self) -> str:
        """One phrase for tables."""
        return " or ".join(scheme.describe() for scheme in self.schemes)


def _compare(given: Iterable[str], expected: Sequence[str], reason: str) -> None:
    """Returns if one of the given texts is expected. All pairs are compared, and in constant time."""
    pairs = [(one.encode("utf-8", "replace"), other.encode()) for one in given for other in expected]
    results = [hmac.compare_digest(one, other) for one, other in pairs]
    if not any(results):
        raise AuthenticationError(reason)


def _given(webhook: Webhook, header: str) -> str:
    if value := webhook.header(header).strip():
        return value
    raise AuthenticationError(f"The header {header} is missing: set the secret in the service's webhook settings.")


def _once(webhook: Webhook, header: str) -> str:
    """The value of a header without commas: hosts join repeated headers with them."""
    value = _given(webhook, header)
    if "," in value:
        raise AuthenticationError(f"The header {header} was sent more than once: set it in one place only.")
    return value


def _number(body: bytes, name: str) -> float | None:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None  # it is refused where it is read
    value = content.get(name) if isinstance(content, dict) else None
    return value if isinstance(value, int | float) else None


def _split(text: str, position: int) -> tuple[str, str]:
    return text[:position], text[position:]


def _decode(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8", "replace")
    except ValueError:
        return ""
