"""What several commands need: the environment, the bridge, the outbox, and the names that people write."""

import contextlib
import os
import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bridge.app import Bridge, open_storage
from bridge.configuration import Configuration
from bridge.deliveries import RouteTrial
from bridge.errors import CommandError, SettingsError
from bridge.local import config
from bridge.local.config import DEMO_GROUP, DEMO_NAME
from bridge.mistakes import mistakes
from bridge.outbox.base import Outbox
from bridge.settings import Settings
from bridge.settings.conversions import is_uuid
from bridge.sources import SOURCES
from bridge.sources.base import Source
from bridge.spelling import FEW, meant

_AGO = re.compile(r"(\d{1,6})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def environment() -> Mapping[str, str]:
    """The environment, to which this adds the values of the settings file for the whole process."""
    os.environ.update(_with_file())
    return os.environ


def bridge() -> Bridge:
    """The bridge that the settings describe, for commands that do not deliver anything."""
    return Bridge(Configuration.from_env(_with_file()))


def warnings(app: Bridge) -> list[str]:
    """A sentence for each mistake in settings, routes and templates that stops nothing."""
    found = (mistake.text for mistake in mistakes(app, _with_file()))
    return [*app.configuration.problems, *app.renderer.problems(), *found]


def _with_file() -> dict[str, str]:
    return config.environment(os.environ, Path(), config.port(os.environ))


@contextlib.contextmanager
def outbox() -> Iterator[Outbox]:
    """The outbox that the settings name; with `az login`, also that of an app in Azure."""
    env = environment()
    opened, queue = open_storage(Settings.from_env(env), env)
    with contextlib.closing(opened), contextlib.closing(queue):
        yield opened


def _configuration() -> Configuration | None:
    """The configuration, if the settings can be read here: those of an app in Azure may be elsewhere."""
    try:
        return Configuration.from_env(environment())
    except (SettingsError, CommandError):
        return None


def group_names() -> Mapping[str, str]:
    """The names of groups by their object ids; none where the settings cannot be read here."""
    configuration = _configuration()
    if configuration is None:
        return {}
    names = {DEMO_GROUP: DEMO_NAME} if DEMO_GROUP in configuration.groups else {}
    return names | {group: known.name for group, known in configuration.groups.items() if known.name}


def known_sources() -> Mapping[str, Source]:
    """The services, with those of BRIDGE_CONFIG where the settings can be read here."""
    configuration = _configuration()
    return configuration.sources if configuration else SOURCES


def group_of(given: str) -> str:
    """The object id of the group with this name or object id; CommandError where no group has it."""
    names = group_names()
    if given in names or is_uuid(given):
        return given.lower()
    if found := next((group for group, name in names.items() if name == given), ""):
        return found
    raise CommandError(unknown("group", given, names.values(), "give a name of [groups], or an object id"))


def check_source(name: str) -> None:
    """CommandError if no service has this name."""
    if name and name not in (sources := known_sources()):
        raise CommandError(unknown("source", name, sources, "`sources` lists them"))


def unknown(what: str, name: str, known: Collection[str], otherwise: str) -> str:
    """The sentence about a name that nothing has. otherwise: what helps if no known name is like it."""
    if like := meant(name, known):
        return f"Unknown {what} {name!r}: did you mean {like}?"
    listed = f"the settings name {', '.join(sorted(known))}; " if 0 < len(known) <= FEW else ""
    return f"Unknown {what} {name!r}: {listed}{otherwise}."


def route_rows(trials: Iterable[RouteTrial]) -> list[tuple[str, str]]:
    """A row for each route that was tried: its answer, and the values that decided."""
    return [
        (f"route {one.number}", f"{one.answer}: {one.when}{f' [{one.values}]' if one.values else ''}") for one in trials
    ]


def utc(at: float) -> str:
    """A time, in seconds since 1970, for people."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def moment(text: str) -> float:
    """The time that a person means: `2h`, or in ISO 8601, in UTC where it has no zone; 0 for nothing."""
    if not text:
        return 0.0
    if ago := _AGO.fullmatch(text.strip()):
        return time.time() - timedelta(**{_UNITS[ago[2]]: int(ago[1])}).total_seconds()
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise CommandError(f"{text!r} is not a time: write 30m, 2h, 3d, or 2026-11-28T14:00.") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def address(port: int) -> str:
    """The URL of this machine at a port."""
    return f"http://127.0.0.1:{port}"
