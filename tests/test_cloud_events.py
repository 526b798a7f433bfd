"""CloudEvents of any producer: in every mode the same event, by the shipped source and by a declared one."""

import base64
import json
from datetime import UTC, datetime

import pytest
import requests

from bridge.configuration import Configuration
from bridge.entries import Target
from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.rendering.renderer import Renderer
from bridge.settings import Settings
from bridge.sources import SOURCES
from bridge.sources.base import Ignored, Source
from tests.local_stack import CONFIG, GROUPS, running

NOW = datetime(2026, 11, 23, 15, 5, tzinfo=UTC)
GROUP = "3c1d0d4e-0000-4000-8000-000000000001"
ATTRIBUTES = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "https://pumps.contoso.example/west",
    "type": "com.contoso.pumps.level_low",
    "subject": "tanks/tank-4",
    "time": "2026-11-23T14:03:00Z",
    "shift": "night",  # an extension
}
DATA = {"severity": "warning", "message": "The tank is nearly empty.", "value": 12, "threshold": 20}
DECLARED = """
[sources.plain]
title = "Pumps"
[sources.described]
body = "cloudevents"
[sources.described.event]
kind = "item.type"
delivery = ["item.source", "item.id"]
title = "item.subject ~ ' at ' ~ item.shift"
severity = "item.data.severity"
text = "item.data.message"
[sources.signed]
body = "cloudevents"
verifier = { kind = "hmac", header = "X-S" }
"""
SOURCE = {**SOURCES, **Configuration.of(Settings(GROUP, DECLARED)).sources}


def binary(**changed: object) -> Webhook:
    attributes = {**ATTRIBUTES, **changed}
    data = attributes.pop("data", DATA)
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return Webhook({f"ce-{name}": str(value) for name, value in attributes.items()}, body)


def structured(**changed: object) -> Webhook:
    event = {**ATTRIBUTES, "data": DATA, **changed}
    return Webhook({"Content-Type": "application/cloudevents+json"}, json.dumps(event).encode())


def batched() -> Webhook:
    body = json.dumps([{**ATTRIBUTES, "data": DATA}]).encode()
    return Webhook({"Content-Type": "application/cloudevents-batch+json"}, body)


def encoded() -> Webhook:
    event = {**ATTRIBUTES, "data_base64": base64.b64encode(json.dumps(DATA).encode()).decode()}
    return Webhook({}, json.dumps(event).encode())


def read(source: Source, webhook: Webhook) -> Event:
    events = source.read(webhook)
    assert not isinstance(events, Ignored)
    (event,) = events
    return event


def said(event: Event) -> tuple[object, ...]:
    entry = Renderer().entry(event, "0" * 32, Target("g"), NOW)
    return event.kind, event.correlation_key, event.severity, event.occurred, entry.topic, entry.summary


MODES = {"binary": binary(), "structured": structured(), "batched": batched(), "base64": encoded()}


@pytest.mark.parametrize("webhook", MODES.values(), ids=MODES)
@pytest.mark.parametrize("name", ["cloud_events", "plain"])
def test_an_event_says_the_same_in_every_mode(name: str, webhook: Webhook) -> None:
    assert said(read(SOURCE[name], webhook)) == (
        "com.contoso.pumps.level_low",
        "https://pumps.contoso.example/west tanks/tank-4",
        "warning",
        datetime(2026, 11, 23, 14, 3, tzinfo=UTC),
        "tank-4: The tank is nearly empty · pumps.contoso.example/west",
        "Level low: tank-4: The tank is nearly empty",
    )


@pytest.mark.parametrize("webhook", MODES.values(), ids=MODES)
def test_the_expressions_of_a_form_have_the_same_item_in_every_mode(webhook: Webhook) -> None:
    event = read(SOURCE["described"], webhook)
    assert (event.kind, event.title, event.severity) == (ATTRIBUTES["type"], "tanks/tank-4 at night", "warning")
    assert (event.text, event.delivery) == (DATA["message"], "https://pumps.contoso.example/west e-1")


def test_a_form_that_does_not_ask_for_them_gets_its_body_as_it_is() -> None:
    source = Configuration.of(Settings(GROUP, "[sources.p.event]\ntitle = 'item.message'")).sources["p"]
    assert read(source, binary()).title == "The tank is nearly empty."


@pytest.mark.parametrize("name", ["cloud_events", "plain"])
def test_an_event_is_recognised_by_its_source_and_id(name: str) -> None:
    first, again = read(SOURCE[name], structured()), read(SOURCE[name], structured(time="2026-11-23T15:00:00Z"))
    other, elsewhere = read(SOURCE[name], structured(id="e-2")), read(SOURCE[name], structured(source="/other"))
    assert first.dedup_key == again.dedup_key == read(SOURCE[name], binary()).dedup_key
    assert len({event.dedup_key for event in (first, other, elsewhere)}) == 3


def test_headers_that_no_signature_covers_make_no_replay_news() -> None:
    first, replayed = read(SOURCE["signed"], binary()), read(SOURCE["signed"], binary(id="e-2"))
    assert first.dedup_key == replayed.dedup_key
    structured_ids = {read(SOURCE["signed"], structured(id=value)).dedup_key for value in ("e-1", "e-2")}
    assert len(structured_ids) == 2


@pytest.mark.parametrize(
    ("data", "summary"),
    [
        (b"The tank is nearly empty.", "Level low: tank-4: The tank is nearly empty"),
        (b"7", "Level low: tank-4"),
        (b"\xff\xfe\x00", "Level low: tank-4"),
        (b"", "Level low: tank-4"),
        ([1, 2], "Level low: tank-4"),
        ({"state": "resolved"}, "Level low: tank-4 is now resolved"),
    ],
)
def test_the_data_may_be_anything(data: object, summary: str) -> None:
    assert said(read(SOURCE["cloud_events"], binary(data=data)))[-1].startswith(summary)


def test_what_has_no_envelope_is_a_plain_post_and_what_is_no_object_is_refused() -> None:
    event = read(SOURCE["cloud_events"], Webhook({}, b'{"title": "The tank is empty", "severity": "critical"}'))
    assert (event.title, event.severity) == ("The tank is empty", "critical")
    with pytest.raises(BadWebhook):
        SOURCE["cloud_events"].read(Webhook({}, b"7"))


def test_standard_webhooks_may_carry_cloud_events() -> None:
    for webhook in MODES.values():
        event = read(SOURCE["standard_webhooks"], webhook)
        assert (event.kind, event.severity, event.text) == (ATTRIBUTES["type"], "warning", DATA["message"])
        assert event.correlation_key == "https://pumps.contoso.example/west tanks/tank-4"


def test_producers_post_them_over_http(tmp_path) -> None:
    group = "group-0"
    config = f'{CONFIG}\n[sources.pumps]\ntitle = "Pumps"\n'
    with running(tmp_path, BRIDGE_CONFIG=config, BRIDGE_GROUP=GROUPS[group]) as stack:
        url, key = f"{stack.address}/api/webhooks", {"x-functions-key": "local"}
        agreed = requests.options(
            f"{url}/cloud_events", headers={**key, "WebHook-Request-Origin": "pumps.contoso.example"}, timeout=30
        )
        assert (agreed.status_code, agreed.headers["WebHook-Allowed-Origin"]) == (200, "pumps.contoso.example")
        assert requests.post(f"{url}/cloud_events", structured().body, timeout=30).status_code == 401
        modes = [binary(subject="tank-1", id="1"), structured(subject="tank-2", id="2"), batched()]
        answers = [
            requests.post(f"{url}/{path}", webhook.body, headers={**webhook.headers, **key}, timeout=30)
            for path, webhook in [("cloud_events", modes[0]), ("generic/pumps", modes[1]), ("cloud_events", modes[2])]
        ]
        assert [answer.status_code for answer in answers] == [202, 202, 202]
        topics = [topic for topic, _ in stack.wait_for_posts(group, *answers)]
    assert sorted(topics) == [
        f"tank-{number}: The tank is nearly empty · pumps.contoso.example/west" for number in (1, 2, 4)
    ]
