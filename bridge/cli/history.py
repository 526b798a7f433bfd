"""The command `history`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bridge.cli.common import outbox, table
from bridge.errors import CommandError
from bridge.events import bounded
from bridge.outbox.rows import State

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from bridge.cli.parser import Commands
    from bridge.outbox.base import Outbox
    from bridge.outbox.rows import HistoryRecord, OpenEntry


def register(commands: Commands) -> None:
    """Add the command."""
    history = commands.add_parser("history", help="show what happened to a delivery, or what a post is about")
    history.add_argument(
        "asked",
        metavar="ID",
        help="the id of a delivery, as its service shows it; the id of an entry, as the answer to a webhook gives it;"
        " or what stands in the last line of a post",
    )
    history.set_defaults(command=_history)


def _history(asked: argparse.Namespace) -> int:
    with outbox() as opened:
        dead = {letter.id: letter.reason for letter in opened.dead_letters()}
        records = opened.history(bounded(asked.asked)) or _of_dead_letters(opened, dead, asked.asked)
        still_open = {row.entry.id: row for record in records for row in opened.open_entries(record.group)}
    if not records:
        raise CommandError(
            f"No entry is known by {asked.asked}: `deliveries show` finds webhooks that were not posted, too."
        )
    for record in records:
        rows = {
            "event": f"{record.source} {record.kind}",
            "delivery": record.delivery,
            "group": record.group,
            "recorded": f"{datetime.fromtimestamp(record.recorded, UTC):%Y-%m-%d %H:%M:%S} UTC",
            "state": _state(record, dead, still_open),
            "last line": _mark(record, still_open),
        }
        print("\n".join([record.id, *table((name, text) for name, text in rows.items() if text)]))
    return 0


def _of_dead_letters(opened: Outbox, dead: Mapping[str, str], token: str) -> Sequence[HistoryRecord]:
    """What is known of dead letters that may have been posted, by the token of the post."""
    ids = [entry_id for entry_id, reason in dead.items() if token in reason.split()]
    return [record for entry_id in ids for record in opened.history(entry_id)]


def _mark(record: HistoryRecord, still_open: Mapping[str, OpenEntry]) -> str:
    """What the last line of its post shows, or would."""
    row = still_open.get(record.id)
    return row.mark if row and row.state is State.SENDING else record.token


def _state(record: HistoryRecord, dead: Mapping[str, str], still_open: Mapping[str, OpenEntry]) -> str:
    if record.thread:
        return f"delivered in the thread {record.thread}"
    if record.repeat_of:
        return f"not posted: a repeat of {record.repeat_of}"
    if record.id in dead:
        return f"dead letter: {dead[record.id]}"
    return f"not delivered yet: {still_open[record.id].state}" if record.id in still_open else "forgotten"
