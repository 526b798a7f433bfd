"""Memos: small texts that parts of the bridge keep for themselves from one sweep to the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class StoredText:
    """A text of which there is one for the whole app. An empty version means that there is none yet."""

    text: str = ""
    version: str = ""


@dataclass(frozen=True)
class Memo:
    """A small text that a part of the bridge keeps for itself: of that kind, by its name within the kind.

    kind: letters. An empty version means that there is no such row yet.
    """

    kind: str
    name: str
    text: str
    version: str = ""


class Memos(Protocol):
    """Small texts that parts of the bridge keep for themselves, of which there are few."""

    def memos(self, kind: str) -> Sequence[Memo]:
        """All of a kind, in one request."""

    def write_memo(self, memo: Memo) -> Memo:
        """Writes it over the one that was read; it comes back with its new version. Conflict as in `claim`."""

    def remove_memo(self, memo: Memo) -> None:
        """Removes it, if it is the one that was read. Conflict as in `claim`."""
