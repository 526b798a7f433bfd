"""Storms: many events at once become few posts, and soon."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.local_stack import NAMES, issue, references, running

SECONDS_OF_GRAPH = 0.3


@pytest.mark.parametrize("threads", [1000, 20])
def test_a_storm_of_a_thousand_is_told_at_once_in_few_posts(tmp_path, threads):
    """Graph takes 300 ms a request, which would be five minutes one by one, at four at a time more than one."""
    events, group = 1000, NAMES[0]
    with running(tmp_path, BRIDGE_SETTLE_SECONDS="1") as stack:
        for method in ("POST", "GET"):
            stack.fault(*[{"kind": "slow", "seconds": SECONDS_OF_GRAPH, "method": method}] * 2000)
        began = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: _at(began + n / 100, stack, n, threads, group), range(events)))
        sent = [answer.json()["accepted"][0][:12] for answer in answers]
        while stack.health()["open"]:
            time.sleep(0.1)
        seconds = time.monotonic() - began
        requests = len(stack.get("/graph/_log").json())
        told = references(stack.threads(group))
    one_by_one = events * SECONDS_OF_GRAPH / 4
    print(f"{events} events, {threads} threads: {requests} requests, {seconds:.0f} s; one by one {one_by_one:.0f} s")
    assert Counter(told) == Counter(sent)
    assert requests <= 60
    assert seconds <= 30


def _at(moment, stack, number, threads, group):
    time.sleep(max(0.0, moment - time.monotonic()))
    return stack.send("issues", issue("labeled", number % threads + 1, label={"name": str(number)}), group)
