"""What `init` says at the end: what to do next, and for each service the URL, the secret and the menu."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bridge.cli.init_files import AZURE, CONFIG, DEVELOPER, LOCAL, MAIL, PARAMETERS, SETTINGS, Answers
from bridge.cli.output import filled, table
from bridge.files import ROOT
from bridge.local.config import FUNCTION_KEY, PORT
from bridge.sources import SOURCES
from bridge.sources.secrets import MADE_BY_THE_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bridge.sources.base import Source

_SAMPLES = {"github": "pull_request.opened"}  # by their services, if not the first
_APP = "https://<app>.azurewebsites.net"
# A menu as the docs of the services write it: `In the project: *Settings*, *Webhooks*, *Add*`.
_MENU = re.compile(r"(?:(?:In|For|As|At)\b[^:*.]{1,90}: )?\*[A-Z+][^*\n]+\*(?:, \*[A-Z+][^*\n]+\*)+")


def advice(answers: Answers, program: str) -> Iterator[str]:
    """Its lines. program: what people write to start the command line."""
    yield "Next, on this machine:"
    yield from table(_here(answers, program))
    if answers.where == AZURE:
        yield "\nThen, in Azure (docs/deploy.md):"
        yield from table([(f"{number}.", step) for number, step in enumerate(_deployment(answers), 1)])
        yield f"\nWith azd, in place of these, which reads {CONFIG}:"
        yield from (f"  {line}" for line in _azd(answers))
    for name in answers.services:
        yield f"\n{SOURCES[name].title}"
        yield from table(filled(dict(_service(SOURCES[name], answers))))
    if answers.where == LOCAL:
        yield "\nA service reaches this machine through a tunnel: set BRIDGE_LOCAL_TUNNEL to the tunnel's host name."
    if not (ROOT / "docs").is_dir():
        yield "\nThe repository has docs/ and azuredeploy.json, which pip does not install."


def _here(answers: Answers, program: str) -> Iterator[tuple[str, str]]:
    yield f"{program} run", f"the bridge, and the page that shows the group: http://127.0.0.1:{PORT}/"
    name = answers.services[0]
    samples = sorted(path.stem for path in SOURCES[name].samples.glob("*.json"))
    sample = _SAMPLES.get(name) or next(iter(samples), "payload.json")
    yield f"{program} send {name} {sample}", "a webhook of this kind, in a second terminal"
    if answers.identity == DEVELOPER:
        yield "az login", "the account that posts, and that must be a member of the group"
    yield f"{program} doctor", "checks everything that a post needs"


def _deployment(answers: Answers) -> Iterator[str]:
    if not answers.group:
        yield f'Write the object id of the group into {PARAMETERS}: "group".'
    if answers.identity == MAIL and not answers.mail_from:
        yield f'Write the address of the shared mailbox into {PARAMETERS}: "mailFrom".'
    if answers.identity != MAIL:
        yield f"docs/identity.md says what {answers.identity} needs, and which parameters it adds to {PARAMETERS}."
    yield "az group create --name rg-webhook-bridge --location westeurope"
    yield (
        "az deployment group create --resource-group rg-webhook-bridge --name webhook-bridge"
        f" --template-file azuredeploy.json --parameters @{PARAMETERS}"
    )
    yield "Run the command of its output nextCommand, and give the app the package: docs/deploy.md#the-portal."
    if answers.generated:
        yield "The deployment makes the secrets; the commands of its output secretCommands print them."


def _azd(answers: Answers) -> Iterator[str]:
    yield f"azd env set BRIDGE_GROUP {answers.group or '<object id of the group>'}"
    if answers.identity == MAIL:
        yield f"azd env set BRIDGE_MAIL_FROM {answers.mail_from or '<address of the shared mailbox>'}"
    else:
        yield f"azd env set BRIDGE_IDENTITY {answers.identity} && azd env set BRIDGE_CHANNEL threads"
    for name in answers.services:
        if SOURCES[name].verifier:
            yield f"azd env set-secret {SOURCES[name].secret_setting}"
    yield "azd up"


def _service(source: Source, answers: Answers) -> Iterator[tuple[str, str]]:
    has_secret = source.name in answers.generated or source.name in answers.secrets
    base, key = (f"http://127.0.0.1:{PORT}", FUNCTION_KEY) if answers.where == LOCAL else (_APP, "<function key>")
    url = f"{base}/api/webhooks/{source.path}"
    yield "URL", url if has_secret else f"{url}?code={key}"
    if source.name in answers.generated:
        place = f"in {SETTINGS}" if answers.where == LOCAL else "from secretCommands"
        yield "secret", f"{source.secret_setting}, {place}"
    elif source.name in MADE_BY_THE_SERVICE and not has_secret:
        yield "secret", f"{source.title} makes it: set {source.secret_setting} to it, and leave out ?code="
    yield "where", menu(source.samples.parent / "docs.md")
    yield "more", f"docs/services/{source.name}.md"


def menu(path: Path) -> str:
    """The first menu that the docs of a service name, as `Settings > Webhooks`; empty where they name none."""
    text = " ".join(path.read_text("utf-8").split()) if path.is_file() else ""
    found = _MENU.search(text.replace("**", ""))
    return found[0].replace("*, *", " > ").replace("*", "") if found else ""
