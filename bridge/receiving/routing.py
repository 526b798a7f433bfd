"""Which groups want an event: routes in order, each a sandboxed Jinja expression over the event."""

import logging
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from bridge.entries import Target
from bridge.errors import BadWebhook, SettingsError
from bridge.events import Event
from bridge.rendering.expressions import Expression, compiled, fault
from bridge.settings import Group

_logger = logging.getLogger(__name__)

_NAMES = {one.name for one in fields(Event)} | {"thread"}
_KEYS = {"when", "groups", "continue", "participants", "conversation"}
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ADDRESS = re.compile(r"[^<>@\s]+@[^<>@\s]+")
_GRAPH_ID = re.compile(r"[\w=+/-]{4,}")
_MAIL = re.compile(r"[^<>@\s]+@[^<>@\s]+|[^<>]*<[^<>@\s]+@[^<>@\s]+>")


@dataclass(frozen=True)
class Route:
    """One `[[route]]`. groups: object ids; none of them: what matches is dropped.

    conversation: the id of the one in which its threads are started.
    """

    when: str
    groups: tuple[str, ...]
    goes_on: bool
    participants: tuple[str, ...]
    conversation: str
    matches: Expression


@dataclass(frozen=True)
class Decision:
    """Where an event goes, and in words why; no targets: it is dropped."""

    targets: tuple[Target, ...]
    why: str


@dataclass(frozen=True)
class Routes:
    """The groups and routes of the settings.

    default: the group that gets what no route matches, or empty. groups: those of [groups], by their object ids.
    """

    default: str
    names: Mapping[str, str]
    routes: tuple[Route, ...]
    groups: Mapping[str, Group] = field(default_factory=dict)

    @staticmethod
    def from_settings(group: str, config: str) -> "Routes":
        """Reads BRIDGE_GROUP and the TOML text of BRIDGE_CONFIG; SettingsError with every problem of theirs."""
        try:
            document = tomllib.loads(config)
        except tomllib.TOMLDecodeError as error:
            raise SettingsError([f"BRIDGE_CONFIG is not TOML: {error}"]) from error
        problems = [f"BRIDGE_CONFIG has an unknown table [{name}]" for name in sorted(document.keys() - _TABLES)]
        names, known = _groups(document.get("groups", {}), problems)
        tables = document.get("route", [])
        if not isinstance(tables, list):
            problems.append("BRIDGE_CONFIG: a route begins with [[route]], in double brackets")
            tables = []
        routes = [_route(f"BRIDGE_CONFIG: route {n}", table, names, problems) for n, table in enumerate(tables, 1)]
        default = _group_id("BRIDGE_GROUP", group, names, problems) if group else ""
        if not group and not routes:
            problems.append("BRIDGE_GROUP is missing: set it to the object id of the group that receives the posts")
        if problems:
            raise SettingsError(problems)
        return Routes(default, names, tuple(routes), known)

    @property
    def all(self) -> tuple[str, ...]:
        """The object ids of all groups that the settings name."""
        routed = (group for route in self.routes for group in route.groups)
        return tuple(dict.fromkeys(filter(None, (self.default, *self.groups, *routed))))

    def decide(self, event: Event, requested: str = "") -> Decision:
        """Where the event goes.

        requested: the group that the webhook's URL names. It replaces the groups of the route that matches, but not a
            drop; BadWebhook when there is no such group.
        """
        chosen = (self._named(requested),) if requested else ()
        targets: dict[str, Target] = {}
        why: list[str] = []
        for number, route in enumerate(self.routes, 1):
            if not _matches(route, event):
                continue
            what = "drops it" if not route.groups else "matches"
            why.append(f"route {number} {what}: {route.when}")
            for group in (chosen or route.groups) if route.groups else ():
                targets.setdefault(group, Target(group, route.participants, route.conversation))
            if not route.goes_on:
                break
        if why:
            return Decision(tuple(targets.values()), "; ".join(why))
        default = chosen or ((self.default,) if self.default else ())
        reason = "no route matches it: BRIDGE_GROUP" if default else "no route matches it and BRIDGE_GROUP is not set"
        return Decision(tuple(Target(group) for group in default), "?group= in the URL" if chosen else reason)

    def _named(self, name: str) -> str:
        if name in self.names:
            return self.names[name]
        if name in (self.default, *self.names.values()):
            return name
        raise BadWebhook("The URL's ?group= is not a group of the settings: name one of [groups] in BRIDGE_CONFIG.")


_TABLES = {"groups", "route", "sources"}
_GROUP_KEYS = {"id", "mail", "thread", "paused"}


def _matches(route: Route, event: Event) -> bool:
    try:
        return bool(route.matches(**{name: getattr(event, name) for name in _NAMES}))
    except Exception as error:  # noqa: BLE001  whatever a user's expression raises must not cost the event
        _logger.warning("The route `%s` failed and does not match: %s: %s", route.when, type(error).__name__, error)
        return False


def _groups(table: object, problems: list[str]) -> tuple[dict[str, str], dict[str, Group]]:
    """The object ids of named groups, and what is said of each id."""
    if not isinstance(table, dict):
        problems.append("BRIDGE_CONFIG: [groups] must be a table of names and object ids")
        return {}, {}
    names: dict[str, str] = {}
    groups: dict[str, Group] = {}
    for name, value in table.items():
        what = f"BRIDGE_CONFIG: the group {name}"
        group = value if isinstance(value, dict) else {"id": value}
        problems.extend(f"{what} has an unknown key {key!r}" for key in sorted(group.keys() - _GROUP_KEYS))
        names[name] = _group_id(what, group.get("id"), {}, problems)
        groups[names[name]] = Group(
            mail=_text(f"{what}: `mail`", group.get("mail", ""), _ADDRESS, "an address", problems),
            thread=_text(f"{what}: `thread`", group.get("thread", ""), _GRAPH_ID, "a thread's id", problems),
            paused=group.get("paused") is True,
        )
        if not isinstance(group.get("paused", False), bool):
            problems.append(f"{what}: `paused` must be true or false")
    return names, groups


def _text(what: str, value: object, form: re.Pattern[str], meant: str, problems: list[str]) -> str:
    if value == "" or (isinstance(value, str) and form.fullmatch(value)):
        return value
    problems.append(f"{what} must be {meant}")
    return ""


def _group_id(what: str, value: object, names: Mapping[str, str], problems: list[str]) -> str:
    if isinstance(value, str) and value in names:
        return names[value]
    if isinstance(value, str) and _ID.fullmatch(value):
        return value.lower()
    named = " or a name of [groups]" if names else ""
    problems.append(f"{what} is not a group's object id{named}: copy the id from the group's page in Entra")
    return ""


def _route(what: str, table: object, names: Mapping[str, str], problems: list[str]) -> Route:
    if not isinstance(table, dict):
        problems.append(f"{what} is not a table")
        table = {}
    problems.extend(f"{what} has an unknown key {key!r}" for key in sorted(table.keys() - _KEYS))
    when, groups, people = table.get("when", "true"), table.get("groups"), table.get("participants", [])
    if not isinstance(groups, list):
        problems.append(f"{what} needs `groups`, a list of names or object ids; an empty one drops what matches")
        groups = []
    if not isinstance(people, list) or not all(isinstance(one, str) and _MAIL.fullmatch(one) for one in people):
        problems.append(f'{what}: `participants` must be a list of "Name <name@example.com>"')
        people = []
    conversation = _text(
        f"{what}: `conversation`", table.get("conversation", ""), _GRAPH_ID, "a conversation's id", problems
    )
    if conversation and len(groups) != 1:
        problems.append(f"{what}: `conversation` is of one group, so the route needs exactly one")
    return Route(
        when=str(when),
        groups=tuple(_group_id(f"{what}: {group!r}", group, names, problems) for group in groups),
        goes_on=table.get("continue", False) is True,
        participants=tuple(people),
        conversation=conversation,
        matches=_compiled(what, str(when), problems),
    )


def _compiled(what: str, when: str, problems: list[str]) -> Expression:
    if wrong := fault(when, _NAMES):
        problems.append(f"{what}: `when` {wrong}")
        return lambda **_: False
    return compiled(when)
