"""Markdown that is nothing but lines of words, some emphasised, code or links, and blocks of code: most messages.

It needs no parser, which takes fifty times as long. Whatever else there may be in a text is left to that.
"""

import re
from collections.abc import Iterator
from functools import cache

from markupsafe import escape

from bridge.rendering.links import real_host
from bridge.rendering.references import anchor, arrow, linked
from bridge.rendering.text import visible

PARAGRAPH = "margin:0 0 8px 0"
CODE = "font-family:Consolas,monospace;font-size:13px;background:#f3f2f1;color:#323130"
BLOCK = f"{CODE};{PARAGRAPH};padding:6px 8px;white-space:pre-wrap"

_Line = list[re.Match[str]]
_Block = list[_Line] | str  # a paragraph, or a block of code

# Lines that begin otherwise than with a heading, a quote, a list or a table, and end in no blank.
_LINE = re.compile(r"(?![-+#>=|: ]|\d{1,9}[.)](?: |\Z)).*(?<! )")
# Words in which nothing is markup; an underscore within a word is none.
_PLAIN = r"[^\\`*_~\[\]<&]+"
_WORDS = rf"{_PLAIN}(?:(?<=[^\W_])_(?=[^\W_]){_PLAIN})*"
_NAME = rf"(?=[^\W_]){_WORDS}(?<=[^\W_])"
_URL = r"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?(?:/[\w./?#=:@+,-]*)?"
_FENCE = re.compile(r"(`{3,}|~{3,})[\w+-]*")
_BREAK = "<br>\n"
_TAGS = {"loud": "strong", "soft": "em"}
_ADDRESS = re.compile(r"//|mailto:", re.IGNORECASE)


@cache
def _piece() -> re.Pattern[str]:
    """A piece of a line. What is no words stands by itself, where its signs can mean nothing else."""
    return re.compile(
        rf"(?P<words>{_WORDS})|(?<![^ (])(?:"
        rf"(?P<strong>\*\*|__)(?P<loud>{_NAME})(?P=strong)|(?P<em>[*_])(?P<soft>{_NAME})(?P=em)"
        r"|`(?P<code>[^ `<&\\](?:[^`<&\\]*[^ `<&\\])?)`"
        rf"|\[(?P<text>{_NAME})\]\((?P<open><)?(?P<url>{_URL})(?(open)>)\)"
        r")(?![^ ,.;:?!)])",
        re.ASCII,
    )


def html_of(text: str, repository: str) -> str:
    """The text as HTML, as the parser has it; empty where it takes that to read it."""
    blocks = _blocks(text)
    written = [_html_of(block, repository, is_last=block is blocks[-1]) for block in blocks]
    return "\n".join(written)


def words_of(text: str) -> str:
    """The words of the text; empty where it takes the parser to read it."""
    lines = [[block] if isinstance(block, str) else [_words(line) for line in block] for block in _blocks(text)]
    return " ".join([line for block in lines for line in block])


def _blocks(text: str) -> list[_Block]:
    """The paragraphs and blocks of code; nothing where there is anything else."""
    found: list[_Block] = []
    paragraph: list[_Line] = []
    lines = iter(text.replace("\r\n", "\n").split("\n"))
    for line in lines:
        if pieces := _pieces(line):
            if not paragraph:
                found.append(paragraph)
            paragraph.append(pieces)
            continue
        paragraph = []
        if fence := _FENCE.fullmatch(line):
            found.append(_code(lines, fence[1]))
        if line and not (fence and found[-1]):
            return []
    return found


def _code(lines: Iterator[str], fence: str) -> str:
    """The lines up to the fence; empty where they need a closer look."""
    code: list[str] = []
    for line in lines:
        if line == fence:
            return "\n".join(code)
        if fence[:3] in line or "<!--" in line or not line.isprintable() or visible(line) != line:
            break
        code.append(line)
    return ""


def _pieces(line: str) -> _Line:
    if not line.isprintable() or visible(line) != line or not _LINE.fullmatch(line):
        return []
    pieces, end = [], 0
    for found in _piece().finditer(line):
        words = found["words"] or found["loud"] or found["soft"] or found["text"] or ""
        if found.start() != end or _ADDRESS.search(words):
            return []
        pieces.append(found)
        end = found.end()
    return pieces if end == len(line) else []


def _html_of(block: _Block, repository: str, *, is_last: bool) -> str:
    if isinstance(block, str):
        return f'<pre style="{BLOCK}">{escape(block)}</pre>'
    style = "margin:0" if is_last else PARAGRAPH
    return f'<p style="{style}">{_BREAK.join([_html(line, repository) for line in block])}</p>'


def _html(pieces: _Line, repository: str) -> str:
    return "".join([part for piece in pieces for part in _parts(piece, repository)])


def _parts(piece: re.Match[str], repository: str) -> Iterator[str]:
    kind = str(piece.lastgroup)
    if kind in _TAGS:
        tag = _TAGS[kind]
        yield f"<{tag}>"
        yield from linked(piece[kind], repository)
        yield f"</{tag}>"
    elif kind == "code":
        yield f'<code style="{CODE}">{escape(piece[kind])}</code>'
    elif kind == "url":
        yield f"{anchor(piece[kind])}{escape(piece['text'])}{arrow(piece['text'], piece[kind])}</a>"
    else:
        yield from linked(piece[kind], repository)


def _words(pieces: _Line) -> str:
    return "".join([_seen(piece) for piece in pieces])


def _seen(piece: re.Match[str]) -> str:
    """The text of a piece, and where a link really leads."""
    kind = str(piece.lastgroup)
    if kind != "url":
        return piece[kind]
    host = real_host(piece["text"], piece[kind])
    return f"{piece['text']} → {host}" if host else piece["text"]
