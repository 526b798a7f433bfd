"""The seam between publishing and Microsoft Graph: how a post gets into a group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Post:
    """What is sent at once: the cards of one or more entries.

    references: one for each entry, each of them visible in `html`.
    participants: "Name <address>" of people whom a new thread of it invites.
    """

    group: str
    topic: str
    html: str
    references: tuple[str, ...]
    participants: tuple[str, ...] = ()
    conversation: str = ""


class Channel(Protocol):
    """Three calls with opaque thread references; each raises the GraphErrors of `bridge.errors`."""

    def start(self, post: Post) -> str:
        """Starts a thread with the post and returns the thread's reference."""

    def reply(self, thread: str, post: Post) -> str:
        """Puts the post into the thread and returns the reference that the thread has now."""

    def find(self, group: str, references: Sequence[str], since: datetime, thread: str = "") -> Mapping[str, str]:
        """Which of these references the group shows, each with its thread. Those not found are left out.

        since: nothing older than this is looked at. thread: where to look, if the posts were replies to it.
        """
