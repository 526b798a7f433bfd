"""docs/sources.md: the sections of all services, from the docs.md in the folder of each."""

import os
import re
from pathlib import Path

from bridge.rendering.environment import ROOT
from bridge.sources import SOURCES

_MARKS = "<!-- services: written by `make docs` from bridge/sources/*/docs.md -->", "<!-- end of services -->"
_RELATIVE_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s]+)\)")


def with_services(text: str) -> str:
    """The page with the sections of all sources between its marks, in the order of the registry."""
    before, _, rest = text.partition(_MARKS[0])
    _, _, after = rest.partition(_MARKS[1])
    sections = [_section(source.samples.parent / "docs.md") for source in SOURCES.values()]
    return "\n".join([f"{before}{_MARKS[0]}\n", *sections, f"{_MARKS[1]}{after}"])


def _section(path: Path) -> str:
    """The section in the file; its links, which are relative to the file, become relative to docs/."""

    def moved(link: re.Match[str]) -> str:
        target = os.path.relpath(path.parent / link[1], ROOT / "docs")
        return f"]({Path(target).as_posix()})"

    return _RELATIVE_LINK.sub(moved, path.read_text("utf-8"))
