import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.entries import Wake, to_message
from bridge.errors import AccessRefused, Conflict, ContentRefused, MessageError, NotSent, OutcomeUnknown, ThreadGone
from bridge.events import Severity
from bridge.outbox.base import OpenEntry, Pause, ThreadRow
from bridge.publishing.batching import Rules
from bridge.publishing.digests import digest_topic
from bridge.publishing.drain import GUARD, LAG, LATE, thread_row
from bridge.publishing.leases import LEASE
from tests.delivery_world import Crash, Crashing, World
from tests.outbox_stand_ins import START, Drafts, Group, entry, refs


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.close()


def test_entries_of_one_thread_become_one_post_in_order_of_occurrence(world):
    world.put(entry(2), entry(1), entry(3, "two"))
    world.run(10)
    assert [(thread, list(post.references)) for thread, post in world.group.posts] == [
        ("thread-1", refs(1, 2)),
        ("thread-2", refs(3)),
    ]
    assert world.group.posts[0][1].topic == "Topic 1"


QUARTER = 15 * 60


@pytest.mark.parametrize(
    ("stories", "threads"),
    [
        pytest.param([(1, False), (2, True), (3, False)], [1, 1, 1], id="flapping stays in one thread"),
        pytest.param([(1, True), (QUARTER, False)], [1, 1], id="and a second before the quarter is over"),
        pytest.param([(1, True), (QUARTER + 1, False)], [1, 2], id="afterwards it is a new story"),
        pytest.param([(1, True), (2, False), (QUARTER + 9, False)], [1, 1, 1], id="what flapped goes on"),
        pytest.param([(2 * QUARTER, True), (1, False)], [1, 1], id="what occurred before the end joins the thread"),
        pytest.param([(1, True), (2 * QUARTER, True), (2, False)], [1, 2, 2], id="or the thread that there is now"),
        pytest.param([(1, False), (86400 * 89, False)], [1, 1], id="a thread may rest"),
        pytest.param([(1, False), (86400 * 91, False)], [1, 2], id="but not for ever"),
    ],
)
@pytest.mark.parametrize("together", [False, True], ids=["one by one", "together"])
def test_a_thread_is_one_story(world, stories, threads, together):
    if together and any(first > second for (first, _), (second, _) in itertools.pairwise(stories)):
        pytest.skip("together they come in the order of their occurrence")
    for number, (second, ends) in enumerate(stories):
        if not together:
            world.clock.now = max(world.clock.now, START + second)
        world.put(at(second, number, ends_thread=ends))
        world.run(0 if together else 10)
    world.run(10)
    told = {reference: thread for thread, post in world.group.posts for reference in post.references}
    if not (together and stories[-1][0] > 86400):  # nothing rests that is told at once
        assert list(told.values()) == [f"thread-{thread}" for thread in threads]
    assert len(told) == len(stories)


def at(second, number, thread="one", **changes):
    """An entry that occurred then."""
    return replace(entry(number, thread, **changes), occurred=datetime.fromtimestamp(START + second, UTC))


def test_more_new_threads_than_ten_are_one_and_what_follows_replies_there(world):
    world.put(*(entry(number, str(number)) for number in range(11)))
    world.run(10)
    ((thread, digest),) = world.group.posts
    assert sorted(digest.references) == refs(*range(11))
    assert digest.topic == digest_topic([entry(number) for number in range(11)], {})
    # Later events of its members come together, those of others do not.
    world.put(entry(20, "3"), entry(21, "7"), entry(22, "other"))
    world.run(10)
    assert [(where, list(post.references)) for where, post in world.group.posts[1:]] == [
        ("thread-2", refs(22)),
        (thread, refs(20, 21)),
    ]


def test_ten_new_threads_stay_threads(world):
    world.put(*(entry(number, str(number)) for number in range(10)))
    world.run(10)
    assert len(world.group.posts) == 10


def test_a_storm_is_a_digest_with_replies_of_two_hundred_rows_the_most_severe_first(world):
    severities = [Severity.INFO, Severity.ERROR, Severity.WARNING]
    world.put(*(entry(number, str(number), severity=severities[number % 3]) for number in range(450)))
    world.run(10)
    assert [(thread, len(post.references)) for thread, post in world.group.posts] == [
        ("thread-1", 200),
        ("thread-1", 200),
        ("thread-1", 50),
    ]
    assert world.group.told() == refs(*range(1, 450, 3), *range(2, 450, 3), *range(0, 450, 3))
    # So are the replies of all its members.
    world.put(*(entry(1000 + number, str(number)) for number in range(450)))
    world.run(10)
    assert [(thread, len(post.references)) for thread, post in world.group.posts[3:]] == [
        ("thread-1", 200),
        ("thread-1", 200),
        ("thread-1", 50),
    ]


def test_a_digest_whose_outcome_is_unknown_is_told_once(world):
    world.group.faults = [(True, OutcomeUnknown("504"))]
    world.put(*(entry(number, str(number)) for number in range(300)))
    world.run()
    assert sorted(world.group.told()) == refs(*range(300))


def test_a_paused_group_is_recorded_and_told_when_it_goes_on(world):
    world.publisher = world.make(world.outbox, world.group, paused=frozenset({"g"}))
    world.put(entry(1))
    world.run(3600)
    assert world.group.told() == []
    assert world.publisher.health() == {"open": 1, "dead": 0, "held": {}, "paused": ["g"]}
    world.publisher = world.make(world.outbox, world.group)
    world.run(600)
    assert world.group.told() == refs(1)


def test_a_dead_letter_is_replayed(world):
    world.group.faults = [ContentRefused("400: bad HTML")]
    world.put(entry(1))
    world.run(20)
    (letter,) = world.outbox.dead_letters()
    world.publisher.replay(letter)
    world.run(20)
    assert world.group.told() == refs(1)
    assert world.outbox.dead_letters() == []
    with pytest.raises(Conflict):
        world.publisher.replay(letter)


def test_a_repeat_is_told_once(world):
    world.put(entry(1), entry(1))
    world.run(10)
    world.put(entry(1))
    world.run(10)
    assert world.group.told() == refs(1)


@pytest.mark.parametrize(("severity", "told_at_once"), [(Severity.CRITICAL, True), (Severity.INFO, False)])
def test_only_a_critical_entry_does_not_wait(world, severity, told_at_once):
    world.put(entry(1, severity=severity))
    world.run(1)
    assert bool(world.group.told()) is told_at_once


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


@pytest.fixture(params=[Group, Drafts])
def either(request, tmp_path):
    """A world with a channel of each kind: one that posts at once, one that makes drafts and sends them."""
    made = World(tmp_path, channel=request.param)
    yield made
    made.close()


@pytest.mark.parametrize("number", range(2), ids=["start", "reply"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_every_entry_is_told_once_and_in_order_whatever_fails(either, fault, number):
    world = either
    if number:
        world.put(entry(0))
        world.run(100)
    before = len(world.group.told())
    world.group.faults = [fault, fault]
    world.put(entry(1), entry(2))
    world.run(8)
    world.put(entry(3))
    world.run()
    assert world.group.told()[before:] == refs(1, 2, 3)
    assert world.publisher.health() == {"open": 0, "dead": 0, "held": {}, "paused": []}


@pytest.mark.parametrize("fault", [NotSent("503"), NotSent("30 a minute", 20.0), AccessRefused("403")], ids=str)
def test_a_draft_that_cannot_be_made_is_made_later(tmp_path, fault):
    world = World(tmp_path, channel=Drafts)
    world.group.prepare_faults = [fault, fault]
    world.put(entry(1), entry(2, "two"))
    world.run()
    assert world.group.told() == refs(1, 2)
    assert world.publisher.health() == {"open": 0, "dead": 0, "held": {}, "paused": []}
    world.close()


def test_drafts_of_tries_that_failed_do_not_pile_up(tmp_path):
    world = World(tmp_path, channel=Drafts)
    world.group.faults = [NotSent("503")] * 5 + [OutcomeUnknown("504")] * 3
    world.put(entry(1))
    world.run()
    assert world.group.told() == refs(1)
    assert world.group.drafts == set()
    world.close()


def test_retry_after_is_kept_for_the_whole_group(world):
    world.group.faults = [NotSent("429", 100.0)]
    world.put(entry(1))
    world.run(6)
    world.put(entry(2, "two", severity=Severity.CRITICAL))
    world.run(90)
    assert world.group.told() == []
    world.run(20)
    assert world.group.told() == refs(1, 2)


def test_what_is_not_found_at_first_is_looked_for_until_the_guard_time_is_over(world):
    world.group.faults = [OutcomeUnknown("504")]
    world.group.find_faults = [OutcomeUnknown("504"), NotSent("429", 60.0), AccessRefused("403")]
    world.put(entry(1))
    world.run()
    assert world.group.told() == refs(1)


def test_a_search_that_is_never_answered_ends_as_a_dead_letter(world):
    world.group.faults = [OutcomeUnknown("504")]
    world.group.find_faults = [OutcomeUnknown("too many pages")] * 10_000
    world.put(entry(1))
    world.run(23 * 3600)
    assert world.outbox.dead_letters() == []
    world.run(2 * 3600)
    (letter,) = world.outbox.dead_letters()
    assert "could not be found out" in letter.reason
    assert letter.tries > 12 * 23  # every five minutes in the end


def test_a_group_that_may_not_be_read_goes_on_and_what_is_in_doubt_may_have_been_posted(world):
    world.group.faults = [(True, OutcomeUnknown("504"))]
    world.group.find_faults = [AccessRefused("403: no")] * 10_000
    world.put(entry(1))
    world.run(60)
    world.put(entry(2, "two"))
    world.run(3600)
    assert world.group.told() == refs(1, 2)
    (letter,) = world.outbox.dead_letters()
    assert letter.reason == "It may have been posted. Whether it was could not be found out: 403: no"


def test_what_is_in_doubt_when_a_held_group_is_given_up_may_have_been_posted(world):
    refused = AccessRefused("403: no")
    world.group.faults = [*[refused] * 10, (True, OutcomeUnknown("504")), *[refused] * 10_000]  # hours later
    world.group.find_faults = [NotSent("no")] * 10_000
    world.put(entry(1), entry(2, "two"))
    world.run(26 * 3600)
    reasons = {letter.id: letter.reason for letter in world.outbox.dead_letters()}
    assert reasons == {entry(1).id: "It may have been posted. 403: no", entry(2).id: "403: no"}


def test_what_is_in_doubt_is_looked_for_in_its_group_from_its_claim_on(tmp_path):
    class Asked(Group):
        asked = ()

        def find(self, group, references, since, where=""):
            self.asked += ((group, list(references), since, where),)
            return super().find(group, references, since, where)

    world = World(tmp_path, channel=Asked)
    world.put(entry(1))
    world.run(10)
    world.group.faults = [OutcomeUnknown("504")]
    world.clock.now = START + 100
    world.put(entry(2))
    world.run()
    since = datetime.fromtimestamp(START + 105, UTC)
    assert world.group.asked
    assert all(asked == ("g", refs(2), since, "thread-1") for asked in world.group.asked)
    world.close()


@pytest.mark.parametrize("late", [0.0, LATE, LATE + LAG])
def test_what_graph_carries_out_after_it_has_stopped_answering_is_told_once(world, late):
    """And what it has carried out is not seen at once, either."""
    post, find = world.group.start, world.group.find
    coming = []

    def start(draft):
        if not coming:
            coming.append((world.clock.now + late, draft))
            raise OutcomeUnknown("504")
        return post(draft)

    def visible(*asked):
        if coming[0][0] <= world.clock.now and coming[0][1] not in [told for _, told in world.group.posts]:
            world.group.posts.append(("thread-0", coming[0][1]))
        return find(*asked)

    world.group.start, world.group.find = start, visible
    world.put(entry(1))
    world.run()
    assert world.group.posts == [("thread-0", coming[0][1])]


def test_a_thread_that_is_not_there_yet_is_waited_for(world):
    world.put(entry(1))
    world.run(6)
    world.group.faults = [ThreadGone("404"), ThreadGone("404"), ThreadGone("404")]
    world.put(entry(2))
    world.run(45)
    assert [thread for thread, _ in world.group.posts] == ["thread-1", "thread-1"]


def test_one_thread_that_fails_does_not_keep_the_others_waiting(world):
    world.group.faults = [NotSent("no")]
    world.put(entry(1), entry(2, "two"), entry(3, "three"))
    world.run(6)
    assert world.group.told() == refs(2, 3)
    world.run(5)
    assert world.group.told() == refs(2, 3, 1)


def test_a_thread_that_stays_away_is_replaced(world):
    world.put(entry(1))
    world.run(100)
    world.group.faults = [ThreadGone("404"), ThreadGone("404")]
    world.put(entry(2))
    world.run(100)
    assert [thread for thread, _ in world.group.posts] == ["thread-1", "thread-2"]


def test_refused_content_is_a_dead_letter_and_takes_no_other_with_it(world):
    refused = ContentRefused("400: bad HTML")
    world.group.faults = [refused, refused]
    world.put(entry(1), entry(2))
    world.run(20)
    assert world.group.told() == refs(2)
    (letter,) = world.outbox.dead_letters()
    assert (letter.id, letter.reason, letter.message) == (entry(1).id, "400: bad HTML", to_message(entry(1)))
    assert "template" in letter.advice


def test_a_refused_group_is_held_with_its_reason_and_probed_until_it_recovers(world):
    world.group.faults = [AccessRefused("403: no")] * 3
    world.put(entry(1), entry(2, "two"))
    world.run(40)
    since, until = (iso(START + second) for second in (5, 5 + 30 + 60))
    assert world.publisher.health()["held"] == {"g": {"reason": "403: no", "since": since, "until": until}}
    assert len(world.group.faults) == 1
    world.run(600)
    assert world.group.told() == refs(1, 2)
    assert world.publisher.health() == {"open": 0, "dead": 0, "held": {}, "paused": []}


def iso(seconds):
    return datetime.fromtimestamp(seconds, UTC).isoformat()


@pytest.mark.parametrize(
    ("fault", "growing", "most"),
    [
        pytest.param(AccessRefused("403: no"), [30, 60, 120, 240, 480, 960], 1800, id="a refused group"),
        pytest.param(NotSent("no"), [5, 10, 20, 40, 80, 160], 300, id="what did not come through"),
    ],
)
def test_what_fails_is_tried_ever_less_often_down_to_a_bound(world, fault, growing, most):
    world.group.faults = [fault] * 10_000
    world.put(entry(1))
    tried = []
    while world.clock.now < START + 15_000:
        before = len(world.group.faults)
        world.run(1)
        tried += [world.clock.now] * (before - len(world.group.faults))
    waits = [round(second - first) for first, second in itertools.pairwise(tried)]
    assert waits[:6] == growing
    assert set(waits[6:]) == {most}
    assert len(waits) > 12


def test_a_group_that_is_refused_for_a_day_costs_only_what_waited_a_day(world):
    world.group.faults = [AccessRefused("403: no")] * 10_000
    world.put(entry(1))
    world.run(23 * 3600)
    world.put(entry(2))
    world.run(2 * 3600)
    assert [letter.id for letter in world.outbox.dead_letters()] == [entry(1).id]
    world.group.faults = []
    world.run(3600)
    assert world.group.told() == refs(2)


def test_who_gets_no_lease_comes_back_when_it_expires(world):
    world.outbox.acquire("g", "lease", "frozen", world.clock.now, world.clock.now + LEASE)
    world.put(entry(1))
    world.run(LEASE)
    assert world.group.told() == []
    world.run(10)
    assert world.group.told() == refs(1)


def test_who_gets_no_slot_comes_back_soon(world):
    for number in range(4):
        world.outbox.acquire("slots", f"slot/{number}", "busy", world.clock.now, world.clock.now + 20)
    world.put(entry(1))
    world.run(20)
    assert world.group.told() == []
    world.run(10)
    assert world.group.told() == refs(1)


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


@pytest.mark.parametrize("name", ["open_entries", "threads", "claim", "finish", "set_pause"])
@pytest.mark.parametrize("seconds", [15, 50, 130])
def test_a_holder_that_was_frozen_tells_nothing_twice(world, name, seconds):
    slow = world.make(Slow(world.outbox, name, world.clock, seconds), world.group)
    world.put(entry(1), entry(2, "two"))
    world.run(publisher=slow)
    assert sorted(world.group.told()) == refs(1, 2)


@pytest.mark.parametrize("name", ["record", "open_entries", "threads", "claim", "finish"])
@pytest.mark.parametrize("seconds", [-86400, -3600, -40, 86400])
def test_a_clock_that_jumps_neither_loses_nor_doubles(world, name, seconds):
    jumping = world.make(Slow(world.outbox, name, world.clock, seconds), world.group)
    world.put(entry(1), entry(2, "two"))
    world.run(60, jumping)
    world.run(2 * 86400)
    assert sorted(world.group.told()) == refs(1, 2)


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


@pytest.mark.parametrize(("seconds", "refused"), [(0, "claim"), (50, "renew")])
def test_who_has_lost_the_lease_sends_nothing(world, seconds, refused):
    world.put(entry(1))
    stolen = Stolen(world.outbox, world.clock, seconds)
    world.run(6, world.make(stolen, world.group))
    assert stolen.refused[0] == refused
    assert world.group.told() == []
    world.run(300)
    assert world.group.told() == refs(1)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(1, 12))
def test_a_crash_while_recording_neither_loses_nor_doubles(world, step, after):
    crashing = world.make(Crashing(world.outbox, {"left": step, "after": after}), world.group)
    world.put(entry(1), entry(2), entry(3, "two"))
    world.run(4, crashing)
    world.run()
    assert sorted(world.group.told()) == refs(1, 2, 3)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(1, 17))
def test_a_crash_while_draining_neither_loses_nor_doubles_nor_disorders(world, step, after):
    world.put(entry(1), entry(2), entry(3, "two"))
    world.run(4)
    fuse = {"left": step, "after": after}
    world.run(10, world.make(Crashing(world.outbox, fuse), Crashing(world.group, fuse)))
    assert fuse["left"] <= 0
    world.put(entry(4))
    world.run()
    assert sorted(world.group.told()) == refs(1, 2, 3, 4)
    assert [reference for reference in world.group.told() if reference not in refs(3)] == refs(1, 2, 4)


def test_a_drain_stops_after_fifty_requests_and_goes_on_with_the_next_wake(world):
    world.publisher = world.make(world.outbox, world.group, rules=Rules(digest_over=100))
    world.put(*(entry(number, str(number)) for number in range(60)))
    world.run(5.5)
    assert len(world.group.posts) in {50, 60}
    world.run(60)
    assert world.group.told() == refs(*range(60))


@pytest.mark.parametrize("message", ["no JSON", b"\xff", '{"version": 99, "type": "entry"}'])
def test_an_unreadable_message_becomes_a_dead_letter(world, message):
    for _ in range(2):
        world.publisher.handle(message)
    world.publisher.handle(b"another \xff")
    letters = {letter.message: letter for letter in world.outbox.dead_letters()}
    text = message if isinstance(message, str) else "\ufffd"
    assert letters.keys() == {text, "another \ufffd"}
    assert len({letter.id for letter in letters.values()}) == 2
    assert letters[text].reason.startswith("The message ")
    with pytest.raises(MessageError):
        world.publisher.replay(letters[text])


def test_the_sweep_takes_poisoned_messages_back(world):
    for body in (to_message(entry(1)), to_message(Wake("g")), "no JSON"):
        world.queue.put(body)
        world.queue.poison(world.queue.take(1))
    world.publisher.sweep()
    assert world.queue.poisoned() == []
    world.run(20)
    assert world.group.told() == refs(1)
    assert world.publisher.health()["dead"] == 1


def test_the_sweep_wakes_a_group_whose_wake_got_lost_and_says_that_it_is_late(world, caplog):
    world.publisher.handle(to_message(entry(1)))
    world.queue.delete(world.queue.take(1) or _overslept(world))
    world.run(400)
    assert world.group.told() == refs(1)
    assert caplog.text.count('{"step": "late", "group": "g"}') == 1


def test_the_sweep_wakes_nobody_who_is_not_late_or_is_left_alone_for_now(world, caplog):
    world.publisher.handle(to_message(entry(1)))
    world.queue.delete(_overslept(world))
    world.publisher.sweep()  # ten seconds after it was recorded
    assert world.queue.next_visible() is None
    assert caplog.text == ""
    world.clock.now += 400
    world.outbox.set_pause("g", Pause(world.clock.now - 30))  # whoever woke it then may be at work
    world.publisher.sweep()
    assert world.queue.next_visible() is None
    world.outbox.set_pause("g", Pause(world.clock.now - 61))
    world.publisher.sweep()
    assert world.queue.next_visible() == world.clock.now


def _overslept(world):
    world.clock.now += 10
    return world.queue.take(1)


def test_what_is_told_and_what_rests_are_forgotten_at_their_own_times_and_once_a_day(world):
    """An entry after its history, a thread after its rest, which may be the shorter of the two."""
    world.publisher = world.make(world.outbox, world.group, history=3 * 86400.0, rules=Rules(idle=86400.0))
    world.put(entry(1))
    world.run(10)
    key = entry(1).key
    kept = []
    for _ in range(4):
        world.run(86400)
        world.publisher.sweep()
        kept.append((len(world.outbox.history("1")), len(world.outbox.threads("g", {key}))))
    assert kept == [(1, 1), (1, 0), (1, 0), (0, 0)]


def test_a_walk_through_the_history_is_taken_once_a_day(world):
    world.publisher = world.make(world.outbox, world.group, history=10.0)
    world.publisher.sweep()
    world.put(entry(1))
    world.run(23 * 3600)
    assert len(world.outbox.history("1")) == 1
    world.run(2 * 3600)
    assert world.outbox.history("1") == []


def test_history_is_forgotten_in_the_end(world):
    world.put(entry(1))
    world.run(10)
    world.clock.now += 31 * 86400
    world.publisher.sweep()
    world.put(entry(1))
    world.run(10)
    assert world.group.told() == refs(1, 1)


def test_a_week_goes_by(tmp_path):
    """Clocks, not sleeps: settling, retries, holds, leases, give-up, purge and the ends of threads, day after day."""
    world, chance = World(tmp_path, 7), random.Random(7)
    world.publisher = world.make(world.outbox, world.group, history=2 * 86400.0, rules=Rules(idle=3 * 86400.0))
    faults = [fault for name, fault in FAULTS.items() if name != "unexpected"]
    numbers = iter(range(10_000))
    for _ in range(7 * 24):
        for number in itertools.islice(numbers, chance.randrange(4)):
            second = world.clock.now - START
            world.put(at(second + number / 1e6, number, str(chance.randrange(9)), ends_thread=chance.random() < 0.2))
        world.group.faults += [chance.choice(faults)] * chance.randrange(3)
        if chance.random() < 0.1:
            world.outbox.acquire("g", "lease", "frozen", world.clock.now, world.clock.now + LEASE)
        world.run(3600)
    world.group.faults = []
    world.run(3600)
    assert sorted(world.group.told()) == refs(*range(next(numbers)))
    assert world.publisher.health() == {"open": 0, "dead": 0, "held": {}, "paused": []}
    # Two days of history, and what has come since the day's purge.
    first, last = (world.outbox.history(delivery) for delivery in ("0", str(next(numbers) - 2)))
    assert (first, len(last)) == ([], 1)
    world.close()


def row_of(number=1, thread="", ends=False):
    return OpenEntry(entry(number, ends_thread=ends), recorded=START, due=START, thread=thread)


KNOWN = ThreadRow(entry(1).key, "thread-1", START, START, version="v1")


@pytest.mark.parametrize(
    ("known", "tried", "thread", "wanted"),
    [
        pytest.param(None, "", "thread-1", ("thread-1", START + 9, ""), id="the first post"),
        pytest.param(KNOWN, "", "thread-1", ("thread-1", START, "v1"), id="a reply"),
        pytest.param(KNOWN, "thread-1", "thread-2", ("thread-2", START, "v1"), id="a reply that Graph put elsewhere"),
        pytest.param(KNOWN, "", "thread-2", ("thread-2", START + 9, "v1"), id="a new thread for the same thing"),
        pytest.param(replace(KNOWN, thread=""), "", "thread-2", ("thread-2", START + 9, "v1"), id="one was lost"),
    ],
)
def test_the_row_of_a_thread_after_a_post(known, tried, thread, wanted):
    row = thread_row(known, [row_of(thread=tried)], thread, START + 9)
    assert (row.thread, row.created, row.version) == wanted
    assert (row.key, row.posted, row.ended) == (entry(1).key, START + 9, None)


@pytest.mark.parametrize("seed", range(90))
def test_random_faults_and_crashes_neither_lose_nor_double(tmp_path, seed):
    world, chance = World(tmp_path, seed, Drafts if seed % 3 == 0 else Group), random.Random(seed)
    faults = [fault for name, fault in FAULTS.items() if name != "access refused"]
    for number in range(6):
        world.put(entry(number, str(chance.randrange(2))))
        world.group.faults += [chance.choice(faults)] * chance.randrange(2)
        fuse = {"left": chance.randrange(1, 60), "after": chance.random() < 0.5}
        world.run(chance.uniform(0, GUARD), world.make(Crashing(world.outbox, fuse), world.group))
    world.run(20_000)
    assert sorted(world.group.told()) == refs(*range(6))
    assert world.outbox.counts().open == 0
    world.close()
