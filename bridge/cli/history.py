"""The command `history`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bridge.cli.command import Command
from bridge.cli.common import outbox, utc
from bridge.cli.output import filled, print_json, print_lines, table
from bridge.cli.parameters import json_option
from bridge.errors import CommandError
from bridge.events import bounded
from bridge.outbox.rows import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bridge.outbox.base import Outbox
    from bridge.outbox.rows import HistoryRecord, OpenEntry


@click.command(
    "history", cls=Command, examples=["history 72d3162e-cc78-11e3-81ab-4c9367dc0958", "history a1b2c3d4e5f60718"]
)
@click.argument("asked", metavar="ID")
@json_option
def history(asked: str, as_json: bool) -> int:
    """Show what happened to a delivery, or what a post is about.

    ID is the id of a delivery, as its service shows it; the id of an entry, as the answer to a webhook gives it; or the
    token in the last line of a post.
    """
    with outbox() as opened:
        dead = {letter.id: letter.reason for letter in opened.dead_letters()}
        records = opened.history(bounded(asked)) or _of_dead_letters(opened, dead, asked)
        still_open = {row.entry.id: row for record in records for row in opened.open_entries(record.group)}
    if not records:
        raise CommandError(f"No entry matches {asked}: `deliveries show` also finds webhooks that were not posted.")
    for record in records:
        rows = {
            "event": f"{record.source} {record.kind}",
            "delivery": record.delivery,
            "group": record.group,
            "recorded": utc(record.recorded),
            "state": _state(record, dead, still_open),
            "last line": _mark(record, still_open),
        }
        if as_json:
            print_json([{"id": record.id, **{name.replace(" ", "_"): text for name, text in filled(rows)}}])
        else:
            print_lines([record.id, *table(filled(rows))])
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
