"""Commands that run a server: `run` and `fake-graph`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridge.cli.command import Command
from bridge.cli.common import address, bridge, environment, warnings
from bridge.cli.output import print_lines, state, table
from bridge.cli.parameters import port_option
from bridge.errors import SettingsError
from bridge.local import config
from bridge.program import program

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SAMPLE = "send github pull_request.opened"
_PERMISSIONS = {
    "open": "a stand-in that permits everything; BRIDGE_LOCAL_PERMISSIONS=microsoft permits only what Microsoft does",
    "microsoft": "a stand-in that permits only what Microsoft does",
}


@click.command("run", cls=Command, examples=["run", "run --port 8000"])
@port_option
def run(port: int | None) -> int:
    """Run the bridge with a stand-in for Graph, and the page that shows its groups.

    Settings come from the environment, and from local.settings.json in this folder. Ctrl-C stops it.
    """
    if port:
        os.environ["PORT"] = str(port)
    file = config.settings_file(Path(), os.environ)
    environment()
    port = config.port(os.environ)
    prefix = f"PORT={port} " if port != config.PORT else ""
    lines = {
        "page": f"{address(port)}/",
        "webhooks": f"{address(port)}/api/webhooks/<source> (`{program()} sources` lists the sources)",
        "health": f"{address(port)}/api/health/details?code={config.FUNCTION_KEY}",
        "settings": f"{file or 'environment variables only'}",
        "graph": _PERMISSIONS[config.permissions(os.environ)],
        "try it": f"{prefix}{program()} {_SAMPLE}",
    }
    problems, mistakes = _findings()
    title = "accepts no webhook, as the settings are wrong" if problems else "is running"
    # What a person has to do comes last: it is read last, and not scrolled away by what is well.
    wrong = [click.style(f"wrong setting: {problem}", fg="red") for problem in problems]
    warned = [f"{state('warning', 'warning:')} {mistake}" for mistake in mistakes]
    first = f"The bridge {title}. Press Ctrl-C to stop it."
    return _serve("bridge_app", port, [first, *table(lines.items()), *warned, *wrong])


def _findings() -> tuple[Sequence[str], Sequence[str]]:
    """What keeps the bridge from accepting webhooks, and what is only a mistake."""
    try:
        return (), warnings(bridge())
    except SettingsError as error:
        return error.problems, ()


@click.command("fake-graph", cls=Command, examples=["fake-graph"])
@port_option
def fake_graph(port: int | None) -> int:
    """Run only the stand-in for Graph and the page, for use with `func start`."""
    port = port or config.port(os.environ)
    os.environ.update(config.environment(os.environ, Path(), port))
    lines = {
        "page": f"{address(port)}/",
        "BRIDGE_GRAPH_URL": f"{address(port)}/graph/v1.0",
        "IDENTITY_ENDPOINT": f"{address(port)}/msi/token",
        "IDENTITY_HEADER": "local",
    }
    title = "The stand-in for Graph is running. Press Ctrl-C to stop it."
    return _serve("fake_graph_app", port, [title, *table(lines.items())])


def _serve(build: str, port: int, lines: Iterable[str]) -> int:
    # Imported here: neither the help nor a wrong command line needs a web server.
    from bridge.local import application, serving  # noqa: PLC0415
    from bridge.local.host import log_format  # noqa: PLC0415

    log_format.configure()
    serving.serve(getattr(application, build), port, lambda: print_lines(lines))
    return 0
