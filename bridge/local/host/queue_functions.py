"""Run a queue function as the Azure Functions host does: with leases, retries and a poison queue."""

import asyncio
import logging
import time

from azure.functions.queue import QueueMessage
from starlette.concurrency import run_in_threadpool

from bridge.local.config import QueueOptions
from bridge.local.host.functions import QueueFunction, run
from bridge.outbox.base import Message, Queue

# Seconds, renewed while a function runs. The ten minutes of the Functions host are too long to wait after a crash.
LEASE = 30.0

_logger = logging.getLogger(__name__)


class QueueRunner:
    """Takes messages from a queue and runs a function for each, as many at once as the batch size allows."""

    def __init__(self, function: QueueFunction, queue: Queue, options: QueueOptions, lease: float = LEASE) -> None:
        self.function = function
        self._queue = queue
        self._options = options
        self._lease = lease
        self._running: set[asyncio.Task[None]] = set()
        self._awake = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Look for messages at once."""
        self._awake.set()

    async def run(self) -> None:
        """Run until `stop`; return when the last running function has finished."""
        while not self._stopping:
            self._awake.clear()
            try:
                await self._fill()
                wait = await self._seconds_until_due()
            except Exception:
                _logger.exception("The queue cannot be read")
                wait = self._options.max_polling_interval
            await self._sleep(wait)
        await asyncio.gather(*self._running)

    def stop(self) -> None:
        """Take no more messages."""
        self._stopping = True
        self._awake.set()

    async def _fill(self) -> None:
        while not self._stopping and not self._is_full():
            message = await run_in_threadpool(self._queue.take, self._lease)
            if message is None:
                return
            task = asyncio.create_task(self._handle(message))
            self._running.add(task)
            task.add_done_callback(self._on_done)

    def _is_full(self) -> bool:
        return len(self._running) >= self._options.batch_size

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._awake.set()
        if not task.cancelled() and task.exception():
            # The message is still in the queue, and comes again when its lease ends.
            _logger.error("A message could not be completed", exc_info=task.exception())

    async def _seconds_until_due(self) -> float:
        """Seconds until the next message can be due, unless `wake` is called."""
        longest = self._options.max_polling_interval
        due = None if self._is_full() else await run_in_threadpool(self._queue.next_visible)
        return longest if due is None else min(longest, max(0.0, due - time.time()))

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._awake.wait(), seconds)
        except TimeoutError:
            return

    async def _handle(self, message: Message) -> None:
        leased = _LeasedMessage(message)
        renewing = asyncio.create_task(self._renew(leased))
        try:
            await run(self.function.call, **{self.function.parameter: _queue_message(message)})
        except Exception:
            _logger.exception("The function %s failed", self.function.name)
            finish = self._retry
        else:
            finish = self._delete
        # Not while the lease is being renewed: that changes the receipt.
        async with leased.lock:
            renewing.cancel()
        await finish(leased.message)

    async def _renew(self, leased: "_LeasedMessage") -> None:
        while True:
            await asyncio.sleep(self._lease / 2)
            async with leased.lock:
                renewed = await run_in_threadpool(self._queue.renew, leased.message, self._lease)
                leased.message = renewed or leased.message

    async def _delete(self, message: Message) -> None:
        await run_in_threadpool(self._queue.delete, message)

    async def _retry(self, message: Message) -> None:
        if message.dequeue_count < self._options.max_dequeue_count:
            await run_in_threadpool(self._queue.retry, message, self._options.visibility_timeout)
            return
        _logger.error("The message %s is poison after %d attempts", message.id, message.dequeue_count)
        await run_in_threadpool(self._queue.poison, message)


class _LeasedMessage:
    """A message whose function is running, with its current receipt."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.lock = asyncio.Lock()


def _queue_message(message: Message) -> QueueMessage:
    return QueueMessage(  # type: ignore[no-untyped-call]
        id=message.id,
        body=message.body,
        dequeue_count=message.dequeue_count,
        pop_receipt=message.receipt,
    )
