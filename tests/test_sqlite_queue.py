import contextlib
import shutil
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bridge.outbox.base import Message
from bridge.outbox.sqlite import SqliteOutbox
from bridge.outbox.sqlite_queue import SqliteQueue
from tests.outbox_stand_ins import START, Clock

BEFORE = f"""
CREATE TABLE message (
  id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, body TEXT NOT NULL, visible REAL NOT NULL,
  dequeue_count INTEGER NOT NULL DEFAULT 0, receipt TEXT NOT NULL DEFAULT '');
INSERT INTO message (queue, body, visible, dequeue_count) VALUES
  ('entries', 'first', 0, 2), ('entries', 'late', {START + 90}, 0), ('entries-poison', 'poison', 0, 5)
"""


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def queue(tmp_path, clock):
    made = SqliteQueue(tmp_path / "new" / "folder" / "q.sqlite", clock=clock)
    yield made
    made.close()


def test_messages_come_in_the_order_in_which_they_become_visible(queue, clock):
    for body, delay in (("late", 10), ("first", 0), ("second", 0)):
        queue.put(body, delay)
    assert [queue.take(60).body, queue.take(60).body, queue.take(60)] == ["first", "second", None]
    assert queue.next_visible() == clock.now + 10
    clock.now += 10
    assert queue.take(60).body == "late"


def test_a_message_comes_again_when_its_lease_is_over(queue, clock):
    queue.put("x")
    first = queue.take(5)
    clock.now += 5
    second = queue.take(5)
    assert (first.dequeue_count, second.dequeue_count, first.id) == (1, 2, second.id)
    stale = [queue.delete(first), queue.renew(first, 1), queue.retry(first, 1), queue.poison(first)]
    assert not any(stale)
    assert queue.delete(second)
    assert (len(queue), queue.next_visible()) == (0, None)


def test_a_lease_can_be_renewed(queue, clock):
    queue.put("x")
    message = queue.take(5)
    assert queue.renew(message, 60)
    clock.now += 30
    assert queue.take(5) is None


def test_a_message_that_is_given_back_comes_after_the_delay(queue, clock):
    queue.put("x")
    message = queue.take(60)
    assert queue.retry(message, 3)
    assert not queue.delete(message)
    assert queue.take(1) is None
    clock.now += 3
    assert queue.take(1).dequeue_count == 2


def test_poison_goes_to_a_queue_of_its_own(queue, tmp_path, clock):
    queue.put("x")
    assert queue.poison(queue.take(60))
    assert len(queue) == 0
    (poisoned,) = queue.poisoned()
    assert poisoned.body == "x"
    other = SqliteQueue(tmp_path / "new" / "folder" / "q.sqlite", "entries-poison", clock)
    assert len(other) == 1
    other.close()
    assert queue.delete(poisoned)
    assert queue.poisoned() == []


def test_queues_of_one_file_do_not_mix(queue, tmp_path, clock):
    other = SqliteQueue(tmp_path / "new" / "folder" / "q.sqlite", "other", clock)
    other.put("x")
    assert (len(queue), queue.take(1), len(other)) == (0, None, 1)
    other.close()


def test_a_file_that_is_deleted_in_use_is_made_again_for_every_thread(tmp_path):
    path = tmp_path / "made/outbox.sqlite"
    queue = SqliteQueue(path)
    queue.put("lost")
    shutil.rmtree(path.parent)
    with ThreadPoolExecutor(1) as other:
        other.submit(queue.put, "one").result()
    assert queue.take(60).body == "one"
    SqliteQueue(path).put("two")
    assert queue.take(60).body == "two"


def test_the_messages_of_an_earlier_version_are_moved_out_of_the_outbox(tmp_path, clock):
    path = tmp_path / "outbox.sqlite"
    SqliteOutbox(path).close()
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.executescript(BEFORE)
    for _ in range(2):
        with contextlib.closing(SqliteQueue(path, clock=clock)) as queue:
            assert len(queue) == 2
            assert [message.body for message in queue.poisoned()] == ["poison"]
    with contextlib.closing(SqliteQueue(path, clock=clock)) as queue:
        assert [(one.body, one.dequeue_count) for one in queue.exchange([], 60, 9)] == [("first", 3)]
        clock.now += 100
        assert {one.body for one in queue.exchange([], 60, 9)} == {"first", "late"}


def test_messages_are_put_removed_and_taken_together(queue, clock):
    queue.put_all(["one", "two", "three"])
    taken = queue.exchange([], 60, 2)
    assert [(one.body, one.dequeue_count) for one in taken] == [("one", 1), ("two", 1)]
    assert [one.body for one in queue.exchange(taken, 60, 5)] == ["three"]
    assert (len(queue), queue.exchange([], 60, 5)) == (1, [])
    # A message whose lease is over is not removed by the one who had it.
    clock.now += 61
    (again,) = queue.exchange([], 60, 5)
    assert again.dequeue_count == 2
    queue.exchange([*taken, Message(again.id, "", 1, "stale")], 60, 0)
    assert len(queue) == 1
    # One that is done is removed, whether or not there is another to take.
    assert queue.exchange([again], 60, 5) == []
    assert len(queue) == 0


def test_a_queue_that_is_closed_in_use_is_opened_again(queue):
    ends = time.monotonic() + 0.5

    def work():
        while time.monotonic() < ends:
            # A statement of the moment may find its connection closed. Python itself must not end.
            with contextlib.suppress(sqlite3.ProgrammingError):
                queue.put_all(["x"])
                queue.exchange(queue.exchange([], 60, 1), 60, 0)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    while time.monotonic() < ends:
        queue.close()
        time.sleep(0.0005)
    for thread in threads:
        thread.join()
    queue.put("last")
    assert queue.next_visible() is not None


def test_each_message_is_taken_by_one_of_many_threads(queue):
    taken = []

    def work():
        while message := queue.take(600):
            taken.append(message.body)

    for number in range(100):
        queue.put(str(number))
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken, key=int) == [str(number) for number in range(100)]
