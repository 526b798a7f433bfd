import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.calendar.maintenance import BRIDGE, ENDED
from bridge.errors import AccessRefused, NotSent
from bridge.limits import MAX_CARDS
from bridge.outbox.heads import head_of
from bridge.outbox.rows import OpenEntry, State
from bridge.publishing import publisher
from bridge.publishing.backlog import KeyDue, Unread, choose, next_due
from bridge.publishing.batching import Rules, plan
from tests.outbox_stand_ins import START, entry, refs
from tests.publishing_simulation import NOTHING_OPEN, Simulation

NOW = START + 1000
RULES = Rules(digest_over=3)


def row(number, thread="one", due=NOW, state=State.PENDING, recorded=START, **changes):
    return OpenEntry(entry(number, thread, **changes), recorded=recorded, due=due, state=state)


def waiting(number, thread="one", due=NOW + 500, hours="office", window="", **changes):
    until = datetime.fromtimestamp(NOW + 500, UTC)
    return row(number, thread, due, hours=hours, window=window, not_before=until, **changes)


def ending(number, window, due, state=State.PENDING):
    changes = {"source": BRIDGE, "kind": ENDED, "window": window, "not_before": datetime.fromtimestamp(NOW, UTC)}
    return row(number, f"maintenance {window}", due, state, **changes)


def as_recorded(head, now):
    """Until when an entry waits, where nothing has changed since it was recorded."""
    return NOW + 500


def chosen(rows, most, until=as_recorded, now=NOW):
    ids, unread = choose([head_of(each) for each in rows], now, most, RULES.digest_over, until)
    return [each for each in rows if each.entry.id in ids], unread


def numbers(rows):
    return sorted(int(each.entry.delivery) for each in rows)


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        pytest.param([row(1, recorded=2), row(2, "two", recorded=1)], [2], id="what has waited longest"),
        pytest.param([row(1, due=NOW + 9), row(2, "two", recorded=9)], [2], id="what is due"),
        pytest.param([row(1), row(2, due=NOW + 9, state=State.DEFERRED), row(3, "two")], [3], id="a key that waits"),
        pytest.param(
            [row(1), row(2, state=State.SENDING), row(3, "2"), row(4, "3")], [1, 2, 3], id="an outcome to look up"
        ),
        pytest.param(
            [row(1, due=NOW + 9, state=State.SENDING), row(2, "two")],
            [2],
            id="an outcome that is not to be looked up yet",
        ),
        pytest.param([waiting(1), waiting(2), row(3, recorded=9)], [1, 2, 3], id="what is due takes others along"),
        pytest.param([waiting(1), row(2, "two", due=NOW + 3)], [2], id="what will be due soon"),
        pytest.param([waiting(1, due=NOW + 400), row(2, "two", NOW + 3)], [1], id="what is to wait for other hours"),
        pytest.param([ending(1, "w", NOW + 500), row(2, "two")], [1, 2], id="that a maintenance ends is always known"),
        pytest.param(
            [ending(1, "w", NOW), *(waiting(n, str(n), NOW, window="w") for n in (2, 3)), row(4)],
            [1, 2, 3, 4],
            id="all that a maintenance has collected",
        ),
        pytest.param(
            [ending(1, "w", NOW + 9, State.DEFERRED), waiting(2, "two", NOW, window="w"), row(3)],
            [1, 3],
            id="what waits for the post of a maintenance",
        ),
        pytest.param(
            [
                ending(1, "w", NOW + 9, State.DEFERRED),
                *(waiting(n, due=NOW, window="w") for n in range(2, MAX_CARDS + 9)),
                row(MAX_CARDS + 9),
                row(MAX_CARDS + 10),
            ],
            [*range(1, MAX_CARDS + 10)],
            id="what does not wait for the post of a maintenance, behind what does",
        ),
    ],
)
def test_a_drain_reads_what_it_can_use(rows, wanted):
    most = 1
    assert numbers(chosen(rows, most)[0]) == wanted


def heads_of(*rows):
    return [head_of(each) for each in rows]


@pytest.mark.parametrize(
    ("rows", "due"),
    [
        ([row(1, due=NOW + 5), row(2, due=NOW + 3)], KeyDue(NOW + 3, 0.0, "")),
        ([row(1, due=NOW + 5, state=State.DEFERRED), row(2)], KeyDue(NOW, NOW + 5, "")),
        ([waiting(1, window="m"), waiting(2, window="m")], KeyDue(NOW + 500, 0.0, "m")),
        ([waiting(1, window="m"), waiting(2, window="n")], KeyDue(NOW + 500, 0.0, "")),
        ([waiting(1, window="m"), row(2)], KeyDue(NOW, 0.0, "")),
    ],
)
def test_a_key_is_due_as_its_entries_are_whether_they_are_looked_at_together_or_not(rows, due):
    first, second = heads_of(*rows)
    assert KeyDue.of([first, second]) == due
    assert KeyDue.of([first]).with_others(KeyDue.of([second])) == due
    assert KeyDue.of([first, second]).with_others(None) == due


def test_keys_have_a_share_each_and_a_digest_has_all_its_keys():
    rows = [row(100 * key + n, str(key), recorded=START + key) for key in range(6) for n in range(50)]
    read = Counter(each.entry.key for each in chosen(rows, 100)[0])
    assert list(read.values()) == [20, 20, 20, 20, 20]
    read = Counter(each.entry.key for each in chosen(rows, 40)[0])
    assert list(read.values()) == [10, 10, 10, 10]
    assert len(chosen(rows[:100], 60)[0]) == 60


def test_what_has_waited_too_long_is_known_by_its_recording():
    rows = [row(n, str(n), recorded=START + n) for n in range(4)]
    assert chosen(rows, 2)[1].recorded == START + 2
    assert chosen([*rows, row(9, "nine", NOW + 9, State.DEFERRED)], 4)[1].recorded is None


def a_group(rng):
    """Open entries as a group may have them."""
    rows = []
    for number in range(rng.choice((5, 20, 60))):
        key, due = str(rng.randrange(rng.choice((1, 4, 30)))), NOW + rng.choice((-300, -5, 0, 0, 0.5, 3, 60))
        state = rng.choice((State.PENDING,) * 6 + (State.DEFERRED, State.SENDING))
        occurred = datetime.fromtimestamp(START + rng.randrange(40), UTC)
        make = rng.choice((row, row, row, waiting))
        changes = {"window": rng.choice(("", "", "v", "w"))} if make is waiting else {"state": state}
        due = NOW + 500 if make is waiting else due
        rows.append(replace(make(number, key, due, occurred=occurred, **changes), recorded=START + number))
    for window in rng.sample(("v", "w"), rng.randrange(3)):
        rows.append(ending(1000 + len(rows), window, NOW + rng.choice((-5, 500))))
    return rows


@pytest.mark.parametrize("seed", range(300))
def test_a_part_of_a_group_is_planned_as_in_the_whole(seed):
    rng = random.Random(seed)
    rows = a_group(rng)
    part, unread = chosen(rows, rng.choice((1, 3, 10, 25)))
    assert unread.count == len(rows) - len(part)
    assert next_due(map(head_of, part), NOW, unread.keys) == next_due(map(head_of, rows), NOW)
    whole = [each for batch in plan(rows, {}, NOW, RULES) for each in batch.rows]
    posted = [each for batch in plan(part, {}, NOW, RULES) for each in batch.rows]
    assert bool(whole) == bool(posted)
    for key in {each.entry.key for each in posted}:
        ours, all_of_key = ([each for each in some if each.entry.key == key] for some in (posted, whole))
        assert ours == all_of_key[: len(ours)]


def test_entries_that_wait_for_other_hours_are_asked_for_by_themselves():
    begins = {"office": NOW + 500, "night": NOW + 900}
    rows = [waiting(1, "one", NOW + 500), waiting(2, "two", NOW + 900, hours="night")]
    found, unread = chosen(rows, 10, until=lambda head, now: begins[head.hours])
    assert (found, unread.count) == ([], 2)
    begins["night"] = NOW + 50
    assert chosen(rows, 10, until=lambda head, now: begins[head.hours])[0] == rows[1:]


def test_what_is_left_of_a_key_is_due_when_the_first_of_it_is():
    unread = Unread()
    for due in (NOW + 50, NOW + 90):
        unread.add([head_of(row(1, due=due))])
    assert next_due([], NOW, unread.keys) == NOW + 50


@pytest.fixture
def simulation(tmp_path, monkeypatch):
    monkeypatch.setattr(publisher, "CROWD", 30)
    simulation = Simulation(tmp_path)
    yield simulation
    simulation.close()


def test_what_an_outage_leaves_is_posted_in_order(simulation):
    simulation.channel.faults = [NotSent("no connection")] * 12
    simulation.put(*(entry(number, str(number % 5)) for number in range(400)))
    simulation.run(3600)
    assert simulation.publisher.health() == NOTHING_OPEN
    delivered = simulation.channel.delivered()
    for key in range(5):
        ours = refs(*range(key, 400, 5))
        assert [ref for ref in delivered if ref in ours] == ours


def test_a_repeat_that_turns_out_to_be_news_comes_after_what_was_not_read_yet(simulation):
    def event(number, at, content):
        moment = datetime.fromtimestamp(START + at, UTC)
        return entry(number, received=moment, occurred=moment, content=content, repeat_window=900.0)

    for first in (event(1, 0, "down"), event(2, 90, "down")):
        simulation.put(first)
        simulation.run(100)
    for number in range(3, 80):
        simulation.outbox.record(event(number, number, f"up {number}"), START, START)
    simulation.put(event(80, 80, "up 80"))
    simulation.run(600)
    assert simulation.channel.delivered() == refs(1, *range(3, 81), 2)
    assert simulation.publisher.health() == NOTHING_OPEN


def test_a_storm_that_is_read_in_parts_is_one_digest(simulation):
    simulation.put(*(entry(number, str(number)) for number in range(100)))
    simulation.run(60)
    assert {thread for thread, _ in simulation.channel.posts} == {"thread-1"}
    assert sorted(simulation.channel.delivered()) == refs(*range(100))


def record_waiting(outbox, count):
    for number in range(count):
        later = datetime.fromtimestamp(START + 50_000, UTC)
        outbox.record(entry(number, str(number), hours="office", not_before=later), START - 9, START + 50_000)


def test_what_waits_for_hours_does_not_keep_back_what_is_due(simulation):
    record_waiting(simulation.outbox, 200)
    simulation.publisher = simulation.make(hours={"office": Office(START + 50_000)})
    simulation.put(entry(900, "now"))
    simulation.run(60)
    assert simulation.channel.delivered() == refs(900)


def test_what_waits_for_hours_that_are_others_now_is_all_posted_then(simulation):
    record_waiting(simulation.outbox, 200)
    simulation.publisher = simulation.make(hours={"office": Office(START + 3000)})
    simulation.run(2900)
    assert {row.due for row in simulation.outbox.open_entries("g")} == {START + 3000}
    simulation.run(200)
    assert sorted(simulation.channel.delivered()) == refs(*range(200))
    assert simulation.publisher.health() == NOTHING_OPEN


class Office:
    """Hours that begin at one moment."""

    zone = UTC

    def __init__(self, begin):
        self._begin = begin

    def open_from(self, at):
        return max(at, datetime.fromtimestamp(self._begin, UTC))

    def closed_since(self, at):
        return at


def test_all_that_a_refused_group_has_waited_for_too_long_become_dead_letters_soon(simulation):
    simulation.channel.faults = [AccessRefused("403: no")] * 10_000
    simulation.publisher = simulation.make(give_up=7200)
    simulation.put(*(entry(number, str(number)) for number in range(200)))
    simulation.run(7200)
    assert simulation.publisher.health()["dead"] == 0
    simulation.run(1800 + 60)
    assert simulation.publisher.health()["dead"] == 200


def test_a_crowded_group_rests_after_a_drain_with_nothing_more_to_do(simulation):
    simulation.channel.faults = [NotSent("no connection")] * 10_000
    for number in range(100):
        simulation.outbox.record(entry(number), START, START)
    looks = []
    read = simulation.outbox.read_group
    simulation.outbox.read_group = lambda *asked: looks.append(simulation.clock.now) or read(*asked)
    for second in range(60):
        simulation.put(entry(500 + second, severity=entry(1).severity.CRITICAL))
        simulation.run(1)
    assert len(looks) <= 60 / 5 + 2
