"""How soon webhooks are answered while Graph takes its time, or is not there, against a function that only answers."""

import time
from collections.abc import Iterator
from statistics import quantiles

from tests.bench.functions import functions
from tests.bench.graph import graph
from tests.bench.load import Load, labeled
from tests.bench.rows import Row, medians, scratch
from tests.graph_servers import closed_port
from tests.local_stack import NAMES, Stack, running

GROUP = NAMES[0]
GRAPH = 0.3  # seconds a request
RATE = 100  # webhooks a second
EVENTS, THREADS = 300, 20  # of a round
ROUNDS = 3
IDLE = 12.0  # seconds to wait at the most for what is to be posted


def rows() -> Iterator[Row]:
    """Milliseconds at the median and for all but one in a hundred, of one client that sends and waits."""
    with graph(GRAPH) as address:
        nowhere = f"http://127.0.0.1:{closed_port()}"
        for name, at in ((f"Graph takes {GRAPH * 1000:.0f} ms", address), ("Graph is down", nowhere)):
            settings = {"IDENTITY_ENDPOINT": f"{address}/msi/token", "BRIDGE_GRAPH_URL": f"{at}/graph/v1.0"}
            with (
                scratch() as folder,
                functions() as floor,
                running(folder, **settings) as stack,
            ):
                bridge, least = Load(stack.address, GROUP), Load(floor, GROUP)
                bridge.send(labeled(50, 1))
                least.send(labeled(50, 1))
                pairs = [_by_turns(stack, bridge, least) for _ in range(ROUNDS)]
            for place, percent, goal in ((49, 50, 3), (98, 99, 3)):
                figures = medians((taken[place], against[place]) for taken, against in pairs)
                yield Row(f"answer, {RATE} webhooks/s, {name}: p{percent}", *figures, "ms", goal)


def _by_turns(stack: Stack, bridge: Load, least: Load) -> tuple[list[float], list[float]]:
    taken = _percentiles(bridge)
    idle = time.monotonic() + IDLE
    while stack.health()["open"] and not stack.health()["held"] and time.monotonic() < idle:
        time.sleep(0.5)
    return taken, _percentiles(least)


def _percentiles(load: Load) -> list[float]:
    return [1000 * seconds for seconds in quantiles(load.send(labeled(EVENTS, THREADS), RATE), n=100)]
