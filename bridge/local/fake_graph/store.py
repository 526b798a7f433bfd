"""The threads and posts that the stand-in Graph keeps."""

import base64
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bridge.local.fake_graph.inbox import Inbox
from bridge.local.fake_graph.messages import MessageStore
from bridge.local.fake_graph.store_file import StoreFile
from bridge.local.fake_graph.text import preview

# A post is visible once it is received, which a fault may put in the future; a thread has a time of its own for that.
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
SELECT p.id, p.thread, p.html, p.received, p.sender, p.participants, p.attachments
FROM posts p JOIN threads t ON t.id = p.thread
WHERE t.grp = :grp AND t.id = :thread AND t.visible <= :now AND p.received <= :now
ORDER BY p.received, p.number LIMIT :top OFFSET :skip
"""
_DOMAIN = "@groups.localhost"


@dataclass(frozen=True)
class StoredThread:
    """A conversation thread as a member of the group sees it. preview: the beginning of the newest post."""

    id: str
    group: str
    topic: str
    preview: str
    created: datetime
    updated: datetime
    posts: int
    conversation: str


@dataclass(frozen=True)
class StoredPost:
    """A post in a thread. sender: a name. participants: the recipients whom it added to its thread.

    attachments: as `attachments.stored` has them.
    """

    id: str
    thread: str
    html: str
    received: datetime
    sender: str
    participants: Sequence[Mapping[str, Any]] = ()
    attachments: Sequence[Mapping[str, Any]] = ()


class Store:
    """The threads and posts of all groups; safe for threads. clock: decides what is visible.

    addresses: group ids by address; a group that is not listed has an address made from its id. messages: the mail.
    inbox: the threads as a person reads them.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime]) -> None:
        self.addresses: dict[str, str] = {}
        self._file = StoreFile(path, clock)
        self.messages = MessageStore(self._file)
        self.inbox = Inbox(self._file)

    def transaction(self) -> AbstractContextManager[object]:
        """Exclusive access for one thread, which may call all other methods meanwhile."""
        return self._file.transaction()

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
        participants: Sequence[Mapping[str, Any]] = (),
        attachments: Sequence[Mapping[str, Any]] = (),
    ) -> str:
        """Save a new thread with its first post; return its id. message: the id of the mail that became the post."""
        thread = _thread_id()
        row = (thread, group, topic, received.timestamp(), visible.timestamp(), conversation or _thread_id())
        with self._file.transaction() as db:
            db.execute("INSERT INTO threads VALUES (?, ?, ?, ?, ?, ?)", row)
            self.reply(thread, content, sender, received, message, participants, attachments)
        return thread

    def reply(
        self,
        thread: str,
        content: str,
        sender: str,
        received: datetime,
        message: str = "",
        participants: Sequence[Mapping[str, Any]] = (),
        attachments: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Save another post in a thread."""
        added = (json.dumps(list(participants)), json.dumps(list(attachments)))
        row = (_post_id(), thread, content, preview(content), received.timestamp(), sender, message, *added)
        with self._file.transaction() as db:
            db.execute("INSERT INTO posts VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            self.inbox.index()

    def delete(self, thread: str) -> None:
        """Delete a thread and its posts."""
        with self._file.transaction() as db:
            db.execute("DELETE FROM threads WHERE id = ?", (thread,))

    def groups(self) -> list[str]:
        """The groups that have a visible thread, in the order of their ids."""
        rows = self._file.rows("SELECT DISTINCT grp FROM threads WHERE visible <= :now ORDER BY grp")
        return [group for (group,) in rows]

    def threads(
        self, group: str, thread: str = "", top: int = -1, skip: int = 0, conversation: str = ""
    ) -> list[StoredThread]:
        """The visible threads of a group, of a conversation, or just one; the one with the newest post comes first.

        top: -1 means all.
        """
        rows = self._file.rows(_THREADS, grp=group, thread=thread, conversation=conversation, top=top, skip=skip)
        return [
            StoredThread(thread_id, grp, topic, preview, _time(created), _time(updated), count, conversation_id)
            for thread_id, grp, topic, preview, created, updated, count, conversation_id in rows
        ]

    def posts(self, group: str, thread: str, top: int = -1, skip: int = 0) -> list[StoredPost]:
        """The visible posts of a thread, oldest first. top: -1 means all."""
        rows = self._file.rows(_POSTS, grp=group, thread=thread, top=top, skip=skip)
        return [
            StoredPost(post, of, content, _time(received), sender, json.loads(people), json.loads(files))
            for post, of, content, received, sender, people, files in rows
        ]

    def address_of(self, group: str) -> str:
        """The address of a group."""
        return next((address for address, owner in self.addresses.items() if owner == group), f"{group}{_DOMAIN}")

    def group_of(self, address: str) -> str:
        """The group with an address, in upper or lower case; empty if there is none."""
        address = address.lower()
        groups = {known.lower(): group for known, group in self.addresses.items()}
        default = address.removesuffix(_DOMAIN) if address.endswith(_DOMAIN) else ""
        return groups.get(address, default)

    def conversation_thread(self, group: str, conversation: str) -> str:
        """The thread to which mail of a conversation belongs, visible or not; empty if the mail starts a thread."""
        sql = "SELECT id FROM threads WHERE grp = :grp AND conversation = :conversation ORDER BY created, rowid"
        rows = self._file.rows(sql, grp=group, conversation=conversation)
        return str(rows[0][0]) if rows else ""

    def close(self) -> None:
        """Close the file. The store must not be used afterwards."""
        self._file.close()


def _time(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)


def _thread_id() -> str:
    """An id like those of Exchange: URL-safe base64 that ends in "==" and contains "-" and "_"."""
    return "AAQk" + base64.urlsafe_b64encode(b"\xfb\xff\xbf" + secrets.token_bytes(73)).decode()


def _post_id() -> str:
    return "AAMk" + base64.urlsafe_b64encode(secrets.token_bytes(76)).decode()
