"""A host as `make run` starts it, and the stand-in Graph, in which time runs SPEED times as fast.

So leases and guard times last seconds. What is real stays real: processes, sockets, storage, and the time they take.
"""

import logging
import os
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.graph.client import GraphClient
from bridge.graph.threads import GroupThreads
from bridge.local import config
from bridge.local.config import QueueOptions
from bridge.local.fake_graph.server import FakeGraph
from bridge.local.host.host import Host
from bridge.local.serving import serve
from bridge.outbox.azure import AzureOutbox
from bridge.outbox.azure_queue import AzureQueue
from bridge.outbox.azure_storage import Account
from bridge.publishing.batching import Rules
from bridge.publishing.delivery import token_source
from bridge.publishing.leases import lanes_of
from bridge.publishing.policy import Policy
from bridge.publishing.publisher import Publisher
from bridge.settings import Settings

SPEED = float(os.environ.get("CHAOS_SPEED", "20"))
LEASE = 4.0  # real seconds, of a queue message
SWEEP = 10.0  # real seconds


def fast() -> float:
    """Seconds since 1970, SPEED times as fast since CHAOS_START."""
    start = float(os.environ["CHAOS_START"])
    return start + (time.time() - start) * SPEED


class FastQueue(AzureQueue):
    """A queue whose delays pass as fast."""

    def put(self, body: str, delay: float = 0.0) -> None:
        super().put(body, delay / SPEED)


def publisher(settings: Settings, account: Account, groups: int) -> Publisher:
    identity = token_source(settings)
    client = GraphClient(settings.graph_base, identity, timeout=(5 / SPEED, 30 / SPEED), total=60 / SPEED)
    policy = Policy(
        rules=Rules(digest_over=int(settings.digest_over)),
        settle=settings.settle_seconds * SPEED,
        # A group that was refused is held for half an hour at most, and history must not be forgotten.
        history=10 * 365 * 86400.0,
        lanes=lanes_of(groups),
    )
    return Publisher(AzureOutbox(account.table()), FastQueue(account), GroupThreads(client), policy, clock=fast)


def sweep_for_ever(sweeps: Publisher) -> None:
    while True:
        time.sleep(SWEEP)
        try:
            sweeps.sweep()
        except Exception:
            logging.getLogger(__name__).exception("The sweep failed, and comes again")


def application(_: int) -> Starlette:
    import function_app  # reads the settings

    account, configuration = Account.from_env(os.environ), Configuration.from_env(os.environ)
    delivers = publisher(configuration.settings, account, len(configuration.groups))
    function_app.bridge = Bridge(configuration, delivers)
    host = Host(
        function_app.app,
        lambda name: FastQueue(account, name),
        QueueOptions(batch_size=8, max_dequeue_count=5, visibility_timeout=1.0),
        LEASE,
    )
    threading.Thread(target=sweep_for_ever, args=(delivers,), daemon=True).start()

    return Starlette(routes=host.routes(), lifespan=lambda _: host.running())


def graph(_: int) -> Starlette:
    fake_graph = FakeGraph(Path("graph.sqlite"), lambda: datetime.fromtimestamp(fast(), UTC))
    return Starlette(routes=[*fake_graph.routes(), Route("/", lambda _: Response())])


def main() -> None:
    port = config.port(os.environ)
    os.environ.update(config.environment(os.environ, Path(), port))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    for name in ("azure", "uvicorn"):
        logging.getLogger(name).setLevel(logging.WARNING)
    serve(graph if sys.argv[1:] == ["graph"] else application, port, lambda: None)


if __name__ == "__main__":
    main()
