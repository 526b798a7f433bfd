"""What the stand-in Graph keeps of groups: their threads and posts."""

import base64
import html
import re
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bridge.local.fake_graph.file import MailboxFile
from bridge.local.fake_graph.messages import MessageStore

# A post is there from the moment of its receipt, which a fault may have put in the future; a thread, once visible.
_THREADS = """
SELECT t.id, t.grp, t.topic, (
    SELECT q.preview FROM posts q WHERE q.thread = t.id AND q.received <= :now ORDER BY q.received DESC, q.number DESC
), t.created, max(p.received) AS updated, count(*), t.conversation
FROM threads t JOIN posts p ON p.thread = t.id
WHERE t.grp = :grp AND :thread IN ('', t.id) AND :conversation IN ('', t.conversation)
  AND t.visible <= :now AND p.received <= :now
GROUP BY t.id ORDER BY updated DESC, max(p.number) DESC LIMIT :top OFFSET :skip
"""
_POSTS = """
SELECT p.id, p.thread, p.html, p.received, p.sender FROM posts p JOIN threads t ON t.id = p.thread
WHERE t.grp = :grp AND t.id = :thread AND t.visible <= :now AND p.received <= :now
ORDER BY p.received, p.number LIMIT :top OFFSET :skip
"""
_DOMAIN = "@groups.localhost"
_PREVIEW = 255
_MARKUP = re.compile(r"<(style|script|title)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class MailThread:
    """A conversation thread as a member of the group sees it; `preview` is of its newest post."""

    id: str
    group: str
    topic: str
    preview: str
    created: datetime
    updated: datetime
    posts: int
    conversation: str


@dataclass(frozen=True)
class MailPost:
    """A post of a thread; `sender` is a name."""

    id: str
    thread: str
    html: str
    received: datetime
    sender: str


class MailStore:
    """Threads and posts of all groups; safe for threads. `clock` tells what is visible.

    addresses: of groups, each with its object id; the others have one that is made of their id. messages: the mail.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime]) -> None:
        self.addresses: dict[str, str] = {}
        self._file = MailboxFile(path, clock)
        self.messages = MessageStore(self._file)

    def alone(self) -> AbstractContextManager[object]:
        """For one thread alone, which may call everything meanwhile."""
        return self._file.writing()

    def start(
        self,
        group: str,
        topic: str,
        content: str,
        sender: str,
        received: datetime,
        visible: datetime,
        conversation: str = "",
        message: str = "",
    ) -> str:
        """Keeps a new thread with its first post, and returns its id. message: that of the mail that it was."""
        thread = _thread_id()
        row = (thread, group, topic, received.timestamp(), visible.timestamp(), conversation or _thread_id())
        with self._file.writing() as db:
            db.execute("INSERT INTO threads VALUES (?, ?, ?, ?, ?, ?)", row)
            self.reply(thread, content, sender, received, message)
        return thread

    def reply(self, thread: str, content: str, sender: str, received: datetime, message: str = "") -> None:
        """Keeps a further post of a thread."""
        row = (_post_id(), thread, content, preview(content), received.timestamp(), sender, message)
        with self._file.writing() as db:
            db.execute("INSERT INTO posts VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", row)

    def delete(self, thread: str) -> None:
        """Forgets a thread and its posts."""
        with self._file.writing() as db:
            db.execute("DELETE FROM threads WHERE id = ?", (thread,))

    def groups(self) -> list[str]:
        """The groups that have a visible thread, in order of their ids."""
        rows = self._file.rows("SELECT DISTINCT grp FROM threads WHERE visible <= :now ORDER BY grp")
        return [group for (group,) in rows]

    def threads(
        self, group: str, thread: str = "", top: int = -1, skip: int = 0, conversation: str = ""
    ) -> list[MailThread]:
        """The visible threads of a group, or of a conversation, or that one, the one with the newest post first.

        top: -1 is all.
        """
        rows = self._file.rows(_THREADS, grp=group, thread=thread, conversation=conversation, top=top, skip=skip)
        return [
            MailThread(thread_id, grp, topic, preview, _time(created), _time(updated), count, conversation_id)
            for thread_id, grp, topic, preview, created, updated, count, conversation_id in rows
        ]

    def posts(self, group: str, thread: str, top: int = -1, skip: int = 0) -> list[MailPost]:
        """The visible posts of a thread, the oldest first; `top` -1 is all."""
        rows = self._file.rows(_POSTS, grp=group, thread=thread, top=top, skip=skip)
        return [MailPost(post, of, content, _time(received), sender) for post, of, content, received, sender in rows]

    def address_of(self, group: str) -> str:
        """The address of a group."""
        return next((address for address, known in self.addresses.items() if known == group), f"{group}{_DOMAIN}")

    def group_of(self, address: str) -> str:
        """The group of an address, in whichever case it is written; empty when it is nobody's here."""
        known = {known.lower(): group for known, group in self.addresses.items()}
        own = address.lower().removesuffix(_DOMAIN) if address.lower().endswith(_DOMAIN) else ""
        return known.get(address.lower(), own)

    def conversation_thread(self, group: str, conversation: str) -> str:
        """The thread that mail of a conversation belongs to, seen already or not; empty when it starts one."""
        sql = "SELECT id FROM threads WHERE grp = :grp AND conversation = :conversation ORDER BY created, rowid"
        rows = self._file.rows(sql, grp=group, conversation=conversation)
        return str(rows[0][0]) if rows else ""

    def close(self) -> None:
        """Closes the file; the store must not be used afterwards."""
        self._file.close()


def _time(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)


def _thread_id() -> str:
    """An id like those of Exchange: base64 for URLs, of a length that ends in "==", never without "-" and "_"."""
    return "AAQk" + base64.urlsafe_b64encode(b"\xfb\xff\xbf" + secrets.token_bytes(73)).decode()


def _post_id() -> str:
    return "AAMk" + base64.urlsafe_b64encode(secrets.token_bytes(76)).decode()


def preview(content: str) -> str:
    """The first words of a post, without markup."""
    return " ".join(html.unescape(_MARKUP.sub(" ", content)).split())[:_PREVIEW]
