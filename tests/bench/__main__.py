"""Measures everything, prints the table, and writes it to docs/performance.md."""

import os
import platform
import re
import sys
from itertools import chain
from pathlib import Path

from tests.bench import (
    answer,
    deliver,
    end_to_end,
    executions,
    growth,
    instance,
    memory,
    node_red,
    one_group,
    receive,
    start,
    storage,
    storm,
)
from tests.bench.rows import HEAD, Row
from tests.local_stack import ROOT

MEASURES = (
    receive,
    answer,
    deliver,
    one_group,
    end_to_end,
    storm,
    storage,
    start,
    memory,
    growth,
    node_red,
    instance,
    executions,
)
PAGE = ROOT / "docs/performance.md"
_MARKS = "<!-- table: written by `make bench` -->", "<!-- end of table -->"


def main(chosen: list[str]) -> None:
    """chosen: names of measures; none: all of them, and only then the page is written."""
    print(HEAD, flush=True)
    rows = []
    for row in chain.from_iterable(measure.rows() for measure in MEASURES if not chosen or _name(measure) in chosen):
        print(row, flush=True)
        rows.append(row)
    if not chosen:
        PAGE.write_text(with_table(PAGE.read_text("utf-8"), rows), "utf-8")


def with_table(text: str, rows: list[Row]) -> str:
    """The page with the table of this run."""
    before, _, rest = text.partition(_MARKS[0])
    _, _, after = rest.partition(_MARKS[1])
    table = "\n".join([HEAD, *map(str, rows)])
    return f"{before}{_MARKS[0]}\n\n{machine()}\n\n{table}\n\n{_MARKS[1]}{after}"


def machine() -> str:
    """What it ran on, without its name."""
    return f"{os.cpu_count()} cores ({_processor()}), {platform.system()}, Python {platform.python_version()}."


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.machine()


def _name(measure: object) -> str:
    return str(measure.__name__).rpartition(".")[2]


if __name__ == "__main__":
    main(sys.argv[1:])
