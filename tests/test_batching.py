from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.batching import MOST_BYTES, MOST_CARDS, Rules, next_due, plan
from bridge.outbox.base import OpenEntry, State
from tests.outbox_stand_ins import START, entry

NOW = START + 1000


def row(number, thread="one", due=NOW, state=State.PENDING, alone=False, **changes):
    return OpenEntry(entry(number, thread, **changes), recorded=START, due=due, state=state, alone=alone)


def planned(rows, threads=()):
    return plan(rows, {thread.key: thread for thread in threads}, NOW, Rules())


def numbers(batches):
    return [[int(member.entry.delivery) for member in batch.rows] for batch in batches]


@pytest.mark.parametrize(
    ("rows", "batches"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([row(2), row(1), row(3, "two")], [[1, 2], [3]], id="one post a thread, by occurrence"),
        pytest.param([row(1), row(2, "two"), row(3)], [[1, 3], [2]], id="threads by their first entry"),
        pytest.param([row(1, ends_thread=True), row(2)], [[1, 2]], id="flapping"),
        pytest.param([row(1), row(2, due=NOW + 60)], [[1, 2]], id="one that is due takes the others along"),
        pytest.param([row(1, due=NOW + 60)], [], id="not due"),
        pytest.param([row(1), row(2, state=State.SENDING)], [], id="in doubt"),
        pytest.param([row(1), row(2, state=State.DEFERRED, due=NOW + 1)], [], id="deferred"),
        pytest.param([row(1), row(2, state=State.DEFERRED)], [[1, 2]], id="deferred until now"),
        pytest.param([row(1, alone=True), row(2)], [[1], [2]], id="alone, first"),
        pytest.param([row(1), row(2, alone=True)], [[1], [2]], id="alone, last"),
    ],
)
def test_a_plan_is_one_post_for_each_thread_that_is_ready(rows, batches):
    assert numbers(planned(rows)) == batches


def storm(due):
    """Eleven new threads, of which so many are due."""
    return [row(number, f"thread {number}", due=NOW if number <= due else NOW + 4) for number in range(1, 12)]


def test_a_storm_that_is_still_coming_is_one_digest():
    (batch,) = planned(storm(due=1))
    assert (batch.digest, len(batch.rows)) == (True, 11)


def test_a_storm_waits_until_its_first_event_is_due():
    assert planned(storm(due=0)) == []


def test_what_waits_for_an_answer_is_left_out_of_a_storm():
    assert numbers(planned([*storm(due=1)[:10], row(11, "thread 11", state=State.SENDING)])) == [[1]]


def test_same_occurrence_goes_by_receipt_then_id():
    first = row(3)
    later = [replace(row(n), entry=replace(row(n).entry, occurred=first.entry.occurred)) for n in (1, 2)]
    received = first.entry.received
    for index, seconds in enumerate((2, 2)):
        moved = replace(later[index].entry, received=received + timedelta(seconds=seconds))
        later[index] = replace(later[index], entry=moved)
    assert numbers(planned([*reversed(later), first])) == [[3, 1, 2]]


def test_a_post_ends_at_twenty_entries_and_at_its_size():
    assert [len(batch.rows) for batch in planned([row(n) for n in range(45)])] == [MOST_CARDS, MOST_CARDS, 5]
    big = [row(n, html="ü" * (MOST_BYTES // 4)) for n in range(3)]
    assert numbers(planned(big)) == [[0, 1], [2]]


@pytest.mark.parametrize(
    ("rows", "due"),
    [
        ([], None),
        ([row(1, due=NOW + 5), row(2, due=NOW + 3)], NOW + 3),
        ([row(1, due=NOW - 5), row(2, due=NOW + 3, state=State.SENDING)], NOW + 3),
        ([row(1, due=NOW - 5), row(2, due=NOW + 3, state=State.DEFERRED), row(3, "two", due=NOW + 1)], NOW + 1),
        ([row(1, due=NOW - 5, state=State.SENDING)], NOW - 5),
    ],
)
def test_a_thread_is_due_when_it_no_longer_waits_for_any(rows, due):
    assert next_due(rows, NOW) == due
