"""Storms: many events at once become few posts, and each is posted once. `make bench` has a thousand of them."""

import pytest

from tests.bench.storm import storm


@pytest.mark.slow
@pytest.mark.parametrize("threads", [80, 5])
def test_a_storm_becomes_few_posts(tmp_path, threads):
    found = storm(tmp_path, 80, threads)
    assert found.posted == found.sent
    assert len(found.posted) == 80
    assert found.requests <= 20
