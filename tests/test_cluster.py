"""Several hosts on one storage account, as instances of the app in Azure: nothing lost, nothing twice, no flood."""

import contextlib
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import chaos
from tests.azurite import needs_azurite
from tests.local_stack import GROUPS, NAMES, issue, references, running

SECONDS_OF_GRAPH = 0.3


@needs_azurite
def test_kills_freezes_and_faults_neither_lose_nor_double_nor_disorder(tmp_path, storage):
    outcome = chaos.run(tmp_path, storage.account(), chaos.SHORT)
    assert outcome.accepted == chaos.SHORT.events
    assert (outcome.lost, outcome.duplicated, outcome.disordered, outcome.split) == ([], [], [], [])


@needs_azurite
@pytest.mark.parametrize("hosts", [1, 2, 4])
def test_any_number_of_hosts_gives_the_same_posts(tmp_path, storage, hosts):
    with chaos.cluster(tmp_path, storage.account(), hosts, BRIDGE_DIGEST_OVER="100") as cluster:
        cluster.graph.fault(*[{"kind": "slow", "seconds": 0.1}] * 500)
        events = [(issue("opened", number + 1), NAMES[number % 6]) for number in range(36)]
        with ThreadPoolExecutor(6) as pool:
            sent = list(pool.map(lambda item: _send(cluster, *item), enumerate(events)))
        with contextlib.closing(cluster.store()) as store:
            deadline = time.monotonic() + 60
            while set(sent) - set(chaos.told_by(store)):
                assert time.monotonic() < deadline
                time.sleep(0.1)
            told = chaos.told_by(store)
            assert {group: len(store.threads(group)) for group in store.groups()} == dict.fromkeys(
                [GROUPS[name] for name in NAMES[:6]], 6
            )
        log = cluster.graph.get("/graph/_log").json()
    assert Counter(reference for reference, posts in told.items() for _ in posts) == Counter(sent)
    assert max(logged["in_group"] for logged in log) == 1
    assert max(logged["in_flight"] for logged in log) <= 4


def _send(cluster, number, event):
    payload, group = event
    answer = cluster.hosts[number % len(cluster.hosts)].send("issues", payload, group)
    return answer.json()["accepted"][0][:12]


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
