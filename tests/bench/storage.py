"""How many requests to Azure Storage an event costs, counted: the host's for the queue, and the bridge's own.

The host looks for messages all the time; those looks that find none are left out.
"""

import contextlib
import heapq
import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import RequestsTransport

from bridge.deliveries import DeliveryRecord, EventRecord, Outcome, record_id
from bridge.entries import to_message, to_messages
from bridge.outbox.azure import AzureOutbox
from bridge.outbox.azure_storage import Account
from bridge.publishing.leases import lanes_of
from bridge.publishing.policy import Policy
from bridge.publishing.publisher import Publisher
from tests.azurite import AZURITE, azurite
from tests.bench.rows import Row, scratch
from tests.outbox_stand_ins import FakeChannel, entry

# As host.json has them, and the app settings of the template.
TAKEN, AGAIN, THREADS = 16, 8, 32
# All in seconds. Requests to Graph and to the queue take that long; where there is no message, the next look is later.
GRAPH, QUEUE, POLL = 0.3, 0.01, 0.1
RETRY, PATIENCE = 30, 120


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
    """Counts requests."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def add(self) -> None:
        with self._lock:
            self.count += 1

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        """Counts those that Azure's libraries send, until it ends."""
        send = RequestsTransport.send

        def counted(transport, request, **options):
            self.add()
            return send(transport, request, **options)

        RequestsTransport.send = counted
        try:
            yield
        finally:
            RequestsTransport.send = send


class CountedQueue:
    """A queue in memory, which leaves the emulator its tables alone; each request counts, and takes its time."""

    def __init__(self, counter: Counter) -> None:
        self._counter, self._lock, self._numbers = counter, threading.Lock(), itertools.count()
        self._messages: list[tuple[float, int, str]] = []

    def put(self, body: str, delay: float = 0.0) -> None:
        self._counter.add()
        with self._lock:
            heapq.heappush(self._messages, (time.monotonic() + delay, next(self._numbers), body))

    def take(self) -> list[str]:
        """The next messages, as many as the host takes at once."""
        time.sleep(QUEUE)
        with self._lock:
            visible = sum(due <= time.monotonic() for due, _, _ in self._messages)
            taken = [heapq.heappop(self._messages)[2] for _ in range(min(visible, TAKEN))]
        if taken:
            self._counter.add()
        return taken

    def delete(self) -> None:
        self._counter.add()


class Host:
    """Does what the Functions host does with the queue."""

    def __init__(self, publisher: Publisher, queue: CountedQueue) -> None:
        self._publisher, self._queue = publisher, queue
        self._pool = ThreadPoolExecutor(THREADS)
        self._running, self._changed = 0, threading.Condition()
        self._is_over = threading.Event()
        self._taker = threading.Thread(target=self._take)

    def __enter__(self) -> Self:
        self._taker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._taker.join()
        self._pool.shutdown()

    def _take(self) -> None:
        while not self._is_over.is_set():
            messages = self._queue.take()
            with self._changed:
                self._running += len(messages)
            for message in messages:
                self._pool.submit(self._handle, message)
            with self._changed:
                self._changed.wait_for(lambda: self._running <= AGAIN)
            if not messages:
                time.sleep(POLL)

    def _handle(self, message: str) -> None:
        try:
            self._publisher.handle(message)
            self._queue.delete()
        except AzureError as error:
            print(f"Tried again: {error}", flush=True)
            self._queue.put(message, RETRY)
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify()


def counted(account: Account, scenarios: Sequence[Scenario]) -> Iterator[tuple[Scenario, float]]:
    """The requests for an event of each scenario, one after the other on the same storage."""
    numbers, counter = itertools.count(1), Counter()
    queue = CountedQueue(counter)
    with contextlib.closing(Outbox(account.table())) as outbox, counter.counting():
        publisher = Publisher(outbox, queue, SlowChannel(), Policy(lanes=lanes_of(1)))
        with Host(publisher, queue):
            for scenario in (Scenario("warms up", 1, 1, 0, 0), *scenarios):
                publisher._waiting.windows.refresh()  # as if more time had passed
                before, wanted = counter.count, outbox.delivered + scenario.events
                _send(queue, scenario, numbers)
                deadline = time.monotonic() + PATIENCE
                while outbox.delivered < wanted:
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
                time.sleep(2)  # what follows the last post
                if scenario.goal:
                    yield scenario, (counter.count - before) / scenario.events


def _send(queue: CountedQueue, scenario: Scenario, numbers: Iterator[int]) -> None:
    began, first = time.monotonic(), next(numbers)
    for place in range(scenario.events):
        time.sleep(max(0.0, began + place * scenario.every - time.monotonic()))
        number = first if place == 0 else next(numbers)
        queue.put(_message(number, f"{scenario.name} {first} {place % scenario.threads}"))


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
