"""Who the people of services are: the tables `[people]` and `[teams]` of BRIDGE_CONFIG.

A service knows a person by a login, a name or an address; only people whom `[people]` names are invited. An address
that a service sends is looked up like a login: anybody can put any address into a commit.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import field
from email.utils import parseaddr

from bridge.events import Event, Person
from bridge.limits import MAX_PARTICIPANT, MAX_PARTICIPANTS
from bridge.settings.toml_tables import Table
from bridge.spelling import hint
from bridge.values import dataclass

ROLES = ("author", "owner", "reviewers", "assignees")
ROLE, TEAM = "@", "team:"  # what a role and a team begin with among the participants of a route
_PERSON = r"[^<>@\s]+@[^<>@\s]+|[^<>]*<[^<>@\s]+@[^<>@\s]+>"
_LOGIN = "{login}"
# What the star of a pattern stands for: it becomes a part of an address.
_ANY_LOGIN = r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
_FORM = '"Name <name@example.com>"'
_WRONG = f"must be a list of {_FORM}, roles such as `@reviewers`, and teams such as `team:platform`"


@dataclass(frozen=True)
class Pattern:
    """A line of `[people]` with a star. source: empty for any. form: a regular expression of handles, folded."""

    source: str
    form: re.Pattern[str]
    value: str

    def of(self, source: str, handle: str) -> str:
        """What the line says of a handle; empty if it says nothing."""
        match = self.form.fullmatch(handle) if self.source in ("", source) else None
        return self.value.replace(_LOGIN, match[1].lower()) if match else ""


@dataclass(frozen=True)
class People:
    """The people of `[people]`, by `source:handle` or `handle` in small letters, and the members of `[teams]`.

    A value is "Name <address>", an address, `team:<name>`, or nothing, for who is not to be written to.
    """

    known: Mapping[str, str] = field(default_factory=dict)
    patterns: tuple[Pattern, ...] = ()
    teams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def find(self, source: str, person: Person) -> tuple[str, ...] | None:
        """The participants that a person of a source stands for: one, none, or those of a team; None if unknown."""
        for handle in filter(None, person):
            for key in (f"{source}:{handle}", handle):
                if (value := self.known.get(key.casefold())) is not None:
                    return self._participants(value)
        for handle in person:
            for pattern in self.patterns:
                if value := pattern.of(source, handle):
                    return self._participants(value)
        return None

    def _participants(self, value: str) -> tuple[str, ...]:
        if value.startswith(TEAM):
            return self.teams.get(value.removeprefix(TEAM), ())
        return (value,) if value else ()

    def names(self, event: Event) -> Mapping[str, str]:
        """The names that `[people]` gives to people of an event, by what the service calls them."""
        found: dict[str, str] = {}
        for person in (*(one for people in event.people.values() for one in people), (event.actor,)):
            participants = self.find(event.source, person) or ()
            name = name_of(participants[0]) if len(participants) == 1 else ""
            found |= dict.fromkeys(person, name) if name else {}
        return found

    def name(self, source: str, handle: str) -> str:
        """The name that `[people]` gives to a handle; empty if it gives none."""
        value = self.known.get(f"{source}:{handle}".casefold()) or self.known.get(handle.casefold(), "")
        return name_of(value)


def name_of(participant: str) -> str:
    """The name in "Name <address>"; empty where there is none."""
    return parseaddr(participant)[0] if "<" in participant else ""


def address_of(participant: str) -> str:
    """The address of a participant, in small letters."""
    return parseaddr(participant)[1].lower()


def read(document: Table, sources: Collection[str]) -> People:
    """The people and teams of BRIDGE_CONFIG; what is wrong with them is a problem of the document."""
    teams = _teams(document)
    table = document.table("people", "BRIDGE_CONFIG: [people]")
    known: dict[str, str] = {}
    patterns: list[Pattern] = []
    for key, value in table.values.items():
        problem = _problem(key, value, sources, teams)
        if problem:
            table.report_key(key, problem)
        elif "*" in key:
            source, handle = _parts(key)
            before, after = (re.escape(part) for part in handle.split("*"))
            patterns.append(Pattern(source, re.compile(f"{before}{_ANY_LOGIN}{after}", re.IGNORECASE), value))
        else:
            known[key.casefold()] = value.strip()
    return People(known, tuple(patterns), teams)


def _teams(document: Table) -> Mapping[str, tuple[str, ...]]:
    table = document.table("teams", "BRIDGE_CONFIG: [teams]")
    found: dict[str, tuple[str, ...]] = {}
    for name, members in table.values.items():
        found[name] = ()
        if not (isinstance(members, list) and all(map(is_participant, members))):
            table.report_key(name, f"must be a list of {_FORM}")
        elif len(members) > MAX_PARTICIPANTS:
            table.report_key(name, f"may have {MAX_PARTICIPANTS} members at most: make a group of more")
        else:
            found[name] = tuple(members)
    return found


def _problem(key: str, value: object, sources: Collection[str], teams: Collection[str]) -> str:
    """What is wrong with a line of `[people]`; empty if nothing is."""
    source, handle = _parts(key)
    if source and source not in sources:
        return f"begins with the name of no source{hint(source, sources)}"
    if not isinstance(value, str):
        return f"must be {_FORM}, an address, or a team of [teams] as `team:<name>`"
    if value.startswith(TEAM):
        return unknown_team(value, teams)
    if handle.count("*") > 1:
        return "may have one `*`"
    if ("*" in handle) != (_LOGIN in value):
        return f"needs a `*` where its value has {_LOGIN}, and {_LOGIN} in the value for its `*`"
    return "" if not value or is_participant(value.replace(_LOGIN, "x")) else f"must be {_FORM} or an address"


def unknown_team(participant: str, teams: Collection[str]) -> str:
    """What is wrong with `team:<name>`; empty if there is such a team."""
    name = participant.removeprefix(TEAM)
    return "" if name in teams else f"names a team that is not in [teams]{hint(name, teams)}"


def participant_problem(participant: object, teams: Collection[str]) -> str:
    """What is wrong with one of the `participants` of a route; empty if nothing is."""
    if not isinstance(participant, str):
        return _WRONG
    if participant.startswith(ROLE):
        role = participant.removeprefix(ROLE)
        return "" if role in ROLES else f"names no role{hint(role, ROLES, ROLE)}"
    if participant.startswith(TEAM):
        return unknown_team(participant, teams)
    return "" if is_participant(participant) else _WRONG


def is_participant(value: object) -> bool:
    """Whether a value of BRIDGE_CONFIG is an address, or a name with one."""
    return isinstance(value, str) and len(value) <= MAX_PARTICIPANT and re.fullmatch(_PERSON, value) is not None


def _parts(key: str) -> tuple[str, str]:
    """The source and the handle of a key; the source is empty where the line is for all of them."""
    source, colon, handle = key.partition(":")
    return (source, handle) if colon and re.fullmatch(r"[a-z][a-z0-9_]*", source) else ("", key)
