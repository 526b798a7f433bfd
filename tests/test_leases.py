"""The instances of the app share a rate limit and locks."""

import random

import pytest

from bridge.outbox.sqlite import SqliteOutbox
from bridge.publishing.leases import RateLimiter, app_lock
from tests.outbox_stand_ins import Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def outbox(tmp_path):
    made = SqliteOutbox(tmp_path / "outbox.sqlite")
    yield made
    made.close()


def limiter(outbox, clock, seed=1):
    return RateLimiter(outbox, "mail", 30, 60.0, clock, random.Random(seed))


def test_thirty_a_minute_are_permitted_and_the_next_one_says_when(outbox, clock):
    own = limiter(outbox, clock)
    assert [own.take() for _ in range(30)] == [0.0] * 30
    clock.now += 20
    assert own.take() == pytest.approx(40)
    clock.now += 40
    assert [own.take() for _ in range(30)] == [0.0] * 30
    assert own.take() > 0


def test_instances_share_the_minute(outbox, clock):
    instances = [limiter(outbox, clock, seed) for seed in range(3)]
    waits = [instances[number % 3].take() for number in range(60)]
    assert waits.count(0.0) == 30


def test_a_lock_has_one_holder_at_a_time(outbox, clock):
    rng = random.Random(1)
    with app_lock(outbox, "account", clock, rng) as first:
        with app_lock(outbox, "account", clock, rng) as second:
            assert (first, second) == (True, False)
        with app_lock(outbox, "account", clock, rng) as third:
            assert third is False
    with app_lock(outbox, "account", clock, rng) as again:
        assert again is True
