"""Reads `[hours.<name>]` of BRIDGE_CONFIG."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time, tzinfo

from bridge.calendar.hours import Hours
from bridge.settings.conversions import time_zone
from bridge.settings.toml_tables import Table
from bridge.spelling import hint

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_KEYS = {"days", "from", "to", "zone", "except"}
_TIME = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
_MIDNIGHT = 24  # o'clock: where a day ends


def read_hours(document: Table, zone: tzinfo) -> Mapping[str, Hours]:
    """The hours by their names. zone: of those that name none."""
    table = document.table("hours", "BRIDGE_CONFIG: [hours]")
    return {name: _hours(name, table, zone) for name in table.values}


def hours_of_route(table: Table, hours: Mapping[str, Hours]) -> Hours | None:
    """The hours that a `[[route]]` names."""
    if "hours" not in table.values:
        if "unless" in table.values:
            table.report_key("unless", "says what does not wait for `hours`, and the route has none")
        return None
    name = str(table.values["hours"])
    if table.values.get("groups") == []:
        table.report_key("hours", "makes events wait, and this route drops them: remove it, or give the route groups")
    if name not in hours:
        instead = hint(name, hours) or f": describe them as [hours.{name}]"
        table.report_key("hours", f"names {name!r}, which is not in [hours]{instead}")
    return hours.get(name)


def _hours(name: str, parent: Table, zone: tzinfo) -> Hours:
    where = f"BRIDGE_CONFIG: the hours {name}"
    table = Table.of(where, parent.values[name], parent.problems, parent.place.at(name))
    table.allow(_KEYS)
    begin, end = time_of_day(table, "from"), time_of_day(table, "to")
    if begin is not None and begin == end and table.values.get("to") != "24:00":
        table.report_key("to", "is the same time as `from`: for whole days write 00:00 and 24:00")
    return Hours(
        name=name,
        days=days_of_week(table, "days") or frozenset(range(7)),
        begin=begin or time(),
        end=end or time(),
        zone=zone_of(table, zone),
        closed=_dates(table),
    )


def days_of_week(table: Table, key: str) -> frozenset[int]:
    """Days such as `mon-fri` or `mon, wed, sat`, by their numbers; none, and a problem, where it is something else."""
    value = table.values.get(key, "")
    found: set[int] = set()
    for part in value.split(",") if isinstance(value, str) else ():
        first, _, last = part.partition("-")
        ends = [_weekday(one) for one in ((first, last) if last else (first, first))]
        if None in ends:
            table.report_key(key, f"must be days such as mon-fri, or mon, wed, sat{_meant(part)}")
            return frozenset()
        start, end = (number for number in ends if number is not None)
        found |= {(start + day) % 7 for day in range((end - start) % 7 + 1)}
    if not found:
        table.report_key(key, "must be days such as mon-fri, or mon, wed, sat")
    return frozenset(found)


def _weekday(text: str) -> int | None:
    """The number of a day, by its first three letters or more of them."""
    word = text.strip().lower()
    return next((number for number, day in enumerate(WEEKDAYS) if len(word) >= 3 and day.startswith(word)), None)


def _meant(part: str) -> str:
    words = [word.strip().lower() for word in part.split("-") if _weekday(word) is None]
    return next(filter(None, (hint(word, [day[:3] for day in WEEKDAYS]) for word in words)), "")


def time_of_day(table: Table, key: str) -> time | None:
    """A time such as `08:00`; 24:00 is midnight. None, and a problem, where it is something else."""
    value = table.values.get(key)
    if isinstance(value, time):
        return value
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match and (int(match[1]) < _MIDNIGHT or value == "24:00"):
        return time(int(match[1]) % _MIDNIGHT, int(match[2]))
    table.report_key(key, "must be a time such as 08:00")
    return None


def zone_of(table: Table, default: tzinfo) -> tzinfo:
    """The time zone that the table names."""
    value = table.values.get("zone")
    if value is None:
        return default
    try:
        return time_zone(str(value))
    except ValueError as error:
        table.report_key("zone", str(error))
        return default


def _dates(table: Table) -> frozenset[date]:
    value = table.values.get("except", [])
    try:
        if not isinstance(value, list):
            raise TypeError
        return frozenset(_date(each) for each in value)
    except (TypeError, ValueError):
        table.report_key("except", "must be a list of dates, such as [2026-12-24, 2026-12-25]")
        return frozenset()


def _date(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    return date.fromisoformat(str(value))
