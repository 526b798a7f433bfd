"""The form of a source without code: named values, tables of words, ids of several parts, values for templates."""

import json
import tomllib

import pytest

from bridge.errors import SettingsError
from bridge.events import Event, Webhook
from bridge.sources import generic
from bridge.sources.form import check_expressions, parse
from bridge.toml_tables import Problems, Table

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


def test_a_correlation_key_with_a_part_missing_is_the_title():
    assert read({"state": "FREE", "lift": {"name": "L2"}}).correlation_key == "L2"
    assert read({"state": "FREE", "lift": {"building": "7"}}).correlation_key == "a lift"


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
