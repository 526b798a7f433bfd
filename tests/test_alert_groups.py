"""Groups of alerts of Alertmanager and Grafana: a thread until resolved, what fires first, the rest counted."""

import json

import pytest

from bridge.entries import Target
from bridge.events import Webhook
from bridge.rendering.renderer import Renderer
from bridge.sources import SOURCES
from tests.look import parse

RENDERER = Renderer()


def payload(name):
    source, _, sample = name.partition("/")
    return json.loads((SOURCES[source].samples / f"{sample}.json").read_text())


def read(source, content):
    (event,) = SOURCES[source].read(Webhook({}, json.dumps(content).encode()))
    return event


def entry(event):
    return RENDERER.entry(event, "0" * 32, Target("g"), event.occurred)


def lines(event):
    return parse(entry(event).html).lines


@pytest.mark.parametrize(
    ("sample", "kind", "severity", "line"),
    [
        (
            "alertmanager/group.firing",
            "group.firing",
            "critical",
            "PumpPressureLow fires for pump-07:9100: Pressure has been under 2 bar for five minutes",
        ),
        (
            "alertmanager/group.grown",
            "group.firing",
            "critical",
            "PumpPressureLow fires for pump-09:9100 and 1 more: Pressure has been under 2 bar for five minutes",
        ),
        (
            "alertmanager/group.resolved",
            "group.resolved",
            "success",
            "PumpPressureLow is over for pump-07:9100 after 42 min",
        ),
        (
            "alertmanager/group.storm",
            "group.firing",
            "warning",
            "NodeUnreachable fires for node-30:9100 and 29 more: No answer for two minutes",
        ),
        (
            "grafana/group.firing",
            "group.firing",
            "critical",
            "Tank level high fires for tank-2: The tank is nearly full",
        ),
        ("grafana/group.resolved", "group.resolved", "success", "Tank level high is over for tank-2 after 1 h 10 min"),
        ("grafana/group.no_data", "group.firing", "warning", "Tank level high has no data: The tank is nearly full"),
        (
            "grafana/group.error",
            "group.firing",
            "warning",
            "Tank level high cannot be evaluated: The tank is nearly full",
        ),
        ("grafana/rule.alerting", "rule.alerting", "error", "Tank level high fires"),
        ("grafana/rule.ok", "rule.ok", "success", "Tank level high is over"),
    ],
)
def test_what_happens_to_a_group_is_said_in_one_line(sample, kind, severity, line):
    source = sample.partition("/")[0]
    event = read(source, payload(sample))
    assert (event.kind, event.severity) == (kind, severity)
    assert event.ends_thread == (severity == "success")
    if event.occurred:
        assert entry(event).summary == line
    else:
        assert event.summary == line


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("alertmanager/group.firing", "alertmanager/group.resolved"),
        ("alertmanager/group.firing", "alertmanager/group.grown"),
        ("grafana/group.firing", "grafana/group.several"),
        ("grafana/rule.alerting", "grafana/rule.ok"),
    ],
)
def test_what_becomes_of_a_group_stands_in_its_thread(first, then):
    source = first.partition("/")[0]
    assert read(source, payload(first)).thread == read(source, payload(then)).thread


def test_another_group_is_another_thread():
    threads = {read("alertmanager", payload(f"alertmanager/group.{name}")).thread for name in ("firing", "storm")}
    assert len(threads) == 2


def test_firing_ones_come_before_resolved_ones_and_the_newest_first():
    told = [line for line in lines(read("alertmanager", payload("alertmanager/group.grown"))) if "pump-0" in line]
    assert told[-3:] == [
        "critical pump-09:9100 since 14:20 UTC",
        "critical pump-07:9100 since 14:03 UTC",
        "resolved pump-03:9100 after 12 min",
    ]


def test_ten_alerts_are_named_and_all_others_counted():
    told = lines(read("alertmanager", payload("alertmanager/group.storm")))
    assert sum("since 14:03 UTC" in line for line in told) == 10
    assert "and 110 more, of which the sender left out 90" in told


def test_a_reminder_in_which_nothing_is_new_is_the_same_delivery():
    firing = payload("alertmanager/group.firing")
    again = {**firing, "externalURL": "https://other.contoso.com"}
    grown = payload("alertmanager/group.grown")
    assert read("alertmanager", again).delivery == read("alertmanager", firing).delivery
    assert read("alertmanager", grown).delivery != read("alertmanager", firing).delivery


def test_what_grafana_measured_is_told_of_a_single_alert():
    assert ("values", "A = 93.4, C = 1") in read("grafana", payload("grafana/group.firing")).facts
    assert "values" not in dict(read("grafana", payload("grafana/group.several")).facts)


def test_routes_see_the_labels_that_all_alerts_share():
    event = read("alertmanager", payload("alertmanager/group.grown"))
    assert event.attributes["labels"]["team"] == "water"
    assert (event.attributes["firing"], event.attributes["resolved"]) == (2, 1)
