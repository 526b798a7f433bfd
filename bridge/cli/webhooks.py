"""Commands that work on a webhook's payload: `send` and `preview`."""

from __future__ import annotations

import html
import logging
import os
import tempfile
import uuid
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridge.cli.command import Command
from bridge.cli.common import address, bridge, warnings
from bridge.cli.output import warn
from bridge.cli.payload import Payload, entry_for, payload_arguments
from bridge.errors import CommandError
from bridge.files import ROOT, beside
from bridge.local import config, sending
from bridge.publishing.stories import post_html
from bridge.sources.base import Ignored

if TYPE_CHECKING:
    from bridge.app import Bridge
    from bridge.sources.base import Authentication

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
    if status == 401:
        warn(_signed_with(authentication))
    return 0 if 200 <= status < 300 else 1


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
    entries = [entry_for(app, event, position) for position, event in enumerate(events)]
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


def _signed_with(authentication: Authentication | None) -> str:
    """What helps where the bridge does not authenticate the webhook."""
    if authentication is None:
        return "No secret is set here, so the webhook was not signed: the running bridge has other settings than these."
    return f"It was signed with {authentication.setting} of these settings, and the running bridge has another one."


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
