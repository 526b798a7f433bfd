"""The groups of BRIDGE_CONFIG: `[groups]`, and the groups that other tables name."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from bridge.receiving.routing import Route
from bridge.settings import GRAPH_ID, Group
from bridge.settings.conversions import is_uuid
from bridge.settings.toml_tables import Place, Problems, Table
from bridge.spelling import hint

GroupId = Callable[[Table, str, object], str]
"""The object id of a group that a table names at a key; a problem, and an empty text, where there is none."""

_KEYS = {"id", "mail", "thread", "paused"}
_ADDRESS = re.compile(r"[^<>@\s]+@[^<>@\s]+")


def read_groups(document: Table) -> Mapping[str, Group]:
    """The groups of `[groups]`, by their names."""
    table = document.table("groups", "BRIDGE_CONFIG: [groups]")
    return {name: _group(name, table) for name in table.values}


def _group(name: str, groups: Table) -> Group:
    where, value, problems = f"BRIDGE_CONFIG: the group {name}", groups.values[name], groups.problems
    place = groups.place.at(name)
    table = Table.of(where, value if isinstance(value, Mapping) else {"id": value}, problems, place)
    table.allow(_KEYS)
    return Group(
        id=group_id(table.values.get("id"), where, {}, problems, place),
        name=name,
        mail=table.text("mail", _ADDRESS, "an address"),
        thread=table.text("thread", GRAPH_ID, "a thread's id"),
        paused=table.flag("paused"),
    )


def group_id(value: object, where: str, ids: Mapping[str, str], problems: Problems, place: Place | str = "") -> str:
    """The object id that the value is or, as a name of [groups], stands for."""
    if isinstance(value, str) and value in ids:
        return ids[value]
    if isinstance(value, str) and is_uuid(value):
        return value.lower()
    alternative = " or a name of [groups]" if ids else ""
    like = hint(str(value), ids)
    what_helps = like or ": copy the id from the group's page in Entra"
    problems.add(f"{where} is not a group's object id{alternative}{what_helps}{place}")
    return ""


def group_named(table: Table, key: str, group: object, *, ids: Mapping[str, str]) -> str:
    """The object id of a group that a table names at a key; with `ids` given, this is a `GroupId`."""
    return group_id(group, f"{table.where}: {group!r}", ids, table.problems, table.place.at(key))


def by_id(
    default: str, named: Iterable[Group], routes: Sequence[Route], informed: Iterable[str]
) -> Mapping[str, Group]:
    """All groups to which posts may go, by their object ids; the default one comes first."""
    known = {group.id: group for group in named}
    routed = (group for route in routes for group in route.groups)
    ids = dict.fromkeys(filter(None, (default, *known, *routed, *informed)))
    return {group: known.get(group, Group(group)) for group in ids}
