"""What is known of every webhook, in a partition of the table: records by their ids, and pointers to them.

    delivery-<id>          a record; ids count the time backwards, so that the newest comes first
    entry-<entry>-<id>     the record of an entry
    sender-<hash>-<id>     the record of a delivery, by a hash of the id that its sender gave it

A record and its pointers are written in one batch.
"""

import hashlib
import zlib
from collections.abc import Iterator
from itertools import islice

from azure.data.tables import TableClient, UpdateMode

from bridge.deliveries import DeliveryFilter, DeliveryPage, DeliveryRecord, from_text, to_text
from bridge.outbox.azure_rows import Operation, Row, key, packed
from bridge.outbox.rows import is_id

DELIVERIES = "deliveries"  # the partition
_WALK = 5000  # rows of a page's walk, where the table cannot choose them
_MOST_ANSWERED = 1000  # rows of an answer of the table
_MOST = 100  # rows of a batch


def written(record: DeliveryRecord) -> list[Operation]:
    """Writes a record and its pointers over those of its id."""
    values = {
        "source": record.source,
        "outcome": record.outcome.value,
        "groups": " ".join(record.groups),
        "search": record.searchable,
        "record": packed(to_text(record)),
    }
    pointers = [f"entry-{entry}-{record.id}" for entry in record.entries]
    pointers += [f"sender-{_hash(record.delivery)}-{record.id}"] if record.delivery else []
    rows = [key(DELIVERIES, f"delivery-{record.id}") | values, *(key(DELIVERIES, name) for name in pointers)]
    # Stamped with the time of the webhook, by which all of them expire.
    return [("upsert", row | {"at": record.at}, {"mode": UpdateMode.REPLACE}) for row in rows[:_MOST]]


def record(row: Row) -> DeliveryRecord:
    """The record of a row."""
    return from_text(zlib.decompress(row["record"]))


def page(table: TableClient, wanted: DeliveryFilter, limit: int, before: str) -> DeliveryPage:
    """At most so many of the wanted records, newest first, from those after `before`."""
    first, looked_at = max(f"delivery-{wanted.first}", f"delivery-{before}g" if before else ""), ""
    rows = _query(table, wanted, first, f"delivery-{wanted.last}", limit + 1)
    found: list[DeliveryRecord] = []
    for number, row in enumerate(rows):
        if number == _WALK or len(found) == limit:
            return DeliveryPage(tuple(found), looked_at.partition("-")[2])
        looked_at = row["RowKey"]
        if _is_wanted(row, wanted):
            found.append(record(row))
    return DeliveryPage(tuple(found))


def _query(table: TableClient, wanted: DeliveryFilter, first: str, last: str, limit: int) -> Iterator[Row]:
    text = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last"
    values = {"partition": DELIVERIES, "first": first, "last": last}
    for column, value in (("source", wanted.source), ("outcome", wanted.outcome)):
        if value:
            text, values = f"{text} and {column} eq @{column}", {**values, column: value}
    is_walk = bool(wanted.group or wanted.words)
    columns = ["RowKey", "record", *(["groups", "search"] if is_walk else [])]
    most = _MOST_ANSWERED if is_walk else min(limit, _MOST_ANSWERED)
    return iter(table.query_entities(text, parameters=values, select=columns, results_per_page=most))


def _is_wanted(row: Row, wanted: DeliveryFilter) -> bool:
    """Whether a row has what the table cannot look for."""
    if wanted.group and wanted.group not in row["groups"].split():
        return False
    return all(word in row["search"] for word in wanted.words)


def find(table: TableClient, asked: str) -> set[str]:
    """The names of the rows of the records that a person means."""
    ranges = [(f"sender-{_hash(asked)}-", f"sender-{_hash(asked)}.")]
    if is_id(asked):
        # What comes after the digits is "g".
        ranges += [(f"{kind}-{asked}", f"{kind}-{asked}g") for kind in ("delivery", "entry")]
    names = [name for first, last in ranges for name in _names(table, first, last)]
    return {f"delivery-{name.rpartition('-')[2]}" for name in names}


def _names(table: TableClient, first: str, last: str) -> Iterator[str]:
    text = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last"
    values = {"partition": DELIVERIES, "first": first, "last": last}
    for row in islice(table.query_entities(text, parameters=values, select=["RowKey"]), _MOST):
        yield str(row["RowKey"])


def expired(table: TableClient, before: float) -> list[Row]:
    """The rows of what came before then."""
    text = "PartitionKey eq @partition and at lt @before"
    values = {"partition": DELIVERIES, "before": before}
    return [dict(row) for row in table.query_entities(text, parameters=values, select=["PartitionKey", "RowKey"])]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
