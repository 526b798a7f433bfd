"""What Azure CLI takes: the arguments of each command that docs and scripts name, in tests/data/azure/cli.json.

`make azure-cli` installs Azure CLI in an environment of its own (700 MB, minutes), parses every command of the docs
with its parser, and writes the file. Tests hold docs and scripts against the file, without Azure CLI.
"""

import json
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests/data/azure/cli.json"
PAGES = (
    "README.md",
    "infra/terraform/README.md",
    *(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").glob("*.md"))),
    *(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs/grants").glob("*.md"))),
)
# What the scripts ask for by functions of their own; their stand-in for az lists the arguments.
SCRIPTED = (
    "account show",
    "cloud show",
    "functionapp identity show",
    "functionapp config appsettings set",
    "keyvault show",
    "role assignment list",
    "role assignment create",
    "rest",
)
_BLOCK = re.compile(r"^( *)(?:[-*\d.]+ )?```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^ *(?:[-*\d.]+ )?```.*?^ *```", re.MULTILINE | re.DOTALL)
_INNER = re.compile(r"\$\((az [^()]*)\)")
_INLINE = re.compile(r"\\?`(az [^`\\]+)\\?`")
_ENDS = {"|", "||", "&&", ";", ">", "<", "2>/dev/null"}


def commands(root: Path = ROOT) -> Iterator[tuple[str, list[str], bool]]:
    """Each command: where it stands, its words without `az`, and whether it is a whole one or only mentioned."""
    for name in PAGES:
        text = (root / name).read_text("utf-8")
        for match in _BLOCK.finditer(text):
            yield from ((name, words, True) for words in _of_block(match[2]))
        for inline in _INLINE.findall(_FENCE.sub("", text)):
            yield name, _words(inline), _is_whole(inline)
    for path in sorted((root / "scripts").glob("*.sh")):
        for inline in _INLINE.findall(path.read_text("utf-8")):
            yield path.name, _words(inline), _is_whole(inline)
    template = json.loads((root / "azuredeploy.json").read_text("utf-8"))
    for found in re.findall(r"'(az [^']+)'", json.dumps(template["outputs"])):
        yield "azuredeploy.json", _words(re.sub(r"\{\d\}", "value", found)), True


def _is_whole(inline: str) -> bool:
    """Whether a command within a sentence can be run, or is a mention of a command, a group or an argument."""
    return bool(re.search(r" --(?!.* --[\w-]+$)(?![\w-]+$)|-code$|-subscriptions$|-principal$", inline))


def _of_block(block: str) -> Iterator[list[str]]:
    pending = ""
    for line in block.replace("\\\n", " ").splitlines():
        pending = f"{pending}\n{line}" if pending else line
        try:
            shlex.split(pending, comments=True)
        except ValueError:  # a quoted text goes on in the next line
            continue
        for inner in _INNER.findall(pending):
            yield _words(inner)
        if pending.lstrip().startswith("az "):
            yield _words(pending)
        pending = ""


def _words(line: str) -> list[str]:
    words = shlex.split(re.sub(r"<[^<>]*>", "value", _INNER.sub("value", line)), comments=True)
    end = next((index for index, word in enumerate(words) if word in _ENDS), len(words))
    return words[1:end]


def name_of(words: list[str]) -> str:
    """The command without its arguments: `group create`."""
    return " ".join(words[: next((i for i, word in enumerate(words) if word.startswith("-")), len(words))])


class _Cli:  # needs Azure CLI
    """Azure CLI's own parser."""

    def __init__(self) -> None:
        from azure.cli.core import get_default_cli  # noqa: PLC0415

        self._context = get_default_cli()

    def _parser(self, name: str) -> Any:
        from azure.cli.core.commands.events import EVENT_INVOKER_PRE_LOAD_ARGUMENTS  # noqa: PLC0415

        cli = self._context
        invocation = cli.invocation_cls(
            cli_ctx=cli,
            parser_cls=cli.parser_cls,
            commands_loader_cls=cli.commands_loader_cls,
            help_cls=cli.help_cls,
        )
        cli.invocation = invocation
        loader = invocation.commands_loader
        loader.load_command_table(name.split())
        if name not in loader.command_table:
            raise SystemExit(f"Azure CLI has no command `az {name}`.")
        invocation.data["command_string"] = name
        loader.command_table = {name: loader.command_table[name]}
        loader.command_name = name
        cli.raise_event(EVENT_INVOKER_PRE_LOAD_ARGUMENTS, commands_loader=loader)
        loader.load_arguments(name)
        invocation.parser.cli_ctx = cli
        invocation.parser.load_command_table(loader)
        return invocation.parser

    def has(self, name: str) -> bool:
        """Whether it is a command; a group of commands is none."""
        try:
            return bool(self._parser(name))
        except SystemExit:
            return False

    def parse(self, words: list[str]) -> None:
        """Parse a command; Azure CLI prints what is wrong and exits."""
        self._parser(name_of(words)).parse_args(words)
        if "--query" in words:
            import jmespath  # noqa: PLC0415

            jmespath.compile(words[words.index("--query") + 1])

    def arguments(self, name: str) -> list[Mapping[str, Any]]:
        """The arguments of a command."""
        parser = self._parser(name)
        *groups, last = name.split()
        leaf = parser.subparsers[tuple(groups)].choices[last]
        found = [
            {
                "names": sorted(action.option_strings),
                "required": bool(action.required),
                "values": 0 if action.nargs == 0 else str(action.nargs or 1),
                "choices": sorted(map(str, action.choices)) if action.choices else [],
            }
            for action in leaf._actions  # noqa: SLF001  argparse has no other way
            if action.option_strings
        ]
        return sorted(found, key=lambda argument: argument["names"])


def main() -> None:  # needs Azure CLI
    """Parse every command with Azure CLI, and write what it takes."""
    from azure.cli.core import __version__  # noqa: PLC0415

    cli = _Cli()
    named = list(commands())
    for place, words, whole in named:
        print(f"{place}: az {shlex.join(words)}")
        if whole:
            cli.parse(words)
    names = sorted({name_of(words) for _, words, _ in named if cli.has(name_of(words))} | set(SCRIPTED))
    lines = ",\n".join(
        f'    "{name}": [\n'
        + ",\n".join(f"      {json.dumps(argument)}" for argument in cli.arguments(name))
        + "\n    ]"
        for name in names
    )
    DATA.write_text(f'{{\n  "version": "{__version__}",\n  "commands": {{\n{lines}\n  }}\n}}\n', "utf-8")
    print(f"{DATA.relative_to(ROOT)}: {len(names)} commands of Azure CLI {__version__}", file=sys.stderr)


if __name__ == "__main__":
    main()
