"""Run the functions of an app: HTTP functions as routes, queue and timer functions in the background."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import azure.functions as func
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute

from bridge.local.config import QueueOptions
from bridge.local.host import http_functions
from bridge.local.host.functions import Functions, index
from bridge.local.host.http_functions import Exchange, Write
from bridge.local.host.queue_functions import LEASE, QueueRunner
from bridge.local.host.timers import run_timer
from bridge.outbox.base import Queue

GRACE = 30.0  # seconds for running functions to finish; their messages come again otherwise


class Host:
    """Runs the functions of an app.

    queue: returns the durable queue with a name. on_answer: called after each HTTP answer. write: writes a blob.
    """

    def __init__(
        self,
        app: func.FunctionApp,
        queue: Callable[[str], Queue],
        options: QueueOptions | None = None,
        lease: float = LEASE,
        on_answer: Callable[[Exchange], None] = lambda _: None,
        write: Write = lambda _path, _content: None,
    ) -> None:
        self._write = write
        self._on_answer = on_answer
        self._functions: Functions = index(app)
        self._timers: list[asyncio.Task[None]] = []
        self._queues = {name: queue(name) for name in self._functions.queues}
        options = options or QueueOptions()
        self._runners = [QueueRunner(f, self._queues[f.queue], options, lease) for f in self._functions.queue]

    def routes(self) -> list[BaseRoute]:
        """The routes of the HTTP functions."""
        return http_functions.routes(self._functions.http, self._put, self._write, self._on_answer)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run queue and timer functions; at the end, start no more and give the running ones time to finish."""
        self._start_timers()
        runners = [asyncio.create_task(runner.run()) for runner in self._runners]
        try:
            yield
        finally:
            for runner in self._runners:
                runner.stop()
            for timer in self._timers:
                timer.cancel()
            await asyncio.wait([*runners, *self._timers], timeout=GRACE)
            for queue in self._queues.values():
                queue.close()

    def replace(self, app: func.FunctionApp) -> None:
        """Run the functions of a newer app from now on; those that are running finish.

        Its queues must be the same. Must be called on the event loop; `routes` are others afterwards.
        """
        self._functions = index(app)
        for runner, function in zip(self._runners, self._functions.queue, strict=True):
            runner.function = function
        for timer in self._timers:
            timer.cancel()
        self._start_timers()

    def _start_timers(self) -> None:
        self._timers = [asyncio.create_task(run_timer(function, self.wake)) for function in self._functions.timer]

    async def _put(self, queue: str, messages: Sequence[str]) -> None:
        if messages:
            await run_in_threadpool(self._put_all, self._queues[queue], messages)
            self.wake()

    def _put_all(self, queue: Queue, messages: Sequence[str]) -> None:
        for message in messages:
            queue.put(message)

    def wake(self) -> None:
        """Make the queue functions look for messages at once. Must be called on their event loop."""
        for runner in self._runners:
            runner.wake()
