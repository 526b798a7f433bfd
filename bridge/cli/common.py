"""What several commands need: the environment, the bridge, the outbox, and tables."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bridge.app import Bridge, open_storage
from bridge.configuration import Configuration
from bridge.local import config
from bridge.mistakes import mistakes
from bridge.outbox.base import Outbox
from bridge.settings import Settings


def environment() -> Mapping[str, str]:
    """The environment, to which this adds the values of the settings file for the whole process."""
    os.environ.update(_with_file())
    return os.environ


def bridge() -> Bridge:
    """The bridge that the settings describe, for commands that do not deliver anything."""
    return Bridge(Configuration.from_env(_with_file()))


def warnings(app: Bridge) -> list[str]:
    """A sentence for each mistake in settings, routes and templates that stops nothing."""
    return [*app.renderer.problems(), *(mistake.text for mistake in mistakes(app, _with_file()))]


def _with_file() -> dict[str, str]:
    return config.environment(os.environ, Path(), config.port(os.environ))


@contextlib.contextmanager
def outbox() -> Iterator[Outbox]:
    """The outbox that the settings name; with `az login`, also that of an app in Azure."""
    env = environment()
    opened, queue = open_storage(Settings.from_env(env), env)
    with contextlib.closing(opened), contextlib.closing(queue):
        yield opened


def address(port: int) -> str:
    """The URL of this machine at a port."""
    return f"http://127.0.0.1:{port}"


def table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines with aligned columns."""
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return ["  " + "  ".join([*map(str.ljust, row, widths), row[-1]]) for row in rows]
