"""Run the functions of an app: HTTP functions as routes, queue and timer functions in the background."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import azure.functions as func
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute

from bridge.local.config import QueueOptions
from bridge.local.host import http_functions
from bridge.local.host.functions import Functions, QueueFunction, index
from bridge.local.host.host_queue import HostQueue
from bridge.local.host.http_functions import Exchange, Write
from bridge.local.host.queue_functions import LEASE, QueueFunctions
from bridge.local.host.timers import run_timer


class Deliverer(Protocol):
    """Runs the queue functions of an app: in this process, or in one of its own."""

    def start(self) -> None:
        """Begins to look for messages."""

    def wake(self) -> None:
        """Looks for messages at once; safe for threads."""

    def replace(self, functions: Sequence[QueueFunction]) -> None:
        """Runs newer functions, of the same queues, from now on; those that are running finish."""

    def stop(self) -> None:
        """Takes no more messages."""

    def join(self) -> bool:
        """After `stop`: gives the running functions some time to finish; returns whether all have."""


class Host:
    """Runs the functions of an app.

    queue: returns the durable queue with a name. on_answer: called after each HTTP answer. write: writes a blob.
    deliverer: runs the queue functions, as `options` and `lease` say; None: this process does.
    """

    def __init__(
        self,
        app: func.FunctionApp,
        queue: Callable[[str], HostQueue],
        options: QueueOptions | None = None,
        lease: float = LEASE,
        on_answer: Callable[[Exchange], None] = lambda _: None,
        write: Write = lambda _path, _content: None,
        deliverer: Deliverer | None = None,
    ) -> None:
        self._write = write
        self._on_answer = on_answer
        self._functions: Functions = index(app)
        self._timers: list[asyncio.Task[None]] = []
        self._queues = {name: queue(name) for name in self._functions.queues}
        self._deliverer = deliverer or QueueFunctions(
            self._functions.queue, self._queues.__getitem__, options or QueueOptions(), lease
        )

    def routes(self) -> list[BaseRoute]:
        """The routes of the HTTP functions."""
        return http_functions.routes(self._functions.http, self._put, self._write, self._answered)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run queue and timer functions; at the end, start no more and give the running ones a moment to finish."""
        self._start_timers()
        self._deliverer.start()
        try:
            yield
        finally:
            self.stop()
            if await run_in_threadpool(self._deliverer.join):
                for queue in self._queues.values():
                    queue.close()

    def stop(self) -> None:
        """Start no more queue and timer functions. Must be called on the event loop."""
        for timer in self._timers:
            timer.cancel()
        self._deliverer.stop()

    def replace(self, app: func.FunctionApp) -> None:
        """Run the functions of a newer app from now on; those that are running finish.

        Its queues must be the same. Must be called on the event loop; `routes` are others afterwards.
        """
        self._functions = index(app)
        self._deliverer.replace(self._functions.queue)
        for timer in self._timers:
            timer.cancel()
        self._start_timers()

    def _start_timers(self) -> None:
        self._timers = [asyncio.create_task(run_timer(function, self.wake)) for function in self._functions.timer]

    def _put(self, queue: str, messages: Sequence[str]) -> None:
        self._queues[queue].put_all(messages)

    def _answered(self, exchange: Exchange) -> None:
        # Not before: what is delivered must not take time from the answer.
        if exchange.messages:
            self.wake()
        self._on_answer(exchange)

    def wake(self) -> None:
        """Make the queue functions look for messages at once; safe for threads."""
        self._deliverer.wake()
