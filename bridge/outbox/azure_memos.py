"""Memos, and the maintenance windows, in the table of an outbox."""

from collections.abc import Sequence
from dataclasses import replace

from bridge.outbox import azure_rows
from bridge.outbox.azure_table import AzureTable
from bridge.outbox.memos import Memo, StoredText


class AzureMemos(AzureTable):
    """The part of an outbox that has nothing to do with entries."""

    # Maintenance.

    def maintenance(self) -> StoredText:
        row = self._get(azure_rows.SUMMARIES, azure_rows.MAINTENANCE)
        return StoredText(row["text"], azure_rows.version(row)) if row else StoredText()

    def write_maintenance(self, stored: StoredText) -> None:
        row = azure_rows.key(azure_rows.SUMMARIES, azure_rows.MAINTENANCE) | {"text": stored.text}
        self._submit([azure_rows.write(row, stored.version)])

    # Memos.

    def memos(self, kind: str) -> Sequence[Memo]:
        return [azure_rows.memo(row) for row in self._rows(azure_rows.MEMOS, kind)]

    def write_memo(self, memo: Memo) -> Memo:
        return replace(memo, version=self._submit([azure_rows.write_memo(memo)])[0])

    def remove_memo(self, memo: Memo) -> None:
        self._submit([azure_rows.delete_memo(memo)])
