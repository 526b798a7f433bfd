"""What Azure charges for an event: executions, counted as the code causes them, and the memory of an instance.

Each execution is charged as at least one second of the instance's memory:
https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#billing
Executions that overlap on an instance are charged once, which makes a busy hour cheaper; that is not counted here.
"""

import heapq
import itertools
import json
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.entries import to_messages
from bridge.events import Webhook
from bridge.outbox.sqlite import SqliteOutbox
from bridge.publishing.policy import Policy
from bridge.publishing.publisher import Publisher
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests.bench.payloads import SECRET
from tests.bench.rows import Row
from tests.local_stack import GROUPS, NAMES, ROOT, issue
from tests.outbox_stand_ins import Clock, FakeChannel

GROUP = GROUPS[NAMES[0]]
BURST = 10
SETTLE = Policy().settle  # seconds
GOAL = 2 * 512 / 1024  # GB-s: two executions of 512 MB


def rows() -> Iterator[Row]:
    """Gigabyte-seconds of an event, against two executions of the smallest instance."""
    memory = instance_memory() / 1024
    for name, events, settle in (
        ("alone", 1, SETTLE),
        ("posted at once (critical, or no settle time)", 1, 0.0),
        (f"in a burst of {BURST} of one thread", BURST, SETTLE),
    ):
        charged = executions(events, settle) / events * memory
        yield Row(f"execution time charged for an event, {name}", charged, GOAL, "GB-s", 1.0)


def instance_memory() -> int:
    """Megabytes of an instance, as the template has it by default."""
    template = json.loads((ROOT / "azuredeploy.json").read_text("utf-8"))
    return int(template["parameters"]["instanceMemory"]["defaultValue"])


def executions(events: int, settle: float = SETTLE) -> int:
    """How many functions run for webhooks that arrive at once, all of one thread, until everything is posted."""
    settings = Settings(GROUP, secrets={"github": (SECRET,)})
    receiver, clock = Bridge(Configuration.of(settings)).receiver, Clock()
    queue, channel = _Queue(clock), FakeChannel()
    with tempfile.TemporaryDirectory() as folder, closing(SqliteOutbox(Path(folder) / "outbox.sqlite")) as outbox:
        publisher = Publisher(outbox, queue, channel, Policy(settle=settle), clock=clock)
        for number in range(events):
            receipt = receiver.receive("github", _webhook(number))
            for message in to_messages(receipt.entries, receipt.notes):
                queue.put(message)
        handled = 0
        while queue.messages:
            publisher.handle(queue.take_next())
            handled += 1
        assert outbox.counts().open == 0
        assert channel.posts
    return events + handled


class _Queue:
    """A queue whose clock goes on to the next message instead of waiting for it."""

    def __init__(self, clock: Clock) -> None:
        self.messages: list[tuple[float, int, str]] = []
        self._clock, self._numbers = clock, itertools.count()

    def put(self, body: str, delay: float = 0.0) -> None:
        heapq.heappush(self.messages, (self._clock() + delay, next(self._numbers), body))

    def take_next(self) -> str:
        due, _, body = heapq.heappop(self.messages)
        self._clock.now = max(self._clock.now, due)
        return body


def _webhook(number: int) -> Webhook:
    source = SOURCES["github"]
    body = json.dumps(issue("labeled", 1, label={"name": str(number)})).encode()
    return Webhook({**source.headers("issues", str(number)), **source.verifier.sign(body, SECRET)}, body)
