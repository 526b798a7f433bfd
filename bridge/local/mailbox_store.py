"""What the stand-in Graph keeps: the groups' threads and posts, in a SQLite file of their own."""

import base64
import html
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
    id TEXT PRIMARY KEY, grp TEXT NOT NULL, topic TEXT NOT NULL, created REAL NOT NULL, visible REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS threads_of_group ON threads (grp);
CREATE TABLE IF NOT EXISTS posts (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, thread TEXT NOT NULL REFERENCES threads ON DELETE CASCADE,
    html TEXT NOT NULL, preview TEXT NOT NULL, received REAL NOT NULL, sender TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS posts_of_thread ON posts (thread);
"""
# A post is there from the moment of its receipt, which a fault may have put in the future; a thread, once visible.
_THREADS = """
SELECT t.id, t.grp, t.topic, (
    SELECT q.preview FROM posts q WHERE q.thread = t.id AND q.received <= :now ORDER BY q.received DESC, q.number DESC
), t.created, max(p.received) AS updated, count(*)
FROM threads t JOIN posts p ON p.thread = t.id
WHERE t.grp = :grp AND :thread IN ('', t.id) AND t.visible <= :now AND p.received <= :now
GROUP BY t.id ORDER BY updated DESC, max(p.number) DESC LIMIT :top OFFSET :skip
"""
_POSTS = """
SELECT p.id, p.thread, p.html, p.received, p.sender FROM posts p JOIN threads t ON t.id = p.thread
WHERE t.grp = :grp AND t.id = :thread AND t.visible <= :now AND p.received <= :now
ORDER BY p.received, p.number LIMIT :top OFFSET :skip
"""
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


@dataclass(frozen=True)
class MailPost:
    """A post of a thread; `sender` is a name."""

    id: str
    thread: str
    html: str
    received: datetime
    sender: str


class MailStore:
    """Threads and posts of all groups; safe for threads. `clock` tells what is visible."""

    def __init__(self, path: Path, clock: Callable[[], datetime]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False)
        # A stand-in may forget its last posts when the power fails; waiting for the disk would spoil benchmarks.
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON;")
        self._db.executescript(_SCHEMA)

    def start(self, group: str, topic: str, content: str, sender: str, received: datetime, visible: datetime) -> str:
        """Keeps a new thread with its first post, and returns its id."""
        thread = _thread_id()
        row = (thread, group, topic, received.timestamp(), visible.timestamp())
        with self._lock, self._db:
            self._db.execute("INSERT INTO threads VALUES (?, ?, ?, ?, ?)", row)
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

    def threads(self, group: str, thread: str = "", top: int = -1, skip: int = 0) -> list[MailThread]:
        """The visible threads of a group (or that one), the one with the newest post first; `top` -1 is all."""
        rows = self._rows(_THREADS, grp=group, thread=thread, top=top, skip=skip)
        return [
            MailThread(thread_id, grp, topic, preview, _time(created), _time(updated), count)
            for thread_id, grp, topic, preview, created, updated, count in rows
        ]

    def posts(self, group: str, thread: str, top: int = -1, skip: int = 0) -> list[MailPost]:
        """The visible posts of a thread, the oldest first; `top` -1 is all."""
        rows = self._rows(_POSTS, grp=group, thread=thread, top=top, skip=skip)
        return [MailPost(post, of, content, _time(received), sender) for post, of, content, received, sender in rows]

    def close(self) -> None:
        """Closes the file; the store must not be used afterwards."""
        with self._lock:
            self._db.close()

    def _post(self, thread: str, content: str, sender: str, received: datetime) -> None:
        self._db.execute(
            "INSERT INTO posts (id, thread, html, preview, received, sender) VALUES (?, ?, ?, ?, ?, ?)",
            (_post_id(), thread, content, _preview(content), received.timestamp(), sender),
        )

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
