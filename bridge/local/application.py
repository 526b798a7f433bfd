"""The applications that run locally: the bridge's functions with a stand-in for Graph and the page, all on one port."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import cache

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bridge.app import open_payloads
from bridge.files import beside
from bridge.local import app_functions, delivering
from bridge.local.config import (
    codespace,
    fake_graph_file,
    has_two_processes,
    outbox_file,
    permissions,
    queue_options,
    received_folder,
    tunnel,
)
from bridge.local.fake_graph.server import FakeGraph
from bridge.local.host.delivering_process import DeliveringProcess
from bridge.local.host.host import Host
from bridge.local.host.http_functions import Exchange
from bridge.local.own_origin import OwnOrigin
from bridge.local.page.server import HostedBridge, PageServer
from bridge.local.page.webhooks import WebhookLog
from bridge.local.received import ReceivedWebhooks
from bridge.local.saved_files import SavedFiles
from bridge.local.unanswered import log_missing_key, log_unknown_source
from bridge.outbox.payloads import Payloads
from bridge.settings import Settings
from bridge.settings.toml_tables import Problems
from bridge.sources import SOURCES

_NOT_QUEUED = 500  # of the host, when it cannot put a webhook's entries on the queue


def bridge_app(port: int) -> Starlette:
    """The bridge's functions, the stand-in Graph and the page. The environment must be complete by now."""
    return _LocalBridge(port).application


def fake_graph_app(port: int) -> Starlette:
    """The stand-in Graph and the page, without the bridge."""
    fake_graph = _fake_graph()
    page = PageServer(fake_graph, port)
    return _application(port, [*fake_graph.routes(), *page.routes()], fake_graph, page)


class _LocalBridge:
    """The bridge's functions, which can be loaded again after their settings have changed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._functions = app_functions.load()
        secrets = tuple(itertools.chain.from_iterable(Settings.read(os.environ, Problems()).secrets.values()))
        self._webhooks = WebhookLog(secrets)
        self._received = ReceivedWebhooks(received_folder(os.environ), secrets)
        options = queue_options(beside() / "host.json")
        self._host = Host(
            self._functions.app,
            app_functions.open_queue,
            options,
            on_answer=self._on_answer,
            write=_write,
            deliverer=self._process() if has_two_processes(os.environ) else None,
        )
        self._fake_graph = _fake_graph()
        self._page = PageServer(self._fake_graph, port, self._hosted())
        self._files = SavedFiles(os.environ, self.reload)
        self.application = _application(port, self._routes(), self._fake_graph, self._page, self._running())
        self.application.state.before_shutdown = self._stop

    def reload(self) -> Sequence[str]:
        """Load the functions again, and return what is wrong with the settings. Those that are running finish."""
        self._functions = app_functions.reload()
        self._host.replace(self._functions.app)
        self._page = PageServer(self._fake_graph, self._port, self._hosted(), self._page.updates)
        self.application.router.routes = self._routes()
        self._files.used()
        return list(self._functions.problems)

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        async with self._host.running():
            watching = asyncio.create_task(self._files.watch())
            yield
            watching.cancel()

    def _process(self) -> DeliveringProcess:
        return DeliveringProcess(delivering.__name__, delivering.WAKE, delivering.RELOAD, self._note)

    def _stop(self) -> None:
        """End what would keep the server from ending, and write what is kept."""
        self._page.close()
        self._received.flush()
        self._host.stop()
        if self._functions.bridge:
            self._functions.bridge.stop()

    def _note(self, fault: str) -> None:
        if self._functions.bridge:
            self._functions.bridge.faults.note(fault)

    def _hosted(self) -> HostedBridge:
        bridge, problems = self._functions.bridge, self._functions.problems
        return HostedBridge(bridge, self._webhooks, self._host.wake, self._received, self.reload, problems)

    def _routes(self) -> list[BaseRoute]:
        no_source = Route("/api/webhooks/{path:path}", self._on_unknown_source, methods=["POST"])
        return [*self._host.routes(), no_source, *self._fake_graph.routes(), *self._page.routes()]

    async def _on_unknown_source(self, request: Request) -> Response:
        bridge = self._functions.bridge
        log_unknown_source(request.path_params["path"], bridge.configuration.sources if bridge else SOURCES)
        return Response("Not Found", 404)

    def _on_answer(self, exchange: Exchange) -> None:
        self._webhooks.add(exchange)
        self._received.add(exchange)
        log_missing_key(exchange)
        if exchange.status == _NOT_QUEUED:
            self._note(f"{exchange.path} was answered with {exchange.status}.")


def _fake_graph() -> FakeGraph:
    return FakeGraph(fake_graph_file(os.environ), permissions=permissions(os.environ))


def _application(
    port: int,
    routes: list[BaseRoute],
    fake_graph: FakeGraph,
    page: PageServer,
    running: AbstractAsyncContextManager[None] | None = None,
) -> Starlette:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with running or nullcontext():
            yield
        fake_graph.close()

    own = Middleware(OwnOrigin, port=port, tunnel=tunnel(os.environ), codespace=codespace(os.environ, port))
    application = Starlette(routes=routes, lifespan=lifespan, middleware=[own])
    application.state.before_shutdown = page.close
    return application


@cache
def _payloads() -> Payloads:
    return open_payloads(Settings(outbox=outbox_file(os.environ)), os.environ)


def _write(path: str, content: bytes) -> None:
    """Writes a payload where the outbox is; the path begins with its container."""
    _payloads().write(path.partition("/")[2], content)
