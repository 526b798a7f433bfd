"""Azurite, Microsoft's emulator of Azure Storage, on free ports and in memory, with an account for each test."""

import base64
import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.graph_servers import closed_port
from tests.local_stack import PATIENCE, ROOT

AZURITE = ROOT / ".azurite/node_modules/.bin/azurite"
NAMES = [f"account{number}" for number in range(200)]
KEY = base64.b64encode(b"a key of this machine alone").decode()

needs_azurite = pytest.mark.skipif(
    not AZURITE.exists() or not shutil.which("node"),
    reason="no Azurite here: `make test` installs it where there are Node and npm",
)


class Azurite:
    """A running emulator."""

    def __init__(self, tables: int, queues: int) -> None:
        self._tables, self._queues = tables, queues
        self._names = iter(NAMES)

    def account(self) -> str:
        """The connection string of an account that nobody else uses."""
        name, tables, queues = self.addresses()
        return (
            f"DefaultEndpointsProtocol=http;AccountName={name};AccountKey={KEY};"
            f"TableEndpoint={tables};QueueEndpoint={queues};"
        )

    def addresses(self) -> tuple[str, str, str]:
        """The name of an account that nobody else uses, with the addresses of its tables and queues."""
        name = next(self._names)
        return name, f"http://127.0.0.1:{self._tables}/{name}", f"http://127.0.0.1:{self._queues}/{name}"


@contextlib.contextmanager
def azurite(folder: Path) -> Iterator[Azurite]:
    blobs, queues, tables = (closed_port() for _ in range(3))
    ports = ["--blobPort", str(blobs), "--queuePort", str(queues), "--tablePort", str(tables)]
    options = ["--inMemoryPersistence", "--disableTelemetry", "--silent"]
    with (folder / "azurite.log").open("wb") as log:
        process = subprocess.Popen(
            [AZURITE, *ports, *options],
            cwd=folder,
            env={**os.environ, "AZURITE_ACCOUNTS": ";".join(f"{name}:{KEY}" for name in NAMES)},
            stdout=log,
            stderr=log,
        )
        try:
            for port in (queues, tables):
                _wait_until_it_listens(port, process)
            yield Azurite(tables, queues)
        finally:
            process.kill()
            process.wait()


def _wait_until_it_listens(port: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError("Azurite did not start")
