"""Writes that are made together, turns of drains, and wakes that a process remembers."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bridge.outbox.rows import Backoff
from bridge.outbox.sqlite import SqliteOutbox
from bridge.outbox.sqlite_queue import SqliteQueue
from bridge.outbox.together import GATHERING, SUCCESSION, Together
from bridge.publishing.turns import Turns
from bridge.publishing.waker import Waker
from tests.outbox_stand_ins import START, Clock
from tests.publishing_simulation import Crashing


class Storage:
    """Keeps what is written; the first write waits until so many others are to be written."""

    def __init__(self, others):
        self.batches, self._others = [], others
        self.is_open = threading.Event()
        self.has_begun = threading.Event()

    def write(self, items):
        self.batches.append(list(items))
        self.has_begun.set()
        assert self.is_open.wait(10)
        if len(items) > 1 and "bad" in items:
            raise ValueError
        if items == ["bad"]:
            raise LookupError
        return [f"{item} is written" for item in items]


def written_together(items, most):
    """What comes of each of the items, where all but the first come while that is being written."""
    storage = Storage(len(items) - 1)
    together = Together(storage.write, most)
    with ThreadPoolExecutor(len(items)) as pool:
        futures = [pool.submit(together.write, items[0])]
        assert storage.has_begun.wait(10)
        for number, item in enumerate(items[1:], 1):
            futures.append(pool.submit(together.write, item))
            while len(together._waiting) < number:
                pass
        storage.is_open.set()
        outcomes = [future.exception() or future.result() for future in futures]
    return outcomes, storage.batches


def test_what_comes_while_another_is_written_is_written_with_the_next():
    outcomes, batches = written_together(["a", "b", "c", "d", "e"], 3)
    assert outcomes == [f"{item} is written" for item in "abcde"]
    assert batches == [["a"], ["b", "c", "d"], ["e"]]


def test_an_error_of_one_is_not_that_of_the_others():
    (*good, bad), batches = written_together(["a", "b", "c", "bad"], 9)
    assert good == [f"{item} is written" for item in "abc"]
    assert isinstance(bad, LookupError)
    assert batches[:2] == [["a"], ["b", "c", "bad"]]
    assert sorted(batches[2:]) == [["b"], ["bad"], ["c"]]


def test_threads_that_write_in_quick_succession_wait_a_moment_for_others():
    clock, waited, batches = Clock(), [], []

    def sleep(seconds):
        waited.append(seconds)
        futures.append(pool.submit(together.write, "d"))
        while len(together._waiting) < 2:
            pass

    together = Together(lambda items: batches.append(list(items)) or items, 9, clock, sleep)
    with ThreadPoolExecutor(2) as pool:
        futures = []
        for item in "ab":
            # The same thread again: nobody else is there to wait for.
            assert together.write(item) == item
        clock.now += SUCCESSION / 2
        assert pool.submit(together.write, "c").result(10) == "c"
        assert futures[0].result(10) == "d"
        clock.now += 2 * SUCCESSION
        assert together.write("e") == "e"
    assert batches == [["a"], ["b"], ["c", "d"], ["e"]]
    assert waited == [GATHERING]


def test_who_comes_while_a_group_is_drained_has_it_drained_once_more():
    turns = Turns(Clock())
    assert turns.begin("g")
    assert turns.begin("h")
    assert not turns.goes_on("g")
    assert not turns.begin("g")
    assert not turns.begin("g")
    assert [turns.goes_on("g") for _ in range(2)] == [True, False]
    assert not turns.goes_on("h")
    turns.end("g")
    assert turns.begin("g")


@pytest.fixture
def storage(tmp_path):
    path, clock = tmp_path / "outbox.sqlite", Clock()
    outbox, queue = SqliteOutbox(path), SqliteQueue(path, clock=clock)
    yield outbox, queue, clock
    outbox.close()
    queue.close()


def test_a_wake_that_is_coming_is_known_without_a_look(storage):
    outbox, queue, clock = storage
    fuse = {"left": 0, "after": False}
    waker = Waker(Crashing(outbox, fuse), queue, clock)
    waker.ask("g", START + 5)
    calls = fuse["left"]
    for due in (4.5, 5, 300):
        waker.ask("g", START + due)
    assert (len(queue), fuse["left"]) == (1, calls)
    waker.ask("g", START + 3)
    assert len(queue) == 2
    clock.now += 5
    waker.ask("g", START + 10)
    assert len(queue) == 3


def test_a_wake_of_another_process_is_found(storage):
    outbox, queue, clock = storage
    Waker(outbox, queue, clock).ask("g", START + 5)
    other = Waker(outbox, queue, clock)
    other.ask("g", START + 5)
    assert len(queue) == 1
    promise = other.promise("g", START + 5)
    assert (promise.due, promise.row, len(queue)) == (START + 5, "", 1)


def test_an_entry_that_is_recorded_has_its_wake_noted_with_it(storage):
    outbox, queue, clock = storage
    promise = Waker(outbox, queue, clock).promise("g", START + 5)
    assert (promise.due, promise.row, len(queue)) == (START + 5, "g", 1)
    assert outbox.next_wake("g").due is None


def test_a_wake_comes_when_the_wait_of_its_group_is_over(storage):
    outbox, queue, clock = storage
    outbox.set_wait("g", Backoff(START + 60))
    Waker(outbox, queue, clock).ask("g", START + 5)
    assert queue.next_visible() == START + 60


def test_of_many_threads_one_puts_the_wake(storage):
    outbox, queue, clock = storage
    waker, together = Waker(outbox, queue, clock), threading.Barrier(8)

    def ask(_):
        together.wait()
        waker.ask("g", START + 5)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    assert len(queue) == 1
