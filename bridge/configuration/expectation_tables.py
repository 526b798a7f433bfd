"""The expectations of BRIDGE_CONFIG: `[[expect]]`."""

from collections.abc import Sequence
from datetime import UTC, tzinfo

from bridge.calendar.expectations import At, Every, Expectation
from bridge.calendar.schedules import Calendar, cron, period
from bridge.configuration.groups import GroupId
from bridge.events import Severity
from bridge.receiving.routing import NAMES
from bridge.rendering.expressions import compiled, fault
from bridge.settings import conversions
from bridge.settings.toml_tables import Table
from bridge.spelling import hint

_KEYS = {"name", "when", "every", "cron", "grace", "zone", "group", "groups", "severity"}
_LEAST = 300.0  # seconds between two looks
_MOST = 50
_LONGEST_NAME = 60  # characters


def expectations(document: Table, default: str, zone: tzinfo, group_of: GroupId) -> tuple[Expectation, ...]:
    """All of them. default: the group of those that name none, or empty. zone: of those that name none."""
    found: dict[str, Expectation] = {}
    for number, table in enumerate(document.tables("expect"), 1):
        if number > _MOST:
            table.report(f"is one too many: there may be {_MOST}")
            break
        expectation = _expectation(table, default, zone, group_of)
        if expectation.name in found:
            table.report_key("name", "is that of another expectation: it is known by its name")
        found[expectation.name] = expectation
    return tuple(found.values())


def _expectation(table: Table, default: str, zone: tzinfo, group_of: GroupId) -> Expectation:
    table.allow(_KEYS)
    when = when_of(table, NAMES)
    return Expectation(
        name=name_of(table),
        when=when,
        matches=compiled(when),
        schedule=_schedule(table, zone),
        groups=groups_of(table, default, group_of),
        severity=_severity(table),
        line=table.place.at("when").line,
    )


def name_of(table: Table) -> str:
    """The name of an expectation or a summary; empty, and a problem, where it has none."""
    name = table.values.get("name")
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name.strip()) <= _LONGEST_NAME:
        table.report(f"needs a `name` of at most {_LONGEST_NAME} characters, which its posts show", "name")
        return ""
    return " ".join(name.split())


def when_of(table: Table, names: frozenset[str]) -> str:
    """The expression at `when`; `false`, and a problem, where it is missing or at fault."""
    when = table.values.get("when")
    if not isinstance(when, str) or not when.strip():
        table.report("needs `when`, an expression such as those of routes", "when")
        return "false"
    if problem := fault(when, names):
        table.report_key("when", problem)
        return "false"
    return when


def groups_of(table: Table, default: str, group_of: GroupId) -> tuple[str, ...]:
    """The groups that a table names, or the default one; a problem where there is none."""
    own = table.values.get("groups", [table.values["group"]] if "group" in table.values else None)
    if own is None and default:
        return (default,)
    if not isinstance(own, list) or not own or ("group" in table.values and "groups" in table.values):
        table.report(
            "needs `group` or `groups`, names or object ids, or BRIDGE_GROUP"
            if own is None
            else "needs one of `group` and `groups`, and in it a name or an object id at least"
        )
        return ()
    key = "groups" if "groups" in table.values else "group"
    return tuple(dict.fromkeys(group_of(table, key, group) for group in own))


def _schedule(table: Table, default: tzinfo) -> Every | At:
    values = table.values
    if ("every" in values) == ("cron" in values):
        table.report('needs one of `every`, such as "26h", and `cron`, such as "0 2 * * mon-fri"')
        return Every("1d", 86400.0)
    if "every" in values:
        for key in sorted({"grace", "zone"} & values.keys()):
            table.report_key(key, "belongs to `cron`; what `every` allows includes all delay")
        seconds = _period(table, "every", 86400.0)
        return Every(str(values["every"]).strip(), seconds)
    zone = zone_of(table, default)
    grace = str(values.get("grace", "1h")).strip()
    return At(_calendar(table, zone), _period(table, "grace", 3600.0), grace)


def _period(table: Table, key: str, default: float) -> float:
    text = table.values.get(key)
    if text is None:
        return default
    try:
        seconds = period(str(text))
    except ValueError as error:
        table.report_key(key, str(error))
        return default
    if seconds < _LEAST:
        table.report_key(key, "is shorter than five minutes, the time between two looks")
    return seconds


def _calendar(table: Table, zone: tzinfo) -> Calendar:
    try:
        return cron(str(table.values["cron"]), zone)
    except ValueError as error:
        table.report_key("cron", str(error))
        return cron("0 0 * * *", UTC)


def zone_of(table: Table, default: tzinfo) -> tzinfo:
    """The zone that a table names, or the default one."""
    if "zone" not in table.values:
        return default
    try:
        return conversions.time_zone(str(table.values["zone"]))
    except ValueError as error:
        table.report_key("zone", str(error))
        return default


def _severity(table: Table) -> Severity:
    known: Sequence[str] = [str(one) for one in Severity]
    severity = str(table.values.get("severity", Severity.ERROR))
    if severity not in known:
        table.report_key("severity", f"must be one of {', '.join(known)}{hint(severity, known)}")
        return Severity.ERROR
    return Severity(severity)
