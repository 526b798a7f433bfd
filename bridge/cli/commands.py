"""`python -m bridge`: runs the bridge on this machine, and shows what it makes of a webhook.

Reads the settings as the local host does: environment variables over the settings file in the working directory.
"""

import argparse
import html
import logging
import os
import sys
import tempfile
import uuid
import webbrowser
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from bridge.app import Bridge
from bridge.cli import operations
from bridge.cli.operations import environment, table
from bridge.entries import Entry, Target, entry_id
from bridge.errors import BridgeError, CommandError
from bridge.events import Event, Webhook
from bridge.local import config, sending
from bridge.rendering.renderer import ROOT, post_html
from bridge.settings import Settings
from bridge.sources.base import Ignored, Source

_SAMPLE = ".venv/bin/python -m bridge send github pull_request.opened"
_PERMISSIONS = {
    "open": "a stand-in that permits everything; BRIDGE_LOCAL_PERMISSIONS=microsoft what Microsoft permits",
    "microsoft": "a stand-in that permits what Microsoft permits",
}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body style="margin:16px;font-family:Calibri,Carlito,sans-serif">
{post}
</body></html>
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Carries out a command line. The exit status: 0; 1 when `send` is not accepted; 2 with one line on stderr."""
    asked = _parser().parse_args(arguments)
    try:
        status: int = asked.command(asked)
    except BridgeError as error:
        print(f"bridge: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return status


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line instead of the usage and a line."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="bridge", description="Webhooks become conversation threads of Microsoft 365 groups.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="runs the bridge, a stand-in for Graph and a page that shows the groups")
    run.set_defaults(command=_run)

    mailbox = commands.add_parser("mailbox", help="runs the stand-in for Graph and the page alone, for `func start`")
    mailbox.add_argument("--port", type=int, help="where it listens (PORT, or 7071)")
    mailbox.set_defaults(command=_mailbox)

    payload = _Parser(add_help=False)
    payload.add_argument("source", metavar="SOURCE", help="a service; `sources` lists them")
    payload.add_argument(
        "file", type=Path, metavar="FILE", help="a file with the body of a webhook, or the name of a sample"
    )
    payload.add_argument("--event", help="the service's name for the event (the beginning of the file's name)")

    send = commands.add_parser("send", parents=[payload], help="signs a payload and posts it as the service does")
    send.add_argument("--delivery", metavar="ID", help="the delivery's id (a fresh one); the same again is a repeat")
    send.add_argument("--url", help="the webhook's URL (the one of `run`)")
    send.set_defaults(command=_send)

    explain = commands.add_parser("explain", parents=[payload], help="says what the bridge makes of a payload, and why")
    explain.set_defaults(command=_explain)

    preview = commands.add_parser("preview", parents=[payload], help="writes the post of a payload as HTML")
    preview.add_argument("--output", type=Path, metavar="FILE", help="where to (standard output)")
    preview.add_argument("--open", action="store_true", help="opens a browser")
    preview.add_argument(
        "--watch", action="store_true", help="shows it at PORT, anew whenever payload or template is saved"
    )
    preview.set_defaults(command=_preview)

    dead = commands.add_parser("dead-letters", help="lists what was not told, why, and what to do")
    dead.set_defaults(command=operations.dead_letters)

    replay = commands.add_parser("replay", help="sends dead letters again")
    replay.add_argument("ids", nargs="*", metavar="ID", help="the beginning of a dead letter's id")
    replay.add_argument("--all", action="store_true", help="all of them")
    replay.add_argument("--source", metavar="NAME", help="those of one service")
    replay.set_defaults(command=operations.replay)

    history = commands.add_parser("history", help="shows what became of a delivery")
    history.add_argument("delivery", metavar="DELIVERY", help="the delivery's id, as its service shows it")
    history.set_defaults(command=operations.history)

    doctor = commands.add_parser("doctor", help="looks at everything that a post needs, and says what to do")
    doctor.add_argument(
        "--post", action="store_true", help="posts a test thread into the first group, and reads it back"
    )
    doctor.add_argument("--json", action="store_true", help="for machines")
    doctor.set_defaults(command=operations.doctor)

    sign_in = commands.add_parser("sign-in", help="lets the service account sign in to a deployed app, in a browser")
    sign_in.add_argument("url", nargs="?", metavar="URL", help="the app's URL (BRIDGE_PUBLIC_URL)")
    sign_in.set_defaults(command=operations.sign_in)

    sources = commands.add_parser("sources", help="lists the services: URL, proof, and the setting of the secret")
    sources.set_defaults(command=_sources)
    return parser


def _run(_: argparse.Namespace) -> int:
    environment()
    port = config.port(os.environ)
    return _serve("bridge_app", port, _run_lines(port))


def _mailbox(asked: argparse.Namespace) -> int:
    port = asked.port or config.port(os.environ)
    os.environ.update(config.environment(os.environ, Path(), port))
    address = _address(port)
    lines = {
        "page": f"{address}/",
        "BRIDGE_GRAPH_URL": f"{address}/graph/v1.0",
        "IDENTITY_ENDPOINT": f"{address}/msi/token",
        "IDENTITY_HEADER": "local",
    }
    return _serve("mailbox_app", port, ["The stand-in for Graph is running; Ctrl-C stops it.", *table(lines.items())])


def _serve(build: str, port: int, lines: Iterable[str]) -> int:
    # Not for the commands that only look at a payload: it needs a web server.
    from bridge.local.host import server as host  # noqa: PLC0415
    from bridge.local.host.console import StepFormatter  # noqa: PLC0415

    handler = logging.StreamHandler()
    handler.setFormatter(StepFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in ("azure", "msal", "uvicorn"):
        logging.getLogger(name).setLevel(logging.WARNING)
    host.serve(getattr(host, build), port, lambda: print("\n".join(lines), flush=True))
    return 0


def _run_lines(port: int) -> list[str]:
    address = _address(port)
    settings = config.settings_file(Path())
    elsewhere = f"PORT={port} " if port != config.PORT else ""
    lines = {
        "page": f"{address}/",
        "webhooks": f"{address}/api/webhooks/<source>, as `python -m bridge sources` lists them",
        "health": f"{address}/api/health/details?code=local",
        "settings": f"{settings or 'the environment alone'}",
        "graph": _PERMISSIONS[config.permissions(os.environ)],
        "try it": f"{elsewhere}{_SAMPLE}",
    }
    return ["The bridge is running; Ctrl-C stops it.", *table(lines.items())]


def _send(asked: argparse.Namespace) -> int:
    bridge = _bridge()
    source, body = _source(bridge, asked.source), _read(_source(bridge, asked.source), asked.file)
    delivery = asked.delivery or str(uuid.uuid4())
    secrets = bridge.settings.credentials.get(source.name, ())
    webhook = sending.signed(source, secrets, body, _event_name(source, asked), delivery)
    if not asked.url and not (source.verifier and secrets):
        webhook = sending.opened(webhook)
    address = f"{_address(config.port(os.environ))}/api/webhooks/{source.path}"
    status, text = sending.post(asked.url or address, webhook)
    print(f"The bridge answered {status}: {text.strip() or 'nothing'}")
    return 0 if 200 <= status < 300 else 1


def _explain(asked: argparse.Namespace) -> int:
    bridge = _bridge()
    explanation = bridge.receiver.explain(asked.source, _webhook(bridge, asked))
    print("\n".join(table([("proof", explanation.proof)])))
    if explanation.acknowledged:
        print("\n".join(table([("answer", f"200, nothing is posted: {explanation.acknowledged}")])))
    for step in explanation.steps:
        rows = {
            "event": step.kind,
            "severity": step.severity,
            "title": step.title,
            "key": step.correlation_key,
            "template": f"{step.template} (considered: {', '.join(step.templates)})",
            "route": step.route,
            "groups": ", ".join(step.groups) or "none: it is dropped",
        }
        print("\n".join(["", *table(rows.items())]))
    return 0


def _preview(asked: argparse.Namespace) -> int:
    if asked.watch:
        return _watch(asked)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    bridge = _bridge()
    events = bridge.sources[asked.source].read(_webhook(bridge, asked))
    if isinstance(events, Ignored):
        raise CommandError(f"There is no post to show: {events.reason}")
    entries = [_entry(bridge, event, position) for position, event in enumerate(events)]
    _show(asked, _PAGE.format(title=html.escape(entries[0].topic), post=post_html(entries)))
    for event in events:
        taken = bridge.renderer.chosen(event)
        for name in bridge.renderer.considered(event):
            print(f"{name}{'  <- taken' if name == taken else ''}", file=sys.stderr)
    return 0


def _watch(asked: argparse.Namespace) -> int:
    # Not for the commands that only look at a payload: it needs a web server.
    from bridge.local.host import server as host  # noqa: PLC0415
    from bridge.local.page import preview  # noqa: PLC0415

    port = config.port(os.environ)
    bridge = _bridge()
    own = bridge.settings.templates
    folders = [ROOT / "templates", ROOT / "bridge/sources", *([own] if own else [])]
    source = _source(bridge, asked.source)
    event = _event_name(source, asked)
    shown = preview.Preview(source, _path(source, asked.file), event, folders, lambda: _bridge().renderer)

    def ready() -> None:
        print(f"The post of {asked.file} is at {_address(port)}/; each save shows there. Ctrl-C stops it.", flush=True)
        if asked.open and not webbrowser.open(f"{_address(port)}/"):
            print("No browser was found: open the address in one.", file=sys.stderr, flush=True)

    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    # The preview tells these itself, with all else that is wrong.
    logging.getLogger("bridge.rendering").propagate = False
    host.serve(lambda listens: preview.application(shown, listens), port, ready)
    return 0


def _entry(bridge: Bridge, event: Event, position: int) -> Entry:
    return bridge.renderer.entry(event, entry_id(event, position, ""), Target(""), datetime.now(UTC))


def _show(asked: argparse.Namespace, page: str) -> None:
    path: Path | None = asked.output
    if path is None and not asked.open:
        sys.stdout.write(page)
        return
    path = path or Path(tempfile.mkdtemp(prefix="bridge-")) / "post.html"
    try:
        path.write_text(page, "utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
    if asked.open and not webbrowser.open(path.resolve().as_uri()):
        raise CommandError(f"No browser was found; the post is in {path}.")


def _sources(_: argparse.Namespace) -> int:
    port = config.port(os.environ)
    env = config.environment(os.environ, Path(), port)
    address = f"{_address(port)}/api/webhooks"
    rows = [_source_row(source, env, f"{address}/{source.path}") for source in _bridge().sources.values()]
    print("\n".join(table([("SOURCE", "WEBHOOK", "PROOF", "SECRET"), *rows])))
    return 0


def _source_row(source: Source, env: Mapping[str, str], url: str) -> tuple[str, ...]:
    if source.verifier is None:
        return source.name, url, "function key", "none"
    if env.get(source.secret_setting, "").strip():
        return source.name, url, source.verifier.describe(), f"{source.secret_setting} (set)"
    return source.name, url, "function key", f"{source.secret_setting} (not set: {source.verifier.describe()} with it)"


def _bridge() -> Bridge:
    return Bridge(Settings.from_env(config.environment(os.environ, Path(), config.port(os.environ))))


def _source(bridge: Bridge, name: str) -> Source:
    if name in bridge.sources:
        return bridge.sources[name]
    raise CommandError(f"There is no source {name!r}: it must be one of {', '.join(bridge.sources)}.")


def _webhook(bridge: Bridge, asked: argparse.Namespace) -> Webhook:
    source = _source(bridge, asked.source)
    return Webhook(source.headers(_event_name(source, asked), "preview"), _read(source, asked.file))


def _event_name(source: Source, asked: argparse.Namespace) -> str:
    """--event, or the beginning of the file's name: `pull_request` of pull_request.opened.json."""
    name: str = asked.event or sending.event_name(asked.file.name, source.event_parts)
    return name


def _path(source: Source, given: Path) -> Path:
    """The file, or where there is none the sample of that name."""
    sample = source.samples / f"{given.name.removesuffix('.json')}.json"
    return sample if not given.exists() and given.name == str(given) and sample.is_file() else given


def _read(source: Source, path: Path) -> bytes:
    path = _path(source, path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error


def _address(port: int) -> str:
    return f"http://127.0.0.1:{port}"
