"""Commands that work on a webhook's payload: `send`, `explain` and `preview`."""

from __future__ import annotations

import dataclasses
import html
import logging
import os
import tempfile
import uuid
import webbrowser
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridge.cli.command import Command
from bridge.cli.common import address, bridge, route_rows, warnings
from bridge.cli.output import print_json, print_table, state, warn
from bridge.cli.parameters import json_option
from bridge.cli.payload import Payload, payload_arguments
from bridge.entries import Entry, Target, entry_id
from bridge.errors import CommandError
from bridge.files import ROOT, beside
from bridge.local import config, sending
from bridge.publishing.stories import post_html
from bridge.receiving.participants import shown
from bridge.sources.base import Ignored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.app import Bridge
    from bridge.events import Event
    from bridge.receiving.explanations import EventExplanation

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body style="margin:16px;font-family:Calibri,Carlito,sans-serif">
{post}
</body></html>
"""


@click.command(
    "send",
    cls=Command,
    examples=[
        "send github pull_request.opened",
        "send alertmanager firing.json --url https://<app>/api/webhooks/alertmanager",
    ],
    wrong="the bridge does not accept the webhook",
)
@payload_arguments
@click.option("--delivery", default="", metavar="ID", help="The id of the delivery; reuse one to repeat a delivery.")
@click.option("--url", default="", metavar="URL", help="The URL of the webhook.  [default: the one of `run`]")
def send(source: str, file: Path, event: str, delivery: str, url: str) -> int:
    """Sign a payload and post it as its service does.

    SOURCE is a service, which `sources` lists. FILE is a file with the body of a webhook, or the name of a sample.
    """
    app = bridge()
    sample = Payload.find(app, source, file, event)
    delivery = delivery or str(uuid.uuid4())
    authentication = app.configuration.authentications.get(source)
    webhook = sending.signed(sample.source, authentication, sample.read(), sample.event, delivery)
    if not url and authentication is None:
        webhook = sending.with_function_key(webhook)
    default_url = f"{address(config.port(os.environ))}/api/webhooks/{sample.source.path}"
    status, text = sending.post(url or default_url, webhook)
    click.echo(f"The bridge answered {status}: {text.strip() or 'no text'}")
    return 0 if 200 <= status < 300 else 1


@click.command("explain", cls=Command, examples=["explain github push", "explain gitlab payload.json --json"])
@payload_arguments
@json_option
def explain(source: str, file: Path, event: str, as_json: bool) -> int:
    """Show what the bridge does with a payload, and why.

    It shows events, routes, groups and templates, and posts nothing. SOURCE is a service, which `sources` lists. FILE
    is a file with the body of a webhook, or the name of a sample.
    """
    app = bridge()
    explanation = app.receiver.explain(source, Payload.find(app, source, file, event).webhook())
    if as_json:
        print_json([{**dataclasses.asdict(explanation), "warnings": warnings(app)}])
        return 0
    print_table([("authentication", explanation.authentication)])
    if explanation.ignored:
        print_table([("answer", f"200, nothing is posted: {explanation.ignored}")])
    for step in explanation.steps:
        click.echo()
        print_table(_rows(step))
    if explanation.expected:
        click.echo()
        print_table([("expected", ", ".join(explanation.expected))])
    for text in warnings(app):
        click.echo(f"\n{state('warning', 'warning:')} {text}")
    return 0


def _rows(step: EventExplanation) -> Iterator[tuple[str, str]]:
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


@click.command(
    "preview",
    cls=Command,
    examples=[
        "preview github pull_request.opened --open",
        "preview github push --watch",
        "preview github push --output post.html",
    ],
    wrong="something is wrong with settings, routes or templates that nothing else reports",
)
@payload_arguments
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to this file.  [default: standard output]"
)
@click.option("--open", "in_browser", is_flag=True, help="Open the post in a browser.")
@click.option("--watch", is_flag=True, help="Serve the post at PORT, and update it when payload or template is saved.")
def preview(source: str, file: Path, event: str, output: Path | None, in_browser: bool, watch: bool) -> int:
    """Write the post of a payload as HTML.

    Standard error lists the templates that were considered, with the one that was used. SOURCE is a service, which
    `sources` lists. FILE is a file with the body of a webhook, or the name of a sample.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    app = bridge()
    sample = Payload.find(app, source, file, event)
    if watch:
        return _watch(app, sample, in_browser=in_browser)
    events = sample.source.read(sample.webhook())
    if isinstance(events, Ignored):
        raise CommandError(f"There is no post to show: {events.reason}")
    events = [sample.source.with_people(event) for event in events]
    entries = [_entry(app, event, position) for position, event in enumerate(events)]
    page = _PAGE.format(title=html.escape(entries[0].topic), post=post_html(entries))
    _show(page, output, in_browser=in_browser)
    for each in events:
        used = app.renderer.chosen(each)
        for name in app.renderer.considered(each):
            click.echo(f"{name}{'  <- used' if name == used else ''}", err=True)
    wrong = warnings(app)
    for text in wrong:
        warn(text)
    return 1 if wrong else 0


def _watch(app: Bridge, sample: Payload, *, in_browser: bool) -> int:
    # Imported here: the other commands do not need a web server.
    from bridge.local import serving  # noqa: PLC0415
    from bridge.local.page.preview.preview import Preview  # noqa: PLC0415
    from bridge.local.page.preview.server import application  # noqa: PLC0415

    port = config.port(os.environ)
    own = app.configuration.settings.templates
    folders = [beside() / "templates", ROOT / "bridge/sources", *([own] if own else [])]
    shown = Preview(sample.source, sample.path, sample.event, folders, bridge, warnings)

    def ready() -> None:
        click.echo(f"The post of {sample.path}: {address(port)}/ (updated on each save; Ctrl-C to stop)")
        if in_browser and not webbrowser.open(f"{address(port)}/"):
            click.echo("No browser was found: open the address yourself.", err=True)

    # The preview reports the renderer's warnings itself, with all other problems.
    logging.getLogger("bridge.rendering").propagate = False
    serving.serve(lambda at: application(shown, at), port, ready)
    return 0


def _entry(app: Bridge, event: Event, position: int) -> Entry:
    event = shown(event, app.configuration.people)
    return app.renderer.entry(event, entry_id(event, position, ""), Target(""), datetime.now(UTC))


def _show(page: str, output: Path | None, *, in_browser: bool) -> None:
    if output is None and not in_browser:
        click.echo(page, nl=False)
        return
    path = output or Path(tempfile.mkdtemp(prefix="bridge-")) / "post.html"
    try:
        path.write_text(page, "utf-8")
    except OSError as error:
        raise CommandError(f"Cannot write {path}: {error.strerror}.") from error
    if in_browser and not webbrowser.open(path.resolve().as_uri()):
        raise CommandError(f"No browser was found; the post is in {path}.")
