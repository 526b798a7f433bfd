"""Several posts on their way at once: threads wait for the requests, and one thread does everything else."""

import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

from bridge.publishing.batching import Batch

QUICK = 0.002  # seconds; where an answer comes sooner, a thread that waits for it costs more than it gains
_THREADS = 64  # more than ever wait at once: a post that has been claimed must leave now

Work = Generator[Callable[[], Any], Any, None]
"""Yields the requests that it makes, one after the other, and gets the answer of each, or its error."""

Sending = Generator[Callable[[], Any], Any, str]
"""As `Work`; returns the thread into which it has posted, or nothing."""

_Step = tuple[Callable[[Any], Callable[[], Any]], object]
"""How a work goes on, and with what."""


class Lanes:
    """Does works side by side; thread-safe, as each call of `run` has its own works.

    While answers come quickly, the caller's thread makes the requests itself, one at a time. The first slow one costs
    one wait: from then on, threads wait, until an answer comes quickly again.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.is_quick = False
        # It starts a thread when there is none that waits for a request.
        self.pool = ThreadPoolExecutor(_THREADS, "lane")

    def run(self, works: Sequence[Work], most: int, allows: Callable[[int], bool]) -> None:
        """Does the works, at most so many at once. The first error is raised when those that had begun are over.

        allows: says whether one more may begin, beside so many.
        """
        _Run(self, works, min(most, len(works)), allows).run()

    def ask(self, work: Work, request: Callable[[], Any], *, is_alone: bool) -> _Step:
        """Makes a request of a work, and notes how soon it was answered: one that is not alone may be slow for that."""
        began = self._clock()
        try:
            return work.send, request()
        except BaseException as error:  # noqa: BLE001  the work knows what to do with it
            return work.throw, error
        finally:
            self.is_quick = self._clock() - began < QUICK or (self.is_quick and not is_alone)


class _Run:
    def __init__(self, lanes: Lanes, works: Sequence[Work], most: int, allows: Callable[[int], bool]) -> None:
        self._lanes, self._waiting, self._most, self._allows = lanes, deque(works), most, allows
        self._answered: SimpleQueue[tuple[Work, _Step]] = SimpleQueue()
        self._running = 0
        self._error: Exception | None = None

    def run(self) -> None:
        while True:
            while self._waiting and not self._error and self._may_begin():
                work = self._waiting.popleft()
                self._go_on(work, (work.send, None))
            if not self._running:
                break
            work, step = self._answered.get()
            self._running -= 1
            self._go_on(work, step)
        if self._error:
            raise self._error

    def _may_begin(self) -> bool:
        # Where answers come quickly, what is on its way is over soon, and then this thread needs no other.
        return not (self._running and self._lanes.is_quick) and self._allows(self._running)

    def _waits_itself(self) -> bool:
        return self._running == 0 and (self._lanes.is_quick or self._most == 1)

    def _go_on(self, work: Work, step: _Step) -> None:
        try:
            request = _next(*step)
            while request is not None and self._waits_itself():
                request = _next(*self._lanes.ask(work, request, is_alone=True))
        except Exception as error:  # noqa: BLE001  the others' posts are on their way, and have to be noted
            self._error = self._error or error
        else:
            if request is not None:
                self._running += 1
                self._lanes.pool.submit(self._hand_over, work, request)

    def _hand_over(self, work: Work, request: Callable[[], Any]) -> None:
        self._answered.put((work, self._lanes.ask(work, request, is_alone=False)))


def _next(go_on: Callable[[Any], Callable[[], Any]], value: object) -> Callable[[], Any] | None:
    """The next request of a work; None at its end."""
    try:
        return go_on(value)
    except StopIteration:
        return None


def chained(batches: Sequence[Batch]) -> list[list[Batch]]:
    """The batches in chains, each of a thread of its own: what is posted into one thread keeps its order."""
    chains: list[list[Batch]] = []
    of_thread: dict[str, list[Batch]] = {}
    for batch in batches:
        if batch.follows:
            chains[-1].append(batch)
        elif batch.target in of_thread:
            of_thread[batch.target].append(batch)
        else:
            chains.append([batch])
            if batch.target:
                of_thread[batch.target] = chains[-1]
    return chains
