"""Run queue functions as the Azure Functions host does: with leases, retries and a poison queue."""

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from azure.functions.queue import QueueMessage

from bridge.local.config import QueueOptions
from bridge.local.host.functions import QueueFunction, run
from bridge.local.host.host_queue import HostQueue
from bridge.outbox.base import Message

# Seconds, renewed while a function runs. The ten minutes of the Functions host are too long to wait after a crash.
LEASE = 30.0
# Seconds for running functions to finish when the host ends. The messages of others come again.
GRACE = 0.25
# Seconds after which a second thread takes the next message. Most functions that only record are done before; and
# threads that write to one file at the same time only wait for each other.
_PATIENCE = 0.002

_logger = logging.getLogger(__name__)


class QueueFunctions:
    """Runs the queue functions of an app in threads of this process."""

    def __init__(
        self,
        functions: Sequence[QueueFunction],
        queue: Callable[[str], HostQueue],
        options: QueueOptions,
        lease: float = LEASE,
    ) -> None:
        self._runners = [QueueRunner(function, queue(function.queue), options, lease) for function in functions]

    def start(self) -> None:
        """Begin to look for messages."""
        for runner in self._runners:
            runner.start()

    def wake(self) -> None:
        """Look for messages at once."""
        for runner in self._runners:
            runner.wake()

    def replace(self, functions: Sequence[QueueFunction]) -> None:
        """Run newer functions, of the same queues, from now on; those that are running finish."""
        for runner, function in zip(self._runners, functions, strict=True):
            runner.function = function

    def stop(self) -> None:
        """Take no more messages."""
        for runner in self._runners:
            runner.stop()

    def join(self) -> bool:
        """After `stop`: give the running functions some time to finish; return whether all have."""
        ends = time.monotonic() + GRACE
        ended = [runner.join(ends) for runner in self._runners]
        return all(ended)


class QueueRunner:
    """Takes messages from a queue and runs a function for each, as many at once as the batch size allows.

    A thread that has run a function removes its message and takes the next ones in one write. It also runs these, one
    after the other, while the functions are quick; another thread helps when one takes longer.
    """

    def __init__(self, function: QueueFunction, queue: HostQueue, options: QueueOptions, lease: float = LEASE) -> None:
        self.function = function
        self._queue = queue
        self._options = options
        self._lease = lease
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._idle = 0  # threads that wait
        self._waiting: deque[_LeasedMessage] = deque()  # messages that were taken, and whose function does not run yet
        self._leased: set[_LeasedMessage] = set()  # those, and the ones whose function runs
        self._done: list[Message] = []  # messages to remove
        self._is_looking = False
        self._is_watched = False  # a thread waits for no longer than the patience
        self._look_at = 0.0  # seconds since 1970, when to look for messages
        self._begun_at = 0.0  # monotonic, when the function of a message was last called
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin to look for messages."""
        threading.Thread(target=self._renew, daemon=True).start()
        with self._changed:
            self._add_thread()

    def wake(self) -> None:
        """Look for messages at once."""
        with self._changed:
            self._look_at = 0.0
            self._notify()

    def stop(self) -> None:
        """Take no more messages."""
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()

    def join(self, ends: float) -> bool:
        """Wait for the running functions until a monotonic time, and give back what was not begun."""
        for thread in self._threads:
            thread.join(max(0.0, ends - time.monotonic()))
        with self._changed:
            done, self._done = self._done, []
            waiting = list(self._waiting)
            self._waiting.clear()
        self._queue.exchange(done, self._lease, 0)
        for leased in waiting:
            self._queue.retry(leased.message, 0.0)
        return not any(thread.is_alive() for thread in self._threads)

    def _add_thread(self) -> None:
        thread = threading.Thread(target=self._work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        patience = _PATIENCE
        while leased := self._next(patience):
            try:
                self._handle(leased)
            except Exception:
                # The message is still in the queue, and comes again when its lease ends.
                _logger.exception("A message could not be completed")
            with self._changed:
                self._leased.discard(leased)
            patience = 0.0

    def _next(self, patience: float) -> "_LeasedMessage | None":
        """The next message; None when the runner has stopped.

        patience: seconds that the function of another message may take until this thread does anything.
        """
        while not self._stopped.is_set():
            with self._changed:
                is_free = not self._leased or time.monotonic() >= self._begun_at + patience
                if not self._has_work() or self._is_looking or not is_free:
                    self._wait()
                    patience = _PATIENCE
                    continue
                if self._waiting:
                    return self._begin()
                self._is_looking = True
            self._look()
            patience = 0.0
        return None

    def _has_work(self) -> bool:
        return bool(self._waiting or self._done or time.time() >= self._look_at)

    def _begin(self) -> "_LeasedMessage":
        """The first message that waits. Another thread sees to the others if its function takes longer."""
        self._begun_at = time.monotonic()
        leased = self._waiting.popleft()
        if not self._idle and len(self._threads) < self._options.batch_size:
            self._add_thread()
        elif self._has_work():
            self._notify()
        return leased

    def _notify(self) -> None:
        """Have a thread look what there is to do, unless one does so very soon."""
        if not self._is_watched:
            self._changed.notify()

    def _wait(self) -> None:
        """Wait until there can be something to do, or another thread says so."""
        seconds = self._options.max_polling_interval
        watches = self._has_work() and not self._is_looking
        if watches:
            seconds = self._begun_at + _PATIENCE - time.monotonic()
        elif not self._is_looking:
            seconds = min(seconds, self._look_at - time.time())
        self._idle += 1
        self._is_watched = self._is_watched or watches
        self._changed.wait(max(0.0, seconds))
        self._is_watched = self._is_watched and not watches
        self._idle -= 1

    def _look(self) -> None:
        """Remove what is done and take what is due; note when to look again."""
        longest = self._options.max_polling_interval
        with self._changed:
            done, self._done = self._done, []
            free = self._options.batch_size - len(self._leased)
            self._look_at = latest = time.time() + longest
        taken: Sequence[Message] = ()
        due: float | None = None
        try:
            taken = self._queue.exchange(done, self._lease, free)
            due = self._queue.next_visible() if len(taken) < free else None
        except Exception:
            # What was to be removed comes again.
            _logger.exception("The queue cannot be read")
        with self._changed:
            self._is_looking = False
            leased = [_LeasedMessage(message) for message in taken]
            self._leased.update(leased)
            self._waiting.extend(leased)
            self._look_at = min(self._look_at, latest if due is None else due)
            if self._look_at < latest:
                self._notify()

    def _handle(self, leased: "_LeasedMessage") -> None:
        try:
            run(self.function.call, **{self.function.parameter: _queue_message(leased.message)})
        except Exception:
            _logger.exception("The function %s failed", self.function.name)
            with leased.finished() as message:
                self._retry(message)
        else:
            with leased.finished() as message, self._changed:
                self._done.append(message)

    def _retry(self, message: Message) -> None:
        if message.dequeue_count < self._options.max_dequeue_count:
            self._queue.retry(message, self._options.visibility_timeout)
            self.wake()
            return
        _logger.error("The message %s is poison after %d attempts", message.id, message.dequeue_count)
        self._queue.poison(message)

    def _renew(self) -> None:
        """Renew all leases again and again: that of a message of which the function runs, or not yet."""
        while not self._stopped.wait(self._lease / 3):
            with self._changed:
                leased = list(self._leased)
            for one in leased:
                try:
                    one.renew(self._queue, self._lease)
                except Exception:
                    _logger.exception("The lease of a message could not be renewed")


class _LeasedMessage:
    """A message that was taken, with its current receipt, which each renewal changes."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self._lock = threading.Lock()
        self._is_finished = False

    def renew(self, queue: HostQueue, lease: float) -> None:
        """Hide the message for another lease, unless its function has finished."""
        with self._lock:
            if not self._is_finished:
                self.message = queue.renew(self.message, lease) or self.message

    @contextlib.contextmanager
    def finished(self) -> Iterator[Message]:
        """The message with its last receipt: it is not renewed any more."""
        with self._lock:
            self._is_finished = True
            yield self.message


def _queue_message(message: Message) -> QueueMessage:
    return QueueMessage(  # type: ignore[no-untyped-call]
        id=message.id,
        body=message.body,
        dequeue_count=message.dequeue_count,
        pop_receipt=message.receipt,
    )
