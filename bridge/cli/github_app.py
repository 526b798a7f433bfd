"""The command `github-app`."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import secrets
import time
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qs, urlsplit

import click

from bridge.cli.command import Command
from bridge.cli.common import environment
from bridge.errors import CommandError
from bridge.github_deliveries import manifest
from bridge.github_deliveries.client import GithubError

if TYPE_CHECKING:
    from bridge.github_deliveries.manifest import GithubApp

_PATIENCE = 900.0  # seconds for the visit
_CODE = re.compile(r"[A-Za-z0-9_-]{1,200}")
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Make the GitHub App</title></head>
<body style="margin:2em;font-family:'Segoe UI',Arial,sans-serif">
<form method="post" action="{action}"><input type="hidden" name="manifest" value="{manifest}">
<p>GitHub shows you the app before it makes it. It may read what it posts, and write nothing.</p>
<button>Go on to GitHub</button></form></body></html>
"""
_DONE = "The app is made. You may close this page; the terminal says what to do next.\n"


@click.command(
    "github-app",
    cls=Command,
    examples=["github-app https://my-bridge.azurewebsites.net --organization contoso"],
)
@click.argument("url", default="", metavar="[URL]")
@click.option("--organization", default="", metavar="NAME", help="Organization that owns the app.  [default: you]")
@click.option(
    "--name",
    default="Webhook bridge",
    show_default=True,
    metavar="NAME",
    help="Name of the app; no other on GitHub may have it.",
)
@click.option(
    "--github",
    default="https://github.com",
    show_default=True,
    metavar="URL",
    help="URL of your GitHub Enterprise Server.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("github-app"),
    show_default=True,
    metavar="FOLDER",
    help="Write key and secret to this folder.",
)
def github_app(url: str, organization: str, name: str, github: str, folder: Path) -> int:
    """Make a GitHub App whose webhooks come here, in a browser.

    URL is that of the bridge; without it, that of BRIDGE_PUBLIC_URL.
    """
    url = (url or environment().get("BRIDGE_PUBLIC_URL", "")).rstrip("/")
    if not re.fullmatch(r"https://[A-Za-z0-9.-]+(:\d+)?", url):
        raise CommandError("Give the URL of the bridge, https://..., or set BRIDGE_PUBLIC_URL.")
    if folder.exists():
        raise CommandError(f"{folder} exists: nothing is written over it. Choose another --folder.")
    if not re.fullmatch(r"[A-Za-z0-9-]{0,39}", organization):
        raise CommandError("--organization must be the name of an organization of GitHub.")
    github = github.rstrip("/")
    if not re.fullmatch(r"https://[A-Za-z0-9.-]+(:\d+)?", github):
        raise CommandError("--github must be the URL of an Enterprise Server, https://..., with nothing after it.")
    api = "https://api.github.com" if github == "https://github.com" else f"{github}/api/v3"
    with Visit(github, api, organization, name, url) as visit:
        click.echo(f"Open {visit.address} in a browser in which you are signed in to GitHub.")
        webbrowser.open(visit.address)
        app = visit.wait()
    _save(app, folder)
    click.echo(_next(app, folder))
    return 0


class Visit:
    """The page on this machine from which a browser goes to GitHub, and to which GitHub sends it back."""

    def __init__(self, github: str, api: str, organization: str, name: str, url: str) -> None:
        self._server = HTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.timeout = 1.0
        self.address = f"http://127.0.0.1:{self._server.server_port}/"
        self._state = secrets.token_urlsafe(24)
        self._github, self._api, self._organization = github, api, organization
        self._name, self._url = name, url
        self._app: GithubApp | None = None
        self._problem = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.server_close()

    def wait(self) -> GithubApp:
        """The app, once the browser has come back; CommandError if it does not."""
        ends = time.monotonic() + _PATIENCE
        while self._app is None and not self._problem and time.monotonic() < ends:
            self._server.handle_request()
        if self._app is None:
            raise CommandError(self._problem or "Nobody came back from GitHub: the app was not made.")
        return self._app

    def answer(self, target: str, host: str) -> tuple[int, str, str]:
        """Status, content type and text for a request of the browser."""
        if f"http://{host}/" != self.address:
            return 421, "text/plain", "This is not the address of this page.\n"
        parts = urlsplit(target)
        if parts.path == "/":
            asked = json.dumps(manifest.manifest(self._name, self._url, f"{self.address}created"))
            action = manifest.new_app_page(self._github, self._organization, self._state)
            return 200, "text/html", _PAGE.format(action=html.escape(action), manifest=html.escape(asked))
        if parts.path != "/created":
            return 404, "text/plain", "There is nothing here.\n"
        query = parse_qs(parts.query)
        code, state = (query.get(name, [""])[0] for name in ("code", "state"))
        # Without the state, another site could have its own app taken for ours.
        if not secrets.compare_digest(state.encode(), self._state.encode()) or not _CODE.fullmatch(code):
            return 400, "text/plain", "This visit was not begun here: open the page again.\n"
        try:
            self._app = manifest.convert(self._api, code)
        except GithubError as error:
            self._problem = str(error)
            return 502, "text/plain", f"{error}\n"
        return 200, "text/plain", _DONE


def _handler(visit: Visit) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content_type, text = visit.answer(self.path, self.headers.get("Host", ""))
            body = text.encode()
            self.send_response(status)
            for name, value in (
                ("Content-Type", f"{content_type}; charset=utf-8"),
                ("Content-Length", str(len(body))),
                ("Cache-Control", "no-store"),
                ("Referrer-Policy", "no-referrer"),
            ):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing: the address has the code."""

    return Handler


def _save(app: GithubApp, folder: Path) -> None:
    """Writes key and secret so that nobody else on this machine may read them."""
    values = {"github-app-key": base64.b64encode(app.key.encode()).decode(), "github": app.secret}
    try:
        folder.mkdir(mode=0o700, parents=True)
        for name, value in values.items():
            with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(value)
    except OSError as error:
        raise CommandError(f"Cannot write {folder}: {error.strerror}. Make a new key in {app.page}.") from error


def _next(app: GithubApp, folder: Path) -> str:
    command = "az keyvault secret set --vault-name <vault> --name"
    return f"""The app {app.name} is made: {app.page}
1. Install it: {app.page}/installations/new
2. Its key and the secret of its webhooks are in {folder}. Put them into the bridge's key vault:
     {command} github-app-key --file {folder}/github-app-key --output none
     {command} github --file {folder}/github --output none
   and deploy with githubAppId={app.id} and keptSecrets=["github", "github_app_key"]. On your own machine, they are
   BRIDGE_GITHUB_APP_ID={app.id}, BRIDGE_GITHUB_APP_KEY and BRIDGE_GITHUB_SECRET in local.settings.json.
3. Delete {folder}."""
