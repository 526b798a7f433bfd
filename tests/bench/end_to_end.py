"""From webhook to thread on one machine, against a function that makes one bare request to Graph for each webhook.

Both run in the same host, over as many connections, before a Graph that answers at once. What the bridge does besides:
it puts each event on a queue before it answers, takes it from there, and marks it in the outbox before and after.
"""

import time
from collections.abc import Iterator

from bridge.outbox.base import Outbox
from tests.bench.functions import functions
from tests.bench.graph import graph
from tests.bench.load import CONNECTIONS, Load, labeled
from tests.bench.rows import Row, in_turns, scratch
from tests.local_stack import NAMES, PATIENCE, running

GROUP = NAMES[0]
EVENTS = 200  # of a round
ROUNDS = 3


def rows() -> Iterator[Row]:
    """Each event of a thread of its own: posted one by one, and as a storm of them is by default."""
    for name, over in (("a post for each", 1000), ("as a digest", 10)):
        with graph() as address, functions(address) as least, scratch() as folder:
            settings = {
                "IDENTITY_ENDPOINT": f"{address}/msi/token",
                "BRIDGE_GRAPH_URL": f"{address}/graph/v1.0",
                "BRIDGE_DIGEST_OVER": str(over),
            }
            with running(folder, **settings) as stack, stack.outbox() as outbox:
                bridge, floor = Load(stack.address, GROUP), Load(least, GROUP)
                _rate(bridge, 20, outbox)
                measured, against = in_turns(
                    lambda bridge=bridge, outbox=outbox: _rate(bridge, EVENTS, outbox),
                    lambda floor=floor: _rate(floor, EVENTS),
                    ROUNDS,
                )
        yield Row(f"end to end, {CONNECTIONS} connections, {name}", measured, against, "events/s", 0.6, at_least=True)


def _rate(load: Load, events: int, outbox: Outbox | None = None) -> float:
    """Events a second until the last is answered, or with an outbox until all of them are delivered."""
    before = _delivered(outbox) if outbox else 0
    webhooks = labeled(events, events)
    began = time.monotonic()
    load.send(webhooks)
    while outbox and _delivered(outbox) < before + events:
        assert time.monotonic() < began + 4 * PATIENCE
        time.sleep(0.005)
    return events / (time.monotonic() - began)


def _delivered(outbox: Outbox) -> int:
    return int(outbox._rows("SELECT count(*) FROM token")[0][0])
