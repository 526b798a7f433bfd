"""The instances of the app share a rate limit and locks."""

import random

import pytest

from bridge.errors import LeaseLost
from bridge.outbox.sqlite import SqliteOutbox
from bridge.publishing.leases import LEASE, GroupLease, RateLimiter, app_lock, held_until
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


def take_lease(outbox, owner, clock):
    """The group's lease, or when its holder's time is over."""
    read = outbox.read_group("g", clock()).lease
    held = held_until(outbox, read, clock())
    if held is None:
        lease = GroupLease(outbox, read, owner, clock)
        lease.take()
        return lease
    return held


def test_nothing_is_written_before_a_lease_is_taken(outbox, clock):
    first, second = (
        GroupLease(outbox, outbox.read_group("g", clock.now).lease, owner, clock) for owner in ("one", "other")
    )
    first.keep(LEASE - 1)
    first.release()
    assert outbox.read_group("g", clock.now).lease.version == ""
    first.take()
    with pytest.raises(LeaseLost):
        second.take()
    second.release()
    assert outbox.read_group("g", clock.now).lease == first.lease
    first.release()
    assert outbox.read_group("g", clock.now).lease.owner == ""


def test_a_group_that_had_a_digest_has_had_one_for_ever(outbox, clock):
    lease = GroupLease(outbox, outbox.read_group("g", clock.now).lease, "one", clock)
    found = []
    for exists in (False, True, False):
        lease.note_digest(exists=exists)
        found.append(lease.lease.has_digest)
    assert found == [False, True, True]


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
    held = take_lease(outbox, "ahead", lambda: clock.now + 1.5)
    assert take_lease(outbox, "other", clock) == held.lease.expires
    held.keep(2 * LEASE)


def test_a_holder_whose_clock_is_hours_ahead_loses_its_lease_before_another_has_it(outbox, clock):
    held = take_lease(outbox, "ahead", lambda: clock.now + AHEAD)
    assert take_lease(outbox, "other", clock) == clock.now + LEASE
    with pytest.raises(LeaseLost):
        held.keep(2 * LEASE)
    assert take_lease(outbox, "other", clock) == clock.now + LEASE


def test_a_lock_has_one_holder_at_a_time(outbox, clock):
    rng = random.Random(1)
    with app_lock(outbox, "account", clock, rng) as first:
        with app_lock(outbox, "account", clock, rng) as second:
            assert (first, second) == (True, False)
        with app_lock(outbox, "account", clock, rng) as third:
            assert third is False
    with app_lock(outbox, "account", clock, rng) as again:
        assert again is True
