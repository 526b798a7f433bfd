"""Commands for what waits for the hours of its route: `waiting` and `release`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from bridge.app import Bridge
from bridge.cli.command import Command
from bridge.cli.common import environment, group_names, group_of, outbox, utc
from bridge.cli.output import plural, print_json, print_table
from bridge.cli.parameters import group_option, json_option
from bridge.configuration import Configuration
from bridge.errors import CommandError
from bridge.publishing.releasing import release as release_entries
from bridge.publishing.releasing import waiting_entries
from bridge.rendering.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.outbox.rows import OpenEntry

_LINE = 60  # characters


@click.command("waiting", cls=Command, examples=["waiting", "waiting --json"])
@json_option
def waiting(as_json: bool) -> int:
    """List entries that wait for the hours of their route or the end of a maintenance."""
    names = group_names()
    with outbox() as opened:
        rows = waiting_entries(opened, time.time())
    if as_json:
        print_json(_fields(row, names) for row in rows)
    elif rows:
        print_table(_line(row, names) for row in rows)
        click.echo("\n`release` with ID, --group or --all posts them at once.")
    else:
        click.echo("Nothing waits.")
    return 0


def _line(row: OpenEntry, names: Mapping[str, str]) -> tuple[str, ...]:
    entry = row.entry
    until = f"{datetime.fromtimestamp(row.due, UTC):%a %Y-%m-%d %H:%M} UTC"
    group = names.get(entry.group, entry.group)
    return (
        entry.id[:12],
        f"until {until}",
        "maintenance" if entry.window else f"hours {entry.hours}",
        group,
        f"{entry.source} {one_line(entry.topic, _LINE)}",
    )


def _fields(row: OpenEntry, names: Mapping[str, str]) -> Mapping[str, str]:
    entry = row.entry
    return {
        "id": entry.id,
        "until": utc(row.due),
        "waits_for": "maintenance" if entry.window else "hours",
        "hours": "" if entry.window else entry.hours,
        "group": names.get(entry.group, entry.group),
        "source": entry.source,
        "topic": entry.topic,
    }


@click.command(
    "release",
    cls=Command,
    examples=["release 3f2a91c04b7e", "release --group ops", "release --all"],
    wrong="one of them was posted meanwhile",
)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Release all waiting entries.")
@group_option("Release what waits for one group: its name or its object id.", default="")
def release(ids: tuple[str, ...], everything: bool, group: str) -> int:
    """Post the entries that `waiting` lists at once.

    IDs are ids of entries; the beginning of one is enough.
    """
    if not (ids or everything or group):
        raise CommandError("Choose entries by id (`waiting` lists them), with --group NAME, or with --all.")
    bridge, now = Bridge(Configuration.from_env(environment())), time.time()
    delivery, of_group = bridge.delivery, group_of(group) if group else ""
    rows = [
        row
        for row in waiting_entries(delivery.outbox, now)
        if everything or row.entry.group == of_group or row.entry.id.startswith(ids)
    ]
    if not rows:
        raise CommandError("Nothing that waits matches: `waiting` lists it.")
    released = release_entries(delivery.outbox, delivery.waker, rows, now)
    click.echo(f"{released} of {plural(len(rows), 'entry', 'entries')} released.")
    return 0 if released == len(rows) else 1
