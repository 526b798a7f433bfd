"""Many webhooks at once, and what becomes of them: the bench has a thousand, a test some hundred."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.bench.rows import Row, scratch
from tests.local_stack import NAMES, Stack, issue, running

GRAPH = 0.3  # seconds a request
GRAPHS = 4  # requests at once, Graph's limit for an app
RATE = 100  # webhooks a second
EVENTS = 1000
GROUP = NAMES[0]


@dataclass(frozen=True)
class Storm:
    """What came of it. seconds: from the first webhook to the last post."""

    sent: Counter[str]
    posted: Counter[str]
    requests: int
    seconds: float


def storm(folder: Path, events: int, threads: int) -> Storm:
    """Sends webhooks of so many threads to a bridge whose Graph takes its time."""
    with running(folder, BRIDGE_SETTLE_SECONDS="1") as stack:
        for method in ("POST", "GET"):
            stack.fault(*[{"kind": "slow", "seconds": GRAPH, "method": method}] * 2000)
        began = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda number: _send(stack, began, number, threads), range(events)))
        sent = Counter(answer.json()["accepted"][0][:12] for answer in answers)
        posted = stack.posted(stack.wait_for_posts(GROUP, *answers, patience=120))
        seconds = time.monotonic() - began
        return Storm(sent, Counter(posted), len(stack.get("/graph/_log").json()), seconds)


def _send(stack: Stack, began: float, number: int, threads: int):
    time.sleep(max(0.0, began + number / RATE - time.monotonic()))
    return stack.send("issues", issue("labeled", number % threads + 1, label={"name": str(number)}), GROUP)


def rows() -> Iterator[Row]:
    """How soon, and in how many requests, against one request for each event, four at once, as Graph allows an app."""
    for threads in (EVENTS, 20):
        with scratch() as folder:
            found = storm(folder, EVENTS, threads)
        name = f"storm, {EVENTS} webhooks in {EVENTS / RATE:.0f} s, {threads} threads"
        yield Row(f"{name}: requests", found.requests, EVENTS, "", 0.1)
        # It cannot be posted before the last webhook has come.
        late = found.seconds - EVENTS / RATE
        yield Row(f"{name}: posted after the last one", late, EVENTS * GRAPH / GRAPHS, "s", 0.1)
