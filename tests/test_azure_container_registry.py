"""bridge/sources/azure_container_registry: images and charts, pushed and deleted."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.entries import Target
from bridge.events import Webhook
from bridge.rendering.renderer import Renderer
from bridge.sources.azure_container_registry import AZURE_CONTAINER_REGISTRY
from bridge.sources.base import Ignored

SAMPLES = Path(__file__).parent.parent / "bridge/sources/azure_container_registry/samples"
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
HOST = "pumpimages.azurecr.io"


def read(body: bytes):
    return AZURE_CONTAINER_REGISTRY.read(Webhook({}, body))


@pytest.mark.parametrize(
    ("name", "thread", "severity", "line"),
    [
        ("push", f"{HOST} firmware", "info", f"The image firmware:2.4.0 was pushed to {HOST}"),
        ("delete", f"{HOST} firmware", "info", f"The image firmware was deleted from {HOST}"),
        ("quarantine", f"{HOST} firmware", "warning", f"The image firmware:2.4.0 is quarantined in {HOST}"),
        ("chart_push", "pump", "info", "The chart pump 1.2.0 was pushed to the registry"),
        ("chart_delete", "pump", "info", "The chart pump 1.2.0 was deleted from the registry"),
    ],
)
def test_sample(name, thread, severity, line):
    (event,) = read((SAMPLES / f"{name}.json").read_bytes())
    assert (event.kind, event.correlation_key, event.severity) == (name, thread, severity)
    assert Renderer().entry(event, "0" * 32, Target("g"), NOW).summary == line
    assert event.occurred == datetime(2026, 11, 23, 14, 3, 10, 343145, tzinfo=UTC)
    assert event.attributes["action"] == name


def test_a_ping_is_acknowledged():
    answer = read((SAMPLES / "ping.json").read_bytes())
    assert isinstance(answer, Ignored)
    assert "ping" in answer.reason


def test_facts_name_what_is_to_be_pulled():
    (event,) = read((SAMPLES / "push.json").read_bytes())
    assert dict(event.facts) == {
        "Image": f"{HOST}/firmware:2.4.0",
        "Digest": "sha256:3c9f2b7d3c9f",
        "Client": "docker/27.3.1",
    }


def test_an_action_that_is_new_is_told_plainly():
    (event,) = read(json.dumps({"action": "Re_Sign", "target": {"repository": "firmware"}}).encode())
    assert (event.kind, event.details["word"]) == ("re_sign", "re sign")
    assert event.delivery
