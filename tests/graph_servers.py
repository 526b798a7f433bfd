"""Servers on loopback: the stand-in Graph, and one that misbehaves on request."""

import asyncio
import contextlib
import itertools
import os
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from bridge.graph.client import GraphClient
from bridge.local.fake_graph.server import FakeGraph
from bridge.local.serving import listen
from bridge.publishing.delivery import token_source
from bridge.settings import Settings
from tests import workers

GROUP = "00000000-0000-4000-8000-0000000000d0"


class QuickServer(uvicorn.Server):
    """Ends at once: uvicorn itself looks ten times a second whether it should, and then waits for idle connections."""

    async def main_loop(self) -> None:
        for tick in itertools.count():
            if await self.on_tick(tick // 10 % 10):
                return
            await asyncio.sleep(0.01)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listening in (*self.servers, *(sockets or [])):
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(0)
        for _ in range(100):
            if not self.server_state.tasks:
                break
            await asyncio.sleep(0.01)
        for task in self.server_state.tasks:
            task.cancel()
        await self.lifespan.shutdown()


@contextlib.contextmanager
def in_thread(application: Starlette, listener: socket.socket) -> Iterator[str]:
    """The application over HTTP at a socket that listens; gives the address."""
    server = QuickServer(uvicorn.Config(application, log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextlib.contextmanager
def serving(fake_graph: FakeGraph) -> Iterator[str]:
    """Serve the stand-in Graph; yield the address."""
    with (
        contextlib.closing(fake_graph),
        listen(0) as listener,
        in_thread(Starlette(routes=fake_graph.routes()), listener) as at,
    ):
        yield at


@contextlib.contextmanager
def graph_client(monkeypatch, address: str, **options) -> Iterator[GraphClient]:
    """A client of the stand-in Graph at that address, with the managed identity of its endpoint."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{address}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "local")
    client = GraphClient(f"{address}/graph/v1.0", token_source(Settings()), **options)
    with contextlib.closing(client):
        yield client


@contextlib.contextmanager
def fake_graph_at(path: Path, clock=None) -> Iterator[tuple[FakeGraph, str]]:
    fake_graph = FakeGraph(path / "graph.sqlite", *([clock] if clock else []))
    with serving(fake_graph) as address:
        yield fake_graph, address


class Raw(socketserver.ThreadingTCPServer):
    """Answers each request with the next of `answers` (bytes as they go out; the last one for all that follow)."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, *answers: bytes, pause: float = 0, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _RawHandler)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.answers = list(answers)
        self.pause = pause
        self.requests: list[bytes] = []
        self.connections = 0
        self.stopping = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _RawHandler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.server.connections += 1
        while self.answer():
            pass

    def answer(self) -> bool:
        """Answers one request; whether the connection is kept for another."""
        head = b""
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            head += line
        if not head:
            return False
        length = [int(line.split(b":")[1]) for line in head.lower().splitlines() if line.startswith(b"content-length:")]
        self.server.requests.append(head + b"\r\n" + self.rfile.read(length[0] if length else 0))
        answers = self.server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        with contextlib.suppress(OSError):  # the client may have hung up
            for part in [bytes([byte]) for byte in answer] if self.server.pause else [answer]:
                self.wfile.write(part)
                if self.server.pause and self.server.stopping.wait(self.server.pause):
                    break
        return b"keep-alive" in answer


@contextlib.contextmanager
def raw(*answers: bytes, pause: float = 0, tls: ssl.SSLContext | None = None) -> Iterator[Raw]:
    with Raw(*answers, pause=pause, tls=tls) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            server.shutdown()
            thread.join()


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """An HTTP answer; underscores in the names of headers stand for hyphens."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


# Each worker of pytest has ports of its own, below the ephemeral ones: a port that is free now is still free when the
# process that a test starts listens on it.
_ports = (10_000 + 1000 * (workers.number() % 20) + (os.getpid() + step) % 1000 for step in itertools.count())


def closed_port() -> int:
    """A port that nobody listens on."""
    while True:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port := next(_ports))):
            return port
