"""Chaos, some seconds of it, with one of each kind: `make chaos` has more."""

import pytest

from tests import chaos
from tests.azurite import needs_azurite


@pytest.mark.slow
@needs_azurite
def test_kills_freezes_and_faults_neither_lose_nor_double_nor_disorder(tmp_path, storage):
    outcome = chaos.run(tmp_path, storage.account(), chaos.SHORT)
    assert outcome.accepted == chaos.SHORT.events
    assert (outcome.lost, outcome.duplicated, outcome.disordered, outcome.split) == ([], [], [], [])
