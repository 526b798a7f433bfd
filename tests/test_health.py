"""Health says what is wrong, and costs next to nothing to ask."""

import itertools
import json
import threading
from collections import Counter

import pytest

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.entries import to_message
from bridge.errors import AccessRefused, NotSent
from bridge.events import Webhook
from bridge.outbox.rows import WATCHDOG
from bridge.recent_faults import WINDOW, RecentFaults
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests.local_stack import SECRET
from tests.outbox_stand_ins import START, Clock, entry, refs
from tests.publishing_simulation import NOTHING_OPEN, Simulation
from tests.test_receiver import ISSUE

GROUP = "00000000-0000-4000-8000-0000000000d0"


@pytest.fixture
def simulation(tmp_path):
    made = Simulation(tmp_path)
    yield made
    made.close()


def problems(simulation):
    return simulation.publisher.condition()["problems"]


def forget_wakes(simulation):
    simulation.clock.now += 10
    while message := simulation.queue.take(1):
        simulation.queue.delete(message)


def test_all_is_well_before_the_first_sweep_and_after_it(simulation):
    nothing = {"overdue": {}, "poison": 0, "problems": []}
    assert simulation.publisher.condition() == {**nothing, "sweep": {"at": None, "age": None}}
    simulation.put(entry(1))
    simulation.run(400)
    sweep = {"at": "2027-01-15T08:05:00+00:00", "age": 100}
    assert simulation.publisher.condition() == {**nothing, "sweep": sweep}


def test_a_group_whose_entries_wait_too_long_is_named_until_they_are_posted(simulation):
    for number in range(3):
        simulation.publisher.handle(to_message(entry(number)))
    forget_wakes(simulation)
    simulation.clock.now = START + 306
    simulation.publisher.sweep()
    condition = simulation.publisher.condition()
    assert condition["overdue"] == {"g": {"open": 3, "since": "2027-01-15T08:00:05+00:00"}}
    assert condition["problems"] == ["3 entries of the group g wait longer than they should."]
    # The sweep has woken it. No other one is needed to see that all is well again.
    simulation.run(5)
    assert simulation.channel.delivered() == refs(0, 1, 2)
    assert problems(simulation) == []


def test_what_a_drain_has_left_is_named_without_a_sweep_when_it_should_have_been_done(simulation):
    simulation.channel.faults = [NotSent("no")]
    simulation.put(entry(1))
    simulation.run(6)
    assert problems(simulation) == []  # it is deferred
    forget_wakes(simulation)
    simulation.clock.now = START + 400
    assert problems(simulation) == ["1 entries of the group g wait longer than they should."]


@pytest.mark.parametrize("fault", [NotSent("429", 3000.0), AccessRefused("403: no")], ids=["a backoff", "a hold"])
def test_entries_of_a_group_that_has_to_wait_are_not_late(simulation, fault):
    simulation.channel.faults = [fault] * 8
    simulation.put(entry(1), entry(2, "two"))
    simulation.run(1200)
    assert simulation.channel.delivered() == []
    assert simulation.publisher.condition()["overdue"] == {}


def test_an_entry_that_waits_for_another_of_its_thread_is_not_late(simulation):
    simulation.channel.faults = [NotSent("no")] * 9
    simulation.put(entry(1))
    simulation.run(900)
    simulation.put(entry(2))  # of the same thread: due at once, but the first is tried again in five minutes only
    simulation.run(250)
    simulation.publisher.summarise()
    assert problems(simulation) == []


def test_a_paused_group_is_not_late(simulation):
    simulation.publisher = simulation.make(paused=frozenset({"g"}))
    simulation.put(entry(1))
    simulation.run(3600)
    assert problems(simulation) == []


def test_a_group_on_hold_is_named_until_it_recovers(simulation):
    simulation.channel.faults = [AccessRefused("403: no")]
    simulation.put(entry(1))
    simulation.run(10)
    assert problems(simulation) == ["The group g is on hold."]
    simulation.run(60)
    assert problems(simulation) == []


def test_a_sweep_that_does_not_come_is_reported_with_its_age(simulation):
    simulation.run(310)
    simulation.clock.now += 880
    assert problems(simulation) == []
    simulation.clock.now += 11
    assert problems(simulation) == ["There was no sweep for 15 minutes: it is due every five."]
    assert simulation.publisher.condition()["sweep"]["age"] == 901
    simulation.publisher.sweep()
    assert problems(simulation) == []


def test_a_sweep_that_never_came_is_reported_too(simulation):
    simulation.clock.now += 901
    assert problems(simulation) == ["There was no sweep for 15 minutes: it is due every five."]


def test_a_sweep_that_fails_halfway_does_not_count(simulation):
    simulation.clock.now += 901
    simulation.queue.poisoned = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        simulation.publisher.sweep()
    assert len(problems(simulation)) == 1


def test_messages_that_cannot_be_taken_back_are_reported(simulation):
    simulation.queue.put(to_message(entry(1)))
    simulation.queue.poison(simulation.queue.take(1))
    record, simulation.outbox.record = simulation.outbox.record, lambda *_: (_ for _ in ()).throw(OSError("no"))
    simulation.publisher.sweep()
    assert problems(simulation) == ["1 messages of the poison queue could not be taken back."]
    simulation.outbox.record = record
    simulation.publisher.sweep()
    assert problems(simulation) == []


def test_an_outbox_that_cannot_be_written_is_reported(simulation):
    simulation.outbox.probe = lambda _: (_ for _ in ()).throw(OSError("No space left on device"))
    assert problems(simulation) == ["The outbox cannot be written: OSError."]


def test_an_outbox_that_cannot_even_be_opened_is_reported(tmp_path):
    settings = Settings.from_env({"BRIDGE_GROUP": GROUP, "BRIDGE_OUTBOX": str(tmp_path)})
    bridge = Bridge(Configuration.of(settings))
    report = bridge.health()
    assert (report["ok"], report["problems"]) == (False, ["The outbox cannot be read: OutboxError."])
    assert not bridge.is_well()


class Counted:
    """An outbox that counts the calls."""

    def __init__(self, inner):
        self._inner, self.calls = inner, Counter()

    def __getattr__(self, name):
        method = getattr(self._inner, name)

        def call(*args):
            self.calls[name] += 1
            return method(*args)

        return call


@pytest.fixture
def bridge(simulation):
    settings = {"BRIDGE_GROUP": GROUP, "BRIDGE_GITHUB_SECRET": SECRET}
    return Bridge(Configuration.of(Settings.from_env(settings)), simulation.publisher)


def test_anyone_who_asks_costs_one_look_at_the_summary_in_five_seconds(simulation, bridge):
    counted = Counted(simulation.outbox)
    bridge._publisher = simulation.make(counted)
    for number in range(50):
        simulation.outbox.record(entry(number, str(number), f"group {number % 5}"), START, START)
    simulation.publisher.summarise()
    threads = [threading.Thread(target=bridge.is_well) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted.calls == {"probe": 1, "summaries": 1}


def test_both_answers_are_of_one_mind(simulation, bridge):
    assert bridge.is_well()
    simulation.channel.faults = [AccessRefused("403: no")]
    simulation.put(entry(1))
    simulation.run(10)
    assert bridge.is_well()  # five seconds have not passed
    report = bridge.health()
    assert (report["ok"], report["problems"]) == (False, ["The group g is on hold."])
    assert not bridge.is_well()


def test_webhooks_that_were_answered_with_503_are_reported_for_ten_minutes(bridge, monkeypatch):
    monkeypatch.setattr(bridge.faults, "_clock", clock := Clock())
    object.__setattr__(bridge.receiver, "clock", lambda: 1 / 0)
    body = json.dumps(ISSUE).encode()
    headers = {**SOURCES["github"].headers("issues", "d"), **SOURCES["github"].verifier.sign(body, SECRET)}
    answers = [bridge.receiver.receive("github", Webhook(headers, body)).status for _ in range(2)]
    assert answers == [503, 503]
    assert bridge.health()["problems"] == ["Webhooks of github were answered with 503. (2 in the last minutes)"]
    clock.now += WINDOW + 1
    assert bridge.health()["problems"] == []


def test_a_webhook_that_is_refused_is_the_senders_fault(bridge):
    assert bridge.receiver.receive("github", Webhook({}, b"{}")).status == 401
    assert bridge.health()["problems"] == []


def test_faults_without_end_are_bounded():
    faults = RecentFaults()
    for number in range(1000):
        faults.note(f"fault {number}")
    assert len(faults.report()) == 100


# The watchdog.


def every(simulation, minutes, authorise=lambda: None):
    simulation.publisher = simulation.make(watchdog=minutes * 60.0)
    simulation.publisher._watchdog._authorise = authorise
    return simulation


def test_a_watchdog_goes_all_the_way_but_is_not_posted(simulation):
    tokens = itertools.count()
    every(simulation, 15, lambda: next(tokens))
    simulation.run(6 * 3600)
    assert simulation.channel.posts == []
    assert next(tokens) == 24
    assert simulation.publisher.condition()["watchdog"]["age"] <= 15 * 60
    assert simulation.publisher.health() == NOTHING_OPEN
    (record, *_) = simulation.outbox.history("watchdog 2027-01-15 08:05:00")
    assert record.thread == "watchdog"


def test_there_is_no_watchdog_unless_it_is_wanted(simulation):
    simulation.run(3600)
    assert simulation.outbox.tally() == {}
    assert "watchdog" not in simulation.publisher.condition()


def test_a_watchdog_that_does_not_come_through_is_reported(simulation):
    every(simulation, 15)
    simulation.run(400)
    # The queue's messages are not handled any more.
    forget_wakes(simulation)
    simulation.queue.put = lambda *_: None
    simulation.run(3600)
    assert problems(simulation) == ["The watchdog has not come through for 62 minutes: it is sent every 15."]


def test_a_watchdog_shows_that_the_identity_gets_no_token(simulation):
    def refused():
        raise AccessRefused("AADSTS700082: the sign-in has expired")

    every(simulation, 15, refused)
    simulation.run(3600)
    assert "AADSTS700082" in simulation.publisher.health()["held"][WATCHDOG]["reason"]
    assert simulation.publisher.health()["open"] == 1  # they do not pile up
    assert any("on hold" in problem for problem in problems(simulation))
    simulation.publisher._watchdog._authorise = lambda: None
    simulation.run(3600)
    assert problems(simulation) == []
