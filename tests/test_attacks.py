"""Anything at all is sent to the receiving wing: it answers, within its bounds, and nothing in it runs."""

import itertools
import json
import os
import re
import time
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.configuration import Configuration
from bridge.events import Webhook
from bridge.limits import MAX_BODY, MAX_HTML, MAX_LINE
from bridge.local.sending import event_name
from bridge.receiving.receiver import Receiver
from bridge.rendering.renderer import Renderer
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests.amounts import one_in
from tests.local_stack import ROOT
from tests.look import PROPERTIES, TAGS, parse

pytestmark = pytest.mark.wide

NOW = datetime(2026, 11, 23, 14, 3, tzinfo=UTC)
ROUTES = Configuration.of(Settings("3c1d0d4e-0000-4000-8000-000000000000")).routes
RECEIVER = Receiver(SOURCES, {}, ROUTES, Renderer(), lambda: NOW)
SAMPLES = [
    (name, event_name(path.name, SOURCES[name].event_parts), json.loads(path.read_text()))
    for name in SOURCES
    for path in sorted((ROOT / "bridge/sources" / name / "samples").glob("*.json"))
]
# `make fuzz` takes new ones each time, and many more.
CASES = int(os.environ.get("FUZZ", "100"))
FUZZ = settings(
    max_examples=CASES, deadline=None, derandomize="FUZZ" not in os.environ, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip

MARKUP = """"'><script>alert(1)</script><img src=x onerror=y><a href="javascript:z" onclick='x'>a</a>{{ 7*7 }}"""
BOMBS = [
    "[" * 3000,
    "*a " * 3000,
    "> " * 2000 + "x",
    "`" * 5000,
    "|a" * 2000,
    "<details>" * 800,
    "&amp;" * 3000,
    "- " * 1500,
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -(10**30), 1e308, 5e-324, 2**63, 253402300800, -1]),
    st.text(max_size=60),
    st.sampled_from(
        [MARKUP, *BOMBS, "\ud800", "\u202e\u0000\u001b[31m", "x" * 100_000, "javascript:alert(1)", "0001-01-01"]
    ),
    st.lists(st.one_of(st.none(), st.text(max_size=5), st.integers()), max_size=4),
    st.dictionaries(st.text(max_size=8), st.one_of(st.none(), st.text(max_size=5)), max_size=3),
)
CHANGES = st.lists(
    st.tuples(st.integers(0, 10**6), st.sampled_from(["set", "drop", "wrap", "repeat"]), ODD), max_size=6
)


def places(value, path=()):
    """The path of everything within."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in inner:
        yield from places(child, (*path, name))


def changed(value, path, how, odd):
    """A copy in which what lies at the path is another."""
    if not path:
        return {"set": odd, "drop": None, "wrap": [value], "repeat": [value, value, odd]}[how]
    name, *rest = path
    if isinstance(value, dict) and how == "drop" and not rest:
        return {key: child for key, child in value.items() if key != name}
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[name] = changed(value[name], rest, how, odd)
    return copy


def received(name, event, body):
    receipt = RECEIVER.receive(name, Webhook(SOURCES[name].headers(event, "d"), body))
    assert receipt.status in {200, 202, 400, 413}, receipt.body
    for entry in receipt.entries:
        assert len(entry.html.encode()) <= MAX_HTML
        assert max(len(entry.topic), len(entry.summary)) <= MAX_LINE
        for node in parse(entry.html).walk():
            if node.parent:
                assert node.attributes.keys() <= TAGS[node.tag]
                assert node.attributes.get("href", "https:").startswith(("http:", "https:", "mailto:"))
                assert node.style.keys() <= PROPERTIES.keys()
    return receipt


@FUZZ
@given(st.sampled_from(SAMPLES), CHANGES)
def test_a_payload_that_was_changed_anywhere_is_answered(sample, changes):
    name, event, payload = sample
    for number, how, odd in changes:
        paths = list(places(payload))
        payload = changed(payload, paths[number % len(paths)], how, odd)
    received(name, event, json.dumps(payload).encode())


@FUZZ
@given(st.sampled_from(SAMPLES), st.integers(0, 10**6), st.binary(max_size=12), st.booleans())
def test_a_body_that_was_cut_or_overwritten_is_answered(sample, place, noise, is_cut):
    name, event, payload = sample
    body = json.dumps(payload).encode()
    place %= len(body)
    received(name, event, body[:place] + noise + (b"" if is_cut else body[place + len(noise) :]))


@FUZZ
@given(
    st.sampled_from(sorted(SOURCES)),
    st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=5),
    st.text(max_size=40),
)
def test_any_header_query_and_method_is_answered(name, headers, group):
    webhook = Webhook({**SOURCES[name].headers("push", "d"), **headers}, b'{"action": "x"}', "POST", {"group": group})
    assert RECEIVER.receive(name, webhook).status in {200, 202, 400}


HOSTILE = [
    "javascript:alert(1)",
    '" onclick="alert(1)" x="',
    "' onmouseover='alert(1)",
    "JAVASCRIPT&colon;alert(1)",
    'https://example.com/"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "-->]]></td></table>",
    "[x](javascript:alert(1)) ![y](data:text/html,z) <b onclick=x>",
    "\x00\x1b[31m\u202e\x85",
    "<" * 500,
    "&lt;script&gt;",
]


@pytest.mark.parametrize("name", SOURCES)
def test_markup_in_every_text_of_every_payload_stays_text(name):
    turns = itertools.cycle(HOSTILE)
    samples = list(enumerate(sample for sample in SAMPLES if sample[0] == name))
    for number, (_, event, payload) in one_in(3, samples, len(name)):
        spoils = (
            lambda text: text + MARKUP,
            lambda text: MARKUP + text,
            instead(next(turns)),
            instead(next(turns)),
        )
        for spoil in one_in(4, spoils, number // 2):
            receipt = received(name, event, json.dumps(everywhere(payload, spoil)).encode())
            assert not any("<script" in entry.html or "onerror=" in tags(entry.html) for entry in receipt.entries)
            # As a word: a long id ends in a hash, which may hold these digits.
            assert not any(re.search(r"\b49\b", entry.summary) for entry in receipt.entries)


def instead(hostile):
    return lambda _: hostile


def everywhere(value, spoil):
    if isinstance(value, dict):
        return {name: everywhere(inner, spoil) for name, inner in value.items()}
    if isinstance(value, list):
        return [everywhere(inner, spoil) for inner in value]
    return spoil(value) if isinstance(value, str) else value


def tags(html):
    """What stands within the tags of the HTML, without its text."""
    return " ".join(" ".join(node.attributes) + "=" for node in parse(html).walk() for _ in node.attributes)


DEEP = [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 50_000 + b"]" * 50_000, b'{"a": 1, "a": {"a": 2}}', b"1" * 5000]


@pytest.mark.parametrize("body", DEEP, ids=["lists", "objects", "whole", "twice", "digits"])
def test_json_that_is_too_deep_or_odd_is_answered(body):
    for name in SOURCES:
        received(name, "push", body)


def test_a_body_over_the_bound_is_refused():
    assert received("github", "push", b" " * (MAX_BODY + 1)).status == 413


@pytest.mark.parametrize(
    "filler", [*BOMBS, MARKUP, "<!-- ", "![", "@a #1 ", "a" * 40 + "\n"], ids=lambda text: text[:6]
)
def test_the_cost_of_a_text_grows_no_faster_than_its_length(filler):
    """A hundred times as long takes at most five hundred times as long, and mostly no longer: it is cut first."""

    def cost(length):
        payload = next(p for n, _, p in SAMPLES if n == "github" and "issue" in p)
        issue = {**payload["issue"], "body": (filler * (length // len(filler) + 1))[:length]}
        body = json.dumps({**payload, "issue": issue}).encode()
        start = time.process_time()
        received("github", "issues", body)
        return time.process_time() - start

    cost(1000)
    assert cost(1_000_000) < 500 * max(cost(10_000), 0.005)
