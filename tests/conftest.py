import json
import logging
import os
import shutil
import tempfile
from datetime import UTC

import pytest
from jinja2 import FileSystemBytecodeCache

from bridge.rendering import renderer
from tests.azurite import azurite

_BYTECODE = "TESTS_TEMPLATE_BYTECODE"
_environment = renderer.environment


def pytest_configure(config):
    """Compile each template once in the whole run: all of its processes share the bytecode."""
    if not hasattr(config, "workerinput"):
        os.environ[_BYTECODE] = tempfile.mkdtemp(prefix="bytecode-")
    cache = FileSystemBytecodeCache(os.environ[_BYTECODE])

    def environment(loader, zone=UTC):
        made = _environment(loader, zone)
        made.bytecode_cache = cache
        return made

    renderer.environment = environment


def pytest_unconfigure(config):
    renderer.environment = _environment
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(_BYTECODE), ignore_errors=True)


@pytest.fixture(scope="session")
def storage(tmp_path_factory):
    """An emulator of Azure Storage for all tests of a process."""
    with azurite(tmp_path_factory.mktemp("azurite")) as running:
        yield running


@pytest.fixture
def steps(caplog):
    """The lines that an entry's life has left so far: the level, and what each says."""
    caplog.set_level(logging.INFO)
    return lambda: [
        (record.levelname, json.loads(record.getMessage()))
        for record in caplog.records
        if record.name == "bridge.steps"
    ]
