"""The process that delivers: it runs the queue functions beside the one that receives, which starts it.

That one writes to its standard input, one byte at a time: WAKE or RELOAD. The end of the input is the end of that
process, however it ended, and of this one.
"""

import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from bridge.files import beside
from bridge.local import app_functions
from bridge.local.config import queue_options
from bridge.local.host import log_format
from bridge.local.host.functions import index
from bridge.local.host.queue_functions import QueueFunctions

WAKE, RELOAD = b"w", b"r"
_MOST = 1 << 16  # bytes to read at once
_LESS = 5  # by which its priority is lower: answers do not wait for what is delivered
# Seconds for which a thread may compute while others wait. One of them may have locked the outbox's file, for which
# the process that receives waits as well: with Python's five milliseconds, a drain of a long backlog delays answers.
_TURN = 0.0001
_TOGETHER = 0.005  # seconds in which several orders are one; a thread that delivers looks for messages by itself


def main() -> None:
    """Run the queue functions until the input ends."""
    _ignore_signals()
    if hasattr(os, "nice"):
        os.nice(_LESS)
    sys.setswitchinterval(_TURN)
    log_format.configure()
    options = queue_options(beside() / "host.json")
    module = _quietly(app_functions.load)
    runners = QueueFunctions(index(module.app).queue, app_functions.open_queue, options)
    # What is there now stays: the garbage collector need not look at it.
    gc.freeze()
    runners.start()
    while orders := os.read(sys.stdin.fileno(), _MOST):
        if RELOAD in orders:
            module = _quietly(app_functions.reload)
            runners.replace(index(module.app).queue)
        runners.wake()
        time.sleep(_TOGETHER)
    runners.stop()
    if module.bridge:
        module.bridge.stop()
    runners.join()
    logging.shutdown()
    # A function that still runs is no reason to wait: its message comes again.
    os._exit(0)


def _ignore_signals() -> None:
    """Whatever ends both processes, the other one ends this one: Ctrl-C on Windows, or a service manager."""
    # Some terminals stop a process that is not in the foreground when it writes.
    for name in ("SIGINT", "SIGTERM", "SIGTTOU"):
        if number := getattr(signal, name, None):
            signal.signal(number, signal.SIG_IGN)


def _quietly(load: Callable[[], Any]) -> Any:
    # What is wrong with the settings is logged by the process that receives.
    logging.disable()
    try:
        return load()
    finally:
        logging.disable(logging.NOTSET)


if __name__ == "__main__":
    main()
