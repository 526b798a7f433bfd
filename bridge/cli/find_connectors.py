"""The command `find-connectors`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import CommandError

if TYPE_CHECKING:
    import argparse

    from bridge.cli.connectors import Connector
    from bridge.cli.parser import Commands

_APP = "https://<app>.azurewebsites.net"
_ABOUT = """\
Look for addresses of Office 365 connectors, of workflows of Power Automate and Logic Apps, and of webhooks of Slack and
Discord; print file, line, sender, and the address that replaces each. Nothing is changed, and no secret part of an
address is printed. Exit status: 0 if there is none, 1 if there are some, 2 if the command cannot be carried out."""


def register(commands: Commands) -> None:
    """Add the command."""
    find = commands.add_parser(
        "find-connectors",
        help="find webhook addresses that the bridge can replace, in configuration files",
        description=_ABOUT,
    )
    find.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file, or a folder with all that is in it")
    find.set_defaults(command=_find)


def _find(asked: argparse.Namespace) -> int:
    """Exit status 1 if any address was found."""
    from bridge.cli.connectors import Files, find  # noqa: PLC0415  the other commands start faster without it

    for path in asked.paths:
        if not path.exists():
            raise CommandError(f"Cannot read {path}: No such file or directory.")
    files, count, places = Files(asked.paths), 0, 0
    app = os.environ.get("BRIDGE_PUBLIC_URL", "").strip().rstrip("/") or _APP
    for path, text in files.texts():
        found = list(find(path, text))
        count, places = count + len(found), places + bool(found)
        for connector in found:
            print("\n".join(_lines(connector, app)))
    for path, reason in files.skipped or []:
        print(f"Skipped: {path}, {reason}", file=sys.stderr)
    print(_sum(count, places, files.read))
    return 1 if count else 0


def _lines(connector: Connector, app: str) -> list[str]:
    return [
        f"{connector.path}:{connector.line}: {connector.sender or 'sender not known'}",
        f"  now: https://{connector.host}/…",
        f"  new: {app}/api/webhooks/{connector.source}?code=<function key>",
    ]


def _sum(count: int, places: int, read: int) -> str:
    def many(number: int, noun: str, plural: str) -> str:
        return f"{number} {noun if number == 1 else plural}"

    searched = many(read, "file", "files")
    if not count:
        return f"No address was found in {searched}."
    return (
        f"{many(count, 'address', 'addresses')} in {places} of {searched}. Nothing was changed; docs/migrate.md says "
        "what is different, and where each tool keeps its address."
    )
