"""Commands that work on a webhook's payload: `send`, `explain` and `preview`."""

from __future__ import annotations

import html
import logging
import os
import sys
import tempfile
import uuid
import webbrowser
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.cli import payload
from bridge.cli.common import address, bridge, route_rows, table, warnings
from bridge.cli.payload import Payload
from bridge.entries import Entry, Target, entry_id
from bridge.errors import CommandError
from bridge.files import ROOT, beside
from bridge.local import config, sending
from bridge.publishing.stories import post_html
from bridge.receiving.participants import shown
from bridge.sources.base import Ignored

if TYPE_CHECKING:
    import argparse

    from bridge.app import Bridge
    from bridge.cli.parser import Commands
    from bridge.events import Event

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body style="margin:16px;font-family:Calibri,Carlito,sans-serif">
{post}
</body></html>
"""


def register(commands: Commands) -> None:
    """Add the commands of this module."""
    parents = [payload.arguments()]
    send = commands.add_parser("send", parents=parents, help="sign a payload and post it as the service does")
    send.add_argument("--delivery", metavar="ID", help="the id of the delivery; reuse one to repeat a delivery")
    send.add_argument("--url", help="the URL of the webhook (default: the one of `run`)")
    send.set_defaults(command=_send)

    explain = commands.add_parser("explain", parents=parents, help="show what the bridge does with a payload, and why")
    explain.set_defaults(command=_explain)

    preview = commands.add_parser("preview", parents=parents, help="write the post of a payload as HTML")
    preview.add_argument("--output", type=Path, metavar="FILE", help="write to this file (default: standard output)")
    preview.add_argument("--open", action="store_true", help="open the post in a browser")
    preview.add_argument(
        "--watch", action="store_true", help="serve the post at PORT, and update it when payload or template is saved"
    )
    preview.set_defaults(command=_preview)


def _send(asked: argparse.Namespace) -> int:
    """Exit status 1 if the bridge does not accept the webhook."""
    app = bridge()
    sample = Payload.from_arguments(app, asked)
    source, delivery = sample.source, asked.delivery or str(uuid.uuid4())
    authentication = app.configuration.authentications.get(source.name)
    webhook = sending.signed(source, authentication, sample.read(), sample.event, delivery)
    if not asked.url and authentication is None:
        webhook = sending.with_function_key(webhook)
    default_url = f"{address(config.port(os.environ))}/api/webhooks/{source.path}"
    status, text = sending.post(asked.url or default_url, webhook)
    print(f"The bridge answered {status}: {text.strip() or 'no text'}")
    return 0 if 200 <= status < 300 else 1


def _explain(asked: argparse.Namespace) -> int:
    app = bridge()
    explanation = app.receiver.explain(asked.source, Payload.from_arguments(app, asked).webhook())
    print("\n".join(table([("authentication", explanation.authentication)])))
    if explanation.ignored:
        print("\n".join(table([("answer", f"200, nothing is posted: {explanation.ignored}")])))
    for step in explanation.steps:
        rows = [
            ("event", step.kind),
            ("severity", step.severity),
            ("title", step.title),
            ("key", step.correlation_key),
            ("template", f"{step.template} (considered: {', '.join(step.templates)})"),
            *route_rows(step.trials),
            ("route", step.route),
            ("groups", ", ".join(step.groups) or "none: the event is dropped"),
            *([("participants", ", ".join(step.participants))] if step.participants else []),
            *([("unknown people", f"{', '.join(step.unknown)}: [people] does not name them")] if step.unknown else []),
            *(("waits", text) for text in step.waiting),
        ]
        print("\n".join(["", *table(rows)]))
    if explanation.expected:
        print("\n".join(["", *table([("expected", ", ".join(explanation.expected))])]))
    for text in warnings(app):
        print(f"\nwarning: {text}")
    return 0


def _preview(asked: argparse.Namespace) -> int:
    """Exit status 1 if anything is wrong that nothing else reports: the post is not what was meant."""
    if asked.watch:
        return _watch(asked)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    app = bridge()
    sample = Payload.from_arguments(app, asked)
    events = sample.source.read(sample.webhook())
    if isinstance(events, Ignored):
        raise CommandError(f"There is no post to show: {events.reason}")
    events = [sample.source.with_people(event) for event in events]
    entries = [_entry(app, event, position) for position, event in enumerate(events)]
    _show(asked, _PAGE.format(title=html.escape(entries[0].topic), post=post_html(entries)))
    for event in events:
        used = app.renderer.chosen(event)
        for name in app.renderer.considered(event):
            print(f"{name}{'  <- used' if name == used else ''}", file=sys.stderr)
    wrong = warnings(app)
    for text in wrong:
        print(f"warning: {text}", file=sys.stderr)
    return 1 if wrong else 0


def _watch(asked: argparse.Namespace) -> int:
    # Imported here: the other commands do not need a web server.
    from bridge.local import serving  # noqa: PLC0415
    from bridge.local.page.preview.preview import Preview  # noqa: PLC0415
    from bridge.local.page.preview.server import application  # noqa: PLC0415

    app, port = bridge(), config.port(os.environ)
    own = app.configuration.settings.templates
    folders = [beside() / "templates", ROOT / "bridge/sources", *([own] if own else [])]
    sample = Payload.from_arguments(app, asked)
    shown = Preview(sample.source, sample.path, sample.event, folders, bridge, warnings)

    def ready() -> None:
        print(f"The post of {asked.file}: {address(port)}/ (updated on each save; Ctrl-C to stop)", flush=True)
        if asked.open and not webbrowser.open(f"{address(port)}/"):
            print("No browser was found: open the address yourself.", file=sys.stderr, flush=True)

    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    # The preview reports the renderer's warnings itself, with all other problems.
    logging.getLogger("bridge.rendering").propagate = False
    serving.serve(lambda at: application(shown, at), port, ready)
    return 0


def _entry(app: Bridge, event: Event, position: int) -> Entry:
    event = shown(event, app.configuration.people)
    return app.renderer.entry(event, entry_id(event, position, ""), Target(""), datetime.now(UTC))


def _show(asked: argparse.Namespace, page: str) -> None:
    path: Path | None = asked.output
    if path is None and not asked.open:
        sys.stdout.write(page)
        return
    path = path or Path(tempfile.mkdtemp(prefix="bridge-")) / "post.html"
    try:
        path.write_text(page, "utf-8")
    except OSError as error:
        raise CommandError(f"Cannot write {path}: {error.strerror}.") from error
    if asked.open and not webbrowser.open(path.resolve().as_uri()):
        raise CommandError(f"No browser was found; the post is in {path}.")
