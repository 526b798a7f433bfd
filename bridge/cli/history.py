"""The command `history`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bridge.cli.common import outbox, table
from bridge.errors import CommandError
from bridge.events import bounded

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from bridge.cli.parser import Commands
    from bridge.outbox.rows import DeliveryRecord, OpenEntry


def register(commands: Commands) -> None:
    """Add the command."""
    history = commands.add_parser("history", help="show what happened to a delivery")
    history.add_argument("delivery", metavar="DELIVERY", help="the id of the delivery, as its service shows it")
    history.set_defaults(command=_history)


def _history(asked: argparse.Namespace) -> int:
    with outbox() as opened:
        records = opened.history(bounded(asked.delivery))
        dead = {letter.id: letter.reason for letter in opened.dead_letters()}
        still_open = {row.entry.id: row for record in records for row in opened.open_entries(record.group)}
    if not records:
        raise CommandError(
            f"There is no record of the delivery {asked.delivery}: it was refused, ignored or dropped, or is too old."
        )
    for record in records:
        rows = {
            "event": f"{record.source} {record.kind}",
            "group": record.group,
            "recorded": f"{datetime.fromtimestamp(record.recorded, UTC):%Y-%m-%d %H:%M:%S} UTC",
            "state": _state(record, dead, still_open),
        }
        print("\n".join([record.id, *table(rows.items())]))
    return 0


def _state(record: DeliveryRecord, dead: Mapping[str, str], still_open: Mapping[str, OpenEntry]) -> str:
    if record.thread:
        return f"delivered in the thread {record.thread}"
    if record.repeat_of:
        return f"not posted: a repeat of {record.repeat_of}"
    if record.id in dead:
        return f"dead letter: {dead[record.id]}"
    return f"not delivered yet: {still_open[record.id].state}" if record.id in still_open else "forgotten"
