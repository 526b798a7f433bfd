"""The SQLite file of the stand-in Graph, with the threads and posts of groups, and mail."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from bridge.errors import CommandError

_VERSION = 5
_DROP_TABLES = " ".join(
    f"DROP TABLE IF EXISTS {table};" for table in ("texts", "reads", "posts", "threads", "messages")
)
# messages: `draft_id` is the id before, `sent_id` the id after the message was sent; a draft is visible from `shown`
# on, a sent message from `arrived` on. posts.message: the id of the message that became the post, or "".
# texts: what a search reads of each post. reads: how many posts of a thread have been read.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS threads (
    id TEXT PRIMARY KEY, grp TEXT NOT NULL, topic TEXT NOT NULL, created REAL NOT NULL, visible REAL NOT NULL,
    conversation TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS threads_of_group ON threads (grp);
CREATE TABLE IF NOT EXISTS posts (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, thread TEXT NOT NULL REFERENCES threads ON DELETE CASCADE,
    html TEXT NOT NULL, preview TEXT NOT NULL, received REAL NOT NULL, sender TEXT NOT NULL, message TEXT NOT NULL,
    participants TEXT NOT NULL, attachments TEXT NOT NULL
);
DROP INDEX IF EXISTS posts_of_thread;
CREATE INDEX IF NOT EXISTS posts_by_time ON posts (thread, received);
CREATE TABLE IF NOT EXISTS texts (
    post INTEGER PRIMARY KEY REFERENCES posts ON DELETE CASCADE, thread TEXT NOT NULL, received REAL NOT NULL,
    text TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS reads (thread TEXT PRIMARY KEY REFERENCES threads ON DELETE CASCADE, posts INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS messages (
    id TEXT PRIMARY KEY, draft_id TEXT NOT NULL, sent_id TEXT NOT NULL, mailbox TEXT NOT NULL, fields TEXT NOT NULL,
    conversation TEXT NOT NULL, created REAL NOT NULL, shown REAL NOT NULL, sent REAL, arrived REAL
);
CREATE TABLE IF NOT EXISTS sendings (message TEXT PRIMARY KEY, mailbox TEXT NOT NULL, sent REAL NOT NULL);
"""


class StoreFile:
    """The open file; safe for threads. clock: the time of `:now` in queries.

    Raises CommandError if the file cannot be opened.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, check_same_thread=False)
            self._prepare()
        except (OSError, sqlite3.DatabaseError) as error:
            raise CommandError(
                f"The file {path} cannot be used ({error}): free some disk space, or move it away."
            ) from error

    def _prepare(self) -> None:
        # A stand-in may lose its last posts in a power failure; waiting for the disk would distort benchmarks.
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON;")
        # It may also lose all of them when the tables change.
        if self._db.execute("PRAGMA user_version").fetchone() != (_VERSION,):
            self._db.executescript(f"{_DROP_TABLES} PRAGMA user_version = {_VERSION};")
        self._db.executescript(_SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Exclusive access for one thread, which may enter several times; each exit commits what was written."""
        with self._lock, self._db:
            yield self._db

    def rows(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        """The rows that a query finds."""
        with self._lock:
            return self._db.execute(query, {"now": self._clock().timestamp()} | values).fetchall()

    def write(self, statement: str, **values: object) -> None:
        """Execute a statement in a transaction."""
        with self.transaction() as db:
            db.execute(statement, {"now": self._clock().timestamp()} | values)

    def close(self) -> None:
        """Close the file, which must not be used afterwards."""
        with self._lock:
            self._db.close()
