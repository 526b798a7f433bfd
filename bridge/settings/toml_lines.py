"""In which line of a TOML text a table or a key stands, which tomllib does not say."""

import re
from collections.abc import Mapping
from itertools import accumulate

Path = tuple[str | int, ...]

_PART = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_NAME = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = rf"\s*(\[\[?)\s*({_NAME})\s*\]"
_KEY = rf"\s*({_NAME})\s*="
_LONG = r"\"\"\"|\'\'\'"


def lines(text: str) -> Mapping[Path, int]:
    """The lines of tables and keys by their paths: `("route", 0, "when")`. What is within long texts is left out."""
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    open_text = ""
    for number, line in enumerate(text.splitlines(), 1):
        was_open, open_text = open_text, _open_after(line, open_text)
        if was_open:
            continue
        if match := re.match(_HEADER, line):
            table = _numbered(_path(match[2]), counts)
            if match[1] == "[[":
                place = counts[table] = counts.get(table, -1) + 1
                table = (*table, place)
            found.setdefault(table, number)
        elif match := re.match(_KEY, line):
            for path in accumulate(((part,) for part in _path(match[1])), initial=table):
                found.setdefault(path, number)
    return found


def line_of(found: Mapping[Path, int], path: Path) -> int:
    """The line of a path, or of the table that it is in; 0 where it is not known."""
    while path and path not in found:
        path = path[:-1]
    return found.get(path, 0)


def _path(name: str) -> Path:
    return tuple(part.strip("\"'") for part in re.findall(_PART, name))


def _numbered(path: Path, counts: Mapping[Path, int]) -> Path:
    """The path of `[route.more]` within the newest `[[route]]`."""
    for length in range(1, len(path)):
        if path[:length] in counts:
            return (*path[:length], counts[path[:length]], *path[length:])
    return path


def _open_after(line: str, mark: str) -> str:
    """The mark of the long text that is open at the end of the line, or nothing."""
    for found in re.findall(_LONG, line):
        mark = "" if found == mark else mark or found
    return mark
