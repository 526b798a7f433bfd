"""How many requests to Azure Storage an event costs, counted: the host's for the queue, and the bridge's own.

The host looks for messages all the time; those looks that find none are left out.
"""

import contextlib
import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

from azure.core.pipeline.transport import RequestsTransport
from azure.storage.queue import QueueClient

from bridge.deliveries import DeliveryRecord, EventRecord, Outcome, record_id
from bridge.entries import to_message, to_messages
from bridge.outbox.azure import AzureOutbox
from bridge.outbox.azure_queue import AzureQueue, _encoded, _text
from bridge.outbox.azure_storage import Account
from bridge.publishing.policy import Policy
from bridge.publishing.publisher import Publisher
from tests.azurite import AZURITE, azurite
from tests.bench.rows import Row, scratch
from tests.outbox_stand_ins import FakeChannel, entry

GRAPH = 0.3  # seconds a request
# As host.json has them, and the app settings of the template.
TAKEN, THREADS = 16, 32
LEASE, RETRY = 600, 30  # seconds
PATIENCE = 120  # seconds


@dataclass(frozen=True)
class Scenario:
    """Events of so many threads, one every so many seconds. goal: requests for each event."""

    name: str
    events: int
    threads: int
    every: float
    goal: float


SCENARIOS = (
    Scenario("one event alone", 1, 1, 0, 13),
    Scenario("ten at once of one thread", 10, 1, 0, 5),
    Scenario("ten at once of ten threads", 10, 10, 0, 6),
    Scenario("one a second of one thread", 20, 1, 1, 10),
    Scenario("1,000 in ten seconds of 20 threads", 1000, 20, 0.01, 3.5),
    Scenario("1,000 in ten seconds of 1,000 threads", 1000, 1000, 0.01, 3.5),
)


class SlowChannel(FakeChannel):
    """A channel that takes its time, as Graph does."""

    def start(self, post):
        time.sleep(GRAPH)
        return super().start(post)

    def reply(self, thread, post):
        time.sleep(GRAPH)
        return super().reply(thread, post)


class Outbox(AzureOutbox):
    """An outbox that knows how many entries were delivered."""

    delivered = 0

    def finish(self, entries, *args):
        written = super().finish(entries, *args)
        self.delivered += len(entries)
        return written


class Counter:
    """Counts the requests that Azure's libraries send."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def add(self, number: int) -> None:
        with self._lock:
            self.count += number

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        """Counts until it ends."""
        send = RequestsTransport.send

        def counted(transport, request, **options):
            self.add(1)
            return send(transport, request, **options)

        RequestsTransport.send = counted
        try:
            yield
        finally:
            RequestsTransport.send = send


class Host:
    """Does what the Functions host does with the queue."""

    def __init__(self, publisher: Publisher, queue: QueueClient, counter: Counter) -> None:
        self._publisher, self._queue, self._counter = publisher, queue, counter
        self._pool = ThreadPoolExecutor(THREADS)
        self._running = threading.Semaphore(TAKEN + TAKEN // 2)
        self._is_over = threading.Event()
        self._taker = threading.Thread(target=self._take)

    def __enter__(self) -> Self:
        self._taker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._taker.join()
        self._pool.shutdown()

    def put(self, message: str) -> None:
        self._queue.send_message(_encoded(message), time_to_live=-1)

    def _take(self) -> None:
        while not self._is_over.is_set():
            found = self._queue.receive_messages(max_messages=TAKEN, visibility_timeout=LEASE)
            messages = list(next(found.by_page(), ()))
            if not messages:
                self._counter.add(-1)
                time.sleep(0.1)
            for message in messages:
                self._running.acquire()
                self._pool.submit(self._handle, message)

    def _handle(self, message) -> None:
        try:
            self._publisher.handle(_text(message.content))
            self._queue.delete_message(message.id, message.pop_receipt)
        except Exception as error:  # noqa: BLE001  whatever it is, the host tries again
            print(repr(error)[:300], flush=True)
            self._queue.update_message(message.id, message.pop_receipt, visibility_timeout=RETRY)
        finally:
            self._running.release()


def counted(account: Account, scenarios: Sequence[Scenario]) -> Iterator[tuple[Scenario, float]]:
    """The requests for an event of each scenario, one after the other on the same storage."""
    numbers, counter, channel = itertools.count(1), Counter(), SlowChannel()
    with contextlib.closing(Outbox(account.table())) as outbox, contextlib.closing(AzureQueue(account)) as queue:
        publisher = Publisher(outbox, queue, channel, Policy())
        with counter.counting(), Host(publisher, account.queue(), counter) as host:
            for scenario in (Scenario("warms up", 1, 1, 0, 0), *scenarios):
                before, wanted = counter.count, outbox.delivered + scenario.events
                _send(host, scenario, numbers)
                deadline = time.monotonic() + PATIENCE
                while outbox.delivered < wanted:
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
                time.sleep(2)  # what follows the last post, and a wake too many
                if scenario.goal:
                    yield scenario, (counter.count - before) / scenario.events


def _send(host: Host, scenario: Scenario, numbers: Iterator[int]) -> None:
    began, first = time.monotonic(), next(numbers)
    with ThreadPoolExecutor(8) as pool:
        for place in range(scenario.events):
            time.sleep(max(0.0, began + place * scenario.every - time.monotonic()))
            number = first if place == 0 else next(numbers)
            pool.submit(host.put, _message(number, f"{scenario.name} {first} {place % scenario.threads}"))


def _message(number: int, thread: str) -> str:
    """The message of a webhook with one event, as the host gets it."""
    made, now = entry(number, thread), time.time()
    events = (EventRecord("push", "A push", groups=("g",), entries=(made.id,)),)
    record = DeliveryRecord(record_id(now, f"{number:05x}"), now, "github", Outcome.ACCEPTED, 202, events=events)
    (message,) = to_messages([made], [to_message(record)])
    return message


def rows() -> Iterator[Row]:
    """A row for each scenario, against one request."""
    if not AZURITE.exists():
        return
    with scratch() as folder, azurite(folder) as storage:
        for scenario, requests in counted(Account(storage.account()), SCENARIOS):
            yield Row(f"storage requests per event, {scenario.name}", requests, 1, "", scenario.goal)
