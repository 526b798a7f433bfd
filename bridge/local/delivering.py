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
_TOGETHER = 0.005  # seconds in which several orders are one; a thread that delivers looks for messages by itself


def main() -> None:
    """Run the queue functions until the input ends."""
    # On Windows, Ctrl-C goes to both processes. The other one ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
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


def _quietly(load: Callable[[], Any]) -> Any:
    # What is wrong with the settings is logged by the process that receives.
    logging.disable()
    try:
        return load()
    finally:
        logging.disable(logging.NOTSET)


if __name__ == "__main__":
    main()
