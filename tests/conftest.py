import json
import logging

import pytest

from tests.azurite import azurite


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
