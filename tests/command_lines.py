"""Command lines of the docs and of examples, read as the program reads them, and not run."""

from collections.abc import Iterator, Sequence

import click

from bridge.cli.main import root


def parsed(words: Sequence[str]) -> click.Context:
    """The context of the command that would run; click.UsageError where the command line is wrong."""
    command, context, wants_help = root(), None, {"--help", "--version"} & {*words}
    rest = [word for word in words if word not in wants_help]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        context = click.Context(command, parent=context, info_name="bridge")
        _, command, rest = command.resolve_command(context, rest)
    if wants_help:
        return click.Context(command, parent=context)
    return command.make_context("bridge", rest, parent=context)


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command by its name, and by its names where it is one of another: `deliveries show`."""
    program = root()
    context = click.Context(program)
    for name in program.list_commands(context):
        command = program.get_command(context, name)
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {other}", inner) for other, inner in command.commands.items())
