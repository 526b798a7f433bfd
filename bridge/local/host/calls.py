"""Call functions on the event loop while they are quick: a thread costs a fifth of a webhook's time."""

import asyncio
import math
import time
from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

Result = TypeVar("Result")
SLOW = 0.02  # seconds of a call: it waits for something, such as keys that it fetches, and others must not wait with it
IN_THREADS = 0.5  # seconds for which calls have threads after a slow one


class QuickCalls:
    """Calls one function on the event loop, but in threads at first, and again for a while after a call was slow.

    The first call, which loads what all of them need, is alone: side by side, each of them would load it.
    """

    def __init__(self) -> None:
        self._first = asyncio.Lock()
        self._threads_until = math.inf  # monotonic; infinite until the first call has ended

    async def run(self, call: Callable[[], Result]) -> Result:
        """Return what the call returns."""
        if math.isinf(self._threads_until):
            async with self._first:
                if math.isinf(self._threads_until):
                    return await self._in_thread(call)
        began = time.monotonic()
        if began < self._threads_until:
            return await self._in_thread(call)
        try:
            return call()
        finally:
            ended = time.monotonic()
            if ended > began + SLOW:
                self._threads_until = ended + IN_THREADS

    async def _in_thread(self, call: Callable[[], Result]) -> Result:
        try:
            return await run_in_threadpool(call)
        finally:
            self._threads_until = min(self._threads_until, time.monotonic() + IN_THREADS)
