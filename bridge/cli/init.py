"""The command `init`: asks what somebody has, and writes the files by which the bridge runs with it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.command import Command
from bridge.cli.init_advice import advice
from bridge.cli.init_files import AZURE, IDENTITIES, LOCAL, MAIL, Answers, changes, files, known, write
from bridge.cli.parameters import OneOf, sources_of_the_settings
from bridge.errors import CommandError
from bridge.local.config import DEMO_GROUP, DEMO_NAME
from bridge.program import program
from bridge.settings import conversions
from bridge.sources import SOURCES
from bridge.sources.secrets import MADE_BY_THE_SERVICE
from bridge.spelling import meant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ALL_IDENTITIES = [one for names in IDENTITIES.values() for one in names]
_WHERE = "Where the bridge will run: local (this machine) or azure"
_GROUP = "Group: the object id or the name that the Entra admin center shows; empty: a demo group on this machine"
_NAME = "What routes call the group"
_SERVICES = "Services, separated by commas; `sources` lists them"
_TIME_ZONE = "Time zone of the times in posts"
_MAIL = "Address of the shared mailbox that posts; empty: later"
_IDENTITY = {
    LOCAL: "Who posts: stand-in (nothing leaves this machine) or developer (your account, with `az login`)",
    AZURE: "Who posts: mail (a shared mailbox), agent-user or service-account; docs/identity.md compares them",
}


@click.command(
    "init",
    cls=Command,
    examples=[
        "init",
        "init --yes",
        "init --where azure --group 3c1d0d4e-0000-4000-8000-000000000001 --services github,grafana --yes",
    ],
)
@click.option("--where", type=OneOf([LOCAL, AZURE]), default=None, metavar="PLACE", help=f"{_WHERE}.  [default: local]")
@click.option("--group", default=None, metavar="GROUP", help=f"{_GROUP}.  [default: empty]")
@click.option("--group-name", default=None, metavar="NAME", help=f"{_NAME}.  [default: Demo group, or team]")
@click.option(
    "--services",
    default=None,
    metavar="NAMES",
    shell_complete=sources_of_the_settings,
    help=f"{_SERVICES}.  [default: github]",
)
@click.option(
    "--secret",
    "given",
    multiple=True,
    metavar="NAME=SECRET",
    help="The secret that a service has made, such as stripe=whsec_...; may be repeated. `init` makes all others.",
)
@click.option(
    "--identity",
    type=OneOf(_ALL_IDENTITIES),
    default=None,
    metavar="IDENTITY",
    help="Who posts. local: stand-in or developer; azure: mail, agent-user or service-account."
    "  [default: stand-in, or mail]",
)
@click.option("--mail-from", default=None, metavar="ADDRESS", help=f"{_MAIL}.  [default: empty]")
@click.option("--time-zone", default=None, metavar="ZONE", help=f"{_TIME_ZONE}.  [default: UTC]")
@click.option("--yes", is_flag=True, help="Ask nothing: use the default where there is no option.")
@click.option("--force", is_flag=True, help="Change files that exist; the old ones are kept as *.bak.")
def init(yes: bool, force: bool, given: tuple[str, ...], **asked: str | None) -> int:
    """Write settings, routes and the deployment's parameters for what you have.

    It asks where the bridge will run, for the group and the services, and who posts. It writes local.settings.json with
    new secrets, config.toml with the group, and for Azure answers.json, the parameters of the template.

    Enter takes the default of a question, which comes from these files if they exist. Nothing is written before the
    last answer, and no file is changed without --force. Routes in config.toml stay as they are.
    """
    try:
        answers = _answers(_Questions(asked, asks=not yes), given, known(Path()))
    except click.Abort:
        click.echo("\nNothing is written.", err=True)
        raise
    made = files(answers, Path())
    planned = changes(made)
    if planned and not force:
        raise CommandError(
            f"{'; '.join(planned)}. Nothing is written: --force writes, and keeps the old files as *.bak."
        )
    written = write(made)
    click.echo(
        f"Written: {', '.join(map(str, written))}.\n" if written else "Nothing to change: the files say this already.\n"
    )
    click.echo("\n".join(advice(answers, program())))
    return 0


class _Questions:
    """Takes an answer from its option, else from the person, else from its default."""

    def __init__(self, given: Mapping[str, str | None], *, asks: bool) -> None:
        self._given, self._asks = given, asks

    def ask(self, name: str, question: str, default: str, check: Callable[[str], Any] = str) -> Any:
        """The checked answer. name: of the option, with underscores."""
        given = self._given.get(name)
        if given is not None or not self._asks:
            try:
                return check(default if given is None else given)
            except click.UsageError as error:
                raise CommandError(f"--{name.replace('_', '-')}: {error.message}") from error
        return click.prompt(question, default=default, value_proc=check, show_default=bool(default))


def _answers(questions: _Questions, given: tuple[str, ...], before: Answers) -> Answers:
    """The answers. before: those of the files that exist, which are the defaults."""
    secrets = dict(map(_secret, given))
    where = questions.ask("where", _WHERE, LOCAL, _one_of(LOCAL, AZURE))
    group = questions.ask("group", _GROUP, before.group, _group)
    name = (before.group_name if group == before.group else "") or ("team" if group else DEMO_NAME)
    name = questions.ask("group_name", _NAME, name, _name)
    services = questions.ask("services", _SERVICES, ",".join(before.services), _services)
    if unasked := secrets.keys() - {*services}:
        raise CommandError(f"--secret: {', '.join(sorted(unasked))} is not among the services.")
    for one in services:
        if one in MADE_BY_THE_SERVICE and one not in secrets:
            question = f"Secret that {SOURCES[one].title} shows; empty: later"
            if secret := questions.ask(f"secret {one}", question, "", str):
                secrets |= dict([_secret(f"{one}={secret}")])
    identities = IDENTITIES[where]
    usual = before.identity if before.identity in identities else identities[0]
    identity = questions.ask("identity", _IDENTITY[where], usual, _one_of(*identities))
    mail_from = questions.ask("mail_from", _MAIL, "", _mailbox) if identity == MAIL else ""
    zone = questions.ask("time_zone", _TIME_ZONE, before.time_zone, _checked(conversions.time_zone))
    return Answers(where, group, name, services, identity, mail_from, zone, secrets)


def _one_of(*words: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        return OneOf(words).convert(text.strip(), None, None)

    return check


def _checked(convert: Callable[[str], Any]) -> Callable[[str], str]:
    """The text, if a setting could have it as its value."""

    def check(text: str) -> str:
        try:
            convert(text.strip())
        except ValueError as error:
            raise click.UsageError(f"{text!r} {error}.") from error
        return text.strip()

    return check


def _mailbox(text: str) -> str:
    return _checked(conversions.mailbox)(text) if text.strip() else ""


def _name(text: str) -> str:
    if not text.strip() or not text.isprintable() or len(text) > 80:
        raise click.UsageError("a name has 1 to 80 characters, in one line.")
    return text.strip()


def _services(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(filter(None, re.split(r"[\s,]+", text.strip().lower()))))
    for name in names:
        if name not in SOURCES:
            like = meant(name, SOURCES)
            raise click.UsageError(
                f"unknown service {name!r}: {f'did you mean {like}?' if like else '`sources` lists them.'}"
            )
    if not names:
        raise click.UsageError("name at least one service.")
    return names


def _secret(text: str) -> tuple[str, str]:
    """A service with the secret that it has made."""
    name, _, secret = text.partition("=")
    source = SOURCES.get(name.strip())
    if source is None or source.verifier is None:
        raise CommandError(
            f"--secret: {name!r} is not a service with a secret. Write NAME=SECRET, such as stripe=whsec_..."
        )
    if not source.verifier.key_size(secret.strip()):
        raise CommandError(f"--secret: that is not a secret of {source.title}: copy the whole secret from there.")
    return source.name, secret.strip()


def _group(text: str) -> str:
    """The object id of a group that is given by it, or by its name, which Azure CLI looks up."""
    given = text.strip()
    if not given or conversions.is_uuid(given):
        return "" if given.lower() == DEMO_GROUP else given.lower()
    az = shutil.which("az")
    if az is None:
        raise click.UsageError(
            f"{given!r} is not an object id. Copy it from the Entra admin center: Groups, the group, Object ID."
        )
    command = [az, "ad", "group", "show", "--group", given, "--query", "id", "--output", "tsv"]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
    if not conversions.is_uuid(found.stdout.strip()):
        raise click.UsageError(f"Azure CLI finds no group {given!r}: sign in with `az login`, or give its object id.")
    return found.stdout.strip().lower()
