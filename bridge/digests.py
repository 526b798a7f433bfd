"""Placeholder until the digest's look is merged."""

from collections.abc import Mapping, Sequence

from bridge.entries import Entry


def digest_topic(entries: Sequence[Entry], titles: Mapping[str, str]) -> str:
    """One line."""
    return f"{len(entries)} events"


def digest_html(entries: Sequence[Entry], titles: Mapping[str, str]) -> str:
    """The rows."""
    return "".join(f"<p>{entry.reference}</p>" for entry in entries)
