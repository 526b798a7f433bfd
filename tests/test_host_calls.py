"""The local host calls quick functions on the event loop, and gives threads to all others."""

import asyncio
import threading
import time

import azure.functions as func
import pytest
import requests
from starlette.applications import Starlette

from bridge.local.host import calls, http_functions
from bridge.local.host.calls import QuickCalls
from bridge.local.host.host import Host
from bridge.local.serving import listen
from bridge.outbox.sqlite_queue import SqliteQueue
from tests.graph_servers import in_thread


def test_calls_have_threads_at_first_and_after_a_slow_one(monkeypatch):
    monkeypatch.setattr(calls, "IN_THREADS", 0.05)

    async def has_thread(quick, seconds=0.0):
        def call():
            time.sleep(seconds)
            return threading.get_ident()

        return await quick.run(call) != threading.get_ident()

    async def scenario():
        quick = QuickCalls()
        found = [await has_thread(quick), await has_thread(quick)]
        await asyncio.sleep(0.06)
        found += [await has_thread(quick), await has_thread(quick, 2 * calls.SLOW), await has_thread(quick)]
        await asyncio.sleep(0.06)
        return [*found, await has_thread(quick)]

    assert asyncio.run(scenario()) == [True, True, False, False, True, False]


def test_the_first_call_is_alone_whether_or_not_it_fails():
    begun, release = [], threading.Event()

    def call():
        begun.append(None)
        assert release.wait(9)
        if len(begun) == 1:
            raise ZeroDivisionError
        return len(begun)

    async def scenario():
        quick = QuickCalls()
        found = asyncio.gather(*(quick.run(call) for _ in range(4)), return_exceptions=True)
        while not begun:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert len(begun) == 1
        release.set()
        return [type(each) for each in await found]

    assert asyncio.run(scenario()) == [ZeroDivisionError, int, int, int]


def test_a_call_that_fails_slowly_is_slow(monkeypatch):
    def fail():
        time.sleep(2 * calls.SLOW)
        raise ZeroDivisionError

    async def scenario():
        quick = QuickCalls()
        monkeypatch.setattr(calls, "IN_THREADS", 0.0)
        await quick.run(list)
        monkeypatch.setattr(calls, "IN_THREADS", 5.0)
        with pytest.raises(ZeroDivisionError):
            await quick.run(fail)
        return await quick.run(threading.get_ident) != threading.get_ident()

    assert asyncio.run(scenario())


def test_only_a_short_request_of_a_function_that_writes_to_a_queue_goes_without_a_thread(tmp_path, monkeypatch):
    monkeypatch.setattr(calls, "IN_THREADS", 0.0)
    monkeypatch.setattr(http_functions, "_SMALL", 10)
    app = func.FunctionApp()

    def thread(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(threading.current_thread().name)

    @app.function_name("writes")
    @app.route("writes", auth_level=func.AuthLevel.ANONYMOUS)
    @app.queue_output(arg_name="entries", queue_name="entries", connection="Storage")
    def writes(req: func.HttpRequest, entries: func.Out[str]) -> func.HttpResponse:
        return thread(req)

    @app.function_name("asks")
    @app.route("asks", auth_level=func.AuthLevel.ANONYMOUS)
    def asks(req: func.HttpRequest) -> func.HttpResponse:
        return thread(req)

    host = Host(app, lambda name: SqliteQueue(tmp_path / "queue.sqlite", name))
    with listen(0) as listener, in_thread(Starlette(routes=host.routes()), listener) as address:

        def threads(name, body):
            return {requests.post(f"{address}/api/{name}", body, timeout=10).text for _ in range(3)}

        loop = threads("writes", b"short") - (pool := threads("asks", b"short"))
        assert len(loop) == 1
        assert not threads("writes", b"more than ten bytes") & loop
        assert not pool & loop
