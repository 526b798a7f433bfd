"""Run the queue functions in a process of their own, as Azure does: what they do takes no time from the answers."""

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence

from bridge.local.host.functions import QueueFunction
from bridge.local.host.queue_functions import GRACE

_AGAIN = 1.0  # seconds until the process is started again after it has ended by itself
_EXIT = 0.1  # seconds that it takes to end after the grace period

_logger = logging.getLogger(__name__)


class DeliveringProcess:
    """Runs a Python module in a process, which ends with this one, and starts it again when it ends by itself.

    wake, reload: what is written to its standard input to make it look for messages, or load its functions again.
    on_failure: called with a sentence, in another thread, when it has ended by itself.
    """

    def __init__(self, module: str, wake: bytes, reload: bytes, on_failure: Callable[[str], None]) -> None:
        self._command = [sys.executable, "-P", "-m", module]
        self._wake, self._reload = wake, reload
        self._on_failure = on_failure
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._ends = 0.0  # monotonic, when it is killed if it has not ended

    def start(self) -> None:
        """Start the process."""
        threading.Thread(target=self._keep_running, daemon=True).start()

    def wake(self) -> None:
        """Make it look for messages at once."""
        self._write(self._wake)

    def replace(self, _: Sequence[QueueFunction]) -> None:
        """Make it load its functions again; those that are running finish."""
        self._write(self._reload)

    def stop(self) -> None:
        """Make it take no more messages and end. It gives its running functions some time to finish."""
        with self._lock:
            if self._stopping.is_set():
                return
            self._stopping.set()
            self._ends = time.monotonic() + GRACE + _EXIT
            if self._process and self._process.stdin:
                self._process.stdin.close()

    def join(self) -> bool:
        """After `stop`: wait until it has ended."""
        if process := self._process:
            try:
                process.wait(max(0.0, self._ends - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return True

    def _keep_running(self) -> None:
        while process := self._begin():
            status = process.wait()
            if self._stopping.is_set():
                return
            problem = f"The process that delivers ended by itself with status {status}, and is started again."
            _logger.error("%s", problem)
            self._on_failure(problem)
            self._stopping.wait(_AGAIN)

    def _begin(self) -> "subprocess.Popen[bytes] | None":
        """Start the process, unless everything stops."""
        # It finds the modules that this process has found.
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(path or os.curdir for path in sys.path)}
        with self._lock:
            if self._stopping.is_set():
                return None
            # In a process group of its own, Ctrl-C does not interrupt it in the middle of its start. It stays in the
            # session: Linux divides processor time between sessions first, whatever their processes' priorities.
            self._process = subprocess.Popen(  # noqa: S603
                self._command, stdin=subprocess.PIPE, bufsize=0, env=env, process_group=0
            )
            return self._process

    def _write(self, order: bytes) -> None:
        with self._lock:
            # One that has ended looks for messages when it is started again, and has the functions of that time.
            if self._process and self._process.stdin and not self._process.stdin.closed:
                with contextlib.suppress(OSError):
                    self._process.stdin.write(order)
