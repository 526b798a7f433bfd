"""Azure Monitor: every signal and schema of an action group, told in words, in one thread from fired to resolved."""

import json
from typing import Any

import pytest

from bridge.entries import Entry, Target, entry_id
from bridge.events import Event, Severity, Webhook
from bridge.local.gallery import NOW
from bridge.rendering import Renderer
from bridge.sources import SOURCES
from bridge.sources.azure_monitor.words import amount, named, number, period
from tests.local_stack import ROOT
from tests.look import parse

MONITOR = SOURCES["azure_monitor"]


def payload(name: str) -> Any:
    return json.loads((ROOT / f"samples/azure_monitor/{name}.json").read_text())


def read(content: Any) -> Event:
    (event,) = MONITOR.read(Webhook({}, json.dumps(content).encode()))
    return event


def entry(event: Event) -> Entry:
    return Renderer().entry(event, entry_id(event, 0, ""), Target(""), NOW)


@pytest.mark.parametrize(
    ("name", "kind", "severity", "summary"),
    [
        (
            "metric.fired",
            "metric.fired",
            "error",
            "Controller is busy fired: Percentage CPU of controller-7 is 97.21, above 80 on average over 5 min",
        ),
        ("metric.resolved", "metric.resolved", "success", "Controller is busy is over after 12 min 30 s"),
        (
            "metric.dynamic",
            "metric.fired",
            "warning",
            "Unusual requests fired: Requests of controller-7 is 4,210, above 1,830 in total over 15 min",
        ),
        (
            "metric.availability",
            "metric.fired",
            "critical",
            "Dashboard is not reachable fired: Failed Location of dashboard-test is 3, above 2 in total over 5 min",
        ),
        (
            "log.fired",
            "log.fired",
            "warning",
            "Pump errors fired: The number of results of pump-logs is 23, above 10 by count over 10 min",
        ),
        (
            "log.application_insights",
            "log.fired",
            "info",
            "Exceptions in the dashboard fired: A search in dashboard found 2 rows, above 1 in 5 min",
        ),
        (
            "prometheus.fired",
            "prometheus.fired",
            "warning",
            "PumpDown fired: pump_up == 0 holds in pump-metrics for 2 min, with the value 0",
        ),
        (
            "smart_detection.fired",
            "smart_detection.fired",
            "info",
            "Failure Anomalies fired: We detected an abnormal rise in failed request rate in dashboard",
        ),
        (
            "activity_administrative.fired",
            "activity_administrative.fired",
            "critical",
            "Something is deleted fired: alexd@contoso.com deleted controller-7",
        ),
        (
            "activity_security.fired",
            "activity_security.fired",
            "error",
            "Defender fired: Defender found a virus on controller-7 and blocked it",
        ),
        (
            "activity_autoscale.fired",
            "activity_autoscale.fired",
            "info",
            "Autoscale fired: Autoscale changed dashboard from 2 to 3 instances",
        ),
        (
            "service_health.incident",
            "service_health.fired",
            "error",
            "Storage is slow in North Europe is active: Storage in North Europe",
        ),
        (
            "service_health.maintenance",
            "service_health.fired",
            "info",
            "Planned maintenance of virtual machines is planned: Storage in North Europe",
        ),
        (
            "resource_health.fired",
            "resource_health.fired",
            "error",
            "Resource health fired: controller-7 is unavailable, and was available",
        ),
        ("budget.actual", "budget.fired", "error", "Budget Pumps is passed: So far $431.20, above $400.00"),
        (
            "budget.forecast",
            "budget.fired",
            "warning",
            "Budget Pumps is forecast to be passed: The forecast for the period is $612.40, above $400.00",
        ),
        (
            "classic.metric",
            "metric.fired",
            "warning",
            "Controller is busy fired: CPU percentage of controller-7 is 97.2, above 80 on average over 5 min",
        ),
        ("legacy.log", "log.fired", "warning", "Pumps stall fired: A search found 4 rows, above 0 in 5 min"),
        (
            "legacy.activity",
            "activity_administrative.fired",
            "info",
            "virtual machines restart fired: alexd@contoso.com acted on controller-7",
        ),
        ("vm_insights.fired", "vm_insights_-_health.fired", "warning", "Health of controllers fired"),
    ],
)
def test_every_signal_has_its_own_words(name: str, kind: str, severity: str, summary: str) -> None:
    event = read(payload(name))
    assert (event.kind, event.severity, entry(event).summary) == (kind, severity, summary)


@pytest.mark.parametrize(
    ("fired", "resolved"),
    [
        ("metric.fired", "metric.resolved"),
        ("prometheus.fired", "prometheus.resolved"),
        ("resource_health.fired", "resource_health.resolved"),
        ("service_health.incident", "service_health.resolved"),
        ("classic.metric", "classic.resolved"),
    ],
)
def test_fired_and_resolved_are_one_thread(fired: str, resolved: str) -> None:
    first, last = read(payload(fired)), read(payload(resolved))
    assert first.thread == last.thread
    assert (first.ends_thread, last.ends_thread) == (False, True)
    assert last.severity is Severity.SUCCESS
    assert first.delivery != last.delivery


def test_alerts_of_one_rule_on_two_resources_are_two_threads() -> None:
    threads = {read(payload(name)).thread for name in ("metric.fired", "metric.several_resources", "log.fired")}
    assert len(threads) == 3


def test_messages_of_one_tracking_id_are_one_thread_and_each_is_told_once() -> None:
    again = payload("service_health.incident")
    again["data"]["essentials"]["alertId"] = "another"
    later = payload("service_health.incident")
    later["data"]["alertContext"]["properties"]["communicationId"] = "9"
    first, second, third = (read(content) for content in (payload("service_health.incident"), again, later))
    assert first.thread == second.thread == third.thread == "service health pmp0-7a7"
    assert first.delivery != third.delivery


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        ("Sev0", "critical"),
        ("Sev1", "error"),
        ("Sev2", "warning"),
        ("Sev3", "info"),
        ("Sev4", "info"),
        (None, "warning"),
    ],
)
def test_severities(severity: str | None, expected: str) -> None:
    content = payload("metric.fired")
    content["data"]["essentials"]["severity"] = severity
    assert read(content).severity == expected


def test_a_value_is_a_bar_against_its_threshold_and_the_resource_leads_to_the_portal() -> None:
    made = entry(read(payload("metric.fired")))
    assert "97.21, threshold 80" in parse(made.html).lines
    assert 'width="75%" height="8" bgcolor="#c4314b"' in made.html
    assert 'href="https://portal.azure.com/#resource/subscriptions/' in made.html
    assert "alertId/%2Fsubscriptions%2F" in made.url


def test_routes_can_ask_for_what_the_alert_says() -> None:
    assert read(payload("metric.fired")).attributes == {
        "rule": "Controller is busy",
        "severity": "Sev1",
        "signal": "Metric",
        "service": "Platform",
        "condition": "Fired",
        "subscription": "0c0ffee0-0000-4000-8000-000000000007",
        "resource_group": "pumps",
        "resource": "controller-7",
        "resource_type": "microsoft.compute/virtualmachines",
        "resources": ["controller-7"],
        "custom": {"team": "pumps"},
    }


def test_custom_properties_are_facts() -> None:
    assert ("team", "pumps") in read(payload("metric.fired")).facts


def test_what_the_portals_test_leaves_null_is_left_out() -> None:
    event = read(payload("budget.actual"))
    assert event.title == "Budget Pumps"
    assert "None" not in entry(event).html


@pytest.mark.parametrize(
    ("text", "words"),
    [("PT5M", "5 min"), ("PT1H30M", "1 h 30 min"), ("P1D", "1 d"), ("15", "15 min"), ("", ""), ("P", ""), ("x", "")],
)
def test_periods(text: str, words: str) -> None:
    assert period(text) == words


@pytest.mark.parametrize(
    ("value", "parsed", "words"),
    [
        ("$1,111.11", 1111.11, "1,111"),
        (78.09, 78.09, "78.09"),
        (0.30001, 0.30001, "0.3"),
        ("-5", -5.0, "-5"),
        ("many", None, "many"),
        (None, None, ""),
        (True, None, "True"),
    ],
)
def test_amounts(value: Any, parsed: float | None, words: str) -> None:
    assert (number(value), amount(value)) == (parsed, words)


def test_a_resource_goes_by_the_last_part_of_its_id() -> None:
    assert named("/subscriptions/0/resourceGroups/pumps/providers/a.b/c/controller-7") == "controller-7"
    assert named("/subscriptions/0/") == "the subscription"
