"""A host for the bridge's functions on one machine, with the stand-in Graph and the page at the same port."""

import asyncio
import importlib
import itertools
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import azure.functions as func
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute

from bridge.errors import CommandError
from bridge.local.config import QueueOptions, mailbox_file, outbox_file, permissions, queue_options
from bridge.local.fake_graph.server import Mailbox
from bridge.local.host import http_functions
from bridge.local.host.functions import Functions, index
from bridge.local.host.http_functions import Exchange
from bridge.local.host.queue_functions import LEASE, QueueRunner
from bridge.local.host.timers import run_timer
from bridge.local.page import Behind, Viewer
from bridge.local.page.webhooks import WebhookLog
from bridge.outbox import is_configured
from bridge.outbox.base import Queue
from bridge.outbox.sqlite_queue import SqliteQueue

LOOPBACK = "127.0.0.1"
GRACE = 30.0  # seconds that running functions get to end; what they were given comes again


class Host:
    """Runs the functions of an app. queue: gives the durable queue of a name. watch: is told of each HTTP answer."""

    def __init__(
        self,
        app: func.FunctionApp,
        queue: Callable[[str], Queue],
        options: QueueOptions | None = None,
        lease: float = LEASE,
        watch: Callable[[Exchange], None] = lambda _: None,
    ) -> None:
        self._watch = watch
        self._functions: Functions = index(app)
        self._queues = {name: queue(name) for name in self._functions.queues}
        options = options or QueueOptions()
        self._runners = [QueueRunner(f, self._queues[f.queue], options, lease) for f in self._functions.queue]

    def routes(self) -> list[BaseRoute]:
        """The routes of the HTTP functions."""
        return http_functions.routes(self._functions.http, self._put, self._watch)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Runs queue and timer functions; at the end takes nothing new and lets what runs end, for a while."""
        timers = [asyncio.create_task(run_timer(function, self.wake)) for function in self._functions.timer]
        runners = [asyncio.create_task(runner.run()) for runner in self._runners]
        try:
            yield
        finally:
            for runner in self._runners:
                runner.stop()
            for timer in timers:
                timer.cancel()
            await asyncio.wait([*runners, *timers], timeout=GRACE)
            for queue in self._queues.values():
                queue.close()

    async def _put(self, queue: str, messages: Sequence[str]) -> None:
        for message in messages:
            await run_in_threadpool(self._queues[queue].put, message)
        self.wake()

    def wake(self) -> None:
        """Lets the queue functions look at once: something may have been put. To be called on their loop."""
        for runner in self._runners:
            runner.wake()


def bridge_app(listens: int) -> Starlette:
    """The bridge's own functions, the stand-in Graph and the page; the environment must be complete by now."""
    # Not before: importing it reads the settings.
    function_app = importlib.import_module("function_app")
    secrets = function_app.bridge.settings.secrets.values() if function_app.bridge else ()
    webhooks = WebhookLog(itertools.chain.from_iterable(secrets))
    host = Host(function_app.app, _queue, queue_options(Path("host.json")), watch=webhooks.add)
    return _application(listens, host, Behind(function_app.bridge, webhooks, host.wake))


def _queue(name: str) -> Queue:
    """In the storage account that the environment names, or in the outbox's file."""
    if not is_configured(os.environ):
        return SqliteQueue(outbox_file(os.environ), name)
    # The libraries for it take a third of a second.
    from bridge.outbox.azure_queue import AzureQueue  # noqa: PLC0415
    from bridge.outbox.azure_storage import Account  # noqa: PLC0415

    return AzureQueue(Account.from_env(os.environ), name)


def mailbox_app(listens: int) -> Starlette:
    """The stand-in Graph and the page alone."""
    return _application(listens, None, None)


def _application(listens: int, host: Host | None, behind: Behind | None) -> Starlette:
    mailbox = Mailbox(mailbox_file(os.environ), permissions=permissions(os.environ))
    viewer = Viewer(mailbox, listens, behind)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with host.running() if host else nullcontext():
            yield
        mailbox.close()

    routes = [*(host.routes() if host else []), *mailbox.routes(), *viewer.routes()]
    application = Starlette(routes=routes, lifespan=lifespan)
    application.state.before_shutdown = viewer.close
    return application


class _Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends what never ends by itself first: an open page would use up the whole grace."""
        self.config.app.state.before_shutdown()  # type: ignore[union-attr]
        await super().shutdown(sockets)


def listen(port: int) -> socket.socket:
    """A socket that listens at the port, on this machine alone; CommandError when the port is taken."""
    try:
        listening = socket.create_server((LOOPBACK, port))
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise CommandError(f"Port {port} cannot be used ({reason}): choose another one with PORT.") from error
    # Else every answer on a connection that is kept waits for the acknowledgement of the one before.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def serve(build: Callable[[int], Starlette], port: int, ready: Callable[[], None]) -> None:
    """Serves the application at the port until SIGINT or SIGTERM. ready: is called when it can be reached."""
    with listen(port) as listening:
        application = build(port)
        # uvicorn raises a signal again once it has stopped; that would end the process as if it had failed.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        ready()
        config = uvicorn.Config(application, log_config=None, access_log=False, timeout_graceful_shutdown=5)
        _Server(config).run(sockets=[listening])
