"""An upgrade: what the version before has stored and queued is read and delivered.

tests/data/version_1 was written by the last version whose messages had the version 1: a dump of its SQLite file, the
rows of its Azure table, and the messages of its Azure queue. Its entries:

    0, 1  delivered
    2     deferred
    3, 4  outcome unknown: 3 is not at Graph, 4 is
    5     a dead letter
    6     a reply whose thread was not visible yet
    7, 8  isolated; the process was killed while it sent 7
    9     of a group on hold
    10    of a group in a backoff
    11    pending, a reply to the thread of 0
    12    still on the queue
    13    on the poison queue (of the file alone)
"""

import base64
import contextlib
import json
import sqlite3
from pathlib import Path

import pytest

from bridge.errors import MessageError
from bridge.graph.channel import Post
from bridge.outbox.azure import AzureOutbox
from bridge.outbox.azure_queue import AzureQueue
from bridge.outbox.azure_storage import Account
from bridge.outbox.rows import Backoff, Hold
from tests.azurite import needs_azurite
from tests.outbox_stand_ins import START, FakeChannel, entries_of, entry, refs
from tests.publishing_simulation import Simulation

DATA = Path(__file__).parent / "data/version_1"
LEFT = START + 118


class Graph(FakeChannel):
    """The groups as the version before left them."""

    def __init__(self):
        super().__init__()
        delivered = {"thread-1": 0, "thread-2": 1, "thread-5": 4}
        self.posts = [(thread, Post("g", "", *refs(number), "")) for thread, number in delivered.items()]
        self.started = 10


def in_a_file(request, folder):
    with contextlib.closing(sqlite3.connect(folder / "outbox.sqlite")) as file:
        file.executescript((DATA / "outbox.sql").read_text())
    return Simulation(folder, channel=Graph)


def in_azure(request, folder):
    """Its wakes are on a queue of the simulation, so that hours pass in moments."""
    account = Account(request.getfixturevalue("storage").account())
    table = account.table()
    for row in json.loads((DATA / "table.json").read_text()):
        table.create_entity({name: as_stored(value) for name, value in row.items()})
    simulation = Simulation(folder, channel=Graph, outbox=AzureOutbox(table))
    with account.queue() as raw, contextlib.closing(AzureQueue(account)) as queue:
        for content in json.loads((DATA / "queue.json").read_text()):
            raw.send_message(content)
        while message := queue.take(60):
            simulation.queue.put(message.body)
    return simulation


def as_stored(value):
    return base64.b64decode(value["bytes"]) if isinstance(value, dict) else value


@pytest.fixture(params=[in_a_file, pytest.param(in_azure, marks=needs_azurite)])
def upgraded(request, tmp_path):
    simulation = request.param(request, tmp_path)
    simulation.clock.now = LEFT
    yield simulation
    simulation.close()


def threads_of(channel, *numbers):
    return [thread for thread, post in channel.posts if set(refs(*numbers)) & set(entries_of(post))]


def test_every_entry_of_the_version_before_is_delivered_once(upgraded):
    upgraded.run()
    poisoned = [13] if upgraded.outbox.history("13") else []
    assert sorted(upgraded.channel.delivered()) == refs(*[number for number in range(13) if number != 5], *poisoned)
    # Replies are in the threads that the version before had noted, and a post that was at Graph has its row.
    assert threads_of(upgraded.channel, 11) == ["thread-1"]
    assert threads_of(upgraded.channel, 6) == ["thread-2"]
    assert [record.thread for record in upgraded.outbox.history("4")] == ["thread-5"]
    # Isolated entries are posts of their own.
    assert {tuple(refs(7)), tuple(refs(8))} <= {tuple(entries_of(post)) for _, post in upgraded.channel.posts}
    assert upgraded.publisher.health() == {"open": 0, "dead": 2, "held": {}, "backoff": {}, "paused": [], "waiting": {}}


def test_its_waits_are_kept_with_their_reasons(upgraded):
    assert upgraded.outbox.waits() == {"h": Hold(START + 142, "403: no", START + 112), "b": Backoff(START + 218)}
    upgraded.run(START + 141 - LEFT)
    assert not threads_of(upgraded.channel, 9, 10)


def test_its_history_recognises_repeats_of_its_deliveries(upgraded):
    upgraded.put(entry(0, "delivered"), entry(2, "deferred"))
    upgraded.run()
    assert upgraded.channel.delivered().count(*refs(0)) == 1
    assert upgraded.channel.delivered().count(*refs(2)) == 1


def test_its_dead_letters_are_requeued(upgraded):
    upgraded.run()
    refused, unreadable = upgraded.publisher.dead_letters()
    upgraded.publisher.requeue(refused)
    with pytest.raises(MessageError):
        upgraded.publisher.requeue(unreadable)
    upgraded.run()
    assert len(threads_of(upgraded.channel, 5)) == 1
