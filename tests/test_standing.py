"""What stands open: the rows of threads learn it from the events of every service, and lose it when it is over."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.entries import Target
from bridge.events import Severity, Webhook
from bridge.outbox.standing import Standing, from_text, to_text
from bridge.publishing.standing import standing_after
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests.azurite import needs_azurite
from tests.local_stack import ROOT
from tests.outbox_stand_ins import START, Clock, entry
from tests.publishing_simulation import Simulation
from tests.test_outbox import in_a_file, in_azure, thread

GROUP = "00000000-0000-4000-8000-0000000000d0"
BRIDGE = Bridge(Configuration.of(Settings(GROUP)))
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def opened(source, sample, **changes):
    """What the events of a sample open, by the renderer."""
    path = next((ROOT / f"bridge/sources/{source}/samples").glob(f"{sample}.json"))
    payload = json.loads(path.read_bytes())
    for name, value in changes.items():
        part = payload
        *way, last = name.split("__")
        for step in way:
            part = part[step]
        part[last] = value
    event = ".".join(path.stem.partition("__")[0].split(".")[: SOURCES[source].event_parts])
    events = SOURCES[source].read(Webhook(SOURCES[source].headers(event, "d"), json.dumps(payload).encode()))
    return [BRIDGE.renderer.entry(one, "id", Target(GROUP), NOW).standing for one in events]


@pytest.mark.parametrize(
    ("source", "sample", "changes", "expected"),
    [
        ("alertmanager", "group.firing", {}, "alert"),
        ("alertmanager", "group.resolved", {}, "over"),
        ("pagerduty", "incident.triggered", {}, "incident"),
        ("pagerduty", "incident.resolved", {}, "over"),
        ("updown", "check.ssl_expiration", {}, "expiry"),
        ("github", "pull_request.opened", {}, "review"),
        ("github", "pull_request.opened", {"pull_request__draft": True}, ""),
        ("github", "pull_request.closed", {}, "over"),
        ("github", "pull_request.synchronize", {}, ""),
        ("github", "workflow_job.completed", {"workflow_job__pull_requests": []}, ""),
        ("github", "workflow_run.completed", {"workflow_run__pull_requests": []}, "branch"),
        ("github", "workflow_run.completed", {"workflow_run__pull_requests": [], "workflow_run__conclusion": "success"},
         "over"),
        ("github", "workflow_run.completed", {"workflow_run__pull_requests": [], "workflow_run__head_branch": "x"}, ""),
        ("github", "push", {}, ""),
    ],
)  # fmt: skip
def test_what_an_event_opens(source, sample, changes, expected):
    assert opened(source, sample, **changes) == [expected]


def test_a_row_keeps_since_when_and_forgets_what_is_over():
    first = entry(1, standing="alert", topic="T" * 500, url="https://a/", word="Firing", severity=Severity.ERROR)
    known = standing_after(None, [first, entry(2), entry(3, standing="alert", word="Still firing")])
    assert (known.since, known.state, len(known.title)) == (START + 1, "Still firing", len("Topic 3"))
    assert standing_after(known, [entry(4, standing="over")]) is None
    assert standing_after(known, [entry(4, ends_thread=True)]) is None
    assert standing_after(known, [entry(4, standing="review")]).since == START + 4
    assert from_text(to_text(known)) == known
    assert [from_text(text) for text in ("", None, "[]", "{}", '{"category": 1}', "{")] == [None] * 6


@pytest.fixture(params=[in_a_file, pytest.param(in_azure, marks=needs_azurite)])
def outbox(request):
    outbox, queue = request.param(request, Clock())
    yield outbox
    outbox.close()
    queue.close()


def test_what_stands_open_is_found_by_its_group_and_goes_when_it_is_over(outbox):
    one = Standing("alert", "Tank", "https://a/", "Firing", Severity.ERROR, "s", "grafana", "k", START)
    first, second = outbox.write_threads("g", [thread("a 1"), thread("a 2")])
    (open_one,) = outbox.write_threads("g", [replace(first, standing=one)])
    outbox.write_threads("other", [replace(thread("a 1"), standing=one)])
    assert list(outbox.standing("g")) == [open_one]
    assert outbox.threads("g", ["a 1"])["a 1"].standing == one
    assert outbox.threads("g", ["a 2"])["a 2"] == second
    outbox.write_threads("g", [replace(open_one, standing=None)])
    assert outbox.standing("g") == []


def test_a_drain_notes_what_stands_open(tmp_path):
    run = Simulation(tmp_path)
    run.put(entry(1, standing="alert", word="Firing"), entry(2, thread="two"))
    run.run(600)
    assert [(row.key, row.standing.state) for row in run.outbox.standing("g")] == [("github one", "Firing")]
    run.put(entry(3, standing="over"))
    run.run(600)
    assert run.outbox.standing("g") == []
    run.close()
