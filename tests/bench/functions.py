"""The local host with one function that does the least: it answers, or makes one request to Graph and answers."""

import contextlib
import sys
import threading
from collections.abc import Iterator

import azure.functions as func
import requests
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from bridge.local.host.host import Host
from tests.bench.graph import serve, serving

app = func.FunctionApp()
_graph = sys.argv[2] if len(sys.argv) > 2 else ""
_local = threading.local()


@app.function_name("webhook")
@app.route("webhooks/github", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def webhook(req: func.HttpRequest) -> func.HttpResponse:
    body = req.get_body()
    if _graph:
        _session().post(f"{_graph}/graph/v1.0/groups/g/threads", json={"topic": body.decode()}).json()
    return func.HttpResponse("{}", status_code=202, mimetype="application/json")


def _session() -> requests.Session:
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
    return _local.session


@contextlib.contextmanager
def functions(*graph: str) -> Iterator[str]:
    """The address of a running one. graph: the address of the Graph to which it posts."""
    with serving("tests.bench.functions", *graph) as address:
        yield address


def _no_queue(name: str):
    raise NotImplementedError(name)


if __name__ == "__main__":
    routes = [*Host(app, _no_queue).routes(), Route("/posted", lambda _: JSONResponse(0))]
    serve(Starlette(routes=routes), int(sys.argv[1]))
