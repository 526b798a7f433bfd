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
    conversation: the id of the one in which a new thread of it is started.
    draft: what the channel has prepared of it. abandoned: what it had prepared for tries that were surely not sent.
    """

    group: str
    topic: str
    html: str
    references: tuple[str, ...]
    participants: tuple[str, ...] = ()
    conversation: str = ""
    draft: str = ""
    abandoned: tuple[str, ...] = ()


class Channel(Protocol):
    """Calls with opaque thread references; each raises the GraphErrors of `bridge.errors`."""

    def prepare(self, post: Post, thread: str) -> Post:
        """The post as it is to be sent, with a `draft` if this channel has any. Nobody sees what is only prepared.

        thread: what it will be a reply to; empty when it starts a thread. Never raises OutcomeUnknown.
        """

    def start(self, post: Post) -> str:
        """Starts a thread with the post and returns the thread's reference."""

    def reply(self, thread: str, post: Post) -> str:
        """Puts the post into the thread and returns the reference that the thread has now."""

    def find(self, group: str, references: Sequence[str], since: datetime, where: str = "") -> Mapping[str, str]:
        """Which of these references were posted, each with its thread. Those not found are left out.

        since: nothing older than this is looked at. where: the draft that was sent, or the thread that was replied to.
        """


# What begins the reference of a draft; the ids of threads have no colon.
DRAFT = "mail:"


def is_draft(reference: str) -> bool:
    """Whether a reference is one of the channel that sends drafts."""
    return reference.startswith(DRAFT)
