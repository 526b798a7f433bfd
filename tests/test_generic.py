"""Sources without code: the form of BRIDGE_CONFIG and of the presets."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.entries import Target
from bridge.errors import BadWebhook, SettingsError
from bridge.events import Event, Severity, Webhook
from bridge.rendering.renderer import Renderer
from bridge.settings import Settings
from bridge.sources import SOURCES, generic
from bridge.sources.base import Ignored, Source
from bridge.sources.form import check_expressions, parse
from bridge.sources.known_names import names_of
from tests.local_stack import ROOT

GROUP = "3c1d0d4e-0000-4000-8000-000000000001"
LIFT = """
[sources.lift]
title = "Lift control"
verifier = { kind = "hmac", header = "X-Lift-Signature", prefix = "sha256=" }
headers = { X-Lift-Event = "{event}", X-Lift-Delivery = "{delivery}" }
[sources.lift.event]
each = "payload.faults"
ignore = "'a test' if item.test else ''"
delivery = "header('X-Lift-Delivery') ~ item.id"
kind = "header('X-Lift-Event') ~ '.' ~ item.state"
correlation_key = "item.id"
title = "item.what"
summary = "'Lift ' ~ item.id ~ ' ' ~ item.state"
scope = "payload.building"
actor = "item.by.name"
url = "item.link"
severity = "item.level"
text = "item.note"
occurred = "item.at"
ends_thread = "item.state == 'gone'"
[sources.lift.facts]
Floor = "item.floor"
Since = "item.since|time"
Doors = "item.doors"
[sources.lift.attributes]
floor = "item.floor"
[sources.lift.severities]
stuck = "critical"
"""
STUCK = {
    "building": "Harbour 7",
    "faults": [
        {
            "id": "L2",
            "what": "Lift 2 is stuck",
            "state": "Begun",
            "by": {"name": "mona"},
            "link": "https://lifts.example/2",
            "level": "Stuck",
            "note": "Between **3** and 4",
            "at": 1795442580000,
            "since": "2026-11-23T14:00:00Z",
            "floor": 3,
            "doors": ["left", "right", None],
        },
        {"test": True},
    ],
}


def declared(config: str) -> Mapping[str, Source]:
    return Configuration.of(Settings(GROUP, config)).sources


def lift() -> Source:
    return declared(LIFT)["lift"]


def webhook(payload: object, source: Source, event: str = "fault") -> Webhook:
    return Webhook(source.headers(event, "d1"), json.dumps(payload).encode())


def test_a_form_says_everything_of_an_event() -> None:
    events = lift().read(webhook(STUCK, lift()))
    assert events == [
        Event(
            source="lift",
            kind="fault.begun",
            delivery="d1L2",
            correlation_key="L2",
            title="Lift 2 is stuck",
            summary="Lift L2 Begun",
            payload={**STUCK["faults"][0], "doors": ["left", "right"]},
            severity=Severity.CRITICAL,
            scope="Harbour 7",
            actor="mona",
            url="https://lifts.example/2",
            occurred=datetime(2026, 11, 23, 14, 3, tzinfo=UTC),
            text="Between **3** and 4",
            facts=(("Floor", "3"), ("Since", "2026-11-23T14:00:00+00:00"), ("Doors", "left, right")),
            attributes={"floor": 3},
            details={"phase": "firing"},
            dedup_key=hashlib.sha256(json.dumps(STUCK).encode()).hexdigest(),
        )
    ]


def test_former_names_of_keys_are_read_like_todays() -> None:
    former = {"verifier": "proof", "ignore": "drop", "correlation_key": "thread", "ends_thread": "ends"}
    text = LIFT
    for name, old in former.items():
        text = text.replace(f"\n{name} = ", f"\n{old} = ")
    source = declared(text)["lift"]
    assert source.verifier == lift().verifier
    assert source.read(webhook(STUCK, source)) == lift().read(webhook(STUCK, lift()))
    (event,) = source.read(webhook({"faults": [{"id": "L2", "state": "gone"}]}, source))
    assert (event.correlation_key, event.ends_thread) == ("L2", True)


def test_what_ends_ends_the_thread() -> None:
    (event,) = lift().read(webhook({"faults": [{"id": "L2", "state": "gone"}]}, lift()))
    assert event.ends_thread


def test_what_is_dropped_is_acknowledged_with_its_reason() -> None:
    assert lift().read(webhook({"faults": [{"test": True}]}, lift())) == Ignored("a test")
    assert lift().read(webhook({"faults": []}, lift())) == Ignored("The webhook holds no event.")


@pytest.mark.parametrize(
    "payload", [{}, [], {"faults": [None, 7, "x", [], {"by": 7, "at": [], "level": {}}]}, {"faults": 7}, "x", 7, None]
)
def test_odd_payloads_make_plainer_events(payload: object) -> None:
    events = lift().read(webhook(payload, lift()))
    assert isinstance(events, Ignored) or all(
        event.title and event.correlation_key and event.delivery for event in events
    )


PRESET_FILES = sorted(Path(generic.__file__).parent.glob("*/preset.toml"))
OF_ANY_BODY = [
    *(SOURCES[path.parent.name] for path in PRESET_FILES if 'body = "any"' in path.read_text()),
    declared("[sources.pump]")["pump"],
    declared("[sources.lift]\n[sources.lift.event]\ntitle = 'item.what'\nends = 'true'")["lift"],
]


@pytest.mark.parametrize("source", OF_ANY_BODY, ids=lambda source: source.name)
def test_a_missing_quote_costs_no_alert_and_claims_no_state(source: Source) -> None:
    body = b'{"state": "CLOSED", "status": "OK", "text": "the "big" pump"}'
    (event,) = source.read(Webhook({}, body))
    assert event.payload == {"body": body.decode()}
    assert event.title == f"{source.title} sent a body that is not JSON"
    assert (event.severity, event.ends_thread) == ("info", False)
    entry = Renderer().entry(event, "0" * 32, Target("g"), datetime.now(UTC))
    assert (
        "the &#34;big&#34; pump" in entry.html
        or "the &quot;big&quot; pump" in entry.html
        or 'the "big" pump' in entry.html
    )
    assert not {"OPEN", "CLOSED", "FIRING", "RESOLVED"} & set(re.findall(r">([A-Z ]+)<", entry.html))


def test_what_a_form_does_not_read_is_read_by_the_names_of_its_payload() -> None:
    table = """
[sources.pump.event]
reads = "item.pump"
title = "'Pump ' ~ item.pump"
ends_thread = "true"
[sources.pump.attributes]
pump = "item.pump or ''"
"""
    source = declared(table)["pump"]
    (known,) = source.read(webhook({"pump": 3, "title": "never read"}, source))
    assert (known.title, known.ends_thread, known.attributes) == ("Pump 3", True, {"pump": 3})
    (other,) = source.read(webhook({"title": "The valve is stuck", "severity": "critical", "valve": "V7"}, source))
    assert (other.title, other.severity, other.ends_thread) == ("The valve is stuck", "critical", False)
    assert other.facts == (("Valve", "V7"),)
    assert other.attributes == {"pump": ""}
    assert [event.title for event in source.read(webhook({"pump": "4"}, source))] == ["Pump 4"]


def test_a_source_without_expressions_is_read_by_the_names_of_its_payload() -> None:
    body = {
        "alert": {
            "title": "The pump runs dry",
            "severity": "critical",
            "host": "station-07",
            "runbook": "https://w.example/7",
        }
    }
    (event,) = declared("[sources.pump]")["pump"].read(Webhook({}, json.dumps(body).encode()))
    assert (event.severity, "The pump runs dry" in event.title) == ("critical", True)
    assert "https://w.example/7" in str(event.details)


def test_a_body_that_must_be_json_is_refused_when_it_is_not() -> None:
    with pytest.raises(BadWebhook):
        declared("[sources.pump]\nbody = 'json'")["pump"].read(Webhook({}, b"pump"))


def test_a_form_is_read_as_its_fields() -> None:
    source = declared("[sources.pump]\n[sources.pump.event]\ntitle = 'item.what'")["pump"]
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    (event,) = source.read(Webhook(headers, b"what=The+pump&why="))
    assert (event.title, event.payload) == ("The pump", {"what": "The pump", "why": ""})


FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("headers", "body", "title", "severity"),
    [
        (FORM_TYPE, b"title=The+pump+runs+dry&severity=critical", "The pump runs dry", "critical"),
        (FORM_TYPE, b'{"title": "The pump runs dry", "severity": "error"}', "The pump runs dry", "error"),  # curl -d
        (FORM_TYPE, b"payload=%7B%22title%22%3A+%22The+pump+runs+dry%22%7D", "The pump runs dry", "info"),
        ({"Content-Type": "text/plain"}, b"The pump runs dry\nfor an hour", "The pump runs dry", "info"),
        ({"Content-Type": "text/plain"}, b'{"title": "The pump runs dry"}', "The pump runs dry", "info"),
        ({}, b'"The pump runs dry"', "The pump runs dry", "info"),
        ({}, b'["The pump runs dry"]', "The pump runs dry", "info"),
        ({}, b'{"alerts": [{"title": "The pump runs dry"}]}', "The pump runs dry", "info"),
    ],
)
def test_a_source_with_a_title_alone_takes_any_body(headers, body, title, severity) -> None:
    (event,) = declared("[sources.pump]\ntitle = 'Pump house'")["pump"].read(Webhook(headers, body))
    assert (event.title, event.severity) == (title, severity)


def test_a_text_of_several_lines_is_shown_as_it_came() -> None:
    body = b"Backup of db-1 failed\n* step 3\n  exit code 2 # now"
    (event,) = declared("[sources.pump]")["pump"].read(Webhook({"Content-Type": "text/plain"}, body))
    html = Renderer().entry(event, "0" * 32, Target("g"), datetime.now(UTC)).html
    assert event.title == "Backup of db-1 failed"
    assert "* step 3" in html
    assert "  exit code 2 # now" in html.replace("&nbsp;", " ")
    assert (event.severity, event.ends_thread) == ("info", False)


def test_texts_about_different_matters_are_different_threads() -> None:
    source = declared("[sources.pump]")["pump"]
    keys = [source.read(Webhook({}, body))[0].correlation_key for body in (b"Pump 7 is dry", b"Backup failed", b"7")]
    assert len(set(keys)) == 3


@pytest.mark.parametrize("holder", ["alarm", "alert", "incident", "problem", "issue"])
def test_the_beginning_and_the_end_of_what_has_an_id_are_one_thread(holder: str) -> None:
    source = declared("[sources.pump]")["pump"]
    bodies = [
        {"event": f"{holder}.{word}", holder: {"id": 2231, "name": "Level low", "status": word}}
        for word in ("raised", "cleared")
    ]
    events = [source.read(Webhook({}, json.dumps(body).encode()))[0] for body in bodies]
    assert [event.correlation_key for event in events] == [f"{holder} 2231"] * 2
    assert [event.ends_thread for event in events] == [False, True]
    assert not any("2231" in text for event in events for _, text in event.facts)


def test_a_form_with_too_many_fields_is_refused() -> None:
    with pytest.raises(BadWebhook, match="too many fields"):
        declared("[sources.pump]")["pump"].read(Webhook(FORM_TYPE, b"a=1&" * 1001))


def test_expressions_that_fail_cost_only_what_they_say(caplog: pytest.LogCaptureFixture) -> None:
    source = declared("[sources.pump]\n[sources.pump.event]\ntitle = 'item.what'\nscope = '1 / 0'")["pump"]
    (event,) = source.read(Webhook({}, b'{"what": "The pump"}'))
    assert (event.title, event.scope) == ("The pump", "")
    assert "`scope` of the source pump cannot be evaluated: ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("text", ["payload.__class__", "header.__globals__", "''.__class__.__mro__", "header.__func__"])
def test_expressions_reach_no_python(text: str) -> None:
    source = declared(f'[sources.pump]\n[sources.pump.event]\ntitle = "{text}"')["pump"]
    (event,) = source.read(Webhook({}, b"{}"))
    assert event.title == "pump: event"


def test_a_source_that_was_declared_before_an_update_brought_one_of_its_name_stays_as_it_was() -> None:
    """Of a preset; the sources with code have had their names all along, and are no one else's."""
    form = "[sources.flux.event]\nkind = 'item.reason'\ntitle = 'item.object.name'\nsummary = 'item.said'"
    bridge = Bridge(Configuration.of(Settings(GROUP, f"[sources.flux]\ntitle = 'Our Flux'\n{form}")))
    source = bridge.configuration.sources["flux"]
    (event,) = source.read(webhook({"reason": "Late", "object": {"name": "pump"}, "said": "It is late"}, source))
    assert (source.title, source.path, event.kind, event.title) == ("Our Flux", "generic/flux", "late", "pump")
    assert bridge.renderer.chosen(event) == "event.html"
    assert (
        "It is late" in bridge.renderer.entry(event, "0" * 32, Target(GROUP), datetime(2026, 11, 23, tzinfo=UTC)).html
    )
    assert names_of(source).kinds == frozenset()


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("[sources.github]", "github is one of the bridge's own"),
        ("[sources.Pump]", "lower-case letters"),
        ("[sources]\npump = 7", "the source pump must be a table"),
        ("sources = 7", "[sources] must be a table"),
        ("[sources.pump]\nevents = {}", "unknown key 'events'"),
        ("[sources.pump]\nbody = 'xml'", "`body` must be one of json, form, any, cloudevents"),
        ("[sources.pump.event]\nname = 'x'", "`event` has an unknown key 'name'"),
        ("[sources.pump.event]\ntitle = 7", "`event` must be a table of names and expressions"),
        ("[sources.pump.event]\ntitle = 'item.'", "`title` is not an expression"),
        ("[sources.pump.event]\ntitle = 'body.x'", "`title` has an unknown name 'body'"),
        ("[sources.pump.event]\neach = 'item.x'", "`each` has an unknown name 'item'"),
        ("[sources.pump.meter]\nvalue = '1'", "`meter` needs `value` and `limit`"),
        (
            "[sources.pump.meter]\nvalue = '1'\nlimit = '2'\ndirection = 'below'",
            "`direction` has an unknown name 'below'",
        ),
        ("[sources.pump.meter]\nmost = '1'", "`meter` has an unknown key 'most'"),
        ("[sources.pump.table]\nDisk = 'row.name'", "`table` needs `each`"),
        ("[sources.pump.table]\neach = 'row.disks'\nDisk = 'row.name'", "`table`: `each` has an unknown name 'row'"),
        ("[sources.pump.images]\nChart = 7", "`images` must be a table of names and expressions"),
        ("[sources.pump.words]\ndry = 7", "`words` must be a table of names and texts"),
        ("[sources.pump.event]\nword = 'state'", "`word` has an unknown name 'state'"),
        ("[sources.pump]\nextends = 'nobody'", "`extends` must be one of the bridge's own sources: alertmanager"),
        (
            "[sources.pump]\nextends = 'github'\nbody = 'json'",
            "`body` cannot be changed: GitHub reads its bodies itself",
        ),
        ("[sources.pump]\nextends = 'github'\n[sources.pump.event]\neach = 'payload.x'", "`each` cannot be changed"),
        (
            "[sources.pump]\nextends = 'updown'\n[sources.pump.event]\ntitle = 'names'",
            "`title` has an unknown name 'names'",
        ),
        (
            "[sources.pump]\nextends = 'updown'\n[sources.pump.let]\ncheck = 'event.x'",
            "`check` has an unknown name 'event'",
        ),
        ("[sources.pump.event]\ntitle = 'event.title'", "`title` has an unknown name 'event'"),
        ("[sources.pump.severities]\nbad = 'worse'", "`severities` has 'worse', which is not one of success, info"),
        ("[sources.pump]\nverifier = 'hmac'", "`verifier` needs a `kind`"),
        (
            "[sources.pump]\nverifier = { kind = {} }\n[sources.pump.event]\ndelivery = 'item.id'",
            "`verifier` needs a `kind`",
        ),
        ("[sources.pump]\nverifier = { kind = 'hmac' }", "`verifier` needs the name of its header"),
        ("[sources.pump]\nverifier = { kind = 'token', header = 'X', colour = 'red' }", "unknown key 'colour'"),
        ("[sources.pump.event]\nthread = '1'\ncorrelation_key = '1'", "`correlation_key` and its former name `thread`"),
    ],
)
def test_what_is_wrong_with_a_form_is_said(table: str, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Configuration.of(Settings(GROUP, table))
    assert problem in str(caught.value)


def test_a_declared_source_is_proved_and_read_like_any_other() -> None:
    bridge = Bridge(Configuration.of(Settings(GROUP, LIFT, secrets={"lift": ("hush, says the lift",)})))
    source = bridge.configuration.sources["lift"]
    assert (source.path, source.secret_setting) == ("generic/lift", "BRIDGE_LIFT_SECRET")
    body = json.dumps(STUCK).encode()
    headers = source.headers("fault", "d1")
    assert bridge.receiver.receive("lift", Webhook(headers, body)).status == 401
    receipt = bridge.receiver.receive(
        "lift", Webhook({**headers, **source.verifier.sign(body, "hush, says the lift")}, body)
    )
    assert [entry.topic for entry in receipt.entries] == ["Lift 2 is stuck · Harbour 7"]
    assert "Lift control" in receipt.entries[0].html


def test_the_form_of_the_docs_works() -> None:
    (text,) = re.findall(r"```toml\n(\[sources.lift\].*?)```", (ROOT / "docs/own-service.md").read_text(), re.DOTALL)
    source = declared(text)["lift"]
    fault = {"number": 7, "lift": "L2", "state": "stuck", "level": "stuck", "at": 1795442580, "floor": 3}
    more = {"load": 640, "load_limit": 630, "doors": [{"name": "left", "state": "open"}], "since": 1795442400}
    (event,) = source.read(webhook({"building": "Harbour 7", "faults": [fault | more, {"test": True}]}, source))
    assert (event.kind, event.correlation_key, event.severity) == ("fault.stuck", "L2", "critical")
    assert (event.summary, event.facts) == ("Lift L2 is stuck", (("Floor", "3"),))
    html = Renderer().entry(event, "0" * 32, Target("g"), datetime.now(UTC)).html
    assert all(text in html for text in ("Stuck between floors", "Load 640 kg, maximum 630 kg", ">left<", ">open<"))
    (event,) = source.read(webhook({"faults": [{**fault, "since": 1795442400, "state": "free"}]}, source))
    assert event.details["took"] == "3 min"


@pytest.mark.parametrize("path", ["docs/own-service.md", "config.example.toml"])
def test_the_extending_source_of_the_docs_works(path: str) -> None:
    tables = re.findall(
        r"^\[sources\.shop_checks.*?(?=^\[(?!sources\.shop)|^```|\Z)",
        (ROOT / path).read_text(),
        re.MULTILINE | re.DOTALL,
    )
    source = declared("\n".join(tables))["shop_checks"]
    (event,) = source.read(Webhook({}, (source.samples / "check.down.json").read_bytes()))
    assert (event.severity, event.details["word"]) == ("critical", "not reachable")
    assert event.details["buttons"][0][1].startswith("https://wiki.contoso.com/shop/")


@pytest.mark.parametrize("path", PRESET_FILES, ids=lambda path: path.parent.name)
def test_the_expressions_of_the_presets_are_right(path: Path) -> None:
    table = generic.preset_table(path.parent.name)
    form, _ = parse(path.parent.name, table)
    check_expressions(form, table)
    table.problems.raise_any()


def sample(source: Source, name: str) -> Event:
    body = (source.samples / f"{name}.json").read_bytes()
    (event,) = source.read(Webhook(source.headers(name.partition(".")[0], name), body))
    return event


def post(source: str, name: str) -> str:
    event = sample(SOURCES[source], name)
    return Renderer().entry(event, "0" * 32, Target("g"), datetime.now(UTC)).html


@pytest.mark.parametrize(
    ("source", "begin", "end"),
    [
        ("datadog", "monitor.triggered", "monitor.recovered"),
        ("dynatrace", "problem.open", "problem.resolved"),
        ("freshstatus", "incident.open", "incident.note_create"),
        ("gcp_monitoring", "incident.open", "incident.closed"),
        ("new_relic", "issue.activated", "issue.closed"),
        ("opsgenie", "Create", "Close"),
        ("pagerduty", "incident.triggered", "incident.resolved"),
        ("pingdom", "check.down", "check.up"),
        ("sentry", "issue.created", "issue.resolved"),
        ("statuspage", "incident.investigating", "incident.resolved"),
        ("updown", "check.down", "check.up"),
        ("uptimerobot", "monitor.down", "monitor.up"),
        ("zabbix", "trigger.problem", "trigger.resolved"),
        ("uptime_kuma", "monitor.down", "monitor.up"),
        ("argo_cd", "application.sync_failed", "application.synced"),
        ("flux", "object.failed", "object.reconciled"),
        ("healthchecks", "check.down", "check.up"),
        ("better_stack", "incident.started", "incident.resolved"),
        ("terraform_cloud", "run.needs_attention", "run.completed"),
        ("jira_service_management", "Create", "Close"),
        ("elastic", "rule.firing", "rule.recovered"),
        ("incident_io", "incident.created", "incident.closed"),
        ("rootly", "incident.created", "incident.resolved"),
        ("octopus_deploy", "deployment.intervention", "deployment.succeeded"),
        ("home_assistant", "entity.low", "entity.fine"),
        ("apprise", "message.failure", "message.success"),
        ("checkmk", "notification.critical", "notification.ok"),
        ("prtg", "sensor.down", "sensor.up"),
        ("netdata", "alert.critical", "alert.clear"),
    ],
)
def test_what_begins_and_ends_is_one_thread(source: str, begin: str, end: str) -> None:
    first, last = sample(SOURCES[source], begin), sample(SOURCES[source], end)
    assert first.correlation_key == last.thread
    assert (first.ends_thread, last.ends_thread) == (False, True)
    assert first.delivery != last.delivery
    assert first.severity >= "warning"
    assert last.severity == "success"


@pytest.mark.parametrize(
    ("source", "begin", "end", "lasted"),
    [
        ("opsgenie", "Create", "Close", "10 min"),
        ("pagerduty", "incident.triggered", "incident.resolved", "27 min"),
        ("statuspage", "incident.investigating", "incident.resolved", "37 min"),
        ("zabbix", "trigger.problem", "trigger.resolved", "10m"),
        ("better_stack", "incident.started", "incident.resolved", "28 min 40 s"),
        ("incident_io", "incident.created", "incident.closed", "45 min"),
        ("jira_service_management", "Create", "Close", "21 min"),
        ("rootly", "incident.created", "incident.resolved", "48 min"),
    ],
)
def test_what_is_over_says_how_long_it_was_open(source: str, begin: str, end: str, lasted: str) -> None:
    first, last = post(source, begin), post(source, end)
    assert lasted in last
    assert lasted not in first


@pytest.mark.parametrize(
    ("source", "name", "word"),
    [
        ("linear", "Issue.create", "Created"),
        ("opsgenie", "Acknowledge", "Acknowledged"),
        ("docker_hub", "push", "Pushed"),
        ("sentry", "issue.resolved", "Resolved"),
    ],
)
def test_the_word_at_the_top_says_what_was_done(source: str, name: str, word: str) -> None:
    assert f">{word}<" in post(source, name)


# Their webhooks, or some of them, say no time.
WITHOUT_TIME = {"apprise", "dynatrace", "gotify", "netdata", "ntfy", "prtg", "uptime_kuma"}
PRESETS = [SOURCES[path.parent.name] for path in PRESET_FILES]


@pytest.mark.parametrize("source", PRESETS, ids=lambda source: source.name)
def test_the_samples_of_a_preset_are_told_in_full(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    for path in sorted(source.samples.glob("*.json")):
        answer = source.read(Webhook(source.headers(path.stem, path.stem), path.read_bytes()))
        for event in [] if isinstance(answer, Ignored) else answer:
            assert Renderer().entry(event, "0" * 32, Target("g"), datetime.now(UTC)).summary
            assert event.facts or event.text or event.details.get("meter")
            assert event.occurred or source.name in WITHOUT_TIME
    assert caplog.text == ""


def test_a_source_may_say_how_long_its_service_tries_again():
    def window(line):
        return Configuration.of(Settings(GROUP, f"[sources.pump]\n{line}")).sources["pump"].retry_window

    assert (window(""), window("retry_minutes = 90"), window("retry_minutes = 0.5")) == (900, 5400, 30)
    for wrong in ("'90'", "-1", "true", "50000"):
        with pytest.raises(SettingsError, match="retry_minutes"):
            window(f"retry_minutes = {wrong}")
