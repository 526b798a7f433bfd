"""The command `learn`: from recorded webhooks to a source."""

from __future__ import annotations

import html
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridge.cli.command import Command
from bridge.cli.common import environment
from bridge.errors import CommandError
from bridge.limits import MAX_BODY
from bridge.local import config
from bridge.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bridge.events import Webhook
    from bridge.local.learning.trial import Trial

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body style="margin:16px;font-family:Calibri,Carlito,sans-serif">
{posts}
</body></html>
"""
_RULE = "-" * 60


@click.command(
    "learn",
    cls=Command,
    examples=["learn payload.json", "learn --last backups --html post.html", "learn one.json two.json --name backups"],
    wrong="the proposed source makes no post",
)
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@click.option("--last", default="", metavar="NAME", help="The last webhooks of this source that `run` has received.")
@click.option(
    "--count", type=int, default=2, show_default=True, metavar="N", help="How many of the last ones, at most 10."
)
@click.option(
    "--name", default="", metavar="NAME", help="The name of the source.  [default: that of --last, or of the file]"
)
@click.option(
    "--html", "html_file", type=click.Path(path_type=Path), metavar="FILE", help="Also write the posts to this file."
)
def learn(files: tuple[Path, ...], last: str, count: int, name: str, html_file: Path | None) -> int:
    """Propose a source of your own for recorded webhooks, and show its post.

    A FILE holds the body of one webhook. The table for BRIDGE_CONFIG goes to standard output, all else to standard
    error.
    """
    # Imported here: the help of the command does without it.
    from bridge.local.learning.proposal import propose, source_name  # noqa: PLC0415
    from bridge.local.learning.trial import trial  # noqa: PLC0415

    if bool(files) == bool(last):
        raise CommandError("Give files with the bodies of webhooks, or --last NAME.")
    webhooks = _last(last, count) if last else _of_files(files)
    name = name or last or source_name(files[0].stem)
    if source_name(name) != name:
        raise CommandError(f"{name!r} is no name for a source: it has lower-case letters, digits and underscores.")
    proposal = propose(own_name(name), webhooks)
    click.echo(proposal.table, nl=False)
    found = trial(proposal.table, webhooks, Settings.from_env(environment()))
    click.echo("\n".join(_report(proposal.unsure, found)), err=True)
    if html_file:
        _write(html_file, proposal.name, found)
    return 0 if found.posts else 1


def own_name(name: str) -> str:
    """The name, or one that is none of the bridge's own."""
    from bridge.sources import SOURCES  # noqa: PLC0415

    return f"own_{name}"[:40] if name in SOURCES else name


def _last(name: str, count: int) -> Sequence[Webhook]:
    from bridge.local.received import ReceivedWebhooks  # noqa: PLC0415

    env = config.environment(os.environ, Path(), config.port(os.environ))
    kept = ReceivedWebhooks(config.received_folder(env))
    found = list(reversed(kept.last(name, max(count, 1))))
    if not found:
        known = ", ".join(kept.names()) or "nothing yet"
        raise CommandError(f"The local bridge has received no webhook of {name!r}; it has received {known}.")
    return _readable(found)


def _of_files(paths: Sequence[Path]) -> Sequence[Webhook]:
    from bridge.local.received import from_file  # noqa: PLC0415

    return _readable(webhook for path in paths for webhook in from_file(path))


def _readable(webhooks: Iterable[Webhook]) -> Sequence[Webhook]:
    from bridge.receiving.bodies import readable  # noqa: PLC0415

    return [readable(webhook, MAX_BODY, as_fields=True) for webhook in webhooks]


def _report(unsure: Sequence[str], found: Trial) -> list[str]:
    from bridge.local.learning.trial import as_text  # noqa: PLC0415

    lines = [""]
    for number, post in enumerate(found.posts, 1):
        of = f" {number} of {len(found.posts)}" if len(found.posts) > 1 else ""
        end = ", which ends the thread" if post.ends_thread else ""
        lines += [f"Post{of}, in the thread “{post.key}”{end}", _RULE, as_text(post), _RULE]
    lines += [f"Problem: {problem}" for problem in found.problems]
    lines += [f"Not sure: {sentence}" for sentence in unsure]
    return [*lines, "Put the table into BRIDGE_CONFIG, and change what is not right."]


def _write(path: Path, name: str, found: Trial) -> None:
    posts = "\n<p></p>\n".join(post.html for post in found.posts)
    try:
        path.write_text(_PAGE.format(title=html.escape(name), posts=posts), "utf-8")
    except OSError as error:
        raise CommandError(f"Cannot write {path}: {error.strerror}.") from error
