"""Several posts of one group on their way at once, each into a thread of its own."""

import itertools
import random
import threading
import time
from functools import partial

import pytest

from bridge.errors import AccessRefused, ContentRefused, NotSent, OutcomeUnknown
from bridge.outbox.rows import Backoff, State
from bridge.publishing.batching import Batch
from bridge.publishing.lanes import Lanes, chained
from bridge.publishing.leases import LEASE, lanes_of
from bridge.publishing.slots import Slots
from bridge.publishing.transitions import GUARD
from tests.outbox_stand_ins import Clock, FakeChannel, FakeDraftChannel, entries_of, entry, refs
from tests.publishing_simulation import Simulation


class BusyChannel(FakeChannel):
    """A channel whose requests wait until so many have been on their way at once; it knows how many that were."""

    together = 4

    def __init__(self):
        super().__init__()
        self.changed = threading.Condition()
        self.on_their_way = self.most = self.came = 0

    def _take(self, thread, post):
        with self.changed:
            self.on_their_way += 1
            self.came += 1
            self.most = max(self.most, self.on_their_way)
            self.changed.notify_all()
            assert self.changed.wait_for(lambda: self.most >= self.together, 30)
        time.sleep(0.01)  # in which others could come
        with self.changed:
            self.on_their_way -= 1
            return super()._take(thread, post)


class BusySimulation(Simulation):
    lanes = 4


@pytest.fixture
def simulation(tmp_path):
    made = BusySimulation(tmp_path, channel=BusyChannel)
    yield made
    made.close()


def put_threads(simulation, threads, each=1):
    """Entries of so many threads; those of one thread have numbers that follow one another."""
    simulation.put(*(entry(10 * thread + number, str(thread)) for thread in range(threads) for number in range(each)))


def test_four_posts_of_a_group_are_on_their_way_at_once_and_no_more(simulation):
    put_threads(simulation, 9)
    simulation.run(10)
    assert sorted(simulation.channel.delivered()) == refs(*range(0, 90, 10))
    assert simulation.channel.most == 4
    assert simulation.outbox.read_group("g", simulation.clock.now).lease.owner == ""


@pytest.mark.parametrize(("lanes", "most"), [(0, 4), (1, 1), (2, 2)])
def test_no_more_are_on_their_way_than_the_group_has_lanes(simulation, lanes, most):
    simulation.publisher = simulation.make(lanes=lanes)
    simulation.channel.together = most
    put_threads(simulation, 5)
    simulation.run(10)
    assert len(simulation.channel.delivered()) == 5
    assert simulation.channel.most == most


def test_the_groups_share_out_what_graph_allows():
    assert [lanes_of(groups) for groups in (0, 1, 2, 3, 4, 5, 50)] == [4, 4, 2, 1, 1, 0, 0]


def test_posts_into_one_thread_keep_their_order(simulation):
    # A post has at most twenty cards: each thread gets three posts.
    simulation.put(*(entry(100 * thread + number, str(thread)) for thread in range(4) for number in range(45)))
    simulation.run(30)
    posts = [(thread, entries_of(post)) for thread, post in simulation.channel.posts]
    assert simulation.channel.most > 1
    for thread in range(4):
        (where,) = {name for name, entries in posts if set(entries) & set(refs(100 * thread))}
        delivered = [number for name, entries in posts if name == where for number in entries]
        assert delivered == refs(*range(100 * thread, 100 * thread + 45))


def test_batches_of_one_thread_are_one_chain():
    first, more, other, reply, late = (
        Batch((), ""),
        Batch((), "", follows=True),
        Batch((), "t"),
        Batch((), "t", follows=True),
        Batch((), "t"),
    )
    assert chained([first, more, first, other, reply, late]) == [[first, more], [first], [other, reply, late]]


FAULTS = {
    "not sent": NotSent("503"),
    "unknown, not done": OutcomeUnknown("504"),
    "unknown, done": (True, OutcomeUnknown("504")),
    "refused": ContentRefused("400"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_post_that_fails_keeps_no_other_from_its_thread(simulation, fault):
    simulation.channel.faults = [fault]
    put_threads(simulation, 6, 2)
    simulation.run(8)
    assert len(simulation.channel.delivered()) >= 10
    simulation.run(2 * GUARD)
    assert sorted(simulation.channel.delivered()) == refs(*(10 * thread + n for thread in range(6) for n in (0, 1)))
    assert simulation.outbox.counts().open == 0


def test_what_goes_well_beside_it_does_not_end_a_backoff(simulation):
    simulation.channel.faults = [NotSent("429", 100.0)]
    put_threads(simulation, 4)
    simulation.run(10)
    assert len(simulation.channel.delivered()) == 3
    assert isinstance(simulation.outbox.wait_of("g"), Backoff)
    simulation.run(120)
    assert len(simulation.channel.delivered()) == 4
    assert simulation.outbox.wait_of("g") is None


def test_one_post_shows_whether_a_hold_is_over(simulation):
    simulation.channel.faults = [AccessRefused("403")] * 4
    put_threads(simulation, 6)
    simulation.run(10)
    asked = simulation.channel.came
    simulation.channel.faults = [AccessRefused("403")]
    simulation.run(30)
    assert simulation.channel.came == asked + 1
    simulation.run(7200)
    assert sorted(simulation.channel.delivered()) == refs(*range(0, 60, 10))


def test_a_hold_makes_no_dead_letter_of_what_is_on_its_way(tmp_path):
    class Refusing(BusyChannel):
        together = 3

        def _take(self, thread, post):
            if entries_of(post) == refs(0):
                with self.changed:
                    assert self.changed.wait_for(lambda: self.came == self.together, 30)
                raise AccessRefused("403")
            return super()._take(thread, post)

    simulation = BusySimulation(tmp_path, channel=Refusing)
    simulation.publisher = simulation.make(give_up=0.0)
    put_threads(simulation, 4)
    simulation.run(10)
    assert sorted(simulation.channel.delivered()) == refs(10, 20, 30)
    assert [letter.id for letter in simulation.outbox.dead_letters()] == [entry(0).id]
    simulation.close()


def test_a_drain_that_loses_its_lease_notes_what_is_on_its_way_and_sends_no_more(tmp_path):
    class Thief(BusyChannel):
        def _take(self, thread, post):
            if entries_of(post) == refs(0):
                with self.changed:
                    assert self.changed.wait_for(lambda: self.came == self.together - 1, 30)
                lease = simulation.outbox.read_group("g", simulation.clock.now + LEASE).lease
                simulation.outbox.acquire("g", "lease", "thief", lease.expires + 1, lease.expires + 2)
            return super()._take(thread, post)

    simulation = BusySimulation(tmp_path, channel=Thief)
    put_threads(simulation, 9)
    simulation.run(5)
    assert len(simulation.channel.delivered()) == 4
    assert {row.state for row in simulation.outbox.open_entries("g")} == {State.PENDING}
    assert len(simulation.outbox.open_entries("g")) == 5
    simulation.run(2 * LEASE)
    assert sorted(simulation.channel.delivered()) == refs(*range(0, 90, 10))
    simulation.close()


def test_the_first_error_is_raised_when_the_others_are_over():
    ended, failed = [], threading.Event()

    def request(number):
        assert number == 1 or failed.wait(30)
        return number

    def work(number):
        answer = yield lambda: request(number)
        if answer == 1:
            failed.set()
            raise LookupError(number)
        ended.append(number)
        yield lambda: None

    with pytest.raises(LookupError):
        Lanes(itertools.count().__next__).run([work(number) for number in range(6)], 3, lambda running: running < 3)
    assert sorted(ended) == [0, 2]


def run(lanes, *requests):
    """The threads in which the requests are made, in their order."""
    threads = []

    def work(request):
        def ask():
            threads.append(threading.current_thread())
            request()

        yield ask

    lanes.run([work(request) for request in requests], 4, lambda running: running < 4)
    return threads


def test_while_answers_come_quickly_the_drain_makes_one_request_at_a_time_itself():
    lanes = Lanes(Clock())
    together = threading.Barrier(4)
    threads = run(lanes, *[partial(together.wait, 30)] * 4, *[lambda: None] * 3)
    assert threading.current_thread() not in threads[:4]
    assert threads[4:] == [threading.current_thread()] * 3
    assert run(lanes, lambda: None) == [threading.current_thread()]


def test_the_first_slow_answer_costs_one_wait_then_threads_wait():
    clock, together = Clock(), threading.Barrier(3)
    lanes = Lanes(clock)
    run(lanes, lambda: None)

    def slow():
        clock.now += 0.3

    threads = run(lanes, lambda: None, slow, *[partial(together.wait, 30)] * 3)
    assert [thread is threading.current_thread() for thread in threads] == [True, True, False, False, False]


def test_what_is_slow_beside_others_does_not_count():
    clock, together = Clock(), threading.Barrier(2)
    lanes = Lanes(clock)
    is_quick = threading.Event()

    def slow():
        together.wait(30)
        assert is_quick.wait(30)
        clock.now += 0.3

    def quick():
        together.wait(30)

    def look():
        while not lanes.is_quick:
            time.sleep(0.001)
        is_quick.set()

    looking = threading.Thread(target=look)
    looking.start()
    threads = run(lanes, slow, quick, lambda: None)
    looking.join()
    assert threads[2] is threading.current_thread()


def test_nothing_is_begun_beside_a_request_that_the_drain_makes_itself():
    clock = Clock()
    lanes, on_their_way = Lanes(clock), []
    run(lanes, lambda: None)
    running = [0]

    def request():
        running[0] += 1
        on_their_way.append(running[0])
        time.sleep(0.01)
        running[0] -= 1

    run(lanes, *[request] * 5)
    assert on_their_way == [1] * 5


def slots(simulation, seed):
    return Slots(simulation.outbox, simulation.outbox, simulation.clock, random.Random(seed))


def test_a_drain_takes_slots_as_it_needs_them_and_leaves_others_theirs(simulation):
    one, other = slots(simulation, "one"), slots(simulation, "other")
    assert one.begin()
    assert other.begin()
    held = [one.slot()]
    while one.allows(len(held)):
        held.append(one.slot())
    assert len({slot.lease.name for slot in held}) == 3
    for slot in held:
        one.give_back(slot)
    one.end()
    assert slots(simulation, "third").begin()


def test_a_drain_gives_back_what_it_does_not_need_when_another_group_looks_for_a_slot(simulation):
    one, other = slots(simulation, "one"), slots(simulation, "other")
    assert one.begin()
    held = [one.slot() for number in range(4) if one.allows(number)]
    assert len(held) == 4
    assert not one.allows(4)
    assert not other.begin()
    simulation.clock.now += 2
    for slot in held[1:]:
        one.give_back(slot)
    assert not one.allows(1)
    assert other.begin()
    other.end()
    assert not one.allows(1)
    simulation.clock.now += 10
    assert one.allows(1)


@pytest.mark.parametrize("seed", range(25))
def test_random_faults_and_crashes_neither_lose_nor_double(tmp_path, seed):
    simulation = BusySimulation(tmp_path, seed, FakeDraftChannel if seed % 3 == 0 else FakeChannel)
    rng = random.Random(seed)
    for number in range(12):
        simulation.put(entry(number, str(rng.randrange(6))))
        simulation.channel.faults += [rng.choice(list(FAULTS.values())[:3])] * rng.randrange(2)
        fuse = {"left": rng.randrange(1, 40), "after": rng.random() < 0.5}
        simulation.run(rng.uniform(0, GUARD), simulation.crashing(fuse))
    simulation.run(20_000)
    assert sorted(simulation.channel.delivered()) == refs(*range(12))
    assert simulation.outbox.counts().open == 0
    simulation.close()
