"""The applications that run locally: the bridge's functions with a stand-in for Graph and the page, all on one port."""

import importlib.util
import itertools
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from functools import cache
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from bridge.app import open_payloads
from bridge.files import beside
from bridge.local.config import (
    codespace,
    fake_graph_file,
    made_on_page,
    outbox_file,
    permissions,
    queue_options,
    received_folder,
    tunnel,
)
from bridge.local.fake_graph.server import FakeGraph
from bridge.local.host.host import Host
from bridge.local.host.http_functions import Exchange
from bridge.local.own_origin import OwnOrigin
from bridge.local.page.server import HostedBridge, PageServer
from bridge.local.page.webhooks import WebhookLog
from bridge.local.received import ReceivedWebhooks
from bridge.outbox import is_configured
from bridge.outbox.base import Queue
from bridge.outbox.payloads import Payloads
from bridge.outbox.sqlite_queue import SqliteQueue
from bridge.settings import Settings
from bridge.toml_tables import Problems

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
        self._functions = _function_app()
        secrets = tuple(itertools.chain.from_iterable(Settings.read(os.environ, Problems()).secrets.values()))
        self._webhooks = WebhookLog(secrets)
        self._received = ReceivedWebhooks(received_folder(os.environ), secrets)
        options = queue_options(beside() / "host.json")
        self._host = Host(self._functions.app, _queue, options, on_answer=self._on_answer, write=_write)
        self._fake_graph = _fake_graph()
        self._page = PageServer(self._fake_graph, port, self._hosted())
        self.application = _application(port, self._routes(), self._fake_graph, self._page, self._host)

    def reload(self) -> Sequence[str]:
        """Load the functions again, and return what is wrong with the settings. Those that are running finish."""
        os.environ.update(made_on_page(os.environ))
        self._functions = _function_app()
        self._host.replace(self._functions.app)
        self._page = PageServer(self._fake_graph, self._port, self._hosted(), self._page.updates)
        self.application.router.routes = self._routes()
        self.application.state.before_shutdown = self._page.close
        return list(self._functions.problems)

    def _hosted(self) -> HostedBridge:
        bridge, problems = self._functions.bridge, self._functions.problems
        return HostedBridge(bridge, self._webhooks, self._host.wake, self._received, self.reload, problems)

    def _routes(self) -> list[BaseRoute]:
        return [*self._host.routes(), *self._fake_graph.routes(), *self._page.routes()]

    def _on_answer(self, exchange: Exchange) -> None:
        self._webhooks.add(exchange)
        self._received.add(exchange)
        if self._functions.bridge and exchange.status == _NOT_QUEUED:
            self._functions.bridge.faults.note(f"{exchange.path} was answered with {exchange.status}.")


def _function_app() -> Any:
    """The module of the functions. It reads the settings when it is imported, so it is imported again each time."""
    spec = importlib.util.spec_from_file_location("function_app", beside() / "function_app.py")
    if spec is None or spec.loader is None:
        raise ImportError("function_app.py")
    module = sys.modules["function_app"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _fake_graph() -> FakeGraph:
    return FakeGraph(fake_graph_file(os.environ), permissions=permissions(os.environ))


def _application(
    port: int, routes: list[BaseRoute], fake_graph: FakeGraph, page: PageServer, host: Host | None = None
) -> Starlette:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with host.running() if host else nullcontext():
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


def _queue(name: str) -> Queue:
    """The queue in the storage account that the environment names, else in the outbox's file."""
    if not is_configured(os.environ):
        return SqliteQueue(outbox_file(os.environ), name)
    # Importing the storage libraries takes a third of a second.
    from bridge.outbox.azure_queue import AzureQueue  # noqa: PLC0415
    from bridge.outbox.azure_storage import Account  # noqa: PLC0415

    return AzureQueue(Account.from_env(os.environ), name)
