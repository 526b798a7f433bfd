"""The command `deliveries`: every webhook with what became of it, as a table, and the whole story of one."""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bridge.cli.common import environment, group_names, moment, outbox, table, utc
from bridge.cli.story import StoryView
from bridge.deliveries import DeliveryFilter, Outcome, to_text
from bridge.errors import CommandError
from bridge.events import bounded
from bridge.outbox.delivery_story import find
from bridge.rendering.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.cli.parser import Commands
    from bridge.deliveries import DeliveryRecord
    from bridge.outbox.base import Outbox

_PAGE = 200
_EVERY = 2.0  # seconds between looks with --follow
_LATE = 120.0  # seconds that a record may need to reach the outbox
_LONGEST = 80  # characters of a line of the table that say what happened
_NO_RECORDS = "No webhook matches. What the host refused, for want of the function key, never came to the bridge."


def register(commands: Commands) -> None:
    """Add the command."""
    deliveries = commands.add_parser(
        "deliveries", help="list webhooks: accepted, ignored, dropped and refused, with the reason"
    )
    deliveries.add_argument("--source", default="", metavar="NAME", help="those of one service")
    outcomes = [outcome.value for outcome in Outcome]
    deliveries.add_argument("--outcome", default="", choices=outcomes, metavar="OUTCOME", help=", ".join(outcomes))
    deliveries.add_argument("--group", default="", metavar="GROUP", help="those for a group, by its name or object id")
    deliveries.add_argument("--since", default="", metavar="TIME", help="2h, 3d, or a time such as 2026-11-28T14:00")
    deliveries.add_argument("--until", default="", metavar="TIME", help="likewise")
    deliveries.add_argument("--text", default="", metavar="WORDS", help="words of title, kind, key, reason or ids")
    deliveries.add_argument("--limit", type=_positive, default=50, metavar="N", help="at most so many (default: 50)")
    deliveries.add_argument("--follow", action="store_true", help="show new ones as they come, until Ctrl-C")
    deliveries.add_argument("--json", action="store_true", help="one object of JSON a line")
    deliveries.set_defaults(command=_list)
    kinds = deliveries.add_subparsers(metavar="show")
    show = kinds.add_parser("show", help="show the whole story of one")
    show.add_argument(
        "asked",
        metavar="ID",
        help="the id in the last column; the sender's id of the delivery; an entry's id; or what stands in the last"
        " line of a post",
    )
    show.add_argument("--json", action="store_true", help="as JSON")
    show.set_defaults(command=_show)


def _positive(text: str) -> int:
    if not re.fullmatch("0*[1-9][0-9]{0,8}", text):
        raise argparse.ArgumentTypeError("must be a whole number from 1")
    return int(text)


def _list(asked: argparse.Namespace) -> int:
    names = group_names()
    group = next((known for known, name in names.items() if name == asked.group), asked.group)
    wanted = DeliveryFilter(asked.source, asked.outcome, group, moment(asked.since), moment(asked.until), asked.text)
    with outbox() as opened:
        records = list(walk(opened, wanted, asked.limit))
        if not records and not asked.follow and not asked.json:
            print(_NO_RECORDS)
        _print(records[::-1] if asked.follow else records, as_json=asked.json)
        if asked.follow:
            _follow(opened, wanted, {record.id for record in records}, as_json=asked.json)
    return 0


def walk(opened: Outbox, wanted: DeliveryFilter, limit: int) -> Iterator[DeliveryRecord]:
    """The wanted records, newest first, a page after the other."""
    before = ""
    while limit > 0:
        page = opened.deliveries(wanted, min(limit, _PAGE), before)
        yield from page.records
        limit -= len(page.records)
        before = page.following
        if not before:
            return


def _follow(opened: Outbox, wanted: DeliveryFilter, known: set[str], *, as_json: bool) -> None:
    while True:
        time.sleep(_EVERY)
        recent = dataclasses.replace(wanted, since=max(wanted.since, time.time() - _LATE))
        new = [record for record in walk(opened, recent, 10_000) if record.id not in known]
        known |= {record.id for record in new}
        _print(new[::-1], as_json=as_json)


def _print(records: list[DeliveryRecord], *, as_json: bool) -> None:
    if as_json:
        for record in records:
            print(json.dumps({"time": utc(record.at), **json.loads(to_text(record))}, ensure_ascii=False))
    elif records:
        print("\n".join(table(_row(record) for record in records)))
    sys.stdout.flush()


def _row(record: DeliveryRecord) -> tuple[str, ...]:
    # Of what was posted the title says most, of the rest the reason.
    says = record.title if record.outcome is Outcome.ACCEPTED and record.title else record.reason
    count = f"{record.count} of " if record.count > 1 else ""
    what = record.kind or record.event or "-"
    return (
        f"{datetime.fromtimestamp(record.at, UTC):%m-%d %H:%M:%S}",
        record.outcome.value,
        str(record.status),
        f"{count}{record.source}",
        what,
        one_line(says, _LONGEST) or "-",
        record.id,
    )


def _show(asked: argparse.Namespace) -> int:
    with outbox() as opened:
        found = find(opened, bounded(asked.asked.strip()))
    if not found:
        raise CommandError(
            f"There is no record of {asked.asked}: `deliveries --text` searches what they say, `history` their entries."
        )
    view = StoryView.from_env(environment())
    for story in found:
        if asked.json:
            entries = [dataclasses.asdict(entry) for entry in story.entries]
            record = {"time": utc(story.record.at), **json.loads(to_text(story.record))}
            print(json.dumps({**record, "stories": entries}, ensure_ascii=False))
        else:
            print("\n".join([*view.lines(story), ""]))
    return 0
