"""The command `completion`, and the answers to the scripts that it prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import ShellComplete

from bridge.cli.command import Command
from bridge.cli.parameters import OneOf

if TYPE_CHECKING:
    from bridge.cli.command import Program

# The words after the program up to the cursor, a line each, and a dot: shells cut off empty lines at the end.
VARIABLE = "_WEBHOOK_BRIDGE_COMPLETE"
_SCRIPTS = {"bash": "bash", "zsh": "zsh", "fish": "fish", "powershell": "ps1"}


@click.command(
    "completion",
    cls=Command,
    examples=["completion bash", "completion fish | source"],
)
@click.argument("shell", metavar="SHELL", type=OneOf(list(_SCRIPTS)))
def completion(shell: str) -> int:
    """Print a script that completes commands, options, services and groups in a shell.

    SHELL is bash, zsh, fish or powershell. The first lines of what is printed say where to put it. It completes
    `webhook-bridge` and `python -m bridge`.
    """
    script = Path(__file__).parent / "shells" / f"completion.{_SCRIPTS[shell]}"
    click.echo(script.read_text("utf-8"), nl=False)
    return 0


def answer(program: Program, words: str) -> int:
    """Print what the last word may become: a kind, a value and a help in each line, with tabs between them."""
    # For bash, `--source=git` is three words.
    *before, last = [word for word in words.removesuffix("\n.").split("\n") if word != "="]
    for item in ShellComplete(program, {}, "", VARIABLE).get_completions(before, last):
        click.echo("\t".join((item.type, item.value, " ".join((item.help or "").split()))).rstrip("\t"))
    return 0
