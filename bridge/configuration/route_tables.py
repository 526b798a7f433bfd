"""The routes of BRIDGE_CONFIG, as they are read."""

from collections.abc import Collection, Mapping

from bridge.calendar.hours import Hours
from bridge.configuration.groups import GroupId
from bridge.configuration.hours_tables import hours_of_route
from bridge.limits import MAX_PARTICIPANT, MAX_PARTICIPANTS
from bridge.people import participant_problem
from bridge.receiving.routing import NAMES, Route
from bridge.rendering.expressions import Expression, compiled, fault
from bridge.settings import GRAPH_ID
from bridge.settings.toml_tables import Table

_KEYS = {"when", "groups", "continue", "participants", "conversation", "hours", "unless"}


def routes(document: Table, group_of: GroupId, teams: Collection[str], hours: Mapping[str, Hours]) -> tuple[Route, ...]:
    """The routes of BRIDGE_CONFIG, in their order; what is wrong with one is a problem of the document.

    teams: the names of [teams].
    """
    return tuple(_route(table, group_of, teams, hours) for table in document.tables("route"))


def _route(table: Table, group_of: GroupId, teams: Collection[str], hours: Mapping[str, Hours]) -> Route:
    table.allow(_KEYS)
    when, groups = str(table.values.get("when", "true")), table.values.get("groups")
    if not isinstance(groups, list):
        table.report("needs `groups`, a list of names or object ids; an empty one drops what matches")
        groups = []
    conversation = table.text("conversation", GRAPH_ID, "a conversation's id")
    if conversation and len(groups) != 1:
        table.report_key("conversation", "belongs to one group, so the route needs exactly one")
    return Route(
        when=when,
        matches=_expression(table, "when", when),
        groups=tuple(group_of(table, "groups", group) for group in groups),
        goes_on=table.values.get("continue") is True,
        participants=_participants(table, teams),
        conversation=conversation,
        line=table.place.at("when").line,
        hours=hours_of_route(table, hours),
        unless=_expression(table, "unless", str(table.values["unless"])) if "unless" in table.values else None,
    )


def _expression(table: Table, key: str, text: str) -> Expression:
    """The expression at the key; one that is never true, and a problem, where it is none."""
    problem = fault(text, NAMES)
    if problem:
        table.report_key(key, problem)
    return compiled("false" if problem else text)


def _participants(table: Table, teams: Collection[str]) -> tuple[str, ...]:
    wanted = table.values.get("participants", [])
    wanted = wanted if isinstance(wanted, list) else [wanted]
    if len(wanted) > MAX_PARTICIPANTS or any(len(one) > MAX_PARTICIPANT for one in wanted if isinstance(one, str)):
        limits = f"{MAX_PARTICIPANTS} people, each with {MAX_PARTICIPANT} characters"
        table.report_key("participants", f"may be {limits} at most: put more into the group")
        return ()
    problems = list(dict.fromkeys(filter(None, (participant_problem(one, teams) for one in wanted))))
    for problem in problems:
        table.report_key("participants", problem)
    return () if problems else tuple(wanted)
