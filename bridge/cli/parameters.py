"""The parameters that several commands have, and the values that shells propose for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from bridge.spelling import meant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TIME = "2h, 3d, or a time such as 2026-11-28T14:00"


class OneOf(click.ParamType[str]):
    """One of a few words; a wrong one is answered with the one that was meant, or with all of them."""

    name = "choice"

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word, if it is one of them."""
        if value not in self.words:
            like = f"; did you mean {found}?" if (found := meant(value, self.words)) else ""
            self.fail(f"invalid choice: {value!r} (choose from {', '.join(self.words)}){like}", param, ctx)
        return value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG002
        """The words that begin so."""
        return [CompletionItem(word) for word in self.words if word.startswith(incomplete)]


class Number(click.ParamType[int]):
    """A whole number within bounds."""

    name = "number"

    def __init__(self, least: int, most: int) -> None:
        self.least, self.most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number that the text is."""
        text = str(value).strip()
        if not text.isascii() or not text.isdigit() or not self.least <= int(text[:20]) <= self.most:
            self.fail(f"must be a whole number from {self.least} to {self.most}, not {text!r}.", param, ctx)
        return int(text)


def sources_of_the_settings(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG001
    """The names of the services, with those of BRIDGE_CONFIG where the settings can be read."""
    from bridge.cli.common import known_sources  # noqa: PLC0415  only a shell that completes one needs them

    return [
        CompletionItem(name, help=source.title)
        for name, source in known_sources().items()
        if name.startswith(incomplete)
    ]


def _groups(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG001
    from bridge.cli.common import group_names  # noqa: PLC0415

    return [CompletionItem(name, help=group) for group, name in group_names().items() if name.startswith(incomplete)]


port_option = click.option(
    "--port", type=Number(1, 65535), metavar="PORT", help="Listen on this port.  [default: PORT, or 7071]"
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")


def source_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """The argument SOURCE."""
    return click.argument("source", metavar="SOURCE", shell_complete=sources_of_the_settings)(function)


def source_option(help_text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option --source."""
    return click.option("--source", default="", metavar="NAME", shell_complete=sources_of_the_settings, help=help_text)


def group_option(help_text: str, **settings: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option --group."""
    return click.option("--group", metavar="NAME", shell_complete=_groups, help=help_text, **settings)
