"""Server-sent events: every open page gets what has changed.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping

from starlette.concurrency import run_in_threadpool

Topics = Mapping[str, object]

_KEEP_ALIVE = 15.0  # seconds without an event until one says that the server is there, and reveals a closed connection


class LiveUpdates:
    """The event stream of open pages.

    current: returns the content of each topic, ready for JSON; called in a thread, and only while a page is open.
    interval: seconds between two calls.
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
        sent: dict[str, str] = {}
        silence = 0.0
        self.listeners += 1
        try:
            while not self._closed.is_set():
                topics = await run_in_threadpool(self.current)
                latest = {topic: json.dumps(content) for topic, content in topics.items()}
                events = [_event(topic, text) for topic, text in latest.items() if sent.get(topic) != text]
                sent, silence = latest, 0.0 if events else silence + self._interval
                if silence >= _KEEP_ALIVE:
                    events, silence = [_event("alive", "{}")], 0.0
                if events:
                    yield "".join(events)
                await self._wait()
        finally:
            self.listeners -= 1

    async def _wait(self) -> None:
        try:
            await asyncio.wait_for(self._closed.wait(), self._interval)
        except TimeoutError:
            return


def _event(topic: str, text: str) -> str:
    return f"event: {topic}\ndata: {text}\n\n"
