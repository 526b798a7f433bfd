"""JSON that nobody described: each kind of payload that people send gives a post that one would want."""

import json
from datetime import UTC, datetime

import pytest

from bridge.entries import Target
from bridge.events import Event, Severity
from bridge.rendering.renderer import Renderer
from bridge.sources import reading
from tests.look import findings, parse

NOW = datetime(2026, 11, 23, 15, 5, tzinfo=UTC)
VM = "/subscriptions/0c0ffee0/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm-1"

GUARDDUTY = {
    "version": "0",
    "id": "cd2d702e-0",
    "detail-type": "GuardDuty Finding",
    "source": "aws.guardduty",
    "account": "123456789012",
    "time": "2026-11-23T14:03:00Z",
    "region": "eu-west-1",
    "resources": [],
    "detail": {
        "schemaVersion": "2.0",
        "type": "CryptoCurrency:EC2/BitcoinTool.B!DNS",
        "resource": {"resourceType": "Instance", "instanceDetails": {"instanceId": "i-0abc"}},
        "service": {"serviceName": "guardduty", "count": 3},
        "severity": 8,
        "title": "EC2 instance i-0abc is querying a domain of a known pool.",
        "description": "It asks for a domain name that is associated with Bitcoin.",
    },
}
EC2 = {
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "time": "2026-11-11T21:29:54Z",
    "region": "us-east-1",
    "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"],
    "detail": {"instance-id": "i-abcd1111", "state": "stopped"},
}
HEALTH = {
    "resourceInfo": {
        "id": f"{VM}/providers/Microsoft.ResourceHealth/availabilityStatuses/354d2f5d-3c57-43d5-9c5f-6d4a2f9a1f00",
        "name": "354d2f5d-3c57-43d5-9c5f-6d4a2f9a1f00",
        "properties": {
            "targetResourceId": VM,
            "targetResourceType": "Microsoft.Compute/virtualMachines",
            "occurredTime": "2026-11-23T13:58:00Z",
            "previousAvailabilityState": "Available",
            "availabilityState": "Unavailable",
        },
    },
    "apiVersion": "2023-12-01",
}
FALCO = {
    "output": "Error File below a known binary directory opened for writing (user=root file=/bin/hack)",
    "priority": "Error",
    "rule": "Write below binary dir",
    "time": "2026-11-23T14:03:56.746609046Z",
    "output_fields": {
        "evt.time": 1795442636746609046,
        "proc.cmdline": "touch /bin/hack",
        "user.name": "root",
        "k8s.ns.name": "billing",
        "k8s.pod.name": "invoice-api-1",
    },
    "tags": ["filesystem", "mitre_persistence"],
    "hostname": "node-1",
}
JIRA = {
    "self": "https://contoso.atlassian.net/rest/api/2/issue/10007",
    "key": "PUMP-7",
    "fields": {
        "summary": "The pump runs dry",
        "issuetype": {"name": "Bug", "id": "1"},
        "project": {"key": "PUMP", "name": "Pump"},
        "priority": {"name": "High"},
        "status": {"name": "In Progress", "statusCategory": {"name": "Done"}},
        "assignee": {"displayName": "Alex Darrow", "active": True},
        "labels": ["bench", "water"],
    },
}
GITLAB = {
    "object_kind": "deploy_token",
    "event_name": "expiring_deploy_token",
    "project": {
        "name": "firmware",
        "web_url": "https://gitlab.contoso.com/pump/firmware",
        "path_with_namespace": "pump/firmware",
        "git_http_url": "https://gitlab.contoso.com/pump/firmware.git",
    },
    "object_attributes": {"id": 79, "name": "registry-reader", "expires_at": "2026-11-30 00:00:00 UTC"},
}
STRANGER = {
    "severity": "critical",
    "message": "Pump 07 runs dry",
    "runbook": "https://wiki.contoso.example/pump-dry",
    "measured": {"pressure": 0.2, "limit": 2},
}
CASES = {
    "GuardDuty in EventBridge": (
        GUARDDUTY,
        {},
        "info",
        "EC2 instance i-0abc is querying a domain of a known pool · eu-west-1",
        "GuardDuty Finding: EC2 instance i-0abc is querying a domain of a known pool: It asks for",
        {"Type": "CryptoCurrency:EC2/BitcoinTool.B!DNS", "Severity": "8", "Service count": "3"},
    ),
    "EC2 state change": (
        EC2,
        {},
        "info",
        "EC2 Instance State-change Notification: i-abcd1111 · us-east-1",
        "EC2 Instance State-change Notification: i-abcd1111 is now stopped",
        {},
    ),
    "resource health": (
        HEALTH,
        {"happened": "Microsoft.ResourceNotifications.HealthResources.AvailabilityStatusChanged"},
        "error",
        "Availability status changed: vm-1",
        "Availability status changed: vm-1 is now unavailable, was available",
        {"Target resource type": "Microsoft.Compute/virtualMachines"},
    ),
    "Falco": (
        FALCO,
        {},
        "error",
        "Write below binary dir: invoice-api-1 · billing",
        "Write below binary dir: invoice-api-1: Error File below a known binary directory opened",
        {"Hostname": "node-1", "User": "root", "Proc cmdline": "touch /bin/hack"},
    ),
    "Jira's issue data": (
        JIRA,
        {},
        "info",
        "PUMP-7 The pump runs dry · Pump",
        "PUMP-7 The pump runs dry: in progress",
        {"Priority": "High", "Assignee": "Alex Darrow", "Labels": "bench, water"},
    ),
    "GitLab's expiring token": (
        GITLAB,
        {},
        "info",
        "Expiring deploy token: registry-reader · pump/firmware",
        "Expiring deploy token: registry-reader",
        {"Expires at": "2026-11-30T00:00:00+00:00"},
    ),
    "a stranger's event": (
        STRANGER,
        {"happened": "com.contoso.pumps.alarm", "about": "pump-07"},
        "critical",
        "Pump 07 runs dry",
        "Alarm: Pump 07 runs dry",
        {},
    ),
    "a message that names nothing": (
        {"msg": "Pressure is low", "level": "warn", "device": "pump-07"},
        {},
        "warning",
        "pump-07: Pressure is low",
        "pump-07: Pressure is low",
        {},
    ),
    "a check that is down": (
        {"name": "water-leak", "status": "down", "message": "No answer"},
        {},
        "error",
        "water-leak",
        "water-leak is now down · No answer",
        {},
    ),
    "a problem that is over": (
        {"title": "CPU saturation", "problemId": "P-26", "state": "RESOLVED", "severity": "critical"},
        {},
        "success",
        "P-26 CPU saturation",
        "P-26 CPU saturation: resolved",
        {},
    ),
    "JSON in a text": (
        {"data": json.dumps({"alert": json.dumps({"title": "Disk full", "host": "db-1", "severity": "P1"})})},
        {},
        "critical",
        "Disk full: db-1",
        "Disk full: db-1",
        {},
    ),
    "a text": ("Backup of db-1 is done", {}, "info", "Backup of db-1 is done", "Backup of db-1 is done", {}),
}


def read(value, **envelope):
    found = reading.read(value, **envelope)
    event = reading.fill(Event("generic", "event", "d", "k", "An event", {}), found)
    return event, Renderer().entry(event, "0" * 32, Target("g"), NOW)


@pytest.mark.parametrize("name", CASES)
def test_what_people_send_is_read(name):
    value, envelope, severity, topic, summary, facts = CASES[name]
    event, entry = read(value, **envelope)
    assert (event.severity, entry.topic) == (severity, topic)
    assert entry.summary.startswith(summary)
    assert facts.items() <= dict(event.facts).items()
    assert findings(entry.html) == []
    shown = "\n".join(parse(entry.html).shown)
    assert "{" not in shown
    assert "schemaVersion" not in shown
    assert "0c0ffee0" not in shown


def test_an_over_problem_ends_its_conversation_and_no_other_state_does():
    assert read({"name": "a", "status": "resolved"})[0].ends_thread
    assert not read({"name": "a", "status": "resolving"})[0].ends_thread
    assert not read({"name": "a", "message": "resolved", "user": {"state": "resolved"}})[0].ends_thread


@pytest.mark.parametrize("word", ["catastrophal", "7", "", "not critical", "error-free"])
def test_a_word_that_is_not_known_is_shown_and_has_no_severity(word):
    event, _ = read({"title": "Pump", "severity": word, "state": "never heard of it"})
    assert event.severity is Severity.INFO
    assert not word or dict(event.facts)["Severity"] == word


@pytest.mark.parametrize("words", ["CRITICAL: failed", "resolved", "down"])
def test_names_and_words_of_people_decide_nothing(words):
    event, _ = read({"title": words, "message": words, "name": words, "host": words, "user": {"status": words}})
    assert (event.severity, event.ends_thread, event.actor) == (Severity.INFO, False, "")


def test_a_missing_state_is_none_and_a_number_is_no_state():
    assert reading.read({"status": 500, "state": None, "result": ""}).state == ""


def test_who_was_asked_assigned_or_merely_named_did_nothing():
    for name in ("user", "assignee", "owner", "reporter", "reviewer", "author"):
        assert reading.read({"title": "Pump", name: {"name": "Nora"}}).actor == ""
    assert reading.read({"title": "Pump", "actor": {"name": "Nora"}}).actor == "Nora"


def test_pages_become_buttons_runbooks_first_and_machines_addresses_do_not():
    found = reading.read(
        {
            "title": "Pump",
            "api_url": "https://api.contoso.example/1",
            "avatar": "https://contoso.example/a.png",
            "html_url": "https://contoso.example/1",
            "dashboard_url": "https://grafana.contoso.example/d/1",
            "links": [{"text": "Runbook", "href": "https://wiki.contoso.example/1"}],
            "results_link": "https://splunk.contoso.example/1",
            "UnsubscribeURL": "https://contoso.example/unsubscribe",
            "callback": "javascript:alert(1)",
        }
    )
    assert found.url == "https://contoso.example/1"
    assert found.buttons == (
        ("Open the runbook", "https://wiki.contoso.example/1"),
        ("Open the dashboard", "https://grafana.contoso.example/d/1"),
        ("Open the results", "https://splunk.contoso.example/1"),
    )


def test_facts_stand_in_the_order_in_which_a_reader_needs_them_without_ids_and_secrets():
    found = reading.read(
        {
            "id": "7bf73129-1428-4cd3-a780-95db273d1602",
            "schemaVersion": "2.0",
            "api_token": "xyzzy",
            "password": "xyzzy",
            "recommendation": "Refill the tank",
            "team": "water",
            "since": "2026-11-23T13:58:00Z",
            "colour of the tank": "blue",
            "flow": 12,
            "zone": "West",
            "category": "Level",
            "title": "Level low",
        }
    )
    assert [name for name, _ in found.facts] == [
        "Category",
        "Zone",
        "Flow",
        "Colour of the tank",
        "Since",
        "Team",
        "Recommendation",
    ]


@pytest.mark.parametrize(
    ("value", "meters"),
    [
        (STRANGER, ((0.2, 2.0, "Measured pressure 0.2, limit 2"),)),
        ({"value": 97, "threshold": 80, "count": 3}, ((97.0, 80.0, "Value 97, threshold 80"),)),
        ({"a": 1, "b": 2, "limit": 3}, ()),
        ({"a": -1, "limit": 3}, ()),
        ({"a": {"limit": 3}, "b": 2}, ()),
        ({"limit": "3", "b": 2}, ()),
        ({"limit": True, "b": 2}, ()),
    ],
)
def test_a_value_beside_its_limit_is_a_bar(value, meters):
    found = reading.read(value)
    assert found.meters == meters
    assert not meters or "limit" not in str(found.facts).lower()


def test_what_there_is_no_room_for_is_named():
    _, entry = read({"title": "Pump", **{f"fact {place}": f"value {place}" for place in range(9)}})
    assert "and 2 more Fact 7, Fact 8" in parse(entry.html).shown


def test_the_key_of_a_story_is_the_senders_or_what_it_is_about():
    assert reading.read({"title": "Pump", "fingerprint": "abc"}).key == "abc"
    assert reading.read({"title": "Pump", "host": "a"}).key != reading.read({"title": "Pump", "host": "b"}).key
    assert reading.read({"event": "created", "message": "x"}).key == ""


@pytest.mark.parametrize(
    "value",
    [None, 7, True, [], {}, "", [{}], [[[]]], {"": ""}, {"a": {"": [None, {}]}}, {"title": {"name": ["x"]}}, "{"],
)
def test_anything_is_read(value):
    event, entry = read(value)
    assert event.title == "An event"
    assert findings(entry.html) == []


def test_a_huge_and_deep_payload_is_bounded():
    deep = {"title": "Deep"}
    for _ in range(100):
        deep = {"inner": deep, "list": [deep] * 2}
    wide = {f"name {place}": "x" * 1000 + str(place) for place in range(10_000)}
    assert reading.read(deep).title == ""
    assert len(reading.read(wide).facts) <= 300
    assert len(reading.read({"message": "x" * 10_000_000}).message) <= 20_000
