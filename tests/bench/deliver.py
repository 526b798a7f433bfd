"""What delivering costs: one drain of a group, outbox and all, against a bare loop of requests to the same Graph.

The drain marks each post in the outbox before and after its request, in a SQLite file in memory. As a process that
delivers lasts, both sides keep their connections from one round to the next.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import requests

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.entries import Entry, Wake, to_message
from bridge.graph.client import GraphClient
from bridge.graph.threads import GroupThreads
from bridge.outbox.sqlite import SqliteOutbox
from bridge.outbox.sqlite_queue import SqliteQueue
from bridge.publishing.batching import Rules
from bridge.publishing.policy import Policy
from bridge.publishing.publisher import Publisher
from bridge.settings import Settings
from tests.bench.graph import graph
from tests.bench.payloads import SECRET, SUBJECTS
from tests.bench.rows import Row, medians, scratch
from tests.outbox_stand_ins import entry

GROUP = "00000000-0000-4000-8000-000000000001"
GRAPH = 0.3  # seconds a request
WAKE = to_message(Wake(GROUP))
SETTLE = 60.0  # seconds
Costs = tuple[float, float]  # of a post: seconds, and milliseconds of processor time
Measured = Callable[[list[Entry]], Costs]


class _Somebody:
    def token(self, claims: str = "") -> str:
        return "bench"


def rows() -> Iterator[Row]:
    """Against a Graph that answers at once, which none does, and against one that takes its time."""
    for seconds, name, posts, rounds in ((0.0, "at once", 40, 7), (GRAPH, f"in {GRAPH * 1000:.0f} ms", 8, 2)):
        with (
            graph(seconds) as address,
            scratch() as folder,
            _delivery(address, folder, posts) as drained,
            _bare(address) as bare,
        ):
            pairs = [(drained(entries), bare(entries)) for entries in _entries(rounds + 1, posts)]
        drains, loops = zip(*pairs[1:], strict=True)  # the first warms everything up
        waits = medians((one[0], other[0]) for one, other in zip(drains, loops, strict=True))
        yield Row(f"deliver, Graph answers {name}", 1 / waits[0], 1 / waits[1], "posts/s", 0.8, at_least=True)
        if not seconds:
            works = medians((one[1], other[1]) for one, other in zip(drains, loops, strict=True))
            yield Row("deliver, processor time of a post", *works, "ms", 1.5)


class _Ahead:
    """A clock that is put forward, in place of waiting."""

    by = 0.0

    def __call__(self) -> float:
        return time.time() + self.by


@contextlib.contextmanager
def _delivery(address: str, folder: Path, posts: int) -> Iterator[Measured]:
    """Records entries, then drains them; what the drain costs counts."""
    client, path, clock = GraphClient(f"{address}/graph/v1.0", _Somebody()), folder / "outbox.sqlite", _Ahead()
    queue = SqliteQueue(path)
    with contextlib.closing(client), contextlib.closing(queue), contextlib.closing(SqliteOutbox(path)) as outbox:
        policy = Policy(Rules(digest_over=posts), settle=SETTLE)
        publisher = Publisher(outbox, queue, GroupThreads(client), policy, clock=clock)

        def drained(entries: list[Entry]) -> Costs:
            for one in entries:
                publisher.handle(to_message(one))
            assert outbox.counts().open == len(entries)
            clock.by += SETTLE
            costs = _costs(lambda: publisher.handle(WAKE), len(entries))
            assert outbox.counts().open == 0
            return costs

        yield drained


@contextlib.contextmanager
def _bare(address: str) -> Iterator[Measured]:
    with requests.Session() as session:
        session.headers["Authorization"] = "Bearer bench"

        def posted(entries: list[Entry]) -> Costs:
            bodies = [
                {"topic": one.topic, "posts": [{"body": {"contentType": "html", "content": one.html}}]}
                for one in entries
            ]

            def loop() -> None:
                for body in bodies:
                    session.post(f"{address}/graph/v1.0/groups/{GROUP}/threads", json=body).json()

            return _costs(loop, len(entries))

        yield posted


def _costs(work, posts: int) -> Costs:
    began, busy = time.monotonic(), time.process_time()
    work()
    return (time.monotonic() - began) / posts, (time.process_time() - busy) / posts * 1000


def _entries(rounds: int, posts: int) -> Iterator[list[Entry]]:
    """Entries of threads of their own for each round, each with the card of a push."""
    receiver = Bridge(Configuration.of(Settings(GROUP, secrets={"github": (SECRET,)}))).receiver
    (card,) = receiver.receive("github", SUBJECTS[0].webhook(5)).entries
    for number in range(rounds):
        numbers = range(number * posts, (number + 1) * posts)
        yield [entry(one, f"thread {one}", GROUP, html=card.html) for one in numbers]
