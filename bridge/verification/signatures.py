"""Verifiers for signatures in headers, which are compared in constant time.

What costs nothing comes first: a body is hashed only if the headers have what a signature of the scheme looks like.
"""

import base64
import contextlib
import hashlib
import hmac
import itertools
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Literal

from bridge.errors import AuthenticationError, CommandError, Unavailable
from bridge.events import Webhook
from bridge.limits import MAX_SIGNATURES, MIN_KEY
from bridge.values import dataclass
from bridge.verification.headers import PUBLIC_KEY, compare, given, once, private

_CANNOT_SIGN = "Nobody can sign with a public key: send it with a shared secret, or with none in the settings."
_PUBLIC_KEY_SIZE, _ED25519_SIZE = 32, 64  # bytes, RFC 8032
TOLERANCE = 300  # seconds, for the sender's clock and for the time that a webhook takes


@dataclass(frozen=True)
class _Signature:
    """What all signatures in a header have in common.

    header: its value is `<prefix><signature>`.
    separator: between several signatures in the header, one of the first few of which must be right; empty: there is
        only one.
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

    def _given(self, webhook: Webhook, size: int) -> tuple[Sequence[str], Mapping[str, str]]:
        """The first signatures of so many characters, and the signed values beside the body, by their names.

        A webhook that was not signed in time has none, whatever it is signed with.
        """
        parts = self._parts(webhook)
        values = {name: self._value(webhook, parts, name) for name in self._names}
        self._in_time(values)
        length = len(self.prefix) + size
        signatures = [part for part in parts if len(part) == length and part.startswith(self.prefix)]
        return signatures[:MAX_SIGNATURES], values

    @property
    def _names(self) -> Sequence[str]:
        """The names of the signed values beside the body."""
        return [name for name in re.findall(r"{(.*?)}", self.signed) if name != "body"]

    def _parts(self, webhook: Webhook) -> list[str]:
        if self.separator:
            return [part.strip() for part in given(webhook, self.header).split(self.separator)]
        return [once(webhook, self.header)]

    def _value(self, webhook: Webhook, parts: Iterable[str], name: str) -> str:
        if not name.endswith("="):
            return once(webhook, name)
        found = [part.removeprefix(name) for part in parts if part.startswith(name)]
        if len(found) != 1:
            raise AuthenticationError(f"The header {self.header} has {len(found)} parts {name} instead of one.")
        return found[0]

    def _pieces(self, body: bytes, values: Mapping[str, str]) -> Sequence[bytes]:
        """What is signed, piece by piece: the body is not copied."""
        # Texts are at the even positions, names at the odd ones.
        return [
            piece.encode() if place % 2 == 0 else body if piece == "body" else values[piece].encode("utf-8", "replace")
            for place, piece in enumerate(re.split(r"[{}]", self.signed))
        ]

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
                f"The webhook was signed more than {TOLERANCE // 60} minutes ago, or in the future: it may be a replay."
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
        keys = self._keys(credentials)
        size = getattr(hashlib, self.algorithm)().digest_size
        signatures, values = self._given(webhook, 2 * size if self.encoding == "hex" else _base64_length(size))
        expected = [self._signature(webhook.body, values, key) for key in keys] if signatures else []
        compare(
            signatures, expected, f"The signature in {self.header} does not match this body and the configured secret."
        )

    def sign(self, body: bytes, secret: str) -> Mapping[str, str]:
        """The headers with which a sender that knows the secret authenticates the body; ids are hashes of the body."""
        if not (keys := self._keys([secret])):
            raise CommandError(_CANNOT_SIGN)
        now, webhook_id = str(int(self.clock())), hashlib.sha256(body).hexdigest()
        values = {name: now if name == self.timestamp else webhook_id for name in self._names}
        parts = [name + value for name, value in values.items() if name.endswith("=")]
        signature = self.separator.join([*parts, self._signature(body, values, keys[0])])
        return {**{name: value for name, value in values.items() if not name.endswith("=")}, self.header: signature}

    def describe(self) -> str:
        """One phrase for tables."""
        return f"HMAC-{self.algorithm.upper()} in {self.header}"

    def _signature(self, body: bytes, values: Mapping[str, str], key: bytes) -> str:
        signing = hmac.new(key, digestmod=getattr(hashlib, self.algorithm))
        for piece in self._pieces(body, values):
            signing.update(piece)
        digest = signing.digest()
        return self.prefix + (digest.hex() if self.encoding == "hex" else base64.b64encode(digest).decode())

    def key_size(self, secret: str) -> int | None:
        """The bytes of the key that is the secret, or is encoded in it."""
        key = self._key(secret)
        return None if key is None else len(key)

    def _keys(self, secrets: Sequence[str]) -> list[bytes]:
        """The keys among the secrets; the others may be for another scheme of the source."""
        own = private(secrets)
        keys = [key for secret in own if (key := self._key(secret))]
        if own and not keys:
            raise Unavailable(f"No secret consists of {self.secret_prefix} and base64: copy it from the service.")
        return keys

    def _key(self, secret: str) -> bytes | None:
        if secret.startswith(PUBLIC_KEY):
            return None
        if not self.secret_prefix:
            return secret.encode()
        try:
            key = base64.b64decode(secret.removeprefix(self.secret_prefix), validate=True)
        except ValueError:
            return None
        # Without the prefix, what happens to look like base64 may be the secret of another scheme.
        return key if secret.startswith(self.secret_prefix) or len(key) >= MIN_KEY else None


@dataclass(frozen=True)
class Ed25519(_Signature):
    """A signature by a private key (RFC 8032), in base64; the secrets in the settings are the public keys."""

    def verify(self, webhook: Webhook, credentials: Sequence[str]) -> None:
        """Returns if the body was signed in time with the private key of one of them; else AuthenticationError."""
        keys = [secret for secret in credentials if secret.startswith(PUBLIC_KEY)]
        if not keys:
            raise AuthenticationError(f"No public key is configured: it begins with {PUBLIC_KEY}.")
        signatures, values = self._given(webhook, _base64_length(_ED25519_SIZE))
        # Imported here: few services sign like this, and it takes a tenth of a second.
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

        message = b"".join(self._pieces(webhook.body, values)) if signatures else b""
        for text, key in itertools.product(signatures, map(_public_key, keys)):
            with contextlib.suppress(InvalidSignature, ValueError):
                signature = base64.b64decode(text.removeprefix(self.prefix), validate=True)
                Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
                return
        raise AuthenticationError(
            f"The signature in {self.header} does not match this body and the configured public key."
        )

    def sign(self, body: bytes, secret: str) -> Mapping[str, str]:  # noqa: ARG002  for other schemes
        """Raises CommandError: only the owner of the private key can sign."""
        raise CommandError(_CANNOT_SIGN)

    def key_size(self, secret: str) -> int | None:
        """The bytes of a public key; None for what is none."""
        return len(_public_key(secret)) or None

    def describe(self) -> str:
        """One phrase for tables."""
        return f"an Ed25519 signature in {self.header}"


def _public_key(secret: str) -> bytes:
    """The public key that the secret is; empty where it is none."""
    if not secret.startswith(PUBLIC_KEY):
        return b""
    try:
        key = base64.b64decode(secret.removeprefix(PUBLIC_KEY), validate=True)
    except ValueError:
        return b""
    return key if len(key) == _PUBLIC_KEY_SIZE else b""


def _base64_length(size: int) -> int:
    """The characters of so many bytes in base64."""
    return (size + 2) // 3 * 4
