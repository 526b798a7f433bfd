"""Call functions on the event loop while they are quick: a thread costs a fifth of a webhook's time."""

import math
import time
from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

Result = TypeVar("Result")
SLOW = 0.02  # seconds of a call: it waits for something, such as keys that it fetches, and others must not wait with it
IN_THREADS = 0.5  # seconds for which calls have threads after a slow one


class QuickCalls:
    """Calls one function on the event loop, but in threads at first, and again for a while after a call was slow."""

    def __init__(self) -> None:
        self._threads_until = math.inf  # monotonic

    async def run(self, call: Callable[[], Result]) -> Result:
        """Return what the call returns."""
        began = time.monotonic()
        if began < self._threads_until:
            result = await run_in_threadpool(call)
            self._threads_until = min(self._threads_until, time.monotonic() + IN_THREADS)
            return result
        try:
            return call()
        finally:
            ended = time.monotonic()
            if ended > began + SLOW:
                self._threads_until = ended + IN_THREADS
