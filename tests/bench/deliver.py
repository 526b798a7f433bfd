"""What delivering costs: one drain of a group, outbox and all, against a bare loop of requests to the same Graph.

The drain marks each post in the outbox before and after its request, in a SQLite file in memory.
"""

import contextlib
import time
from collections.abc import Iterator
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
Costs = tuple[float, float]  # of a post: seconds, and milliseconds of processor time


class _Somebody:
    def token(self, claims: str = "") -> str:
        return "bench"


def rows() -> Iterator[Row]:
    """Against a Graph that answers at once, which none does, and against one that takes its time."""
    for seconds, name, posts, rounds in ((0.0, "at once", 40, 7), (GRAPH, f"in {GRAPH * 1000:.0f} ms", 8, 2)):
        with graph(seconds) as address, scratch() as folder:
            pairs = [_by_turns(address, folder / f"{number}.sqlite", posts) for number in range(rounds + 1)]
        drained, bare = zip(*pairs[1:], strict=True)  # the first warms everything up
        waits = medians((one[0], other[0]) for one, other in zip(drained, bare, strict=True))
        yield Row(f"deliver, Graph answers {name}", 1 / waits[0], 1 / waits[1], "posts/s", 0.8, at_least=True)
        if not seconds:
            works = medians((one[1], other[1]) for one, other in zip(drained, bare, strict=True))
            yield Row("deliver, processor time of a post", *works, "ms", 1.5)


def _by_turns(address: str, path: Path, posts: int) -> tuple[Costs, Costs]:
    entries = _entries(posts)
    return _drained(address, path, entries), _bare(address, entries)


class _Ahead:
    """A clock that is put forward, in place of waiting."""

    by = 0.0

    def __call__(self) -> float:
        return time.time() + self.by


def _drained(address: str, path: Path, entries: list[Entry]) -> Costs:
    client = GraphClient(f"{address}/graph/v1.0", _Somebody())
    queue = SqliteQueue(path)
    with contextlib.closing(client), contextlib.closing(queue), contextlib.closing(SqliteOutbox(path)) as outbox:
        policy, clock = Policy(Rules(digest_over=len(entries)), settle=60), _Ahead()
        publisher = Publisher(outbox, queue, GroupThreads(client), policy, clock=clock)
        for one in entries:
            publisher.handle(to_message(one))
        assert outbox.counts().open == len(entries)
        clock.by = 60
        costs = _costs(lambda: publisher.handle(WAKE), len(entries))
        assert outbox.counts().open == 0
        return costs


def _bare(address: str, entries: list[Entry]) -> Costs:
    bodies = [
        {"topic": one.topic, "posts": [{"body": {"contentType": "html", "content": one.html}}]} for one in entries
    ]
    with requests.Session() as session:
        session.headers["Authorization"] = "Bearer bench"

        def loop() -> None:
            for body in bodies:
                session.post(f"{address}/graph/v1.0/groups/{GROUP}/threads", json=body).json()

        return _costs(loop, len(entries))


def _costs(work, posts: int) -> Costs:
    began, busy = time.monotonic(), time.process_time()
    work()
    return (time.monotonic() - began) / posts, (time.process_time() - busy) / posts * 1000


def _entries(number: int) -> list[Entry]:
    """Entries of threads of their own, each with the card of a push."""
    receiver = Bridge(Configuration.of(Settings(GROUP, secrets={"github": (SECRET,)}))).receiver
    (card,) = receiver.receive("github", SUBJECTS[0].webhook(5)).entries
    return [entry(one, f"thread {one}", GROUP, html=card.html) for one in range(number)]
