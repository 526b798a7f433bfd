"""bridge/sources/event_grid: both schemas, both handshakes, and what Azure's services say by them."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from bridge.configuration import Configuration
from bridge.entries import Target
from bridge.events import Event, Webhook
from bridge.receiving.receiver import Receiver
from bridge.rendering.renderer import Renderer
from bridge.settings import Settings
from bridge.sources import SOURCES
from bridge.sources.azure_resources import resource
from bridge.sources.base import Ignored
from bridge.sources.event_grid import EVENT_GRID
from tests.local_stack import SECRET, running
from tests.look import parse

SAMPLES = Path(__file__).parent.parent / "bridge/sources/event_grid/samples"
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
RENDERER = Renderer()
GROUP = "3c1d0d4e-0000-4000-8000-000000000000"
IDS = "/subscriptions/00000000-0000-4000-8000-000000000099/resourcegroups/pump-prod/providers"
STORAGE, MACHINES = f"{IDS}/microsoft.storage/storageaccounts/pumpdata", f"{IDS}/microsoft.compute/virtualmachines"
LAB = f"{IDS}/microsoft.machinelearningservices/workspaces/pump-lab"
BLOBS = f"{STORAGE} /blobservices/default/containers/readings/blobs"


def read(payload: object) -> list[Event]:
    events = EVENT_GRID.read(Webhook({}, json.dumps(payload).encode()))
    assert not isinstance(events, Ignored)
    return list(events)


def sample(name: str):
    return json.loads((SAMPLES / f"{name}.json").read_text())


def summary(event: Event) -> str:
    return RENDERER.entry(event, "0" * 32, Target("g"), NOW).summary


# By sample: the correlation key of its first event, how much that matters, and the line that says it.
TABLE = {
    "key_vault.near_expiry": (
        "vault pump-keys secret bench-token",
        "warning",
        "The secret bench-token expires in 30 d 1 h",
    ),
    "key_vault.expired": (
        "vault pump-keys certificate field-gateway",
        "error",
        "The certificate field-gateway has expired",
    ),
    "key_vault.new_version": ("vault pump-keys secret bench-token", "info", "The secret bench-token has a new version"),
    "key_vault.access_policy": (
        "vault pump-keys vault pump-keys",
        "info",
        "The vault pump-keys has another access policy",
    ),
    "storage.batch": (f"{BLOBS}/2026/11/23/bench.csv", "info", "The blob bench.csv was written to readings"),
    "storage.renamed": (f"{BLOBS}/archive/bench.csv", "info", "The blob bench.csv was renamed in readings"),
    "storage.tier": (f"{BLOBS}/2026/01/01/bench.csv", "info", "The blob bench.csv changed its tier in readings"),
    "container_registry.pushed": (
        "pumpimages.azurecr.io firmware",
        "info",
        "The image firmware:2.4.0 was pushed to pumpimages.azurecr.io",
    ),
    "resources.write": (
        f"{MACHINES}/bench-1",
        "info",
        "Alex Darrow created or changed the virtual machine bench-1",
    ),
    "resources.write_failed": (
        f"{MACHINES}/bench-1",
        "error",
        "Alex Darrow could not create or change the virtual machine bench-1",
    ),
    "resources.delete": (STORAGE, "info", "Alex Darrow deleted the storage account pumpdata"),
    "resources.delete_canceled": (STORAGE, "info", "Alex Darrow canceled the deletion of the storage account pumpdata"),
    "resources.action": (STORAGE, "info", "An application ran list keys on the storage account pumpdata"),
    "policy.noncompliant": (
        f"{STORAGE} policy no-public-storage",
        "warning",
        "The storage account pumpdata does not comply with the policy no-public-storage",
    ),
    "policy.compliant": (
        f"{STORAGE} policy no-public-storage",
        "success",
        "The storage account pumpdata complies with the policy no-public-storage",
    ),
    "policy.deleted": (
        f"{STORAGE} policy no-public-storage",
        "info",
        "The storage account pumpdata is no longer assessed by the policy no-public-storage",
    ),
    "machine_learning.model": (f"{LAB} models/dry_run:3", "info", "The model dry_run was registered as version 3"),
    "machine_learning.deployed": (
        f"{LAB} endpoints/dry-run-service",
        "success",
        "The service dry-run-service has new models",
    ),
    "machine_learning.run_completed": (
        f"{LAB} experiments/1/runs/train_3c9f2b",
        "success",
        "The run train_3c9f2b completed",
    ),
    "machine_learning.run_failed": (f"{LAB} experiments/1/runs/train_3c9f2b", "error", "The run train_3c9f2b failed"),
    "machine_learning.drift": (
        f"{LAB} datadrifts/1/runs/2",
        "warning",
        "The monitor flow-monitor found a drift of 84%",
    ),
    "subscription_deleted": (
        "event subscription readings-to-group",
        "warning",
        "The event subscription readings-to-group was deleted: its events come here no more",
    ),
    "health.unavailable": (
        f"resource health {MACHINES}/bench-1",
        "error",
        "The virtual machine bench-1 is now unavailable, was available",
    ),
    "health.available": (
        f"resource health {MACHINES}/bench-1",
        "success",
        "The virtual machine bench-1 is now available, was unavailable",
    ),
    "health.annotated": (
        f"resource health {MACHINES}/bench-1",
        "warning",
        "The virtual machine bench-1: virtual machine host rebooted for repair",
    ),
    "custom_alarm": ("https://pumps.contoso.example/plants/west pump-07", "critical", "Alarm: Pump 07 runs dry"),
    "custom": ("https://contoso.example/tanks tank-4", "info", "Level low: tank-4"),
    "iot_device": (f"{IDS}/microsoft.devices/iothubs/pump-hub devices/pump-7", "info", "Device disconnected: pump-7"),
    "app_service_failed": (
        f"{IDS}/microsoft.web/sites/pump-web /microsoft.web/sites/pump-web",
        "error",
        "Slot swap failed: pump-web",
    ),
}


def test_every_sample_is_in_the_table():
    assert {path.stem for path in SAMPLES.glob("*.json")} == {*TABLE, "subscription_validation"}


@pytest.mark.parametrize("name", TABLE)
def test_sample(name):
    event = read(sample(name))[0]
    assert (event.correlation_key, event.severity, summary(event)) == TABLE[name]
    assert event.occurred
    assert event.scope


def as_cloud_event(event: dict) -> dict:
    """The same event in the other schema, as Event Grid writes it."""
    names = {"topic": "source", "eventType": "type", "eventTime": "time"}
    kept = {names.get(name, name): value for name, value in event.items() if not name.endswith("Version")}
    return {"specversion": "1.0", **kept}


def said(payload: object) -> list[tuple[str, str, str]]:
    return [(event.correlation_key, summary(event), event.dedup_key) for event in read(payload)]


@pytest.mark.parametrize("name", [name for name in TABLE if isinstance(sample(name), list)])
def test_both_schemas_single_and_batched_say_the_same(name):
    (first, *_) = events = sample(name)
    assert said(list(map(as_cloud_event, events))) == said(events)
    assert said(as_cloud_event(first)) == said(events)[:1]


def ids(payload: object) -> list[str]:
    receiver = Receiver(SOURCES, {}, Configuration.of(Settings(GROUP)).routes, RENDERER, lambda: NOW)
    receipt = receiver.receive("event_grid", Webhook({}, json.dumps(payload).encode()))
    return [entry.id for entry in receipt.entries]


def test_an_event_that_comes_again_in_another_batch_is_the_same():
    one, two, three = sample("storage.batch")
    assert ids([three, one]) == [ids([one, two, three])[place] for place in (2, 0)]


def test_the_same_id_of_another_source_is_another_event():
    (event,) = sample("key_vault.expired")
    assert ids([event]) != ids([event | {"topic": event["topic"] + "2"}])


def test_the_validation_event_is_answered_with_its_code_and_nothing_else():
    receiver = Receiver(SOURCES, {}, Configuration.of(Settings(GROUP)).routes, RENDERER, lambda: NOW)
    body = (SAMPLES / "subscription_validation.json").read_bytes()
    receipt = receiver.receive("event_grid", Webhook({"aeg-event-type": "SubscriptionValidation"}, body))
    assert (receipt.status, receipt.entries) == (200, ())
    assert receipt.body == {"validationResponse": sample("subscription_validation")[0]["data"]["validationCode"]}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"WebHook-Request-Origin": "eventgrid.azure.net"}, 200),
        ({}, 400),
        ({"WebHook-Request-Origin": "https://evil.example/ x"}, 400),
    ],
)
def test_the_handshake_of_cloud_events_by_its_method(headers, status):
    receiver = Receiver(SOURCES, {}, Configuration.of(Settings(GROUP)).routes, RENDERER, lambda: NOW)
    receipt = receiver.receive("event_grid", Webhook(headers, b"", "OPTIONS"))
    assert receipt.status == status
    assert receipt.headers.get("WebHook-Allowed-Origin") == (
        headers.get("WebHook-Request-Origin") if status == 200 else None
    )


def test_the_handshake_over_real_http_needs_the_proof_as_the_events_do(tmp_path):
    asked = {"WebHook-Request-Origin": "eventgrid.azure.net", "WebHook-Request-Rate": "120"}
    sign_in = {"Authorization": f"Bearer {SECRET}"}
    with running(tmp_path) as stack:
        url = f"{stack.address}/api/webhooks/event_grid"
        answer = requests.options(url, headers={**asked, **sign_in}, timeout=60)
        assert answer.status_code == 200
        assert answer.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"
        assert answer.headers["WebHook-Allowed-Rate"] == "120"
        assert answer.headers["Allow"] == "POST"
        assert requests.options(url, headers=asked, timeout=60).status_code == 401
        assert requests.get(url, headers={**asked, **sign_in}, timeout=60).status_code == 404
        batch = (SAMPLES / "storage.batch.json").read_bytes()
        assert len(requests.post(url, batch, headers=sign_in, timeout=60).json()["accepted"]) == 3


@pytest.mark.parametrize(
    ("resource_id", "noun", "name", "group"),
    [
        ("/subscriptions/1/resourceGroups/g", "resource group", "g", "g"),
        ("/subscriptions/1", "subscription", "1", ""),
        ("/subscriptions/1/resourcegroups/g/providers/Microsoft.Sql/servers/s/databases/d", "database", "d", "g"),
        ("/subscriptions/1/resourceGroups/g/providers/Microsoft.Authorization/policies/p", "policy", "p", "g"),
        (
            "/subscriptions/1/resourceGroups/g/providers/Microsoft.Network/publicIPAddresses/a",
            "public ip address",
            "a",
            "g",
        ),
        ("mysource", "", "", ""),
        ("", "", "", ""),
    ],
)
def test_ids_of_resources(resource_id, noun, name, group):
    found = resource(resource_id)
    assert (found.noun, found.name, found.group) == (noun, name, group)


def test_every_event_has_the_attributes_of_its_envelope():
    (event,) = read(sample("resources.delete"))
    assert event.attributes["type"] == "Microsoft.Resources.ResourceDeleteSuccess"
    assert event.attributes["resource_group"] == "pump-prod"
    assert event.attributes["resource_type"] == "Microsoft.Storage/storageAccounts"
    assert event.attributes["operation"] == "Microsoft.Storage/storageAccounts/delete"
    (image,) = read(sample("container_registry.pushed"))
    assert (image.attributes["repository"], image.attributes["tag"]) == ("firmware", "2.4.0")
    assert image.attributes.keys() == event.attributes.keys()


def test_times_and_numbers_of_unknown_events_are_readable():
    (event,) = read(sample("custom"))
    assert dict(event.facts) == {
        "Pump": "P-200",
        "Since": "2026-11-23T13:58:00+00:00",
        "Alarm": "yes",
        "History": "1, 2",
    }
    card = "\n".join(parse(RENDERER.entry(event, "0" * 32, Target("g"), NOW).html).shown)
    assert "Since: 23 Nov 2026, 13:58 UTC" in card
    assert "Level 4.5, limit 10" in card


BINARY = {
    "ce-specversion": "1.0",
    "ce-id": "b1",
    "ce-type": "com.contoso.pumps.alarm",
    "ce-source": "https://pumps.contoso.example/west",
    "ce-subject": "pump-07",
    "ce-time": "2026-11-23T14:03:00Z",
}


def binary(body: bytes, **headers: str) -> Event:
    events = EVENT_GRID.read(Webhook({**BINARY, **headers}, body))
    assert not isinstance(events, Ignored)
    (event,) = events
    return event


def test_a_cloud_event_in_binary_mode_says_the_same_as_in_structured_mode():
    data = sample("custom_alarm")["data"]
    structured = {name.removeprefix("ce-"): value for name, value in BINARY.items()} | {"data": data}
    one = binary(json.dumps(data).encode())
    assert said(structured) == [(one.correlation_key, summary(one), one.dedup_key)]
    assert one.occurred == datetime(2026, 11, 23, 14, 3, tzinfo=UTC)
    assert summary(one) == "Alarm: Pump 07 runs dry"


def test_the_data_of_a_cloud_event_may_be_anything():
    assert summary(binary(b"Pump 07 runs dry")) == "Alarm: Pump 07 runs dry"
    assert summary(binary(b"7")) == "Alarm: pump-07"
    assert summary(binary(b"\xff\xfe", **{"ce-subject": "P%C3%BCmp"})).startswith("Alarm: Pümp")
    envelope = {name.removeprefix("ce-"): value for name, value in BINARY.items()}
    encoded = {**envelope, "data_base64": "eyJtZXNzYWdlIjogIlB1bXAgMDcgcnVucyBkcnkifQ=="}
    assert [summary(event) for event in read(encoded)] == ["Alarm: Pump 07 runs dry"]


def test_what_has_no_envelope_is_read_all_the_same():
    (event,) = read({"severity": "critical", "message": "Pump 07 runs dry"})
    assert (summary(event), event.severity) == ("Pump 07 runs dry", "critical")


@pytest.mark.parametrize(
    ("name", "path", "line", "severity"),
    [
        ("key_vault.expired", "eventType", "The certificate field-gateway: almost there", "info"),
        ("storage.tier", "eventType", "The blob bench.csv: blob almost there", "info"),
        ("machine_learning.run_failed", "data.runStatus", "The run train_3c9f2b: almost there", "info"),
        ("policy.noncompliant", "data.complianceState", "The storage account pumpdata: almost there", "info"),
        (
            "health.unavailable",
            "data.resourceInfo.properties.availabilityState",
            "The virtual machine bench-1 is now almost there, was available",
            "info",
        ),
        ("resources.write", "eventType", "Resource almost there: bench-1 is now succeeded", "success"),
    ],
)
def test_a_value_that_is_not_known_is_shown_in_words_and_is_neutral(name, path, line, severity):
    content = sample(name)
    holder = content[0] if isinstance(content, list) else content
    *parents, last = path.split(".")
    for parent in parents:
        holder = holder[parent]
    prefix, kind = "", holder[last]
    if last == "eventType":
        start, _, end = kind.rpartition(".")
        prefix = f"{start}.{re.match('[A-Z][a-z]+', end)[0]}"
    holder[last] = f"{prefix}AlmostThere"
    event = read(content)[0]
    assert (summary(event), event.severity) == (line, severity)


@pytest.mark.parametrize("words", ["failed", "critical", "resolved", "expired"])
def test_names_decide_nothing(words):
    (event,) = read({**sample("custom"), "subject": words, "data": {"name": words, "user": {"state": words}}})
    assert (event.severity, event.ends_thread) == ("info", False)


@pytest.mark.parametrize("part", ["source", "subject"])
def test_without_a_part_of_its_key_an_event_does_not_join_others(part):
    keys = set()
    for device in ("pump-07", "pump-08"):
        content = {**sample("custom_alarm"), "data": {"device": device, "message": "dry"}}
        del content[part]
        keys.add(read(content)[0].correlation_key)
    assert len(keys) == (1 if part == "source" else 2)
    assert "" not in keys


def test_a_part_of_an_image_is_ignored():
    (event,) = sample("container_registry.pushed")
    event["data"]["target"].pop("tag")
    assert isinstance(EVENT_GRID.read(Webhook({}, json.dumps([event]).encode())), Ignored)
