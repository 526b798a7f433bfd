"""Posts a second into one group while Graph takes its time, against four requests in flight.

Graph allows an app no more than these. Each webhook is of a thread of its own, and no digest takes several together.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import requests

from tests.bench.graph import graph
from tests.bench.load import Load, labeled
from tests.bench.rows import Row, scratch
from tests.local_stack import NAMES, PATIENCE, running

GROUP = NAMES[0]
GRAPH = 0.3  # seconds a request
IN_FLIGHT = 4
EVENTS = 80
FIRST = 8  # posts after which it is measured: until then, webhooks arrive


def rows() -> Iterator[Row]:
    """From the first posts to the last one."""
    with graph(GRAPH) as address, scratch() as folder:
        settings = {
            "IDENTITY_ENDPOINT": f"{address}/msi/token",
            "BRIDGE_GRAPH_URL": f"{address}/graph/v1.0",
            "BRIDGE_DIGEST_OVER": "1000",
        }
        with running(folder, **settings) as stack:
            Load(stack.address, GROUP).send(labeled(EVENTS, EVENTS))
            measured = _rate(address, EVENTS)
        with ThreadPoolExecutor(IN_FLIGHT) as pool, requests.Session() as session:
            before = _posted(address)
            posts = [pool.submit(_post, session, address, before + number) for number in range(EVENTS)]
            against = _rate(address, before + EVENTS, before)
            assert all(post.result() == 201 for post in posts)
    name = f"posts into one group, Graph answers in {GRAPH * 1000:.0f} ms, against {IN_FLIGHT} requests in flight"
    yield Row(name, measured, against, "posts/s", 0.9, at_least=True)


def _rate(address: str, last: int, before: int = 0) -> float:
    """Posts a second from the first few after `before` until there are `last`."""
    first, began = _wait_for(address, before + FIRST)
    count, ended = _wait_for(address, last)
    return (count - first) / (ended - began)


def _wait_for(address: str, posts: int) -> tuple[int, float]:
    deadline = time.monotonic() + 4 * PATIENCE
    while (count := _posted(address)) < posts:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return count, time.monotonic()


def _posted(address: str) -> int:
    return int(requests.get(f"{address}/posted", timeout=PATIENCE).json())


def _post(session: requests.Session, address: str, number: int) -> int:
    body = {"topic": f"Topic {number}", "posts": [{"body": {"content": f"{number:012x}"}}]}
    return session.post(f"{address}/graph/v1.0/groups/{GROUP}/threads", json=body, timeout=PATIENCE).status_code
