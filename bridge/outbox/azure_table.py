"""The table of an outbox: partitions of groups, rows by the kinds that their names begin with, and batches."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, TableTransactionError

from bridge.errors import Conflict, RowRefused
from bridge.outbox import azure_rows
from bridge.outbox.azure_rows import Operation, Row

# The partition that lists the others.
_GROUPS = "groups"
_CONFLICTS = (404, 409, 412)
# A row or a property that is too big, and a value or a key that may not be:
# https://learn.microsoft.com/rest/api/storageservices/table-service-error-codes
_REFUSED = (400, 413)
_READERS = 8
FEW, MOST = 100, 1000  # rows of a page


class AzureTable:
    """What an outbox does with its table. Errors of Azure's libraries are raised as they are."""

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._known: set[str] = set()
        self._readers = ThreadPoolExecutor(_READERS, "outbox")

    def close(self) -> None:
        """Closes the connections; the outbox must not be used afterwards."""
        self._readers.shutdown()
        self._table.close()

    def _know(self, group: str) -> None:
        """Lists the group once, so that all of them can be found without walking through all rows."""
        if group not in self._known:
            self._table.upsert_entity(azure_rows.key(_GROUPS, group))
            self._known.add(group)

    def _groups(self) -> list[str]:
        rows = self._table.query_entities("PartitionKey eq @partition", parameters={"partition": _GROUPS})
        return [str(row["RowKey"]) for row in rows]

    def _get(self, partition: str, name: str) -> Row | None:
        try:
            return azure_rows.versioned_row(self._table.get_entity(partition, name))
        except ResourceNotFoundError:
            return None

    def _rows(
        self, group: str, kind: str, more: str = "", select: list[str] | None = None, **parameters: object
    ) -> Iterator[Row]:
        """The rows of a kind, by the range of their names: however long the history is. select: these columns only."""
        # "." is what comes after "-".
        text = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last" + (
            f" and ( {more} )" if more else ""
        )
        bounds = {"partition": group, "first": f"{kind}-", "last": f"{kind}."}
        for row in self._table.query_entities(text, parameters={**bounds, **parameters}, select=select):
            yield azure_rows.versioned_row(row)

    def _page(self, partition: str, first: str, last: str, most: int, token: Any = None) -> tuple[list[Row], Any]:
        """The rows from one name to another, at most so many, and the token of those that follow; None: there are none.

        token: that of the page before.
        """
        text = "PartitionKey eq @partition and RowKey ge @first and RowKey le @last"
        bounds = {"partition": partition, "first": first, "last": last}
        pages = self._table.query_entities(text, parameters=bounds, results_per_page=most).by_page(token)
        rows: list[Row] = []
        while not rows:
            # A page may be empty, and not the last one.
            page = next(pages, None)
            if page is None:
                return [], None
            rows = [azure_rows.versioned_row(row) for row in page]
        return rows, getattr(pages, "continuation_token", None)

    def _submit(self, operations: list[Operation]) -> list[str]:
        """Writes a batch; gives the rows' new versions."""
        try:
            return [str(written.get("etag", "")) for written in self._table.submit_transaction(operations)]
        except TableTransactionError as error:
            if error.status_code in _CONFLICTS:
                raise Conflict("A row has been written by another drain since it was read.") from None
            if error.status_code in _REFUSED:
                raise RowRefused(f"Storage refuses the row: {error.reason or error.status_code}.") from None
            raise
