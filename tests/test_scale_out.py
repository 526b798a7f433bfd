"""Several hosts on one storage account, as instances of the app in Azure."""

import contextlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import chaos
from tests.azurite import needs_azurite
from tests.local_stack import GROUPS, NAMES, issue, until


@pytest.mark.slow
@needs_azurite
def test_four_hosts_give_the_posts_of_one(tmp_path, storage):
    # Faster, what waits for a slot would ask for it more often than hosts and storage of one machine can answer.
    with chaos.cluster(tmp_path, storage.account(), 4, BRIDGE_DIGEST_OVER="100", CHAOS_SPEED="5") as cluster:
        cluster.graph.fault(*[{"kind": "slow", "seconds": 0.1}] * 500)
        events = [(issue("opened", number + 1), NAMES[number % 6]) for number in range(24)]
        with ThreadPoolExecutor(6) as pool:
            sent = list(pool.map(lambda item: _send(cluster, *item), enumerate(events)))
        with contextlib.closing(cluster.store()) as store:
            until(lambda: set(sent) <= set(chaos.posts_by_entry(store, cluster.account)), 180)
            posts_of = chaos.posts_by_entry(store, cluster.account)
            assert {group: len(store.threads(group)) for group in store.groups()} == dict.fromkeys(
                [GROUPS[name] for name in NAMES[:6]], 4
            )
        log = cluster.graph.get("/graph/_log").json()
    assert Counter(entry for entry, posts in posts_of.items() for _ in posts) == Counter(sent)
    assert max(logged["in_flight"] for logged in log) <= 4


def _send(cluster, number, event):
    payload, group = event
    answer = cluster.hosts[number % len(cluster.hosts)].send("issues", payload, group)
    return answer.json()["accepted"][0][:12]
