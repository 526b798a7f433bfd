"""The local host with one function that does the least: it answers, at most after one request or one queued message."""

import contextlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import azure.functions as func
import requests
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from bridge.local.host.host import Host
from bridge.outbox.sqlite_queue import SqliteQueue
from tests.bench.graph import serve, serving

app = func.FunctionApp()
_to = sys.argv[2] if len(sys.argv) > 2 else ""
_queue = SqliteQueue(Path(_to)) if _to.startswith("/") else None
_local = threading.local()


@app.function_name("webhook")
@app.route("webhooks/github", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def webhook(req: func.HttpRequest) -> func.HttpResponse:
    body = req.get_body()
    if _queue is not None:
        _queue.put(body.decode())
    elif _to:
        _session().post(f"{_to}/graph/v1.0/groups/g/threads", json={"topic": body.decode()}).json()
    return func.HttpResponse("{}", status_code=202, mimetype="application/json")


def _session() -> requests.Session:
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
    return _local.session


@contextlib.contextmanager
def functions(to: str = "") -> Iterator[str]:
    """The address of a running one. to: the address of the Graph to which it posts, or the path of its queue."""
    with serving("tests.bench.functions", to) as address:
        yield address


def _no_queue(name: str):
    raise NotImplementedError(name)


if __name__ == "__main__":
    routes = [*Host(app, _no_queue).routes(), Route("/posted", lambda _: JSONResponse(0))]
    serve(Starlette(routes=routes), int(sys.argv[1]))
