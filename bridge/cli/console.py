"""The command `console`: the page over a deployed app's storage, on one's own machine."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from bridge.cli.common import address, table
from bridge.local import config

if TYPE_CHECKING:
    import argparse

    from bridge.cli.parser import Commands

_READS = "read-only; --write allows resending and requeueing"
_WRITES = "read and write: webhooks can be resent, dead letters requeued"


def register(commands: Commands) -> None:
    """Add the command."""
    console = commands.add_parser(
        "console", help="open the page over a deployed app's storage, with `az login`: deliveries, dead letters, groups"
    )
    console.add_argument("--app", default="", metavar="NAME", help="the function app; its settings say which storage")
    console.add_argument("--resource-group", default="", metavar="NAME", help="of the app, if there are several")
    console.add_argument(
        "--storage", default="", metavar="NAME", help="the storage account, if the app's settings cannot be read"
    )
    console.add_argument("--write", action="store_true", help="allow resending webhooks and requeueing dead letters")
    console.add_argument("--port", type=int, metavar="PORT", help="listen on this port (default: PORT, or 7071)")
    console.set_defaults(command=_console)


def _console(asked: argparse.Namespace) -> int:
    # Imported here: the other commands need neither Azure's libraries nor a web server.
    from bridge.local import serving  # noqa: PLC0415
    from bridge.local.console.connection import Wanted, connect  # noqa: PLC0415
    from bridge.local.console.server import application  # noqa: PLC0415

    # What it tried in vain is in the error, too.
    logging.getLogger("azure").setLevel(logging.ERROR)
    port = asked.port or config.port(os.environ)
    wanted = Wanted(asked.app, asked.resource_group, asked.storage, asked.write)
    connection = connect(wanted, os.environ)
    lines = {
        "page": f"{address(port)}/",
        "storage": connection.account,
        "signed in": connection.person,
        "access": _WRITES if asked.write else _READS,
        **{f"note {number}": note for number, note in enumerate(connection.notes, 1)},
    }
    title = f"The console of {connection.title} is running. Press Ctrl-C to stop it."

    def ready() -> None:
        print("\n".join([title, *table(lines.items())]), flush=True)

    serving.serve(lambda at: application(connection, at), port, ready)
    return 0
