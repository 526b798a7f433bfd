"""docs/sources.md: the section of each service, from the docs.md in its folder. `make docs` writes them."""

import sys
from pathlib import Path

from bridge.sources import SOURCES

_MARKS = "<!-- services: written by `make docs` from bridge/sources/*/docs.md -->", "<!-- end of services -->"


def with_services(text: str) -> str:
    """The page with the sections of all sources between its marks, in the order of the registry."""
    before, _, rest = text.partition(_MARKS[0])
    _, _, after = rest.partition(_MARKS[1])
    sections = [(source.samples.parent / "docs.md").read_text("utf-8") for source in SOURCES.values()]
    return "\n".join([f"{before}{_MARKS[0]}\n", *sections, f"{_MARKS[1]}{after}"])


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_services(path.read_text("utf-8")), "utf-8")
