"""The form of a source without code: named values, tables of words, ids of several parts, values for templates."""

import json
import tomllib
from datetime import UTC, datetime

import pytest

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.entries import Target
from bridge.errors import SettingsError
from bridge.events import Event, Webhook
from bridge.rendering.renderer import Renderer
from bridge.settings import Settings
from bridge.settings.toml_tables import Problems, Table
from bridge.sources import SOURCES, generic
from bridge.sources.base import Ignored
from bridge.sources.form import check_expressions, parse
from tests.look import parse as parse_card
from tools.samples import webhook

GROUP = "3c1d0d4e-0000-4000-8000-000000000001"

FORM = """
title = "Lift control"

[let]
lift = "item.lift or {}"
where = "lift.name or 'a lift'"

[tables.actions]
STUCK = "firing"
FREE = "resolved"

[event]
kind = "item.state"
delivery = ["item.id", "item.state"]
correlation_key = ["lift.building", "lift.name"]
title = "where"

[details]
action = "actions[item.state] or item.state"
noun = "'lift'"

[buttons]
"Open the lift" = "lift.page"
"Open the camera" = "lift.camera"
"""


def table(form: str) -> Table:
    return Table("test", tomllib.loads(form), Problems())


def read(item: object, form: str = FORM) -> Event:
    (event,) = generic.source(*parse("lift", table(form))).read(Webhook({}, json.dumps(item).encode()))
    return event


def test_values_and_tables_are_used_by_their_names():
    lift = {"name": "L2", "building": "7", "page": "https://lifts.example/2"}
    event = read({"id": 5, "state": "STUCK", "lift": lift})
    assert (event.title, event.correlation_key, event.delivery) == ("L2", "7 L2", "5 STUCK")
    assert event.details == {
        "action": "firing",
        "noun": "lift",
        "buttons": [("Open the lift", "https://lifts.example/2")],
    }


@pytest.mark.parametrize("missing", ["id", "state"])
def test_an_id_with_a_part_missing_is_no_id(missing):
    item = {"id": 5, "state": "STUCK"}
    item.pop(missing)
    assert len(read(item).delivery) == 64  # the hash of the body


@pytest.mark.parametrize("lift", [{"name": "L2"}, {"building": "7"}])
def test_a_correlation_key_with_a_part_missing_joins_nothing(lift):
    one, other = (read({"state": "FREE", "lift": lift, "floor": floor}) for floor in (3, 4))
    assert one.title == other.title
    assert one.correlation_key != other.correlation_key


def test_an_expression_sees_only_the_values_before_it():
    wrong = table(FORM.replace("item.lift or {}", "where"))
    form, _ = parse("lift", wrong)
    check_expressions(form, wrong)
    with pytest.raises(SettingsError, match="test: `let`: `lift` has an unknown name 'where'"):
        wrong.problems.raise_any()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("[tables.actions]", "[tables]\nactions = 'x'\n[tables.b]", "`actions` must be a table of names and texts"),
        ('["item.id", "item.state"]', '["item.id", 5]', "`event` must be a table of names and expressions"),
    ],
)
def test_what_is_wrong_with_it_is_said(old, new, problem):
    wrong = table(FORM.replace(old, new))
    parse("lift", wrong)
    with pytest.raises(SettingsError, match=problem):
        wrong.problems.raise_any()


def test_former_names_are_still_read():
    old = FORM.replace("correlation_key =", "thread =")
    lift = {"name": "L2", "building": "7"}
    assert read({"state": "FREE", "lift": lift}, old) == read({"state": "FREE", "lift": lift})
    today, former = table(FORM), table(old)
    for each in (today, former):
        parse("lift", each)
    assert today.problems.deprecated == []
    (text,) = former.problems.deprecated
    assert "`thread` is called `correlation_key` today" in text


@pytest.mark.parametrize(
    ("delivery", "verifier", "is_signed"),
    [
        ('"item.id"', "", True),
        ("\"header('X-Id')\"", "", False),
        ("\"query['id']\"", "", False),
        ("\"header('X-Id')\"", 'verifier = { kind = "hmac", header = "X-S", signed = "{x-id}.{body}" }', True),
        ("\"header('X-Other')\"", 'verifier = { kind = "hmac", header = "X-S", signed = "{x-id}.{body}" }', False),
    ],
)
def test_a_delivery_id_that_is_not_signed_decides_no_identity(delivery, verifier, is_signed):
    form = FORM.replace('["item.id", "item.state"]', delivery).replace("[let]", f"{verifier}\n[let]", 1)
    source = generic.source(*parse("lift", table(form)))
    first, replayed = (
        source.read(Webhook({"X-Id": value, "X-Other": value}, b'{"id": 5}', query={"id": value}))[0]
        for value in ("1", "2")
    )
    assert (first.dedup_key == "") == is_signed
    assert is_signed or first.dedup_key == replayed.dedup_key


GROWN = """
title = "Tank watch"
[event]
title = "item.tank"
word = "item.state"
minor = "item.state == 'touched'"
started = "item.since"
occurred = "item.at"
ends_thread = "item.state == 'full'"
[words]
low = "running dry"
[meter]
label = "'Level'"
value = "item.level"
limit = "item.wanted"
unit = "'%'"
direction = "'below'"
[table]
each = "item.pumps"
Pump = "row.name"
Flow = "row.flow ~ ' l/s'"
[images]
"The tank" = "item.picture"
"""
TANK = {
    "tank": "Tank 4", "state": "Low", "since": "2026-11-23T14:00:00Z", "at": "2026-11-23T14:30:00Z",
    "level": "12.5", "wanted": 20, "picture": "https://tanks.example/4.png",
    "pumps": [{"name": f"P{number}", "flow": number} for number in range(1, 13)],
}  # fmt: skip


def card(event):
    return Renderer().entry(event, "0" * 32, Target("g"), datetime(2026, 11, 23, 15, 5, tzinfo=UTC)).html


def test_a_form_says_state_meter_table_and_images():
    event = read(TANK, GROWN)
    shown = parse_card(card(event)).shown
    assert "Running dry" in " ".join(shown)
    assert "Level 12.5 %, minimum 20 %" in shown
    assert [text for text in shown if text.startswith(("P1", "and 2"))] == ["P1 1 l/s", "P10 10 l/s", "and 2 more rows"]
    assert '<a href="https://tanks.example/4.png"' in card(event)
    assert "<img" not in card(event)
    assert "It lasted" not in card(event)


def test_what_has_ended_says_how_long_it_lasted():
    assert "It lasted 30 min." in card(read({**TANK, "state": "full"}, GROWN))
    without_start = {key: value for key, value in TANK.items() if key != "since"}
    assert "It lasted" not in card(read({**without_start, "state": "full"}, GROWN))


def test_the_thread_learns_when_it_began_and_ended_where_no_payload_says_so():
    started = GROWN.replace('started = "item.since"\n', "").replace("[words]", 'severity = "item.grade"\n[words]', 1)
    states = [("Low", "error"), ("Low", "info"), ("full", "info")]
    events = [read({**TANK, "state": state, "grade": grade}, started) for state, grade in states]
    assert [event.details.get("phase") for event in events] == ["firing", None, "over"]
    assert "took" not in events[2].details


def test_a_minor_event_is_marked():
    assert [read({**TANK, "state": state}, GROWN).details.get("minor") for state in ("touched", "Low")] == [True, None]


@pytest.mark.parametrize(
    ("value", "limit", "direction", "text"),
    [
        (93, 80, "'above'", "93 %, maximum 80 %"),
        (93, 80, "item.nothing", "93 %, limit 80 %"),
        ("93.25", "80", "'below'", "93.25 %, minimum 80 %"),
        (-1, 80, "'above'", ""),
        (None, 80, "'above'", ""),
        ("much", 80, "'above'", ""),
        (True, 80, "'above'", ""),
        ("nan", 80, "'above'", ""),
        ("9" * 400, 80, "'above'", ""),
    ],
)
def test_a_meter_needs_two_numbers(value, limit, direction, text):
    form = GROWN.replace("label = \"'Level'\"", "").replace("\"'below'\"", f'"{direction}"')
    (*_, said) = read({**TANK, "level": value, "wanted": limit}, form).details.get("meter", ("",))
    assert said == text


@pytest.mark.parametrize("rows", [None, 7, "x", {}, [], {"a": 1}])
def test_a_table_without_rows_is_none(rows):
    assert "table" not in read({**TANK, "pumps": rows}, GROWN).details


# A source that extends one of the bridge's own

OPS_UPDOWN = """
[sources.ops]
title = "Ops checks"
extends = "updown"
[sources.ops.let]
name = "(check.alias or '')|upper"                # in place of Updown's own
team = "'on call' if event.severity >= 'error' else 'nobody'"
[sources.ops.tables.grades]
down = "critical"
[sources.ops.words]
down = "not reachable"
[sources.ops.event]
scope = "'Europe'"
[sources.ops.facts]
Team = "team"
Error = "'the error: ' ~ downtime.error"
[sources.ops.buttons]
"Open the runbook" = "'https://wiki.example/' ~ check.alias"
[sources.ops.attributes]
team = "team"
"""
OPS_GITHUB = """
[sources.forge]
extends = "github"
[sources.forge.event]
ignore = "'a draft' if event.attributes.draft else ''"
title = "'Change: ' ~ event.title"
severity = "'critical' if 'pump' in event.scope else event.severity"
correlation_key = "'all of ' ~ event.scope"
text = "'No words.'"
[sources.forge.facts]
Files = "item.pull_request.changed_files"
"""


def configured(config):
    return Configuration.of(Settings(GROUP, config, secrets={"ops": ("s",), "forge": ("s",)}))


def of_sample(source, base, name):
    body = (SOURCES[base].samples / f"{name}.json").read_bytes()
    return source.read(Webhook(SOURCES[base].headers(name.partition(".")[0], "d"), body))


def test_a_source_extends_one_with_a_form():
    bridge = Bridge(configured(OPS_UPDOWN))
    source = bridge.configuration.sources["ops"]
    (event,), (plain,) = of_sample(source, "updown", "check.down"), of_sample(SOURCES["updown"], "updown", "check.down")
    assert (source.path, source.title, source.samples) == ("generic/ops", "Ops checks", SOURCES["updown"].samples)
    assert (event.source, event.title, event.scope) == ("ops", plain.title.upper(), "Europe")
    assert (event.severity, event.details["word"], event.kind) == ("critical", "not reachable", plain.kind)
    assert dict(event.facts)["Team"] == event.attributes["team"] == "on call"
    assert dict(event.facts)["Error"].startswith("the error: ")
    assert event.details["buttons"][0][0] == "Open the runbook"
    assert bridge.renderer.chosen(event).startswith("updown/")
    assert "Not reachable" in bridge.renderer.entry(event, "0" * 32, Target("g"), datetime.now(UTC)).html


def test_a_source_extends_one_with_code():
    configuration = configured(OPS_GITHUB)
    source = configuration.sources["forge"]
    (event,) = of_sample(source, "github", "pull_request.opened")
    (plain,) = of_sample(SOURCES["github"], "github", "pull_request.opened")
    assert (event.title, event.severity, event.correlation_key, event.text) == (
        f"Change: {plain.title}", "critical", "all of contoso/pump", "No words.",
    )  # fmt: skip
    assert dict(event.facts)["Files"] == str(event.payload["pull_request"]["changed_files"])
    assert (event.actor, event.kind, event.dedup_key) == (plain.actor, plain.kind, plain.dedup_key)
    assert source.title == "GitHub"
    assert configuration.authentications["forge"].setting == "BRIDGE_FORGE_SECRET"
    assert isinstance(of_sample(source, "github", "ping"), Ignored)


def test_what_an_extending_source_ignores_is_not_posted():
    source = configured(OPS_GITHUB.replace("event.attributes.draft", "not event.attributes.draft")).sources["forge"]
    assert of_sample(source, "github", "pull_request.opened") == Ignored("a draft")


@pytest.mark.parametrize("base", SOURCES)
def test_every_source_can_be_extended(base):
    source = Configuration.of(Settings(GROUP, f"[sources.ops]\nextends = '{base}'")).sources["ops"]
    for path in sorted(source.samples.glob("*.json"))[:5]:
        found, plain = (one.read(webhook(SOURCES[base], path)) for one in (source, SOURCES[base]))
        if isinstance(plain, Ignored):
            assert found == plain
        else:
            kept = [(event.title, event.correlation_key, event.severity, event.facts) for event in plain]
            assert [(event.title, event.correlation_key, event.severity, event.facts) for event in found] == kept
            assert {event.source for event in found} == {"ops"}
