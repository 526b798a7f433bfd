import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.deliveries import DeliveryFilter, DeliveryRecord, Outcome, record_id
from bridge.entries import Wake, to_message, to_messages
from bridge.errors import AccessRefused, Conflict, ContentRefused, MessageError, NotSent, OutcomeUnknown, ThreadGone
from bridge.events import Severity
from bridge.outbox.rows import SWEEP, Backoff, OpenEntry, State, ThreadRow
from bridge.publishing import transitions
from bridge.publishing.batching import SKEW, Rules
from bridge.publishing.digests import digest_topic
from bridge.publishing.leases import LEASE
from bridge.publishing.memory import IN_DIGEST
from bridge.publishing.transitions import GUARD, LAG, LATE, thread_after
from tests.outbox_stand_ins import START, FakeChannel, FakeDraftChannel, entries_of, entry, refs, token_of
from tests.publishing_simulation import NOTHING_OPEN, Crash, Crashing, Simulation


@pytest.fixture
def simulation(tmp_path):
    made = Simulation(tmp_path)
    yield made
    made.close()


def test_entries_of_one_thread_become_one_post_in_order_of_occurrence(simulation):
    simulation.put(entry(2), entry(1), entry(3, "two"))
    simulation.run(10)
    assert [(thread, entries_of(post)) for thread, post in simulation.channel.posts] == [
        ("thread-1", refs(1, 2)),
        ("thread-2", refs(3)),
    ]
    assert simulation.channel.posts[0][1].topic == "Topic 1"


QUARTER = 15 * 60


@pytest.mark.parametrize(
    ("events", "threads"),
    [
        pytest.param([(1, False), (2, True), (3, False)], [1, 1, 1], id="flapping stays in one thread"),
        pytest.param([(1, True), (QUARTER, False)], [1, 1], id="and a second before the quarter is over"),
        pytest.param([(1, True), (QUARTER + 1, False)], [1, 2], id="afterwards it is a new thread"),
        pytest.param([(1, True), (2, False), (QUARTER + 9, False)], [1, 1, 1], id="what flapped goes on"),
        pytest.param([(2 * QUARTER, True), (1, False)], [1, 1], id="an event from before the end joins the thread"),
        pytest.param([(1, True), (2 * QUARTER, True), (2, False)], [1, 2, 2], id="or the thread that there is now"),
        pytest.param([(1, False), (86400 * 89, False)], [1, 1], id="a thread may be idle"),
        pytest.param([(1, False), (86400 * 91, False)], [1, 2], id="but not for ever"),
    ],
)
@pytest.mark.parametrize("together", [False, True], ids=["one by one", "together"])
def test_a_thread_is_about_one_incident(simulation, events, threads, together):
    if together and any(first > second for (first, _), (second, _) in itertools.pairwise(events)):
        pytest.skip("together they come in the order of their occurrence")
    for number, (second, ends) in enumerate(events):
        if not together:
            simulation.clock.now = max(simulation.clock.now, START + second)
        simulation.put(at(second, number, ends_thread=ends))
        simulation.run(0 if together else 10)
    simulation.run(10)
    delivered = {reference: thread for thread, post in simulation.channel.posts for reference in entries_of(post)}
    if not (together and events[-1][0] > 86400):  # no thread is idle when all is delivered at once
        assert list(delivered.values()) == [f"thread-{thread}" for thread in threads]
    assert len(delivered) == len(events)


def at(second, number, thread="one", **changes):
    """An entry that occurred then."""
    return replace(entry(number, thread, **changes), occurred=datetime.fromtimestamp(START + second, UTC))


def test_more_than_ten_new_threads_become_one_digest_and_later_events_reply_there(simulation):
    simulation.put(*(entry(number, str(number)) for number in range(11)))
    simulation.run(10)
    ((thread, digest),) = simulation.channel.posts
    assert sorted(entries_of(digest)) == refs(*range(11))
    assert digest.topic == digest_topic([entry(number) for number in range(11)], {})
    # Later events of its members come together, and those of others that belong to the same storm with them.
    simulation.put(entry(20, "3"), entry(21, "7"), entry(22, "other"))
    simulation.run(10)
    assert [(where, entries_of(post)) for where, post in simulation.channel.posts[1:]] == [(thread, refs(20, 21, 22))]


@pytest.mark.parametrize(
    ("seconds", "source", "where"),
    [
        (250, "generic", "thread-1"),
        (400, "generic", "thread-2"),
        (10, "another", "thread-2"),
    ],
    ids=["soon", "after the storm", "from elsewhere"],
)
def test_what_follows_a_storm_joins_its_thread(simulation, seconds, source, where):
    simulation.put(*(entry(number, str(number)) for number in range(11)))
    simulation.run(10)
    simulation.run(seconds)
    simulation.put(replace(entry(20, "late"), source=entry(0).source if source == "generic" else source))
    simulation.run(10)
    assert simulation.channel.posts[-1][0] == where


def test_a_storm_ends_after_an_hour_even_if_it_never_rests(simulation):
    simulation.put(*(entry(number, str(number)) for number in range(11)))
    for minute in range(70):
        simulation.run(60)
        simulation.put(entry(100 + minute, f"late {minute}"))
    simulation.run(10)
    threads = [where for where, _ in simulation.channel.posts]
    assert threads.index("thread-2") in range(55, 65)
    assert len(set(threads)) > 5


def test_a_storm_whose_thread_is_gone_starts_no_circle(simulation):
    simulation.put(*(entry(number, str(number)) for number in range(11)))
    simulation.run(100)
    simulation.channel.faults = [ThreadGone("404")] * 2
    simulation.put(entry(20, "late"))
    simulation.run(60)
    assert simulation.channel.posts[-1][0] == "thread-2"
    assert simulation.publisher.health()["open"] == 0


def test_ten_new_threads_stay_threads(simulation):
    simulation.put(*(entry(number, str(number)) for number in range(10)))
    simulation.run(10)
    assert len(simulation.channel.posts) == 10


def test_a_storm_is_a_digest_with_replies_of_two_hundred_rows_the_most_severe_first(simulation):
    severities = [Severity.INFO, Severity.ERROR, Severity.WARNING]
    simulation.put(*(entry(number, str(number), severity=severities[number % 3]) for number in range(450)))
    simulation.run(10)
    assert [(thread, len(entries_of(post))) for thread, post in simulation.channel.posts] == [
        ("thread-1", 200),
        ("thread-1", 200),
        ("thread-1", 50),
    ]
    assert simulation.channel.delivered() == refs(*range(1, 450, 3), *range(2, 450, 3), *range(0, 450, 3))
    # So are the replies of all its members.
    simulation.put(*(entry(1000 + number, str(number)) for number in range(450)))
    simulation.run(10)
    assert [(thread, len(entries_of(post))) for thread, post in simulation.channel.posts[3:]] == [
        ("thread-1", 200),
        ("thread-1", 200),
        ("thread-1", 50),
    ]


def test_a_digest_whose_outcome_is_unknown_is_delivered_once(simulation):
    simulation.channel.faults = [(True, OutcomeUnknown("504"))]
    simulation.put(*(entry(number, str(number)) for number in range(300)))
    simulation.run()
    assert sorted(simulation.channel.delivered()) == refs(*range(300))


def test_entries_of_a_paused_group_are_delivered_when_it_is_no_longer_paused(simulation):
    simulation.publisher = simulation.make(paused=frozenset({"g"}))
    simulation.put(entry(1))
    simulation.run(3600)
    assert simulation.channel.delivered() == []
    assert simulation.publisher.health() == {
        "open": 1,
        "dead": 0,
        "held": {},
        "backoff": {},
        "paused": ["g"],
        "waiting": {},
    }
    simulation.publisher = simulation.make()
    simulation.run(600)
    assert simulation.channel.delivered() == refs(1)


def test_a_dead_letter_is_requeued_once(simulation):
    simulation.channel.faults = [ContentRefused("400: bad HTML")]
    simulation.put(entry(1))
    simulation.run(20)
    (letter,) = simulation.outbox.dead_letters()
    simulation.publisher.requeue(letter)
    simulation.run(20)
    assert simulation.channel.delivered() == refs(1)
    assert simulation.outbox.dead_letters() == []
    with pytest.raises(Conflict):
        simulation.publisher.requeue(letter)


def test_a_repeat_is_delivered_once(simulation):
    simulation.put(entry(1), entry(1))
    simulation.run(10)
    simulation.put(entry(1))
    simulation.run(10)
    assert simulation.channel.delivered() == refs(1)


@pytest.mark.parametrize(("severity", "at_once"), [(Severity.CRITICAL, True), (Severity.INFO, False)])
def test_only_a_critical_entry_does_not_wait(simulation, severity, at_once):
    simulation.put(entry(1, severity=severity))
    simulation.run(1)
    assert bool(simulation.channel.delivered()) is at_once


FAULTS = {
    "not connected": NotSent("no"),
    "throttled": NotSent("429", 100.0),
    "504, not created": OutcomeUnknown("504"),
    "504, created": (True, OutcomeUnknown("504")),
    "thread gone": ThreadGone("404"),
    "access refused": AccessRefused("403"),
    "unexpected": (True, Crash("bug")),
    "unexpected, not created": Crash("bug"),
}


@pytest.fixture(params=[FakeChannel, FakeDraftChannel])
def either(request, tmp_path):
    """A simulation with a channel of each kind: one that posts at once, one that makes drafts and sends them."""
    made = Simulation(tmp_path, channel=request.param)
    yield made
    made.close()


@pytest.mark.parametrize("number", range(2), ids=["start", "reply"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_every_entry_is_delivered_once_and_in_order_whatever_fails(either, fault, number):
    simulation = either
    if number:
        simulation.put(entry(0))
        simulation.run(100)
    before = len(simulation.channel.delivered())
    simulation.channel.faults = [fault, fault]
    simulation.put(entry(1), entry(2))
    simulation.run(8)
    simulation.put(entry(3))
    simulation.run()
    assert simulation.channel.delivered()[before:] == refs(1, 2, 3)
    assert simulation.publisher.health() == NOTHING_OPEN


@pytest.mark.parametrize("fault", [NotSent("503"), NotSent("30 a minute", 20.0), AccessRefused("403")], ids=str)
def test_a_draft_that_cannot_be_made_is_made_later(tmp_path, fault):
    simulation = Simulation(tmp_path, channel=FakeDraftChannel)
    simulation.channel.prepare_faults = [fault, fault]
    simulation.put(entry(1), entry(2, "two"))
    simulation.run()
    assert simulation.channel.delivered() == refs(1, 2)
    assert simulation.publisher.health() == NOTHING_OPEN
    simulation.close()


def test_drafts_of_tries_that_failed_do_not_pile_up(tmp_path):
    simulation = Simulation(tmp_path, channel=FakeDraftChannel)
    simulation.channel.faults = [NotSent("503")] * 5 + [OutcomeUnknown("504")] * 3
    simulation.put(entry(1))
    simulation.run()
    assert simulation.channel.delivered() == refs(1)
    assert simulation.channel.drafts == set()
    simulation.close()


def test_retry_after_is_kept_for_the_whole_group(simulation):
    simulation.channel.faults = [NotSent("429", 100.0)]
    simulation.put(entry(1))
    simulation.run(6)
    simulation.put(entry(2, "two", severity=Severity.CRITICAL))
    simulation.run(90)
    assert simulation.channel.delivered() == []
    assert simulation.publisher.health()["backoff"] == {"g": {"until": iso(START + 105)}}
    simulation.run(20)
    assert simulation.channel.delivered() == refs(1, 2)
    assert simulation.publisher.health()["backoff"] == {}


def test_a_held_group_that_is_throttled_stays_on_hold(simulation):
    simulation.channel.faults = [AccessRefused("403: no"), NotSent("429", 100.0)]
    simulation.put(entry(1))
    simulation.run(36)  # held after 5 seconds, probed and throttled after 35
    since, until = (iso(START + second) for second in (5, 135))
    assert simulation.publisher.health()["held"] == {"g": {"reason": "403: no", "since": since, "until": until}}
    assert simulation.publisher.health()["backoff"] == {}
    simulation.run(110)
    assert simulation.channel.delivered() == refs(1)


def test_a_post_that_is_not_found_at_first_is_looked_up_until_the_guard_time_is_over(simulation):
    simulation.channel.faults = [OutcomeUnknown("504")]
    simulation.channel.find_faults = [OutcomeUnknown("504"), NotSent("429", 60.0), AccessRefused("403")]
    simulation.put(entry(1))
    simulation.run()
    assert simulation.channel.delivered() == refs(1)


def test_a_search_that_is_never_answered_ends_as_a_dead_letter(simulation):
    simulation.channel.faults = [OutcomeUnknown("504")]
    simulation.channel.find_faults = [OutcomeUnknown("too many pages")] * 10_000
    simulation.put(entry(1))
    simulation.run(23 * 3600)
    assert simulation.outbox.dead_letters() == []
    simulation.run(2 * 3600)
    (letter,) = simulation.outbox.dead_letters()
    assert "could not be found out" in letter.reason
    assert letter.tries > 12 * 23  # every five minutes in the end


def test_a_group_that_may_not_be_read_goes_on_and_unknown_outcomes_become_dead_letters(simulation):
    simulation.channel.faults = [(True, OutcomeUnknown("504"))]
    simulation.channel.find_faults = [AccessRefused("403: no")] * 10_000
    simulation.put(entry(1))
    simulation.run(60)
    simulation.put(entry(2, "two"))
    simulation.run(3600)
    assert simulation.channel.delivered() == refs(1, 2)
    (letter,) = simulation.outbox.dead_letters()
    token = token_of(simulation.channel.posts[0][1])
    assert letter.reason == (
        f"It may have been posted, with {token} in its footer. Whether it was could not be found out: 403: no"
    )


def test_a_dead_letter_of_an_unknown_outcome_says_that_it_may_have_been_posted(simulation):
    refused = AccessRefused("403: no")
    simulation.channel.faults = [*[refused] * 10, (True, OutcomeUnknown("504")), *[refused] * 10_000]  # hours later
    simulation.channel.find_faults = [NotSent("no")] * 10_000
    simulation.put(entry(1), entry(2, "two"))
    simulation.run(26 * 3600)
    reasons = {letter.id: letter.reason for letter in simulation.outbox.dead_letters()}
    token = token_of(simulation.channel.posts[0][1])
    assert reasons == {
        entry(1).id: f"It may have been posted, with {token} in its footer. 403: no",
        entry(2).id: "403: no",
    }


def test_an_unknown_outcome_is_looked_up_in_its_group_from_its_claim_on(tmp_path):
    class Asked(FakeChannel):
        asked = ()

        def find(self, group, tokens, since, where=""):
            self.asked += ((group, list(tokens), since, where),)
            return super().find(group, tokens, since, where)

    simulation = Simulation(tmp_path, channel=Asked)
    simulation.put(entry(1))
    simulation.run(10)
    simulation.channel.faults = [OutcomeUnknown("504")]
    simulation.clock.now = START + 100
    simulation.put(entry(2))
    simulation.run()
    since = datetime.fromtimestamp(START + 105, UTC)
    # The post that is sent again has another token.
    ((token,),) = {tuple(tokens) for _, tokens, _, _ in simulation.channel.asked}
    assert token not in simulation.channel.posts[-1][1].html
    assert all(asked == ("g", [token], since, "thread-1") for asked in simulation.channel.asked)
    simulation.close()


@pytest.mark.parametrize("late", [0.0, LATE, LATE + LAG])
def test_a_post_that_graph_makes_after_it_has_stopped_answering_is_not_made_twice(simulation, late):
    """It is not visible at once, either."""
    start_now, find = simulation.channel.start, simulation.channel.find
    coming = []

    def start(draft):
        if not coming:
            coming.append((simulation.clock.now + late, draft))
            raise OutcomeUnknown("504")
        return start_now(draft)

    def visible(*asked):
        if coming[0][0] <= simulation.clock.now and coming[0][1] not in [post for _, post in simulation.channel.posts]:
            simulation.channel.posts.append(("thread-0", coming[0][1]))
        return find(*asked)

    simulation.channel.start, simulation.channel.find = start, visible
    simulation.put(entry(1))
    simulation.run()
    assert simulation.channel.posts == [("thread-0", coming[0][1])]


def test_a_thread_that_is_not_there_yet_is_waited_for(simulation):
    simulation.put(entry(1))
    simulation.run(6)
    simulation.channel.faults = [ThreadGone("404"), ThreadGone("404"), ThreadGone("404")]
    simulation.put(entry(2))
    simulation.run(45)
    assert [thread for thread, _ in simulation.channel.posts] == ["thread-1", "thread-1"]


def test_one_thread_that_fails_does_not_keep_the_others_waiting(simulation):
    simulation.channel.faults = [NotSent("no")]
    simulation.put(entry(1), entry(2, "two"), entry(3, "three"))
    simulation.run(6)
    assert simulation.channel.delivered() == refs(2, 3)
    simulation.run(5)
    assert simulation.channel.delivered() == refs(2, 3, 1)


def test_a_thread_that_stays_away_is_replaced(simulation):
    simulation.put(entry(1))
    simulation.run(100)
    simulation.channel.faults = [ThreadGone("404"), ThreadGone("404")]
    simulation.put(entry(2))
    simulation.run(100)
    assert [thread for thread, _ in simulation.channel.posts] == ["thread-1", "thread-2"]


def test_refused_content_is_a_dead_letter_and_takes_no_other_with_it(simulation):
    refused = ContentRefused("400: bad HTML")
    simulation.channel.faults = [refused, refused]
    simulation.put(entry(1), entry(2))
    simulation.run(20)
    assert simulation.channel.delivered() == refs(2)
    (letter,) = simulation.outbox.dead_letters()
    assert (letter.id, letter.reason, letter.message) == (entry(1).id, "400: bad HTML", to_message(entry(1)))
    assert "template" in letter.advice


def test_a_refused_group_is_held_with_its_reason_and_probed_until_it_recovers(simulation):
    simulation.channel.faults = [AccessRefused("403: no")] * 3
    simulation.put(entry(1), entry(2, "two"))
    simulation.run(40)
    since, until = (iso(START + second) for second in (5, 5 + 30 + 60))
    assert simulation.publisher.health()["held"] == {"g": {"reason": "403: no", "since": since, "until": until}}
    assert len(simulation.channel.faults) == 1
    simulation.run(600)
    assert simulation.channel.delivered() == refs(1, 2)
    assert simulation.publisher.health() == NOTHING_OPEN


def iso(seconds):
    return datetime.fromtimestamp(seconds, UTC).isoformat()


@pytest.mark.parametrize(
    ("fault", "growing", "most"),
    [
        pytest.param(AccessRefused("403: no"), [30, 60, 120, 240, 480, 960], 1800, id="a refused group"),
        pytest.param(NotSent("no"), [5, 10, 20, 40, 80, 160], 300, id="no connection"),
    ],
)
def test_failures_are_tried_again_ever_less_often_down_to_a_bound(simulation, fault, growing, most):
    simulation.channel.faults = [fault] * 10_000
    simulation.put(entry(1))
    tried = []
    while simulation.clock.now < START + 15_000:
        before = len(simulation.channel.faults)
        simulation.run(1)
        tried += [simulation.clock.now] * (before - len(simulation.channel.faults))
    waits = [round(second - first) for first, second in itertools.pairwise(tried)]
    assert waits[:6] == growing
    assert set(waits[6:]) == {most}
    assert len(waits) > 12


def test_a_group_that_is_refused_for_a_day_loses_only_entries_that_waited_a_day(simulation):
    simulation.channel.faults = [AccessRefused("403: no")] * 10_000
    simulation.put(entry(1))
    simulation.run(23 * 3600)
    simulation.put(entry(2))
    simulation.run(2 * 3600)
    assert [letter.id for letter in simulation.outbox.dead_letters()] == [entry(1).id]
    simulation.channel.faults = []
    simulation.run(3600)
    assert simulation.channel.delivered() == refs(2)


def test_a_drain_without_a_lease_comes_back_when_the_lease_expires(simulation):
    simulation.outbox.acquire("g", "lease", "frozen", simulation.clock.now, simulation.clock.now + LEASE)
    simulation.put(entry(1))
    simulation.run(LEASE)
    assert simulation.channel.delivered() == []
    simulation.run(10)
    assert simulation.channel.delivered() == refs(1)


@pytest.mark.parametrize("rights", [["lease"], [f"slot/{number}" for number in range(4)]], ids=["the group's", "slots"])
def test_leases_of_a_host_whose_clock_was_six_hours_ahead_delay_a_group_by_their_length(simulation, rights):
    ahead = simulation.clock.now + 6 * 3600
    simulation.publisher = simulation.make(lanes=0)
    for name in rights:
        simulation.outbox.acquire("g" if name == "lease" else "slots", name, "dead", ahead, ahead + LEASE)
    simulation.put(entry(1))
    simulation.run(LEASE + 20)
    assert simulation.channel.delivered() == refs(1)


def test_a_drain_that_needs_a_slot_and_gets_none_comes_back_soon(simulation):
    simulation.publisher = simulation.make(lanes=0)
    for number in range(4):
        simulation.outbox.acquire("slots", f"slot/{number}", "busy", simulation.clock.now, simulation.clock.now + 20)
    simulation.put(entry(1))
    simulation.run(20)
    assert simulation.channel.delivered() == []
    simulation.run(10)
    assert simulation.channel.delivered() == refs(1)


class Slow:
    """An outbox in which one kind of call takes its time."""

    def __init__(self, inner, name, clock, seconds, first=1):
        self._inner, self._name, self._clock, self._seconds, self._left = inner, name, clock, seconds, first

    def __getattr__(self, name):
        method = getattr(self._inner, name)

        def call(*args):
            if name == self._name and self._left:
                self._left -= 1
                self._clock.now += self._seconds
            return method(*args)

        return call


@pytest.mark.parametrize("name", ["read_group", "threads", "claim", "finish", "set_wait"])
@pytest.mark.parametrize("seconds", [15, 50, 130])
def test_a_holder_that_was_frozen_posts_nothing_twice(simulation, name, seconds):
    slow = simulation.make(Slow(simulation.outbox, name, simulation.clock, seconds))
    simulation.put(entry(1), entry(2, "two"))
    simulation.run(publisher=slow)
    assert sorted(simulation.channel.delivered()) == refs(1, 2)


@pytest.mark.parametrize("name", ["record", "read_group", "threads", "claim", "finish"])
@pytest.mark.parametrize("seconds", [-86400, -3600, -40, 86400])
def test_a_clock_that_jumps_neither_loses_nor_doubles(simulation, name, seconds):
    jumping = simulation.make(Slow(simulation.outbox, name, simulation.clock, seconds))
    simulation.put(entry(1), entry(2, "two"))
    simulation.run(60, jumping)
    simulation.run(2 * 86400)
    assert sorted(simulation.channel.delivered()) == refs(1, 2)


class Stolen:
    """An outbox in which another takes the lease, so many seconds after the drain began to read."""

    def __init__(self, inner, clock, seconds):
        self._inner, self._clock, self._seconds = inner, clock, seconds
        self.refused = []

    def threads(self, group, keys):
        self._clock.now += self._seconds
        now = self._clock.now
        self._inner.acquire(group, "lease", "thief", now + 2 * LEASE, now + 30)
        return self._inner.threads(group, keys)

    def __getattr__(self, name):
        method = getattr(self._inner, name)

        def call(*args):
            try:
                return method(*args)
            except Conflict:
                self.refused.append(name)
                raise

        return call


@pytest.mark.parametrize("seconds", [0, 50])
def test_a_drain_that_does_not_get_its_lease_sends_nothing(simulation, seconds):
    simulation.put(entry(1))
    stolen = Stolen(simulation.outbox, simulation.clock, seconds)
    simulation.run(6, simulation.make(stolen))
    assert stolen.refused == ["claim"]
    assert simulation.channel.delivered() == []
    simulation.run(300)
    assert simulation.channel.delivered() == refs(1)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(1, 12))
def test_a_crash_while_recording_neither_loses_nor_doubles(simulation, step, after):
    crashing = simulation.crashing({"left": step, "after": after})
    simulation.put(entry(1), entry(2), entry(3, "two"))
    simulation.run(4, crashing)
    simulation.run()
    assert sorted(simulation.channel.delivered()) == refs(1, 2, 3)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(1, 12))
def test_a_crash_while_draining_neither_loses_nor_doubles_nor_disorders(simulation, step, after):
    simulation.put(entry(1), entry(2), entry(3, "two"))
    simulation.run(4)
    fuse = {"left": step, "after": after}
    simulation.run(10, simulation.crashing(fuse, Crashing(simulation.channel, fuse)))
    assert fuse["left"] <= 0
    simulation.put(entry(4))
    simulation.run()
    assert sorted(simulation.channel.delivered()) == refs(1, 2, 3, 4)
    assert [reference for reference in simulation.channel.delivered() if reference not in refs(3)] == refs(1, 2, 4)


class LateRecord:
    """An outbox in which an entry is recorded so late that the wake, which was put before, has come already."""

    def __init__(self, simulation, seconds):
        self._simulation, self._seconds = simulation, seconds

    def record(self, *args):
        if self._seconds:
            seconds, self._seconds = self._seconds, 0
            self._simulation.run(seconds, sweeps=False)
        return self._simulation.outbox.record(*args)

    def __getattr__(self, name):
        return getattr(self._simulation.outbox, name)


@pytest.mark.parametrize("seconds", [3, 4.5, 6, 20])
def test_an_entry_that_is_recorded_after_its_wake_has_come_is_woken_again(simulation, seconds):
    late = simulation.make(LateRecord(simulation, seconds))
    simulation.put(entry(1))
    simulation.run(40, late, sweeps=False)
    assert simulation.channel.delivered() == refs(1)


def test_what_is_due_at_once_is_posted_without_a_wake(simulation):
    simulation.publisher.handle(to_message(entry(1, severity=Severity.CRITICAL)))
    assert simulation.channel.delivered() == refs(1)
    assert len(simulation.queue) == 0


class Meanwhile(FakeChannel):
    """A channel at which something else happens while it posts."""

    happens = staticmethod(lambda: None)

    def start(self, post):
        thread = super().start(post)
        happens, self.happens = self.happens, lambda: None
        happens()
        return thread


def test_an_entry_that_comes_while_its_group_is_drained_is_posted_by_that_drain(tmp_path):
    simulation = Simulation(tmp_path, channel=Meanwhile)
    critical = to_message(entry(2, "two", severity=Severity.CRITICAL))
    simulation.channel.happens = lambda: simulation.publisher.handle(critical)
    simulation.publisher.handle(to_message(entry(1, severity=Severity.CRITICAL)))
    assert simulation.channel.delivered() == refs(1, 2)
    simulation.close()


def test_an_entry_that_comes_while_another_instance_drains_its_group_is_posted_soon(tmp_path):
    simulation = Simulation(tmp_path, channel=Meanwhile)
    other, critical = simulation.make(), to_message(entry(2, "two", severity=Severity.CRITICAL))
    simulation.channel.happens = lambda: other.handle(critical)
    simulation.publisher.handle(to_message(entry(1, severity=Severity.CRITICAL)))
    assert simulation.channel.delivered() == refs(1)
    simulation.run(6)
    assert simulation.channel.delivered() == refs(1, 2)
    simulation.close()


def test_a_drain_stops_after_fifty_requests_and_goes_on_with_the_next_wake(simulation):
    simulation.publisher = simulation.make(rules=Rules(digest_over=100))
    simulation.put(*(entry(number, str(number)) for number in range(60)))
    simulation.run(5.5)
    assert len(simulation.channel.posts) in {50, 60}
    simulation.run(60)
    assert simulation.channel.delivered() == refs(*range(60))


def test_a_publisher_that_is_stopped_ends_its_drain_in_order_and_another_goes_on_at_once(tmp_path):
    class Stopping(FakeChannel):
        def start(self, post):
            if self.started == 1:
                simulation.publisher.stop()
            return super().start(post)

    simulation = Simulation(tmp_path, channel=Stopping)
    simulation.put(*(entry(number, str(number)) for number in range(4)))
    while len(simulation.channel.posts) < 2:
        simulation.clock.now = max(simulation.clock.now, simulation.queue.next_visible())
        message = simulation.queue.take(600)
        simulation.publisher.handle(message.body)
        simulation.queue.delete(message)
    assert len(simulation.channel.posts) == 2
    simulation.publisher = simulation.make()
    simulation.run(1, sweeps=False)
    assert sorted(simulation.channel.delivered()) == refs(*range(4))
    assert simulation.publisher.health() == NOTHING_OPEN
    simulation.close()


@pytest.mark.parametrize("message", ["no JSON", b"\xff", '{"version": 99, "type": "entry"}'])
def test_an_unreadable_message_becomes_a_dead_letter(simulation, message):
    for _ in range(2):
        simulation.publisher.handle(message)
    simulation.publisher.handle(b"another \xff")
    letters = {letter.message: letter for letter in simulation.outbox.dead_letters()}
    text = message if isinstance(message, str) else "\ufffd"
    assert letters.keys() == {text, "another \ufffd"}
    assert len({letter.id for letter in letters.values()}) == 2
    assert letters[text].reason.startswith("The message ")
    with pytest.raises(MessageError):
        simulation.publisher.requeue(letters[text])


def test_an_event_that_is_recorded_a_moment_after_a_later_one_of_its_thread_is_posted_before_it(simulation):
    """Messages of the queue are handled side by side: what came first may be recorded last."""
    first, overtaken, later = entry(1), entry(2), entry(3)
    simulation.put(first)
    simulation.run(4.9)
    simulation.publisher.handle(to_message(later))
    simulation.run(0.3)  # the first one is due, and posted
    simulation.publisher.handle(to_message(overtaken))
    simulation.run(60)
    assert simulation.channel.delivered() == refs(1, 2, 3)
    assert len(simulation.channel.posts) == 2


def test_the_sweep_takes_poisoned_messages_back_whatever_they_are(simulation):
    record = DeliveryRecord(record_id(START, "00001"), START, "github", Outcome.IGNORED, 200, "a ping")
    beside = replace(record, id=record_id(START, "00002"))
    simulation.publisher.handle(to_message(entry(2, group="other")))
    simulation.queue.delete(simulation.queue.take(60) or _late(simulation))
    (with_record,) = to_messages([entry(1)], [to_message(beside)])
    for body in (with_record, to_message(Wake("other")), to_message(record), "no JSON"):
        simulation.queue.put(body)
        simulation.queue.poison(simulation.queue.take(60))
    simulation.publisher.sweep()
    assert simulation.queue.poisoned() == []
    simulation.run(20, sweeps=False)
    assert sorted(simulation.channel.delivered()) == refs(1, 2)
    assert {found.id for found in simulation.outbox.deliveries(DeliveryFilter(), 9).records} == {record.id, beside.id}
    (letter,) = simulation.outbox.dead_letters()
    assert (letter.message, letter.reason.partition(" ")[0]) == ("no JSON", "The")


def test_a_poisoned_message_that_cannot_be_recorded_becomes_a_dead_letter_that_says_so(simulation):
    def refuse(*_):
        raise ValueError("a fault of ours")

    simulation.put(entry(1))
    simulation.queue.poison(simulation.queue.take(60))
    simulation.outbox.record = refuse
    simulation.publisher.sweep()
    (letter,) = simulation.outbox.dead_letters()
    assert (letter.message, letter.reason) == (to_message(entry(1)), "It could not be recorded: ValueError.")


def test_what_fails_in_a_sweep_is_logged_and_the_rest_of_it_is_done(simulation, caplog):
    def fail(*_):
        raise OSError("no connection")

    simulation.put(entry(1))
    simulation.queue.poison(simulation.queue.take(60))
    simulation.outbox.record(entry(2), START - 4000, START - 4000)
    simulation.outbox.record, simulation.outbox.wait_of = fail, fail
    simulation.publisher.sweep()
    assert [record.message for record in caplog.records if record.exc_info] == [
        "The group g could not be woken",
        "A message of the poison queue could not be taken back, and is tried again",
    ]
    assert [row.count for row in simulation.outbox.summaries() if row.name == SWEEP] == [1]


def test_a_dead_letter_that_is_requeued_repeats_nothing(simulation):
    """Its content may have been posted since, elsewhere too: a person wants it all the same."""
    simulation.channel.faults = [ContentRefused("400: no")]
    simulation.put(replace(entry(1), content="a" * 32, place="here"))
    simulation.run(20)
    simulation.publisher.requeue(simulation.outbox.dead_letters()[0])
    (row,) = simulation.outbox.open_entries(entry(1).group)
    assert (row.entry.content, row.entry.place) == ("", "")


def test_the_sweep_wakes_a_group_whose_wake_got_lost_and_says_that_it_is_late(simulation, caplog):
    simulation.publisher.handle(to_message(entry(1)))
    simulation.queue.delete(simulation.queue.take(1) or _late(simulation))
    simulation.run(400)
    assert simulation.channel.delivered() == refs(1)
    assert caplog.text.count('{"step": "late", "group": "g"}') == 1


def test_the_sweep_wakes_no_group_that_is_not_late_or_has_to_wait(simulation, caplog):
    simulation.publisher.handle(to_message(entry(1)))
    simulation.queue.delete(_late(simulation))
    simulation.publisher.sweep()  # ten seconds after it was recorded
    assert simulation.queue.next_visible() is None
    assert caplog.text == ""
    simulation.clock.now += 400
    simulation.outbox.set_wait("g", Backoff(simulation.clock.now - 30))  # a drain that was woken then may be at work
    simulation.publisher.sweep()
    assert simulation.queue.next_visible() is None
    simulation.outbox.set_wait("g", Backoff(simulation.clock.now - 61))
    simulation.publisher.sweep()
    assert simulation.queue.next_visible() == simulation.clock.now


def _late(simulation):
    simulation.clock.now += 10
    return simulation.queue.take(1)


def test_history_and_idle_threads_are_forgotten_at_their_own_times_and_once_a_day(simulation):
    """An entry after its history, a thread after its idle time, which may be the shorter of the two."""
    simulation.publisher = simulation.make(history=3 * 86400.0, rules=Rules(idle=86400.0))
    simulation.put(entry(1))
    simulation.run(10)
    key = entry(1).key
    kept = []
    for _ in range(4):
        simulation.run(86400)
        simulation.publisher.sweep()
        kept.append((len(simulation.outbox.history("1")), len(simulation.outbox.threads("g", {key}))))
    assert kept == [(1, 1), (1, 0), (1, 0), (0, 0)]


def test_a_walk_through_the_history_is_taken_once_a_day(simulation):
    simulation.publisher = simulation.make(history=10.0)
    simulation.publisher.sweep()
    simulation.put(entry(1))
    simulation.run(23 * 3600)
    assert len(simulation.outbox.history("1")) == 1
    simulation.run(2 * 3600)
    assert simulation.outbox.history("1") == []


def test_history_is_forgotten_in_the_end(simulation):
    simulation.put(entry(1))
    simulation.run(10)
    simulation.clock.now += 31 * 86400
    simulation.publisher.sweep()
    simulation.put(entry(1))
    simulation.run(10)
    assert simulation.channel.delivered() == refs(1, 1)


def test_a_week_goes_by(tmp_path):
    """By the clock, without sleeping: settling, retries, holds, leases, purges and ends of threads, day after day."""
    simulation, rng = Simulation(tmp_path, 7), random.Random(7)
    simulation.publisher = simulation.make(history=2 * 86400.0, rules=Rules(idle=3 * 86400.0))
    faults = [fault for name, fault in FAULTS.items() if name != "unexpected"]
    numbers = iter(range(10_000))
    for _ in range(7 * 24):
        for number in itertools.islice(numbers, rng.randrange(4)):
            second = simulation.clock.now - START
            simulation.put(at(second + number / 1e6, number, str(rng.randrange(9)), ends_thread=rng.random() < 0.2))
        simulation.channel.faults += [rng.choice(faults)] * rng.randrange(3)
        if rng.random() < 0.1:
            simulation.outbox.acquire("g", "lease", "frozen", simulation.clock.now, simulation.clock.now + LEASE)
        simulation.run(3600)
    simulation.channel.faults = []
    simulation.run(3600)
    assert sorted(simulation.channel.delivered()) == refs(*range(next(numbers)))
    assert simulation.publisher.health() == NOTHING_OPEN
    # Two days of history, and what has come since the day's purge.
    first, last = (simulation.outbox.history(delivery) for delivery in ("0", str(next(numbers) - 2)))
    assert (first, len(last)) == ([], 1)
    simulation.close()


@pytest.mark.parametrize(("after", "is_over"), [(-SKEW, False), (0.0, False), (SKEW, False), (SKEW + 1, True)])
def test_what_is_not_found_before_the_guard_time_is_over_by_every_clock_is_not_sent_again(simulation, after, is_over):
    simulation.outbox.record(entry(1), START, START)
    guard = simulation.clock.now - after
    (row,) = simulation.outbox.open_entries("g")
    attempt = replace(row, state=State.SENDING, attempt="a" * 16, claimed=guard - GUARD, due=START, guard_until=guard)
    simulation.outbox.change([attempt])
    simulation.publisher.handle(to_message(Wake("g")))
    assert bool(simulation.channel.posts) == is_over
    assert [row.due for row in simulation.outbox.open_entries("g")] == ([] if is_over else [guard + 2 * SKEW])


def test_a_key_that_was_in_a_digest_is_named_by_its_next_post_until_it_has_a_thread_of_its_own(simulation):
    def memory():
        return simulation.outbox.threads("g", {entry(1).key})[entry(1).key].memory

    simulation.put(*(entry(number, "one" if number == 1 else str(number)) for number in range(1, 40)))
    simulation.run(60)
    assert memory()[IN_DIGEST] == ("yes",)
    # In the digest's thread it is still in a digest.
    simulation.put(entry(100, ends_thread=True))
    simulation.run(60)
    assert memory()[IN_DIGEST] == ("yes",)
    simulation.run(7200)
    simulation.put(entry(9000))
    simulation.run(60)
    assert IN_DIGEST not in memory()


def row_of(number=1, thread="", ends=False):
    return OpenEntry(entry(number, ends_thread=ends), recorded=START, due=START, thread=thread)


KNOWN = ThreadRow(entry(1).key, "thread-1", START, START, version="v1")


@pytest.mark.parametrize(
    ("known", "tried", "thread", "wanted"),
    [
        pytest.param(None, "", "thread-1", ("thread-1", START + 9, ""), id="the first post"),
        pytest.param(KNOWN, "", "thread-1", ("thread-1", START, "v1"), id="a reply"),
        pytest.param(KNOWN, "thread-1", "thread-2", ("thread-2", START, "v1"), id="a reply that Graph put elsewhere"),
        pytest.param(KNOWN, "", "thread-2", ("thread-2", START + 9, "v1"), id="a new thread for the same key"),
        pytest.param(replace(KNOWN, thread=""), "", "thread-2", ("thread-2", START + 9, "v1"), id="one was lost"),
    ],
)
def test_the_row_of_a_thread_after_a_post(known, tried, thread, wanted):
    row = thread_after(known, [row_of(thread=tried)], thread, START + 9)
    assert (row.thread, row.created, row.version) == wanted
    assert (row.key, row.posted, row.ended) == (entry(1).key, START + 9, None)


def test_a_thread_that_is_over_stays_over_with_an_event_from_before_its_end():
    over = replace(KNOWN, ended=START + 100)
    assert thread_after(over, [row_of(1)], "thread-1", START + 200).ended == START + 100
    assert thread_after(over, [row_of(101)], "thread-1", START + 200).ended is None
    assert thread_after(over, [row_of(2000)], "thread-2", START + 2000).ended is None


def test_an_entry_of_unknown_outcome_is_sent_again_only_when_nothing_can_appear_any_more():
    """Graph may carry a request out late, it is seen later still, and clocks differ by SKEW."""
    row = transitions.outcome_unknown(transitions.claimed(row_of(), START, "token", ""), START + 9)
    assert row.due - SKEW >= START + 9 + LAG
    assert row.guard_until - SKEW >= START + 9 + LATE + LAG
    again = transitions.looked_up_again(row, row.guard_until)
    assert row.guard_until + SKEW < again.due < row.guard_until + LAG
    assert (again.state, again.attempt) == (State.SENDING, "token")
    later = transitions.lookup_deferred(again, again.due + 60, 1)
    assert (later.state, later.due, later.tries, later.attempt) == (State.SENDING, again.due + 60, 1, "token")
    assert transitions.not_delivered(later).state is State.PENDING


def test_a_thread_that_was_lost_has_neither_an_address_nor_an_end():
    lost = transitions.thread_lost(replace(KNOWN, ended=START + 5))
    assert (lost.thread, lost.ended, lost.version) == ("", None, "v1")


@pytest.mark.parametrize("seed", range(90))
def test_random_faults_and_crashes_neither_lose_nor_double(tmp_path, seed):
    simulation, rng = (
        Simulation(tmp_path, seed, FakeDraftChannel if seed % 3 == 0 else FakeChannel),
        random.Random(seed),
    )
    faults = [fault for name, fault in FAULTS.items() if name != "access refused"]
    for number in range(6):
        simulation.put(entry(number, str(rng.randrange(2))))
        simulation.channel.faults += [rng.choice(faults)] * rng.randrange(2)
        fuse = {"left": rng.randrange(1, 60), "after": rng.random() < 0.5}
        simulation.run(rng.uniform(0, GUARD), simulation.crashing(fuse))
    simulation.run(20_000)
    assert sorted(simulation.channel.delivered()) == refs(*range(6))
    assert simulation.outbox.counts().open == 0
    simulation.close()
