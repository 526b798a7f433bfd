"""The outbox in Azure Storage: rows in a table, which several instances of the app share.

Every row of a group is in the partition of that name, so that a batch is atomic:
https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""

import contextlib
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, groupby

from azure.data.tables import TableClient, UpdateMode

from bridge.deliveries import DeliveryFilter, DeliveryPage, DeliveryRecord
from bridge.entries import Entry
from bridge.errors import Conflict
from bridge.outbox import azure_deliveries, azure_open, azure_repeats, azure_rows
from bridge.outbox.azure_groups import MANY, AzureGroups
from bridge.outbox.azure_rows import Operation, Row
from bridge.outbox.azure_table import MOST
from bridge.outbox.rows import (
    BATCH,
    ContentRow,
    Counts,
    DeadLetter,
    HistoryRecord,
    Lease,
    LeftOut,
    Newest,
    OpenEntry,
    Recorded,
    ThreadRow,
    UnreadableRow,
    is_id,
)
from bridge.outbox.together import Together

_COUNTED = ("open", "dead")
_MAX_OPERATIONS = 100  # of a transaction


class AzureOutbox(AzureGroups):
    """An `Outbox` in a table. Errors of Azure's libraries are raised as they are.

    What several threads record at the same time is written in one batch.
    """

    def __init__(self, table: TableClient) -> None:
        super().__init__(table)
        self._lock = threading.Lock()
        self._recordings: dict[str, Together[tuple[OpenEntry, float | None], Recorded]] = {}
        self._notes: Together[list[Operation], None] = Together(self._note, BATCH)

    # Entries.

    def record(self, entry: Entry, now: float, due: float, wake: float | None = None) -> Recorded:
        self._know(entry.group)
        with self._lock:
            recording = self._recordings.setdefault(entry.group, Together(self._record, BATCH))
        try:
            return recording.write((OpenEntry(entry, recorded=now, due=due), wake))
        except Conflict:
            return Recorded.OPEN if self._get(entry.group, f"open-{entry.id}") else Recorded.DELIVERED

    def _record(self, rows: Sequence[tuple[OpenEntry, float | None]]) -> Sequence[Recorded]:
        """Records entries of one group in one batch."""
        wakes = [azure_rows.write_wake(row.entry.group, wake) for row, wake in rows if wake is not None]
        history = [("create", azure_rows.history(row.entry, row.recorded)) for row, _ in rows]
        self._submit([*history, *(azure_open.insert_open(row) for row, _ in rows), *wakes[-1:]])
        return [Recorded.NEW] * len(rows)

    def record_repeat(self, entry: Entry, of: str, now: float) -> None:
        self._know(entry.group)
        with contextlib.suppress(Conflict):
            self._submit([("create", azure_rows.history(entry, now) | {"repeat_of": of})])

    def claim_content(self, row: ContentRow) -> ContentRow:
        try:
            return self.write_content(row)
        except Conflict:
            key = azure_repeats.content_key(row.content)
            known = self._get(key["PartitionKey"], key["RowKey"])
            return azure_repeats.content(known) if known else self.write_content(row)

    def write_content(self, row: ContentRow) -> ContentRow:
        return replace(row, version=self._submit([azure_repeats.write_content(row)])[0])

    def leave_out(self, row: OpenEntry, of: Newest, thread: ThreadRow) -> ThreadRow:
        group = row.entry.group
        written = self._submit(
            [
                azure_rows.write_thread(group, thread),
                azure_open.delete_open(row),
                azure_repeats.insert_left_out(row, of),
                azure_repeats.note_repeat(group, row.entry.id, of.id),
            ]
        )
        return replace(thread, version=written[0])

    def left_out(self, group: str, key: str) -> Sequence[LeftOut]:
        rows = map(azure_repeats.left_out, self._rows(group, azure_repeats.left_out_name(key)))
        return [row for row in rows if row]

    def restore(self, row: LeftOut, due: float) -> OpenEntry:
        opened = OpenEntry(row.entry, recorded=row.recorded, due=due)
        etags = self._submit(
            [
                azure_open.insert_open(opened),
                azure_repeats.delete_left_out(row),
                azure_repeats.note_repeat(row.entry.group, row.entry.id, ""),
            ]
        )
        return replace(opened, version=etags[0])

    def overdue(self, before: float) -> Sequence[str]:
        overdue = {group: self._rows(group, "open", "due lt @time", ["due"], time=before) for group in self._groups()}
        return [group for group, rows in overdue.items() if next(rows, None)]

    def waiting(self, after: float) -> Mapping[str, tuple[int, float]]:
        more = "due gt @time and state eq 'pending'"
        dues = {
            group: [row["due"] for row in self._rows(group, "open", more, ["due"], time=after)]
            for group in self._groups()
        }
        return {group: (len(found), min(found)) for group, found in dues.items() if found}

    def threads(self, group: str, keys: Collection[str]) -> Mapping[str, ThreadRow]:
        names, found = set(map(azure_rows.thread_name, keys)), list[Row]()
        if len(names) > MANY:
            # The names are hashes: one page shows all of a group that has few threads, and a part of another's.
            page, more = self._page(group, "thread-", "thread.", MOST)
            found = [row for row in page if row["RowKey"] in names]
            names = {name for name in names if more and name > page[-1]["RowKey"]}
        # One by one: a query with many "or" walks through the whole partition.
        found += filter(None, self._readers.map(lambda name: self._get(group, name), names))
        return {thread.key: thread for thread in map(azure_rows.thread, found)}

    def standing(self, group: str) -> Sequence[ThreadRow]:
        rows = self._rows(group, "thread", "standing gt @empty", empty="")
        return [thread for thread in map(azure_rows.thread, rows) if thread.standing]

    def claim(self, lease: Lease, entries: Sequence[OpenEntry]) -> tuple[Lease, Sequence[OpenEntry]]:
        etags = self._submit([azure_rows.write_lease(lease), *map(azure_open.write_open, entries)])
        return replace(lease, version=etags[0]), azure_open.versioned(entries, etags[1:])

    def change(self, entries: Sequence[OpenEntry]) -> Sequence[OpenEntry]:
        return azure_open.versioned(entries, self._submit([azure_open.write_open(entry) for entry in entries]))

    def finish(
        self, entries: Sequence[OpenEntry], threads: Sequence[ThreadRow], lease: Lease | None = None
    ) -> Sequence[ThreadRow]:
        group = entries[0].entry.group
        history = [azure_rows.note_post(row, threads[0]) for row in entries]
        rows = [azure_rows.write_thread(group, thread) for thread in threads]
        given_back = [azure_rows.write_lease(lease)] if lease else []
        etags = self._submit([*rows, *map(azure_open.delete_open, entries), *history, *given_back])
        return [replace(thread, version=etag) for thread, etag in zip(threads, etags, strict=False)]

    def write_threads(self, group: str, threads: Sequence[ThreadRow]) -> Sequence[ThreadRow]:
        etags = self._submit([azure_rows.write_thread(group, thread) for thread in threads])
        return [replace(thread, version=etag) for thread, etag in zip(threads, etags, strict=True)]

    def move_to_dead_letters(self, entry: OpenEntry, letter: DeadLetter) -> None:
        self._submit([azure_open.delete_open(entry), ("upsert", azure_rows.dead(letter))])

    def set_aside(self, row: UnreadableRow, letter: DeadLetter) -> None:
        self._submit([azure_open.delete_unreadable(row), ("upsert", azure_rows.dead(letter))])

    def add_dead_letter(self, letter: DeadLetter) -> None:
        self._know(letter.group or azure_rows.NOWHERE)
        self._submit([("upsert", azure_rows.dead(letter))])

    def dead_letters(self) -> Sequence[DeadLetter]:
        found = [azure_rows.dead_letter(row) for group in self._groups() for row in self._rows(group, "dead")]
        return sorted(found, key=lambda letter: (letter.at, letter.id))

    def remove_dead_letter(self, letter: DeadLetter) -> None:
        self._table.delete_entity(letter.group or azure_rows.NOWHERE, f"dead-{letter.id}")

    def requeue(self, letter: DeadLetter, entry: Entry, now: float) -> None:
        history = ("upsert", azure_rows.history(entry, now), {"mode": UpdateMode.REPLACE})
        opened = azure_open.insert_open(OpenEntry(entry, recorded=now, due=now))
        remove = ("delete", azure_rows.key(letter.group or azure_rows.NOWHERE, f"dead-{letter.id}"))
        if letter.group == entry.group:
            self._submit([remove, history, opened])
            return
        # The letter is in another partition. First what must not get lost; the entry's id keeps it from a second post.
        self._know(entry.group)
        self._submit([history, opened])
        self._submit([remove])

    def history(self, asked: str) -> Sequence[HistoryRecord]:
        if not asked:
            return []
        found = {row["RowKey"]: row for group in self._groups() for row in self._history(group, asked)}
        records = [azure_rows.history_record(row) for row in found.values()]
        return sorted(records, key=lambda record: (record.recorded, record.id))

    def _history(self, group: str, asked: str) -> Iterator[Row]:
        yield from self._rows(group, "seen", "delivery eq @asked or token eq @asked", asked=asked)
        if is_id(asked):
            # What comes after the digits is "g".
            yield from self._rows(group, "seen", first=f"seen-{asked}", last=f"seen-{asked}g")
        for row in self._rows(group, "open", "attempt eq @asked", asked=asked):
            known = self._get(group, f"seen-{azure_rows.row_id(row)}")
            yield from [known] if known else []

    def counts(self) -> Counts:
        groups = self._groups()
        names = [[row for group in groups for row in self._rows(group, kind, select=["RowKey"])] for kind in _COUNTED]
        return Counts(*map(len, names))

    def purge(self, before: float, idle: float) -> None:
        for group in self._groups():
            still_open = {azure_rows.row_id(row) for row in self._rows(group, "open", select=["RowKey"])}
            history = [
                row
                for row in self._rows(group, "seen", "at lt @time", time=before)
                if azure_rows.row_id(row) not in still_open
            ]
            dead = self._rows(group, "dead", "at lt @time", time=before)
            over = self._rows(group, "thread", "posted lt @idle or ended lt @time", time=before, idle=idle)
            repeats = self._rows(group, "repeat", "at lt @time", time=before)
            self._delete([*history, *dead, *over, *repeats])
        self._delete(azure_deliveries.expired(self._table, before))
        text = "PartitionKey ge @first and PartitionKey lt @last and at lt @time"
        bounds = {"first": azure_repeats.CONTENTS, "last": f"{azure_repeats.CONTENTS[:-1]}.", "time": before}
        old = sorted(self._table.query_entities(text, parameters=bounds), key=lambda row: str(row["PartitionKey"]))
        for _, rows in groupby(old, key=lambda row: row["PartitionKey"]):
            self._delete([dict(row) for row in rows])

    def _delete(self, rows: Sequence[Row]) -> None:
        """Deletes rows of one partition."""
        for start in range(0, len(rows), _MAX_OPERATIONS):
            self._submit([("delete", row) for row in rows[start : start + _MAX_OPERATIONS]])

    # Deliveries.

    def note_delivery(self, record: DeliveryRecord) -> None:
        self._notes.write(azure_deliveries.written(record))

    def _note(self, records: Sequence[list[Operation]]) -> Sequence[None]:
        """Writes records in as few batches as will do; each replaces what stands there, so it may be written again."""
        operations = list(chain.from_iterable(records))
        for start in range(0, len(operations), _MAX_OPERATIONS):
            self._submit(operations[start : start + _MAX_OPERATIONS])
        return [None] * len(records)

    def deliveries(self, wanted: DeliveryFilter, limit: int, before: str = "") -> DeliveryPage:
        return azure_deliveries.page(self._table, wanted, limit, before)

    def find_deliveries(self, asked: str) -> Sequence[DeliveryRecord]:
        found = azure_deliveries.find(self._table, asked)
        rows = self._readers.map(lambda name: self._get(azure_deliveries.DELIVERIES, name), sorted(found, reverse=True))
        return [azure_deliveries.record(row) for row in rows if row]

    def rows_of(self, entries: Mapping[str, str]) -> Mapping[str, HistoryRecord]:
        rows = self._readers.map(lambda pair: self._get(pair[1], f"seen-{pair[0]}"), entries.items())
        records = [azure_rows.history_record(row) for row in rows if row]
        return {record.id: record for record in records}
