"""The outbox in a SQLite file: what a fresh clone uses, and whoever runs the bridge on one machine."""

import secrets
import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bridge.entries import Entry, Wake, from_message, to_message
from bridge.errors import Conflict, MessageError
from bridge.outbox.base import (
    Counts,
    DeadLetter,
    DeliveryRecord,
    Lease,
    Message,
    OpenEntry,
    Pause,
    Recorded,
    State,
    ThreadRow,
)
from bridge.outbox.sqlite_file import SqliteFile
from bridge.outbox.sqlite_queue import SqliteQueue

# `group` is a word of SQL, so a group's column is its place: the partition.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (
  id TEXT PRIMARY KEY, partition TEXT NOT NULL, source TEXT NOT NULL, kind TEXT NOT NULL, delivery TEXT NOT NULL,
  at REAL NOT NULL, thread TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS seen_at ON seen (at);
CREATE INDEX IF NOT EXISTS seen_delivery ON seen (delivery);
CREATE TABLE IF NOT EXISTS open (
  id TEXT PRIMARY KEY, partition TEXT NOT NULL, message TEXT NOT NULL, recorded REAL NOT NULL, due REAL NOT NULL,
  state TEXT NOT NULL, tries INTEGER NOT NULL, missing INTEGER NOT NULL, alone INTEGER NOT NULL, attempt TEXT NOT NULL,
  claimed REAL NOT NULL, until REAL NOT NULL, thread TEXT NOT NULL, version TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS open_partition ON open (partition);
CREATE INDEX IF NOT EXISTS open_due ON open (due, partition);
CREATE TABLE IF NOT EXISTS dead (
  id TEXT PRIMARY KEY, partition TEXT NOT NULL, message TEXT NOT NULL, reason TEXT NOT NULL, advice TEXT NOT NULL,
  at REAL NOT NULL, tries INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS dead_at ON dead (at);
CREATE TABLE IF NOT EXISTS thread (
  partition TEXT NOT NULL, key TEXT NOT NULL, thread TEXT NOT NULL, created REAL NOT NULL, posted REAL NOT NULL,
  ended REAL, version TEXT NOT NULL, PRIMARY KEY (partition, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS thread_posted ON thread (posted);
CREATE TABLE IF NOT EXISTS lease (
  partition TEXT NOT NULL, name TEXT NOT NULL, owner TEXT NOT NULL, expires REAL NOT NULL, version TEXT NOT NULL,
  PRIMARY KEY (partition, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pause (
  partition TEXT PRIMARY KEY, until REAL NOT NULL, reason TEXT NOT NULL, since REAL NOT NULL, tries INTEGER NOT NULL)
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS wake (partition TEXT PRIMARY KEY, due REAL NOT NULL) WITHOUT ROWID
"""


class SqliteOutbox:
    """An `Outbox` in the file; its wakes are messages of the file's queue "entries".

    clock: seconds since 1970. Errors of SQLite itself are raised as they are.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._file = SqliteFile(path, _SCHEMA)
        self._queue = SqliteQueue(path, clock=clock)
        self._clock = clock

    def close(self) -> None:
        """Closes the connections of all threads."""
        self._file.close()
        self._queue.close()

    def record(self, entry: Entry, now: float, due: float) -> Recorded:
        """See `Outbox.record`."""
        with self._file.transaction() as file:
            if not _insert_seen(file, entry, now):
                still_open = file.execute("SELECT 1 FROM open WHERE id = ?", (entry.id,)).fetchone()
                return Recorded.OPEN if still_open else Recorded.DELIVERED
            _insert_open(file, OpenEntry(entry, recorded=now, due=due))
        return Recorded.NEW

    def open_entries(self, group: str) -> Sequence[OpenEntry]:
        """See `Outbox.open_entries`."""
        return [_open_entry(row) for row in self._rows("SELECT * FROM open WHERE partition = ?", group)]

    def threads(self, group: str, keys: Collection[str]) -> Mapping[str, ThreadRow]:
        """See `Outbox.threads`."""
        sql = "SELECT key, thread, created, posted, ended, version FROM thread WHERE partition = ? AND key = ?"
        return {key: ThreadRow(*row) for key in keys for row in self._rows(sql, group, key)}

    def claim(self, lease: Lease, entries: Sequence[OpenEntry]) -> tuple[Lease, Sequence[OpenEntry]]:
        """See `Outbox.claim`."""
        with self._file.transaction() as file:
            return _write_lease(file, lease), [_write_open(file, entry) for entry in entries]

    def change(self, entries: Sequence[OpenEntry]) -> Sequence[OpenEntry]:
        """See `Outbox.change`."""
        with self._file.transaction() as file:
            return [_write_open(file, entry) for entry in entries]

    def finish(self, entries: Sequence[OpenEntry], threads: Sequence[ThreadRow]) -> Sequence[ThreadRow]:
        """See `Outbox.finish`."""
        with self._file.transaction() as file:
            written = [_write_thread(file, entries[0].entry.group, thread) for thread in threads]
            for entry in entries:
                _remove_open(file, entry)
                file.execute("UPDATE seen SET thread = ? WHERE id = ?", (threads[0].thread, entry.entry.id))
        return written

    def lose_threads(self, group: str, threads: Sequence[ThreadRow]) -> Sequence[ThreadRow]:
        """See `Outbox.lose_threads`."""
        with self._file.transaction() as file:
            return [_write_thread(file, group, thread) for thread in threads]

    def bury(self, entry: OpenEntry, letter: DeadLetter) -> None:
        """See `Outbox.bury`."""
        with self._file.transaction() as file:
            _remove_open(file, entry)
            _write_dead(file, letter)

    def bury_message(self, letter: DeadLetter) -> None:
        """See `Outbox.bury_message`."""
        with self._file.transaction() as file:
            _write_dead(file, letter)

    def acquire(self, partition: str, name: str, owner: str, now: float, expires: float) -> Lease:
        """See `Outbox.acquire`."""
        wanted = Lease(partition, name, owner, expires, _version())
        with self._file.transaction() as file:
            sql = "SELECT * FROM lease WHERE partition = ? AND name = ?"
            row = file.execute(sql, (partition, name)).fetchone()
            if row and row["owner"] and row["expires"] > now:
                return Lease(*row)
            file.execute("REPLACE INTO lease VALUES (?, ?, ?, ?, ?)", (partition, name, owner, expires, wanted.version))
        return wanted

    def renew(self, lease: Lease) -> Lease:
        """See `Outbox.renew`."""
        with self._file.transaction() as file:
            return _write_lease(file, lease)

    def pause(self, group: str) -> Pause | None:
        """See `Outbox.pause`."""
        rows = self._rows("SELECT until, reason, since, tries FROM pause WHERE partition = ?", group)
        return Pause(*rows[0]) if rows else None

    def set_pause(self, group: str, pause: Pause | None) -> None:
        """See `Outbox.set_pause`."""
        with self._file.transaction() as file:
            file.execute("DELETE FROM pause WHERE partition = ?", (group,))
            if pause:
                values = (group, pause.until, pause.reason, pause.since, pause.tries)
                file.execute("INSERT INTO pause VALUES (?, ?, ?, ?, ?)", values)

    def pauses(self) -> Mapping[str, Pause]:
        """See `Outbox.pauses`."""
        return {group: Pause(*pause) for group, *pause in self._rows("SELECT * FROM pause")}

    def coming_wake(self, group: str) -> float | None:
        """See `Outbox.coming_wake`."""
        rows = self._rows("SELECT due FROM wake WHERE partition = ?", group)
        return float(rows[0]["due"]) if rows else None

    def put_wake(self, group: str, due: float) -> None:
        """See `Outbox.put_wake`."""
        self._queue.put(to_message(Wake(group)), max(0.0, due - self._clock()))

    def note_wake(self, group: str, due: float) -> None:
        """See `Outbox.note_wake`."""
        self._file.connection.execute("REPLACE INTO wake VALUES (?, ?)", (group, due))

    def overdue(self, before: float) -> Sequence[str]:
        """See `Outbox.overdue`."""
        return [group for (group,) in self._rows("SELECT DISTINCT partition FROM open WHERE due < ?", before)]

    def poisoned(self) -> Sequence[Message]:
        """See `Outbox.poisoned`."""
        return self._queue.poisoned()

    def discard(self, message: Message) -> None:
        """See `Outbox.discard`."""
        self._queue.discard(message)

    def dead_letters(self) -> Sequence[DeadLetter]:
        """See `Outbox.dead_letters`."""
        return [DeadLetter(*row) for row in self._rows("SELECT * FROM dead ORDER BY at, id")]

    def revive(self, letter: DeadLetter, entry: Entry, now: float) -> None:
        """See `Outbox.revive`."""
        with self._file.transaction() as file:
            _demand(file.execute("DELETE FROM dead WHERE id = ?", (letter.id,)))
            _insert_seen(file, entry, now)
            _demand(_insert_open(file, OpenEntry(entry, recorded=now, due=now)))

    def history(self, delivery: str) -> Sequence[DeliveryRecord]:
        """See `Outbox.history`."""
        sql = "SELECT id, partition, source, kind, delivery, at, thread FROM seen WHERE delivery = ? ORDER BY at, id"
        return [DeliveryRecord(*row) for row in self._rows(sql, delivery)]

    def counts(self) -> Counts:
        """See `Outbox.counts`."""
        return Counts(*self._rows("SELECT (SELECT count(*) FROM open), (SELECT count(*) FROM dead)")[0])

    def purge(self, before: float, idle: float) -> None:
        """See `Outbox.purge`."""
        with self._file.transaction() as file:
            file.execute("DELETE FROM seen WHERE at < ? AND id NOT IN (SELECT id FROM open)", (before,))
            file.execute("DELETE FROM dead WHERE at < ?", (before,))
            file.execute("DELETE FROM thread WHERE posted < ? OR ended < ?", (idle, before))

    def _rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        return self._file.connection.execute(sql, values).fetchall()


def _version() -> str:
    # Random, because a row that goes and comes again must not have the version that somebody still remembers.
    return secrets.token_hex(8)


def _open_values(row: OpenEntry) -> tuple[object, ...]:
    return (row.entry.id, row.entry.group, to_message(row.entry), row.recorded, *_changing_values(row))


def _changing_values(row: OpenEntry) -> tuple[object, ...]:
    """What of a row changes before it is told."""
    return (
        row.due,
        row.state.value,
        row.tries,
        row.missing,
        row.alone,
        row.attempt,
        row.claimed,
        row.until,
        row.thread,
        row.version,
    )


def _open_entry(row: sqlite3.Row) -> OpenEntry:
    entry = from_message(row["message"])
    if not isinstance(entry, Entry):
        raise MessageError(f"The open row {row['id']} does not hold an entry.")
    same = ("recorded", "due", "tries", "missing", "attempt", "claimed", "until", "thread", "version")
    return OpenEntry(entry, state=State(row["state"]), alone=bool(row["alone"]), **{name: row[name] for name in same})


def _insert_seen(file: sqlite3.Connection, entry: Entry, now: float) -> bool:
    """False when it is there already."""
    sql = "INSERT OR IGNORE INTO seen (id, partition, source, kind, delivery, at) VALUES (?, ?, ?, ?, ?, ?)"
    values = (entry.id, entry.group, entry.source, entry.kind, entry.delivery, now)
    return file.execute(sql, values).rowcount == 1


def _insert_open(file: sqlite3.Connection, row: OpenEntry) -> sqlite3.Cursor:
    sql = "INSERT OR IGNORE INTO open VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    return file.execute(sql, _open_values(replace(row, version=_version())))


def _write_open(file: sqlite3.Connection, entry: OpenEntry) -> OpenEntry:
    written = replace(entry, version=_version())
    sql = (
        "UPDATE open SET due = ?, state = ?, tries = ?, missing = ?, alone = ?, attempt = ?, claimed = ?, until = ?,"
        " thread = ?, version = ? WHERE id = ? AND version = ?"
    )
    _demand(file.execute(sql, (*_changing_values(written), entry.entry.id, entry.version)))
    return written


def _remove_open(file: sqlite3.Connection, entry: OpenEntry) -> None:
    _demand(file.execute("DELETE FROM open WHERE id = ? AND version = ?", (entry.entry.id, entry.version)))


def _write_thread(file: sqlite3.Connection, group: str, thread: ThreadRow) -> ThreadRow:
    written = replace(thread, version=_version())
    if thread.version:
        sql = "UPDATE thread SET thread = ?, created = ?, posted = ?, ended = ?, version = ?"
        sql += " WHERE partition = ? AND key = ? AND version = ?"
        where: tuple[str, ...] = (group, thread.key, thread.version)
    else:
        sql = "INSERT OR IGNORE INTO thread (thread, created, posted, ended, version, partition, key)"
        sql += " VALUES (?, ?, ?, ?, ?, ?, ?)"
        where = (group, thread.key)
    values = (thread.thread, thread.created, thread.posted, thread.ended, written.version)
    _demand(file.execute(sql, (*values, *where)))
    return written


def _write_lease(file: sqlite3.Connection, lease: Lease) -> Lease:
    written = replace(lease, version=_version())
    sql = "UPDATE lease SET owner = ?, expires = ?, version = ? WHERE partition = ? AND name = ? AND version = ?"
    values = (lease.owner, lease.expires, written.version, lease.partition, lease.name, lease.version)
    _demand(file.execute(sql, values))
    return written


def _write_dead(file: sqlite3.Connection, letter: DeadLetter) -> None:
    values = (letter.id, letter.group, letter.message, letter.reason, letter.advice, letter.at, letter.tries)
    file.execute("REPLACE INTO dead VALUES (?, ?, ?, ?, ?, ?, ?)", values)


def _demand(written: sqlite3.Cursor) -> None:
    """Conflict unless a row had the version that was read."""
    if written.rowcount != 1:
        raise Conflict("A row has been written by another drain since it was read.")
