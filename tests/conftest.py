import pytest

from tests.azurite import azurite


@pytest.fixture(scope="session")
def storage(tmp_path_factory):
    """An emulator of Azure Storage for all tests of a process."""
    with azurite(tmp_path_factory.mktemp("azurite")) as running:
        yield running
