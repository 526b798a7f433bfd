"""Opening hours by themselves: what is open, what opens next, and the clocks of three zones."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bridge.calendar.hours import Hours
from tests.amounts import FUZZ

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Hours("office", frozenset(range(5)), time(8), time(18), BERLIN, frozenset({date(2026, 12, 25)}))
NIGHT = replace(OFFICE, begin=time(22), end=time(6))
ALWAYS = Hours("always", frozenset(range(7)), time(), time(), BERLIN)
EARLY = Hours("early", frozenset(range(7)), time(2, 30), time(4), BERLIN)
YEAR = frozenset(date(2026, 1, 1) + timedelta(number) for number in range(365))
SKIPPED = replace(EARLY, end=time(3, 15))


def at(text, zone=BERLIN):
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("hours", "moment", "opens"),
    [
        pytest.param(OFFICE, "2026-11-27T17:59", "2026-11-27T17:59", id="a Friday afternoon is open"),
        pytest.param(OFFICE, "2026-11-27T18:00", "2026-11-30T08:00", id="the end is no part of the hours"),
        pytest.param(OFFICE, "2026-11-27T08:00", "2026-11-27T08:00", id="the beginning is"),
        pytest.param(OFFICE, "2026-11-27T07:59", "2026-11-27T08:00", id="in the morning of the same day"),
        pytest.param(OFFICE, "2026-12-24T19:00", "2026-12-28T08:00", id="over a holiday and a weekend"),
        pytest.param(OFFICE, "2028-02-28T19:00", "2028-02-29T08:00", id="a leap day is a day like others"),
        pytest.param(OFFICE, "2027-02-28T19:00", "2027-03-01T08:00", id="and there is none in other years"),
        pytest.param(NIGHT, "2026-11-27T23:00", "2026-11-27T23:00", id="across midnight, before it"),
        pytest.param(NIGHT, "2026-11-28T05:59", "2026-11-28T05:59", id="across midnight, after it"),
        pytest.param(NIGHT, "2026-11-28T06:00", "2026-11-30T22:00", id="a Friday's night ends on Saturday"),
        pytest.param(ALWAYS, "2026-11-28T00:00", "2026-11-28T00:00", id="from midnight to midnight"),
        pytest.param(EARLY, "2026-03-29T01:59", "2026-03-29T03:30", id="a time that the clock skips comes after it"),
        pytest.param(SKIPPED, "2026-03-29T01:59", "2026-03-30T02:30", id="what would end before it begins is skipped"),
        pytest.param(EARLY, "2026-10-25T02:29", "2026-10-25T02:30", id="a time that comes twice begins the first time"),
    ],
)
def test_hours_open(hours, moment, opens):
    assert hours.open_from(at(moment)) == at(opens).astimezone(UTC)
    assert hours.are_open(at(moment)) == (moment == opens)


def test_hours_that_end_at_a_time_that_comes_twice_end_the_second_time():
    hours = replace(EARLY, begin=time(1), end=time(2, 30))
    first, second = (datetime(2026, 10, 25, 0, 45, tzinfo=UTC), datetime(2026, 10, 25, 1, 15, tzinfo=UTC))
    assert hours.are_open(first)
    assert hours.are_open(second)
    assert not hours.are_open(datetime(2026, 10, 25, 1, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("hours", "moment", "since"),
    [
        (OFFICE, "2026-11-28T12:00", "2026-11-27T18:00"),
        (OFFICE, "2026-11-30T07:59", "2026-11-27T18:00"),
        (OFFICE, "2026-12-26T07:59", "2026-12-24T18:00"),
        (NIGHT, "2026-11-30T12:00", "2026-11-28T06:00"),
        (OFFICE, "2026-11-27T12:00", None),
        (ALWAYS, "2026-11-27T12:00", None),
        (
            replace(OFFICE, closed=YEAR),
            "2026-12-30T12:00",
            None,
        ),
    ],
)
def test_hours_are_closed_since(hours, moment, since):
    assert hours.closed_since(at(moment)) == (at(since) if since else None)


def test_over_a_year_in_three_zones_hours_are_what_the_clock_on_the_wall_says():
    """Each moment against the naive reading of the local clock, on both sides of every change of clocks."""
    rng = random.Random(1)
    for zone in map(ZoneInfo, ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")):
        hours = replace(OFFICE, zone=zone)
        for _ in range(20_000 if FUZZ else 400):
            moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.randrange(366 * 86400))
            local = moment.astimezone(zone)
            is_open = local.weekday() < 5 and time(8) <= local.time() < time(18) and local.date() != date(2026, 12, 25)
            opens = hours.open_from(moment)
            assert hours.are_open(moment) == is_open
            assert opens >= moment
            assert hours.are_open(opens)
            assert is_open or opens.astimezone(zone).time() == time(8)
            # What opens next is the same whenever before it one asks: the entries of a weekend all wait until then.
            assert hours.open_from(moment + (opens - moment) / 2) in (opens, moment + (opens - moment) / 2)
