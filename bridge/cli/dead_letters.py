"""Commands for what was not delivered: `dead-letters` and `requeue`."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bridge import again
from bridge.again import UnknownSource, entry_of
from bridge.app import Bridge, open_payloads
from bridge.cli.common import environment, moment, outbox, table
from bridge.configuration import Configuration
from bridge.errors import CommandError, Conflict, MessageError, WebhookError
from bridge.rendering.text import one_line

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from bridge.cli.parser import Commands
    from bridge.outbox.rows import DeadLetter
    from bridge.payloads import KeptPayload

_MOST = 4  # ids in a line
_SHORT, _LINE = 50, 90  # characters


def register(commands: Commands) -> None:
    """Add the commands of this module."""
    dead = commands.add_parser("dead-letters", help="list what was not delivered, why, and what to do")
    dead.add_argument("ids", nargs="*", metavar="ID", help="show all details of these, by the beginning of their ids")
    dead.add_argument("--details", action="store_true", help="show all details of all")
    dead.set_defaults(command=_dead_letters)
    requeue = commands.add_parser(
        "requeue", help="queue dead letters again, rendered again where their payload is kept (also: replay)"
    )
    requeue.add_argument("ids", nargs="*", metavar="ID", help="the beginning of a dead letter's id")
    requeue.add_argument("--all", action="store_true", help="requeue all of them")
    requeue.add_argument("--source", metavar="NAME", help="requeue those of one service")
    requeue.add_argument("--since", metavar="TIME", help="requeue those since then: 2h, 3d, or 2026-11-28T14:00")
    requeue.set_defaults(command=_requeue)


def _dead_letters(asked: argparse.Namespace) -> int:
    with outbox() as opened:
        letters = opened.dead_letters()
    if asked.ids:
        letters = [letter for letter in letters if letter.id.startswith(tuple(asked.ids))]
        if not letters:
            raise CommandError("No dead letter has such an id: `dead-letters` lists them.")
    if not letters:
        print("There are no dead letters.")
    elif asked.ids or asked.details:
        print("\n".join(line for letter in letters for line in (letter.id, *_details(letter), "")))
    else:
        print("\n".join(_lines(letters)))
    return 0


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
        "at": f"{_at(letter)}, after {letter.tries} tries",
        "event": f"{entry.source} {entry.kind}, delivery {entry.delivery}" if entry else "not readable",
        "topic": entry.topic if entry else "",
        "group": letter.group,
        "reason": letter.reason,
        "advice": letter.advice,
    }
    return table((name, text) for name, text in rows.items() if text)


def _at(letter: DeadLetter) -> str:
    return f"{datetime.fromtimestamp(letter.at, UTC):%Y-%m-%d %H:%M} UTC"


def _about(letter: DeadLetter) -> str:
    entry = entry_of(letter)
    return f"{entry.source} {one_line(entry.topic, _SHORT)}" if entry else "not readable"


def _cause(letter: DeadLetter) -> str:
    """Why it was not delivered, in a line."""
    return one_line(letter.cause, _LINE)


def _requeue(asked: argparse.Namespace) -> int:
    """Exit status 1 if one of them cannot be requeued."""
    if not (asked.ids or asked.all or asked.source or asked.since):
        raise CommandError(
            "Choose dead letters by id (`dead-letters` lists them), by --source NAME, by --since TIME, or with --all."
        )
    bridge, since = Bridge(Configuration.from_env(environment())), moment(asked.since or "")
    letters = [letter for letter in bridge.publisher.dead_letters() if _is_chosen(letter, asked, since)]
    if not letters:
        raise CommandError("No dead letter matches: `dead-letters` lists them.")
    failed, ways = 0, Counter[str]()
    find = _payload_of(bridge)
    for number, letter in enumerate(letters, 1):
        try:
            ways[again.requeue(bridge, letter, find)] += 1
        except (MessageError, Conflict, WebhookError, UnknownSource) as error:
            failed += 1
            print(f"\r{letter.id}: {error}", file=sys.stderr)
        _show_progress(number, len(letters))
    print(f"{len(letters) - failed} of {len(letters)} dead letters requeued.")
    for way, count in ways.items():
        print(f"  {count} {way}.")
    return 1 if failed else 0


def _payload_of(bridge: Bridge) -> again.Find:
    """Looks up the kept payload of an entry."""
    payloads, opened = open_payloads(bridge.configuration.settings, environment()), bridge.delivery.outbox

    def find(entry: str) -> KeptPayload | None:
        records = opened.find_deliveries(entry)
        return next(filter(None, map(payloads.find, reversed(records))), None)

    return find


def _is_chosen(letter: DeadLetter, asked: argparse.Namespace, since: float) -> bool:
    """Whether it is named by its id, or is all that the other options say."""
    if any(letter.id.startswith(prefix) for prefix in asked.ids):
        return True
    entry = entry_of(letter)
    is_of_source = asked.source is None or (entry is not None and entry.source == asked.source)
    return bool(asked.all or asked.source or asked.since) and is_of_source and letter.at >= since


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        filled = 40 * done // total
        end = "\n" if done == total else ""
        print(f"\r[{'#' * filled}{'.' * (40 - filled)}] {done}/{total}", end=end, file=sys.stderr, flush=True)
