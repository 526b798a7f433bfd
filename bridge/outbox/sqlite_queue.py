"""A storage queue in a SQLite file: messages wait until they are due, are leased, and end as poison."""

import secrets
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.outbox.sqlite_file import SqliteFile

_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
  id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, body TEXT NOT NULL, visible REAL NOT NULL,
  dequeue_count INTEGER NOT NULL DEFAULT 0, receipt TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS message_visible ON message (queue, visible, id)
"""


@dataclass(frozen=True)
class Message:
    """A message that was taken. receipt: proves that it is still leased to who took it."""

    id: int
    body: str
    dequeue_count: int
    receipt: str


class SqliteQueue:
    """The queue `name` of the file, with its poison queue `<name>-poison`. Safe for threads and for several processes.

    clock: seconds since 1970.
    """

    def __init__(self, path: Path, name: str = "entries", clock: Callable[[], float] = time.time) -> None:
        self._file = SqliteFile(path, _SCHEMA)
        self._name = name
        self._poison = f"{name}-poison"
        self._clock = clock

    def put(self, body: str, delay: float = 0.0) -> None:
        """Adds a message that becomes visible after `delay` seconds."""
        self._file.connection.execute(
            "INSERT INTO message (queue, body, visible) VALUES (?, ?, ?)", (self._name, body, self._clock() + delay)
        )

    def take(self, lease: float) -> Message | None:
        """The first visible message, hidden from others for `lease` seconds; None when there is none."""
        now = self._clock()
        row = self._file.connection.execute(
            "UPDATE message SET visible = ?, dequeue_count = dequeue_count + 1, receipt = ? WHERE id ="
            " (SELECT id FROM message WHERE queue = ? AND visible <= ? ORDER BY visible, id LIMIT 1)"
            " RETURNING id, body, dequeue_count, receipt",
            (now + lease, secrets.token_hex(8), self._name, now),
        ).fetchall()
        return _message(row[0]) if row else None

    def renew(self, message: Message, lease: float) -> bool:
        """Hides it for another `lease` seconds; False when the receipt is stale."""
        return self._update(message, "visible = ?", self._clock() + lease)

    def retry(self, message: Message, delay: float) -> bool:
        """Gives it back, visible again after `delay` seconds; False when the receipt is stale."""
        return self._update(message, "receipt = '', visible = ?", self._clock() + delay)

    def poison(self, message: Message) -> bool:
        """Moves it to the poison queue; False when the receipt is stale."""
        return self._update(message, "receipt = '', queue = ?", self._poison)

    def delete(self, message: Message) -> bool:
        """Removes it for good; False when the receipt is stale."""
        deleted = self._file.connection.execute(
            "DELETE FROM message WHERE id = ? AND receipt = ?", (message.id, message.receipt)
        )
        return deleted.rowcount == 1

    def next_visible(self) -> float | None:
        """The clock time at which the first message becomes or became visible; None for an empty queue."""
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
        """The messages of the poison queue, in the order in which they were put."""
        rows = self._file.connection.execute(
            "SELECT id, body, dequeue_count, receipt FROM message WHERE queue = ? ORDER BY id", (self._poison,)
        )
        return [_message(row) for row in rows]

    def close(self) -> None:
        """Closes the connections of all threads."""
        self._file.close()

    def _update(self, message: Message, assignment: str, value: object) -> bool:
        updated = self._file.connection.execute(
            f"UPDATE message SET {assignment} WHERE id = ? AND receipt = ?",  # noqa: S608 - only our own literals
            (value, message.id, message.receipt),
        )
        return updated.rowcount == 1


def _message(row: sqlite3.Row) -> Message:
    return Message(row["id"], row["body"], row["dequeue_count"], row["receipt"])
