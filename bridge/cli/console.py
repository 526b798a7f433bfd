"""The command `console`: the page over a deployed app's storage, on one's own machine."""

from __future__ import annotations

import logging
import os

import click

from bridge.cli.command import Command
from bridge.cli.common import address
from bridge.cli.output import print_lines, table
from bridge.cli.parameters import port_option
from bridge.local import config

_READS = "read-only; --write allows resending and requeueing"
_WRITES = "read and write: webhooks can be resent, dead letters requeued"


@click.command(
    "console",
    cls=Command,
    examples=["console --app my-bridge", "console --app my-bridge --resource-group rg-bridge --write"],
)
@click.option("--app", default="", metavar="NAME", help="The function app, whose settings name the storage.")
@click.option(
    "--resource-group", default="", metavar="NAME", help="Resource group of the app, if several apps have this name."
)
@click.option(
    "--storage", default="", metavar="NAME", help="The storage account, if the app's settings cannot be read."
)
@click.option("--write", is_flag=True, help="Allow resending webhooks and requeueing dead letters.")
@port_option
def console(app: str, resource_group: str, storage: str, write: bool, port: int | None) -> int:
    """Open the page over a deployed app's storage, with `az login`.

    It shows deliveries, dead letters and groups, and changes nothing without --write.
    """
    # Imported here: the other commands need neither Azure's libraries nor a web server.
    from bridge.local import serving  # noqa: PLC0415
    from bridge.local.console.connection import Wanted, connect  # noqa: PLC0415
    from bridge.local.console.server import application  # noqa: PLC0415

    # What it tried in vain is in the error, too.
    logging.getLogger("azure").setLevel(logging.ERROR)
    port = port or config.port(os.environ)
    wanted = Wanted(app, resource_group, storage, write)
    connection = connect(wanted, os.environ)
    lines = {
        "page": f"{address(port)}/",
        "storage": connection.account,
        "signed in": connection.person,
        "access": _WRITES if write else _READS,
        **{f"note {number}": note for number, note in enumerate(connection.notes, 1)},
    }
    title = f"The console of {connection.title} is running. Press Ctrl-C to stop it."

    def ready() -> None:
        print_lines([title, *table(lines.items())])

    serving.serve(lambda at: application(connection, at), port, ready)
    return 0
