"""Azure Monitor: every signal and schema of an action group, in words of its own, until it is resolved."""

import copy
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.entries import Entry, Target, entry_id
from bridge.errors import Unavailable
from bridge.events import Event, Severity, Webhook
from bridge.receiving.receiver import Receiver
from bridge.rendering.renderer import Renderer
from bridge.sources import SOURCES
from bridge.sources.azure_monitor.authentication import ACTION_GROUPS, ACTION_GROUPS_ROLE
from bridge.sources.azure_monitor.values import amount, code, number, period, shown
from bridge.sources.azure_resources import resource
from bridge.verification.entra_tokens import EntraToken
from bridge.verification.entra_tokens import read as read_keys
from tests.entra import signing_key
from tests.local_stack import ROOT
from tests.look import findings, parse

MONITOR = SOURCES["azure_monitor"]
SAMPLES = sorted((ROOT / "bridge/sources/azure_monitor/samples").glob("*.json"))
NOW = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)


def payload(name: str) -> Any:
    return json.loads((ROOT / f"bridge/sources/azure_monitor/samples/{name}.json").read_text())


def read(content: Any) -> Event:
    (event,) = MONITOR.read(Webhook({}, json.dumps(content).encode()))
    return event


def entry(event: Event) -> Entry:
    return Renderer().entry(event, entry_id(event, 0, ""), Target(""), NOW)


def shown_lines(event: Event) -> list[str]:
    return parse(entry(event).html).shown


def essentials(content: Any) -> Any:
    return content["data"]["essentials"]


def criterion(content: Any) -> Any:
    return content["data"]["alertContext"]["condition"]["allOf"][0]


# What each sample becomes: its kind, its severity, and the sentence that says it.
LINES = {
    "metric.fired": (
        "metric.fired",
        "error",
        "Percentage CPU of controller-7 averaged 97.21 %, above 80 %, over 5 min",
    ),
    "metric.resolved": (
        "metric.resolved",
        "success",
        "Percentage CPU of controller-7 averaged 31.5 %, no longer above 80 %, after 12 min 30 s",
    ),
    "metric.dynamic": (
        "metric.fired",
        "warning",
        "Requests of controller-7 totaled 4,210, above the expected 1,830, over 15 min",
    ),
    "metric.several_conditions": (
        "metric.fired",
        "warning",
        "Percentage CPU of controller-7 averaged 97.21 %, above 80 %, over 5 min, and 1 more condition held",
    ),
    "availability.fired": (
        "availability.fired",
        "critical",
        "Availability test dashboard-front-page failed from 3 locations, above 2, within 5 min",
    ),
    "availability.resolved": (
        "availability.resolved",
        "success",
        "Availability test dashboard-front-page passed again after 11 min",
    ),
    "log.fired": ("log.fired", "warning", "Pump errors: a search in pump-logs found 23 rows, above 10, over 10 min"),
    "log.resolved": (
        "log.resolved",
        "success",
        "Pump errors: a search in pump-logs found 4 rows, no longer above 10, after 30 min",
    ),
    "log.measured": (
        "log.fired",
        "error",
        "Pressure is high: PressureBar in pump-logs averaged 7.125, at or above 6.5, over 10 min",
    ),
    "log.simple": ("log.fired", "info", "A valve was forced: a search in pump-logs found 1 row"),
    "log.log_analytics": ("log.fired", "warning", "Pumps stall: a search in pump-logs found 4 rows, above 0, in 5 min"),
    "log.application_insights": (
        "log.fired",
        "info",
        "Exceptions in the dashboard: a search in dashboard measured 19, above 5, in 5 min",
    ),
    "prometheus.fired": (
        "prometheus.fired",
        "warning",
        "PumpDown is firing in pump-metrics with the value 0 after 2 min",
    ),
    "prometheus.resolved": ("prometheus.resolved", "success", "PumpDown is resolved in pump-metrics after 7 min"),
    "smart_detection.fired": (
        "smart_detection.fired",
        "info",
        "Smart detection found an abnormal rise in failed request rate in dashboard",
    ),
    "administrative.fired": (
        "administrative.fired",
        "critical",
        "alexd@contoso.com deleted the virtual machine controller-7",
    ),
    "administrative.failed": (
        "administrative.fired",
        "error",
        "An application failed to renew a key of the storage account pumpfirmware",
    ),
    "policy.fired": ("policy.fired", "warning", "Azure Policy audited controller-7 for “disk encryption”"),
    "security.fired": (
        "security.fired",
        "error",
        "Defender for Cloud found a virus on controller-7 and blocked it",
    ),
    "autoscale.fired": ("autoscale.fired", "info", "Autoscale scaled dashboard up from 2 to 3 instances"),
    "autoscale.failed": (
        "autoscale.fired",
        "error",
        "Autoscale failed to scale dashboard down from 3 to 2 instances",
    ),
    "recommendation.fired": (
        "recommendation.fired",
        "info",
        "Azure Advisor recommended “Right-size or shut down underutilized virtual machines” for controller-7",
    ),
    "service_health.incident": (
        "service_health.active",
        "error",
        "Microsoft reported an incident with Storage, App Service in North Europe, West Europe",
    ),
    "service_health.resolved": (
        "service_health.resolved",
        "success",
        "Microsoft resolved the incident with Storage, App Service in North Europe, West Europe after 1 h 30 min",
    ),
    "service_health.rca": (
        "service_health.rca",
        "success",
        "Microsoft explained the incident with Storage, App Service in North Europe, West Europe",
    ),
    "service_health.maintenance": (
        "service_health.planned",
        "info",
        "Microsoft planned a maintenance of Virtual Machines in North Europe",
    ),
    "service_health.advisory": (
        "service_health.active",
        "warning",
        "Microsoft reported an advisory on Storage in North Europe",
    ),
    "service_health.security": (
        "service_health.active",
        "error",
        "Microsoft reported a security advisory on Container Registry in all regions",
    ),
    "resource_health.fired": ("resource_health.unavailable", "error", "controller-7 became unavailable"),
    "resource_health.resolved": (
        "resource_health.available",
        "success",
        "controller-7 became available again, after 30 min",
    ),
    "budget.actual": ("budget.actual", "warning", "Budget Pumps reached $431.20, above its threshold of $400.00"),
    "budget.forecast": (
        "budget.forecast",
        "warning",
        "Budget Pumps was forecast to reach $612.40, above its threshold of $400.00",
    ),
    "other.fired": ("vminsights_health.fired", "warning", "Health of controllers is firing at controller-7"),
    "older.metric": (
        "metric.fired",
        "error",
        "Percentage CPU of controller-7 averaged 97.21 %, above 80 %, over 5 min",
    ),
    "older.log": ("log.fired", "warning", "Pumps stall: a search in pump-logs found 4 rows, above 0, in 5 min"),
    "older.activity_log": (
        "administrative.fired",
        "info",
        "alexd@contoso.com restarted the virtual machine controller-7",
    ),
    "older.budget": ("budget.actual", "warning", "Budget Pumps of old reached 431.20 USD of 500 USD"),
    "oldest.metric": (
        "metric.fired",
        "warning",
        "CPU percentage of controller-7 averaged 97.2 %, above 80 %, over 5 min",
    ),
    "oldest.metric_resolved": (
        "metric.resolved",
        "success",
        "CPU percentage of controller-7 averaged 31.5 %, no longer above 80 %",
    ),
    "oldest.web_test": (
        "availability.fired",
        "warning",
        "Availability test front-page failed from 3 locations, above 1, within 5 min",
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_every_signal_has_its_own_words(name: str) -> None:
    event = read(payload(name))
    assert (event.kind, event.severity, entry(event).summary) == LINES[name]


def test_every_sample_is_in_the_table() -> None:
    assert {path.stem for path in SAMPLES} == LINES.keys()


@pytest.mark.parametrize(
    "names",
    [
        ("metric.fired", "metric.resolved"),
        ("availability.fired", "availability.resolved"),
        ("log.fired", "log.resolved"),
        ("prometheus.fired", "prometheus.resolved"),
        ("resource_health.fired", "resource_health.resolved"),
        ("oldest.metric", "oldest.metric_resolved"),
    ],
)
def test_fired_and_resolved_have_one_correlation_key(names: tuple[str, str]) -> None:
    first, last = (read(payload(name)) for name in names)
    assert first.correlation_key == last.correlation_key
    assert (first.title, first.scope) == (last.title, last.scope)
    assert (first.ends_thread, last.ends_thread) == (False, True)
    assert last.severity is Severity.SUCCESS


@pytest.mark.parametrize("name", ["metric.fired", "log.fired", "prometheus.fired", "smart_detection.fired"])
def test_an_alert_that_comes_again_keeps_its_correlation_key(name: str) -> None:
    again = payload(name)
    essentials(again)["alertId"] = essentials(again)["alertId"][:-4] + "beef"
    essentials(again)["alertTargetIDs"] = [resource_id.upper() for resource_id in essentials(again)["alertTargetIDs"]]
    assert read(again).correlation_key == read(payload(name)).correlation_key


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("metric.fired", lambda it: essentials(it).update(alertTargetIDs=[essentials(it)["alertTargetIDs"][0] + "0"])),
        ("metric.fired", lambda it: essentials(it).update(alertRule="Another rule")),
        ("metric.fired", lambda it: criterion(it).update(dimensions=[{"name": "Instance", "value": "1"}])),
        ("log.fired", lambda it: criterion(it).update(dimensions=[{"name": "Station", "value": "station-08"}])),
        ("log.fired", lambda it: criterion(it).update(dimensions=[{"name": "ResourceId", "value": "a"}])),
        ("prometheus.fired", lambda it: it["data"]["alertContext"]["labels"].update(station="station-08")),
        ("administrative.fired", lambda it: it["data"]["alertContext"].update(correlationId="c-8")),
        ("service_health.incident", lambda it: it["data"]["alertContext"]["properties"].update(trackingId="X")),
        ("budget.actual", lambda it: it["data"]["alertContext"]["AlertData"].update(BudgetId="/b", BudgetName="B")),
    ],
    ids=[
        "resource",
        "rule",
        "metric's dimension",
        "search's dimension",
        "search's resource",
        "label",
        "operation",
        "incident",
        "budget",
    ],
)
def test_another_object_has_another_correlation_key(name: str, change: Any) -> None:
    other = payload(name)
    change(other)
    assert read(other).correlation_key != read(payload(name)).correlation_key


def test_dimensions_count_in_any_order() -> None:
    one, other = payload("log.fired"), payload("log.fired")
    pairs = [{"name": "Station", "value": "7"}, {"name": "Level", "value": "Error"}]
    criterion(one)["dimensions"], criterion(other)["dimensions"] = pairs, pairs[::-1]
    assert read(one).correlation_key == read(other).correlation_key


def test_a_tracking_id_has_one_correlation_key_that_goes_on_after_the_end() -> None:
    events = [read(payload(f"service_health.{stage}")) for stage in ("incident", "resolved", "rca")]
    assert {event.correlation_key for event in events} == {"service health pmp0-7a7"}
    assert not any(event.ends_thread for event in events)


def test_what_began_and_what_became_of_it_have_one_correlation_key() -> None:
    begun, done = payload("administrative.fired"), payload("administrative.fired")
    begun["data"]["alertContext"]["status"] = "Started"
    essentials(done)["alertId"] += "0"
    assert read(begun).correlation_key == read(done).correlation_key
    assert entry(read(begun)).summary == "alexd@contoso.com began to delete the virtual machine controller-7"


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        ("Sev0", "critical"),
        ("Sev1", "error"),
        ("Sev2", "warning"),
        ("Sev3", "info"),
        ("Sev4", "info"),
        ("Sev9", "info"),
        (None, "warning"),
    ],
)
def test_severities(severity: str | None, expected: str) -> None:
    content = payload("metric.fired")
    essentials(content)["severity"] = severity
    assert read(content).severity == expected


def test_a_value_is_a_bar_against_its_threshold_and_the_resource_leads_to_the_portal() -> None:
    made = entry(read(payload("metric.fired")))
    assert "97.21 %, threshold 80 %" in parse(made.html).shown
    assert 'width="75%" height="8" bgcolor="#c4314b"' in made.html
    assert 'href="https://portal.azure.com/#resource/subscriptions/' in made.html
    assert "alertId/%2Fsubscriptions%2F" in made.url


@pytest.mark.parametrize(
    ("operator", "value", "threshold", "said"),
    [
        ("GreaterThan", 5, "2", "averaged 5, above 2, over 5 min"),
        ("GreaterThanOrEqual", 2, "2", "averaged 2, at or above 2, over 5 min"),
        ("LessThan", 0.5, "1", "averaged 0.5, below 1, over 5 min"),
        ("LowerThanOrEqual", 1, "1", "averaged 1, at or below 1, over 5 min"),
        ("Equals", 0, "0", "averaged 0, equal to 0, over 5 min"),
        ("GreaterOrLessThan", 3, "9", "averaged 3, outside of 9, over 5 min"),
        ("UnheardOf", 3, "9", "averaged 3, unheard of 9, over 5 min"),
        ("GreaterThan", None, "2", "was above 2"),
        (None, None, None, "is firing"),
    ],
)
def test_comparisons(operator: str | None, value: float | None, threshold: str | None, said: str) -> None:
    content = payload("metric.fired")
    criterion(content).update(metricName="Queue", operator=operator, metricValue=value, threshold=threshold)
    assert entry(read(content)).summary == f"Queue of controller-7 {said}"


@pytest.mark.parametrize("value", [None, 91])
def test_an_alert_that_was_resolved_by_another_way_does_not_contradict_its_value(value: float | None) -> None:
    content = payload("metric.resolved")
    criterion(content)["metricValue"] = value
    assert entry(read(content)).summary == "Percentage CPU of controller-7 went back to normal after 12 min 30 s"


def test_an_end_without_a_time_has_happened_now() -> None:
    content = payload("prometheus.resolved")
    del essentials(content)["resolvedDateTime"]
    event = read(content)
    assert event.occurred is None
    assert entry(event).summary == "PumpDown is resolved in pump-metrics"


def test_what_a_search_found_is_a_table_without_ids_and_nulls() -> None:
    lines = shown_lines(read(payload("log.log_analytics")))
    assert "TimeGenerated Station Message" in lines
    assert "23 Nov 2026, 14:01 UTC station-07 stall at 1,420 rpm" in lines
    assert "23 Nov 2026, 13:58 UTC station-07" in lines


def test_routes_can_ask_for_what_the_alert_says() -> None:
    content = payload("metric.fired")
    essentials(content)["alertTargetIDs"] = [essentials(content)["alertTargetIDs"][0].replace("pumps", "Pumps")]
    assert read(content).attributes == {
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
        "tracking_id": "",
        "custom": {"team": "pumps"},
    }
    assert {frozenset(read(payload(name)).attributes) for name in LINES} == {frozenset(read({}).attributes)}
    assert read(payload("service_health.incident")).attributes["tracking_id"] == "PMP0-7A7"


@pytest.mark.parametrize("spelling", ["Activity Log", "ActivityLog"])
def test_the_portal_spells_the_signal_in_two_ways(spelling: str) -> None:
    content = payload("service_health.incident")
    essentials(content)["signalType"] = spelling
    assert read(content).attributes["signal"] == "Activity Log"


def test_custom_properties_are_facts_and_links() -> None:
    event = read(payload("log.measured"))
    assert dict(event.facts)["team"] == "pumps"
    assert 'href="https://runbooks.contoso.example/pressure"' in entry(event).html
    older = payload("metric.fired")
    older["data"]["alertContext"]["properties"] = {"service": "pump control", "odd": {"a": 1}, "none": None}
    assert dict(read(older).facts)["service"] == "pump control"
    assert "odd" not in dict(read(older).facts)


def portal_sample(name: str, **changes: Any) -> Any:
    """As the test of an action group sends it: of old dates, with nulls, `None` and numbers as text."""
    content = payload(name)
    essentials(content).update(
        severity="Sev4", firedDateTime="2025-04-15T17:42:34.824Z", description="Alert rule description"
    )
    essentials(content).update(changes)
    return content


NO_ALERT = dict.fromkeys(("alertRule", "severity", "signalType", "alertTargetIDs", "originAlertId"))
# https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-payload-samples#sample-payloads-for-test-actions
PORTAL = {
    "Activity log alert": portal_sample(
        "administrative.fired",
        alertId="/subscriptions/aaaa0a0a-0000-4000-8000-000000000000/resourceGroups/test-RG/providers/microsoft.insights/activityLogAlerts/Test_Alert",
    ),
    "Availability test alert": portal_sample("availability.fired"),
    "Budget alert": portal_sample("budget.forecast", **NO_ALERT),
    "Cost budget alert": portal_sample("budget.actual", **NO_ALERT),
    "Forecasted budget alert": portal_sample("budget.forecast", **NO_ALERT, description="Thetotalspendforyourbudget"),
    "Log alert V1 - Metric measurement": portal_sample("log.application_insights", monitoringService="Log Analytics"),
    "Log alert V1 - Number of results": portal_sample("log.log_analytics"),
    "Log alert V2": portal_sample("log.fired"),
    "Metric alert - Dynamic threshold": portal_sample("metric.dynamic"),
    "Metric alert - Static threshold": portal_sample("metric.fired"),
    "Resource health alert": portal_sample("resource_health.fired", signalType="ActivityLog"),
    "Service health alert": portal_sample("service_health.resolved", signalType="ActivityLog"),
    "Smart alert": portal_sample("smart_detection.fired", firedDateTime="2021-10-28T19:09:09.1115084Z"),
}


@pytest.mark.parametrize("name", PORTAL)
def test_the_portals_test_makes_a_good_post(name: str) -> None:
    content = copy.deepcopy(PORTAL[name])
    for one in content["data"]["alertContext"].get("condition", {}).get("allOf", []):
        one.update(webTestName=one.get("webTestName") or "None", ignoreDataBefore="None")
    event = read(content)
    made = entry(event)
    assert findings(made.html) == []
    assert event.title not in {"", "Alert"}
    words = " ".join([made.topic, made.summary, *parse(made.html).lines])
    assert not [odd for odd in ("None", "null", "undefined", "{", "T17:42") if odd in words]


def test_nothing_in_an_alert_is_still_a_post() -> None:
    assert entry(read({})).summary == "An alert"
    bare = {"schemaId": "azureMonitorCommonAlertSchema", "data": {"essentials": {}, "alertContext": None}}
    assert entry(read(bare)).summary == "An alert"


def test_a_payload_that_somebody_wrote_for_an_old_rule_is_said_in_its_words() -> None:
    event = read({"text": "Pumps fired with 18 records", "count": 18})
    assert entry(event).summary == "Pumps fired with 18 records"
    assert event.facts == (("Count", "18"),)


@pytest.mark.parametrize(
    ("claims", "caller", "who"),
    [
        ("{}", "rosa@contoso.com", "rosa@contoso.com deleted"),
        (
            '{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": "alex@contoso.com"}',
            "6f1d",
            "alex@contoso.com",
        ),
        ('{"appid": "6f1d"}', "6f1d0000-0000-4000-8000-0000000000d2", "An application deleted"),
        ("{", None, "Somebody deleted"),
        (None, None, "Somebody deleted"),
    ],
)
def test_who_did_it(claims: str | None, caller: str | None, who: str) -> None:
    content = payload("administrative.fired")
    content["data"]["alertContext"].update(claims=claims, caller=caller)
    assert entry(read(content)).summary.startswith(who)


def test_a_restart_of_ones_own_is_no_error() -> None:
    content = payload("resource_health.fired")
    content["data"]["alertContext"]["properties"]["cause"] = "UserInitiated"
    assert read(content).severity is Severity.INFO


def test_a_query_cannot_leave_its_block() -> None:
    assert code("a\n```\n# b") == "````\na\n```\n# b\n````"
    assert code(" ") == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("PT5M", "5 min"),
        ("PT1H30M", "1 h 30 min"),
        ("P1D", "1 d"),
        ("15", "15 min"),
        (1440, "1 d"),
        ("", ""),
        ("P", ""),
        ("x", ""),
        (None, ""),
        (True, ""),
    ],
)
def test_periods(text: Any, words: str) -> None:
    assert period(text) == words


@pytest.mark.parametrize(
    ("value", "name", "parsed", "words"),
    [
        ("$1,111.11", "", 1111.11, "1,111"),
        (78.09, "", 78.09, "78.09"),
        (0.30001, "", 0.30001, "0.3"),
        ("-5", "", -5.0, "-5"),
        (1e-05, "", 1e-05, "1e-05"),
        (97.214, "Percentage CPU", 97.214, "97.21 %"),
        (1610612736, "Available Memory Bytes", 1610612736, "1.5 GiB"),
        (812, "Available Memory Bytes", 812, "812"),
        (5e6, "Bytes/sec", 5e6, "5,000,000"),
        ("many", "", None, "many"),
        (None, "", None, ""),
        (True, "", None, ""),
    ],
)
def test_amounts(value: Any, name: str, parsed: float | None, words: str) -> None:
    assert (number(value), amount(value, name)) == (parsed, words)


@pytest.mark.parametrize("value", [None, "None", "null", "N/A", True, {}, [], '{"a": 1}', '["a"]', "  "])
def test_what_says_nothing_is_not_shown(value: Any) -> None:
    assert shown(value) == ""


@pytest.mark.parametrize(
    ("kind", "noun"),
    [
        ("microsoft.compute/virtualmachines", "virtual machine"),
        ("Microsoft.Compute/virtualMachines", "virtual machine"),
        ("microsoft.storage/storageaccounts", "storage account"),
        ("microsoft.insights/components", "component"),
    ],
)
def test_kinds_of_resources_in_words(kind: str, noun: str) -> None:
    assert resource(f"/subscriptions/0/resourcegroups/pumps/providers/{kind}/a").noun == noun


TENANT, AUDIENCE = "00000000-0000-4000-8000-0000000000a0", "3c1d0d4e-0000-4000-8000-0000000000f9"
SECURED = {
    "BRIDGE_GROUP": "3c1d0d4e-0000-4000-8000-000000000001",
    "BRIDGE_TENANT_ID": TENANT,
    "BRIDGE_AZURE_MONITOR_AUDIENCE": AUDIENCE,
}


def secured(keys: Any) -> Receiver:
    """The receiver of a bridge whose action groups are secured, with keys of our own."""
    bridge = Bridge(Configuration.from_env(SECURED))
    authentication = bridge.configuration.authentications["azure_monitor"]
    assert isinstance(authentication.verifier, EntraToken)
    verifier = replace(authentication.verifier, keys=keys)
    return replace(bridge.receiver, authentications={"azure_monitor": replace(authentication, verifier=verifier)})


def published(url: str, *, fresh: bool = False) -> Mapping[str, jwt.PyJWK]:
    key = jwt.algorithms.RSAAlgorithm.to_jwk(signing_key().public_key(), as_dict=True)
    return read_keys(json.dumps({"keys": [{**key, "kid": "now", "use": "sig"}]}).encode())


def unavailable(url: str, *, fresh: bool = False) -> Mapping[str, jwt.PyJWK]:
    raise Unavailable("The keys cannot be fetched now.")


def token() -> str:
    now = int(time.time())
    claims = {"iss": f"https://sts.windows.net/{TENANT}/", "aud": f"api://{AUDIENCE}", "tid": TENANT, "ver": "1.0"}
    times = {"nbf": now, "exp": now + 3600}
    roles = {"appid": ACTION_GROUPS, "roles": [ACTION_GROUPS_ROLE]}
    return jwt.encode(claims | times | roles, signing_key(), "RS256", {"kid": "now"})


@pytest.mark.parametrize(
    ("headers", "keys", "status"),
    [
        ({"Authorization": f"Bearer {token()}"}, published, 202),
        ({"Authorization": f"Bearer {token()}"}, unavailable, 503),
        ({"Authorization": f"Bearer {token()[:-3]}"}, published, 401),
        ({}, published, 401),
        ({"x-functions-key": "local"}, published, 401),
    ],
    ids=["signed", "without keys", "broken", "bare", "by the function key alone"],
)
def test_a_secured_action_group_is_proved_by_its_token(headers: dict[str, str], keys: Any, status: int) -> None:
    body = json.dumps(payload("metric.fired")).encode()
    receipt = secured(keys).receive("azure_monitor", Webhook(headers, body))
    assert receipt.status == status
    assert bool(receipt.entries) == (status == 202)
    assert token() not in str(receipt.body)


LEVEL = """
import sys, function_app as app
print("jwt" in sys.modules, app._level("azure_monitor").name)
"""


@pytest.mark.parametrize(
    ("env", "found"),
    [({"BRIDGE_GROUP": SECURED["BRIDGE_GROUP"]}, "False FUNCTION"), (SECURED, "True ANONYMOUS")],
    ids=["not secured", "secured"],
)
def test_tokens_take_the_place_of_the_function_key_and_cost_nothing_before(env: dict[str, str], found: str) -> None:
    """Their library and its cryptography would cost every start a seventh of a second."""
    command = [sys.executable, "-c", LEVEL]
    run = subprocess.run(command, cwd=ROOT, env={"PATH": "", **env}, capture_output=True, text=True, check=False)
    assert (run.stdout.strip(), run.stderr) == (found, "")


def walk(content: Any, path: str) -> tuple[Any, str]:
    *parents, last = path.split(".")
    for parent in parents:
        content = content[int(parent) if parent.isdecimal() else parent]
    return content, last


def changed(name: str, path: str, value: Any) -> Event:
    """What becomes of a sample with another value at a path."""
    content = payload(name)
    holder, last = walk(content, path)
    if value is None:
        holder.pop(last, None)
    else:
        holder[last] = value
    return read(content)


ESSENTIALS, CONTEXT = "data.essentials", "data.alertContext"
HEAD = f"{CONTEXT}.condition.allOf.0"


@pytest.mark.parametrize(
    ("name", "path", "line"),
    [
        (
            "metric.fired",
            f"{ESSENTIALS}.monitorCondition",
            "Percentage CPU of controller-7 averaged 97.21 %, above 80 %",
        ),
        ("prometheus.fired", f"{ESSENTIALS}.monitorCondition", "PumpDown is now almost there in pump-metrics"),
        ("other.fired", f"{ESSENTIALS}.monitorCondition", "Health of controllers is now almost there at controller-7"),
        ("older.metric", "data.status", "Percentage CPU of controller-7 averaged 97.21 %, above 80 %"),
        ("administrative.fired", f"{CONTEXT}.status", "alexd@contoso.com asked to delete the virtual machine"),
        ("policy.fired", f"{CONTEXT}.operationName", "Azure Policy: almost there on controller-7"),
        ("autoscale.failed", f"{CONTEXT}.status", "Autoscale of dashboard down: almost there"),
        ("resource_health.fired", f"{CONTEXT}.properties.currentHealthStatus", "controller-7 is now almost there"),
        ("service_health.maintenance", f"{CONTEXT}.properties.stage", "The maintenance of Virtual Machines in North"),
        ("service_health.incident", f"{CONTEXT}.properties.incidentType", "Microsoft reported a notice on Storage"),
    ],
)
def test_a_value_that_is_not_known_is_shown_in_words_and_is_neutral(name: str, path: str, line: str) -> None:
    event = changed(name, path, "AlmostThere")
    made = entry(event)
    assert made.summary.startswith(line)
    neutral = {"administrative.fired": "critical", "policy.fired": "warning", "autoscale.failed": "error"}
    assert event.severity == neutral.get(name, "info")  # those of the activity log have a level of their own
    assert not event.ends_thread
    words = made.topic + " ".join(parse(made.html).lines)
    assert "almost there" in words.lower() or name == "service_health.incident"
    assert findings(made.html) == []


@pytest.mark.parametrize("status", ["Activated", "Deactivated", "activated", "Resolved"])
def test_the_schema_of_2018_is_read_in_either_spelling(status: str) -> None:
    content = payload("older.metric")
    content["data"]["status"] = status

    def capitals(value: Any) -> Any:
        if isinstance(value, dict):
            return {name[:1].upper() + name[1:]: capitals(item) for name, item in value.items()}
        return [capitals(item) for item in value] if isinstance(value, list) else value

    small, large = read(content), read({**content, "data": capitals(content["data"])})
    assert (entry(small).summary, small.kind, small.severity) == (entry(large).summary, large.kind, large.severity)
    assert small.correlation_key == large.correlation_key
    assert small.kind == ("metric.fired" if status.lower() == "activated" else "metric.resolved")


@pytest.mark.parametrize("words", ["resolved", "fired", "critical", "failed", "unavailable"])
def test_names_and_descriptions_decide_nothing(words: str) -> None:
    for path in ("alertRule", "description", "configurationItems"):
        event = changed("metric.fired", f"{ESSENTIALS}.{path}", [words] if path.endswith("s") else words)
        assert (event.kind, event.severity, event.ends_thread) == ("metric.fired", "error", False)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("service_health.incident", f"{CONTEXT}.properties.trackingId"),
        ("budget.actual", f"{CONTEXT}.AlertData.BudgetId"),
        ("metric.fired", f"{ESSENTIALS}.alertTargetIDs"),
        ("metric.fired", f"{ESSENTIALS}.alertRule"),
    ],
)
def test_without_a_part_of_its_key_an_alert_has_still_one_of_its_own(name: str, path: str) -> None:
    keys = set()
    for place in "12":
        content = payload(name)
        holder, last = walk(content, path)
        holder.pop(last, None)
        essentials(content)["alertId"] += place
        essentials(content).update(alertRule=f"rule {place}") if not path.endswith("alertRule") else None
        keys.add(read(content).correlation_key)
    assert "" not in keys
    assert len(keys) == 2 or name == "budget.actual"


def test_who_is_listed_did_nothing() -> None:
    content = payload("administrative.fired")
    for name in ("caller", "claims"):
        content["data"]["alertContext"].pop(name, None)
    content["data"]["alertContext"]["authorization"] = {"role": "Owner", "principals": ["nora@contoso.com"]}
    content["data"]["customProperties"] = {"owner": "nora@contoso.com"}
    assert read(content).actor == ""
    assert entry(read(content)).summary == "Somebody deleted the virtual machine controller-7"


def test_people_and_instructions_of_custom_properties_stand_before_others() -> None:
    content = payload("log.fired")
    criterion(content)["dimensions"] = [{"name": f"dimension {place}", "value": f"{place}"} for place in range(5)]
    content["data"]["customProperties"] = {
        "Tier": "Gold",
        "Runbook": "https://wiki.contoso.example/runbook",
        "Team": "Payments",
        "Escalation": "+49 30 1234",
    }
    event = read(content)
    assert [name for name, _ in event.facts][5:] == ["Team", "Escalation", "Tier", "Resource group"]
    assert event.details["buttons"][0] == ("Open the runbook", "https://wiki.contoso.example/runbook")


def test_a_runbook_in_a_dimension_is_a_button_and_a_path_is_its_last_part() -> None:
    content = payload("log.fired")
    path = "/subscriptions/0c0ffee0-0000-4000-8000-000000000007/resourceGroups/pumps/providers/Microsoft.Web/sites/shop"
    criterion(content)["dimensions"] = [
        {"name": "runbook_url", "value": "https://wiki.contoso.example/runbook"},
        {"name": "target", "value": path},
    ]
    event = read(content)
    assert event.details["buttons"][0] == ("Open the runbook", "https://wiki.contoso.example/runbook")
    assert dict(event.facts)["target"] == "shop"
    assert "runbook_url" not in dict(event.facts)


def test_severity_is_said_in_one_vocabulary() -> None:
    made = entry(read(payload("metric.fired")))
    words = "\n".join(parse(made.html).shown)
    assert words.startswith("Firing · controller-7 ·")
    assert "Sev1" not in words
