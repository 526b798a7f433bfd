"""What recording and draining cost with a long history, against none: processor time of the bridge.

The emulator of Azure Storage searches through all its rows, whatever the query, which Azure does not. What it takes for
that is left out; a test counts the requests.
"""

import contextlib
import itertools
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
from tests.bench.rows import Row, in_turns, scratch
from tests.outbox_stand_ins import START, Clock, FakeChannel, entry

ROWS, MEASURED, ROUNDS = 50_000, 50, 5
# Few, as filling the emulator takes long.
ROWS_OF_AZURITE = 2_000


class Kept:
    """An outbox with its queue, and a publisher's work with it."""

    def __init__(self, outbox: Outbox, queue: Queue) -> None:
        self._outbox, self._queue, self._clock = outbox, queue, Clock()
        self._numbers = itertools.count(2 * ROWS)

    def fill(self, rows: int) -> None:
        """Gives it a history."""
        for first in range(0, rows, BATCH):
            for number in range(first, first + BATCH):
                self._outbox.record(entry(number, str(number)), START, START)
            delivered = self._outbox.open_entries("g")
            self._outbox.finish(delivered, [ThreadRow(row.entry.key, "t", START, START) for row in delivered])

    def measured(self) -> float:
        """Seconds for recording and draining entries of threads of their own."""
        publisher = Publisher(self._outbox, self._queue, FakeChannel(), Policy(settle=1), clock=self._clock)
        began = time.process_time()
        for number in itertools.islice(self._numbers, MEASURED):
            publisher.handle(to_message(entry(number, str(number), "g")))
            if number % 10 == 9:
                self._clock.now += 5
                publisher.handle('{"version": 1, "type": "wake", "group": "g"}')
        return time.process_time() - began


def row(name: str, full: Kept, empty: Kept, rows: int) -> Row:
    for kept in (full, empty):
        kept.measured()  # warms everything up
    full.fill(rows)
    figures = in_turns(full.measured, empty.measured, ROUNDS)
    return Row(f"growth, {name}: {MEASURED} entries after {rows}", *figures, "s", 1.15)


def rows() -> Iterator[Row]:
    """A row for each outbox: seconds for the same entries after many others were delivered, against none before."""
    with scratch() as folder, contextlib.ExitStack() as opened:

        def kept(outbox: Outbox, queue: Queue) -> Kept:
            opened.enter_context(contextlib.closing(outbox))
            opened.enter_context(contextlib.closing(queue))
            return Kept(outbox, queue)

        paths = folder / "full.sqlite", folder / "empty.sqlite"
        yield row("SQLite", *(kept(SqliteOutbox(path), SqliteQueue(path)) for path in paths), ROWS)
        if AZURITE.exists():
            storage = opened.enter_context(azurite(folder))
            accounts = [Account(storage.account()) for _ in range(2)]
            pair = [kept(AzureOutbox(one.table()), AzureQueue(one)) for one in accounts]
            yield row("Azure Tables", *pair, ROWS_OF_AZURITE)
