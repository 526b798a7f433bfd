"""Many webhooks through one process, both wings: whether it grows, and whether the last take longer than the first.

BENCH_WEBHOOKS says how many; by default so few that they take a minute.
"""

import contextlib
import itertools
import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.entries import Wake, to_message
from bridge.events import Webhook
from bridge.outbox.base import Outbox, Queue
from bridge.outbox.sqlite import SqliteOutbox
from bridge.outbox.sqlite_queue import SqliteQueue
from bridge.publishing.policy import Policy
from bridge.publishing.publisher import Publisher
from bridge.receiving.receiver import Receiver
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests.bench.payloads import SECRET, SUBJECTS
from tests.bench.rows import Row, scratch
from tests.outbox_stand_ins import Clock

GROUP = "00000000-0000-4000-8000-000000000001"
WEBHOOKS = int(os.environ.get("BENCH_WEBHOOKS", "20000"))
WARM = 5000  # webhooks after which it shall not grow any more
DRAIN = 10  # webhooks between two drains
WAKE = to_message(Wake(GROUP))


class _Nowhere:
    """A channel that forgets its posts."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def prepare(self, post, thread):
        return post

    def start(self, post):
        return f"thread-{next(self._numbers)}"

    def reply(self, thread, post):
        return thread


def rows() -> Iterator[Row]:
    """Megabytes after the first and after all, and processor time of each event among the first and the last."""
    with scratch() as folder:
        clock, path = Clock(), folder / "outbox.sqlite"
        with contextlib.closing(SqliteOutbox(path)) as outbox, contextlib.closing(SqliteQueue(path)) as queue:
            sizes, times = _all(outbox, queue, clock)
    name = f"memory, {WEBHOOKS} webhooks through one process"
    yield Row(f"{name}: resident, at the end against after {WARM}", sizes[-1], sizes[0], "MB", 1.05)
    yield Row(f"{name}: time of one, last {WARM} against first", times[-1], times[0], "ms", 1.2)


def _all(outbox: Outbox, queue: Queue, clock: Clock) -> tuple[list[float], list[float]]:
    receiver = Bridge(Configuration.of(Settings(GROUP, secrets={"github": (SECRET,)}))).receiver
    publisher = Publisher(outbox, queue, _Nowhere(), Policy(settle=1), clock=clock)
    sizes, times = [], []
    for first in range(0, WEBHOOKS, WARM):
        took = [_ten(receiver, publisher, clock, number) for number in range(first, first + WARM, DRAIN)]
        times.append(statistics.median(took) / DRAIN * 1000)
        sizes.append(_resident())
    return sizes, times


def _ten(receiver: Receiver, publisher: Publisher, clock: Clock, first: int) -> float:
    """Seconds of processor time for so many webhooks and the drain of what they say."""
    webhooks = [_webhook(number) for number in range(first, first + DRAIN)]
    began = time.process_time()
    for webhook in webhooks:
        for entry in receiver.receive("github", webhook).entries:
            publisher.handle(to_message(entry))
    clock.now += 5
    publisher.handle(WAKE)
    return time.process_time() - began


_BODY = SUBJECTS[0].webhook(5).body


def _webhook(number: int) -> Webhook:
    body = _BODY.replace(b"contoso/pump", f"contoso/pump-{number}".encode())
    source = SOURCES["github"]
    return Webhook({**source.headers("push", str(number)), **source.verifier.sign(body, SECRET)}, body)


def _resident() -> float:
    """Megabytes that this process has in memory."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024
