"""The SQLite file of the stand-in Graph: threads and posts of groups, and mail."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from bridge.errors import CommandError

_VERSION = 2
_FORGET = "DROP TABLE IF EXISTS posts; DROP TABLE IF EXISTS threads; DROP TABLE IF EXISTS messages;"
# messages: `place` is the id that it has as a draft, `moved` the one that it has once it was sent; it is seen from
# `shown` on, and again, after it was sent, from `arrived` on. posts.message: the message that the post was, or "".
_SCHEMA = """
CREATE TABLE IF NOT EXISTS threads (
    id TEXT PRIMARY KEY, grp TEXT NOT NULL, topic TEXT NOT NULL, created REAL NOT NULL, visible REAL NOT NULL,
    conversation TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS threads_of_group ON threads (grp);
CREATE TABLE IF NOT EXISTS posts (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, thread TEXT NOT NULL REFERENCES threads ON DELETE CASCADE,
    html TEXT NOT NULL, preview TEXT NOT NULL, received REAL NOT NULL, sender TEXT NOT NULL, message TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS posts_of_thread ON posts (thread);
CREATE TABLE IF NOT EXISTS messages (
    id TEXT PRIMARY KEY, place TEXT NOT NULL, moved TEXT NOT NULL, mailbox TEXT NOT NULL, fields TEXT NOT NULL,
    conversation TEXT NOT NULL, created REAL NOT NULL, shown REAL NOT NULL, sent REAL, arrived REAL
);
CREATE TABLE IF NOT EXISTS sendings (message TEXT PRIMARY KEY, mailbox TEXT NOT NULL, sent REAL NOT NULL);
"""


class MailboxFile:
    """The file, opened; safe for threads. `clock` gives what queries know as `:now`.

    Raises CommandError when it cannot be opened.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, check_same_thread=False)
            self._prepare()
        except (OSError, sqlite3.DatabaseError) as error:
            raise CommandError(f"The file {path} cannot be used ({error}): make room, or move it away.") from error

    def _prepare(self) -> None:
        # A stand-in may forget its last posts when the power fails; waiting for the disk would spoil benchmarks.
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON;")
        # It may forget them, too, when its tables are others than before.
        if self._db.execute("PRAGMA user_version").fetchone() != (_VERSION,):
            self._db.executescript(f"{_FORGET} PRAGMA user_version = {_VERSION};")
        self._db.executescript(_SCHEMA)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The file for one thread alone, which may enter several times; what it has written is kept at each end."""
        with self._lock, self._db:
            yield self._db

    def rows(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        """What a query finds."""
        with self._lock:
            return self._db.execute(query, {"now": self._clock().timestamp()} | values).fetchall()

    def close(self) -> None:
        """Closes the file, which must not be used afterwards."""
        with self._lock:
            self._db.close()
