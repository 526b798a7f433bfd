"""Atlassian's document format as Markdown: https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bridge.fields import as_time, dig, objects
from bridge.values import dataclass

_DEEPEST = 12  # nodes within nodes
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")
_MARKS = {"strong": "**", "em": "*", "strike": "~~"}


@dataclass(frozen=True)
class _Around:
    """What a node stands in. names: of people, by their ids in small letters. depth: how many nodes are around it."""

    names: Mapping[str, str]
    depth: int = 0

    @property
    def inside(self) -> "_Around":
        return replace(self, depth=self.depth + 1)


def markdown(document: Any, names: Mapping[str, str]) -> str:
    """The document's text as Markdown; a node that is not known is its text alone."""
    return _blocks(document, _Around(names)).strip()


def _blocks(node: Any, around: _Around) -> str:
    if around.depth > _DEEPEST:
        return ""
    return "\n\n".join(filter(None, (_block(child, around.inside) for child in objects(node, "content"))))


def _block(node: Mapping[str, Any], around: _Around) -> str:
    kind = dig(node, "type")
    if kind in _BLOCKS:
        return _BLOCKS[kind](node, around)
    has_blocks = any(dig(child, "type") in _BLOCKS for child in objects(node, "content"))
    return _blocks(node, around) if has_blocks else _inline(node, around)


def _inline(node: Any, around: _Around) -> str:
    if around.depth > _DEEPEST:
        return ""
    return "".join(_run(child, around.inside) for child in objects(node, "content"))


def _run(node: Mapping[str, Any], around: _Around) -> str:
    """Text with its marks, or what stands in its line: a mention, a card, a date."""
    kind = dig(node, "type")
    if kind == "text":
        return _marked(dig(node, "text"), objects(node, "marks"))
    if kind == "hardBreak":
        return "  \n"
    if kind == "date":
        time = as_time(dig(node, "attrs.timestamp"))
        return f"{time:%-d %b %Y}" if time else ""
    if kind == "mention":
        name = dig(node, "attrs.text").lstrip("@") or around.names.get(dig(node, "attrs.id").lower(), "someone")
        return "@" + _escaped(name)
    if url := dig(node, "attrs.url"):
        return f"<{url}>" if re.fullmatch(r"https?://[^\s<>]+", url) else ""
    return _escaped(dig(node, "attrs.text") or dig(node, "attrs.shortName")) or _inline(node, around)


def _marked(text: str, marks: list[Mapping[str, Any]]) -> str:
    kinds = {dig(mark, "type"): mark for mark in marks}
    whole = f"`{text}`" if "code" in kinds else _escaped(text)
    words = whole.strip()
    if not words:
        return whole
    before, after = whole[: len(whole) - len(whole.lstrip())], whole[len(whole.rstrip()) :]
    for kind, sign in _MARKS.items():
        words = f"{sign}{words}{sign}" if kind in kinds else words
    href = dig(kinds.get("link"), "attrs.href")
    return f"{before}{f'[{words}]({href})' if href and ' ' not in href else words}{after}"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _list(mark: str) -> Callable[[Any, _Around], str]:
    def items(node: Any, around: _Around) -> str:
        texts = (_blocks(item, around) or _inline(item, around) for item in objects(node, "content"))
        return "\n".join(f"{mark} {_indented(text)}" for text in texts)

    return items


def _task(node: Any, around: _Around) -> str:
    signs = {"DONE": "☑", "TODO": "☐"}
    rows = [(signs.get(dig(each, "attrs.state"), ""), _inline(each, around)) for each in objects(node, "content")]
    return "\n".join(f"* {' '.join(filter(None, row))}" for row in rows)


def _indented(text: str) -> str:
    return text.replace("\n", "\n   ")


def _quote(node: Any, around: _Around) -> str:
    return "\n".join(f"> {line}" for line in _blocks(node, around).split("\n"))


def _code(node: Any, _around: _Around) -> str:
    text = "".join(dig(run, "text") for run in objects(node, "content"))
    return f"```\n{text}\n```" if "```" not in text else f"~~~~\n{text}\n~~~~"


def _table(node: Any, around: _Around) -> str:
    rows = [[_cell(cell, around) for cell in objects(row, "content")] for row in objects(node, "content")]
    lines = [f"| {' | '.join(row)} |" for row in rows if row]
    return "\n".join([*lines[:1], "|" + " --- |" * len(rows[0]), *lines[1:]]) if lines else ""


def _cell(cell: Any, around: _Around) -> str:
    return " ".join(_blocks(cell, around).split())


def _expand(node: Any, around: _Around) -> str:
    title = _escaped(dig(node, "attrs.title"))
    return "\n\n".join(filter(None, (f"**{title}**" if title else "", _blocks(node, around))))


_BLOCKS: Mapping[str, Callable[[Any, _Around], str]] = {
    "paragraph": _inline,
    "heading": lambda node, around: f"{'#' * max(1, min(dig(node, 'attrs.level', 3), 6))} {_inline(node, around)}",
    "bulletList": _list("*"),
    "orderedList": _list("1."),
    "taskList": _task,
    "decisionList": _task,
    "blockquote": _quote,
    "panel": _quote,
    "codeBlock": _code,
    "rule": lambda _node, _around: "---",
    "table": _table,
    "expand": _expand,
    "nestedExpand": _expand,
    "mediaSingle": lambda _node, _around: "",
    "mediaGroup": lambda _node, _around: "",
    "listItem": _blocks,
}
