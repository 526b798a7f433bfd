"""Hosts that are killed and frozen, a Graph that fails in every way, and what the groups show in the end.

`python -m tests.chaos` takes some minutes and prints what happened; a shorter run is among the tests.
"""

import contextlib
import itertools
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import requests
from azure.core.exceptions import AzureError

from bridge.local.fake_graph.store import Store
from bridge.outbox import azure_rows
from bridge.outbox.azure_storage import Account
from tests.azurite import azurite
from tests.chaos_host import SPEED
from tests.chaos_webhooks import SOURCES, Webhook, next_webhook
from tests.local_stack import CONFIG, NAMES, TOKEN, Stack, start

THREADS = 60
ENTRY = 12  # digits of an entry's id
# What Graph does, by the seconds of its own clock that it may take.
FAULTS = [
    *("429", "503", "500", "created-but-504", "drop-before", "drop-after"),
    *({"kind": "429", "seconds": 20}, {"kind": "503", "seconds": 20}, {"kind": "slow", "seconds": 0.5}),
    *({"kind": "slow", "seconds": 2.5}, {"kind": "late", "seconds": 15}, {"kind": "late-visible", "seconds": 4}),
    *({"kind": "500", "method": "GET"}, {"kind": "drop-before", "method": "GET"}),
]
# An event that was accepted so long before the next one of its thread was sent is posted before it in any case.
IN_ORDER_AFTER = 20.0
# A post that doubles another so soon after a holder was continued is the one window that nothing closes.
WINDOW = 1.0


@dataclass(frozen=True)
class Amount:
    """How much happens: events, then kills, freezes and faults over their time."""

    events: int
    kills: int
    freezes: int
    faults: int
    seconds: float
    hosts: int = 3


SHORT = Amount(events=60, kills=1, freezes=1, faults=len(FAULTS), seconds=5, hosts=2)
LONG = Amount(events=2400, kills=44, freezes=24, faults=440, seconds=240)


@dataclass(frozen=True)
class Sent:
    """An event that was accepted: its thread, the beginning of its entry's id, and the moments before and after."""

    key: tuple[str, int]
    entry: str
    began: float
    accepted: float


@dataclass
class Outcome:
    """What happened, and what the groups show of it."""

    accepted: int = 0
    kills: int = 0
    freezes: int = 0
    faults: int = 0
    repeats: int = 0
    requests: int = 0
    most_in_flight: int = 0
    most_in_a_group: int = 0
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    posted_again: list[str] = field(default_factory=list)
    excused: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    split: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        rows = {name: len(value) if isinstance(value, list) else value for name, value in vars(self).items()}
        return "\n".join(f"{name.replace('_', ' '):18} {value}" for name, value in rows.items())


class Cluster:
    """Hosts on one storage account and one stand-in Graph."""

    def __init__(self, folder: Path, account: str, hosts: int, **settings: str) -> None:
        self.folder = folder
        self.began = time.time()
        self.account = account
        base = {"CHAOS_START": str(self.began), "AzureWebJobsStorage": account, "BRIDGE_SETTLE_SECONDS": "0.5"}
        self._settings = base | {"BRIDGE_CONFIG": f"{CONFIG}\n{SOURCES}"} | settings
        self.graph = start(folder / "graph", "tests.chaos_host graph", **self._settings)
        self._settings |= {
            "BRIDGE_GRAPH_URL": f"{self.graph.address}/graph/v1.0",
            "IDENTITY_ENDPOINT": f"{self.graph.address}/msi/token",
        }
        self.hosts = [self._host(number) for number in range(hosts)]
        self.continued: list[float] = []

    def kill(self, number: int) -> None:
        """Kills a host, and starts it again."""
        self.hosts[number].kill()
        self.hosts[number] = self._host(number)

    def freeze(self, number: int, seconds: float) -> None:
        """Stops a host in the middle of whatever it does, and lets it go on."""
        process = self.hosts[number].process
        process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.continued.append(time.time())
        process.send_signal(signal.SIGCONT)

    def store(self) -> Store:
        """What the groups show."""
        return Store(self.folder / "graph/graph.sqlite", lambda: datetime.max.replace(tzinfo=UTC))

    def close(self) -> None:
        for stack in [*self.hosts, self.graph]:
            stack.kill()

    def _host(self, number: int) -> Stack:
        return start(self.folder / f"host{number}", "tests.chaos_host", **self._settings)


@contextlib.contextmanager
def cluster(folder: Path, account: str, hosts: int, **settings: str) -> Iterator[Cluster]:
    running = Cluster(folder, account, hosts, **settings)
    try:
        yield running
    finally:
        running.close()


def run(folder: Path, account: str, amount: Amount, seed: int = 1) -> Outcome:
    """Lets it all happen, waits until it is calm, and looks."""
    rng, outcome = random.Random(seed), Outcome()
    with cluster(folder, account, amount.hosts) as hosts:
        sent: list[Sent] = []
        workers = [
            *[threading.Thread(target=_send, args=(hosts, amount, n, 4, seed, sent)) for n in range(4)],
            threading.Thread(target=_fail, args=(hosts, amount, random.Random(seed + 1), outcome)),
        ]
        for worker in workers:
            worker.start()
        _disturb(hosts, amount, rng, outcome)
        for worker in workers:
            worker.join()
        requests.delete(f"{hosts.graph.address}/graph/_faults", timeout=30)
        _wait_until_calm(hosts, sent)
        _look(hosts, sent, outcome)
    return outcome


def _send(hosts: Cluster, amount: Amount, number: int, senders: int, seed: int, sent: list[Sent]) -> None:
    """One of the senders; a thread's events all come from the same one, one after another."""
    rng, counts = random.Random(f"{seed} {number}"), Counter[int]()
    for _ in range(number, amount.events, senders):
        index = rng.randrange(THREADS // senders) * senders + number
        group = NAMES[index % 3]
        counts[index] += 1
        began = time.time()
        entry = _accepted(hosts, rng, next_webhook(index, counts[index], rng), group)
        sent.append(Sent((group, index), entry, began, time.time()))
        time.sleep(rng.random() * 2 * amount.seconds * senders / amount.events)


def _accepted(hosts: Cluster, rng: random.Random, webhook: Webhook, group: str) -> str:
    """Sends until a host has accepted it, as services do that try again."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.RequestException):
            answer = webhook.send(rng.choice(hosts.hosts), group)
            if answer.status_code == 202:
                return answer.json()["accepted"][0][:ENTRY]
        time.sleep(0.1)
    raise AssertionError(f"no host accepts anything; look at {hosts.folder}")


def _fail(hosts: Cluster, amount: Amount, rng: random.Random, outcome: Outcome) -> None:
    # Each of them, in an order of its own, and again.
    for _, fault in zip(range(amount.faults), itertools.cycle(rng.sample(FAULTS, len(FAULTS))), strict=False):
        hosts.graph.fault(fault)
        outcome.faults += 1
        time.sleep(rng.random() * 2 * amount.seconds / amount.faults)


def _disturb(hosts: Cluster, amount: Amount, rng: random.Random, outcome: Outcome) -> None:
    moves = ["kill"] * amount.kills + ["freeze"] * amount.freezes
    rng.shuffle(moves)
    for move in moves:
        began, number = time.time(), rng.randrange(amount.hosts)
        if move == "kill":
            hosts.kill(number)
            outcome.kills += 1
        else:
            hosts.freeze(number, rng.uniform(1, 9))  # a lease lasts 6
            outcome.freezes += 1
        time.sleep(max(0.0, amount.seconds / len(moves) - (time.time() - began)))


def _wait_until_calm(hosts: Cluster, sent: list[Sent], patience: float = 240.0) -> None:
    deadline = time.monotonic() + patience
    store = hosts.store()
    with contextlib.closing(store):
        while time.monotonic() < deadline:
            # A busy emulator may be slow to answer.
            with contextlib.suppress(AzureError):
                shown, repeats = set(posts_by_entry(store, hosts.account)), repeats_of(hosts.account)
                if all({one.entry, repeats.get(one.entry)} & shown for one in sent):
                    break
            time.sleep(2)
    time.sleep(3)  # in which a doubled post would still come


def posts_by_entry(store: Store, account: str) -> dict[str, list[tuple[str, float]]]:
    """The posts of each entry: their thread, and when they came. Posts that no entry has are there by their tokens."""
    entries, found = delivered(account), dict[str, list[tuple[str, float]]]()
    for group in store.groups():
        for thread in store.threads(group):
            for post in store.posts(group, thread.id):
                (*_, token) = TOKEN.findall(post.html)
                for entry in entries.get(token, [token]):
                    found.setdefault(entry, []).append((thread.id, post.received.timestamp()))
    return found


def delivered(account: str) -> dict[str, list[str]]:
    """The delivered entries, by the tokens of their posts."""
    found: dict[str, list[str]] = {}
    for entry, token, _ in _history(account):
        if token:
            found.setdefault(token, []).append(entry)
    return found


def repeats_of(account: str) -> dict[str, str]:
    """The entries that were left out as repeats, each with the one that it repeats."""
    return {entry: repeat_of for entry, _, repeat_of in _history(account) if repeat_of}


def _history(account: str) -> list[tuple[str, str, str]]:
    """Each recorded entry with the token of its post and the entry that it repeats, in one walk through the table."""
    with contextlib.closing(Account(account).table()) as table:
        rows = table.query_entities(
            "RowKey ge 'seen-' and RowKey lt 'seen.'", select=["PartitionKey", "RowKey", "token", "repeat_of"]
        )
        return [
            (azure_rows.row_id(row)[:ENTRY], row.get("token") or "", (row.get("repeat_of") or "")[:ENTRY])
            for row in rows
        ]


def _look(hosts: Cluster, sent: list[Sent], outcome: Outcome) -> None:
    with contextlib.closing(hosts.store()) as store:
        posts_of = posts_by_entry(store, hosts.account)
        order = _order(store, delivered(hosts.account))
    outcome.accepted, repeats = len(sent), repeats_of(hosts.account)
    outcome.repeats = len(repeats)
    # A try whose answer got lost was accepted, too; the next one repeats it.
    sent = [replace(one, entry=repeats.get(one.entry, one.entry)) for one in sent]
    # A post that no entry has doubles another: the attempt that counts has another token.
    doubles = {token: posts for token, posts in posts_of.items() if len(token) > ENTRY}
    outcome.posted_again = sorted(posts_of.keys() - doubles.keys() - {one.entry for one in sent})
    outcome.lost = [one.entry for one in sent if one.entry not in posts_of]
    again = [(entry, received) for entry, posts in posts_of.items() for _, received in posts[1:]]
    for name, received in [*again, *((token, posts[0][1]) for token, posts in doubles.items())]:
        real = hosts.began + (received - hosts.began) / SPEED
        excused = any(0 <= real - moment < WINDOW for moment in hosts.continued)
        (outcome.excused if excused else outcome.duplicated).append(name)
    by_key: dict[tuple[str, int], list[Sent]] = {}
    for one in sorted(sent, key=lambda one: one.began):
        by_key.setdefault(one.key, []).append(one)
    for key, events in by_key.items():
        threads = {thread for one in events for thread, _ in posts_of.get(one.entry, [])[:1]}
        if len(threads) > 1:
            outcome.split.append(f"{key}")
        outcome.disordered += _disorder(events, order)
    log = hosts.graph.get("/graph/_log").json()
    outcome.requests = len(log)
    outcome.most_in_flight = max((logged["in_flight"] for logged in log), default=0)
    outcome.most_in_a_group = max((one["in_group"] for one in log if one["method"] == "POST"), default=0)


def _order(store: Store, entries: dict[str, list[str]]) -> dict[str, int]:
    """The place of each entry's post among those of its group."""
    tokens = [
        TOKEN.findall(post.html)[-1]
        for group in store.groups()
        for thread in store.threads(group)
        for post in store.posts(group, thread.id)
    ]
    places = reversed(list(enumerate(tokens)))
    return {entry: place for place, token in places for entry in entries.get(token, [])}


def _disorder(events: list[Sent], order: dict[str, int]) -> list[str]:
    """The events of a thread that were posted before one that had been accepted long before they were sent."""
    return [
        late.entry
        for place, early in enumerate(events)
        for late in events[place + 1 :]
        if late.began - early.accepted > IN_ORDER_AFTER and order.get(late.entry, 0) < order.get(early.entry, 0)
    ]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, azurite(Path(folder)) as storage:
        print(run(Path(folder), storage.account(), LONG))


if __name__ == "__main__":
    main()
