"""What strangers can do before they are authenticated: very little, whatever they send, and however often."""

import base64
import hashlib
import hmac
import itertools
import json
import time
from dataclasses import replace

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ed25519

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.errors import AuthenticationError, SettingsError, Unavailable
from bridge.events import Webhook
from bridge.limits import DEFAULT_BODY, MAX_BODY, MAX_DEPTH, MAX_REFUSALS, MAX_SIGNATURES
from bridge.receiving.receiver import Receiver
from bridge.receiving.refusals import Refusals
from bridge.rendering.renderer import Renderer
from bridge.settings import Settings
from bridge.sources import SOURCES
from bridge.sources.base import Authentication
from bridge.verification import github_networks
from bridge.verification.combinations import AnyOf, Dated
from bridge.verification.github_networks import GithubNetworks
from bridge.verification.networks import caller
from bridge.verification.shared_secrets import Basic, Token
from bridge.verification.signatures import Ed25519, Hmac
from tests.amounts import one_in
from tests.graph_servers import closed_port
from tests.local_stack import issue
from tests.test_sources import NOW, VERIFIED, body
from tests.test_sources import SECRET as GOOD

pytestmark = pytest.mark.wide

GROUP = "3c1d0d4e-0000-4000-8000-000000000000"
ROUTES = Configuration.of(Settings(GROUP)).routes
TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms"
PUBLIC = f"whpk_{base64.b64encode(bytes(range(32))).decode()}"


def parts(scheme):
    """The schemes of which a verifier is made."""
    if isinstance(scheme, AnyOf):
        return list(itertools.chain.from_iterable(map(parts, scheme.schemes)))
    return parts(scheme.scheme) if isinstance(scheme, Dated) else [scheme]


UNAUTHENTICATED = Receiver(SOURCES, {}, ROUTES, Renderer(), lambda: NOW)
SIGNATURES = [(name, each) for name in VERIFIED for each in parts(SOURCES[name].verifier) if isinstance(each, Hmac)]


class Nobody:
    """A verifier that authenticates nobody, and must not be asked."""

    def verify(self, webhook, credentials):
        raise AssertionError("The body was looked into")


def receiver(**settings):
    configured = Configuration.of(Settings(GROUP, **settings))
    return Bridge(configured).receiver


# Size


@pytest.mark.parametrize("name", SOURCES)
def test_a_body_that_is_longer_than_the_service_sends_is_refused_before_anything_looks_into_it(name, steps):
    source = SOURCES[name]
    nobody = Receiver({name: source}, {name: Authentication(Nobody(), (), "")}, ROUTES, Renderer(), lambda: NOW)
    receipt = nobody.receive(name, Webhook({}, bytes(source.max_body + 1)))
    assert receipt.status == 413
    assert [step["status"] for _, step in steps()] == [413]
    assert "looked into" not in str(receipt.body)
    # As long as may be: it is looked into.
    assert nobody.receive(name, Webhook({}, bytes(source.max_body))).status == 503


def test_each_source_has_the_bound_of_its_service():
    bounds = {name: source.max_body for name, source in SOURCES.items() if source.max_body != DEFAULT_BODY}
    assert bounds == {
        "github": MAX_BODY,
        "gitlab": MAX_BODY,
        "discord": MAX_BODY,
        "event_grid": 2 << 20,
        "aws_sns": 512 << 10,
        "bitbucket": 512 << 10,
    }
    assert DEFAULT_BODY * 4 < MAX_BODY == 25 << 20


# Signatures


@pytest.mark.parametrize(("name", "scheme"), SIGNATURES)
def test_a_body_is_not_hashed_where_no_header_holds_what_looks_like_a_signature_made_lately(name, scheme, monkeypatch):
    now = time.time()
    right = replace(scheme, clock=lambda: now).sign(b"{}", GOOD)
    header, value = scheme.header, right[scheme.header]
    wrong = [{}, {**right, header: ""}, {**right, header: value[:-1]}, {**right, header: f"x{value}"}]
    if scheme.timestamp:
        wrong.append(replace(scheme, clock=lambda: now - 400).sign(b"{}", GOOD))

    def hashed(*_, **__):
        raise AssertionError("The body was hashed")

    monkeypatch.setattr(hmac, "new", hashed)
    for headers in wrong:
        with pytest.raises(AuthenticationError):
            scheme.verify(Webhook(headers, b"{}"), (GOOD,))


@pytest.mark.parametrize("number", [1, MAX_SIGNATURES, MAX_SIGNATURES + 1, 340])
def test_only_the_first_few_signatures_of_a_header_are_looked_at(number, monkeypatch):
    key = ed25519.Ed25519PrivateKey.generate()
    public = f"whpk_{base64.b64encode(key.public_key().public_bytes_raw()).decode()}"
    now, verified = int(time.time()), []
    right = base64.b64encode(key.sign(f"id.{now}.{{}}".encode())).decode()
    forged = base64.b64encode(bytes(63) + b"\1").decode()
    loaded = ed25519.Ed25519PublicKey.from_public_bytes
    monkeypatch.setattr(
        ed25519.Ed25519PublicKey, "from_public_bytes", lambda data: verified.append(data) or loaded(data)
    )
    scheme = next(each for each in parts(SOURCES["standard_webhooks"].verifier) if isinstance(each, Ed25519))
    headers = {
        "webhook-id": "id",
        "webhook-timestamp": str(now),
        "webhook-signature": " ".join(f"v1a,{text}" for text in [forged] * (number - 1) + [right] + [forged] * 300),
    }
    if number <= MAX_SIGNATURES:
        scheme.verify(Webhook(headers, b"{}"), (public,))
    else:
        with pytest.raises(AuthenticationError):
            scheme.verify(Webhook(headers, b"{}"), (public,))
    assert len(verified) <= MAX_SIGNATURES


def test_only_the_first_few_hashes_of_a_header_are_compared():
    scheme = Hmac("X-Signature", separator=",")
    right = scheme.sign(b"{}", GOOD)["X-Signature"]
    for number in range(1, 8):
        webhook = Webhook({"X-Signature": ",".join(["0" * 64] * (number - 1) + [right])}, b"{}")
        if number <= MAX_SIGNATURES:
            scheme.verify(webhook, (GOOD,))
        else:
            with pytest.raises(AuthenticationError):
                scheme.verify(webhook, (GOOD,))


# Secrets that anyone could find out

WEAK = ["whsec_", "whsec_,", "whsec_====", "whsec_AA==", "whsec_c2hvcnQ=", "x" * 15, "whpk_", "whpk_AAAA"]


@pytest.mark.parametrize("name", VERIFIED)
def test_a_weak_secret_authenticates_nobody_and_its_setting_is_named(name, steps, caplog):
    signs_by_public_keys = any(isinstance(each, Ed25519) for each in parts(SOURCES[name].verifier))
    for secret in (*WEAK, PUBLIC, f"{GOOD},{'x' * 15}"):
        caplog.clear()
        secrets = tuple(filter(None, secret.split(",")))
        bridge = Bridge(Configuration.of(Settings(GROUP, secrets={"github": (GOOD,)} | {name: secrets})))
        if secret == PUBLIC and signs_by_public_keys:
            assert bridge.configuration.problems == []
            continue
        (problem,) = bridge.configuration.problems
        assert problem.startswith(f"BRIDGE_{name.upper()}_SECRET "), secret
        assert not any(one in problem for one in (GOOD, "xxx")), secret
        receipt = bridge.receiver.receive(name, Webhook({}, body(name)))
        assert (receipt.status, receipt.body) == (503, {"error": f"{problem}."}), secret
        assert [step["reason"] for _, step in steps()] == [f"{problem}."], secret
    # All others work.
    if name != "github":
        headers = {**SOURCES["github"].headers("ping", "d"), **SOURCES["github"].verifier.sign(b"{}", GOOD)}
        assert bridge.receiver.receive("github", Webhook(headers, b"{}")).status == 200


@pytest.mark.parametrize("name", VERIFIED)
def test_nobody_is_authenticated_by_an_empty_key_or_by_what_anyone_may_know(name):
    content, now = body(name), str(int(time.time()))
    ids = {"webhook-id": "id1", "webhook-timestamp": now, "X-Grafana-Alerting-Timestamp": now}
    keys = {"whsec_": [b""], "whsec_====": [b""], PUBLIC: [b"", PUBLIC.encode(), PUBLIC[5:].encode(), bytes(range(32))]}
    for secret, scheme in itertools.product(keys, parts(SOURCES[name].verifier)):
        if isinstance(scheme, Hmac):
            for key in keys[secret]:
                values = {each: ids.get(each, now) for each in scheme._names}
                parts_of_it = [each + value for each, value in values.items() if each.endswith("=")]
                message = b"".join(scheme._pieces(content, values))
                digest = hmac.new(key, message, getattr(hashlib, scheme.algorithm)).digest()
                text = digest.hex() if scheme.encoding == "hex" else base64.b64encode(digest).decode()
                headers = {**ids, scheme.header: scheme.separator.join([*parts_of_it, scheme.prefix + text])}
                refuse(scheme, headers, content, secret)
        elif isinstance(scheme, Token | Basic) and secret == PUBLIC:
            refuse(scheme, scheme.sign(content, secret), content, secret)


def refuse(scheme, headers, content, secret):
    with pytest.raises((AuthenticationError, Unavailable)):
        scheme.verify(Webhook(headers, content), (secret,))


def test_sixteen_bytes_are_enough_and_a_token_may_look_like_base64():
    for secret in ("x" * 16, "abcdabcdabcdabcdabcd", f"whsec_{base64.b64encode(bytes(16)).decode()}"):
        assert receiver(secrets={"gitlab": (secret,)}).authentications["gitlab"].problem == ""


# Nesting

NESTS = {
    "lists": lambda levels: "[" * levels + "]" * levels,
    "objects": lambda levels: '{"a":' * levels + "1" + "}" * levels,
    "a document": lambda levels: '{"type":"x","content":[' * (levels // 2) + "1" + "]}" * (levels // 2),
}


def deep(levels, nest="lists", **fields):
    """A JSON object in which something is nested, so many levels in all."""
    return (json.dumps(fields)[:-1] + (", " if fields else "") + f'"x": {NESTS[nest](levels - 1)}}}').encode()


def in_multipart(content):
    text = b"--b\r\nContent-Type: application/json\r\n\r\n" + content + b"\r\n--b--\r\n"
    return Webhook({"Content-Type": "multipart/form-data; boundary=b"}, text)


def in_form(content):
    text = requests.models.RequestEncodingMixin._encode_params({"payload": content})
    return Webhook({"Content-Type": "application/x-www-form-urlencoded"}, text.encode())


@pytest.mark.parametrize("name", SOURCES)
def test_json_that_is_nested_too_deep_is_refused_with_one_line(name, caplog, steps):
    form = name in {"github", "gitlab", "bitbucket"}  # whose forms hold JSON
    depths = itertools.product((MAX_DEPTH + 2, 300, 450, 900, 20_000), NESTS)
    for content in [deep(*each, id="1", action="opened", trigger="t") for each in depths]:
        headers = SOURCES[name].headers("issues", "d")
        webhooks = [Webhook(headers, content), in_multipart(content), *([in_form(content)] if form else [])]
        for webhook in webhooks:
            caplog.clear()
            sent = replace(webhook, headers={**headers, **webhook.headers})
            receipt = UNAUTHENTICATED.receive(name, sent)
            assert receipt.status == 400, receipt.body
            assert [step["status"] for _, step in steps()] == [400]
            assert len(caplog.text) < 1000


@pytest.mark.parametrize("name", SOURCES)
def test_json_that_is_nested_as_deep_as_may_be_is_read(name, caplog, steps):
    """Within the payload's own objects and lists, too: whatever reads them, no recursion goes too deep."""
    pairs = list(itertools.product(sorted(SOURCES[name].samples.glob("*.json"))[:6], NESTS))
    for path, nest in one_in(7, pairs, len(name)):
        payload = json.loads(path.read_text())
        for content in nested_within(payload, nest):
            caplog.clear()
            event = path.name.partition("__")[0].removesuffix(".json").split(".")
            headers = SOURCES[name].headers(".".join(event[: SOURCES[name].event_parts]), "d")
            receipt = UNAUTHENTICATED.receive(name, Webhook(headers, content))
            assert "RecursionError" not in caplog.text
            assert "deep" not in str(receipt.body)
            assert receipt.status in {200, 202, 400}, receipt.body


def nested_within(payload, nest):
    """The payload with each of its members, one after the other, nested as deep as may be; and all texts at once."""
    top = payload[0] if isinstance(payload, list) else payload
    for name in top:
        nested = json.loads(NESTS[nest](MAX_DEPTH - 3))
        changed = {**top, name: nested}
        yield json.dumps([changed] if isinstance(payload, list) else changed).encode()
    yield json.dumps(replaced(payload, lambda level: json.loads(NESTS[nest](min(12, MAX_DEPTH - level - 2))))).encode()


def replaced(value, by, level=1):
    if isinstance(value, dict):
        return {name: replaced(inner, by, level + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [replaced(inner, by, level + 1) for inner in value]
    return by(level) if isinstance(value, str) else value


def test_nested_parts_of_a_form_are_refused_with_one_line(caplog, steps):
    content = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(3000))
    webhook = Webhook({"Content-Type": "multipart/form-data; boundary=a"}, b"--a\r\n" + content)
    assert receiver().receive("zabbix", webhook).status == 400
    assert [step["status"] for _, step in steps()] == [400]
    assert len(caplog.text) < 1000


def test_a_message_of_sns_is_not_parsed_beyond_its_bounds(caplog, steps):
    sns = receiver(aws_sns_topics=(TOPIC,))
    for content in (b"[" * 500_000, deep(300, TopicArn=TOPIC), b"[" + b"[]," * 200_000 + b"[]]"):
        caplog.clear()
        assert sns.receive("aws_sns", Webhook({}, content)).status in {400, 413}
        assert len(steps()) == 1
        assert len(caplog.text) < 1000


# Floods


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def test_a_flood_costs_one_line_a_minute_and_is_answered_with_429(steps):
    clock = Clock()
    github = replace(receiver(secrets={"github": (GOOD,)}), refusals=Refusals(clock=clock))
    forged = Webhook({"X-Hub-Signature-256": "sha256=" + "0" * 64}, b"{}")
    answers = [github.receive("github", forged) for _ in range(500)]
    assert [each.status for each in answers] == [401] * MAX_REFUSALS + [429] * (500 - MAX_REFUSALS)
    assert answers[-1].headers == {"Retry-After": "60"}
    assert len(steps()) == MAX_REFUSALS
    for minute in range(1, 4):
        clock.now = 1000 + 60 * minute
        assert {github.receive("github", forged).status for _ in range(500)} == {429}
        assert len(steps()) == MAX_REFUSALS + minute
    _, line = steps()[-1]
    assert (line["step"], line["source"], line["status"], line["count"]) == ("refused", "github", 429, 500)
    # A calm minute, and each has its own answer and line again.
    clock.now += 60
    github.receive("github", forged)
    clock.now += 60
    assert github.receive("github", forged).status == 401


def test_the_last_minute_of_a_flood_is_reported_by_the_next_webhook_or_sweep(steps):
    clock = Clock()
    github = replace(receiver(secrets={"github": (GOOD,)}), refusals=Refusals(clock=clock))
    for _ in range(MAX_REFUSALS + 7):
        github.receive("github", Webhook({}, b"{}"))
    clock.now += 3600
    github.receive("zabbix", Webhook({}, b'{"trigger": "t"}'))
    counts = [step["count"] for _, step in steps() if "count" in step]
    assert counts == [7]


def test_who_is_authenticated_is_never_refused_for_a_flood_of_others():
    github = receiver(secrets={"github": (GOOD,)})
    for number in range(200):
        github.receive("github", Webhook({}, b"{}"))
        content = json.dumps({**issue("opened"), "number": number}).encode()
        headers = SOURCES["github"].headers("issues", str(number))
        signed = Webhook({**headers, **SOURCES["github"].verifier.sign(content, GOOD)}, content)
        assert github.receive("github", signed).status == 202
    # Nor are the other sources.
    assert github.receive("zabbix", Webhook({}, b'{"trigger": "t"}')).status == 202


def test_what_authenticated_senders_send_is_not_counted(steps):
    github = receiver(secrets={"github": (GOOD,)})
    for _ in range(3 * MAX_REFUSALS):
        signed = Webhook(SOURCES["github"].verifier.sign(b"no json", GOOD), b"no json")
        assert github.receive("github", signed).status == 400
    assert len(steps()) == 3 * MAX_REFUSALS


def test_an_error_that_a_stranger_causes_leaves_one_line(steps, caplog):
    class Broken(Nobody):
        def verify(self, webhook, credentials):
            raise ZeroDivisionError("x" * 10_000)

    source = SOURCES["github"]
    broken = Receiver({"github": source}, {"github": Authentication(Broken(), (), "")}, ROUTES, Renderer(), lambda: NOW)
    assert broken.receive("github", Webhook({}, b"{}")).status == 503
    assert len(steps()) == 1
    assert len(caplog.text) < 1000


# Networks


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1:50123", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[::ffff:192.0.2.1]:443", "192.0.2.1"),
        ("192.0.2.1, 192.0.2.2", None),
        ("", None),
        ("evil", None),
        ("[", None),
        ("9" * 5000, None),
    ],
)
def test_the_caller_is_whom_the_front_end_names(text, address):
    found = caller(Webhook({"CLIENT-IP": text, "X-Forwarded-For": "192.0.2.9", "X-Azure-ClientIP": "192.0.2.9"}, b""))
    assert (str(found) if found else None) == address


@pytest.mark.parametrize(
    ("networks", "client", "status"),
    [
        ("192.0.2.0/24", "192.0.2.7:1", 401),
        ("192.0.2.0/24,2001:db8::/32", "[2001:db8::1]:1", 401),
        ("192.0.2.0/24", "198.51.100.1:1", 403),
        ("192.0.2.0/24", "", 403),
        ("192.0.2.7", "192.0.2.7:1", 401),
    ],
)
def test_webhooks_from_elsewhere_are_refused_before_anything_is_looked_into(networks, client, status, steps):
    env = {"BRIDGE_GROUP": GROUP, "BRIDGE_GITHUB_SECRET": GOOD, "BRIDGE_GITHUB_NETWORKS": networks}
    github = Bridge(Configuration.from_env(env)).receiver
    assert github.receive("github", Webhook({"Client-IP": client}, b"{}")).status == status
    assert "BRIDGE_GITHUB_NETWORKS" in str(steps()) or status == 401


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BRIDGE_GITHUB_NETWORKS", "everywhere"),
        ("BRIDGE_GITHUB_NETWORKS", "192.0.2.1/24"),
        ("BRIDGE_GITHUB_NETWORKS", ","),
        ("BRIDGE_GITHBU_NETWORKS", "192.0.2.0/24"),
    ],
)
def test_an_allow_list_that_cannot_be_kept_is_a_problem_of_the_settings(name, text):
    with pytest.raises(SettingsError, match=name):
        Configuration.from_env({"BRIDGE_GROUP": GROUP, name: text})


def meta(*networks):
    return json.dumps({"hooks": networks, "actions": []}).encode()


def test_githubs_networks_are_fetched_once_a_day_and_for_an_unknown_address_after_a_while():
    clock, asked, answers = Clock(), [], [meta("192.0.2.0/24"), meta("192.0.2.0/24", "2001:db8::/32")]

    def fetch():
        asked.append(clock.now)
        return answers[min(len(asked), len(answers)) - 1]

    networks = GithubNetworks(fetch, clock)
    known, later, foreign = (caller(Webhook({"Client-IP": text}, b"")) for text in ("192.0.2.1", "2001:db8::1", "::1"))
    assert known in networks
    assert later not in networks
    clock.now += 601
    assert later in networks
    assert all(foreign not in networks for _ in range(100))
    assert len(asked) == 2
    clock.now += 24 * 3600
    assert known in networks
    assert len(asked) == 3


@pytest.mark.parametrize(
    "answer", [b"", b"{}", b"[]", b'{"hooks": []}', b'{"hooks": ["x"]}', b'{"hooks": [1, {}]}', None]
)
def test_the_networks_before_are_kept_while_github_fails(answer, caplog):
    clock, answers = Clock(), [meta("192.0.2.0/24")]

    def fetch():
        if answers:
            return answers.pop()
        if answer is None:
            raise requests.ConnectionError("no route to a host with a secret")
        return answer

    networks, known = GithubNetworks(fetch, clock), caller(Webhook({"Client-IP": "192.0.2.1"}, b""))
    assert known in networks
    clock.now += 2 * 24 * 3600
    assert known in networks
    assert "cannot be fetched" in caplog.text
    assert "secret" not in caplog.text


def test_before_they_were_ever_fetched_those_of_the_release_count(monkeypatch):
    monkeypatch.setattr(github_networks, "_META", f"http://127.0.0.1:{closed_port()}/meta")
    env = {"BRIDGE_GROUP": GROUP, "BRIDGE_GITHUB_SECRET": GOOD, "BRIDGE_GITHUB_NETWORKS": "github,192.0.2.0/24"}
    github = Bridge(Configuration.from_env(env)).receiver
    for client, status in (("140.82.115.1:1", 401), ("192.0.2.1:1", 401), ("198.51.100.1:1", 403)):
        assert github.receive("github", Webhook({"Client-IP": client}, b"{}")).status == status
