"""The command `find-connectors`."""

import os
from pathlib import Path

import click

from bridge.cli.command import Command
from bridge.cli.connectors import Connector, Files, find
from bridge.cli.output import plural, print_json, print_lines
from bridge.cli.parameters import json_option
from bridge.errors import CommandError

_APP = "https://<app>.azurewebsites.net"


@click.command(
    "find-connectors",
    cls=Command,
    examples=["find-connectors /etc ~/scripts", "find-connectors --json . | jq -r .path"],
    wrong="an address was found",
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@json_option
def find_connectors(paths: tuple[Path, ...], as_json: bool) -> int:
    """Find webhook addresses that the bridge can replace.

    It searches files, and folders with everything in them, for addresses of Office 365 connectors, workflows of Power
    Automate and Logic Apps, and webhooks of Slack and Discord. For each, it prints the file, the line, the sender, and
    the address that replaces it. It changes nothing, and prints no secret part of an address.
    """
    for path in paths:
        if not path.exists():
            raise CommandError(f"Cannot read {path}: No such file or directory.")
    files, count, places = Files(paths), 0, 0
    app = os.environ.get("BRIDGE_PUBLIC_URL", "").strip().rstrip("/") or _APP
    for path, text in files.texts():
        found = list(find(path, text))
        count, places = count + len(found), places + bool(found)
        for connector in found:
            _print(connector, app, as_json=as_json)
    for path, reason in files.skipped or []:
        click.echo(f"Skipped: {path}, {reason}", err=True)
    if not as_json:
        click.echo(_sum(count, places, files.read))
    return 1 if count else 0


def _print(connector: Connector, app: str, *, as_json: bool) -> None:
    now, new = f"https://{connector.host}/…", f"{app}/api/webhooks/{connector.source}?code=<function key>"
    if as_json:
        where = {"path": str(connector.path), "line": connector.line}
        print_json([{**where, "sender": connector.sender, "now": now, "new": new, "source": connector.source}])
    else:
        where_text = f"{connector.path}:{connector.line}: {connector.sender or 'sender not known'}"
        print_lines([where_text, f"  now: {now}", f"  new: {new}"])


def _sum(count: int, places: int, read: int) -> str:
    searched = plural(read, "file")
    if not count:
        return f"No address was found in {searched}."
    return (
        f"{plural(count, 'address', 'addresses')} in {places} of {searched}. Nothing was changed; docs/migrate.md says "
        "what is different, and where each tool keeps its address."
    )
