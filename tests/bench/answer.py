"""How soon webhooks are answered while Graph takes its time, or has been down, against a function that only answers."""

from collections.abc import Iterator
from statistics import quantiles

from tests.bench import outage
from tests.bench.functions import functions
from tests.bench.graph import graph
from tests.bench.load import Load, labeled, wait_until_idle
from tests.bench.rows import Row, medians, scratch
from tests.graph_servers import closed_port
from tests.local_stack import GROUPS, NAMES, Stack, start

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
        yield from _rows(f"Graph takes {GRAPH * 1000:.0f} ms", 0, BRIDGE_GRAPH_URL=f"{address}/graph/v1.0", **token)
        nowhere = f"http://127.0.0.1:{closed_port()}/graph/v1.0"
        yield from _rows(f"Graph down for {DOWN // 60} minutes", DOWN, BRIDGE_GRAPH_URL=nowhere, **token)


def _rows(name: str, down: float, **settings: str) -> Iterator[Row]:
    """down: for how many seconds no request to Graph has been answered."""
    with scratch() as folder, functions() as floor:
        if down:
            outage.leave(folder / ".bridge/outbox.sqlite", GROUPS[GROUP], down, RATE, THREADS)
        stack = start(folder, **settings)
        try:
            bridge, least = Load(stack.address, GROUP), Load(floor, GROUP)
            bridge.send(labeled(50, 1))
            least.send(labeled(50, 1))
            pairs = [_by_turns(stack, bridge, least) for _ in range(ROUNDS)]
        finally:
            stack.kill()  # what an outage has left does not end within the patience of `running`
    for place, percent, goal in GOALS:
        figures = medians((taken[place], against[place]) for taken, against in pairs)
        yield Row(f"answer, {RATE} webhooks/s, {name}: p{percent}", *figures, "ms", goal)


def _by_turns(stack: Stack, bridge: Load, least: Load) -> tuple[list[float], list[float]]:
    taken = _percentiles(bridge)
    wait_until_idle(stack)
    return taken, _percentiles(least)


def _percentiles(load: Load) -> list[float]:
    return [1000 * seconds for seconds in quantiles(load.send(labeled(EVENTS, THREADS), RATE), n=100)]
