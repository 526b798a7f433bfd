"""The summaries of BRIDGE_CONFIG: `[[summary]]`."""

from datetime import UTC, tzinfo

from bridge.calendar.schedules import Calendar, weekly
from bridge.calendar.summaries import NAMES, StandingSummary
from bridge.configuration.expectation_tables import groups_of, name_of, when_of, zone_of
from bridge.configuration.groups import GroupId
from bridge.rendering.expressions import compiled
from bridge.settings.toml_tables import Table

_KEYS = {"name", "every", "zone", "when", "group", "groups", "rows"}
_MOST, _USUAL = 40, 20  # rows


def summaries(document: Table, default: str, zone: tzinfo, group_of: GroupId) -> tuple[StandingSummary, ...]:
    """All of them. default: the group of those that name none, or empty. zone: of those that name none."""
    found: dict[str, StandingSummary] = {}
    for table in document.tables("summary"):
        summary = _summary(table, default, zone, group_of)
        if summary.name in found:
            table.report("needs a `name` that no other summary has", "name")
        found[summary.name] = summary
    return tuple(found.values())


def _summary(table: Table, default: str, zone: tzinfo, group_of: GroupId) -> StandingSummary:
    table.allow(_KEYS)
    when = when_of(table, NAMES) if "when" in table.values else "true"
    return StandingSummary(
        name=name_of(table) if "name" in table.values else "Summary",
        when=when,
        matches=compiled(when),
        times=_times(table, zone_of(table, zone)),
        groups=groups_of(table, default, group_of),
        most=_rows(table),
        line=table.place.at("when").line,
    )


def _times(table: Table, zone: tzinfo) -> Calendar:
    try:
        return weekly(str(table.values.get("every", "")), zone)
    except ValueError as error:
        table.report_key("every", str(error))
        return weekly("mon 09:00", UTC)


def _rows(table: Table) -> int:
    most = table.values.get("rows", _USUAL)
    if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= _MOST:
        table.report_key("rows", f"must be a whole number from 1 to {_MOST}")
        return _USUAL
    return most
