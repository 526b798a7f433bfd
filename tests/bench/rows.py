"""A row of the table, and how two things are measured against each other on a machine that does other things, too."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.local_stack import ROOT

ROUNDS = 7


@dataclass(frozen=True)
class Row:
    """One promise in figures. goal: what the ratio of the two shall be at the most, or `at_least`."""

    name: str
    measured: float
    against: float
    unit: str
    goal: float
    at_least: bool = False

    @property
    def ratio(self) -> float:
        return self.measured / self.against

    @property
    def is_met(self) -> bool:
        return self.ratio >= self.goal if self.at_least else self.ratio <= self.goal

    def __str__(self) -> str:
        goal = f"{'≥' if self.at_least else '≤'} {self.goal:g}{'' if self.is_met else ', missed'}"
        cells = (self.name, self._figure(self.measured), self._figure(self.against), f"{self.ratio:.3g}", goal)
        return f"| {' | '.join(cells)} |"

    def _figure(self, value: float) -> str:
        return (f"{value:.0f} {self.unit}" if value >= 100 else f"{value:.3g} {self.unit}").strip()


HEAD = "| name | measured | against | ratio | goal |\n|---|---|---|---|---|"


def in_turns(measured: Callable[[], float], against: Callable[[], float], rounds: int = ROUNDS) -> tuple[float, float]:
    """The medians of what both return. By turns, so that whatever else the machine does meets both."""
    pairs = [(measured(), against()) for _ in range(rounds)]
    return medians(pairs)


def medians(pairs: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """The median of the first values, and that of the second ones."""
    first, second = zip(*pairs, strict=True)
    return median(first), median(second)


def busy(measured: Callable[[], object], against: Callable[[], object], times: int) -> tuple[float, float]:
    """Milliseconds of processor time that each takes, as medians of so many runs, by turns.

    Each run finds the processor's caches as the other has left them, as it would between two webhooks.
    """
    return in_turns(lambda: _busy(measured), lambda: _busy(against), times)


def _busy(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder in memory where there is such a thing: how soon a disk has written is the disk's figure."""
    with _folder(memory if (memory := Path("/dev/shm")).is_dir() else None) as folder:
        yield folder


@contextlib.contextmanager
def on_disk() -> Iterator[Path]:
    """A folder on the disk that holds the repository."""
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with _folder(build) as folder:
        yield folder


@contextlib.contextmanager
def _folder(within: Path | None) -> Iterator[Path]:
    # A process that was killed may have one that is about to notice it, and writes until then.
    with tempfile.TemporaryDirectory(dir=within, ignore_cleanup_errors=True) as folder:
        yield Path(folder)
