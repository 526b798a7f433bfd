"""The outbox in Azure Storage: rows in a table, which several instances of the app share.

Every row of a group is in the partition of that name, so that a batch is atomic:
https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from azure.data.tables import UpdateMode

from bridge.deliveries import DeliveryFilter, DeliveryPage, DeliveryRecord
from bridge.entries import Entry
from bridge.errors import Conflict
from bridge.limits import MAX_MESSAGE
from bridge.outbox import azure_deliveries, azure_repeats, azure_rows
from bridge.outbox.azure_memos import AzureMemos
from bridge.outbox.azure_rows import Row
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

_COUNTED = ("open", "dead")
_MAX_OPERATIONS = 100  # of a transaction


class AzureOutbox(AzureMemos):
    """An `Outbox` in a table. Errors of Azure's libraries are raised as they are."""

    # Entries.

    def record(self, entry: Entry, now: float, due: float) -> Recorded:
        self._know(entry.group)
        try:
            opened = azure_rows.insert_open(OpenEntry(entry, recorded=now, due=due))
            self._submit([("create", azure_rows.history(entry, now)), opened])
        except Conflict:
            return Recorded.OPEN if self._get(entry.group, f"open-{entry.id}") else Recorded.DELIVERED
        return Recorded.NEW

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

    def open_entries(self, group: str) -> Sequence[OpenEntry]:
        return self.open_rows(group)[0]

    def open_rows(self, group: str) -> tuple[Sequence[OpenEntry], Sequence[UnreadableRow]]:
        rows = [azure_rows.open_entry(row) for row in self._rows(group, "open")]
        entries = [row for row in rows if isinstance(row, OpenEntry)]
        return entries, [row for row in rows if isinstance(row, UnreadableRow)]

    def leave_out(self, row: OpenEntry, of: Newest, thread: ThreadRow) -> ThreadRow:
        group = row.entry.group
        written = self._submit(
            [
                azure_rows.write_thread(group, thread),
                azure_rows.delete_open(row),
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
                azure_rows.insert_open(opened),
                azure_repeats.delete_left_out(row),
                azure_repeats.note_repeat(row.entry.group, row.entry.id, ""),
            ]
        )
        return replace(opened, version=etags[0])

    def overdue(self, before: float) -> Sequence[str]:
        overdue = {group: self._rows(group, "open", "due lt @time", time=before) for group in self._groups()}
        return [group for group, rows in overdue.items() if next(rows, None)]

    def waiting(self, after: float) -> Mapping[str, tuple[int, float]]:
        more = "due gt @time and state eq 'pending'"
        dues = {
            group: [row["due"] for row in self._rows(group, "open", more, ["due"], time=after)]
            for group in self._groups()
        }
        return {group: (len(found), min(found)) for group, found in dues.items() if found}

    def threads(self, group: str, keys: Collection[str]) -> Mapping[str, ThreadRow]:
        # One by one: a query with many "or" walks through the whole partition.
        rows = self._readers.map(lambda key: self._get(group, azure_rows.thread_name(key)), keys)
        return {thread.key: thread for thread in map(azure_rows.thread, filter(None, rows))}

    def standing(self, group: str) -> Sequence[ThreadRow]:
        rows = self._rows(group, "thread", "standing gt @empty", empty="")
        return [thread for thread in map(azure_rows.thread, rows) if thread.standing]

    def claim(self, lease: Lease, entries: Sequence[OpenEntry]) -> tuple[Lease, Sequence[OpenEntry]]:
        etags = self._submit([azure_rows.write_lease(lease), *map(azure_rows.write_open, entries)])
        return replace(lease, version=etags[0]), azure_rows.versioned(entries, etags[1:])

    def change(self, entries: Sequence[OpenEntry]) -> Sequence[OpenEntry]:
        return azure_rows.versioned(entries, self._submit([azure_rows.write_open(entry) for entry in entries]))

    def finish(self, entries: Sequence[OpenEntry], threads: Sequence[ThreadRow]) -> Sequence[ThreadRow]:
        group = entries[0].entry.group
        history = [azure_rows.note_post(row, threads[0]) for row in entries]
        rows = [azure_rows.write_thread(group, thread) for thread in threads]
        etags = self._submit([*rows, *map(azure_rows.delete_open, entries), *history])
        return [replace(thread, version=etag) for thread, etag in zip(threads, etags, strict=False)]

    def write_threads(self, group: str, threads: Sequence[ThreadRow]) -> Sequence[ThreadRow]:
        etags = self._submit([azure_rows.write_thread(group, thread) for thread in threads])
        return [replace(thread, version=etag) for thread, etag in zip(threads, etags, strict=True)]

    def move_to_dead_letters(self, entry: OpenEntry, letter: DeadLetter) -> None:
        self._submit([azure_rows.delete_open(entry), ("upsert", azure_rows.dead(letter))])

    def set_aside(self, row: UnreadableRow, letter: DeadLetter) -> None:
        self._submit([azure_rows.delete_unreadable(row), ("upsert", azure_rows.dead(letter))])

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
        opened = azure_rows.insert_open(OpenEntry(entry, recorded=now, due=now))
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
            still_open = {azure_rows.row_id(row) for row in self._rows(group, "open")}
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
        self._submit(azure_deliveries.written(record))

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

    # Leases.

    def acquire(self, partition: str, name: str, owner: str, now: float, expires: float) -> Lease:
        row = self._get(partition, azure_rows.lease_name(name))
        if row and row["owner"] and row["expires"] > now:
            return azure_rows.lease(partition, name, row)
        wanted = Lease(partition, name, owner, expires, azure_rows.version(row) if row else "")
        try:
            return replace(wanted, version=self._submit([azure_rows.write_lease(wanted)])[0])
        except Conflict:
            # Another was faster; or it was this very call, whose first answer got lost.
            row = self._get(partition, azure_rows.lease_name(name))
            return azure_rows.lease(partition, name, row) if row else replace(wanted, owner="")

    def renew(self, lease: Lease) -> Lease:
        return replace(lease, version=self._submit([azure_rows.write_lease(lease)])[0])

    # Wakes.

    def next_wake(self, group: str) -> float | None:
        row = self._get(group, "wake")
        return float(row["due"]) if row else None

    def note_wake(self, group: str, due: float) -> None:
        self._table.upsert_entity(azure_rows.key(group, "wake") | {"due": due}, mode=UpdateMode.REPLACE)

    def wait_of(self, group: str) -> Wait | None:
        row = self._get(group, azure_rows.WAIT)
        return azure_rows.wait(row) if row else None

    def set_wait(self, group: str, wait: Wait | None) -> None:
        if wait is None:
            self._table.delete_entity(group, azure_rows.WAIT)
            return
        self._know(group)
        self._table.upsert_entity(azure_rows.wait_row(group, wait), mode=UpdateMode.REPLACE)

    def waits(self) -> Mapping[str, Wait]:
        found = {group: self.wait_of(group) for group in self._groups()}
        return {group: wait for group, wait in found.items() if wait}

    # Summaries.

    def note(self, summary: Summary) -> None:
        self._table.upsert_entity(azure_rows.summary_row(summary), mode=UpdateMode.REPLACE)

    def summaries(self) -> Sequence[Summary]:
        rows = self._rows(azure_rows.SUMMARIES, azure_rows.SUMMARY)
        return [azure_rows.summary(row) for row in rows]

    def tally(self) -> Mapping[str, tuple[int, float]]:
        dues = {group: [row["due"] for row in self._rows(group, "open", select=["due"])] for group in self._groups()}
        return {group: (len(found), min(found)) for group, found in dues.items() if found}

    def probe(self, now: float) -> None:
        row = azure_rows.key(azure_rows.SUMMARIES, "probe") | {"at": now, "content": bytes(MAX_MESSAGE)}
        self._table.upsert_entity(row, mode=UpdateMode.REPLACE)
