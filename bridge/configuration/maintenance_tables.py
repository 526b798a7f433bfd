"""Reads `[[maintenance]]` of BRIDGE_CONFIG."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, tzinfo

from bridge.calendar.hours import Hours
from bridge.calendar.maintenance import NAMES, Plan
from bridge.configuration.groups import GroupId
from bridge.configuration.hours_tables import days_of_week, time_of_day, zone_of
from bridge.rendering.expressions import fault
from bridge.settings.toml_tables import Table

_KEYS = {"match", "note", "groups", "days", "from", "to", "zone"}
LONGEST_NOTE = 200  # characters


def read_maintenance(document: Table, zone: tzinfo, group_of: GroupId) -> Sequence[Plan]:
    """What is planned. zone: of those that name none."""
    return tuple(_plan(table, zone, group_of) for table in document.tables("maintenance"))


def match_problem(match: str) -> str:
    """What is wrong with the expression of a window, or an empty string."""
    if not match.strip():
        return "is empty: say which events are collected, such as scope == 'db-03'; true is all of them"
    return fault(match, NAMES)


def _plan(table: Table, zone: tzinfo, group_of: GroupId) -> Plan:
    table.allow(_KEYS)
    match, note = str(table.values.get("match", "")), str(table.values.get("note", ""))
    if problem := match_problem(match):
        table.report_key("match", problem)
    if len(note) > LONGEST_NOTE:
        table.report_key("note", f"has more than {LONGEST_NOTE} characters")
    groups = table.values.get("groups", [])
    if not isinstance(groups, list):
        table.report_key("groups", "must be a list of names or object ids")
        groups = []
    ids = tuple(group_of(table, "groups", group) for group in groups)
    own = zone_of(table, zone)
    if "days" in table.values:
        return Plan(match, note, ids, weekly=_weekly(table, own))
    return Plan(match, note, ids, once=_once(table, own))


def _weekly(table: Table, zone: tzinfo) -> Hours:
    begin, end = time_of_day(table, "from"), time_of_day(table, "to")
    if begin is not None and begin == end and table.values.get("to") != "24:00":
        table.report_key("to", "is the same time as `from`: for whole days write 00:00 and 24:00")
    days = days_of_week(table, "days") or frozenset(range(7))
    return Hours(table.where, days, begin or time(), end or time(), zone)


def _once(table: Table, zone: tzinfo) -> tuple[datetime, datetime]:
    begin, end = _moment(table, "from", zone), _moment(table, "to", zone)
    if begin and end and begin >= end:
        table.report_key("to", "is not after `from`")
    nothing = datetime.fromtimestamp(0, UTC)
    return begin or nothing, end or nothing


def _moment(table: Table, key: str, zone: tzinfo) -> datetime | None:
    value = table.values.get(key)
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        form = "2026-12-05T22:00, or a time such as 02:00 with `days`"
        table.report_key(key, f"must be a moment such as {form}")
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
