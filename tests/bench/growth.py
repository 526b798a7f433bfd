"""What recording and draining cost with a long history, against none."""

import contextlib
import time
from collections.abc import Iterator

from bridge.entries import to_message
from bridge.outbox.azure import AzureOutbox
from bridge.outbox.azure_queue import AzureQueue
from bridge.outbox.azure_storage import Account
from bridge.outbox.base import Outbox, Queue
from bridge.outbox.rows import BATCH, ThreadRow
from bridge.outbox.sqlite import SqliteOutbox
from bridge.outbox.sqlite_queue import SqliteQueue
from bridge.publishing.policy import Policy
from bridge.publishing.publisher import Publisher
from tests.azurite import AZURITE, azurite
from tests.bench.rows import Row, scratch
from tests.outbox_stand_ins import START, Clock, FakeChannel, entry

ROWS, MEASURED = 100_000, 200
# The emulator searches through all its rows, whatever the query; a test counts the requests instead.
ROWS_OF_AZURITE = 2_000


def measured(outbox: Outbox, queue: Queue, clock: Clock, first: int) -> float:
    """Seconds for recording and draining entries of threads of their own."""
    publisher, group = Publisher(outbox, queue, FakeChannel(), Policy(settle=1), clock=clock), "g"
    began = time.perf_counter()
    for number in range(first, first + MEASURED):
        publisher.handle(to_message(entry(number, str(number), group)))
        if number % 10 == 9:
            clock.now += 5
            publisher.handle('{"version": 1, "type": "wake", "group": "g"}')
    return time.perf_counter() - began


def fill(outbox: Outbox, rows: int) -> None:
    for first in range(0, rows, BATCH):
        for number in range(first, first + BATCH):
            outbox.record(entry(number, str(number)), START, START)
        delivered = outbox.open_entries("g")
        outbox.finish(delivered, [ThreadRow(row.entry.key, "t", START, START) for row in delivered])


def row(name: str, outbox: Outbox, queue: Queue, clock: Clock, rows: int) -> Row:
    with contextlib.closing(outbox), contextlib.closing(queue):
        measured(outbox, queue, clock, 2 * ROWS)  # warms everything up
        before = measured(outbox, queue, clock, 3 * ROWS)
        fill(outbox, rows)
        after = measured(outbox, queue, clock, 4 * ROWS)
    return Row(f"growth, {name}: {MEASURED} entries after {rows}", after, before, "s", 1.15)


def rows() -> Iterator[Row]:
    """A row for each outbox: seconds for the same entries after many others were delivered, against none before."""
    with scratch() as folder:
        clock, path = Clock(), folder / "outbox.sqlite"
        yield row("SQLite", SqliteOutbox(path), SqliteQueue(path, clock=clock), clock, ROWS)
        if AZURITE.exists():
            with azurite(folder) as storage:
                account = Account(storage.account())
                yield row("Azure Tables", AzureOutbox(account.table()), AzureQueue(account), clock, ROWS_OF_AZURITE)
