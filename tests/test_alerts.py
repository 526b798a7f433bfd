"""Groups of alerts of Alertmanager and Grafana: a thread until resolved, what fires first, the rest counted."""

import copy
import json
from datetime import UTC, datetime

import pytest

from bridge.entries import Target
from bridge.events import Webhook
from bridge.rendering.renderer import Renderer
from bridge.sources import SOURCES
from tests.look import parse

RENDERER = Renderer()
NOW = datetime(2026, 11, 23, 15, 5, tzinfo=UTC)


def payload(name):
    source, _, sample = name.partition("/")
    return json.loads((SOURCES[source].samples / f"{sample}.json").read_text())


def read(source, content):
    (event,) = SOURCES[source].read(Webhook({}, json.dumps(content).encode()))
    return event


def entry(event):
    return RENDERER.entry(event, "0" * 32, Target("g"), event.occurred or NOW)


def lines(event):
    return parse(entry(event).html).lines


@pytest.mark.parametrize(
    ("sample", "kind", "severity", "line"),
    [
        (
            "alertmanager/group.firing",
            "group.firing",
            "critical",
            "PumpPressureLow is firing for pump-07: Pressure has been under 2 bar for five minutes",
        ),
        (
            "alertmanager/group.grown",
            "group.firing",
            "critical",
            "PumpPressureLow is firing for pump-09 and 1 more: Pressure has been under 2 bar for five minutes",
        ),
        (
            "alertmanager/group.resolved",
            "group.resolved",
            "success",
            "PumpPressureLow is resolved for pump-07 after 42 min",
        ),
        (
            "alertmanager/group.storm",
            "group.firing",
            "warning",
            "NodeUnreachable is firing for node-30 and 29 more: No answer for two minutes",
        ),
        (
            "grafana/group.firing",
            "group.firing",
            "critical",
            "Tank level high is firing for tank-2: The tank is nearly full",
        ),
        (
            "grafana/group.resolved",
            "group.resolved",
            "success",
            "Tank level high is resolved for tank-2 after 1 h 10 min",
        ),
        (
            "grafana/group.no_data",
            "group.firing",
            "warning",
            "Tank level high has no data for tank-2: whether it should fire is unknown",
        ),
        (
            "grafana/group.error",
            "group.firing",
            "warning",
            "Tank level high cannot be evaluated: failed to execute query A: connection refused",
        ),
        ("grafana/rule.alerting", "rule.alerting", "error", "Tank level high is firing: The tank is nearly full."),
        ("grafana/rule.ok", "rule.ok", "success", "Tank level high is resolved"),
    ],
)
def test_what_happens_to_a_group_is_said_in_one_line(sample, kind, severity, line):
    source = sample.partition("/")[0]
    event = read(source, payload(sample))
    assert (event.kind, event.severity) == (kind, severity)
    assert event.ends_thread == (severity == "success")
    assert entry(event).summary == line


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("alertmanager/group.firing", "alertmanager/group.resolved"),
        ("alertmanager/group.firing", "alertmanager/group.grown"),
        ("grafana/group.firing", "grafana/group.several"),
        ("grafana/rule.alerting", "grafana/rule.ok"),
    ],
)
def test_what_becomes_of_a_group_has_its_correlation_key(first, then):
    source = first.partition("/")[0]
    assert read(source, payload(first)).correlation_key == read(source, payload(then)).correlation_key


def test_another_group_has_another_correlation_key():
    keys = {read("alertmanager", payload(f"alertmanager/group.{name}")).correlation_key for name in ("firing", "storm")}
    assert len(keys) == 2


def test_firing_ones_come_before_resolved_ones_and_the_newest_first():
    shown = [line for line in lines(read("alertmanager", payload("alertmanager/group.grown"))) if "pump-0" in line]
    assert shown[-3:] == [
        "critical pump-09 since 14:20 UTC",
        "critical pump-07 since 14:03 UTC",
        "resolved pump-03 after 12 min",
    ]


def test_ten_alerts_are_named_and_all_others_counted():
    shown = lines(read("alertmanager", payload("alertmanager/group.storm")))
    names = ", ".join(f"node-{number}" for number in range(30, 20, -1))
    assert f"{names} since 14:03 UTC" in shown
    assert "and 20 more; alertmanager left out 90 others" in shown


def test_a_reminder_in_which_nothing_is_new_is_the_same_delivery():
    firing = payload("alertmanager/group.firing")
    again = {**firing, "externalURL": "https://other.contoso.com"}
    grown = payload("alertmanager/group.grown")
    assert read("alertmanager", again).delivery == read("alertmanager", firing).delivery
    assert read("alertmanager", grown).delivery != read("alertmanager", firing).delivery


def test_what_grafana_measured_is_a_fact_of_a_single_alert():
    plain = payload("grafana/group.firing")
    plain["alerts"][0]["annotations"].pop("threshold")
    assert ("Value", "93.4") in read("grafana", plain).facts
    # Beside its limit it is drawn.
    event = read("grafana", payload("grafana/group.firing"))
    assert event.details["meter"] == (93.4, 90, "93.4, limit 90")
    assert not {"Value", "Threshold"} & dict(event.facts).keys()
    assert "Value" not in dict(read("grafana", payload("grafana/group.several")).facts)


def test_routes_see_the_labels_that_all_alerts_share():
    event = read("alertmanager", payload("alertmanager/group.grown"))
    assert event.attributes["labels"]["team"] == "water"
    assert (event.attributes["firing"], event.attributes["resolved"]) == (2, 1)


def labelled(*alerts, group=None, **shared):
    """A notification about alerts that fire, by their labels."""
    return {
        "status": "firing",
        "groupKey": "{}",
        "groupLabels": group or {},
        "alerts": [{"status": "firing", "labels": {**shared, **labels}, "annotations": {}} for labels in alerts],
    }


KSM = {
    "job": "kube-state-metrics",
    "instance": "10.42.9.17:8080",
    "service": "kps-kube-state-metrics",
    "endpoint": "http",
    "prometheus": "monitoring/kps",
    "namespace": "billing",
}
NODE = {
    "job": "node-exporter",
    "pod": "kps-node-exporter-x2x9p",
    "container": "node-exporter",
    "namespace": "monitoring",
}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (
            labelled({"alertname": "A", "pod": "api-1"}, {"alertname": "B", "deployment": "api"}, **KSM),
            "2 alerts are firing: A for api-1, B for api",
        ),
        (labelled({"pod": "api-1"}, {"pod": "api-2"}, alertname="A", **KSM), "A is firing for api-1 and 1 more"),
        (
            labelled({"pod": "api-1", "container": "x"}, {"pod": "api-1", "container": "y"}, alertname="A", **KSM),
            "A is firing on api-1 for x and 1 more",
        ),
        (labelled({"alertname": "KubeAPIDown"}, **KSM), "KubeAPIDown is firing"),
        (
            labelled({"exported_pod": "api-1", "pod": "kps-kube-state-metrics-1", "alertname": "A"}, **KSM),
            "A is firing for api-1",
        ),
        (
            labelled(
                {"exported_pod": "api-1", "reason": "OOM"},
                {"exported_pod": "api-2", "reason": "Error"},
                alertname="A",
                pod="kps-kube-state-metrics-1",
                **KSM,
            ),
            "A is firing for api-1 and 1 more",
        ),
        (
            labelled({"exported_tenant": "acme"}, {"exported_tenant": "contoso"}, alertname="A", **KSM),
            "A is firing for acme and 1 more",
        ),
        (
            labelled(
                {"alertname": "Full", "instance": "10.0.0.4:9100", "nodename": "db-1", "mountpoint": "/var"}, **NODE
            ),
            "Full is firing for db-1 /var",
        ),
        (
            labelled(
                {"instance": "db-1:9100", "device": "sda"}, {"instance": "db-1:9100", "device": "sdb"}, alertname="A"
            ),
            "A is firing on db-1 for sda and 1 more",
        ),
        (
            labelled({"instance": "db-1:9100"}, {"instance": "db-1:9200"}, alertname="A"),
            "A is firing for db-1:9100 and 1 more",
        ),
        (
            labelled({"instance": "10.0.0.4:9100"}, {"instance": "10.0.0.5:9100"}, alertname="A"),
            "A is firing for 10.0.0.4",
        ),
        (labelled({"room": "r1"}, {"room": "r2"}, alertname="Gas"), "Gas is firing for r1 and 1 more"),
        (labelled({"shelf": "s1"}, {"shelf": "s2"}, alertname="Gas"), "Gas is firing for s1 and 1 more"),
        (labelled({"alertname": "Slow", "service": "checkout", "job": "api"}), "Slow is firing for checkout"),
        (labelled({"host": "a"}, {"host": "a"}, alertname="Hot"), "Hot is firing for a (2 alerts)"),
        (labelled({}, {}, alertname="Hot"), "Hot is firing for 2 alerts"),
        (labelled({}), "An alert is firing"),
    ],
)
def test_an_alert_is_named_by_what_differs_and_never_by_its_exporter(content, line):
    assert entry(read("alertmanager", content)).summary.startswith(line)


@pytest.mark.parametrize(
    ("group", "topic"),
    [
        ({"alertname": "HostHighCpu", "instance": "db-03:9100"}, "HostHighCpu: db-03"),
        ({"alertname": "HostHighCpu"}, "HostHighCpu"),
        ({"namespace": "billing"}, "Alerts: namespace billing"),
        ({"cluster": "west", "namespace": "billing"}, "Alerts: cluster west, namespace billing"),
        ({"alertname": "HostHighCpu", "namespace": "billing"}, "HostHighCpu · billing"),
        ({"alertname": "HostHighCpu", "team": "water"}, "HostHighCpu"),
        ({}, "HostHighCpu"),
    ],
)
def test_the_topic_is_what_the_group_has_in_common(group, topic):
    content = labelled({**group, "alertname": "HostHighCpu", "pod": "a"}, group=group)
    assert entry(read("alertmanager", content)).topic == topic
    other = copy.deepcopy(content)
    other["alerts"].append({"status": "firing", "labels": {**group, "alertname": "HostHighCpu", "pod": "b"}})
    assert entry(read("alertmanager", other)).topic == topic


def test_where_it_belongs_to_and_its_facts_are_not_those_of_the_exporter():
    pods = labelled({"exported_pod": "api-1"}, {"exported_pod": "api-2"}, exported_namespace="shop", **KSM)
    event = read("alertmanager", pods)
    assert (event.scope, "Namespace" in dict(event.facts)) == ("shop", False)
    pushed = {"alertname": "A", "job": "pushgateway", "instance": "pg:9091", "exported_job": "backup"}
    hosts = labelled({"exported_instance": "db-1"}, {"exported_instance": "db-2"}, **pushed)
    assert dict(read("alertmanager", hosts).facts) == {"Job": "backup"}


@pytest.mark.parametrize(
    ("word", "severity"),
    [("critical", "critical"), ("page", "critical"), ("warning", "warning"), ("ticket", "info"), (None, "warning")],
)
def test_a_severity_that_is_not_known_is_neutral_and_shown(word, severity):
    event = read("alertmanager", labelled({"alertname": "A", **({"severity": word} if word else {})}))
    assert event.severity == severity
    assert dict(event.facts).get("Severity") == ("ticket" if word == "ticket" else None)


def test_each_alert_of_a_group_has_its_own_runbook():
    content = labelled({"alertname": "A", "pod": "a"}, {"alertname": "B", "pod": "b"})
    for one, name in zip(content["alerts"], "ab", strict=True):
        one["annotations"] = {"runbook_url": f"https://runbooks.contoso.com/{name}"}
    html = entry(read("alertmanager", content)).html
    assert html.count('href="https://runbooks.contoso.com/') == 2
    content["alerts"][1]["annotations"] = content["alerts"][0]["annotations"]
    assert ("Open the runbook", "https://runbooks.contoso.com/a") in read("alertmanager", content).details["buttons"]


def test_words_of_people_change_neither_state_nor_severity():
    for words in ("resolved", "critical", "no data", "NoData"):
        content = labelled({"alertname": words, "instance": words, "severity": "info", "team": words})
        content["alerts"][0]["annotations"] = {"summary": words, "description": words}
        event = read("alertmanager", content)
        assert (event.kind, event.severity, event.ends_thread) == ("group.firing", "info", False)


def grafana(reason, status="firing", **labels):
    content = payload("grafana/group.firing" if status == "firing" else "grafana/group.resolved")
    for part in (content["alerts"][0]["annotations"], content["commonAnnotations"]):
        part["grafana_state_reason"] = reason
    content["alerts"][0]["labels"].update(labels)
    return read("grafana", content)


@pytest.mark.parametrize(
    ("reason", "status", "line", "severity"),
    [
        ("", "firing", "Tank level high is firing for tank-2: The tank is nearly full", "critical"),
        ("NoData", "firing", "Tank level high has no data for tank-2: whether it should fire is unknown", "warning"),
        (
            "NoData, KeepLast",
            "firing",
            "Tank level high has no data for tank-2: whether it should fire is unknown",
            "warning",
        ),
        ("Error", "firing", "Tank level high cannot be evaluated for tank-2", "warning"),
        ("KeepLast", "firing", "Tank level high keeps its last state for tank-2", "warning"),
        ("Recovering", "firing", "Tank level high for tank-2: recovering", "info"),
        (
            "MissingSeries",
            "resolved",
            "Tank level high ended without being resolved: its series is gone for tank-2",
            "info",
        ),
        ("NoData", "resolved", "Tank level high ended without being resolved: it has no data for tank-2", "info"),
        (
            "Error",
            "resolved",
            "Tank level high ended without being resolved: it cannot be evaluated for tank-2",
            "info",
        ),
        ("Paused", "resolved", "The rule Tank level high was paused for tank-2", "info"),
        ("RuleDeleted", "resolved", "The rule Tank level high was deleted for tank-2", "info"),
        ("Updated", "resolved", "The rule Tank level high was changed for tank-2", "info"),
        ("NeverHeardOf", "resolved", "Tank level high for tank-2: never heard of", "info"),
    ],
)
def test_a_state_without_a_crossed_threshold_is_neither_firing_nor_resolved(reason, status, line, severity):
    event = grafana(reason, status)
    assert (entry(event).summary, event.severity) == (line, severity)
    assert not event.ends_thread
    assert reason == "" or "nearly full" not in entry(event).html
    assert event.kind == f"group.{status}"


def test_a_series_that_vanished_does_not_hide_that_others_are_resolved():
    content = payload("grafana/group.resolved")
    content["alerts"].append(copy.deepcopy(content["alerts"][0]))
    content["alerts"][1]["annotations"]["grafana_state_reason"] = "MissingSeries"
    content["alerts"][1]["labels"]["instance"] = "tank-9"
    event = read("grafana", content)
    assert "series is gone for tank-9" in entry(event).summary
    assert "1 series gone · 1 resolved" in "\n".join(lines(event))
    assert not event.ends_thread


@pytest.mark.parametrize(
    ("state", "line", "severity", "ends"),
    [
        ("alerting", "Tank level high is firing: The tank is nearly full.", "error", False),
        ("no_data", "Tank level high has no data: whether it should fire is unknown", "warning", False),
        ("pending", "Tank level high is pending", "warning", False),
        ("paused", "The rule Tank level high was paused", "info", False),
        ("ok", "Tank level high is resolved", "success", True),
        ("unknown", "Tank level high: unknown", "info", False),
        ("KeepState", "Tank level high: keep state", "info", False),
        (None, "Tank level high: unknown state", "info", False),
    ],
)
def test_every_state_of_the_older_alerting(state, line, severity, ends):
    event = read("grafana", {**payload("grafana/rule.alerting"), "state": state})
    assert (entry(event).summary, event.severity, event.ends_thread) == (line, severity, ends)


def test_the_values_of_an_alert_are_found_in_either_form():
    content = payload("grafana/group.several")
    with_values = lines(read("grafana", content))
    for one in content["alerts"]:
        one["values"] = None
    assert lines(read("grafana", content)) == with_values
    assert "critical tank-1 91 since 14:01 UTC" in with_values


def test_a_limit_that_a_rule_names_is_a_bar():
    content = payload("grafana/group.firing")
    content["alerts"][0]["values"] = {"level": 93.4, "limit": 90, "C": 1}
    event = read("grafana", content)
    assert event.details["meter"] == (93.4, 90.0, "93.4, limit 90")
    assert "93.4, limit 90" in "\n".join(lines(event))


def test_alerts_of_a_rule_that_cannot_be_evaluated_bear_the_rules_name():
    content = payload("grafana/group.no_data")
    content["alerts"].append(copy.deepcopy(content["alerts"][0]))
    content["alerts"][1]["labels"]["rulename"] = "Pump"
    assert entry(read("grafana", content)).summary.startswith("2 alerts have no data: Tank level high for tank-2, Pump")


@pytest.mark.parametrize("source", ["alertmanager", "grafana"])
def test_a_payload_of_ones_own_template_is_a_plain_post(source):
    event = read(source, {"severity": "critical", "message": "Pump 07 runs dry", "status": "resolved"})
    assert (event.title, event.severity) == ("Pump 07 runs dry", "success")


def test_organisations_that_share_a_grafana_are_kept_apart():
    content = payload("grafana/group.firing")
    assert read("grafana", {**content, "orgId": 2}).correlation_key != read("grafana", content).correlation_key


@pytest.mark.parametrize("part", ["groupKey", "groupLabels"])
def test_without_a_part_of_its_key_a_group_has_still_one_of_its_own(part):
    one, other = payload("alertmanager/group.firing"), payload("alertmanager/group.storm")
    del one[part], other[part]
    assert read("alertmanager", one).correlation_key != read("alertmanager", other).correlation_key
    assert read("alertmanager", one).correlation_key


def test_identities_by_content_are_those_of_the_state():
    firing, gone = payload("grafana/group.resolved"), payload("grafana/group.resolved")
    gone["alerts"][0]["annotations"]["grafana_state_reason"] = "MissingSeries"
    first, second = read("grafana", firing), read("grafana", gone)
    assert first.dedup_key == first.delivery
    assert first.dedup_key != second.dedup_key
