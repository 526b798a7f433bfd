import contextlib
import gc
import importlib
import itertools
import json
import logging
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from bridge.outbox import sqlite_file
from tests import azurite, template_cache
from tests.forked import FOLDER

_OWN_FOLDER = pytest.StashKey[str]()
# To those workers in turn.
_LONG = (
    "package", "page", "end_to_end", "page_deliveries", "chaos", "page_conversations", "scale_out", "page_editing",
    "repeats_end_to_end", "page_console", "new_service", "preview_page", "preview", "storm", "release", "http_attacks",
    "worker", "strangers_over_http", "gallery", "page_server", "combinations",
)  # fmt: skip
_synchronous = sqlite_file.SYNCHRONOUS


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """Use more than there are cores: many tests wait for other processes most of their time."""
    return 3 * (os.cpu_count() or 1)


def pytest_configure(config):
    """Make what the processes of a test run share: a folder, and in it the bytecode of templates.

    Several runs in one process, as of mutmut, share a folder that was made before.
    """
    if FOLDER not in os.environ:
        os.environ[FOLDER] = config.stash[_OWN_FOLDER] = tempfile.mkdtemp(prefix="tests-")
    template_cache.use(Path(os.environ[FOLDER]))
    # To wait for the disk with each commit takes longer than many a test.
    sqlite_file.SYNCHRONOUS = "OFF"


def pytest_unconfigure(config):
    template_cache.leave()
    sqlite_file.SYNCHRONOUS = _synchronous
    if folder := config.stash.get(_OWN_FOLDER, None):
        del os.environ[FOLDER]
        azurite.stop(Path(folder))
        shutil.rmtree(folder, ignore_errors=True)


def pytest_collection(session):
    """Let every worker import other files first, and write their bytecode, which the others then need not make."""
    worker = getattr(session.config, "workerinput", None)
    if worker is None or session.config.args != session.config.getini("testpaths"):
        return
    names = sorted(path.stem for path in Path(__file__).parent.glob("test_*.py"))
    own = int(worker["workerid"].removeprefix("gw")) * len(names) // worker["workercount"]
    for name in names[own:] + names[:own]:
        # What goes wrong is reported when the file is collected.
        with contextlib.suppress(Exception, pytest.skip.Exception):
            importlib.import_module(name)


def pytest_collection_modifyitems(config, items):
    """Let every other worker begin with files that take long, which nobody steals from it: stealing begins at the end.

    The files share what they prepare, and would prepare it in every worker that has one of their tests. They wait much
    of the time, which the workers beside them use.
    """
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    files = {name: [] for name in _LONG}
    for item in items:
        files.get(item.path.stem.removeprefix("test_"), []).append(item)
    waiting = max(1, workers // 2)
    first = [list(itertools.chain(*list(files.values())[worker::waiting])) for worker in range(waiting)]
    first += [[] for _ in range(workers - waiting)]
    taken = {id(item) for item in itertools.chain(*first)}
    others = iter([item for item in items if id(item) not in taken])
    count, ordered = len(items), []
    for worker, own in enumerate(first):
        share = (count - len(ordered)) // (workers - worker)
        ordered += [*own, *itertools.islice(others, max(0, share - len(own)))]
    items[:] = [*ordered, *others]


def pytest_collection_finish():
    """Keep the garbage collector from walking through thousands of collected tests again and again.

    What a test leaves is small: it looks for it less often, too.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def storage():
    """An emulator of Azure Storage for the whole run."""
    return azurite.shared(Path(os.environ[FOLDER]))


@pytest.fixture
def durable(monkeypatch):
    """SQLite files are written as they are outside of tests."""
    monkeypatch.setattr(sqlite_file, "SYNCHRONOUS", _synchronous)


@pytest.fixture
def steps(caplog):
    """The lines that an entry's life has left so far: the level, and what each says."""
    caplog.set_level(logging.INFO)
    return lambda: [
        (record.levelname, json.loads(record.getMessage()))
        for record in caplog.records
        if record.name == "bridge.steps"
    ]
