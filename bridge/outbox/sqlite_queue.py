"""A storage queue in a SQLite file: messages wait until they are due, are leased, and end as poison."""

import contextlib
import secrets
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bridge.outbox.base import Message
from bridge.outbox.sqlite_file import SqliteFile

_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
  id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, body TEXT NOT NULL, visible REAL NOT NULL,
  dequeue_count INTEGER NOT NULL DEFAULT 0, receipt TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS message_visible ON message (queue, visible, id)
"""

_HAS_MESSAGES = "SELECT 1 FROM sqlite_master WHERE name = 'message'"


class SqliteQueue:
    """The queue `name`, with its poison queue `<name>-poison`. Safe for threads and for several processes.

    path: of the outbox. Beside it the queue has a file of its own: a webhook that is put there does not wait for what
    is written to the outbox at the same time. clock: seconds since 1970.
    """

    def __init__(self, path: Path, name: str = "entries", clock: Callable[[], float] = time.time) -> None:
        self._file = SqliteFile(queue_file(path), _SCHEMA)
        self._name = name
        self._poison = f"{name}-poison"
        self._clock = clock
        _take_over(path, self._file)

    def put(self, body: str, delay: float = 0.0) -> None:
        self._file.connection.execute(
            "INSERT INTO message (queue, body, visible) VALUES (?, ?, ?)", (self._name, body, self._clock() + delay)
        )

    def take(self, lease: float) -> Message | None:
        now = self._clock()
        row = self._file.connection.execute(
            "UPDATE message SET visible = ?, dequeue_count = dequeue_count + 1, receipt = ? WHERE id ="
            " (SELECT id FROM message WHERE queue = ? AND visible <= ? ORDER BY visible, id LIMIT 1)"
            " RETURNING id, body, dequeue_count, receipt",
            (now + lease, secrets.token_hex(8), self._name, now),
        ).fetchall()
        return _message(row[0]) if row else None

    def put_all(self, bodies: Sequence[str]) -> None:
        """Adds messages in one transaction."""
        now = self._clock()
        rows = [(self._name, body, now) for body in bodies]
        with self._file.transaction() as file:
            file.executemany("INSERT INTO message (queue, body, visible) VALUES (?, ?, ?)", rows)

    def exchange(self, done: Sequence[Message], lease: float, most: int) -> Sequence[Message]:
        """Removes messages and takes others in one transaction."""
        now = self._clock()
        if not done and not self._visible(self._file.connection, now, most):
            # Nothing to write: no other writer has to wait.
            return []
        with self._file.transaction() as file:
            file.executemany(
                "DELETE FROM message WHERE id = ? AND receipt = ?", [(one.id, one.receipt) for one in done]
            )
            receipt = secrets.token_hex(8)
            rows = self._visible(file, now, most)
            file.executemany(
                "UPDATE message SET visible = ?, dequeue_count = dequeue_count + 1, receipt = ? WHERE id = ?",
                [(now + lease, receipt, row["id"]) for row in rows],
            )
        return [Message(str(row["id"]), row["body"], row["dequeue_count"] + 1, receipt) for row in rows]

    def _visible(self, file: sqlite3.Connection, now: float, most: int) -> list[sqlite3.Row]:
        return file.execute(
            "SELECT id, body, dequeue_count FROM message WHERE queue = ? AND visible <= ? ORDER BY visible, id LIMIT ?",
            (self._name, now, most),
        ).fetchall()

    def renew(self, message: Message, lease: float) -> Message | None:
        return message if self._update(message, "visible = ?", self._clock() + lease) else None

    def retry(self, message: Message, delay: float) -> bool:
        return self._update(message, "receipt = '', visible = ?", self._clock() + delay)

    def poison(self, message: Message) -> bool:
        return self._update(message, "receipt = '', queue = ?", self._poison)

    def delete(self, message: Message) -> bool:
        deleted = self._file.connection.execute(
            "DELETE FROM message WHERE id = ? AND receipt = ?", (message.id, message.receipt)
        )
        return deleted.rowcount == 1

    def next_visible(self) -> float | None:
        (visible,) = self._file.connection.execute(
            "SELECT min(visible) FROM message WHERE queue = ?", (self._name,)
        ).fetchone()
        return None if visible is None else float(visible)

    def __len__(self) -> int:
        (number,) = self._file.connection.execute(
            "SELECT count(*) FROM message WHERE queue = ?", (self._name,)
        ).fetchone()
        return int(number)

    def poisoned(self) -> list[Message]:
        rows = self._file.connection.execute(
            "SELECT id, body, dequeue_count, receipt FROM message WHERE queue = ? ORDER BY id", (self._poison,)
        )
        return [_message(row) for row in rows]

    def poison_count(self) -> int:
        (number,) = self._file.connection.execute(
            "SELECT count(*) FROM message WHERE queue = ?", (self._poison,)
        ).fetchone()
        return int(number)

    def discard(self, message: Message) -> bool:
        return self.delete(message)

    def close(self) -> None:
        self._file.close()

    def _update(self, message: Message, assignment: str, value: object) -> bool:
        updated = self._file.connection.execute(
            f"UPDATE message SET {assignment} WHERE id = ? AND receipt = ?",  # noqa: S608 - only our own literals
            (value, message.id, message.receipt),
        )
        return updated.rowcount == 1


def _message(row: sqlite3.Row) -> Message:
    return Message(str(row["id"]), row["body"], row["dequeue_count"], row["receipt"])


def queue_file(outbox: Path) -> Path:
    """The file of the queue of an outbox in a file."""
    return outbox.with_name(f"{outbox.stem}-queue{outbox.suffix}")


def _take_over(outbox: Path, file: SqliteFile) -> None:
    """Move the messages of earlier versions, which had them in the outbox's file."""
    if not outbox.exists():
        return
    with contextlib.closing(SqliteFile(outbox, "")) as before:
        if not before.connection.execute(_HAS_MESSAGES).fetchone():
            return
        with before.transaction() as old:
            # Another process may have done it by now.
            if not old.execute(_HAS_MESSAGES).fetchone():
                return
            rows = old.execute("SELECT queue, body, visible, dequeue_count FROM message ORDER BY id").fetchall()
            # First: a message that comes twice does no harm.
            with file.transaction() as own:
                own.executemany("INSERT INTO message (queue, body, visible, dequeue_count) VALUES (?, ?, ?, ?)", rows)
            old.execute("DROP TABLE message")
