"""Several posts on their way at once: threads wait for the requests, and one thread does everything else."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from bridge.publishing.batching import Batch

Work = Generator[Callable[[], Any], Any, None]
"""Yields the requests that it makes, one after the other, and gets the answer of each, or its error."""

Sending = Generator[Callable[[], Any], Any, str]
"""As `Work`; returns the thread into which it has posted, or nothing."""


def side_by_side(works: Sequence[Work], most: int, allows: Callable[[int], bool]) -> None:
    """Does the works, at most so many at once. The first error is raised when those that had begun are over.

    allows: says whether one more may begin, beside so many.
    """
    if min(most, len(works)) < 2:
        for work in works:
            _by_itself(work)
        return
    with ThreadPoolExecutor(min(most, len(works)), "lane") as pool:
        _Lanes(pool, works, allows).run()


def _by_itself(work: Work) -> None:
    request = next(work, None)
    while request is not None:
        try:
            answer = request()
        except Exception as error:  # noqa: BLE001  the work knows what to do with it
            request = _next(work.throw, error)
        else:
            request = _next(work.send, answer)


def _next(go_on: Callable[[Any], Callable[[], Any]], value: object) -> Callable[[], Any] | None:
    """The next request of a work; None at its end."""
    try:
        return go_on(value)
    except StopIteration:
        return None


class _Lanes:
    def __init__(self, pool: ThreadPoolExecutor, works: Sequence[Work], allows: Callable[[int], bool]) -> None:
        self._pool, self._waiting, self._allows = pool, deque(works), allows
        self._running: dict[Future[Any], Work] = {}
        self._error: Exception | None = None

    def run(self) -> None:
        while True:
            while self._waiting and not self._error and self._allows(len(self._running)):
                work = self._waiting.popleft()
                self._go_on(work, work.send, None)
            if not self._running:
                break
            for answered in wait(self._running, return_when=FIRST_COMPLETED).done:
                work, error = self._running.pop(answered), answered.exception()
                self._go_on(work, *((work.throw, error) if error else (work.send, answered.result())))
        if self._error:
            raise self._error

    def _go_on(self, work: Work, go_on: Callable[[Any], Callable[[], Any]], value: object) -> None:
        try:
            request = _next(go_on, value)
        except Exception as error:  # noqa: BLE001  the others' posts are on their way, and have to be noted
            self._error = self._error or error
        else:
            if request is not None:
                self._running[self._pool.submit(request)] = work


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
