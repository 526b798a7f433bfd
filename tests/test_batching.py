from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.calendar.maintenance import BRIDGE, ENDED
from bridge.events import Severity
from bridge.limits import MAX_CARDS, MAX_POST, MAX_ROWS
from bridge.outbox.heads import head_of
from bridge.outbox.rows import OpenEntry, State, ThreadRow
from bridge.publishing.backlog import next_due
from bridge.publishing.batching import SKEW, Rules, ended_after, plan
from tests.outbox_stand_ins import START, entry

NOW = START + 1000
MORNING = datetime.fromtimestamp(NOW, UTC)


def row(number, thread="one", due=NOW, state=State.PENDING, isolated=False, recorded=START, **changes):
    return OpenEntry(entry(number, thread, **changes), recorded, due, state, isolated=isolated)


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
        pytest.param([row(1), row(2, state=State.SENDING)], [], id="an unknown outcome"),
        pytest.param([row(1), row(2, state=State.DEFERRED, due=NOW + 1)], [], id="deferred"),
        pytest.param([row(1), row(2, state=State.DEFERRED)], [[1, 2]], id="deferred until now"),
        pytest.param([row(1, isolated=True), row(2)], [[1], [2]], id="isolated, first"),
        pytest.param([row(1), row(2, isolated=True)], [[1], [2]], id="isolated, last"),
    ],
)
def test_a_plan_is_one_post_for_each_thread_that_is_ready(rows, batches):
    assert numbers(planned(rows)) == batches


def thread_of(thread="one", name="t", posted=START, ended=None):
    """The row of a thread; its times are in seconds after START."""
    return ThreadRow(entry(0, thread).key, name, START, posted, ended)


def ended(second, posted=START):
    return thread_of(ended=START + second, posted=posted)


RULES = Rules()


@pytest.mark.parametrize(
    ("thread", "rows", "batches"),
    [
        pytest.param(thread_of(), [row(1), row(2)], [("t", [1, 2])], id="it goes on"),
        pytest.param(thread_of(name=""), [row(1)], [("", [1])], id="it got lost"),
        pytest.param(ended(0), [row(899)], [("t", [899])], id="it ended a moment ago"),
        pytest.param(ended(0), [row(900)], [("", [900])], id="it is over"),
        pytest.param(ended(5), [row(1), row(2)], [("t", [1, 2])], id="it ended after them"),
        pytest.param(ended(5), [row(1), row(905)], [("t", [1])], id="an event from before its end does not change it"),
        pytest.param(ended(0), [row(1), row(950)], [("t", [1, 950])], id="it begins again before it is over"),
        pytest.param(ended(0), [row(1, ends_thread=True), row(901)], [("t", [1])], id="the next one has to wait"),
        pytest.param(
            ended(0), [row(0), row(899), row(2000)], [("t", [0, 899, 2000])], id="a thread that goes on has no end"
        ),
        pytest.param(ended(0), [row(0, ends_thread=True), row(900)], [("t", [0])], id="an end that is reported again"),
        pytest.param(
            ended(0), [row(900, ends_thread=True), row(1000)], [("", [900, 1000])], id="another, from its end"
        ),
        pytest.param(thread_of(posted=START - RULES.idle), [row(0)], [("", [0])], id="it was idle too long"),
        pytest.param(thread_of(posted=START - RULES.idle + 1), [row(0)], [("t", [0])], id="it was idle long"),
        pytest.param(None, [row(1, ends_thread=True), row(901)], [("", [1])], id="two new ones, one after the other"),
        pytest.param(thread_of(), [row(1, due=NOW + 60)], [], id="nothing is due"),
        pytest.param(thread_of(), [row(1, due=NOW + SKEW)], [("t", [1])], id="due, as clocks may differ"),
    ],
)
def test_each_entry_goes_to_its_thread(thread, rows, batches):
    found = planned(rows, [thread] if thread else [])
    assert [(batch.target, [int(member.entry.delivery) for member in batch.rows]) for batch in found] == batches


@pytest.mark.parametrize(
    ("before", "rows", "after"),
    [
        (None, [row(1)], None),
        (None, [row(5, ends_thread=True)], 5),
        (9, [row(5, ends_thread=True)], 9),
        (5, [row(9, ends_thread=True)], 9),
        (5, [row(5)], 5),
        (5, [row(6)], None),
        (5, [row(6), row(7, ends_thread=True)], 7),
    ],
)
def test_a_thread_has_ended_since_the_last_end_that_nothing_followed(before, rows, after):
    since = ended_after(None if before is None else START + before, rows)
    assert since == (None if after is None else START + after)


def members(count, **changes):
    """So many keys whose thread is the same, and their entries."""
    names = [f"member {number}" for number in range(1, count + 1)]
    return [row(number, name, **changes) for number, name in enumerate(names, 1)], [thread_of(name) for name in names]


def test_replies_of_few_members_are_cards_in_the_order_of_their_occurrence():
    rows, threads = members(10)
    rows.append(row(0, "member 5"))
    (batch,) = planned(rows, threads)
    assert (batch.target, batch.digest, batch.follows) == ("t", False, False)
    assert numbers([batch]) == [list(range(11))]


def test_replies_of_many_members_are_a_digest():
    (batch,) = planned(*members(11))
    assert (batch.target, batch.digest, len(batch.rows)) == ("t", True, 11)


def test_the_most_severe_key_of_a_digest_comes_first_and_each_key_in_its_order():
    rows = [row(number, f"thread {number}") for number in range(1, 12)]
    rows += [row(20, "thread 4", severity=Severity.CRITICAL), row(21, "thread 9", severity=Severity.ERROR)]
    (batch,) = planned(rows)
    assert (batch.target, batch.follows) == ("", False)
    assert numbers([batch]) == [[4, 20, 9, 21, 1, 2, 3, 5, 6, 7, 8, 10, 11]]


def test_a_digest_ends_at_its_rows_and_goes_on_in_its_thread():
    batches = planned([row(number, f"thread {number}") for number in range(2 * MAX_ROWS + 1)])
    assert [(batch.target, batch.follows, len(batch.rows)) for batch in batches] == [
        ("", False, MAX_ROWS),
        ("", True, MAX_ROWS),
        ("", True, 1),
    ]
    assert all(batch.digest for batch in batches)


def test_an_isolated_entry_is_a_card_within_a_digest_too():
    rows = [row(number, f"thread {number}", isolated=number == 5) for number in range(1, 12)]
    assert [(batch.follows, batch.digest, len(batch.rows)) for batch in planned(rows)] == [
        (False, True, 4),
        (True, False, 1),
        (True, True, 6),
    ]


def storm(due):
    """Eleven new threads, of which so many are due."""
    return [row(number, f"thread {number}", due=NOW if number <= due else NOW + 4) for number in range(1, 12)]


def test_a_storm_that_is_still_coming_is_one_digest():
    (batch,) = planned(storm(due=1))
    assert (batch.digest, len(batch.rows)) == (True, 11)


def test_a_storm_waits_until_its_first_event_is_due():
    assert planned(storm(due=0)) == []


def test_an_unknown_outcome_is_left_out_of_a_storm():
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
    posts = [(batch.follows, batch.digest, len(batch.rows)) for batch in planned([row(n) for n in range(45)])]
    assert posts == [(False, False, MAX_CARDS), (True, False, MAX_CARDS), (True, False, 5)]
    big = [row(n, html="ü" * (MAX_POST // 4)) for n in range(3)]
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
    assert next_due(map(head_of, rows), NOW) == due


@pytest.mark.parametrize(
    ("later", "wanted"),
    [
        pytest.param(row(2, recorded=NOW - 0.9, due=NOW + 4.1), [[1]], id="a moment ago"),
        pytest.param(row(2, recorded=NOW - 1.1, due=NOW + 3.9), [[1, 2]], id="long enough ago"),
        pytest.param(row(2, recorded=NOW - 0.3, due=NOW + 1.3), [[1]], id="a moment ago, with a short settle time"),
        pytest.param(row(2, recorded=NOW - 0.3, due=NOW + 1.1), [[1, 2]], id="long enough ago for a short one"),
        pytest.param(row(2, recorded=NOW, due=NOW + SKEW), [[1, 2]], id="due itself"),
        pytest.param(row(2, recorded=NOW - 2, due=NOW + 50_000, not_before=MORNING), [[1, 2]], id="waits for hours"),
        pytest.param(row(0, recorded=NOW - 0.1, due=NOW + 4.9), [[0, 1]], id="came before one that is due"),
        pytest.param(
            row(2, recorded=NOW - 0.1, due=NOW + 60, state=State.SENDING), [], id="on its way, for which the key waits"
        ),
    ],
)
def test_an_entry_is_not_taken_along_while_one_before_it_may_not_be_recorded_yet(later, wanted):
    assert numbers(planned([row(1), later])) == wanted


def over(number, window, **changes):
    """The entry that says that a maintenance window is over."""
    return row(number, f"maintenance {window}", source=BRIDGE, kind=ENDED, window=window, not_before=MORNING, **changes)


def collected(number, window, thread, **changes):
    return row(number, thread, window=window, not_before=MORNING, **changes)


def test_a_window_whose_post_is_tried_again_does_not_keep_back_that_of_another():
    rows = [
        over(1, "a", state=State.DEFERRED, due=NOW + 60),
        collected(2, "a", "one"),
        over(3, "b"),
        collected(4, "b", "two"),
    ]
    assert numbers(planned(rows)) == [[3, 4]]


def test_what_several_windows_have_collected_of_a_thread_is_in_one_post_and_the_most_severe_comes_first():
    rows = [over(1, "a"), over(2, "b"), over(3, "c")]
    rows += [collected(4 + place, window, "one") for place, window in enumerate("abc")]
    rows += [collected(7, "a", "two", severity=Severity.ERROR), collected(8, "a", "three", severity=Severity.WARNING)]
    assert numbers(planned(rows)) == [[1, 7, 8, 4], [2, 5], [3, 6]]
