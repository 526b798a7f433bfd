"""Signatures of Amazon SNS, made with the key of a certificate that it publishes.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
Imported only where it is configured: the cryptography takes a tenth of a second.
"""

import base64
import binascii
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from bridge.errors import AuthenticationError, CommandError
from bridge.events import Webhook
from bridge.fields import as_time, parse_json
from bridge.values import dataclass
from bridge.verification import sns_certificates
from bridge.verification.public_keys import PublishedKeys

# AWS signs with SHA-1 unless the topic's SignatureVersion is set to 2.
_HASHES: Mapping[str, Callable[[], hashes.HashAlgorithm]] = {"1": hashes.SHA1, "2": hashes.SHA256}
# SNS tries a message again for an hour at most, whatever the subscription's delivery policy says.
# https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html#creating-delivery-policy
_OLDEST = 3600 + 300  # seconds
_EARLIEST = 300  # that clocks may differ by
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_SUBSCRIPTION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


class Keys(Protocol):
    """Takes keys from the certificates that SNS publishes."""

    def key(self, url: str, names: frozenset[str]) -> RSAPublicKey:
        """Returns the key in the certificate at the address, which was issued to one of the names."""
        ...


@dataclass(frozen=True)
class SnsSignature:
    """The signature of SNS on a message of one of the configured topics; the credentials are their ARNs.

    keys: the keys of SNS. clock: seconds since 1970.
    """

    keys: Keys = field(repr=False, compare=False)
    clock: Callable[[], float] = field(default=time.time, repr=False, compare=False)

    @classmethod
    def of_amazon(cls, topics: Collection[str]) -> "SnsSignature":
        """The signature with the keys that Amazon publishes for the regions of the topics."""
        regions = [region for topic in topics if (region := sns_certificates.region(topic))]
        published = PublishedKeys(sns_certificates.addresses(regions), sns_certificates.read)
        return cls(sns_certificates.SigningCertificates(published))

    def signs_body(self, webhook: Webhook) -> bool:  # noqa: ARG002  every message has its signature in the body
        """True: the URL of the subscription is not signed."""
        return True

    def verify(self, webhook: Webhook, credentials: Sequence[str]) -> None:
        """Returns if SNS signed the body for one of the topics; AuthenticationError with the reason otherwise.

        Nothing is requested for a message that would be refused whatever its certificate says.
        """
        message = _message(webhook.body)
        topic, url = message.get("TopicArn", ""), message.get("SigningCertURL", "")
        region = sns_certificates.region(topic)
        if topic not in credentials or region is None:
            raise AuthenticationError("The topic of the message is not in BRIDGE_AWS_SNS_TOPICS.")
        if not region.publishes(url):
            raise AuthenticationError(
                "SigningCertURL is not where SNS publishes the certificates of the topic's region."
            )
        algorithm = _HASHES.get(message.get("SignatureVersion", ""))
        if algorithm is None:
            raise AuthenticationError("SignatureVersion is neither 1 nor 2.")
        sent = as_time(message.get("Timestamp", ""))
        if sent is None or not -_EARLIEST <= self.clock() - sent.timestamp() <= _OLDEST:
            raise AuthenticationError("The message was signed longer ago than SNS tries to deliver it.")
        signed = _signed(message)
        try:
            signature = base64.b64decode(message.get("Signature", ""), validate=True)
            self.keys.key(url, region.certificate_names).verify(signature, signed, PKCS1v15(), algorithm())
        except (InvalidSignature, binascii.Error):
            raise AuthenticationError(
                "The signature does not match this message and the key of SigningCertURL."
            ) from None

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
    # Only messages have lines. Otherwise the end of a message could pass for the subject of a shorter one.
    if any("\n" in message.get(name, "") for name in names if name != "Message"):
        raise AuthenticationError("The message has a line break where SNS has none.")
    return "".join(f"{name}\n{message[name]}\n" for name in names if name in message).encode("utf-8", "replace")
