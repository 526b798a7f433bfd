"""Commands for what was not delivered: `dead-letters` and `requeue`."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from bridge import again
from bridge.again import UnknownSource, entry_of
from bridge.app import Bridge, open_payloads
from bridge.cli.command import Command
from bridge.cli.common import check_source, environment, moment, outbox, utc
from bridge.cli.output import filled, plural, print_json, print_lines, table
from bridge.cli.parameters import TIME, json_option, source_option
from bridge.configuration import Configuration
from bridge.errors import CommandError, Conflict, MessageError, WebhookError
from bridge.rendering.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bridge.outbox.rows import DeadLetter
    from bridge.payloads import KeptPayload

_MOST = 4  # ids in a line
_SHORT, _LINE = 50, 90  # characters


@click.command(
    "dead-letters",
    cls=Command,
    examples=["dead-letters", "dead-letters 3f2a91c04b7e", "dead-letters --json | jq .reason"],
)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--details", is_flag=True, help="Show all details of every dead letter.")
@json_option
def dead_letters(ids: tuple[str, ...], details: bool, as_json: bool) -> int:
    """List what was not delivered, why, and what to do.

    With IDs, it shows all details of these. The beginning of an id is enough.
    """
    with outbox() as opened:
        letters = opened.dead_letters()
    if ids:
        letters = [letter for letter in letters if letter.id.startswith(ids)]
        if not letters:
            raise CommandError("No dead letter has this id: `dead-letters` lists them.")
    if as_json:
        print_json(_fields(letter) for letter in letters)
    elif not letters:
        click.echo("There are no dead letters.")
    elif ids or details:
        print_lines(line for letter in letters for line in (letter.id, *_details(letter), ""))
    else:
        print_lines(_lines(letters))
    return 0


def _fields(letter: DeadLetter) -> Mapping[str, Any]:
    entry = entry_of(letter)
    of_event = (
        {"source": entry.source, "kind": entry.kind, "delivery": entry.delivery, "topic": entry.topic} if entry else {}
    )
    return {
        "id": letter.id, "time": utc(letter.at), "tries": letter.tries, **of_event,
        "group": letter.group, "reason": letter.reason, "advice": letter.advice,
    }  # fmt: skip


def _lines(letters: Sequence[DeadLetter]) -> Iterator[str]:
    """A line for each dead letter, and what helps, once for all of which it is the same."""
    yield from table([(letter.id[:12], _at(letter), _about(letter), _cause(letter)) for letter in letters])
    advice: dict[str, list[str]] = {}
    for letter in letters:
        advice.setdefault(letter.advice, []).append(letter.id[:12])
    for text, ids in advice.items():
        yield ""
        yield f"What helps ({', '.join(ids[:_MOST])}{', ...' if len(ids) > _MOST else ''}): {text}"
    yield ""
    yield "`dead-letters ID` shows all details of one; `requeue` with ID, --source, --since or --all queues them again."


def _details(letter: DeadLetter) -> list[str]:
    entry = entry_of(letter)
    rows = {
        "at": f"{_at(letter)}, after {plural(letter.tries, 'try', 'tries')}",
        "event": f"{entry.source} {entry.kind}, delivery {entry.delivery}" if entry else "not readable",
        "topic": entry.topic if entry else "",
        "group": letter.group,
        "reason": letter.reason,
        "advice": letter.advice,
    }
    return table(filled(rows))


def _at(letter: DeadLetter) -> str:
    return f"{datetime.fromtimestamp(letter.at, UTC):%Y-%m-%d %H:%M} UTC"


def _about(letter: DeadLetter) -> str:
    entry = entry_of(letter)
    return f"{entry.source} {one_line(entry.topic, _SHORT)}" if entry else "not readable"


def _cause(letter: DeadLetter) -> str:
    """Why it was not delivered, in a line."""
    return one_line(letter.cause, _LINE)


@click.command(
    "requeue",
    cls=Command,
    examples=["requeue 3f2a91c04b7e", "requeue --source github --since 3d", "requeue --all"],
    wrong="one of them could not be requeued",
)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Requeue all of them.")
@source_option("Requeue those of one service.")
@click.option("--since", default="", metavar="TIME", help=f"Requeue those since then: {TIME}.")
def requeue(ids: tuple[str, ...], everything: bool, source: str, since: str) -> int:
    """Queue dead letters again.

    Each is rendered again if its payload is kept. The beginning of an ID is enough. (The former name is replay.)
    """
    if not (ids or everything or source or since):
        raise CommandError(
            "Choose dead letters by id (`dead-letters` lists them), by --source NAME, by --since TIME, or with --all."
        )
    bridge = Bridge(Configuration.from_env(environment()))
    choice = _Choice(ids, everything, source, moment(since))
    letters = [letter for letter in bridge.publisher.dead_letters() if choice.has(letter)]
    if not letters:
        check_source(source)
        raise CommandError("No dead letter matches: `dead-letters` lists them.")
    failed, ways = 0, Counter[str]()
    find = _payload_of(bridge)
    for number, letter in enumerate(letters, 1):
        try:
            ways[again.requeue(bridge, letter, find)] += 1
        except (MessageError, Conflict, WebhookError, UnknownSource) as error:
            failed += 1
            click.echo(f"\r{letter.id}: {error}", err=True)
        _show_progress(number, len(letters))
    click.echo(f"{len(letters) - failed} of {plural(len(letters), 'dead letter')} requeued.")
    for way, count in ways.items():
        click.echo(f"  {count} {way}.")
    return 1 if failed else 0


def _payload_of(bridge: Bridge) -> again.Find:
    """Looks up the kept payload of an entry."""
    payloads, opened = open_payloads(bridge.configuration.settings, environment()), bridge.delivery.outbox

    def find(entry: str) -> KeptPayload | None:
        records = opened.find_deliveries(entry)
        return next(filter(None, map(payloads.find, reversed(records))), None)

    return find


@dataclass(frozen=True)
class _Choice:
    """The dead letters that are named by their ids, and those to which the other options apply."""

    ids: tuple[str, ...]
    everything: bool
    source: str
    since: float

    def has(self, letter: DeadLetter) -> bool:
        """Whether the letter is chosen."""
        if letter.id.startswith(self.ids):
            return True
        entry = entry_of(letter)
        is_of_source = not self.source or (entry is not None and entry.source == self.source)
        return bool(self.everything or self.source or self.since) and is_of_source and letter.at >= self.since


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        part = 40 * done // total
        end = "\n" if done == total else ""
        click.echo(f"\r[{'#' * part}{'.' * (40 - part)}] {done}/{total}{end}", nl=False, err=True)
