"""The command `sign-in`."""

from __future__ import annotations

import getpass
import webbrowser

import click
import requests

from bridge.cli.command import Command
from bridge.cli.common import environment
from bridge.errors import CommandError
from bridge.settings import is_loopback

_ADMIN_KEY = "BRIDGE_ADMIN_KEY"
_TIMEOUT = 60  # seconds
_ADVICE = {
    401: "The master key is wrong: find it under App keys in the portal.",
    404: "There is no bridge at this address.",
}


@click.command("sign-in", cls=Command, examples=["sign-in https://my-bridge.azurewebsites.net"])
@click.argument("url", default="", metavar="[URL]")
def sign_in(url: str) -> int:
    """Sign the service account in to a deployed app, in a browser.

    URL is that of the app; without it, that of BRIDGE_PUBLIC_URL. The app's master key is asked for, or taken from
    BRIDGE_ADMIN_KEY.
    """
    env = environment()
    url = url or env.get("BRIDGE_PUBLIC_URL", "")
    if not url.startswith("https://") and not is_loopback(url):
        raise CommandError("Give the URL of the app, https://..., or set BRIDGE_PUBLIC_URL.")
    key = env.get(_ADMIN_KEY, "") or getpass.getpass(f"The app's master key ({_ADMIN_KEY}): ")
    page = _sign_in_page(f"{url.rstrip('/')}/api/sign-in", key)
    click.echo(f"Sign in as the service account within ten minutes, at\n\n{page}\n")
    webbrowser.open(page)
    return 0


def _sign_in_page(url: str, key: str) -> str:
    """The address of the Entra page to which the app redirects."""
    try:
        # The key is sent in a header: as part of the address it would stay in the browser's history.
        answer = requests.get(url, headers={"x-functions-key": key}, timeout=_TIMEOUT, allow_redirects=False)
    except (requests.RequestException, ValueError) as error:
        raise CommandError(f"Cannot reach {url}: {type(error).__name__}.") from None
    if answer.status_code == 302 and answer.headers.get("Location", "").startswith("https://"):
        return answer.headers["Location"]
    advice = _ADVICE.get(answer.status_code, answer.text.strip())
    raise CommandError(f"{url} answered {answer.status_code}. {advice}")
