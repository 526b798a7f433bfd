"""Serve an application over HTTP on this machine until Ctrl-C."""

import errno
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette

from bridge.errors import CommandError
from bridge.program import start_command

LOOPBACK = "127.0.0.1"
_GRACE = 0.2  # seconds for running requests to finish


def listen(port: int) -> socket.socket:
    """A socket that listens on the port, reachable from this machine only; CommandError if the port is taken."""
    try:
        listening = socket.create_server((LOOPBACK, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            other = port + 1 if port < 65535 else port - 1
            raise CommandError(
                f"Cannot use port {port}: something else does, perhaps another `{start_command()}`. Choose another one,"
                f" such as PORT={other}."
            ) from error
        reason = os.strerror(error.errno or 0)
        raise CommandError(f"Cannot use port {port} ({reason}): choose another one with PORT.") from error
    # Otherwise each answer on a kept-alive connection waits until the previous one is acknowledged.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def serve(build: Callable[[int], Starlette], port: int, ready: Callable[[], None]) -> None:
    """Serve the application on the port until SIGINT or SIGTERM.

    build: makes the application for the port. ready: called when the application can be reached.
    """
    with listen(port) as listening:
        application = build(port)
        # uvicorn raises the signal again after it has stopped, which would end the process as if it had failed.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        # What is there now stays: the garbage collector need not look at it while a webhook waits for its answer.
        gc.freeze()
        ready()
        # h11 bounds the headers that it collects; httptools, which uvicorn would take where it is installed, does not.
        config = uvicorn.Config(application, http="h11", log_config=None, access_log=False)
        config.timeout_graceful_shutdown = _GRACE  # type: ignore[assignment]  # uvicorn waits for fractions, too
        _Server(config).run(sockets=[listening])
    _end_if_busy()


def _end_if_busy() -> None:
    """End the process if a thread still runs, for which Python would wait."""
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)


class _Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End open event streams first; they would use up the whole grace period."""
        # What is cut off from here on is no error.
        logging.getLogger("uvicorn.error").disabled = True
        self.config.app.state.before_shutdown()  # type: ignore[union-attr]
        await super().shutdown(sockets)
