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
        ("push.platforms", f"{HOST} firmware", "info", f"The multi-platform image firmware:2.4.0 was pushed to {HOST}"),
        ("delete", f"{HOST} firmware", "info", f"The image firmware@sha256:3c9f2b7d3c9f was deleted from {HOST}"),
        ("quarantine", f"{HOST} firmware", "warning", f"The image firmware:2.4.0 is quarantined in {HOST}"),
        ("chart_push", "pump", "info", "The chart pump 1.2.0 was pushed to the registry"),
        ("chart_delete", "pump", "info", "The chart pump 1.2.0 was deleted from the registry"),
    ],
)
def test_sample(name, thread, severity, line):
    (event,) = read((SAMPLES / f"{name}.json").read_bytes())
    assert (event.kind, event.correlation_key, event.severity) == (name.partition(".")[0], thread, severity)
    assert Renderer().entry(event, "0" * 32, Target("g"), NOW).summary == line
    assert event.occurred == datetime(2026, 11, 23, 14, 3, 10, 343145, tzinfo=UTC)
    assert event.attributes["action"] == event.kind


def test_a_ping_is_ignored():
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


def sent(**target):
    payload = json.loads((SAMPLES / "push.json").read_text())
    payload["target"] |= target
    return read(json.dumps(payload).encode())


def summary(event):
    return Renderer().entry(event, "0" * 32, Target("g"), NOW).summary


def test_an_action_that_is_not_known_is_shown_in_plain_words():
    (event,) = read(json.dumps({"action": "Re_Sign", "target": {"repository": "firmware", "tag": "2"}}).encode())
    assert (event.kind, event.severity) == ("re_sign", "info")
    assert summary(event) == "The image firmware:2 in the registry: re sign"
    assert event.delivery


@pytest.mark.parametrize("kind", ["docker.distribution.manifest.list.v2", "oci.image.index.v1"])
def test_an_image_for_several_platforms_is_one_post(kind):
    """Each platform is pushed by its digest first; then comes the list of them, with the tag."""
    platform = sent(tag="", mediaType="application/vnd.oci.image.manifest.v1+json")
    assert isinstance(platform, Ignored)
    assert "no tag" in platform.reason
    (event,) = sent(mediaType=f"application/vnd.{kind}+json")
    assert summary(event) == f"The multi-platform image firmware:2.4.0 was pushed to {HOST}"


def test_a_chart_that_is_an_artifact_is_a_chart():
    (event,) = sent(artifactType="application/vnd.cncf.helm.config.v1+json")
    assert summary(event) == f"The chart firmware:2.4.0 was pushed to {HOST}"


@pytest.mark.parametrize("repository", ["deleted", "quarantine", "chart_delete/pushed"])
def test_no_name_says_what_was_done(repository):
    (event,) = sent(repository=repository, tag="deleted")
    assert summary(event) == f"The image {repository}:deleted was pushed to {HOST}"


def test_a_body_without_an_action_is_a_plain_post():
    (event,) = read(json.dumps({"message": "The registry pumpimages is full", "severity": "warning"}).encode())
    assert (summary(event), event.severity) == ("The registry pumpimages is full", "warning")


def test_what_names_no_repository_is_a_thread_of_its_own():
    keys = set()
    for event_id in "ab":
        (event,) = read(json.dumps({"action": "delete", "id": event_id, "target": {}}).encode())
        keys.add(event.correlation_key)
    assert len(keys) == 2
