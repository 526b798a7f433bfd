"""Server-sent events: every open page is told what changed, and nothing else.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping

from starlette.concurrency import run_in_threadpool

Topics = Mapping[str, object]

_QUIET = 15.0  # seconds after which a line goes out that says nothing, so that a connection that is gone shows


class Live:
    """What open pages listen to. look: what there is now, by topics, as JSON will have it; called in a thread.

    pause: seconds between two looks. It looks only while somebody listens.
    """

    def __init__(self, look: Callable[[], Topics], pause: float = 0.25) -> None:
        self._look = look
        self._pause = pause
        self._closed = asyncio.Event()
        self.listeners = 0

    def close(self) -> None:
        """Ends all streams; must be called on the loop that serves them."""
        self._closed.set()

    async def stream(self) -> AsyncIterator[str]:
        """Events for one page: all topics at first, then each when it has changed."""
        told: dict[str, str] = {}
        silent = 0.0
        self.listeners += 1
        try:
            while not self._closed.is_set():
                now = {topic: json.dumps(content) for topic, content in (await run_in_threadpool(self._look)).items()}
                events = [_event(topic, text) for topic, text in now.items() if told.get(topic) != text]
                told, silent = now, 0.0 if events else silent + self._pause
                if silent >= _QUIET:
                    events, silent = [":\n\n"], 0.0
                if events:
                    yield "".join(events)
                await self._wait()
        finally:
            self.listeners -= 1

    async def _wait(self) -> None:
        try:
            await asyncio.wait_for(self._closed.wait(), self._pause)
        except TimeoutError:
            return


def _event(topic: str, text: str) -> str:
    return f"event: {topic}\ndata: {text}\n\n"


def per_second(times: Iterable[float], now: float, seconds: int = 60) -> list[int]:
    """How many of the times lie in each of the last seconds, the one that is passing last; newest times come first."""
    counts = [0] * seconds
    for time in times:
        back = int(now) - int(time)
        if back >= seconds:
            break
        if back >= 0:
            counts[-1 - back] += 1
    return counts
