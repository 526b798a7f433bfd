"""The command `maintenance`: start, end and list maintenance windows."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from bridge.app import Bridge
from bridge.calendar.maintenance import Window, from_text, to_text
from bridge.cli.command import Group
from bridge.cli.common import environment, unknown
from bridge.cli.output import print_json, print_table
from bridge.cli.parameters import group_option, json_option
from bridge.configuration import Configuration
from bridge.configuration.maintenance_tables import LONGEST_NOTE, match_problem
from bridge.errors import CommandError, Conflict
from bridge.outbox.memos import StoredText
from bridge.rendering.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from bridge.outbox.base import Outbox
    from bridge.publishing.delivery import Delivery

_LENGTH = re.compile(r"(\d{1,5})\s*(m|h|d)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=30)
_TRIES = 5
_AGAIN = 30.0  # seconds after which every instance has read that a window is over


@click.group(
    "maintenance",
    cls=Group,
    subcommand_metavar="ACTION ...",
    examples=["maintenance start --for 2h --match \"scope == 'db-03'\" --note 'disk change'", "maintenance end"],
)
def maintenance() -> None:
    """Collect events during maintenance, and post them at the end.

    Matching events are collected, and come in one post at the end.
    """


@maintenance.command("start", examples=["maintenance start --for 30m --match \"source == 'checkmk'\" --group ops"])
@click.option("--for", "length", required=True, metavar="TIME", help="How long: 30m, 2h or 1d.")
@click.option("--match", required=True, metavar="EXPRESSION", help="Which events: scope == 'db-03'.")
@click.option("--note", default="", metavar="TEXT", help="What the maintenance is for; posts show it.")
@group_option("A group that is informed in any case; may be repeated.  [default: BRIDGE_GROUP]", multiple=True)
def start(length: str, match: str, note: str, group: tuple[str, ...]) -> int:
    """Collect matching events, and post them at the end."""
    if problem := match_problem(match):
        raise CommandError(f"--match {problem}{'' if problem.endswith('?') else '.'}")
    if len(note) > LONGEST_NOTE:
        raise CommandError(f"--note has more than {LONGEST_NOTE} characters.")
    bridge, now = _bridge(), time.time()
    groups = tuple(_group(bridge, name) for name in group)
    until = now + _length(length).total_seconds()
    window = Window(secrets.token_hex(6), now, until, match, one_line(note, LONGEST_NOTE), groups)
    _write(bridge.delivery.outbox, lambda windows: [*windows, window], now)
    bridge.publisher.announce(window)
    click.echo(f"Maintenance {window.id} until {_time(until)}: within 15 seconds, matching events are collected.")
    return 0


def _group(bridge: Bridge, name: str) -> str:
    routes = bridge.configuration.routes
    if name in routes.names:
        return routes.names[name]
    if name in (routes.default, *routes.names.values()):
        return name
    raise CommandError(unknown("group", name, routes.names, "give a name of [groups], or an object id"))


def _length(text: str) -> timedelta:
    match = _LENGTH.fullmatch(text.strip())
    length = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else timedelta()
    if not timedelta() < length <= _LONGEST:
        raise CommandError(f"--for {text!r} is not a time of up to 30 days: write 30m, 2h or 1d.")
    return length


@maintenance.command("end", examples=["maintenance end", "maintenance end 3f2a91c04b7e"])
@click.argument("ids", nargs=-1, metavar="[ID]...")
def end(ids: tuple[str, ...]) -> int:
    """End windows now, and post what they have collected.

    Without an ID, it ends the only active window.
    """
    bridge, now = _bridge(), time.time()
    delivery = bridge.delivery
    active = [window for window in from_text(delivery.outbox.maintenance().text) if window.is_active(now)]
    chosen = {window.id for window in active if not ids or window.id.startswith(ids)}
    if not chosen:
        raise CommandError(
            "No such window is active: `maintenance list` shows them. Planned ones end when BRIDGE_CONFIG says so."
        )
    if len(chosen) > 1 and not ids:
        raise CommandError(f"{len(chosen)} windows are active: name one by its id, which `maintenance list` shows.")

    def ended(windows: Sequence[Window]) -> Sequence[Window]:
        return [replace(window, end=now) if window.id in chosen else window for window in windows]

    _write(delivery.outbox, ended, now)
    _wake(delivery, chosen, now)
    click.echo(f"Ended: {', '.join(sorted(chosen))}. The collected events are posted now.")
    return 0


def _wake(delivery: Delivery, windows: Collection[str], now: float) -> None:
    """Has the groups drained that have something of these windows: a drain reads when they end."""
    outbox = delivery.outbox
    for group in outbox.waiting(now):
        if not any(row.entry.window in windows for row in outbox.open_entries(group)):
            continue
        delivery.waker.wake(group)
        # An instance that has not read it yet may collect for some seconds more.
        delivery.waker.wake(group, now + _AGAIN)


@maintenance.command("list", examples=["maintenance list", "maintenance list --json"])
@json_option
def list_windows(as_json: bool) -> int:
    """List the windows that were started, and those that are planned."""
    bridge, now = _bridge(), time.time()
    rows = [*_started(bridge, now), *_planned(bridge, now)]
    if as_json:
        print_json(dict(zip(("id", "state", "match", "note"), row, strict=True)) for row in rows)
    elif rows:
        print_table((*row[:3], row[3] or "-") for row in rows)
    else:
        click.echo("There is no maintenance.")
    return 0


_Row = tuple[str, str, str, str]  # id, state, match, note


def _started(bridge: Bridge, now: float) -> Iterator[_Row]:
    for window in from_text(bridge.delivery.outbox.maintenance().text):
        state = f"until {_time(window.end)}" if window.is_active(now) else "over"
        yield window.id, state, window.match, window.note


def _planned(bridge: Bridge, now: float) -> Iterator[_Row]:
    at = datetime.fromtimestamp(now, UTC)
    for plan in bridge.configuration.maintenance:
        window, begin = plan.window(at), plan.begins(at)
        state = f"until {_time(window.end)}" if window else f"from {_time(begin.timestamp())}" if begin else "over"
        yield window.id if window else "planned", state, plan.match, plan.note


def _bridge() -> Bridge:
    return Bridge(Configuration.from_env(environment()))


def _write(outbox: Outbox, change: Callable[[Sequence[Window]], Sequence[Window]], now: float) -> None:
    """Changes the stored windows; somebody else may do so at the same time."""
    for _ in range(_TRIES):
        stored = outbox.maintenance()
        try:
            outbox.write_maintenance(StoredText(to_text(change(from_text(stored.text)), now), stored.version))
        except Conflict:
            continue
        return
    raise CommandError("Others keep changing the maintenance windows: try again.")


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%a %Y-%m-%d %H:%M} UTC"
