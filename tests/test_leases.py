"""The instances of the app share a rate limit and locks."""

import random

import pytest

from bridge.errors import LeaseLost
from bridge.outbox.sqlite import SqliteOutbox
from bridge.publishing.leases import LEASE, HeldLease, RateLimiter, app_lock, take_lease
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


AHEAD = 6 * 3600


def test_a_lock_that_a_clock_hours_ahead_has_left_counts_for_its_own_length(outbox, clock):
    rng = random.Random(1)
    outbox.acquire("slots", "account", "dead", clock.now + AHEAD, clock.now + AHEAD + LEASE)
    for seconds, got in ((0, False), (LEASE - 1, False), (3, True)):
        clock.now += seconds
        with app_lock(outbox, "account", clock, rng) as locked:
            assert locked is got


def test_permits_that_a_clock_hours_ahead_has_taken_count_for_a_minute(outbox, clock):
    ahead = limiter(outbox, lambda: clock.now + AHEAD)
    assert [ahead.take() for _ in range(30)] == [0.0] * 30
    own = limiter(outbox, clock, 2)
    assert 0 < own.take() <= 60
    clock.now += 61
    assert [own.take() for _ in range(30)] == [0.0] * 30


def test_a_holder_whose_clock_is_a_little_ahead_keeps_its_lease(outbox, clock):
    held = take_lease(outbox, "g", "ahead", lambda: clock.now + 1.5)
    assert isinstance(held, HeldLease)
    assert take_lease(outbox, "g", "other", clock) == held.lease.expires
    held.keep(2 * LEASE)


def test_a_holder_whose_clock_is_hours_ahead_loses_its_lease_before_another_has_it(outbox, clock):
    held = take_lease(outbox, "g", "ahead", lambda: clock.now + AHEAD)
    assert take_lease(outbox, "g", "other", clock) == clock.now + LEASE
    with pytest.raises(LeaseLost):
        held.keep(2 * LEASE)
    assert take_lease(outbox, "g", "other", clock) == clock.now + LEASE


def test_a_lock_has_one_holder_at_a_time(outbox, clock):
    rng = random.Random(1)
    with app_lock(outbox, "account", clock, rng) as first:
        with app_lock(outbox, "account", clock, rng) as second:
            assert (first, second) == (True, False)
        with app_lock(outbox, "account", clock, rng) as third:
            assert third is False
    with app_lock(outbox, "account", clock, rng) as again:
        assert again is True
