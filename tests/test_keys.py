"""Published keys, from Entra under its own name on loopback: seldom asked for, and of nobody else."""

import threading

import pytest

from bridge.errors import Unavailable
from bridge.verification.public_keys import INTERVAL, KEPT, RETRY, PublishedKeys
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


def test_keys_are_kept_for_a_day(entra):
    clock = Clock()
    keys = PublishedKeys({HOST}, clock)
    first = keys(url(entra))
    clock.now += KEPT - 1
    assert keys(url(entra)) == first
    assert len(entra.requests) == 1
    clock.now += 1
    assert keys(url(entra)) == first
    assert len(entra.requests) == 2


def test_a_missing_key_is_fetched_at_most_every_five_minutes(entra):
    clock = Clock()
    keys = PublishedKeys({HOST}, clock)
    for _ in range(5):
        keys(url(entra), fresh=True)
    assert len(entra.requests) == 1
    clock.now += INTERVAL
    for _ in range(5):
        keys(url(entra), fresh=True)
    assert len(entra.requests) == 2


def test_what_is_kept_serves_while_the_host_fails(entra, caplog):
    clock = Clock()
    keys = PublishedKeys({HOST}, clock)
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
    keys = PublishedKeys({HOST}, clock)
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
        "file:///etc/passwd",
        "",
    ],
)
def test_no_other_host_is_asked(world, entra, address):
    with pytest.raises(Unavailable, match="not one of the known hosts"):
        PublishedKeys({HOST})(address)
    assert world.refused_hosts == []
    assert entra.requests == []


def test_many_at_once_ask_once(entra):
    keys = PublishedKeys({HOST})
    found = []
    threads = [threading.Thread(target=lambda: found.append(keys(url(entra)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 8
    assert len(entra.requests) == 1
