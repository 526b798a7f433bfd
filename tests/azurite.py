"""Azurite, Microsoft's emulator of Azure Storage, on free ports and in memory, with an account for each test."""

import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.graph_servers import closed_port
from tests.local_stack import ROOT, polling, until

AZURITE = ROOT / ".azurite/node_modules/.bin/azurite"
NAMES = [f"account{number}" for number in range(1000)]
KEY = base64.b64encode(b"a key of this machine alone").decode()

needs_azurite = pytest.mark.skipif(
    not AZURITE.exists() or not shutil.which("node"),
    reason="no Azurite here: `make test` installs it where there are Node and npm",
)


class Azurite:
    """A running emulator."""

    def __init__(self, tables: int, queues: int, blobs: int) -> None:
        self._tables, self._queues, self._blobs = tables, queues, blobs
        # Each process of a test run has names of its own.
        worker, workers = os.environ.get("PYTEST_XDIST_WORKER", "gw0"), os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")
        self._names = iter(NAMES[int(worker.removeprefix("gw")) :: int(workers)])

    def account(self) -> str:
        """The connection string of an account that nobody else uses."""
        name, tables, queues = self.addresses()
        return (
            f"DefaultEndpointsProtocol=http;AccountName={name};AccountKey={KEY};"
            f"TableEndpoint={tables};QueueEndpoint={queues};BlobEndpoint=http://127.0.0.1:{self._blobs}/{name};"
        )

    def addresses(self) -> tuple[str, str, str]:
        """The name of an account that nobody else uses, with the addresses of its tables and queues."""
        name = next(self._names)
        return name, f"http://127.0.0.1:{self._tables}/{name}", f"http://127.0.0.1:{self._queues}/{name}"


@contextlib.contextmanager
def azurite(folder: Path) -> Iterator[Azurite]:
    process, *ports = _start(folder)
    try:
        yield Azurite(*ports)
    finally:
        process.kill()
        process.wait()


_started: list[subprocess.Popen] = []


def shared(folder: Path) -> Azurite:
    """The emulator of a test run: the first of its processes that asks for it starts it, and `stop` ends it."""
    running = folder / "azurite.json"
    try:
        (folder / "azurite.lock").open("x").close()
    except FileExistsError:
        until(running.exists)
    else:
        process, *ports = _start(folder)
        _started.append(process)
        (folder / "azurite.new").write_text(json.dumps([process.pid, *ports]))
        (folder / "azurite.new").rename(running)
    _, *ports = json.loads(running.read_text())
    return Azurite(*ports)


def stop(folder: Path) -> None:
    """End the emulator of a test run, if there is one."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        os.kill(json.loads((folder / "azurite.json").read_text())[0], signal.SIGKILL)


def _start(folder: Path) -> tuple[subprocess.Popen, int, int, int]:
    """The process, and the ports of its tables, of its queues and of its blobs."""
    blobs, queues, tables = (closed_port() for _ in range(3))
    ports = ["--blobPort", str(blobs), "--queuePort", str(queues), "--tablePort", str(tables)]
    options = ["--inMemoryPersistence", "--disableTelemetry", "--silent"]
    with (folder / "azurite.log").open("wb") as log:
        process = subprocess.Popen(
            [AZURITE, *ports, *options],
            cwd=folder,
            env={**os.environ, "AZURITE_ACCOUNTS": ";".join(f"{name}:{KEY}" for name in NAMES)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        for port in (queues, tables, blobs):
            _wait_until_it_listens(port, process)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process, tables, queues, blobs


def _wait_until_it_listens(port: int, process: subprocess.Popen) -> None:
    for _ in polling():
        assert process.poll() is None, "Azurite has ended"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
    raise AssertionError("Azurite did not start")
