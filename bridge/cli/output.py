"""What commands print: tables, JSON, and colours where they are wanted."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import click

_COLOURS = {
    "accepted": "green", "delivered": "green", "ok": "green", "set": "green",
    "dropped": "yellow", "ignored": "bright_black", "unknown": "yellow", "warning": "yellow",
    "refused": "red", "failed": "red", "wrong": "red",
}  # fmt: skip


def wants_colours(env: Mapping[str, str]) -> bool | None:
    """False if the environment wants no colours (https://no-color.org); None: a terminal gets them, nothing else."""
    return False if env.get("NO_COLOR") or env.get("TERM") == "dumb" else None


def state(word: str, text: str = "") -> str:
    """A state in its colour. text: with more after the word that is coloured."""
    return click.style(text or word, fg=_COLOURS.get(word))


def warn(text: str) -> None:
    """Print a warning to standard error."""
    click.echo(f"{click.style('warning:', fg='yellow')} {text}", err=True)


def complain(text: str) -> None:
    """Print to standard error why a command cannot be carried out."""
    click.echo(f"{click.style('bridge:', fg='red')} {text}", err=True, color=wants_colours(os.environ))


def table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines with aligned columns."""
    rows = list(rows)
    if not rows:
        return []
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return [
        "  "
        + "  ".join([*(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    ]


def _width(text: str) -> int:
    return len(click.unstyle(text)) if "\x1b" in text else len(text)


def print_table(rows: Iterable[Sequence[str]]) -> None:
    """Print lines with aligned columns."""
    print_lines(table(rows))


def print_lines(lines: Iterable[str]) -> None:
    """Print lines; nothing if there are none."""
    lines = list(lines)
    if lines:
        click.echo("\n".join(lines))


def print_json(values: Iterable[Mapping[str, Any]]) -> None:
    """Print a JSON object a line, which `jq` and `grep` read alike."""
    for value in values:
        click.echo(json.dumps(value, ensure_ascii=False))


def plural(count: int, noun: str, many: str = "") -> str:
    """`1 webhook`, `2 webhooks`. many: the plural, where it does not end in -s."""
    return f"{count:,} {noun if count == 1 else many or f'{noun}s'}"


def filled(rows: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The rows that say something."""
    return ((name, text) for name, text in rows.items() if text)
