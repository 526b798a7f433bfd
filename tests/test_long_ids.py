"""Ids of senders: however long they are, different ones stay different, and all of them can be stored."""

import json
from dataclasses import replace

import pytest

from bridge.configuration import Configuration
from bridge.events import Event, Webhook, bounded
from bridge.limits import MAX_ID, MAX_KIND
from bridge.receiving.receiver import Receiver
from bridge.rendering.renderer import Renderer
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests.test_receiver import GROUP, NOW

LONG = 33_000
DECLARED = """
[sources.pump.event]
delivery = "payload.id"
correlation_key = ["payload.station", "payload.pump"]
title = "payload.title"
"""


def received(name, body, headers=None, config=""):
    configured = Configuration.of(Settings(GROUP, config))
    receiver = Receiver(configured.sources, {}, configured.routes, Renderer(), lambda: NOW)
    receipt = receiver.receive(name, Webhook(headers or {}, json.dumps(body).encode()))
    assert receipt.status == 202, receipt.body
    return receipt.entries[0]


def test_a_short_id_stays_as_it_is():
    assert [bounded(text) for text in ("", "a", "x" * MAX_ID)] == ["", "a", "x" * MAX_ID]


def test_a_long_id_keeps_its_head_and_ends_in_a_hash_of_the_whole():
    long = [bounded("x" * LONG + end) for end in "ab"]
    assert [len(text) for text in long] == [MAX_ID] * 2
    assert long[0] != long[1]
    assert long[0].startswith("x" * 200)


def test_every_id_of_an_event_is_bounded():
    event = Event("s", "k." * LONG, "d" * LONG, "c" * LONG, "", {})
    assert (len(event.kind), len(event.delivery), len(event.correlation_key)) == (MAX_KIND, MAX_ID, MAX_ID)
    assert replace(event, title="t").correlation_key == event.correlation_key


@pytest.mark.parametrize("length", [201, LONG])
@pytest.mark.parametrize("field", ["id", "station", "pump", "title"])
def test_a_declared_source_takes_long_ids_and_keeps_them_apart(field, length):
    body = {"id": "1", "station": "A", "pump": "7", "title": "Dry"}
    if field == "title":
        del body["station"]
    one, other = (received("pump", body | {field: "x" * length + end}, config=DECLARED) for end in "ab")
    assert (one.id != other.id) == (field == "id")
    assert (one.key != other.key) == (field != "id")
    assert max(len(one.delivery), len(one.correlation_key)) <= MAX_ID


@pytest.mark.parametrize(
    ("name", "sample", "path"),
    [
        ("standard_webhooks", "pump.stopped", ()),
        ("splunk", "alert", ("sid",)),
        ("docker_hub", "push", ("push_data", "tag")),
        ("sonarqube", "quality_gate.error", ("branch", "name")),
        ("aws_sns", "alarm.alarm", ("MessageId",)),
        ("azure_devops", "git.push", ("id",)),
        ("event_grid", "key_vault.near_expiry", ("id",)),
    ],
)
@pytest.mark.parametrize("length", [201, LONG])
def test_services_ids_that_begin_alike_are_different(name, sample, path, length):
    entries = []
    for end in "ab":
        long, headers = "x" * length + end, {}
        body = json.loads((SOURCES[name].samples / f"{sample}.json").read_text())
        if path:
            holder = body[0] if isinstance(body, list) else body
            for part in path[:-1]:
                holder = holder[part]
            holder[path[-1]] = long
        else:
            headers = {"webhook-id": long, "webhook-timestamp": "1"}
        entries.append(received(name, body, headers))
    one, other = entries
    assert one.key != other.key if name == "sonarqube" else one.id != other.id
    assert max(len(one.delivery), len(one.correlation_key)) <= MAX_ID
