"""The configuration: the settings, and the groups, routes and sources of BRIDGE_CONFIG, read once.

Every problem with any of them is reported in one SettingsError.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING

from bridge.configuration.groups import GroupId, by_id, group_id, group_named, read_groups
from bridge.events import OWN
from bridge.people import People
from bridge.people import read as read_people
from bridge.receiving.routing import Route, Routes
from bridge.settings import Group, Settings
from bridge.settings.conversions import file_of
from bridge.settings.toml_lines import lines
from bridge.settings.toml_tables import Place, Problems, Table
from bridge.sources import PRESETS, SOURCES, Sources
from bridge.sources.base import Authentication, Source
from bridge.spelling import meant
from bridge.values import dataclass

if TYPE_CHECKING:
    from bridge.calendar.expectations import Expectation
    from bridge.calendar.hours import Hours
    from bridge.calendar.maintenance import Plan
    from bridge.calendar.summaries import StandingSummary
    from bridge.verification.networks import Address, AllowList

_TABLES = {"groups", "hours", "maintenance", "route", "sources", "people", "teams", "expect", "summary"}
# What helps with what Python says of wrong TOML, by how that begins.
_ADVICE = {
    "Expected newline or end of document": "; a text needs quotes",
    "Invalid value": "; a text needs quotes",
    "Illegal character '\\n'": "; a text needs a quote at its end",
    "Expected '='": "; a key and its value stand in one line, with = between them",
    "Cannot overwrite a value": "; the key is there already",
}


@dataclass(frozen=True)
class Configuration:
    """Everything that a person has configured.

    groups: all groups to which posts may go, by their object ids; the default group comes first.
    sources: the bridge's own and those of BRIDGE_CONFIG, by their names.
    authentications: how the senders of a source are authenticated. Webhooks of the other sources need the function key.
    networks: from where the webhooks of a source may come; those of the other sources may come from anywhere.
    people: who the people of services are.
    hours: for which routes make events wait, by their names. maintenance: what is planned.
    expectations: what must come again and again. summaries: of what stands open, and when.
    deprecated: what is called otherwise today, a sentence each.
    """

    settings: Settings
    groups: Mapping[str, Group]
    routes: Routes
    sources: Sources
    authentications: Mapping[str, Authentication]
    networks: Mapping[str, AllowList] = field(default_factory=dict)
    people: People = field(default_factory=People)
    hours: Mapping[str, Hours] = field(default_factory=dict)
    expectations: tuple[Expectation, ...] = ()
    maintenance: Sequence[Plan] = ()
    summaries: tuple[StandingSummary, ...] = ()
    deprecated: Sequence[str] = ()

    @staticmethod
    def from_env(env: Mapping[str, str]) -> Configuration:
        """Reads the environment; SettingsError with every problem, and with no value in any of them."""
        problems = Problems()
        return _read(Settings.read(env, problems), problems)

    @staticmethod
    def of(settings: Settings) -> Configuration:
        """Reads BRIDGE_GROUP and BRIDGE_CONFIG of the settings; SettingsError with every problem."""
        return _read(settings, Problems())

    @property
    def problems(self) -> Sequence[str]:
        """What keeps single sources from accepting webhooks; all else works. No value is in any of them."""
        return [each.problem for each in self.authentications.values() if each.problem]

    @property
    def extended(self) -> Mapping[str, str]:
        """The sources that extend one of the bridge's own, each with the name of that one."""
        return {name: source.extends for name, source in self.sources.declared.items() if source.extends}

    @property
    def replaced(self) -> Collection[str]:
        """The bridge's own sources in whose place BRIDGE_CONFIG declares one of the same name."""
        declared = self.sources.declared.items()
        return {name for name, source in declared if name in SOURCES and source.extends != name}

    @property
    def titles(self) -> Mapping[str, str]:
        """The names of the sources for people, and of the bridge itself."""
        return Titles(self.sources)


class Titles(Mapping[str, str]):
    """The names of the sources for people, and of the bridge itself; each source is imported when it is asked for."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def __getitem__(self, name: str) -> str:
        return "Webhook bridge" if name == OWN else self._sources[name].title

    def __iter__(self) -> Iterator[str]:
        return iter((*self._sources, OWN))

    def __len__(self) -> int:
        return len(self._sources) + 1

    def __contains__(self, name: object) -> bool:
        return name == OWN or name in self._sources


def _read(settings: Settings, problems: Problems) -> Configuration:
    document = _document(settings.config, problems)
    is_readable = not problems.names("BRIDGE_CONFIG")
    document.allow(_TABLES)
    named = read_groups(document)
    ids = {name: group.id for name, group in named.items()}
    sources = Sources(_declared(document))
    known = read_people(document, sources)
    hours = _hours(document, settings)
    group_of = partial(group_named, ids=ids)
    routes = _routes(document, group_of, known, hours)
    maintenance = _maintenance(document, settings, group_of)
    default = group_id(settings.group, "BRIDGE_GROUP", ids, problems) if settings.group else ""
    # Nobody knows whether it is missing where the routes, or what it is set to, cannot be read.
    if is_readable and not (settings.group or routes or problems.names("BRIDGE_GROUP")):
        problems.add("BRIDGE_GROUP is missing: set it to the object id of the group that receives the posts")
    networks = _networks(settings, sources, problems)
    expected = _expectations(document, default, settings, group_of)
    summed_up = _summaries(document, default, settings, group_of)
    informed = [*(group for each in expected for group in each.groups), *(g for each in summed_up for g in each.groups)]
    problems.raise_any()
    return Configuration(
        settings=settings,
        groups=by_id(default, named.values(), routes, informed),
        routes=Routes(default, ids, routes),
        sources=sources,
        authentications={
            name: authentication for name in sources if (authentication := sources.authentication(name, settings))
        },
        networks=networks,
        people=known,
        hours=hours,
        expectations=expected,
        maintenance=maintenance,
        summaries=summed_up,
        deprecated=problems.deprecated,
    )


# What only some settings have is imported where they have it: together that is a fifteenth of a cold start.
def _hours(document: Table, settings: Settings) -> Mapping[str, Hours]:
    if "hours" not in document.values:
        return {}
    from bridge.configuration.hours_tables import read_hours  # noqa: PLC0415

    return read_hours(document, settings.time_zone)


def _routes(document: Table, group_of: GroupId, people: People, hours: Mapping[str, Hours]) -> tuple[Route, ...]:
    if "route" not in document.values:
        return ()
    from bridge.configuration.route_tables import routes  # noqa: PLC0415

    return routes(document, group_of, people.teams, hours)


def _maintenance(document: Table, settings: Settings, group_of: GroupId) -> Sequence[Plan]:
    if "maintenance" not in document.values:
        return ()
    from bridge.configuration.maintenance_tables import read_maintenance  # noqa: PLC0415

    return read_maintenance(document, settings.time_zone, group_of)


def _expectations(document: Table, default: str, settings: Settings, group_of: GroupId) -> tuple[Expectation, ...]:
    if "expect" not in document.values:
        return ()
    from bridge.configuration.expectation_tables import expectations  # noqa: PLC0415

    return expectations(document, default, settings.time_zone, group_of)


def _summaries(document: Table, default: str, settings: Settings, group_of: GroupId) -> tuple[StandingSummary, ...]:
    if "summary" not in document.values:
        return ()
    from bridge.configuration.summary_tables import summaries  # noqa: PLC0415

    return summaries(document, default, settings.time_zone, group_of)


def _networks(settings: Settings, sources: Collection[str], problems: Problems) -> Mapping[str, AllowList]:
    """The allow-lists of the sources."""
    if not settings.networks:
        return {}
    from bridge.verification.networks import AllowList  # noqa: PLC0415

    found: dict[str, AllowList] = {}
    for name, texts in settings.networks.items():
        setting = f"BRIDGE_{name.upper()}_NETWORKS"
        # A typing error must not leave a source open that somebody meant to close.
        if name not in sources:
            like = meant(name, sources)
            instead = (
                f"did you mean `BRIDGE_{like.upper()}_NETWORKS`?" if like else "`python -m bridge sources` lists them"
            )
            problems.add(f"{setting} belongs to no source: {instead}")
        networks = tuple(ipaddress.ip_network(text) for text in texts if text != "github")
        found[name] = AllowList(setting, networks, _published() if "github" in texts else ())
    return found


def _published() -> Container[Address]:
    # Imported here: with its library it costs a tenth of a second.
    from bridge.verification.github_networks import GithubNetworks  # noqa: PLC0415

    return GithubNetworks()


def _document(text: str, problems: Problems) -> Table:
    if not text:
        return Table("BRIDGE_CONFIG", {}, problems)
    # Imported here, as many have no document, and it compiles its expressions when it is imported.
    import tomllib  # noqa: PLC0415

    try:
        return Table("BRIDGE_CONFIG", tomllib.loads(text), problems, Place(lines(text), (), file_of(text)))
    except RecursionError:
        problems.add("BRIDGE_CONFIG cannot be read: it is nested too deeply")
        return Table("BRIDGE_CONFIG", {}, problems)
    # Of a number with thousands of digits Python says so itself.
    except ValueError as error:
        file = f" of {name}" if (name := file_of(text)) else ""
        text, end = str(error).removesuffix(")"), ")" if str(error)[-1:] == ")" else ""
        advice = next((advice for start, advice in _ADVICE.items() if text.startswith(start)), "")
        problems.add(f"BRIDGE_CONFIG is not TOML: {text}{file}{end}{advice}")
        return Table("BRIDGE_CONFIG", {}, problems)


def _declared(document: Table) -> Mapping[str, Source]:
    """The sources of `[sources.<name>]`."""
    tables = document.table("sources", "BRIDGE_CONFIG: [sources]")
    if not tables.values:
        return {}
    # Imported here: it reads expressions, of which most settings have none.
    from bridge.sources import extending  # noqa: PLC0415

    found: dict[str, Source] = {}
    for name, value in tables.values.items():
        table = Table.of(f"BRIDGE_CONFIG: the source {name}", value, tables.problems, tables.place.at(name))
        # A preset that came with an update must not take the name from a source that was declared before.
        if name == OWN or (name in SOURCES and name not in PRESETS):
            table.report("is one of the bridge's own: choose another name")
        found[name] = extending.declared(name, table, SOURCES)
    return found
