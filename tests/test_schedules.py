"""When something is due again: periods, cron lines and times of the week, also where clocks are changed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bridge.calendar.schedules import cron, period, weekly

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


def at(text, zone=UTC):
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def shown(moment, zone=UTC):
    return f"{datetime.fromtimestamp(moment, zone):%a %Y-%m-%d %H:%M}"


@pytest.mark.parametrize(("text", "seconds"), [("26h", 93600), ("90m", 5400), ("7d", 604800), ("1d 2H", 93600)])
def test_periods(text, seconds):
    assert period(text) == seconds


@pytest.mark.parametrize("text", ["", "26", "h", "0h", "daily", "-1h", "1.5h", "26 hours"])
def test_what_is_no_period(text):
    with pytest.raises(ValueError, match="is not a period"):
        period(text)


@pytest.mark.parametrize(
    ("line", "after", "due"),
    [
        ("0 2 * * mon-fri", "2026-11-27T02:00", "Mon 2026-11-30 02:00"),
        ("0 2 * * mon-fri", "2026-11-27T01:59", "Fri 2026-11-27 02:00"),
        ("*/15 8-17 * * *", "2026-11-27T17:45", "Sat 2026-11-28 08:00"),
        ("30 6 1 * *", "2026-11-27T00:00", "Tue 2026-12-01 06:30"),
        ("0 0 29 feb *", "2026-11-27T00:00", "Tue 2028-02-29 00:00"),
        ("0 0 13 * fri", "2026-11-06T00:00", "Fri 2026-11-13 00:00"),  # as in cron: one of both is enough
        ("0 0 13 * fri", "2026-11-13T00:00", "Fri 2026-11-20 00:00"),
        ("5 4 * * 7", "2026-11-28T00:00", "Sun 2026-11-29 04:05"),
        ("0 9 * * fri-mon", "2026-11-28T10:00", "Sun 2026-11-29 09:00"),
        ("0 22-2/2 * * *", "2026-11-28T22:30", "Sun 2026-11-29 00:00"),
    ],
)
def test_cron_lines(line, after, due):
    assert shown(cron(line, UTC).next_after(at(after))) == due


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("0 2 * *", "five fields"),
        ("60 2 * * *", "'60' where only 0 to 59"),
        ("0 2 * * funday", "'funday' where"),
        ("0 2 * foo *", "or jan and so on"),
        ("*/0 * * * *", "a step that is not a number"),
        ("0 0 31 2 *", "never comes"),
    ],
)
def test_what_is_no_cron_line(line, problem):
    with pytest.raises(ValueError, match=problem):
        cron(line, UTC)


def test_a_time_that_does_not_exist_counts_as_late_as_the_clocks_were_put_forward():
    due = cron("30 2 * * *", BERLIN).next_after(at("2026-03-28T12:00"))
    assert shown(due, BERLIN) == "Sun 2026-03-29 03:30"
    assert shown(cron("30 2 * * *", BERLIN).next_after(due), BERLIN) == "Mon 2026-03-30 02:30"


def test_a_time_that_exists_twice_counts_once():
    line = cron("30 2 * * *", BERLIN)
    first = line.next_after(at("2026-10-24T12:00"))
    assert shown(first) == "Sun 2026-10-25 00:30"
    assert shown(line.next_after(first)) == "Mon 2026-10-26 01:30"


def test_times_of_the_week():
    monday = weekly("mon 09:00", NEW_YORK)
    assert shown(monday.next_after(at("2026-11-28T12:00")), NEW_YORK) == "Mon 2026-11-30 09:00"
    assert shown(weekly("mon-fri 08:30", UTC).next_after(at("2026-11-27T08:30"))) == "Mon 2026-11-30 08:30"
    assert shown(weekly("09:00", UTC).next_after(at("2026-11-27T08:30"))) == "Fri 2026-11-27 09:00"
    for wrong in ("mon", "9", "mon 25:00", "someday 09:00"):
        with pytest.raises(ValueError, match=r"is not a time|where only .* are possible"):
            weekly(wrong, UTC)


def test_the_latest_time_until_a_moment():
    monday = weekly("mon 09:00", UTC)
    assert shown(monday.last_until(at("2026-11-30T09:00"))) == "Mon 2026-11-30 09:00"
    assert shown(monday.last_until(at("2026-11-30T08:59"))) == "Mon 2026-11-23 09:00"
    assert cron("0 0 29 2 *", UTC).last_until(at("2026-11-30T08:59")) is None


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("America/Havana")])
def test_over_a_year_the_times_of_a_day_come_once_each(zone):
    line, moment, found = cron("30 0,2 * * *", zone), at("2026-01-01T12:00"), []
    for _ in range(730):
        later = line.next_after(moment)
        assert moment < later <= moment + 26 * 3600
        found.append(later)
        moment = later
    assert abs(moment - at("2027-01-01T12:00")) < 86400
