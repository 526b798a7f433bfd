"""The interface between publishing and Microsoft Graph: a channel delivers posts to groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from typing import Protocol


@dataclass(frozen=True)
class Picture:
    """A picture that a post shows: `html` names it as `cid:<id>`. name: of its file. media_type: `image/png`."""

    id: str
    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Post:
    """One message to a group: the cards of one or more entries.

    token: random, and only this message shows it, in the footer of `html`: by it the message is found again.
    participants: "Name <address>" of people whom the post invites to its thread.
    conversation: the id of the conversation in which a new thread is started.
    draft: the reference of the draft that the channel has prepared.
    abandoned: references of drafts for tries that were surely not sent.
    headers, is_important: by what Outlook sorts it, where the channel is mail.
    pictures: those that `html` shows.
    """

    group: str
    topic: str
    html: str
    token: str
    participants: tuple[str, ...] = ()
    conversation: str = ""
    draft: str = ""
    abandoned: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    is_important: bool = False
    pictures: tuple[Picture, ...] = ()


def blamed(participants: Sequence[str], message: str) -> tuple[str, ...]:
    """The participants whom Graph's message names; all of them where it names none."""
    message = message.lower()
    named = tuple(one for one in participants if (address := parseaddr(one)[1].lower()) and address in message)
    return named or tuple(participants)


class Channel(Protocol):
    """Calls with opaque thread references; each raises the GraphErrors of `bridge.errors`."""

    def prepare(self, post: Post, thread: str) -> Post:
        """Prepares the post without showing it to anybody; returns it with its `draft`, if this channel has drafts.

        thread: the one that it replies to; empty when it starts a thread. Never raises OutcomeUnknown.
        """

    def start(self, post: Post) -> str:
        """Starts a thread with the post and returns the thread's reference."""

    def reply(self, thread: str, post: Post) -> str:
        """Adds the post to the thread and returns the reference that the thread has from now on."""

    def find(self, group: str, tokens: Sequence[str], since: datetime, where: str = "") -> Mapping[str, str]:
        """Returns those of the tokens that were posted, each with its thread: that of the earliest post with it.

        A later one is a copy: a person who reads a post can write its token into another.
        since: nothing older is searched. where: the draft that was sent, or the thread of the reply.
        """


# The beginning of a draft's reference; ids of threads have no colon.
DRAFT = "mail:"


def is_draft(reference: str) -> bool:
    """Whether a reference comes from the channel that sends drafts."""
    return reference.startswith(DRAFT)
