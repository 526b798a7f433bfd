"""One SQLite file, shared by threads and processes."""

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bridge.errors import OutboxError

SYNCHRONOUS = "FULL"  # see SqliteFile; tests do without, as their machines do not fail
_BUSY = 30.0  # seconds to wait for other writers
# Seconds that SQLite itself waits. It asks ever more rarely, until only ten times a second, and then never has its turn
# while another process writes all the time.
_ONCE = 0.005
_Identity = tuple[int, int]
_ADVICE = "make room, allow writing there, or move it away if it is damaged; a new one is made."


class SqliteFile:
    """A file with a schema and, for each thread, a connection to it. The file and its folder are created when missing.

    Also when they are deleted while it is in use: what was in the file is lost then, and nothing that comes later.

    Raises OutboxError when that fails, or when the file is none of SQLite's; later errors are raised as they are.

    What is committed survives the end of the process and, with synchronous=FULL, of the machine.
    """

    def __init__(self, path: Path, schema: str) -> None:
        self._path, self._name = path, str(path)
        self._schema = [statement for statement in schema.split(";") if statement.strip()]
        self._complete: _Identity | None = None  # the file that has the schema
        self._local = threading.local()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        # A thread's end takes its connection out of here.
        self._connections: weakref.WeakSet[_Connection] = weakref.WeakSet()
        try:
            self._open()
        except (OSError, sqlite3.DatabaseError) as error:
            raise OutboxError(f"The file {path} cannot be used ({error}): {_ADVICE}") from error

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection, for reading; a statement by itself is its own transaction."""
        known: _Connection | None = getattr(self._local, "connection", None)
        if known is None or known.file != _identity(self._name):
            known = self._open()
        return known.sqlite

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A writing transaction: committed at the end, rolled back by an error.

        Threads wait for each other here. Other processes can only be asked again and again whether they have finished.
        """
        with self._writing, _transaction(self.connection) as connection:
            yield connection

    def close(self) -> None:
        """Closes the connections of all threads; a later use opens new ones."""
        with self._lock:
            for connection in list(self._connections):
                connection.close()
            self._connections.clear()
        self._local = threading.local()

    def _open(self) -> "_Connection":
        """Give this thread a connection to the file that is there now, with the schema."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        opened = _Connection(self._path)
        if opened.file != self._complete:
            with _transaction(opened.sqlite) as connection:
                for statement in self._schema:
                    connection.execute(statement)
            self._complete = opened.file
        self._local.connection = opened
        with self._lock:
            self._connections.add(opened)
        return opened


class _PatientConnection(sqlite3.Connection):
    """A connection that waits for other writers as long as it takes, and asks often.

    It is closed between two statements: Python itself ends at one that begins while another thread closes.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._using = threading.Lock()

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        """Execute a statement as soon as no other writer has the file."""
        ends = None
        while True:
            try:
                with self._using:
                    return super().execute(*arguments)
            except sqlite3.OperationalError as error:
                now = time.monotonic()
                ends = ends or now + _BUSY
                if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY or now > ends:
                    raise

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        """Execute a statement with each of some values, within a transaction."""
        with self._using:
            return super().executemany(*arguments)

    def close(self) -> None:
        """Close it when no thread executes a statement."""
        with self._using:
            super().close()


class _Connection:
    """A connection that is closed with the thread whose it is: when nothing refers to it any more."""

    def __init__(self, path: Path) -> None:
        # Closing may happen in another thread than the one that used it.
        self.sqlite = sqlite3.connect(
            path, timeout=_ONCE, isolation_level=None, check_same_thread=False, factory=_PatientConnection
        )
        self.sqlite.row_factory = sqlite3.Row
        self.close = weakref.finalize(self, self.sqlite.close)
        self.sqlite.execute(f"PRAGMA synchronous={SYNCHRONOUS}")
        self._use_wal()
        self.file = _identity(str(path))

    def _use_wal(self) -> None:
        # The first switch to WAL needs the file alone and does not wait for it; the mode is kept in the file.
        if self.sqlite.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            return
        with contextlib.suppress(sqlite3.OperationalError):
            self.sqlite.execute("PRAGMA journal_mode=WAL")


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _identity(name: str) -> _Identity | None:
    """By what a file differs from another of the same name; None while there is none."""
    try:
        found = os.stat(name)  # noqa: PTH116  a third of the time of a Path's, and asked for at every statement
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
