"""Entries that wait for the hours of their routes: nothing early, nothing lost, nothing twice, and in their order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bridge.entries import Wake, to_message
from bridge.errors import AccessRefused
from bridge.events import Severity
from bridge.local.page.outbox import OutboxView
from bridge.local.page.releasing import Releaser
from bridge.local.page.routes import RequestError
from bridge.local.page.stored import Stored
from bridge.local.page.webhooks import WebhookLog
from bridge.outbox.rows import OpenEntry
from bridge.publishing.batching import Rules, plan
from bridge.publishing.releasing import release, waiting_entries
from bridge.publishing.waker import LONGEST, Waker
from tests.outbox_stand_ins import START, entries_of, entry, refs
from tests.publishing_simulation import Simulation
from tests.test_hours import OFFICE

MONDAY = datetime(2026, 11, 30, 8, tzinfo=ZoneInfo("Europe/Berlin"))
FRIDAY = MONDAY - timedelta(hours=60)  # 20:00, two hours after the end
HOURS = {"office": OFFICE}


@pytest.fixture
def simulation(tmp_path):
    made = Simulation(tmp_path)
    made.clock.now = FRIDAY.timestamp()
    made.publisher = made.make(hours=HOURS)
    yield made
    made.close()


def held(number, thread="one", at=FRIDAY, hours=OFFICE, **changes):
    """An entry that came then, as the receiving wing makes it."""
    received = at.astimezone(UTC)
    begin = hours.open_from(received)
    waits = {"hours": hours.name, "not_before": begin} if begin > received else {}
    return replace(entry(number, thread, **changes), occurred=received, received=received, **waits)


def urgent(number, thread="one", at=FRIDAY, **changes):
    return replace(held(number, thread, at, **changes), hours="", not_before=None, severity=Severity.CRITICAL)


def until(simulation, moment):
    simulation.run(moment.timestamp() - simulation.clock.now)


def posts(simulation):
    return [entries_of(post) for _, post in simulation.channel.posts]


def test_what_comes_outside_the_hours_is_posted_when_they_begin_and_not_before(simulation):
    simulation.put(held(1), held(2, "two"), held(3))
    until(simulation, MONDAY - timedelta(minutes=1))
    assert simulation.publisher.health()["waiting"] == {"g": {"entries": 3, "until": "2026-11-30T07:00:00+00:00"}}
    assert simulation.publisher.condition()["overdue"] == {}
    until(simulation, MONDAY - timedelta(seconds=1))
    assert posts(simulation) == []
    until(simulation, MONDAY + timedelta(seconds=1))
    assert posts(simulation) == [refs(1, 3), refs(2)]
    assert simulation.publisher.health()["waiting"] == {}


def test_many_become_one_digest_that_says_since_when_nobody_was_there(simulation):
    simulation.put(*(held(number, f"key {number}") for number in range(14)))
    until(simulation, MONDAY + timedelta(seconds=1))
    ((_, digest),) = simulation.channel.posts
    assert sorted(entries_of(digest)) == refs(*range(14))
    assert digest.topic == "While you were away: 14 events since Friday 18:00"
    assert "outside the hours office" in digest.html


def test_a_digest_has_all_that_happened_to_each_object(simulation):
    """An object that broke twice over the weekend is one row, and not a digest and a thread."""
    for number in range(12):
        simulation.put(held(number, f"key {number}", ends_thread=True))
        simulation.put(held(100 + number, f"key {number}", FRIDAY + timedelta(hours=2)))
    until(simulation, MONDAY + timedelta(minutes=10))
    ((_, digest),) = simulation.channel.posts
    assert digest.topic == "While you were away: 24 events since Friday 18:00"


def test_an_urgent_event_takes_what_waits_for_its_thread_with_it_and_nothing_else(simulation):
    simulation.put(*(held(number, f"key {number}") for number in range(14)))
    simulation.run(60)
    simulation.put(urgent(20, "key 3", FRIDAY + timedelta(minutes=1)))
    simulation.run(3600)
    assert posts(simulation) == [refs(3, 20)]
    until(simulation, MONDAY + timedelta(seconds=1))
    assert sorted(simulation.channel.delivered()) == refs(*range(14), 20)
    assert simulation.channel.posts[1][1].topic.startswith("While you were away: 13 events")


def test_urgent_events_of_a_night_do_not_add_a_wake_each_for_the_morning(simulation):
    simulation.put(held(1))
    for number in range(2, 30):
        simulation.run(600)
        # Those that are not critical settle, and ask for a wake of their own.
        simulation.put(replace(urgent(number, f"key {number}"), severity=Severity.ERROR))
    simulation.run(60)
    assert len(simulation.queue) == 1


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        pytest.param({"office": replace(OFFICE, begin=OFFICE.begin.replace(hour=7))}, -3600, id="an hour earlier"),
        pytest.param({"office": replace(OFFICE, begin=OFFICE.begin.replace(hour=10))}, 7200, id="two hours later"),
        pytest.param({}, None, id="removed"),
    ],
)
def test_what_waits_takes_the_hours_of_a_changed_configuration(simulation, hours, expected):
    simulation.put(held(1), held(2, "two"))
    simulation.run(3600)
    simulation.publisher = simulation.make(hours=hours)
    simulation.run(600)
    if expected is None:
        assert posts(simulation) == [refs(1), refs(2)]
        return
    opens = MONDAY + timedelta(seconds=expected)
    until(simulation, opens - timedelta(seconds=1))
    assert posts(simulation) == []
    until(simulation, opens + timedelta(seconds=1))
    assert posts(simulation) == [refs(1), refs(2)]


def test_what_was_due_while_the_app_was_down_is_posted_when_it_is_back(simulation):
    simulation.put(held(1))
    simulation.run(10)
    simulation.clock.now = MONDAY.timestamp() + 14 * 3600  # 22:00: the hours are over again
    simulation.put(held(2, "two"))  # it was on the queue all the time
    simulation.run(310)
    assert sorted(posts(simulation)) == [refs(1), refs(2)]


def test_what_waits_longer_than_a_queue_can_delay_asks_again(simulation):
    """A storage queue hides a message for seven days at the most."""
    delays = []
    put = simulation.queue.put
    simulation.queue.put = lambda body, delay=0.0: (delays.append(delay), put(body, delay))
    far = replace(OFFICE, closed=frozenset((MONDAY + timedelta(days)).date() for days in range(9)))
    simulation.publisher = simulation.make(hours={"office": far})
    put(to_message(held(1, hours=far)))
    until(simulation, MONDAY + timedelta(days=9) - timedelta(seconds=1))
    assert posts(simulation) == []
    until(simulation, MONDAY + timedelta(days=9, seconds=1))
    assert posts(simulation) == [refs(1)]
    assert max(delays) == LONGEST
    assert len([delay for delay in delays if delay > 3600]) == 2


def test_a_person_has_it_posted_at_once(simulation):
    simulation.put(held(1), held(2, "two"), held(3, "three"))
    simulation.run(60)
    now, waker = simulation.clock.now, Waker(simulation.outbox, simulation.queue, simulation.clock)
    first, second, third = waiting_entries(simulation.outbox, now)
    assert release(simulation.outbox, waker, [second], now) == 1
    simulation.run(600)
    assert posts(simulation) == [refs(2)]
    # It was read before; and a drain has written another meanwhile.
    simulation.outbox.change([replace(first, due=first.due + 60)])
    assert release(simulation.outbox, waker, [first, second, third], simulation.clock.now) == 2
    simulation.run(10)
    assert posts(simulation) == [refs(2), refs(1), refs(3)]


def test_what_waits_is_no_reason_to_give_up_on_it(simulation):
    """The group was refused before anything of this was tried."""
    simulation.put(held(1))
    simulation.publisher = simulation.make(hours=HOURS, give_up=1800.0)
    simulation.channel.faults = [AccessRefused("403: no")] * 100
    simulation.put(urgent(2, "two"))
    until(simulation, MONDAY - timedelta(seconds=1))
    assert [letter.id for letter in simulation.publisher.dead_letters()] == [entry(2).id]
    simulation.channel.faults = []
    until(simulation, MONDAY + timedelta(hours=1))
    assert posts(simulation) == [refs(1)]


def test_a_chain_of_repeats_loses_nothing_when_its_first_is_recorded_late(simulation):
    """What waits is not posted yet, and may turn out to be a repeat; what was left out for it is looked at again."""
    same = {"content": "down", "repeat_window": 60.0}
    at = [replace(held(n, at=FRIDAY + timedelta(seconds=second)), **same) for n, second in ((1, 0), (2, 40), (3, 90))]
    simulation.clock.now += 90
    simulation.put(at[1], at[2])
    simulation.run(10)
    simulation.put(Wake("g"))
    simulation.run(10)
    simulation.put(replace(at[0], hours="", not_before=None))
    until(simulation, MONDAY + timedelta(minutes=1))
    assert simulation.channel.delivered() == refs(1, 3)


def test_keys_that_wait_are_no_part_of_a_storm():
    now = START + 100
    rows = [OpenEntry(replace(entry(n, str(n)), not_before=MONDAY), START, now + 900) for n in range(12)]
    assert plan(rows, {}, now, Rules()) == []
    (batch,) = plan([*rows, OpenEntry(entry(20, "new"), START, now)], {}, now, Rules())
    assert [row.entry.id for row in batch.rows] == [entry(20).id]


def test_the_page_shows_what_waits_and_releases_it(simulation):
    simulation.put(held(1), held(2, "two"))
    simulation.run(60)
    view = OutboxView(lambda: simulation.outbox, WebhookLog(), {}, simulation.clock)
    shown = view.show()
    assert shown["counts"]["waiting"] == 2
    assert {row["until"] for row in shown["rows"]} == {MONDAY.timestamp()}
    assert {row["reason"] for row in shown["rows"]} == {"For the hours office."}
    stored = Stored(None, lambda: simulation.outbox, lambda: None, simulation.clock)
    releaser = Releaser(stored, lambda: simulation.queue)
    assert releaser.one({"id": entry(1).id}) == {"released": entry(1).id}
    with pytest.raises(RequestError, match="does not wait any more"):
        releaser.one({"id": entry(1).id})
    simulation.run(10)
    assert posts(simulation) == [refs(1)]
