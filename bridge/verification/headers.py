"""What all schemes need to read headers, and to compare what is in them in constant time."""

import hmac
from collections.abc import Iterable, Sequence

from bridge.errors import AuthenticationError
from bridge.events import Webhook

# The beginning of a public key in the specification of Standard Webhooks. Anyone may know it: it is never a secret.
PUBLIC_KEY = "whpk_"


def compare(given: Iterable[str], expected: Sequence[str], reason: str) -> None:
    """Returns if one of the given texts is expected. All pairs are compared, and in constant time."""
    pairs = [(one.encode("utf-8", "replace"), other.encode()) for one in given for other in expected]
    results = [hmac.compare_digest(one, other) for one, other in pairs]
    if not any(results):
        raise AuthenticationError(reason)


def given(webhook: Webhook, header: str) -> str:
    """The value of a header; AuthenticationError where it is missing."""
    if value := webhook.header(header).strip():
        return value
    raise AuthenticationError(f"The header {header} is missing: set the secret in the service's webhook settings.")


def once(webhook: Webhook, header: str) -> str:
    """The value of a header without commas: hosts join repeated headers with them."""
    value = given(webhook, header)
    if "," in value:
        raise AuthenticationError(f"The header {header} was sent more than once: set it in one place only.")
    return value


def private(secrets: Iterable[str]) -> list[str]:
    """The secrets without public keys."""
    return [secret for secret in secrets if not secret.startswith(PUBLIC_KEY)]
