"""Jira's two ways to write: wiki markup, and the Atlassian Document Format of its newer API; both become Markdown."""

import re
from collections.abc import Mapping
from typing import Any

_LONGEST = 20_000
_DEEPEST = 30
# https://jira.atlassian.com/secure/WikiRendererHelpAction.jspa?section=all, line by line
_INLINE = (
    (re.compile(r"\{\{([^{}\n]+)\}\}"), r"`\1`"),
    (re.compile(r"\{color(?::[^{}\n]*)?\}|\{panel(?::[^{}\n]*)?\}|\{anchor:[^{}\n]*\}"), ""),
    (re.compile(r"\[~(?:accountid:)?([\w.:@-]+)\]"), r"@\1"),
    (re.compile(r"\[([^\[\]|\n]+)\|(https?://[^\[\]|\s]+)(?:\|[^\[\]\n]*)?\]"), r"[\1](\2)"),
    (re.compile(r"\[(https?://[^\[\]|\s]+)\]"), r"<\1>"),
    (re.compile(r"(?<![\w*])\*([^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])"), r"**\1**"),
    (re.compile(r"!([\w.-]+\.(?:png|jpe?g|gif|svg))(?:\|[^!\n]*)?!"), r"\1"),
)
_HEADING = re.compile(r"h([1-6])\. *(.*)")
_LIST = re.compile(r"([*#-]+) +(.*)")
_FENCE = re.compile(r"\{(code|noformat)(?::[^{}\n]*)?\}")
_OF_BLOCKS = {
    **dict.fromkeys(("paragraph", "blockquote", "panel", "tableRow", "bulletList", "orderedList"), "{}\n\n"),
    "heading": "### {}\n\n",
    "listItem": "- {}\n",
    "codeBlock": "```\n{}\n```\n\n",
}


def markdown(value: Any) -> str:
    """The text of a description or a comment, in whichever way it is written, as Markdown."""
    if isinstance(value, str):
        return _of_wiki(value[:_LONGEST])
    if isinstance(value, Mapping):
        return re.sub(r"\n{3,}", "\n\n", _of_document(value, _DEEPEST)).strip()[:_LONGEST]
    return ""


def _of_wiki(text: str) -> str:
    # Code stands at the odd places: what opens it and what closes it are the same word.
    pieces = _FENCE.split(text.replace("\r\n", "\n"))[::2]
    parts = [f"\n```\n{piece.strip()}\n```\n" if place % 2 else _of_lines(piece) for place, piece in enumerate(pieces)]
    return "".join(parts).strip()


def _of_lines(text: str) -> str:
    lines, is_quoted = [], False
    for line in text.split("\n"):
        own = line.replace("{quote}", "")
        shown = f"> {_of_line(own)}" if is_quoted or own.startswith("bq. ") else _of_line(own)
        is_quoted ^= line.count("{quote}") % 2 == 1
        lines.append(shown)
    return "\n".join(lines)


def _of_line(line: str) -> str:
    line = line.removeprefix("bq. ")
    if heading := _HEADING.fullmatch(line):
        return f"{'#' * int(heading[1])} {_of_words(heading[2])}"
    if item := _LIST.fullmatch(line):
        return f"{'  ' * (len(item[1][:6]) - 1)}{'1.' if item[1][-1] == '#' else '-'} {_of_words(item[2])}"
    return _of_words(line)


def _of_words(text: str) -> str:
    for pattern, shown in _INLINE:
        text = pattern.sub(shown, text)
    return text


def _of_document(node: Mapping[str, Any], deepest: int) -> str:
    """https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/."""
    children = node.get("content")
    nodes = [child for child in children if isinstance(child, Mapping)] if isinstance(children, list) else []
    inner = "".join(_of_document(child, deepest - 1) for child in nodes) if deepest else ""
    kind = node.get("type")
    return _of_leaf(kind, node) or _OF_BLOCKS.get(str(kind), "{}").format(inner.strip("\n"))


def _of_leaf(kind: Any, node: Mapping[str, Any]) -> str:
    attributes = node.get("attrs")
    names = {"mention": "text", "status": "text", "emoji": "shortName", "inlineCard": "url"}
    if kind == "text" or not isinstance(attributes, Mapping):
        return str(node.get("text") or "") if kind == "text" else "\n" if kind == "hardBreak" else ""
    return str(attributes.get("text") or attributes.get(names[kind]) or "") if kind in names else ""
