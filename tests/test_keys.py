"""Published keys: seldom asked for, of nobody else, and kept in use whatever their host does.

Entra is asked under its own name on loopback; a hostile host answers with scripted bytes.
"""

import contextlib
import gc
import gzip
import json
import logging
import re
import socket
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from bridge.errors import Unavailable
from bridge.events import Webhook
from bridge.verification import fetching, github_networks, public_keys
from bridge.verification.fetching import NotPublished
from bridge.verification.github_networks import GithubNetworks
from bridge.verification.networks import caller
from bridge.verification.public_keys import INTERVAL, KEPT, LARGEST, MOST, RETRY, PublishedKeys
from tests.faults import Fault
from tests.microsoft import microsoft

HOST = "login.microsoftonline.com"


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with microsoft(tmp_path_factory.mktemp("microsoft")) as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.env.items():
            patch.setenv(name, value)
        yield running


@pytest.fixture
def entra(world):
    world.entra.requests.clear()
    world.entra.faults.clear()
    world.refused_hosts.clear()
    return world.entra


def url(entra):
    return f"{entra.authority}/discovery/v2.0/keys"


def of_entra(clock=time.monotonic):
    return PublishedKeys(re.compile(rf"https://{HOST}/[!-~]+"), json.loads, clock)


def test_keys_are_kept_for_a_day(entra):
    clock = Clock()
    keys = of_entra(clock)
    first = keys(url(entra))
    clock.now += KEPT - 1
    assert keys(url(entra)) == first
    assert len(entra.requests) == 1
    clock.now += 1
    assert keys(url(entra)) == first
    assert len(entra.requests) == 2


def test_a_missing_key_is_fetched_at_most_every_five_minutes(entra):
    clock = Clock()
    keys = of_entra(clock)
    for _ in range(5):
        keys(url(entra), fresh=True)
    assert len(entra.requests) == 1
    clock.now += INTERVAL
    for _ in range(5):
        keys(url(entra), fresh=True)
    assert len(entra.requests) == 2


def test_what_is_kept_serves_while_the_host_fails(entra, caplog):
    clock = Clock()
    keys = of_entra(clock)
    first = keys(url(entra))
    clock.now += KEPT
    entra.faults.append(Fault(endpoint="keys"))
    assert keys(url(entra)) == first
    assert "cannot be fetched" in caplog.text
    assert keys(url(entra), fresh=True) == first
    assert len(entra.requests) == 2
    clock.now += RETRY
    assert keys(url(entra)) == first
    assert len(entra.requests) == 3


def test_without_any_keys_the_sender_is_asked_to_try_again(entra):
    clock = Clock()
    keys = of_entra(clock)
    entra.faults.append(Fault(endpoint="keys"))
    for _ in range(3):
        with pytest.raises(Unavailable, match=HOST):
            keys(url(entra))
    assert len(entra.requests) == 1
    clock.now += RETRY
    assert keys(url(entra))


@pytest.mark.parametrize(
    "address",
    [
        "https://contoso.com/keys",
        f"https://{HOST}.contoso.com/keys",
        f"https://{HOST}@contoso.com/keys",
        f"https://user@{HOST}/keys",
        f"https://{HOST}:8443/keys",
        f"http://{HOST}/keys",
        f"https://{HOST}/keys\n",
        f"https://{HOST}/",
        "file:///etc/passwd",
        "",
    ],
)
def test_no_other_host_is_asked(world, entra, address):
    with pytest.raises(Unavailable, match="not one of those"):
        of_entra()(address)
    assert world.refused_hosts == []
    assert entra.requests == []


def test_many_at_once_ask_once(entra):
    keys = of_entra()
    found = []
    threads = [threading.Thread(target=lambda: found.append(keys(url(entra)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(keys == found[0] for keys in found)
    assert len(entra.requests) == 1


GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkeys"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
GZIP = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
BOMB = gzip.compress(bytes(1 << 20)) * 50
# What a host answers, piece by piece; a number is a wait in seconds.
HOSTILE = {
    "no answer": [],
    "no HTTP": [b"SSH-2.0-OpenSSH_9.2\r\n"],
    "half a status": [b"HTTP/1.1 2"],
    "a status that is none": [b"HTTP/1.1 9999999 OK\r\n\r\n"],
    "an error": [b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nkeys"],
    "nothing there": [b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nkeys"],
    "forbidden": [b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nkeys"],
    "gone": [b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"],
    "no content": [b"HTTP/1.1 204 No Content\r\n\r\n"],
    "an empty body": [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
    "a redirect": [b"HTTP/1.1 302 Found\r\nLocation: /good\r\nContent-Length: 4\r\n\r\nkeys"],
    "a permanent redirect": [b"HTTP/1.1 308 Moved\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"],
    "a cut body": [b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nkeys"],
    "a length that is none": [b"HTTP/1.1 200 OK\r\nContent-Length: 4, 5\r\n\r\nkeys"],
    "a chunk without a length": [CHUNKED + b"zz\r\nkeys\r\n0\r\n\r\n"],
    "a chunk with a negative length": [CHUNKED + b"-4\r\nkeys\r\n0\r\n\r\n"],
    "a cut chunk": [CHUNKED + b"ffff\r\nkeys"],
    "chunks without an end": [CHUNKED + b"1\r\nk\r\n"],
    "bad gzip": [GZIP % 4 + b"keys"],
    "good gzip that nobody asked for": [GZIP % len(gzip.compress(b"keys")) + gzip.compress(b"keys")],
    "a gzip bomb": [GZIP % len(BOMB) + BOMB],
    "too much": [b"HTTP/1.1 200 OK\r\n\r\n", *[bytes(1 << 16)] * (LARGEST // (1 << 16) + 1)],
    "too much in one chunk": [CHUNKED + b"fffffff\r\n", *[bytes(1 << 16)] * 80],
    "no keys": [b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"],
    "headers without an end": [b"HTTP/1.1 200 OK\r\n", *[b"X: %s\r\n" % (b"x" * 60_000)] * 200],
    "silence": [60],
    "silence in the body": [b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nke", 60],
    "headers byte by byte": [b"HTTP/1.1 200 OK\r\n", *[b"X", 0.05] * 1200],
    "a body byte by byte": [b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n", *[b"k", 0.05] * 1200],
}


class Host:
    """A host on loopback. answers: what it sends for a path; asked: the paths, oldest first; sent: bytes so far."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.answers, self.asked, self.sent = {}, [], 0
        self.ending = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}/{path}"

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with connection, contextlib.suppress(OSError):
            request = connection.recv(65536)
            path = request.split(b" ")[1].decode().lstrip("/")
            self.asked.append(path)
            for piece in self.answers.get(path, [b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"]):
                if isinstance(piece, bytes):
                    connection.sendall(piece)
                    self.sent += len(piece)
                elif self.ending.wait(piece):
                    return


@pytest.fixture
def host(monkeypatch):
    monkeypatch.setattr(public_keys, "DEADLINE", 0.5)
    monkeypatch.setattr(github_networks, "_DEADLINE", 0.5)
    monkeypatch.setattr(fetching, "_TIMEOUT", 0.3)
    running = Host()
    yield running
    running.ending.set()
    running.listener.close()
    gc.collect()


# urllib3 leaves the socket of an answer with two lengths to the garbage collector.
abandoned = pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")


def only_keys(content):
    if content != b"keys":
        raise ValueError("no keys")
    return content


def of(host, clock=time.monotonic):
    return PublishedKeys(re.compile(rf"http://127\.0\.0\.1:{host.port}/[!-~]*"), only_keys, clock)


@abandoned
@pytest.mark.parametrize("what", HOSTILE)
def test_keys_stay_in_use_however_their_host_fails_and_it_is_asked_again_later(host, what):
    clock = Clock()
    keys = of(host, clock)
    host.answers["keys"] = [GOOD]
    assert keys(host.url("keys")) == b"keys"
    host.answers["keys"] = HOSTILE[what]
    clock.now += KEPT
    began = time.monotonic()
    for fresh in (False, False, True):
        assert keys(host.url("keys"), fresh=fresh) == b"keys"
    assert time.monotonic() - began < 1
    assert host.asked == ["keys"] * 2
    host.answers["keys"] = [GOOD]
    clock.now += RETRY
    assert keys(host.url("keys")) == b"keys"
    assert keys(host.url("keys")) == b"keys"
    assert host.asked == ["keys"] * 3


@abandoned
@pytest.mark.parametrize("what", HOSTILE)
def test_without_keys_a_failing_host_costs_one_request_and_a_moment(host, what, caplog):
    keys = of(host, Clock())
    host.answers["keys"] = HOSTILE[what]
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(Unavailable) as raised:
            keys(host.url("keys"))
        assert isinstance(raised.value, NotPublished) == (what in {"nothing there", "forbidden", "gone"})
    assert time.monotonic() - began < 1
    assert host.asked == ["keys"]
    assert (
        len([record for record in caplog.records if record.levelno >= logging.WARNING and "keys at" in record.msg]) == 1
    )


@abandoned
@pytest.mark.parametrize("what", [what for what in HOSTILE if what != "no answer"])
def test_whatever_githubs_api_answers_its_networks_are_those_known_before(host, what, monkeypatch):
    host.answers["meta"] = HOSTILE[what]
    monkeypatch.setattr(github_networks, "_META", host.url("meta"))
    began, networks = time.monotonic(), GithubNetworks()
    known, foreign = (caller(Webhook({"Client-IP": text}, b"")) for text in ("140.82.115.1", "192.0.2.1"))
    assert known in networks
    assert foreign not in networks
    assert time.monotonic() - began < 1
    assert host.asked == ["meta"]


def test_webhooks_from_a_new_network_wait_for_the_same_answer():
    asked, answered = threading.Event(), threading.Event()

    def answer():
        asked.set()
        assert answered.wait(9)
        return b'{"hooks": ["192.0.2.0/24"]}'

    networks, new = GithubNetworks(answer), caller(Webhook({"Client-IP": "192.0.2.1"}, b""))
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(lambda: new in networks)
        assert asked.wait(9)
        others = [pool.submit(lambda: new in networks) for _ in range(3)]
        wait(others, 0.05)
        answered.set()
        assert [known.result() for known in (first, *others)] == [True] * 4


def test_the_networks_that_githubs_api_names_are_known(host, monkeypatch):
    answer = json.dumps({"hooks": ["192.0.2.0/24"], "actions": ["203.0.113.0/24"] * 40_000}).encode()
    host.answers["meta"] = [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer), answer]
    monkeypatch.setattr(github_networks, "_META", host.url("meta"))
    networks = GithubNetworks()
    assert caller(Webhook({"Client-IP": "192.0.2.1"}, b"")) in networks
    assert caller(Webhook({"Client-IP": "140.82.115.1"}, b"")) not in networks


def test_a_host_that_nobody_vouches_for_has_no_keys(world, entra):
    # The authority of the stand-ins is not among those that requests trusts without their environment.
    with pytest.MonkeyPatch.context() as patch:
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            patch.delenv(name)
        with pytest.raises(Unavailable, match=HOST):
            of_entra()(url(entra))
    assert entra.requests == []


def test_addresses_of_a_stranger_fill_no_memory_and_push_no_keys_out(host):
    keys = of(host)
    host.answers["keys"] = [GOOD]
    keys(host.url("keys"))
    tracemalloc.start()
    for number in range(100):
        with pytest.raises(NotPublished):
            keys(host.url(f"{number}"))
    with pytest.raises(Unavailable):
        PublishedKeys(re.compile("https://contoso[.]com/[a-z]{1,64}"), only_keys)(
            "https://contoso.com/" + "a" * (5 << 20)
        )
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(keys) == MOST
    assert held < 1 << 20
    assert keys(host.url("keys")) == b"keys"
    assert host.asked.count("keys") == 1


def test_keys_of_more_addresses_than_there_are_places_push_out_those_used_least(host):
    keys = of(host)
    for number in range(MOST + 1):
        host.answers[f"{number}"] = [GOOD]
        keys(host.url("0"))
        keys(host.url(f"{number}"))
    assert (len(keys), len(host.asked)) == (MOST, MOST + 1)
    keys(host.url("0"))
    keys(host.url("2"))
    assert len(host.asked) == MOST + 1
    keys(host.url("1"))
    assert host.asked[-1] == "1"


def test_cached_keys_do_not_wait_for_slow_addresses(host):
    keys = of(host)
    host.answers |= {"keys": [GOOD], **{f"{number}": [60] for number in range(10)}}
    keys(host.url("keys"))

    def stranger(number):
        with contextlib.suppress(Unavailable):
            keys(host.url(f"{number}"))

    threads = [threading.Thread(target=stranger, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    began = time.monotonic()
    assert keys(host.url("keys")) == b"keys"
    assert time.monotonic() - began < 0.05
    assert len(host.asked) == 1 + public_keys.AT_ONCE
    for thread in threads:
        thread.join()


def test_while_one_asks_again_the_others_use_what_they_have(host):
    clock = Clock()
    keys = of(host, clock)
    host.answers["keys"] = [GOOD]
    keys(host.url("keys"))
    clock.now += KEPT
    host.answers["keys"] = [0.2, GOOD]
    asking = threading.Thread(target=keys, args=(host.url("keys"),))
    asking.start()
    time.sleep(0.05)
    began = time.monotonic()
    assert keys(host.url("keys")) == b"keys"
    assert time.monotonic() - began < 0.05
    asking.join()
    assert host.asked == ["keys"] * 2


def occupied(host, keys, answer):
    """Lets strangers name as many addresses with that answer as are asked at once; returns when all have failed."""
    addresses = [f"{number}" for number in range(public_keys.AT_ONCE)]
    host.answers |= dict.fromkeys(addresses, answer)

    def stranger(address):
        with contextlib.suppress(Unavailable):
            keys(host.url(address))

    threads = [threading.Thread(target=stranger, args=(address,)) for address in addresses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_an_address_that_only_waited_for_others_is_not_taken_for_failed(host, monkeypatch):
    monkeypatch.setattr(fetching, "_TIMEOUT", 60)  # a slow machine must not end a request between two bytes
    keys = of(host, Clock())
    host.answers["keys"] = [GOOD]
    occupied(host, keys, HOSTILE["headers byte by byte"])
    with pytest.raises(Unavailable):
        keys(host.url("keys"))
    assert "keys" not in host.asked
    host.ending.set()
    assert keys(host.url("keys")) == b"keys"


def test_an_answer_that_comes_too_slowly_gives_its_place_back(host):
    keys = of(host, Clock())
    host.answers["keys"] = [GOOD]
    occupied(host, keys, HOSTILE["a body byte by byte"])
    assert keys(host.url("keys")) == b"keys"


def test_an_answer_without_an_end_is_not_read_until_the_time_is_up(host, monkeypatch):
    monkeypatch.setattr(public_keys, "DEADLINE", 5)
    began = time.monotonic()
    host.answers["keys"] = [b"HTTP/1.1 200 OK\r\n\r\n", *[bytes(1 << 20)] * 1000]
    with pytest.raises(Unavailable):
        of(host)(host.url("keys"))
    assert time.monotonic() - began < 3
    assert host.sent < 32 << 20
