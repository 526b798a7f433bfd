"""The command `sources`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bridge.cli.common import address, bridge, table
from bridge.local import config

if TYPE_CHECKING:
    import argparse

    from bridge.cli.parser import Commands
    from bridge.sources.base import Authentication, Source


def register(commands: Commands) -> None:
    """Add the command."""
    sources = commands.add_parser(
        "sources", help="list the services with their URLs, authentication, and the settings of their secrets"
    )
    sources.set_defaults(command=_sources)


def _sources(_: argparse.Namespace) -> int:
    configuration = bridge().configuration
    url = f"{address(config.port(os.environ))}/api/webhooks"
    rows = [
        _row(source, configuration.authentications.get(name), f"{url}/{source.path}")
        for name, source in configuration.sources.items()
    ]
    print("\n".join(table([("SOURCE", "WEBHOOK", "AUTHENTICATION", "SECRET"), *rows])))
    return 0


def _row(source: Source, authentication: Authentication | None, url: str) -> tuple[str, ...]:
    if authentication:
        return source.name, url, authentication.verifier.describe(), f"{authentication.setting} (set)"
    if source.verifier is None:
        return source.name, url, "function key", "none"
    return source.name, url, "function key", f"{source.secret_setting} (not set: {source.verifier.describe()} with it)"
