"""What the stand-in Graph keeps: threads and posts of groups, and mail, in a SQLite file of their own."""

import base64
import html
import json
import re
import secrets
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS threads (
    id TEXT PRIMARY KEY, grp TEXT NOT NULL, topic TEXT NOT NULL, created REAL NOT NULL, visible REAL NOT NULL,
    conversation TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS threads_of_group ON threads (grp);
CREATE TABLE IF NOT EXISTS posts (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, thread TEXT NOT NULL REFERENCES threads ON DELETE CASCADE,
    html TEXT NOT NULL, preview TEXT NOT NULL, received REAL NOT NULL, sender TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS posts_of_thread ON posts (thread);
CREATE TABLE IF NOT EXISTS messages (
    id TEXT PRIMARY KEY, place TEXT NOT NULL, mailbox TEXT NOT NULL, fields TEXT NOT NULL, conversation TEXT NOT NULL,
    created REAL NOT NULL, sent REAL
);
"""
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
_MESSAGES = "SELECT * FROM messages WHERE mailbox = :mailbox"
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


@dataclass(frozen=True)
class MailMessage:
    """A message of a mailbox. id: its immutable one; place: the other one, which changes when it moves.

    fields: subject, body, recipients as they were given.
    """

    id: str
    place: str
    fields: dict[str, Any]
    conversation: str
    created: datetime
    is_draft: bool


class MailStore:
    """Threads and posts of all groups, and mail; safe for threads. `clock` tells what is visible.

    addresses: of groups, each with its object id. The others have one that is made of their id.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        self.addresses: dict[str, str] = {}
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False)
        # A stand-in may forget its last posts when the power fails; waiting for the disk would spoil benchmarks.
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON;")
        self._db.executescript(_SCHEMA)

    def start(
        self,
        group: str,
        topic: str,
        content: str,
        sender: str,
        received: datetime,
        visible: datetime,
        conversation: str = "",
    ) -> str:
        """Keeps a new thread with its first post, and returns its id."""
        thread = _thread_id()
        row = (thread, group, topic, received.timestamp(), visible.timestamp(), conversation or _thread_id())
        with self._lock, self._db:
            self._db.execute("INSERT INTO threads VALUES (?, ?, ?, ?, ?, ?)", row)
            self._post(thread, content, sender, received)
        return thread

    def reply(self, thread: str, content: str, sender: str, received: datetime) -> None:
        """Keeps a further post of a thread."""
        with self._lock, self._db:
            self._post(thread, content, sender, received)

    def delete(self, thread: str) -> None:
        """Forgets a thread and its posts."""
        with self._lock, self._db:
            self._db.execute("DELETE FROM threads WHERE id = ?", (thread,))

    def groups(self) -> list[str]:
        """The groups that have a visible thread, in order of their ids."""
        rows = self._rows("SELECT DISTINCT grp FROM threads WHERE visible <= :now ORDER BY grp")
        return [group for (group,) in rows]

    def threads(
        self, group: str, thread: str = "", top: int = -1, skip: int = 0, conversation: str = ""
    ) -> list[MailThread]:
        """The visible threads of a group, or of a conversation, or that one, the one with the newest post first.

        top: -1 is all.
        """
        rows = self._rows(_THREADS, grp=group, thread=thread, conversation=conversation, top=top, skip=skip)
        return [
            MailThread(thread_id, grp, topic, preview, _time(created), _time(updated), count, conversation_id)
            for thread_id, grp, topic, preview, created, updated, count, conversation_id in rows
        ]

    def posts(self, group: str, thread: str, top: int = -1, skip: int = 0) -> list[MailPost]:
        """The visible posts of a thread, the oldest first; `top` -1 is all."""
        rows = self._rows(_POSTS, grp=group, thread=thread, top=top, skip=skip)
        return [MailPost(post, of, content, _time(received), sender) for post, of, content, received, sender in rows]

    def address_of(self, group: str) -> str:
        """The address of a group."""
        return next((address for address, known in self.addresses.items() if known == group), f"{group}{_DOMAIN}")

    def group_of(self, address: str) -> str:
        """The group of an address; empty when it is nobody's here."""
        own = address.removesuffix(_DOMAIN) if address.endswith(_DOMAIN) else ""
        return self.addresses.get(address, own)

    def draft(self, mailbox: str, fields: dict[str, Any], created: datetime, conversation: str = "") -> MailMessage:
        """Keeps a new draft."""
        row = (_post_id(), _post_id(), mailbox, json.dumps(fields), conversation or _thread_id(), created.timestamp())
        with self._lock, self._db:
            self._db.execute("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, NULL)", row)
        return MailMessage(row[0], row[1], fields, row[4], created, is_draft=True)

    def message(self, mailbox: str, ident: str) -> MailMessage | None:
        """A message of the mailbox, by either of its ids."""
        rows = self._rows(f"{_MESSAGES} AND :id IN (id, place)", mailbox=mailbox, id=ident)
        return next(map(self._message, rows), None)

    def drafts(self, mailbox: str) -> list[MailMessage]:
        """The drafts of the mailbox, the oldest first."""
        return [
            self._message(row) for row in self._rows(f"{_MESSAGES} AND sent IS NULL ORDER BY created", mailbox=mailbox)
        ]

    def change(self, ident: str, fields: dict[str, Any]) -> MailMessage:
        """Replaces the fields of a draft."""
        with self._lock, self._db:
            self._db.execute("UPDATE messages SET fields = ? WHERE id = ?", (json.dumps(fields), ident))
        (row,) = self._rows("SELECT * FROM messages WHERE id = :id", id=ident)
        return self._message(row)

    def forget(self, ident: str) -> None:
        """Deletes a message."""
        with self._lock, self._db:
            self._db.execute("DELETE FROM messages WHERE id = ?", (ident,))

    def send(self, message: MailMessage, sent: datetime) -> None:
        """Marks a draft as sent; it moves to another folder, and only its immutable id stays."""
        with self._lock, self._db:
            row = (sent.timestamp(), _post_id(), message.id)
            self._db.execute("UPDATE messages SET sent = ?, place = ? WHERE id = ?", row)

    def sent_since(self, mailbox: str, time: float) -> int:
        """How many messages the mailbox has sent since then."""
        sql = "SELECT count(*) FROM messages WHERE mailbox = :mailbox AND sent > :time"
        return int(self._rows(sql, mailbox=mailbox, time=time)[0][0])

    def take_mail(
        self,
        group: str,
        message: MailMessage,
        topic: str,
        content: str,
        sender: str,
        received: datetime,
        visible: datetime,
    ) -> None:
        """What a group does with mail: it is a post of its conversation's thread, or starts one."""
        sql = "SELECT id FROM threads WHERE grp = :grp AND conversation = :conversation"
        known = self._rows(sql, grp=group, conversation=message.conversation)
        if known:
            self.reply(known[0][0], content, sender, received)
        else:
            self.start(group, topic, content, sender, received, visible, message.conversation)

    def close(self) -> None:
        """Closes the file; the store must not be used afterwards."""
        with self._lock:
            self._db.close()

    def _post(self, thread: str, content: str, sender: str, received: datetime) -> None:
        self._db.execute(
            "INSERT INTO posts (id, thread, html, preview, received, sender) VALUES (?, ?, ?, ?, ?, ?)",
            (_post_id(), thread, content, _preview(content), received.timestamp(), sender),
        )

    def _message(self, row: tuple[Any, ...]) -> MailMessage:
        ident, place, _, fields, conversation, created, sent = row
        # A fault may have put the sending into the future.
        is_draft = sent is None or sent > self._clock().timestamp()
        return MailMessage(ident, place, json.loads(fields), conversation, _time(created), is_draft)

    def _rows(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(query, {"now": self._clock().timestamp()} | values).fetchall()


def _time(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)


def _thread_id() -> str:
    """An id like those of Exchange: base64 for URLs, of a length that ends in "==", never without "-" and "_"."""
    return "AAQk" + base64.urlsafe_b64encode(b"\xfb\xff\xbf" + secrets.token_bytes(73)).decode()


def _post_id() -> str:
    return "AAMk" + base64.urlsafe_b64encode(secrets.token_bytes(76)).decode()


def _preview(content: str) -> str:
    """The first words of a post, without markup."""
    return " ".join(html.unescape(_MARKUP.sub(" ", content)).split())[:_PREVIEW]
