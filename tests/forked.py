"""Modules run in processes of their own, which are forked from one that has imported the bridge already."""

import contextlib
import faulthandler
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from pathlib import Path
from unittest import mock

from tests import template_cache

ROOT = Path(__file__).parent.parent
FOLDER = "FOLDER_OF_THE_TEST_RUN"
# What `bridge run` imports, but for function_app, which reads the settings.
PRELOADED = (
    "anyio._backends._asyncio", "azure.data.tables", "azure.functions", "requests",
    "uvicorn.lifespan.on", "uvicorn.loops.auto", "uvicorn.protocols.http.h11_impl", "uvicorn.protocols.websockets.auto",
    "bridge.app", "bridge.cli.main", "bridge.cli.run", "bridge.local.application", "bridge.local.host.log_format",
    "bridge.local.serving", "tests.loaded_sources", "tests.template_cache",
)  # fmt: skip
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(list(PRELOADED))


def begin() -> None:
    """Start the server of this process, and of the workers that are forked from it later."""
    with mock.patch.dict(os.environ, PYTHONPATH=str(ROOT)):
        forkserver.ensure_running()


def share() -> None:
    """Use the server of the process that this one was forked from, if it has one, and not another."""
    server = forkserver._forkserver
    if server._forkserver_pid:
        # It looks whether the server has ended, which only the process that started it can.
        server.ensure_running = lambda: None


class Forked:
    """A process that behaves as one of `subprocess.Popen`."""

    def __init__(self, command: Sequence[str], folder: Path, env: Mapping[str, str], out: Path, err: Path) -> None:
        self.args = command
        if not forkserver._forkserver._forkserver_pid:
            # Perhaps by a test in another folder.
            begin()
        self._process = _context.Process(target=_run, args=(list(command), folder, dict(env), out, err), daemon=True)
        self._process.start()
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


Process = Forked | subprocess.Popen


def start(command: Sequence[str], folder: Path, env: Mapping[str, str], out: Path, err: Path | None = None) -> Process:
    """Run a module with its arguments as `python -m` does; what it writes is appended to files."""
    # Benchmarks measure what the imports cost, and coverage what runs in them.
    if "PYTEST_VERSION" in os.environ and "COVERAGE_PROCESS_CONFIG" not in os.environ:
        return Forked(command, folder, env, out, err or out)
    with out.open("ab") as written, (err or out).open("ab") as complaints:
        return subprocess.Popen(
            [sys.executable, "-m", *command], cwd=folder, env=env, stdout=written, stderr=complaints,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip


def run(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess:
    """Run a module with its arguments to its end."""
    out, err = folder / "out", folder / "err"
    for path in (out, err):
        path.write_bytes(b"")
    process = start(command, folder, env, out, err)
    try:
        code = process.wait(60)
    finally:
        process.kill()
    return subprocess.CompletedProcess(command, code, out.read_text(), err.read_text())


def _run(command: list[str], folder: Path, env: dict[str, str], out: Path, err: Path) -> None:
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), number)
    faulthandler.enable()
    sys.argv = list(command)
    sys.path.insert(0, str(folder))
    if kept := env.get(FOLDER):
        template_cache.use(Path(kept))
    runpy.run_module(command[0], run_name="__main__", alter_sys=True)
