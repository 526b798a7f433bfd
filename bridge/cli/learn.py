"""The command `learn`: from recorded webhooks to a source."""

from __future__ import annotations

import html
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.cli.common import environment
from bridge.errors import CommandError
from bridge.limits import MAX_BODY
from bridge.local import config
from bridge.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from bridge.cli.parser import Commands
    from bridge.events import Webhook
    from bridge.local.learning.trial import Trial

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body style="margin:16px;font-family:Calibri,Carlito,sans-serif">
{posts}
</body></html>
"""
_RULE = "-" * 60


def register(commands: Commands) -> None:
    """Add the command."""
    learn = commands.add_parser("learn", help="propose a source of your own for recorded webhooks, and show its post")
    learn.add_argument("files", nargs="*", type=Path, metavar="FILE", help="a file with the body of a webhook")
    learn.add_argument("--last", metavar="NAME", help="the last webhooks of this source that `run` has received")
    learn.add_argument("--count", type=int, default=2, help="how many of the last ones (default: 2, at most 10)")
    learn.add_argument(
        "--name", metavar="NAME", help="the name of the source (default: that of --last, or of the file)"
    )
    learn.add_argument("--html", type=Path, metavar="FILE", help="also write the posts to this file")
    learn.set_defaults(command=_learn)


def _learn(asked: argparse.Namespace) -> int:
    """The table goes to standard output, all else to standard error; exit status 1 if it makes no post."""
    # Imported here: the other commands start faster without it.
    from bridge.local.learning.proposal import propose, source_name  # noqa: PLC0415
    from bridge.local.learning.trial import trial  # noqa: PLC0415

    webhooks = _webhooks(asked)
    name = asked.name or asked.last or source_name(asked.files[0].stem)
    if source_name(name) != name:
        raise CommandError(f"{name!r} is no name for a source: it has lower-case letters, digits and underscores.")
    proposal = propose(own_name(name), webhooks)
    sys.stdout.write(proposal.table)
    sys.stdout.flush()
    found = trial(proposal.table, webhooks, Settings.from_env(environment()))
    print("\n".join(_report(proposal.unsure, found)), file=sys.stderr)
    if asked.html:
        _write(asked.html, proposal.name, found)
    return 0 if found.posts else 1


def own_name(name: str) -> str:
    """The name, or one that is none of the bridge's own."""
    from bridge.sources import SOURCES  # noqa: PLC0415

    return f"own_{name}"[:40] if name in SOURCES else name


def _webhooks(asked: argparse.Namespace) -> Sequence[Webhook]:
    from bridge.local.received import ReceivedWebhooks, from_file  # noqa: PLC0415
    from bridge.receiving.bodies import readable  # noqa: PLC0415

    if bool(asked.files) == bool(asked.last):
        raise CommandError("Give files with the bodies of webhooks, or --last NAME.")
    if asked.last:
        env = config.environment(os.environ, Path(), config.port(os.environ))
        kept = ReceivedWebhooks(config.received_folder(env))
        found = list(reversed(kept.last(asked.last, max(asked.count, 1))))
        if not found:
            known = ", ".join(kept.names()) or "nothing yet"
            raise CommandError(f"The local bridge has received no webhook of {asked.last!r}; it has received {known}.")
    else:
        found = [webhook for path in asked.files for webhook in from_file(path)]
    return [readable(webhook, MAX_BODY, as_fields=True) for webhook in found]


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
