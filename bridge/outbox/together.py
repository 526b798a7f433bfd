"""Writes of several threads at the same time, in one request."""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

# In seconds: what is written so soon after another write waits so long for more to come.
SUCCESSION, GATHERING = 0.1, 0.03

_Item = TypeVar("_Item")
_Written = TypeVar("_Written")


class _Place(Generic[_Item, _Written]):
    """An item that waits to be written. outcome: what was written of it; empty until then."""

    def __init__(self, item: _Item) -> None:
        self.item = item
        self.outcome: list[_Written] = []
        self.has_failed = False


class Together(Generic[_Item, _Written]):
    """Writes what is given to it while another write is under way with the next one.

    write: writes all of them or none. most: how many it takes at once. Where threads write in quick succession, each
    write waits a moment for others to come along; what is alone waits for nothing.
    """

    def __init__(
        self,
        write: Callable[[Sequence[_Item]], Sequence[_Written]],
        most: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._write_all, self._most, self._clock, self._sleep = write, most, clock, sleep
        self._latest, self._writer = clock() - SUCCESSION, 0
        self._turn, self._lock = threading.Lock(), threading.Lock()
        self._waiting: list[_Place[_Item, _Written]] = []

    def write(self, item: _Item) -> _Written:
        """Writes the item, alone or with others; an error is its own: what fails with others is written by itself."""
        place: _Place[_Item, _Written] = _Place(item)
        with self._lock:
            self._waiting.append(place)
        while not (place.outcome or place.has_failed):
            with self._turn:
                if not (place.outcome or place.has_failed):
                    self._gather()
                    self._write_next()
        return self._write_all([item])[0] if place.has_failed else place.outcome[0]

    def _gather(self) -> None:
        # One thread that writes again and again would wait in vain.
        if self._writer != threading.get_ident() and self._clock() < self._latest + SUCCESSION:
            self._sleep(GATHERING)

    def _write_next(self) -> None:
        with self._lock:
            taken = self._waiting[: self._most]
            del self._waiting[: self._most]
        try:
            # Where it fails, each is written alone, and gets the error that is its own.
            with contextlib.suppress(Exception):
                for place, written in zip(taken, self._write_all([place.item for place in taken]), strict=True):
                    place.outcome.append(written)
        finally:
            for place in taken:
                place.has_failed = not place.outcome
            self._latest, self._writer = self._clock(), threading.get_ident()
