"""The comparison of two payloads."""

import json
import time

import pytest

from bridge.local.page.payload_diff import MOST, compare


def differences(left, right):
    found = compare(*(text if isinstance(text, str) else json.dumps(text) for text in (left, right)))
    return [(one.path, one.left, one.right) for one in found.differences]


CASES = {
    "the same in another order": ({"a": 1, "b": {"c": [1, 2]}}, {"b": {"c": [1, 2]}, "a": 1}, []),
    "a value": ({"a": {"b": 1}}, {"a": {"b": 2}}, [("a.b", "1", "2")]),
    "another type": ({"a": 1}, {"a": "1"}, [("a", "1", '"1"')]),
    "true is not one": ({"a": True}, {"a": 1}, [("a", "true", "1")]),
    "a field that came": ({"a": 1}, {"a": 1, "b": None}, [("b", None, "null")]),
    "a field that went": ({"a": 1, "b": {"c": 2}}, {"a": 1}, [("b", '{"c": 2}', None)]),
    "an item that was put in": ({"a": [1, 2]}, {"a": [0, 1, 2]}, [("a[0]", None, "0")]),
    "an item that was taken out": ({"a": [1, 2, 3]}, {"a": [1, 3]}, [("a[1]", "2", None)]),
    "a value within an item": ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}, {"b": 3}]}, [("a[1].b", "2", "3")]),
    "a list in place of an object": ({"a": {}}, {"a": []}, [("a", "{}", "[]")]),
    "a body that is a value": ("1", "2", [("the body", "1", "2")]),
    "lines": ("a\nb\nc", "a\nx\nc\nd", [("line 2", "b", "x"), ("line 4", None, "d")]),
    "JSON and text": ("{}", "a=b", [("line 1", "{}", "a=b")]),
    "nothing": ("", "", []),
}


@pytest.mark.parametrize(("left", "right", "expected"), CASES.values(), ids=CASES)
def test_only_what_differs_is_listed(left, right, expected):
    assert differences(left, right) == expected


def test_long_values_are_cut_and_many_differences_counted():
    found = compare(json.dumps(["x" * 300] * 700), json.dumps(["y" * 300] * 700))
    assert (len(found.differences), found.more, found.by) == (MOST, 200, "values")
    assert len(found.differences[0].left) == 201


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (
            json.dumps([[number % 7 for number in range(50)]] * 500),
            json.dumps([[number % 5 for number in range(50)]] * 500),
        ),
        (
            "\n".join(str(number % 3) for number in range(100_000)),
            "\n".join(str(number % 2) for number in range(100_000)),
        ),
        ("[" * 900 + "]" * 900, "[" * 900 + "1" + "]" * 900),
        ("[" * 100_000, "[" * 90_000),
    ],
    ids=["lists in lists", "lines", "deep", "too deep"],
)
def test_the_worst_bodies_take_less_than_a_second(left, right):
    began = time.process_time()
    assert compare(left, right).differences
    assert time.process_time() - began < 1
