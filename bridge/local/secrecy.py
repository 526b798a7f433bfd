"""Secrets are hidden in everything that the local page shows of a webhook."""

from collections.abc import Iterable

HIDDEN = "(hidden)"


def without(secrets: Iterable[str], text: str) -> str:
    """The text with each secret hidden, the longest first, as one may begin with another."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text
