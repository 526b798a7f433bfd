"""Jira's wiki markup as Markdown: https://jira.atlassian.com/secure/WikiRendererHelpAction.jspa."""

import re
from collections.abc import Iterable, Mapping

_LONGEST = 20_000  # characters; longer ones are of no use to anyone
# What is kept as it is stands meanwhile as a number between these, which no text has.
_OPEN, _CLOSE = "\ue000", "\ue001"
_KEPT = re.compile(f"{_OPEN}(\\d+){_CLOSE}")

_CODE = re.compile(r"\{(code|noformat)(?::([^{}\n]*))?\}(.*?)(?:\{\1\}|\Z)", re.DOTALL)
_MONOSPACED = re.compile(r"\{\{((?:(?!\{\{).)+?)\}\}")
_LINK = re.compile(r"\[([^\[\]\n]{1,2000})\]")
_BARE = re.compile(r"https?://[^\s\[\]|{}<>\"!]+")
_IMAGE = re.compile(r"(?<![\w!])!([^\s!|][^!|\n]{0,200}\.[A-Za-z]{2,5})(?:\|[^!\n]*)?!(?!\w)")
_BLOCK = re.compile(r"\{(quote|panel)(?::([^{}\n]*))?\}(.*?)(?:\{\1\}|\Z)", re.DOTALL)
_COLOUR = re.compile(r"\{(?:color|anchor)(?::[^{}\n]*)?\}")
_ITEM = re.compile(r"([*#-]{1,6})\s+(\S.*)")
_HEADING = re.compile(r"h([1-6])\.\s*(\S.*|)")
_TITLE = re.compile(r"(?:^|\|)title=([^|]*)")


def _emphasis(mark: str) -> re.Pattern[str]:
    """Words between two marks at the borders of words; of several that could be the first, the nearest counts."""
    sign = re.escape(mark)
    first = rf"(?<![\w\\{sign}]){sign}(?=[^\s{sign}])"
    return re.compile(rf"{first}((?:(?!{first})[^\n])*?)(?<=[^\s\\{sign}]){sign}(?![\w{sign}])")


# Raised and lowered words stand within others. Bold comes before slanted, whose Markdown has the mark of bold.
_EMPHASES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"([\^~])([^\s^~]{1,40})\1"), r"\2"),
    (_emphasis("+"), r"\1"),
    (_emphasis("??"), r"\1"),
    (_emphasis("-"), r"~~\1~~"),
    (_emphasis("*"), r"**\1**"),
    (_emphasis("_"), r"*\1*"),
)


def markdown(text: str, names: Mapping[str, str]) -> str:
    """The text as Markdown; `names` are of people, by what mentions call them, in small letters."""
    kept: list[str] = []

    def keep(piece: str) -> str:
        kept.append(restored(piece))
        return f"{_OPEN}{len(kept) - 1}{_CLOSE}"

    def restored(text: str) -> str:
        return _KEPT.sub(lambda found: kept[int(found[1])], text)

    names = {person: _without_marks(name) for person, name in names.items()}
    text = _without_marks(text[:_LONGEST]).replace("\r\n", "\n")
    text = _CODE.sub(lambda found: keep(_fenced(found)), text)
    text = _MONOSPACED.sub(lambda found: keep(f"`{found[1]}`"), text)
    text = _LINK.sub(lambda found: keep(_linked(found[1], names)), text)
    text = _IMAGE.sub(lambda found: keep(f"*{found[1]}*"), text)
    text = _BARE.sub(lambda found: keep(found[0]), text)
    text = _COLOUR.sub("", text).replace("<", "\\<").replace("`", "\\`")
    text = _BLOCK.sub(_quoted, text)
    text = "\n".join(_table(_line(line) for line in text.split("\n")))
    return restored(text).strip()


def _without_marks(text: str) -> str:
    return text.replace(_OPEN, "").replace(_CLOSE, "")


def _fenced(found: re.Match[str]) -> str:
    """A block of code; what follows on its line would not be read."""
    code = found[3].strip("\n")
    return f"\n```\n{code}\n```\n" if "```" not in code else f"\n~~~~\n{code}\n~~~~\n"


def _linked(inner: str, names: Mapping[str, str]) -> str:
    """A link, a mention or a file in brackets; other brackets stay."""
    parts = [part.strip() for part in inner.split("|")]
    if inner.startswith("~"):
        person_id = inner[1:].removeprefix("accountid:")
        return f"@{names.get(person_id.lower()) or (person_id if person_id == inner[1:] else 'someone')}"
    if inner.startswith("^"):
        return f"*{inner[1:]}*"
    target = parts[1] if len(parts) > 1 else parts[0]
    if not re.match(r"(?:https?://|mailto:)\S+$", target):
        return parts[0] if len(parts) > 1 else f"\\[{inner}\\]"
    return f"[{parts[0]}]({target})" if len(parts) > 1 and parts[0] != target else f"<{target}>"


def _quoted(found: re.Match[str]) -> str:
    title = _TITLE.search(found[2] or "")
    lines = ([f"*{title[1].strip()}*", ""] if title else []) + found[3].strip().split("\n")
    return "\n" + "\n".join(f"> {line}" for line in lines) + "\n"


def _line(line: str) -> str:
    """One line: a heading, a quote, an item of a list, a rule, or text."""
    before, line = ("> ", line[2:]) if line.startswith("> ") else ("", line)
    stripped = line.strip()
    if heading := _HEADING.fullmatch(stripped):
        return f"{before}{'#' * int(heading[1])} {_worded(heading[2])}\n"
    if stripped.startswith("bq. "):
        return f"> {_worded(stripped[4:])}\n"
    if re.fullmatch(r"-{4,}", stripped):
        return f"\n{before}---\n"
    if item := _ITEM.fullmatch(stripped):
        return f"{before}{'   ' * (len(item[1]) - 1)}{'1.' if item[1].endswith('#') else '*'} {_worded(item[2])}"
    # Markdown takes what is indented as code.
    return before + _worded(stripped if line.startswith(("   ", "\t")) else line)


def _worded(text: str) -> str:
    text = text.replace("\\\\", "  \n") if "\\\\" in text else text
    for pattern, form in _EMPHASES:
        text = pattern.sub(form, text)
    return text


def _table(lines: Iterable[str]) -> list[str]:
    """The lines, with rows of `||a||b||` and `|a|b|` as a table; the first one is its head."""
    rows: list[str] = []
    was_row = False
    for line in lines:
        row = line.strip()
        is_row = len(row) > 2 and row.startswith("|") and row.endswith("|")
        if is_row:
            cells = re.split(r"\|+", row.strip("|"))
            if not was_row:
                rows.append("")
            rows.append(f"| {' | '.join(cell.strip() for cell in cells)} |")
            if not was_row:
                rows.append("|" + " --- |" * len(cells))
        else:
            rows += ["", line] if was_row and row else [line]
        was_row = is_row
    return rows
