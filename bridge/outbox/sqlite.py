"""The outbox in a SQLite file: what a fresh clone uses, and every bridge that runs on one machine alone."""

import contextlib
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bridge.deliveries import DeliveryFilter, DeliveryPage, DeliveryRecord
from bridge.entries import Entry
from bridge.errors import RowRefused
from bridge.limits import MAX_MESSAGE
from bridge.outbox import group_state, sqlite_deliveries, sqlite_memos, sqlite_open, sqlite_rows
from bridge.outbox.group_state import CROWD, GroupState, NextWake
from bridge.outbox.heads import Head, head_of_row
from bridge.outbox.memos import Memo, StoredText
from bridge.outbox.rows import (
    ContentRow,
    Counts,
    DeadLetter,
    HistoryRecord,
    Lease,
    LeftOut,
    Newest,
    OpenEntry,
    Recorded,
    Summary,
    ThreadRow,
    UnreadableRow,
    Wait,
    is_id,
)
from bridge.outbox.sqlite_file import SqliteFile

_HEADS = 1000  # that are written at once


class SqliteOutbox:
    """An `Outbox` in the file. Errors of SQLite itself are raised as they are."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, sqlite_rows.SCHEMA)

    def close(self) -> None:
        self._file.close()

    # Entries.

    def record(self, entry: Entry, now: float, due: float, wake: float | None = None) -> Recorded:
        with self._transaction() as file:
            if wake is not None:
                file.execute("REPLACE INTO wake VALUES (?, ?)", (entry.group, wake))
            if not sqlite_rows.insert_history(file, entry, now):
                still_open = file.execute("SELECT 1 FROM open WHERE id = ?", (entry.id,)).fetchone()
                return Recorded.OPEN if still_open else Recorded.DELIVERED
            sqlite_open.insert_open(file, OpenEntry(entry, recorded=now, due=due))
        return Recorded.NEW

    def record_repeat(self, entry: Entry, of: str, now: float) -> None:
        with self._transaction() as file:
            if sqlite_rows.insert_history(file, entry, now):
                values = (entry.id, entry.group, entry.key, of, 0.0, now, "", now)
                file.execute("INSERT INTO repeat VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)

    def claim_content(self, row: ContentRow) -> ContentRow:
        with self._transaction() as file:
            sql = "SELECT content, entry, place, since, at, version FROM content WHERE content = ?"
            known = file.execute(sql, (row.content,)).fetchone()
            return ContentRow(*known) if known else sqlite_rows.write_content(file, row)

    def write_content(self, row: ContentRow) -> ContentRow:
        with self._transaction() as file:
            return sqlite_rows.write_content(file, row)

    def open_entries(self, group: str) -> Sequence[OpenEntry]:
        return [row for row in sqlite_open.read_all(self._file.connection, group) if isinstance(row, OpenEntry)]

    def read_group(self, group: str, now: float, most: int = CROWD) -> GroupState:
        leases = self._rows("SELECT * FROM lease WHERE partition = ? AND name = 'lease'", group)
        lease = Lease(*leases[0]) if leases else Lease(group, "lease", "", 0.0, "")
        state = GroupState(lease, self.wait_of(group))
        if not state.is_open(now):
            return state
        if sqlite_open.are_more(self._file.connection, group, most):
            return replace(state, is_crowded=True)
        return group_state.with_rows(state, sqlite_open.read_all(self._file.connection, group))

    def heads(self, group: str) -> Sequence[Head]:
        found, missing = sqlite_open.heads(self._file.connection, group)
        # Those of a few entries are not worth a row.
        is_crowded = len(found) + len(missing) > CROWD
        for start in range(0, len(missing), _HEADS):
            rows = self.read_open(group, missing[start : start + _HEADS])
            if is_crowded:
                with self._transaction() as file:
                    sqlite_open.write_heads(file, [row for row in rows if isinstance(row, OpenEntry)])
            found += map(head_of_row, rows)
        return found

    def read_open(self, group: str, ids: Collection[str]) -> Sequence[OpenEntry | UnreadableRow]:
        return sqlite_open.read(self._file.connection, group, ids)

    def leave_out(self, row: OpenEntry, of: Newest, thread: ThreadRow) -> ThreadRow:
        with self._transaction() as file:
            sqlite_open.remove_open(file, row)
            sqlite_rows.insert_left_out(file, row, of)
            return sqlite_rows.write_thread(file, row.entry.group, thread)

    def left_out(self, group: str, key: str) -> Sequence[LeftOut]:
        rows = self._rows("SELECT * FROM repeat WHERE partition = ? AND key = ? AND message <> ''", group, key)
        return [found for found in map(sqlite_rows.left_out, rows) if found]

    def restore(self, row: LeftOut, due: float) -> OpenEntry:
        opened = OpenEntry(row.entry, recorded=row.recorded, due=due, version=sqlite_rows.new_version())
        with self._transaction() as file:
            sqlite_rows.require_one(file.execute("DELETE FROM repeat WHERE id = ?", (row.entry.id,)))
            sqlite_rows.require_one(sqlite_open.insert_open(file, opened))
        return opened

    def overdue(self, before: float) -> Sequence[str]:
        return [group for (group,) in self._rows("SELECT DISTINCT partition FROM open WHERE due < ?", before)]

    def waiting(self, after: float) -> Mapping[str, tuple[int, float]]:
        sql = "SELECT partition, count(*), min(due) FROM open WHERE due > ? AND state = 'pending' GROUP BY partition"
        return {group: (count, due) for group, count, due in self._rows(sql, after)}

    def threads(self, group: str, keys: Collection[str]) -> Mapping[str, ThreadRow]:
        return {key: sqlite_rows.thread(row) for key in keys for row in self._rows(sqlite_rows.THREAD, group, key)}

    def standing(self, group: str) -> Sequence[ThreadRow]:
        rows = self._rows(sqlite_rows.STANDING, group)
        return [thread for thread in map(sqlite_rows.thread, rows) if thread.standing]

    def claim(self, lease: Lease, entries: Sequence[OpenEntry]) -> tuple[Lease, Sequence[OpenEntry]]:
        with self._transaction() as file:
            return sqlite_rows.write_lease(file, lease), [sqlite_open.write_open(file, entry) for entry in entries]

    def change(self, entries: Sequence[OpenEntry]) -> Sequence[OpenEntry]:
        with self._transaction() as file:
            return [sqlite_open.write_open(file, entry) for entry in entries]

    def finish(
        self, entries: Sequence[OpenEntry], threads: Sequence[ThreadRow], lease: Lease | None = None
    ) -> Sequence[ThreadRow]:
        with self._transaction() as file:
            if lease:
                sqlite_rows.write_lease(file, lease)
            written = [sqlite_rows.write_thread(file, entries[0].entry.group, thread) for thread in threads]
            for row in entries:
                sqlite_open.remove_open(file, row)
                sqlite_rows.note_post(file, row, threads[0])
        return written

    def write_threads(self, group: str, threads: Sequence[ThreadRow]) -> Sequence[ThreadRow]:
        with self._transaction() as file:
            return [sqlite_rows.write_thread(file, group, thread) for thread in threads]

    def move_to_dead_letters(self, entry: OpenEntry, letter: DeadLetter) -> None:
        with self._transaction() as file:
            sqlite_open.remove_open(file, entry)
            sqlite_rows.write_dead_letter(file, letter)

    def set_aside(self, row: UnreadableRow, letter: DeadLetter) -> None:
        with self._transaction() as file:
            sqlite_open.remove_unreadable(file, row)
            sqlite_rows.write_dead_letter(file, letter)

    def add_dead_letter(self, letter: DeadLetter) -> None:
        with self._transaction() as file:
            sqlite_rows.write_dead_letter(file, letter)

    def dead_letters(self) -> Sequence[DeadLetter]:
        return [DeadLetter(*row) for row in self._rows("SELECT * FROM dead ORDER BY at, id")]

    def remove_dead_letter(self, letter: DeadLetter) -> None:
        self._file.connection.execute("DELETE FROM dead WHERE id = ?", (letter.id,))

    def requeue(self, letter: DeadLetter, entry: Entry, now: float) -> None:
        with self._transaction() as file:
            sqlite_rows.require_one(file.execute("DELETE FROM dead WHERE id = ?", (letter.id,)))
            sqlite_open.remove_head(file, entry.id)
            sqlite_rows.insert_history(file, entry, now)
            sqlite_rows.require_one(sqlite_open.insert_open(file, OpenEntry(entry, recorded=now, due=now)))

    def history(self, asked: str) -> Sequence[HistoryRecord]:
        if not asked:
            return []
        # Each by an index; what comes after the digits is "g".
        first, last = (asked, f"{asked}g") if is_id(asked) else ("", "")
        rows = self._rows(sqlite_rows.FIND, asked, first, last, asked, asked)
        return [HistoryRecord(*row) for row in rows]

    def counts(self) -> Counts:
        return Counts(*self._rows("SELECT (SELECT count(*) FROM open), (SELECT count(*) FROM dead)")[0])

    def purge(self, before: float, idle: float) -> None:
        with self._transaction() as file:
            sqlite_rows.purge(file, before, idle)
            sqlite_deliveries.purge(file, before)

    # Deliveries.

    def note_delivery(self, record: DeliveryRecord) -> None:
        with self._transaction() as file:
            sqlite_deliveries.write(file, record)

    def deliveries(self, wanted: DeliveryFilter, limit: int, before: str = "") -> DeliveryPage:
        return sqlite_deliveries.page(self._file.connection, wanted, limit, before)

    def find_deliveries(self, asked: str) -> Sequence[DeliveryRecord]:
        return sqlite_deliveries.find(self._file.connection, asked)

    def rows_of(self, entries: Mapping[str, str]) -> Mapping[str, HistoryRecord]:
        sql = f"{sqlite_rows.HISTORY} WHERE seen.id = ?"
        return {row["id"]: HistoryRecord(*row) for entry in entries for row in self._rows(sql, entry)}

    # Leases.

    def acquire(self, partition: str, name: str, owner: str, now: float, expires: float) -> Lease:
        wanted = Lease(partition, name, owner, expires, sqlite_rows.new_version())
        with self._transaction() as file:
            sql = "SELECT * FROM lease WHERE partition = ? AND name = ?"
            row = file.execute(sql, (partition, name)).fetchone()
            if row and row["owner"] and row["expires"] > now:
                return Lease(*row)
            file.execute("REPLACE INTO lease VALUES (?, ?, ?, ?, ?)", (partition, name, owner, expires, wanted.version))
        return wanted

    def renew(self, lease: Lease) -> Lease:
        with self._transaction() as file:
            return sqlite_rows.write_lease(file, lease)

    # Wakes.

    def next_wake(self, group: str) -> NextWake:
        rows = self._rows("SELECT due FROM wake WHERE partition = ?", group)
        return NextWake(float(rows[0]["due"]) if rows else None, self.wait_of(group))

    def note_wake(self, group: str, due: float) -> None:
        self._file.connection.execute("REPLACE INTO wake VALUES (?, ?)", (group, due))

    def wait_of(self, group: str) -> Wait | None:
        rows = self._rows("SELECT * FROM pause WHERE partition = ?", group)
        return sqlite_rows.wait(rows[0]) if rows else None

    def set_wait(self, group: str, wait: Wait | None) -> None:
        sqlite_rows.write_wait(self._file.connection, group, wait)

    def waits(self) -> Mapping[str, Wait]:
        return {row["partition"]: sqlite_rows.wait(row) for row in self._rows("SELECT * FROM pause")}

    # Summaries.

    def note(self, summary: Summary) -> None:
        values = (summary.name, summary.at, summary.count, summary.due, summary.held)
        self._file.connection.execute("REPLACE INTO summary VALUES (?, ?, ?, ?, ?)", values)

    def summaries(self) -> Sequence[Summary]:
        rows = self._rows("SELECT name, at, count, due, held FROM summary")
        return [Summary(name, at, count, due, bool(held)) for name, at, count, due, held in rows]

    def tally(self) -> Mapping[str, tuple[int, float]]:
        sql = "SELECT partition, count(*), min(due) FROM open INDEXED BY open_head GROUP BY partition"
        return {group: (count, due) for group, count, due in self._rows(sql)}

    def probe(self, now: float) -> None:
        values = (now, MAX_MESSAGE)
        self._file.connection.execute("REPLACE INTO probe VALUES (1, ?, zeroblob(?))", values)

    # Maintenance.

    def maintenance(self) -> StoredText:
        rows = self._rows("SELECT text, version FROM maintenance")
        return StoredText(*rows[0]) if rows else StoredText()

    def write_maintenance(self, stored: StoredText) -> None:
        with self._transaction() as file:
            sqlite_memos.write_maintenance(file, stored)

    # Memos.

    def memos(self, kind: str) -> Sequence[Memo]:
        return [Memo(*row) for row in self._rows("SELECT kind, name, text, version FROM memo WHERE kind = ?", kind)]

    def write_memo(self, memo: Memo) -> Memo:
        with self._transaction() as file:
            return sqlite_memos.write_memo(file, memo)

    def remove_memo(self, memo: Memo) -> None:
        with self._transaction() as file:
            sql = "DELETE FROM memo WHERE kind = ? AND name = ? AND version = ?"
            sqlite_rows.require_one(file.execute(sql, (memo.kind, memo.name, memo.version)))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """A writing transaction; RowRefused for a value that no row can hold."""
        try:
            with self._file.transaction() as file:
                yield file
        except (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, UnicodeEncodeError) as error:
            raise RowRefused(f"Storage refuses the row: {type(error).__name__}.") from None

    def _rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        return self._file.connection.execute(sql, values).fetchall()
