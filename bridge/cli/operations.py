"""Commands for who operates the bridge: what was not told, and what became of a delivery.

They work on the outbox that the settings name: also, with `az login`, on that of an app in Azure.
"""

from __future__ import annotations

import argparse
import contextlib
import getpass
import json
import os
import sys
import textwrap
import webbrowser
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from bridge.app import Bridge, open_outbox
from bridge.entries import Entry, from_message
from bridge.errors import CommandError, Conflict, MessageError, SettingsError
from bridge.local import config
from bridge.outbox.base import DeadLetter, DeliveryRecord, OpenEntry, Outbox
from bridge.settings import Settings, is_loopback

if TYPE_CHECKING:
    from bridge.doctor import Finding

_ADMIN_KEY = "BRIDGE_ADMIN_KEY"
_TIMEOUT = 60  # seconds


def dead_letters(_: argparse.Namespace) -> int:
    """Lists the dead letters."""
    with contextlib.closing(_outbox()) as outbox:
        letters = outbox.dead_letters()
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


def _entry_of(letter: DeadLetter) -> Entry | None:
    try:
        item = from_message(letter.message)
    except MessageError:
        return None
    return item if isinstance(item, Entry) else None


def replay(asked: argparse.Namespace) -> int:
    """Sends dead letters again; 1 when one of them cannot be."""
    if not (asked.ids or asked.all or asked.source):
        raise CommandError("Say which: ids of `dead-letters`, --source NAME, or --all.")
    publisher = Bridge(Settings.from_env(environment())).publisher
    letters = [letter for letter in publisher.dead_letters() if _is_asked_for(letter, asked)]
    if not letters:
        raise CommandError("No dead letter is meant by that: `dead-letters` lists them.")
    unreadable = 0
    for number, letter in enumerate(letters, 1):
        try:
            publisher.replay(letter)
        except (MessageError, Conflict) as error:
            unreadable += 1
            print(f"\r{letter.id}: {error}", file=sys.stderr)
        _progress(number, len(letters))
    print(f"{len(letters) - unreadable} of {len(letters)} dead letters are sent again.")
    return 1 if unreadable else 0


def _is_asked_for(letter: DeadLetter, asked: argparse.Namespace) -> bool:
    entry = _entry_of(letter)
    of_source = asked.source is not None and entry is not None and entry.source == asked.source
    return bool(asked.all or of_source or any(letter.id.startswith(ident) for ident in asked.ids))


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        filled = 40 * done // of
        end = "\n" if done == of else ""
        print(f"\r[{'#' * filled}{'.' * (40 - filled)}] {done}/{of}", end=end, file=sys.stderr, flush=True)


def history(asked: argparse.Namespace) -> int:
    """Says what became of the entries of a delivery."""
    with contextlib.closing(_outbox()) as outbox:
        known = outbox.history(asked.delivery)
        dead = {letter.id: letter.reason for letter in outbox.dead_letters()}
        still_open = {row.entry.id: row for told in known for row in outbox.open_entries(told.group)}
    if not known:
        raise CommandError(
            f"Nothing is known of the delivery {asked.delivery}: it was refused, dropped, or is too old."
        )
    for told in known:
        rows = {
            "event": f"{told.source} {told.kind}",
            "group": told.group,
            "recorded": f"{datetime.fromtimestamp(told.recorded, UTC):%Y-%m-%d %H:%M:%S} UTC",
            "became": _became(told, dead, still_open),
        }
        print("\n".join([told.id, *table(rows.items())]))
    return 0


def _became(told: DeliveryRecord, dead: Mapping[str, str], still_open: Mapping[str, OpenEntry]) -> str:
    if told.thread:
        return f"told in the thread {told.thread}"
    if told.id in dead:
        return f"a dead letter: {dead[told.id]}"
    return f"still to be told: {still_open[told.id].state}" if told.id in still_open else "forgotten"


def doctor(asked: argparse.Namespace) -> int:
    """Prints the checklist, line by line as it is found; 1 when anything has failed."""
    from bridge.doctor import as_json, is_well  # noqa: PLC0415  the other commands start without it

    env = environment()
    findings: list[Finding] = []
    for finding in _findings(env, post=asked.post):
        findings.append(finding)
        if not asked.json:
            print("\n".join(_lines(finding)), flush=True)
    if asked.json:
        print(json.dumps(as_json(findings), indent=2))
    return 0 if is_well(findings) else 1


def _findings(env: Mapping[str, str], *, post: bool) -> Iterator[Finding]:
    from bridge.doctor import examine, of_settings  # noqa: PLC0415

    try:
        bridge = Bridge(Settings.from_env(env))
    except SettingsError as error:
        yield from of_settings(error.problems)
        return
    yield from examine(bridge, env, post=post)


def _lines(finding: Finding) -> list[str]:
    wrap = textwrap.TextWrapper(110, subsequent_indent=" " * 9, break_long_words=False, break_on_hyphens=False)
    lines = wrap.wrap(f"{finding.verdict:<9}{finding.subject}: {finding.text}")
    wrap.initial_indent = wrap.subsequent_indent
    return [*lines, *wrap.wrap(finding.advice)]


def sign_in(asked: argparse.Namespace) -> int:
    """Opens the page of Entra at which the service account signs in to the app."""
    env = environment()
    url = asked.url or env.get("BRIDGE_PUBLIC_URL", "")
    if not url.startswith("https://") and not is_loopback(url):
        raise CommandError("Say where the app is, as https://..., or set BRIDGE_PUBLIC_URL.")
    key = env.get(_ADMIN_KEY, "") or getpass.getpass(f"The app's master key ({_ADMIN_KEY}): ")
    address = _sign_in_address(f"{url.rstrip('/')}/api/sign-in", key)
    print(f"Sign in as the service account, within ten minutes, at\n\n{address}\n")
    webbrowser.open(address)
    return 0


def _sign_in_address(url: str, key: str) -> str:
    try:
        # In a header: an address would stay in the browser's history.
        answer = requests.get(url, headers={"x-functions-key": key}, timeout=_TIMEOUT, allow_redirects=False)
    except (requests.RequestException, ValueError) as error:
        raise CommandError(f"{url} cannot be reached: {type(error).__name__}.") from None
    if answer.status_code == 302 and answer.headers.get("Location", "").startswith("https://"):
        return answer.headers["Location"]
    advice = {401: "The master key is wrong: it is under App keys in the portal.", 404: "No bridge is there."}
    raise CommandError(f"{url} answered {answer.status_code}. {advice.get(answer.status_code, answer.text.strip())}")


def _outbox() -> Outbox:
    env = environment()
    return open_outbox(Settings.from_env(env), env)


def environment() -> Mapping[str, str]:
    """The environment with the settings file's values, which all parts of the bridge may read from now on."""
    os.environ.update(config.environment(os.environ, Path(), config.port(os.environ)))
    return os.environ


def table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines with aligned columns."""
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return ["  " + "  ".join([*map(str.ljust, row, widths), row[-1]]) for row in rows]
