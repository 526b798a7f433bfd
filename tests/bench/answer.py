"""How soon webhooks are answered while Graph takes its time, or has been down, against a function that only answers."""

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from statistics import quantiles

from tests.bench import outage
from tests.bench.functions import functions
from tests.bench.graph import graph
from tests.bench.load import Load, labeled, wait_until_idle
from tests.bench.rows import Row, medians, on_disk, scratch
from tests.graph_servers import closed_port
from tests.local_stack import GROUPS, NAMES, Stack, running

GROUP = NAMES[0]
GRAPH = 0.3  # seconds a request
RATE = 100  # webhooks a second
EVENTS, THREADS = 300, 20  # of a round
ROUNDS = 3
DOWN = 600  # seconds
GOALS = ((49, 50, 2.5), (98, 99, 3.5))  # for all but one in two, and all but one in a hundred


def rows() -> Iterator[Row]:
    """Milliseconds at the median and for all but one in a hundred, of one client that sends and waits."""
    with graph(GRAPH) as address:
        token = {"IDENTITY_ENDPOINT": f"{address}/msi/token"}
        slow = token | {"BRIDGE_GRAPH_URL": f"{address}/graph/v1.0"}
        down = token | {"BRIDGE_GRAPH_URL": f"http://127.0.0.1:{closed_port()}/graph/v1.0"}
        name = f"Graph takes {GRAPH * 1000:.0f} ms"
        with scratch() as folder, functions() as floor:
            yield from _rows(name, folder, floor, slow)
        with on_disk() as folder, functions(str(folder / "queue.sqlite")) as floor:
            yield from _rows(f"{name}, on a disk", folder, floor, slow)
        with scratch() as folder, functions() as floor:
            outage.leave(folder / ".bridge/outbox.sqlite", GROUPS[GROUP], DOWN, RATE, THREADS)
            yield from _rows(f"Graph down for {DOWN // 60} minutes", folder, floor, down, posts=False)


def _rows(name: str, folder: Path, floor: str, settings: Mapping[str, str], *, posts: bool = True) -> Iterator[Row]:
    """floor: the address of the function. posts: whether everything will be posted."""
    with running(folder, **settings) as stack:
        bridge, least = Load(stack.address, GROUP), Load(floor, GROUP)
        bridge.send(labeled(50, 1))
        least.send(labeled(50, 1))
        pairs = [_by_turns(stack, bridge, least, posts=posts) for _ in range(ROUNDS)]
    for place, percent, goal in GOALS:
        figures = medians((taken[place], against[place]) for taken, against in pairs)
        yield Row(f"answer, {RATE} webhooks/s, {name}: p{percent}", *figures, "ms", goal)


def _by_turns(stack: Stack, bridge: Load, least: Load, *, posts: bool) -> tuple[list[float], list[float]]:
    taken = _percentiles(bridge)
    if posts:
        wait_until_idle(stack)
    with _stopped(stack.process.pid):
        return taken, _percentiles(least)


@contextlib.contextmanager
def _stopped(process: int) -> Iterator[None]:
    """The process and its children stand still, as what they do would slow what is measured against them."""
    # Each thread has the children that it has started.
    children = (tasks.read_text("utf-8").split() for tasks in Path(f"/proc/{process}/task").glob("*/children"))
    processes = [process, *map(int, chain.from_iterable(children))]
    for each in processes:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in processes:
            os.kill(each, signal.SIGCONT)


def _percentiles(load: Load) -> list[float]:
    return [1000 * seconds for seconds in quantiles(load.send(labeled(EVENTS, THREADS), RATE), n=100)]
