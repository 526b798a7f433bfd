"""What receiving costs: processor time of `Receiver.receive` against the least that turns the same bytes into a card.

The least is one HMAC over the body, one json.loads of it, and one rendering of the same template with a context that is
ready, as it was before receiving was made faster (tests/bench/floor). The limit is what no program in this language can
go below: an HMAC, a fast decoder, the card's texts escaped and joined, and the message of the queue.
"""

import hashlib
import hmac
import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import orjson
from markupsafe import escape

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.entries import Entry
from bridge.events import Webhook
from bridge.receiving.receiver import Receiver
from bridge.settings import Settings
from bridge.sources.base import Ignored
from tests.bench import floor
from tests.bench.all_sources import SECRETS, everything
from tests.bench.payloads import SECRET, SIZES, SUBJECTS
from tests.bench.rows import Row, busy

GROUP = "00000000-0000-4000-8000-000000000001"
# As somebody has it who has more than one group.
CONFIG = f"""
[[route]]
when = "kind.startswith('workflow_run') and attributes.conclusion != 'failure'"
groups = []
[[route]]
when = "severity >= 'critical' and scope is glob('contoso/*')"
groups = ["{GROUP}"]
"""
TIMES, FEW = 200, 15
GOALS = {1: 1.25, 5: 1.2, 20: 1.15, 200: 1.15}
LIMIT = 5  # KB of the webhooks that are compared with the limit
_TEXT = re.compile(r">([^<>]+)<")


def rows() -> Iterator[Row]:
    """A row for each size, of five sources together, one for the source that does worst, and one against the limit."""
    steps = logging.getLogger("bridge.steps")  # as the Functions worker has it, but that nobody reads them
    steps.setLevel(logging.INFO)
    steps.addHandler(logging.NullHandler())
    receiver = receiver_of_all()
    found: dict[int, list[tuple[float, float]]] = {size: [] for size in SIZES}
    for size in SIZES:
        for subject in SUBJECTS:
            found[size].append(_costs(receiver, subject.source, subject.webhook(size), TIMES))
        mean, least = (sum(column) / len(SUBJECTS) for column in zip(*found[size], strict=True))
        yield Row(f"receive, {size} KB, mean of five sources", mean, least, "ms", GOALS[size])
    yield _with_records()
    costs = {
        (source.source, size): _costs(receiver, source.source, source.webhook(size), FEW)
        for source, size in everything()
    }
    name, size = max(costs, key=lambda key: costs[key][0] / costs[key][1])
    yield Row(f"receive, the worst of all sources: {name}, {size} KB", *costs[name, size], "ms", 1.7)
    limits = [_against_limit(receiver, subject.source, subject.webhook(LIMIT)) for subject in SUBJECTS]
    received, limit = (sum(column) / len(SUBJECTS) for column in zip(*limits, strict=True))
    yield Row(f"receive, {LIMIT} KB, mean of five sources, against the physical limit", received, limit, "ms", 15)


def receiver_of_all() -> Receiver:
    """A receiver of webhooks of all sources."""
    return Bridge(Configuration.of(Settings(GROUP, CONFIG, secrets=SECRETS))).receiver


def _with_records() -> Row:
    """What the record of a webhook adds."""
    recording = receiver_of_all()
    silent = replace(recording, records=None)
    webhooks = [(subject.source, subject.webhook(size)) for size in SIZES[:3] for subject in SUBJECTS]

    def receive(receiver: Receiver) -> Callable[[], None]:
        def run() -> None:
            for source, webhook in webhooks:
                assert receiver.receive(source, webhook).entries

        run()
        return run

    mean, floor_ = busy(receive(recording), receive(silent), TIMES)
    name = f"receive, {SIZES[0]} to {SIZES[2]} KB, mean of five sources, with its record against without"
    return Row(name, mean / len(webhooks), floor_ / len(webhooks), "ms", 1.05)


def _costs(receiver: Receiver, source: str, webhook: Webhook, times: int) -> tuple[float, float]:
    least = least_of(receiver, source, webhook)

    def receive() -> None:
        assert receiver.receive(source, webhook).entries

    receive()
    least()
    return busy(receive, least, times)


def least_of(receiver: Receiver, source: str, webhook: Webhook) -> Callable[[], None]:
    """The floor for a webhook."""
    events = receiver.sources[source].read(webhook)
    assert not isinstance(events, Ignored)
    sandbox = floor.environment()
    posts = [(sandbox.get_template(receiver.renderer.chosen(event)), floor.context_of(event)) for event in events]

    def run() -> None:
        hmac.new(SECRET.encode(), webhook.body, hashlib.sha256).hexdigest()
        json.loads(webhook.body)
        for template, context in posts:
            template.render(context)

    return run


def _against_limit(receiver: Receiver, source: str, webhook: Webhook) -> tuple[float, float]:
    """Milliseconds of receiving a webhook and of its physical limit, by turns.

    In turns with itself, the limit would find the processor's caches as no webhook finds them, and take half the time.
    """
    (entry,) = receiver.receive(source, webhook).entries
    return busy(lambda: receiver.receive(source, webhook), limit_of(entry, webhook), TIMES)


def limit_of(entry: Entry, webhook: Webhook) -> Callable[[], None]:
    """The physical limit for a webhook and the entry that is made of it: every text of its card is escaped again."""
    parts = _TEXT.split(entry.html)

    def run() -> None:
        hmac.new(SECRET.encode(), webhook.body, hashlib.sha256).hexdigest()
        orjson.loads(webhook.body)
        html = "".join([escape(part) if place % 2 else part for place, part in enumerate(parts)])
        orjson.dumps({**vars(entry), "html": str(html)})

    return run
