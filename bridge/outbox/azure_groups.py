"""How a drain reads a group in the table of an outbox."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from bridge.outbox import azure_open, azure_rows, group_state
from bridge.outbox.azure_leases import AzureLeases
from bridge.outbox.azure_rows import Row
from bridge.outbox.azure_table import FEW, MOST
from bridge.outbox.group_state import CROWD, GroupState
from bridge.outbox.heads import Head, head_of_row
from bridge.outbox.rows import Lease, OpenEntry, UnreadableRow

MANY = 20  # rows of which a page of all is better than one by one
_DENSE = 0.1  # of a page: if fewer of its rows are wanted, one by one is better


class AzureGroups(AzureLeases):
    """The part of an outbox that reads what is open."""

    def open_entries(self, group: str) -> Sequence[OpenEntry]:
        rows = map(azure_open.open_entry, self._rows(group, "open"))
        return [row for row in rows if isinstance(row, OpenEntry)]

    def read_group(self, group: str, now: float, most: int = CROWD) -> GroupState:
        # The names of the rows of the lease, of open entries and of the wait follow one another, in this order.
        first, last = azure_rows.LEASE, azure_rows.WAIT
        rows, token = self._page(group, first, last, FEW)
        named = {row["RowKey"]: row for row in rows if row["RowKey"] in (first, last)}
        state = GroupState(
            azure_rows.lease(group, "lease", named[first]) if first in named else Lease(group, "lease", "", 0.0, ""),
            # It comes after many rows, which nobody needs if the group waits.
            azure_rows.wait(named[last]) if last in named else self.wait_of(group) if token else None,
        )
        if not state.is_open(now):
            return state
        while token and len(rows) <= most:
            page, token = self._page(group, first, last, MOST, token)
            rows += page
        opened = [row for row in rows if row["RowKey"] not in (first, last)]
        if token or len(opened) > most:
            return replace(state, is_crowded=True)
        return group_state.with_rows(state, [azure_open.open_entry(row) for row in opened])

    def heads(self, group: str) -> Sequence[Head]:
        found, older = list[Head](), list[str]()
        for row in self._rows(group, "open", select=azure_open.HEAD):
            if head := azure_open.head(row):
                found.append(head)
            else:
                older.append(azure_rows.row_id(row))
        return [*found, *map(head_of_row, self.read_open(group, older))]

    def read_open(self, group: str, ids: Collection[str]) -> Sequence[OpenEntry | UnreadableRow]:
        names, found = sorted(f"open-{entry}" for entry in ids), list[Row]()
        while len(names) > MANY:
            page, more = self._page(group, names[0], names[-1], MOST)
            wanted = set(names)
            here = [row for row in page if row["RowKey"] in wanted]
            found += here
            names = [name for name in names if more and name > page[-1]["RowKey"]]
            if len(here) < len(page) * _DENSE:
                break
        found += filter(None, self._readers.map(lambda name: self._get(group, name), names))
        return [azure_open.open_entry(row) for row in found]
