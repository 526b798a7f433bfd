"""The command `explain`."""

from __future__ import annotations

import dataclasses
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from bridge.cli.command import Command
from bridge.cli.common import bridge, environment, outbox, route_rows, warnings
from bridge.cli.output import print_json, print_table, state, warn
from bridge.cli.parameters import json_option
from bridge.cli.payload import Payload, entry_for, payload_arguments
from bridge.errors import BridgeError
from bridge.local import config
from bridge.outbox import is_configured
from bridge.publishing.windows import Windows
from bridge.sources.base import Ignored

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bridge.app import Bridge
    from bridge.calendar.maintenance import Window
    from bridge.receiving.explanations import EventExplanation


@click.command("explain", cls=Command, examples=["explain github push", "explain gitlab payload.json --json"])
@payload_arguments
@json_option
def explain(source: str, file: Path, event: str, as_json: bool) -> int:
    """Show what the bridge does with a payload, and why.

    It shows events, routes, groups and templates, and posts nothing. SOURCE is a service, which `sources` lists. FILE
    is a file with the body of a webhook, or the name of a sample.
    """
    app = bridge()
    payload = Payload.find(app, source, file, event)
    explanation = app.receiver.explain(source, payload.webhook())
    collected = [_maintenance(window) for window in _windows(app, payload)]
    if as_json:
        print_json([{**dataclasses.asdict(explanation), "maintenance": collected, "warnings": warnings(app)}])
        return 0
    print_table([("authentication", explanation.authentication)])
    if explanation.ignored:
        print_table([("answer", f"200, nothing is posted: {explanation.ignored}")])
    for step, text in zip(explanation.steps, collected, strict=True):
        click.echo()
        print_table((name, _named(app, row)) for name, row in _rows(step, text))
    if explanation.expected:
        click.echo()
        print_table([("expected", ", ".join(explanation.expected))])
    for text in warnings(app):
        click.echo(f"\n{state('warning', 'warning:')} {text}")
    return 0


def _rows(step: EventExplanation, maintenance: str) -> Iterator[tuple[str, str]]:
    yield "event", step.kind
    yield "severity", step.severity
    yield "title", step.title
    yield "key", step.correlation_key
    yield "template", f"{step.template} (considered: {', '.join(step.templates)})"
    yield from route_rows(step.trials)
    yield "route", step.route
    yield "groups", ", ".join(step.groups) or "none: the event is dropped"
    if step.participants:
        yield "participants", ", ".join(step.participants)
    if step.unknown:
        yield "unknown people", f"{', '.join(step.unknown)}: [people] does not name them"
    for text in step.waiting:
        yield "waits", text
    if maintenance and step.groups:
        yield "maintenance", maintenance


def _named(app: Bridge, text: str) -> str:
    """The text, with the names of groups before their ids."""
    for group in app.configuration.groups.values():
        if group.name:
            text = text.replace(group.id, f"{group.name} ({group.id})")
    return text


def _windows(app: Bridge, payload: Payload) -> Sequence[Window | None]:
    """The maintenance window that collects each event now, if one does."""
    events = payload.source.read(payload.webhook())
    if isinstance(events, Ignored):
        return []
    windows = Windows(app.configuration.maintenance, _started)
    entries = [entry_for(app, payload.source.with_people(event), number) for number, event in enumerate(events)]
    return [windows.of(entry, time.time()) for entry in entries]


def _started() -> str:
    """What was started from the command line, where that can be read: an explanation needs no storage."""
    from azure.core.exceptions import AzureError  # noqa: PLC0415  most explanations do without Azure's libraries

    env = environment()
    if not is_configured(env) and not config.outbox_file(env).exists():
        return ""
    try:
        with outbox() as opened:
            return opened.maintenance().text
    except (BridgeError, AzureError) as error:
        warn(f"The maintenance that was started cannot be read: {type(error).__name__}.")
        return ""


def _maintenance(window: Window | None) -> str:
    if window is None:
        return ""
    end = f"{datetime.fromtimestamp(window.end, UTC):%a %Y-%m-%d %H:%M} UTC"
    note = f" ({window.note})" if window.note else ""
    return f"collected until {end}{note}, as {window.match} matches; `maintenance list` shows it"
