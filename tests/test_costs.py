"""The costs in docs/deploy.md follow from what the code causes, counted."""

from functools import partial

import pytest

from bridge.outbox.azure_storage import Account
from bridge.publishing.policy import Policy
from tests.azurite import needs_azurite
from tests.bench import executions
from tests.bench import storage as counting
from tests.local_stack import ROOT
from tools.cost_page import EXECUTIONS, REQUESTS, Month, default_memory

PAGE = (ROOT / "docs/deploy.md").read_text("utf-8")
LOOKS = 1_296_000  # every two seconds of 30 days


def test_an_event_alone_causes_as_many_executions_as_the_page_says():
    assert executions.executions(1) == EXECUTIONS
    # What need not wait for others is posted as soon as it is recorded.
    assert executions.executions(1, settle=0) == EXECUTIONS - 1
    # Events that arrive together are posted by one wake.
    assert executions.executions(executions.BURST) == 2 * executions.BURST + 1


@needs_azurite
@pytest.mark.slow
def test_an_event_alone_causes_as_many_requests_to_storage_as_the_page_says(storage, monkeypatch):
    monkeypatch.setattr(counting, "Policy", partial(Policy, settle=2))
    ((_, requests),) = counting.counted(Account(storage.account()), counting.SCENARIOS[:1])
    assert requests == REQUESTS


def test_the_time_of_the_page_is_that_of_the_template():
    month = Month(100_000, default_memory(), LOOKS)
    seconds = month.executions * executions.instance_memory() / 1024
    assert f"| {seconds:,.0f} GB-s: " in PAGE
    assert f"{LOOKS:,} looks" in PAGE


def test_what_is_free_costs_nothing_and_an_instance_that_waits_has_nothing_free():
    few, many = Month(1_000, 512, LOOKS), Month(100_000, 512, LOOKS)
    assert few.time() == 0
    assert few.time(ready=True) > 0
    assert round(many.time(), 2) == round((100_000 * EXECUTIONS / 2 + 4_320 - 100_000) * 0.000026, 2)
    # Four times the memory, and as much of it is free.
    assert Month(100_000, 2048, LOOKS).time() > 4 * many.time()
