"""Leases, wakes, waits and summaries in the table of an outbox."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from azure.data.tables import TableClient, UpdateMode

from bridge.errors import Conflict
from bridge.limits import MAX_MESSAGE
from bridge.outbox import azure_rows
from bridge.outbox.azure_memos import AzureMemos
from bridge.outbox.group_state import NextWake
from bridge.outbox.rows import Lease, Summary, Wait


class AzureLeases(AzureMemos):
    """The part of an outbox that says who drains a group, and when."""

    def __init__(self, table: TableClient) -> None:
        super().__init__(table)
        self._given_back: dict[tuple[str, str], str] = {}

    # Leases.

    def acquire(self, partition: str, name: str, owner: str, now: float, expires: float) -> Lease:
        # One that this process has given back need not be read: if nobody has written it since, it is free.
        if version := self._given_back.pop((partition, name), ""):
            with contextlib.suppress(Conflict):
                return self.renew(Lease(partition, name, owner, expires, version))
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
        written = replace(lease, version=self._submit([azure_rows.write_lease(lease)])[0])
        if not lease.owner:
            self._given_back[lease.partition, lease.name] = written.version
        return written

    # Wakes.

    def next_wake(self, group: str) -> NextWake:
        row = self._get(group, azure_rows.WAKE) or {}
        # Its column only says whether to look: the wait may be over.
        return NextWake(row.get("due"), self.wait_of(group) if row.get("waits") else None)

    def note_wake(self, group: str, due: float) -> None:
        self._submit([azure_rows.write_wake(group, due)])

    def wait_of(self, group: str) -> Wait | None:
        row = self._get(group, azure_rows.WAIT)
        return azure_rows.wait(row) if row else None

    def set_wait(self, group: str, wait: Wait | None) -> None:
        if wait is None:
            self._table.delete_entity(group, azure_rows.WAIT)
            self._submit([azure_rows.write_waits(group, False)])
            return
        self._know(group)
        row = ("upsert", azure_rows.wait_row(group, wait), {"mode": UpdateMode.REPLACE})
        self._submit([row, azure_rows.write_waits(group, True)])

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
