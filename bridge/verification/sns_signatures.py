"""Signatures of Amazon SNS, made with the key of a certificate that it publishes.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
Imported only where it is configured: the cryptography takes a tenth of a second.
"""

import base64
import binascii
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_pem_x509_certificate

from bridge.errors import AuthenticationError, CommandError, Unavailable
from bridge.events import Webhook
from bridge.fields import as_time, parse_json

_ARN = re.compile(r"arn:(aws[a-z-]*):sns:([a-z0-9-]{3,30}):\d+:[\w.-]+", re.ASCII)
# AWS signs with SHA-1 unless the topic's SignatureVersion is set to 2.
_HASHES: Mapping[str, Callable[[], hashes.HashAlgorithm]] = {"1": hashes.SHA1, "2": hashes.SHA256}
# SNS tries a message again for an hour at most, whatever the subscription's delivery policy says.
# https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html#creating-delivery-policy
_OLDEST = 3600 + 300  # seconds
_EARLIEST = 300  # that clocks may differ by
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_SUBSCRIPTION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def host(topic: str) -> str:
    """The host that publishes the certificates of a topic's region; empty for a text that is not a topic's ARN."""
    if not (match := _ARN.fullmatch(topic)):
        return ""
    return f"sns.{match[2]}.amazonaws.com{'.cn' if match[1] == 'aws-cn' else ''}"


@dataclass(frozen=True)
class SnsSignature:
    """The signature of SNS on a message of one of the configured topics; the credentials are their ARNs.

    keys: fetches the content of a URL; Unavailable when it fails. clock: seconds since 1970.
    """

    keys: Callable[[str], bytes] = field(repr=False, compare=False)
    clock: Callable[[], float] = field(default=time.time, repr=False, compare=False)

    def signs_body(self, webhook: Webhook) -> bool:  # noqa: ARG002  every message has its signature in the body
        """True: the URL of the subscription is not signed."""
        return True

    def verify(self, webhook: Webhook, credentials: Sequence[str]) -> None:
        """Returns if SNS signed the body for one of the topics; AuthenticationError with the reason otherwise."""
        message = _message(webhook.body)
        topic = message.get("TopicArn", "")
        if topic not in credentials:
            raise AuthenticationError("The topic of the message is not in BRIDGE_AWS_SNS_TOPICS.")
        url = message.get("SigningCertURL", "")
        parts = urlsplit(url)
        if (parts.scheme, parts.netloc) != ("https", host(topic)) or not parts.path.endswith(".pem"):
            raise AuthenticationError(
                "SigningCertURL is not on the host that publishes the certificates of the topic's region."
            )
        algorithm = _HASHES.get(message.get("SignatureVersion", ""))
        if algorithm is None:
            raise AuthenticationError("SignatureVersion is neither 1 nor 2.")
        try:
            signature = base64.b64decode(message.get("Signature", ""), validate=True)
            _key(self.keys(url)).verify(signature, _signed(message), PKCS1v15(), algorithm())
        except (InvalidSignature, binascii.Error):
            raise AuthenticationError("The signature is not of this message with the key of SigningCertURL.") from None
        sent = as_time(message.get("Timestamp", ""))
        if sent is None or not -_EARLIEST <= self.clock() - sent.timestamp() <= _OLDEST:
            raise AuthenticationError("The message was signed longer ago than SNS tries to deliver it.")

    def sign(self, body: bytes, secret: str) -> Mapping[str, str]:  # noqa: ARG002  for other schemes
        """Raises CommandError: only AWS has the private key."""
        raise CommandError("Only AWS can sign this: send it to a bridge without BRIDGE_AWS_SNS_TOPICS.")

    def describe(self) -> str:
        """One phrase for tables."""
        return "the signature of SNS in the body"


def _message(body: bytes) -> Mapping[str, str]:
    try:
        content = parse_json(body)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise AuthenticationError("The body is not a message of SNS: turn raw message delivery off.")
    return {name: value for name, value in content.items() if isinstance(value, str)}


def _signed(message: Mapping[str, str]) -> bytes:
    """The signed text: names and values, each on a line; a notification without a subject is signed without one."""
    names = _NOTIFICATION if message.get("Type") == "Notification" else _SUBSCRIPTION
    return "".join(f"{name}\n{message[name]}\n" for name in names if name in message).encode("utf-8", "replace")


def _key(certificate: bytes) -> RSAPublicKey:
    try:
        key = load_pem_x509_certificate(certificate).public_key()
    except ValueError as error:
        raise Unavailable("The certificate that AWS publishes cannot be read.") from error
    if not isinstance(key, RSAPublicKey):
        raise Unavailable("The certificate that AWS publishes has no RSA key.")
    return key
