"""The applications that run locally: the bridge's functions with a stand-in for Graph and the page, all on one port."""

import importlib
import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from functools import cache
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware

from bridge.app import open_payloads
from bridge.local.config import fake_graph_file, outbox_file, permissions, queue_options, received_folder, tunnel
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

_NOT_QUEUED = 500  # of the host, when it cannot put a webhook's entries on the queue


def bridge_app(port: int) -> Starlette:
    """The bridge's functions, the stand-in Graph and the page. The environment must be complete by now."""
    # Not imported at the top: importing it reads the settings.
    function_app = importlib.import_module("function_app")
    secrets = function_app.bridge.configuration.settings.secrets.values() if function_app.bridge else ()
    secrets = tuple(itertools.chain.from_iterable(secrets))
    webhooks, received = WebhookLog(secrets), ReceivedWebhooks(received_folder(os.environ), secrets)

    def on_answer(exchange: Exchange) -> None:
        webhooks.add(exchange)
        received.add(exchange)
        if function_app.bridge and exchange.status == _NOT_QUEUED:
            function_app.bridge.faults.note(f"{exchange.path} was answered with {exchange.status}.")

    host = Host(function_app.app, _queue, queue_options(Path("host.json")), on_answer=on_answer, write=_write)
    return _application(port, host, HostedBridge(function_app.bridge, webhooks, host.wake, received))


def fake_graph_app(port: int) -> Starlette:
    """The stand-in Graph and the page, without the bridge."""
    return _application(port, None, None)


def _application(port: int, host: Host | None, hosted: HostedBridge | None) -> Starlette:
    fake_graph = FakeGraph(fake_graph_file(os.environ), permissions=permissions(os.environ))
    page = PageServer(fake_graph, port, hosted)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with host.running() if host else nullcontext():
            yield
        fake_graph.close()

    routes = [*(host.routes() if host else []), *fake_graph.routes(), *page.routes()]
    own = Middleware(OwnOrigin, port=port, tunnel=tunnel(os.environ))
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
