"""Commands for what waits for the hours of its route: `waiting` and `release`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bridge.app import Bridge
from bridge.cli.common import environment, group_names, outbox, table
from bridge.configuration import Configuration
from bridge.errors import CommandError
from bridge.rendering.text import one_line

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from bridge.cli.parser import Commands
    from bridge.outbox.rows import OpenEntry

_LINE = 60  # characters


def register(commands: Commands) -> None:
    """Add the commands of this module."""
    waiting = commands.add_parser(
        "waiting", help="list what waits for the hours of its route or the end of a maintenance"
    )
    waiting.set_defaults(command=_waiting)
    release = commands.add_parser("release", help="have posted at once what `waiting` lists")
    release.add_argument("ids", nargs="*", metavar="ID", help="the beginning of an entry's id: `waiting` lists them")
    release.add_argument("--all", action="store_true", help="release all that waits")
    release.add_argument("--group", metavar="NAME", help="release what waits for one group: its name or its object id")
    release.set_defaults(command=_release)


def _waiting(_: argparse.Namespace) -> int:
    from bridge.publishing.releasing import waiting_entries  # noqa: PLC0415  the other commands start faster without it

    names = group_names()
    with outbox() as opened:
        rows = waiting_entries(opened, time.time())
    if rows:
        print("\n".join(table([_line(row, names) for row in rows])))
        print("\n`release` with ID, --group or --all posts them at once.")
    else:
        print("Nothing waits.")
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
        f"{entry.source} {_about(row)}",
    )


def _about(row: OpenEntry) -> str:
    return one_line(row.entry.topic, _LINE)


def _release(asked: argparse.Namespace) -> int:
    """Exit status 1 if one of them was posted meanwhile."""
    from bridge.publishing.releasing import release, waiting_entries  # noqa: PLC0415

    if not (asked.ids or asked.all or asked.group):
        raise CommandError("Choose entries by id (`waiting` lists them), with --group NAME, or with --all.")
    bridge, now = Bridge(Configuration.from_env(environment())), time.time()
    delivery = bridge.delivery
    groups = {asked.group, *(group for group, name in group_names().items() if name == asked.group)}
    rows = [
        row
        for row in waiting_entries(delivery.outbox, now)
        if asked.all or row.entry.group in groups or row.entry.id.startswith(tuple(asked.ids))
    ]
    if not rows:
        raise CommandError("Nothing that waits matches: `waiting` lists it.")
    released = release(delivery.outbox, delivery.waker, rows, now)
    print(f"{released} of {len(rows)} entries released.")
    return 0 if released == len(rows) else 1
