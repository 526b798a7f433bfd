"""What receiving costs: processor time of `Receiver.receive` against the least that turns the same bytes into a card.

The least is one HMAC over the body, one json.loads of it, and one rendering of the same template with a context that is
ready: what authenticates, reads, routes, identifies, bounds and logs the event is what the bridge adds to it.
"""

import hashlib
import hmac
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.events import Webhook
from bridge.receiving.receiver import Receiver
from bridge.settings import Settings
from bridge.sources import SOURCES
from bridge.sources.base import Ignored
from tests.bench import floor
from tests.bench.payloads import SECRET, SIZES, SUBJECTS, Subject
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
TIMES = 200


def rows() -> Iterator[Row]:
    """A row for each size, of all five sources together, and one for the source that does worst."""
    steps = logging.getLogger("bridge.steps")  # as the Functions worker has it, but that nobody reads them
    steps.setLevel(logging.INFO)
    steps.addHandler(logging.NullHandler())
    settings = Settings(GROUP, CONFIG, secrets=dict.fromkeys(SOURCES, (SECRET,)))
    receiver = Bridge(Configuration.of(settings)).receiver
    found = {(subject.source, size): _costs(receiver, subject, size) for size in SIZES for subject in SUBJECTS}
    for size in SIZES:
        pairs = [found[subject.source, size] for subject in SUBJECTS]
        mean, floor = (sum(column) / len(pairs) for column in zip(*pairs, strict=True))
        yield Row(f"receive, {size} KB, mean of five sources", mean, floor, "ms", 1.5)
    yield _with_records()
    source, size = max(found, key=lambda key: found[key][0] / found[key][1])
    yield Row(f"receive, the worst of them: {source}, {size} KB", *found[source, size], "ms", 1.5)


def _with_records() -> Row:
    """What the record of a webhook adds."""
    settings = Settings(GROUP, CONFIG, secrets=dict.fromkeys(SOURCES, (SECRET,)))
    recording = Bridge(Configuration.of(settings)).receiver
    silent = replace(recording, records=None)
    webhooks = [(subject.source, subject.webhook(size)) for size in SIZES[:3] for subject in SUBJECTS]

    def receive(receiver: Receiver) -> Callable[[], None]:
        def run() -> None:
            for source, webhook in webhooks:
                assert receiver.receive(source, webhook).entries

        run()
        return run

    mean, floor = busy(receive(recording), receive(silent), TIMES)
    name = f"receive, {SIZES[0]} to {SIZES[2]} KB, mean of five sources, with its record against without"
    return Row(name, mean / len(webhooks), floor / len(webhooks), "ms", 1.05)


def _costs(receiver: Receiver, subject: Subject, size: int) -> tuple[float, float]:
    webhook = subject.webhook(size)
    least = _least(receiver, subject, webhook)

    def receive() -> None:
        assert receiver.receive(subject.source, webhook).entries

    receive()
    least()
    return busy(receive, least, TIMES)


def _least(receiver: Receiver, subject: Subject, webhook: Webhook) -> Callable[[], None]:
    events = receiver.sources[subject.source].read(webhook)
    assert not isinstance(events, Ignored)
    sandbox = floor.environment()
    posts = [(sandbox.get_template(receiver.renderer.chosen(event)), floor.context_of(event)) for event in events]

    def run() -> None:
        hmac.new(SECRET.encode(), webhook.body, hashlib.sha256).hexdigest()
        json.loads(webhook.body)
        for template, context in posts:
            template.render(context)

    return run
