"""What every source of the registry must do: authenticate, refuse, survive odd payloads, and have samples and docs."""

import functools
import itertools
import json
import random
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.configuration import Configuration
from bridge.events import Webhook
from bridge.local.sending import event_name, signed
from bridge.receiving.receiver import Receiver
from bridge.rendering.renderer import Renderer
from bridge.settings import Settings
from bridge.sources import SOURCES
from bridge.sources.base import Ignored
from bridge.verification.combinations import AnyOf, Dated
from bridge.verification.signatures import Ed25519, Hmac
from tests.amounts import FUZZ, one_in
from tests.local_stack import ROOT
from tools.samples import webhook

NOW = datetime(2026, 11, 23, 14, 3, tzinfo=UTC)
GROUP = "3c1d0d4e-0000-4000-8000-000000000000"
# Base64, too, as some services want their secrets.
SECRET, OLD, OTHER = (
    "dGhlIHNlY3JldCBvZiB0aGUgdGVzdHMh",
    "YW4gb2xkZXIgc2VjcmV0IG9mIHRlc3Rz",
    "YW5vdGhlciBvbmUsIG9mIG5vYm9keS4u",
)
RENDERER, ROUTES = Renderer(), Configuration.of(Settings(GROUP)).routes
DROPPING = Configuration.of(Settings(config="[[route]]\ngroups = []")).routes
PAGES = ROOT / "docs/services"


OF_ANY_BODY = {
    path.parent.name
    for path in (ROOT / "bridge/sources").glob("*/preset.toml")
    if 'body = "any"' in path.read_text("utf-8")
}
VERIFIED = [name for name, source in SOURCES.items() if source.verifier]


def ways(scheme):
    """Each way in which a sender can be authenticated."""
    every = scheme.schemes if isinstance(scheme, AnyOf) else (scheme,)
    return [one for one in every if not isinstance(one, Ed25519)]  # which no secret signs: tests/test_verification.py


def oldest(way):
    """How many seconds ago a webhook may have been signed; 0: the signature has no time."""
    return way.oldest if isinstance(way, Dated) else 300 if getattr(way, "timestamp", "") else 0


WAYS = [
    pytest.param(name, way, id=f"{name}-{way.describe()}") for name in VERIFIED for way in ways(SOURCES[name].verifier)
]


def samples(name):
    return sorted(SOURCES[name].samples.glob("*.json"))


@functools.cache
def sample(name):
    """The first sample that becomes a post."""
    source = SOURCES[name]
    return next(path for path in samples(name) if not isinstance(source.read(webhook(source, path)), Ignored))


@functools.cache
def body(name):
    return signed(SOURCES[name], None, sample(name).read_bytes(), "", "d-1").body  # sent now


def receive(name, headers, content=None, secrets=(SECRET,), source=None):
    source = source or SOURCES[name]
    authentication = source.authentication(Settings(secrets={name: secrets}))
    authentications = {name: authentication} if authentication else {}
    receiver = Receiver({name: source}, authentications, ROUTES, RENDERER, lambda: NOW)
    event = event_name(sample(name).name, source.event_parts)
    headers = {**source.headers(event, "d-1"), **headers}
    return receiver.receive(name, Webhook(headers, body(name) if content is None else content))


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_a_proved_webhook_is_accepted(name, way):
    receipt = receive(name, way.sign(body(name), SECRET))
    assert receipt.status == 202
    assert receipt.entries


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_the_second_of_two_secrets_proves_as_well(name, way):
    assert receive(name, way.sign(body(name), OLD), secrets=(SECRET, OLD)).status == 202


SPOILT = {
    "no signature": lambda way, content: {},
    "an empty one": lambda way, content: dict.fromkeys(way.sign(content, SECRET), ""),
    "another secret": lambda way, content: way.sign(content, OTHER),
    "a header twice": lambda way, content: {
        header: f"{value}, {value}" for header, value in way.sign(content, SECRET).items()
    },
    "a header twice, joined": lambda way, content: {
        header: f"{value},{value}" for header, value in way.sign(content, SECRET).items()
    },
    "a character less": lambda way, content: {
        header: value[:-1] for header, value in way.sign(content, SECRET).items()
    },
}


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_who_is_not_authenticated_gets_a_401_with_a_reason_and_no_secret(name, way):
    for what, spoil in SPOILT.items():
        headers = spoil(way, body(name))
        if getattr(way, "separator", "") and headers.get(way.header, "").count(way.prefix) == 2:
            continue  # the header is a list, in which one signature may stand twice
        receipt = receive(name, headers)
        assert (receipt.status, receipt.entries) == (401, ()), what
        assert receipt.body["error"].endswith("."), what
        assert SECRET not in str(receipt.body), what


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_one_more_byte_is_refused_where_the_body_is_signed(name, way):
    headers = way.sign(body(name), SECRET)
    changed = receive(name, headers, body(name) + b" ")
    assert changed.status == (401 if isinstance(way, Hmac | Dated) else 202)


@pytest.mark.parametrize(("name", "way"), [way for way in WAYS if oldest(way.values[1])])
def test_an_old_timestamp_is_refused(name, way):
    late = replace(SOURCES[name], verifier=replace(way, clock=lambda: way.clock() + oldest(way) + 1))
    assert receive(name, way.sign(body(name), SECRET), source=late).status == 401


@pytest.mark.parametrize("name", SOURCES)
def test_without_a_secret_the_function_key_has_proved_the_sender(name):
    assert receive(name, {}, secrets=()).status == 202


@pytest.mark.parametrize("name", SOURCES)
def test_a_body_that_is_not_the_services_is_a_400(name):
    for content in (b"", b" ", b"{", b"null", b"7", b'"text"', b"[]", b"[7]"):
        receipt = receive(name, {}, content, secrets=())
        if name in OF_ANY_BODY and content.strip():  # users write the body themselves
            assert receipt.status in {200, 202}, content
            continue
        assert (receipt.status, receipt.entries) == (400, ()), content
        assert re.search(r"[.?]$", receipt.body["error"])


@pytest.mark.parametrize("name", SOURCES)
def test_a_delivery_that_comes_again_is_recognised_and_another_one_is_not(name):
    payload, field = json.loads(body(name)), SOURCES[name].delivery_field
    items = payload if isinstance(payload, list) else [payload]
    other = [{**item, field: f"other {place}"} for place, item in enumerate(items)]
    contents = [body(name), body(name), json.dumps(other if isinstance(payload, list) else other[0]).encode()]
    first, again, another = [receive(name, {}, content, secrets=()).entries for content in contents]
    # By its id where the service gives one, or by its content.
    assert [entry.content or entry.id for entry in first] == [entry.content or entry.id for entry in again]
    assert not {entry.content or entry.id for entry in first} & {entry.content or entry.id for entry in another}
    assert not {entry.id for entry in first} & {entry.id for entry in another}


@pytest.mark.parametrize("name", SOURCES)
def test_a_field_of_another_type_makes_a_plainer_post_and_no_error(name, caplog):
    reading, rendering = (Receiver(SOURCES, {}, routes, RENDERER, lambda: NOW) for routes in (DROPPING, ROUTES))
    odds = itertools.cycle([None, [], {}, "text", 7, True, "2026-11-23T14:03:00Z", "\ud800", [None], 1e300])
    payloads = [
        (event_name(path.name, SOURCES[name].event_parts), payload)
        for path in samples(name)
        for payload in spoiled(json.loads(path.read_bytes()), odds)
    ]
    # Many are rendered alike: of those that are read, one in twenty is enough, but for `make fuzz`.
    rendered = len(payloads) if FUZZ else min(max(40, len(payloads) // 20), len(payloads))
    chosen = set(random.Random(name).sample(range(len(payloads)), rendered))
    for place, (event, payload) in one_in(8, list(enumerate(payloads)), len(name)):
        receiver = rendering if place in chosen else reading
        changed = Webhook(SOURCES[name].headers(event, "d"), json.dumps(payload).encode())
        assert receiver.receive(name, changed).status in {200, 202, 400}
    assert "could not be received" not in caplog.text
    assert "failed" not in caplog.text


def spoiled(payload, odds):
    """The payload, once for each of its fields, and those of its objects, with something odd in their place."""
    if isinstance(payload, list):
        yield from ([item] for item in spoiled(payload[0], odds))
        return
    for name, value in payload.items():
        yield {**payload, name: next(odds)}
        if isinstance(value, dict):
            yield from ({**payload, name: inner} for inner in spoiled(value, odds))


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_has_samples_a_look_and_its_page(name):
    assert samples(name)
    assert all(isinstance(json.loads(path.read_text()), dict | list) for path in samples(name))
    page = (PAGES / f"{name}.md").read_text()
    assert page.startswith(f"# {SOURCES[name].title}\n")
    assert f"/api/webhooks/{name}" in page
    assert not SOURCES[name].verifier or SOURCES[name].secret_setting in page
    assert (SOURCES[name].samples.parent / "templates").is_dir() or "plain template" in page


def test_the_pages_of_services_name_files_and_commands_that_exist():
    docs = "".join(path.read_text() for path in PAGES.glob("*.md"))
    commands = re.findall(r"-m bridge (?:send|explain|preview) (\w+) (\S+?)(?=[\s`])", docs)
    assert commands
    assert [name for source, name in commands if not (SOURCES[source].samples / f"{name}.json").is_file()] == []
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)\)", docs)
    assert [link for link in links if not (PAGES / link).exists()] == []
