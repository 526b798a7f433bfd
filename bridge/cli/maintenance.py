"""The command `maintenance`: start, end and list maintenance windows."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bridge.app import Bridge
from bridge.cli.common import environment, table
from bridge.configuration import Configuration
from bridge.errors import CommandError, Conflict
from bridge.maintenance import Window, from_text, to_text
from bridge.maintenance_tables import LONGEST_NOTE, match_problem
from bridge.outbox.memos import StoredText
from bridge.rendering.text import one_line

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Collection, Sequence

    from bridge.cli.parser import Commands
    from bridge.outbox.base import Outbox
    from bridge.publishing.delivery import Delivery

_LENGTH = re.compile(r"(\d{1,5})\s*(m|h|d)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=30)
_TRIES = 5
_AGAIN = 30.0  # seconds after which every instance has read that a window is over


def register(commands: Commands) -> None:
    """Add the command."""
    maintenance = commands.add_parser("maintenance", help="collect events while something is worked on")
    actions = maintenance.add_subparsers(required=True, metavar="ACTION")
    start = actions.add_parser("start", help="collect what matches, and post it at the end")
    start.add_argument("--for", dest="length", required=True, metavar="TIME", help="how long: 30m, 2h or 1d")
    start.add_argument("--match", required=True, metavar="EXPRESSION", help="which events: scope == 'db-03'")
    start.add_argument("--note", default="", help="what is done; posts say so")
    start.add_argument(
        "--group", action="append", default=[], metavar="NAME", help="who is informed in any case; else BRIDGE_GROUP"
    )
    start.set_defaults(command=_start)
    end = actions.add_parser("end", help="end windows now, and post what they have collected")
    end.add_argument("ids", nargs="*", metavar="ID", help="the ids of windows; without any: the only one")
    end.set_defaults(command=_end)
    shown = actions.add_parser("list", help="list the windows that were started, and those that are planned")
    shown.set_defaults(command=_list)


def _start(asked: argparse.Namespace) -> int:
    if problem := match_problem(asked.match):
        raise CommandError(f"--match {problem}{'' if problem.endswith('?') else '.'}")
    if len(asked.note) > LONGEST_NOTE:
        raise CommandError(f"--note has more than {LONGEST_NOTE} characters.")
    bridge, now = _bridge(), time.time()
    groups = tuple(_group(bridge, name) for name in asked.group)
    end = now + _length(asked.length).total_seconds()
    window = Window(secrets.token_hex(6), now, end, asked.match, one_line(asked.note, LONGEST_NOTE), groups)
    _write(bridge.delivery.outbox, lambda windows: [*windows, window], now)
    bridge.publisher.announce(window)
    print(f"Maintenance {window.id} until {_time(end)}: within 15 seconds, what matches is collected.")
    return 0


def _group(bridge: Bridge, name: str) -> str:
    routes = bridge.configuration.routes
    if name in routes.names:
        return routes.names[name]
    if name in (routes.default, *routes.names.values()):
        return name
    raise CommandError(f"--group {name} is no group of the settings: name one of [groups].")


def _length(text: str) -> timedelta:
    match = _LENGTH.fullmatch(text.strip())
    length = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else timedelta()
    if not timedelta() < length <= _LONGEST:
        raise CommandError(f"--for {text!r} is not a time of up to 30 days: write 30m, 2h or 1d.")
    return length


def _end(asked: argparse.Namespace) -> int:
    bridge, now = _bridge(), time.time()
    delivery = bridge.delivery
    active = [window for window in from_text(delivery.outbox.maintenance().text) if window.is_active(now)]
    chosen = {window.id for window in active if not asked.ids or window.id.startswith(tuple(asked.ids))}
    if not chosen:
        raise CommandError("No such window is active: `maintenance list` shows them; plans end in BRIDGE_CONFIG.")
    if len(chosen) > 1 and not asked.ids:
        raise CommandError(f"{len(chosen)} windows are active: name one by its id, which `maintenance list` shows.")

    def ended(windows: Sequence[Window]) -> Sequence[Window]:
        return [replace(window, end=now) if window.id in chosen else window for window in windows]

    _write(delivery.outbox, ended, now)
    _wake(delivery, chosen, now)
    print(f"Ended: {', '.join(sorted(chosen))}. What was collected is posted now.")
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


def _list(_: argparse.Namespace) -> int:
    bridge, now = _bridge(), time.time()
    rows = [
        (window.id, f"until {_time(window.end)}" if window.is_active(now) else "over", window.match, window.note or "-")
        for window in from_text(bridge.delivery.outbox.maintenance().text)
    ]
    at = datetime.fromtimestamp(now, UTC)
    for plan in bridge.configuration.maintenance:
        window, begin = plan.window(at), plan.begins(at)
        state = f"until {_time(window.end)}" if window else f"from {_time(begin.timestamp())}" if begin else "over"
        rows.append((window.id if window else "planned", state, plan.match, plan.note or "-"))
    print("\n".join(table(rows)) if rows else "There is no maintenance.")
    return 0


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
    raise CommandError("The maintenance windows are changed by others all the time: try again.")


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%a %Y-%m-%d %H:%M} UTC"
