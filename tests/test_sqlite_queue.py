import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bridge.outbox.sqlite_queue import SqliteQueue
from tests.outbox_stand_ins import Clock


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
