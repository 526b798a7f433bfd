"""bridge/sources/kit and the parts of cards: what is left out is named, and mentions find their names."""

from bridge.rendering.environment import OwnTemplates, environment
from bridge.sources import kit
from tests.look import parse

PARTS = environment(OwnTemplates()).get_template("parts.html").module


def test_facts_beyond_the_room_are_named():
    pairs = [(f"Fact {number}", "value") for number in range(10)]
    assert parse(str(PARTS.facts(pairs))).shown[-1] == "and 3 more Fact 7, Fact 8, Fact 9"
    assert parse(str(PARTS.facts(pairs[:8]))).shown[-1] == "Fact 7: value"


def test_everybody_in_a_payload_is_known_by_each_of_their_ids():
    payload = {
        "people": [{"displayName": "Nora Banks", "id": "A-1", "key": "nora"}, {"displayName": "Mona Lisa"}],
        "team": {"id": "b", "displayName": "", "lead": {"id": "C", "displayName": "Alex Darrow"}},
    }
    assert kit.names_by_id(payload, "id", "key") == {"a-1": "Nora Banks", "nora": "Nora Banks", "c": "Alex Darrow"}
    assert kit.names_by_id([1, None, {"id": 7}], "id") == {}


def test_a_deeply_nested_payload_is_no_error():
    payload: object = {}
    for _ in range(5000):
        payload = {"inner": payload}
    assert kit.names_by_id(payload, "id") == {}
