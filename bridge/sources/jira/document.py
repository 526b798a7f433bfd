"""Atlassian's document format as Markdown: https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from bridge.fields import as_time, dig, objects

_DEEPEST = 12  # blocks within blocks
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")
_MARKS = {"strong": "**", "em": "*", "strike": "~~"}


def markdown(document: Any) -> str:
    """The document's text as Markdown; what is not known is its text alone."""
    return _blocks(document, 0).strip()


def _blocks(node: Any, depth: int) -> str:
    if depth > _DEEPEST:
        return ""
    return "\n\n".join(filter(None, (_block(child, depth + 1) for child in objects(node, "content"))))


def _block(node: Mapping[str, Any], depth: int) -> str:
    kind = dig(node, "type")
    if kind in _BLOCKS:
        return _BLOCKS[kind](node, depth)
    return (
        _blocks(node, depth) if any(dig(one, "type") in _BLOCKS for one in objects(node, "content")) else _inline(node)
    )


def _inline(node: Any) -> str:
    return "".join(map(_run, objects(node, "content")))


def _run(node: Mapping[str, Any]) -> str:
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
        return "@" + _escaped(dig(node, "attrs.text").lstrip("@") or "someone")
    if url := dig(node, "attrs.url"):
        return f"<{url}>" if re.fullmatch(r"https?://[^\s<>]+", url) else ""
    return _escaped(dig(node, "attrs.text") or dig(node, "attrs.shortName")) or _inline(node)


def _marked(text: str, marks: list[Mapping[str, Any]]) -> str:
    kinds = {dig(mark, "type"): mark for mark in marks}
    told = f"`{text}`" if "code" in kinds else _escaped(text)
    words = told.strip()
    if not words:
        return told
    before, after = told[: len(told) - len(told.lstrip())], told[len(told.rstrip()) :]
    for kind, sign in _MARKS.items():
        words = f"{sign}{words}{sign}" if kind in kinds else words
    href = dig(kinds.get("link"), "attrs.href")
    return f"{before}{f'[{words}]({href})' if href and ' ' not in href else words}{after}"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _list(mark: str) -> Callable[[Any, int], str]:
    def told(node: Any, depth: int) -> str:
        items = [f"{mark} {_indented(_blocks(item, depth) or _inline(item))}" for item in objects(node, "content")]
        return "\n".join(items)

    return told


def _task(node: Any, depth: int) -> str:
    signs = {"DONE": "☑", "TODO": "☐"}
    rows = [(signs.get(dig(each, "attrs.state"), ""), _inline(each)) for each in objects(node, "content")]
    return "\n".join(f"* {' '.join(filter(None, row))}" for row in rows) if depth <= _DEEPEST else ""


def _indented(text: str) -> str:
    return text.replace("\n", "\n   ")


def _quote(node: Any, depth: int) -> str:
    return "\n".join(f"> {line}" for line in _blocks(node, depth).split("\n"))


def _code(node: Any, _depth: int) -> str:
    text = "".join(dig(run, "text") for run in objects(node, "content"))
    return f"```\n{text}\n```" if "```" not in text else f"~~~~\n{text}\n~~~~"


def _table(node: Any, depth: int) -> str:
    rows = [[_cell(cell, depth) for cell in objects(row, "content")] for row in objects(node, "content")]
    told = [f"| {' | '.join(row)} |" for row in rows if row]
    return "\n".join([*told[:1], "|" + " --- |" * len(rows[0]), *told[1:]]) if told else ""


def _cell(cell: Any, depth: int) -> str:
    return " ".join(_blocks(cell, depth).split())


def _expand(node: Any, depth: int) -> str:
    title = _escaped(dig(node, "attrs.title"))
    return "\n\n".join(filter(None, (f"**{title}**" if title else "", _blocks(node, depth))))


_BLOCKS: Mapping[str, Callable[[Any, int], str]] = {
    "paragraph": lambda node, _depth: _inline(node),
    "heading": lambda node, _depth: f"{'#' * max(1, min(dig(node, 'attrs.level', 3), 6))} {_inline(node)}",
    "bulletList": _list("*"),
    "orderedList": _list("1."),
    "taskList": _task,
    "decisionList": _task,
    "blockquote": _quote,
    "panel": _quote,
    "codeBlock": _code,
    "rule": lambda _node, _depth: "---",
    "table": _table,
    "expand": _expand,
    "nestedExpand": _expand,
    "mediaSingle": lambda _node, _depth: "",
    "mediaGroup": lambda _node, _depth: "",
    "listItem": _blocks,
}
