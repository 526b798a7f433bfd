"""A Graph that keeps nothing, in a process of its own: it takes what it is sent, at once or after some seconds."""

import asyncio
import contextlib
import itertools
import re
import subprocess
import sys
import time
from collections.abc import Iterator

import requests
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.local.serving import LOOPBACK, listen
from tests.graph_servers import closed_port
from tests.local_stack import PATIENCE, ROOT

# By which the footer of a post names its entries.
REFERENCE = re.compile(r"(?<![\w-])[0-9a-f]{12}(?![\w-])")


def application(seconds: float) -> Starlette:
    """Threads and replies, the first post of each thread, the tokens for them, and how many entries were posted."""
    numbers = itertools.count(1)
    posted: set[str] = set()

    async def take(request: Request) -> Response:
        posted.update(REFERENCE.findall((await request.body()).decode()))
        await asyncio.sleep(seconds)
        return JSONResponse({"id": f"thread-{next(numbers)}"}, 202 if request.url.path.endswith("/reply") else 201)

    async def first_post(_: Request) -> Response:
        await asyncio.sleep(seconds)
        return JSONResponse({"value": [{"id": "post-1"}]})

    async def count(_: Request) -> Response:
        return JSONResponse(len(posted))

    async def token(_: Request) -> Response:
        expires = int(time.time()) + 86400
        return JSONResponse({"access_token": "bench", "expires_on": expires, "token_type": "Bearer", "resource": ""})

    routes = [
        Route("/msi/token", token),
        Route("/posted", count),
        Route("/graph/v1.0/groups/{rest:path}/posts", first_post),
        Route("/graph/v1.0/groups/{rest:path}", take, methods=["POST"]),
    ]
    return Starlette(routes=routes)


@contextlib.contextmanager
def graph(seconds: float = 0) -> Iterator[str]:
    """The address of a running one that takes so long for a request."""
    with serving("tests.bench.graph", str(seconds)) as address:
        yield address


@contextlib.contextmanager
def serving(module: str, *arguments: str) -> Iterator[str]:
    """The address of a module that serves at the port of its first argument."""
    port = closed_port()
    process = subprocess.Popen([sys.executable, "-m", module, str(port), *arguments], cwd=ROOT)
    try:
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(requests.ConnectionError):
                requests.get(f"http://{LOOPBACK}:{port}/posted", timeout=PATIENCE)
                break
            time.sleep(0.05)
        yield f"http://{LOOPBACK}:{port}"
    finally:
        process.kill()
        process.wait()


def serve(application: Starlette, port: int) -> None:
    with listen(port) as listening:
        uvicorn.Server(uvicorn.Config(application, log_config=None, access_log=False)).run(sockets=[listening])


if __name__ == "__main__":
    serve(application(float(sys.argv[2])), int(sys.argv[1]))
