"""The command `sources`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.cli.common import address, bridge, table
from bridge.local import config

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from bridge.cli.parser import Commands
    from bridge.sources.base import Source


def register(commands: Commands) -> None:
    """Add the command."""
    sources = commands.add_parser(
        "sources", help="list the services with their URLs, authentication, and the settings of their secrets"
    )
    sources.set_defaults(command=_sources)


def _sources(_: argparse.Namespace) -> int:
    port = config.port(os.environ)
    env = config.environment(os.environ, Path(), port)
    url = f"{address(port)}/api/webhooks"
    rows = [_row(source, env, f"{url}/{source.path}") for source in bridge().sources.values()]
    print("\n".join(table([("SOURCE", "WEBHOOK", "AUTHENTICATION", "SECRET"), *rows])))
    return 0


def _row(source: Source, env: Mapping[str, str], url: str) -> tuple[str, ...]:
    if source.verifier is None:
        return source.name, url, "function key", "none"
    if env.get(source.secret_setting, "").strip():
        return source.name, url, source.verifier.describe(), f"{source.secret_setting} (set)"
    return source.name, url, "function key", f"{source.secret_setting} (not set: {source.verifier.describe()} with it)"
