"""What every command has: examples and exit statuses in its help, and errors that say what was meant."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from bridge.spelling import meant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# The exit statuses of all commands; docs/cli.md shows them.
STATUSES: Mapping[int, str] = {
    0: "The command has run, and found nothing wrong.",
    1: "The command has run, and found something wrong: a failed check of `doctor`, a webhook that is not accepted.",
    2: "The command cannot run, and standard error says why: the command line, a setting or a file is wrong.",
    130: "Ctrl-C ended the command.",
    141: "The program that read the output closed it, as `head` does.",
}
_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Command(click.Command):
    """A command. examples: command lines without the program. wrong: what exit status 1 means, if it has it."""

    def __init__(self, *arguments: Any, examples: Sequence[str] = (), wrong: str = "", **settings: Any) -> None:
        super().__init__(*arguments, **{"context_settings": _SETTINGS, **settings})
        self.examples, self.wrong = examples, wrong

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples and the exit status."""
        _write_examples(self.examples, ctx, formatter)
        if self.wrong:
            with formatter.section("Exit status"):
                formatter.write_dl([("0", "otherwise"), ("1", self.wrong), ("2", "it cannot be carried out")])


class Group(click.Group):
    """A command that has commands. examples: command lines without the program."""

    command_class = Command

    def __init__(self, *arguments: Any, examples: Sequence[str] = (), **settings: Any) -> None:
        super().__init__(*arguments, **{"context_settings": _SETTINGS, "no_args_is_help": False, **settings})
        self.examples = examples

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Name the commands where none is given and one is needed."""
        if not args and not self.invoke_without_command and not ctx.resilient_parsing:
            ctx.fail(self.missing(ctx))
        return super().parse_args(ctx, args)

    def missing(self, ctx: click.Context) -> str:
        """What to say if no command is given."""
        return f"Missing {self.subcommand_metavar.split()[0]}: one of {', '.join(self.list_commands(ctx))}."

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named, or an error that names the most similar one."""
        if not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            like = meant(args[0], self.list_commands(ctx))
            if not like and self.invoke_without_command and len(self.commands) == 1:
                like = f"{ctx.info_name} {next(iter(self.commands))} {args[0]}"  # `deliveries ID`, without `show`
            ctx.fail(f"There is no command {args[0]!r}{f': did you mean `{like}`?' if like else '.'}")
        return super().resolve_command(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        _write_examples(self.examples, ctx, formatter)


class Program(Group):
    """The commands by sections, each imported only when it is run: `--help` and `--version` answer at once.

    sections: by their titles, each command with its module and the first line of its help. old: former names.
    """

    def __init__(
        self, sections: Mapping[str, Mapping[str, tuple[str, str]]], old: Mapping[str, str], **settings: Any
    ) -> None:
        super().__init__(**settings)
        self.sections, self.old = sections, old
        self._modules = {name: module for one in sections.values() for name, (module, _) in one.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click asks with a context
        """The names of all commands, in the order of their sections."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name, or of that former name."""
        name = self.old.get(cmd_name, cmd_name)
        if name not in self._modules:
            return None
        command: click.Command = getattr(import_module(self._modules[name]), name.replace("-", "_"))
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """The commands that begin so, without importing any of them, and the options."""
        lines = {name: line for one in self.sections.values() for name, (_, line) in one.items()}
        found = [CompletionItem(name, help=line) for name, line in lines.items() if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def missing(self, ctx: click.Context) -> str:  # noqa: ARG002
        """What somebody needs who starts it for the first time."""
        return "Missing COMMAND: `run` starts the bridge on this machine, `init` writes its settings."

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write each section with its commands."""
        for title, commands in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name, text) for name, (_, text) in commands.items()])


def _write_examples(examples: Sequence[str], ctx: click.Context, formatter: click.HelpFormatter) -> None:
    if not examples:
        return
    program = ctx.find_root().info_name
    with formatter.section("Examples"):
        for line in examples:
            formatter.write(f"{'':>{formatter.current_indent}}{program} {line}\n")


def problem(error: click.ClickException) -> str:
    """A wrong command line in one line, with the command whose help says how it is right."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    text = " ".join(_text(error, context).split())
    return f"{text} (see {context.command_path} --help)" if context else text


def _text(error: click.ClickException, context: click.Context | None) -> str:
    if isinstance(error, click.NoSuchOption) and context:
        like = meant(error.option_name, [name for each in context.command.params for name in each.opts])
        return f"There is no option {error.option_name}{f': did you mean `{like}`?' if like else '.'}"
    if type(error) is click.BadParameter and error.param and context:
        name = error.param.opts[0] if isinstance(error.param, click.Option) else error.param.make_metavar(context)
        return f"{name}: {error.message}"
    return error.format_message()
