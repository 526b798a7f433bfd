"""The command `deliveries`: every webhook with what became of it, as a table, and the whole story of one."""

from __future__ import annotations

import dataclasses
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from bridge.cli.command import Group
from bridge.cli.common import check_source, environment, group_of, moment, outbox, utc
from bridge.cli.output import print_json, print_lines, print_table, state
from bridge.cli.parameters import TIME, Number, OneOf, group_option, json_option, source_option
from bridge.cli.story import StoryView
from bridge.deliveries import DeliveryFilter, Outcome, to_text
from bridge.errors import CommandError
from bridge.events import bounded
from bridge.outbox.delivery_story import find
from bridge.rendering.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.deliveries import DeliveryRecord
    from bridge.outbox.base import Outbox

_PAGE = 200
_EVERY = 2.0  # seconds between looks with --follow
_LATE = 120.0  # seconds that a record may need to reach the outbox
_LONGEST = 80  # characters of a line of the table that say what happened
_OUTCOMES = f"Only those with this outcome: {', '.join(Outcome)}."
_NO_RECORDS = (
    "No webhook matches. (The host refuses a webhook without the function key that it needs, and it is not listed.)"
)


@click.group(
    "deliveries",
    cls=Group,
    invoke_without_command=True,
    subcommand_metavar="[show ID]",
    examples=[
        "deliveries --since 2h",
        "deliveries --source github --outcome refused",
        "deliveries --text 'pump 12' --json | jq .reason",
        "deliveries show 3f2a91c04b7e",
    ],
)
@source_option("Only those of one service.")
@click.option("--outcome", type=OneOf([one.value for one in Outcome]), default=None, metavar="OUTCOME", help=_OUTCOMES)
@group_option("Only those for one group, by its name or object id.", default="")
@click.option("--since", default="", metavar="TIME", help=f"Only those since then: {TIME}.")
@click.option("--until", default="", metavar="TIME", help="Only those until then.")
@click.option(
    "--text", default="", metavar="WORDS", help="Only those with these words in title, kind, key, reason or ids."
)
@click.option(
    "--limit", type=Number(1, 999_999_999), default=50, show_default=True, metavar="N", help="At most this many."
)
@click.option("--follow", is_flag=True, help="Show new ones as they come, until Ctrl-C.")
@json_option
@click.pass_context
def deliveries(
    context: click.Context, /, *, outcome: str | None, limit: int, follow: bool, as_json: bool, **asked: str
) -> int:
    """List webhooks: accepted, ignored, dropped and refused, and why.

    The newest comes first. `show` has the whole story of one: routes, entries, attempts, thread.
    """
    if context.invoked_subcommand:
        return 0
    group = group_of(asked["group"]) if asked["group"] else ""
    since, until = moment(asked["since"]), moment(asked["until"])
    wanted = DeliveryFilter(asked["source"], outcome or "", group, since, until, asked["text"])
    with outbox() as opened:
        records = list(walk(opened, wanted, limit))
        if not records:
            check_source(wanted.source)
        if not records and not follow and not as_json:
            click.echo(_NO_RECORDS)
        _print(records[::-1] if follow else records, as_json=as_json)
        if follow:
            _follow(opened, wanted, {record.id for record in records}, as_json=as_json)
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
        print_json({"time": utc(record.at), **json.loads(to_text(record))} for record in records)
    else:
        print_table(_row(record) for record in records)


def _row(record: DeliveryRecord) -> tuple[str, ...]:
    # Of what was posted the title says most, of the rest the reason.
    says = record.title if record.outcome is Outcome.ACCEPTED and record.title else record.reason
    count = f"{record.count} of " if record.count > 1 else ""
    what = record.kind or record.event or "-"
    return (
        f"{datetime.fromtimestamp(record.at, UTC):%m-%d %H:%M:%S}",
        state(record.outcome.value),
        str(record.status),
        f"{count}{record.source}",
        what,
        one_line(says, _LONGEST) or "-",
        record.id,
    )


@deliveries.command(
    "show", examples=["deliveries show 3f2a91c04b7e", "deliveries show 72d3162e-cc78-11e3-81ab-4c9367dc0958 --json"]
)
@click.argument("asked", metavar="ID")
@json_option
def show(asked: str, as_json: bool) -> int:
    """Show the whole story of one webhook.

    ID is the id in the last column of `deliveries`, the sender's id of the delivery, an entry's id, or the token in the
    last line of a post.
    """
    with outbox() as opened:
        found = find(opened, bounded(asked.strip()))
    if not found:
        raise CommandError(
            f"There is no record of {asked}: `deliveries --text` searches their text, `history` finds entries."
        )
    view = StoryView.from_env(environment())
    for story in found:
        if as_json:
            entries = [dataclasses.asdict(entry) for entry in story.entries]
            print_json([{"time": utc(story.record.at), **json.loads(to_text(story.record)), "stories": entries}])
        else:
            print_lines([*view.lines(story), ""])
    return 0
