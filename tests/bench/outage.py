"""The outbox that an outage of Graph leaves behind, written at once instead of waited for.

Each webhook that came while Graph was down has an open entry that was tried again after 5, 10, 20 ... seconds, as
`retry_delay` has it, and that is due when its next try would be.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from bridge.outbox import sqlite_open, sqlite_rows
from bridge.outbox.rows import OpenEntry, State
from bridge.outbox.sqlite_file import SqliteFile
from bridge.publishing.transitions import retry_delay
from tests.outbox_stand_ins import entry


def leave(path: Path, group: str, seconds: float, rate: float, threads: int) -> None:
    """Write the outbox that an outage of so many seconds leaves, with so many webhooks a second."""
    with contextlib.closing(SqliteFile(path, sqlite_rows.SCHEMA)) as file, file.transaction() as connection:
        for row in _entries(group, time.time(), seconds, rate, threads):
            sqlite_rows.insert_history(connection, row.entry, row.recorded)
            sqlite_open.insert_open(connection, row)


def _entries(group: str, now: float, seconds: float, rate: float, threads: int) -> Iterator[OpenEntry]:
    for number in range(round(seconds * rate)):
        recorded = now - seconds + number / rate
        due, tries = recorded, 0
        while due < now:
            due, tries = due + retry_delay(tries), tries + 1
        later = entry(number, f"issue {number % threads}", group)
        yield OpenEntry(later, recorded, due, State.DEFERRED, tries)
