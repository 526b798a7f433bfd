"""A test run in several processes, which are forked when all tests have been collected.

Importing and collecting the tests takes seconds: processes that each do it for themselves cost more than they gain.
"""

import contextlib
import importlib
import itertools
import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from tests import forked

# The most tests that a worker gets at once.
_SHARE = 40
_fork = multiprocessing.get_context("fork")


def number() -> int:
    """Which worker this process is, for ports and names that no other worker uses."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def count() -> int:
    """The number of workers."""
    return int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


class Queue:
    """The places of all tests that no worker has yet.

    Files that wait for other processes come first, each whole, but not in all workers: the others use the time that
    these wait. Every worker runs tests that stand side by side, which share what they have read and rendered.
    """

    def __init__(self, items: list[pytest.Item], waiting: tuple[str, ...], workers: int) -> None:
        files: dict[str, list[int]] = {}
        for place, item in enumerate(items):
            files.setdefault(item.path.stem.removeprefix("test_"), []).append(place)
        self._waiting = deque(files.pop(name) for name in waiting if name in files)
        self._patient = workers // 2
        others = deque(itertools.chain(*files.values()))
        self._own: list[deque[int]] = [deque() for _ in range(self._patient)]
        for left in range(workers - self._patient, 0, -1):
            self._own.append(deque(others.popleft() for _ in range(len(others) // left)))

    def take(self, worker: int) -> list[int]:
        """The next tests for a worker, or none when all are taken."""
        own = self._own[worker]
        if self._waiting and (worker < self._patient or not own):
            return self._waiting.popleft()
        if not own:
            longest = max(self._own, key=len)
            own.extendleft([longest.pop() for _ in range((len(longest) + 1) // 2)])
        return [own.popleft() for _ in range(min(_SHARE, (len(own) + 1) // 2))]

    def give_back(self, worker: int, places: Iterable[int]) -> None:
        """Let a new process of the worker run these tests."""
        self._own[worker].extendleft(reversed([*places]))


class Workers:
    """The plugin that runs the tests in workers and reports what they report."""

    def __init__(self, workers: int, waiting: tuple[str, ...]) -> None:
        self._workers = workers
        self._waiting = waiting
        self._compiling: multiprocessing.process.BaseProcess | None = None

    def pytest_collection(self, session: pytest.Session) -> None:
        """In a fresh clone, let a second process write the bytecode of the files that are collected last."""
        folder = Path(__file__).parent
        compiled = {path.name.split(".")[0] for path in folder.glob("__pycache__/*-pytest-*.pyc")}
        names = [path.stem for path in folder.glob("test_*.py") if path.stem not in compiled]
        if len(names) > len(compiled) and session.config.args == session.config.getini("testpaths"):
            self._compiling = _fork.Process(target=_import, args=(sorted(names, reverse=True),))
            self._compiling.start()

    def pytest_collection_finish(self) -> None:
        """By now, all bytecode has been written."""
        if self._compiling:
            self._compiling.kill()
            self._compiling.join()

    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run all tests, unless there is nothing to run."""
        if session.testsfailed or session.config.option.collectonly:
            return None
        run = _Run(session, Queue(session.items, self._waiting, self._workers), self._workers)
        try:
            for worker in range(self._workers):
                run.start(worker)
            while run.running:
                run.step()
        finally:
            run.end()
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        return True


class _Run:
    """The workers of a run, by their connections, each with the tests that it has not ended."""

    def __init__(self, session: pytest.Session, queue: Queue, workers: int) -> None:
        self.running: dict[Connection, tuple[int, deque[int]]] = {}
        self._processes: dict[int, multiprocessing.process.BaseProcess] = {}
        self._session = session
        self._queue = queue
        self._workers = workers
        self._stopping = _fork.Event()

    def start(self, worker: int) -> None:
        ours, theirs = _fork.Pipe()

        def work() -> None:
            for connection in (*self.running, ours):
                connection.close()
            _work(self._session, worker, self._workers, theirs, self._stopping)

        process = _fork.Process(target=work, name=f"worker {worker}")
        process.start()
        theirs.close()
        self._processes[worker] = process
        self.running[ours] = worker, deque()

    def step(self) -> None:
        """Wait for workers, and take one message of each that has one."""
        for connection in wait(list(self.running)):
            worker, places = self.running[connection]
            try:
                reports = connection.recv()
            except (EOFError, ConnectionError):
                del self.running[connection]
                self._ended(worker, places)
                continue
            if reports is None:
                share = [] if self._session.shouldfail or self._session.shouldstop else self._queue.take(worker)
                places.extend(share)
                connection.send(share)
            else:
                self._report(reports)
                if places:
                    places.popleft()
        if self._session.shouldfail or self._session.shouldstop:
            self._stopping.set()

    def end(self) -> None:
        """Let the workers tear down what they have set up."""
        self._stopping.set()
        for connection in self.running:
            connection.close()
        for process in self._processes.values():
            process.join()

    def _report(self, reports: list[dict]) -> None:
        hook = self._session.config.hook
        for data in reports:
            report = hook.pytest_report_from_serializable(config=self._session.config, data=data)
            hook.pytest_runtest_logreport(report=report)

    def _ended(self, worker: int, places: deque[int]) -> None:
        process = self._processes[worker]
        process.join()
        if places and not self._stopping.is_set():
            item = self._session.items[places.popleft()]
            text = f"{process.name} ended with {process.exitcode} while it ran this test"
            report = pytest.TestReport(item.nodeid, item.location, {}, "failed", text, "call")
            item.ihook.pytest_runtest_logreport(report=report)
            self._queue.give_back(worker, places)
            self.start(worker)
        elif process.exitcode and not self._session.shouldfail:
            self._session.shouldfail = f"{process.name} ended with {process.exitcode}"


class _Sender:
    """The plugin that sends what a test reports."""

    def __init__(self, config: pytest.Config, connection: Connection) -> None:
        self._config = config
        self._connection = connection
        self._reports: list[dict] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._reports.append(self._config.hook.pytest_report_to_serializable(config=self._config, report=report))

    def flush(self) -> None:
        self._connection.send(self._reports)
        self._reports = []


def _import(names: list[str]) -> None:
    for name in names:
        # What goes wrong is reported when the file is collected.
        with contextlib.suppress(Exception, pytest.skip.Exception):
            importlib.import_module(name)


def _work(session: pytest.Session, worker: int, workers: int, connection: Connection, stopping: Event) -> None:
    os.environ |= {"PYTEST_XDIST_WORKER": f"gw{worker}", "PYTEST_XDIST_WORKER_COUNT": str(workers)}
    forked.share()
    plugins = session.config.pluginmanager
    plugins.unregister(name="terminalreporter")
    # A forked process shares the files that outputs are captured in.
    capture = plugins.getplugin("capturemanager")
    capture.stop_global_capturing()
    capture.start_global_capturing()
    capture.suspend_global_capture()
    folders = session.config._tmp_path_factory
    folders._basetemp = folders.mktemp(f"worker-{worker}-")
    sender = _Sender(session.config, connection)
    plugins.register(sender)
    last = None
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError, EOFError):
        for place in _places(connection):
            if stopping.is_set() or session.shouldfail or session.shouldstop:
                break
            item = session.items[place]
            if last:
                _tear_down(last, item)
            item.ihook.pytest_runtest_protocol(item=item, nextitem=item.parent)
            sender.flush()
            last = item
    if last:
        _tear_down(last, None)
        sender.flush()


def _places(connection: Connection) -> Iterator[int]:
    while True:
        connection.send(None)
        share = connection.recv()
        if not share:
            return
        yield from share


def _tear_down(last: pytest.Item, following: pytest.Item | None) -> None:
    """End what the next test does not need."""
    call = pytest.CallInfo.from_call(lambda: last.session._setupstate.teardown_exact(following), "teardown")
    if call.excinfo:
        report = last.ihook.pytest_runtest_makereport(item=last, call=call)
        last.ihook.pytest_runtest_logreport(report=report)
