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

from tests import workers
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
        self._names = iter(NAMES[workers.number() :: workers.count()])

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
        for port in ports:
            _wait_until_it_listens(port)
        yield Azurite(*ports)
    finally:
        process.kill()
        process.wait()


_started: list[subprocess.Popen] = []


def begin(folder: Path) -> None:
    """Start the emulator of a test run, unless one of its processes has started it."""
    with contextlib.suppress(FileExistsError):
        (folder / "azurite.lock").open("x").close()
        process, *ports = _start(folder)
        _started.append(process)
        (folder / "azurite.new").write_text(json.dumps([process.pid, *ports]))
        (folder / "azurite.new").rename(folder / "azurite.json")


def shared(folder: Path) -> Azurite:
    """The emulator of a test run, which `stop` ends."""
    begin(folder)
    running = folder / "azurite.json"
    until(running.exists)
    _, *ports = json.loads(running.read_text())
    for port in ports:
        _wait_until_it_listens(port)
    return Azurite(*ports)


def stop(folder: Path) -> None:
    """End the emulator of a test run, if there is one."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        os.kill(json.loads((folder / "azurite.json").read_text())[0], signal.SIGKILL)


def _start(folder: Path) -> tuple[subprocess.Popen, int, int, int]:
    """The process, which does not listen yet, and the ports of its tables, of its queues and of its blobs."""
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
    return process, tables, queues, blobs


def _wait_until_it_listens(port: int) -> None:
    for _ in polling():
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
    raise AssertionError("Azurite did not start")
