"""docs/cli.md: the exit statuses, and every command with its options and examples, as the helps say them."""

import re
from collections.abc import Iterator
from inspect import cleandoc

import click

from bridge.cli.command import STATUSES, Command, Group
from bridge.cli.main import root
from tools.marks import between

_PROGRAM = "python -m bridge"
# Names of arguments and what an angle bracket would begin, which Markdown takes for HTML.
_ANGLES = re.compile(r"<[^>\s]+>")


def with_commands(text: str) -> str:
    """The page with the table of exit statuses and the commands between their marks."""
    statuses = "".join(f"| {status} | {meaning} |\n" for status, meaning in STATUSES.items())
    text = between(text, "statuses", f"\n| status | meaning |\n| --- | --- |\n{statuses}\n")
    return between(text, "commands", "\n" + "\n".join(_sections()) + "\n")


def _sections() -> Iterator[str]:
    program = root()
    context = click.Context(program, info_name=_PROGRAM)
    for title, commands in program.sections.items():
        yield f"## {title}\n"
        for name in commands:
            command = program.get_command(context, name)
            if command:
                yield from _command(command, name, context)


def _command(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=name.rpartition(" ")[2], parent=parent)
    yield f"### {name}\n"
    yield f"{_escaped(cleandoc(command.help or ''))}\n"
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"`{usage}`\n"
    options = [_row(option, context) for option in command.params if isinstance(option, click.Option)]
    if options:
        yield "\n".join(["| option | meaning |", "| --- | --- |", *options, ""])
    if isinstance(command, Command) and command.wrong:
        yield f"Exit status 1: {command.wrong}.\n"
    if isinstance(command, (Command, Group)) and command.examples:
        yield "\n".join(["```sh", *(f"{_PROGRAM} {line}" for line in command.examples), "```", ""])
    if isinstance(command, Group):
        for inner, each in command.commands.items():
            yield from _command(each, f"{name} {inner}", context)


def _row(option: click.Option, context: click.Context) -> str:
    names, meaning = option.get_help_record(context) or ("", "")
    default = re.search(r"\s*\[default: (.*)\]$", meaning)
    text = meaning[: default.start()] if default else meaning
    given = f" Default: {default[1]}." if default else ""
    return f"| `{names}` | {_escaped(f'{text}{given}')} |".replace("||", "&#124;")


def _escaped(text: str) -> str:
    """Text in which Markdown sees no HTML."""
    return _ANGLES.sub(lambda match: f"`{match[0]}`", text)
