"""Server-sent events: every open page gets what has changed.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping

from starlette.concurrency import run_in_threadpool

Topics = Mapping[str, object]

_KEEP_ALIVE = 15.0  # seconds without an event until one says that the server is there, and reveals a closed connection


def rest(interval: float, taken: float) -> float:
    """Seconds until the next look, after one that took so much processor time: a page takes a fifth of it at most."""
    return max(interval, 4 * taken)


class LiveUpdates:
    """The event stream of open pages.

    current: returns the content of each topic, ready for JSON; called in a thread, and only while a page is open.
    interval: seconds between two calls, unless they take long.
    """

    def __init__(self, current: Callable[[], Topics], interval: float = 0.25) -> None:
        self.current = current
        self._interval = interval
        self._closed = asyncio.Event()
        self.listeners = 0

    def close(self) -> None:
        """End all streams. Must be called on the event loop that serves them."""
        self._closed.set()

    async def stream(self) -> AsyncIterator[str]:
        """The events for one page: first every topic, then each topic that has changed."""
        sent: Mapping[str, str] = {}
        silence = 0.0
        self.listeners += 1
        try:
            while not self._closed.is_set():
                latest, taken = await run_in_threadpool(self._look)
                pause = rest(self._interval, taken)
                events = [_event(topic, text) for topic, text in latest.items() if sent.get(topic) != text]
                sent, silence = latest, 0.0 if events else silence + pause
                if silence >= _KEEP_ALIVE:
                    events, silence = [_event("alive", "{}")], 0.0
                if events:
                    yield "".join(events)
                await self._wait(pause)
        finally:
            self.listeners -= 1

    def _look(self) -> tuple[Mapping[str, str], float]:
        """The JSON of each topic, and the processor time that this took."""
        began = time.thread_time()
        latest = {topic: json.dumps(content) for topic, content in self.current().items()}
        return latest, time.thread_time() - began

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._closed.wait(), seconds)
        except TimeoutError:
            return


def _event(topic: str, text: str) -> str:
    return f"event: {topic}\ndata: {text}\n\n"
