import gc
import json
import logging
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from bridge.outbox import sqlite_file
from tests import azurite, forked, template_cache
from tests.forked import FOLDER
from tests.workers import Workers

_OWN_FOLDER = pytest.StashKey[str]()
# Files whose tests wait for other processes, the longest first.
_WAITING = (
    "package", "page", "end_to_end", "page_deliveries", "chaos", "page_conversations", "scale_out", "page_editing",
    "repeats_end_to_end", "page_console", "new_service", "preview_page", "preview", "storm", "release", "http_attacks",
    "worker", "strangers_over_http", "gallery", "page_server", "combinations",
)  # fmt: skip
_synchronous = sqlite_file.SYNCHRONOUS


def pytest_addoption(parser):
    parser.addoption(
        "--workers", default="0", metavar="N", help="run the tests in N processes; auto: in three per core"
    )


def pytest_configure(config):
    """Make what the processes of a test run share: a folder, and in it the bytecode of templates.

    Several runs in one process, as of mutmut, share a folder that was made before.
    """
    if FOLDER not in os.environ:
        os.environ[FOLDER] = config.stash[_OWN_FOLDER] = tempfile.mkdtemp(prefix="tests-")
    template_cache.use(Path(os.environ[FOLDER]))
    # To wait for the disk with each commit takes longer than many a test.
    sqlite_file.SYNCHRONOUS = "OFF"
    # More than there are cores: many tests wait for other processes most of their time.
    wanted = config.getoption("--workers")
    if count := 3 * (os.cpu_count() or 1) if wanted == "auto" else int(wanted):
        config.pluginmanager.register(Workers(count, _WAITING))
        # Both start while the tests are collected, which takes one core.
        if config.args == config.getini("testpaths") and not config.option.collectonly:
            forked.begin()
            if azurite.AZURITE.exists():
                azurite.begin(Path(os.environ[FOLDER]))


def pytest_unconfigure(config):
    template_cache.leave()
    sqlite_file.SYNCHRONOUS = _synchronous
    if folder := config.stash.get(_OWN_FOLDER, None):
        del os.environ[FOLDER]
        azurite.stop(Path(folder))
        shutil.rmtree(folder, ignore_errors=True)


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
