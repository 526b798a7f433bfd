"""Commands for what was not delivered: `dead-letters` and `requeue`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bridge.app import Bridge
from bridge.cli.common import environment, outbox, table
from bridge.configuration import Configuration
from bridge.entries import Entry, from_message
from bridge.errors import CommandError, Conflict, MessageError

if TYPE_CHECKING:
    import argparse

    from bridge.cli.parser import Commands
    from bridge.outbox.rows import DeadLetter


def register(commands: Commands) -> None:
    """Add the commands of this module."""
    dead = commands.add_parser("dead-letters", help="list what was not delivered, why, and what to do")
    dead.set_defaults(command=_dead_letters)
    requeue = commands.add_parser("requeue", help="queue dead letters again")
    requeue.add_argument("ids", nargs="*", metavar="ID", help="the beginning of a dead letter's id")
    requeue.add_argument("--all", action="store_true", help="requeue all of them")
    requeue.add_argument("--source", metavar="NAME", help="requeue those of one service")
    requeue.set_defaults(command=_requeue)


def _dead_letters(_: argparse.Namespace) -> int:
    with outbox() as opened:
        letters = opened.dead_letters()
    if not letters:
        print("There are no dead letters.")
    for letter in letters:
        entry = _entry_of(letter)
        rows = {
            "at": f"{datetime.fromtimestamp(letter.at, UTC):%Y-%m-%d %H:%M} UTC, after {letter.tries} tries",
            "event": f"{entry.source} {entry.kind}, delivery {entry.delivery}" if entry else "not readable",
            "topic": entry.topic if entry else "",
            "group": letter.group,
            "reason": letter.reason,
            "advice": letter.advice,
        }
        print("\n".join([letter.id, *table((name, text) for name, text in rows.items() if text), ""]))
    return 0


def _requeue(asked: argparse.Namespace) -> int:
    """Exit status 1 if one of them cannot be requeued."""
    if not (asked.ids or asked.all or asked.source):
        raise CommandError("Choose dead letters by id (`dead-letters` lists them), by --source NAME, or with --all.")
    publisher = Bridge(Configuration.from_env(environment())).publisher
    letters = [letter for letter in publisher.dead_letters() if _is_chosen(letter, asked)]
    if not letters:
        raise CommandError("No dead letter matches: `dead-letters` lists them.")
    failed = 0
    for number, letter in enumerate(letters, 1):
        try:
            publisher.requeue(letter)
        except (MessageError, Conflict) as error:
            failed += 1
            print(f"\r{letter.id}: {error}", file=sys.stderr)
        _show_progress(number, len(letters))
    print(f"{len(letters) - failed} of {len(letters)} dead letters requeued.")
    return 1 if failed else 0


def _is_chosen(letter: DeadLetter, asked: argparse.Namespace) -> bool:
    entry = _entry_of(letter)
    of_source = asked.source is not None and entry is not None and entry.source == asked.source
    return bool(asked.all or of_source or any(letter.id.startswith(prefix) for prefix in asked.ids))


def _entry_of(letter: DeadLetter) -> Entry | None:
    try:
        item = from_message(letter.message)
    except MessageError:
        return None
    return item if isinstance(item, Entry) else None


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        filled = 40 * done // total
        end = "\n" if done == total else ""
        print(f"\r[{'#' * filled}{'.' * (40 - filled)}] {done}/{total}", end=end, file=sys.stderr, flush=True)
