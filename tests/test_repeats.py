"""Equal bodies: what only repeats the event before it is not posted again, and what is news is never lost."""

import contextlib
import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.entries import VERSION, to_message
from bridge.errors import ContentRefused, RowRefused
from bridge.outbox.azure import AzureOutbox
from bridge.outbox.azure_storage import Account
from bridge.outbox.rows import Newest, OpenEntry
from bridge.publishing.repeats import repeats
from tests.azurite import needs_azurite
from tests.outbox_stand_ins import START, entry, refs
from tests.publishing_simulation import Simulation
from tests.test_outbox import spoil

WINDOW = 900.0


def in_a_file(request, folder):
    return Simulation(folder)


def in_azure(request, folder):
    return Simulation(folder, outbox=AzureOutbox(Account(request.getfixturevalue("storage").account()).table()))


@pytest.fixture(params=[in_a_file, pytest.param(in_azure, marks=needs_azurite)])
def bridge(request, tmp_path):
    simulation = request.param(request, tmp_path)
    yield simulation
    simulation.close()


def arrival(number, content, at=0.0, **more):
    """An entry that was received so many seconds after the start."""
    moment = datetime.fromtimestamp(START + at, UTC)
    return entry(
        number,
        **{
            "received": moment,
            "occurred": moment,
            "content": content,
            "repeat_window": WINDOW,
            "place_window": WINDOW,
            **more,
        },
    )


def come(bridge, *entries, seconds=30.0):
    """Each comes when it was received, and is posted before the next one comes."""
    for one in entries:
        bridge.clock.now = max(bridge.clock.now, one.received.timestamp())
        bridge.put(one)
        bridge.run(seconds)


def posted(bridge):
    return bridge.channel.delivered()


def test_a_service_that_goes_down_up_and_down_again_is_posted_three_times(bridge):
    come(bridge, arrival(1, "down", 0), arrival(2, "up", 60), arrival(3, "down", 120), arrival(4, "up", 180))
    assert posted(bridge) == refs(1, 2, 3, 4)


def test_so_it_is_when_all_of_it_comes_at_once(bridge):
    bridge.put(arrival(1, "down", 0), arrival(2, "up", 1), arrival(3, "down", 2))
    bridge.run()
    assert posted(bridge) == refs(1, 2, 3)


@pytest.mark.parametrize("seconds", [0.0, 30.0])
def test_what_a_sender_sends_again_within_its_window_is_a_repeat(bridge, steps, seconds):
    come(bridge, arrival(1, "down", 0), arrival(2, "down", 5), arrival(3, "down", WINDOW), seconds=seconds)
    bridge.run()
    assert posted(bridge) == refs(1)
    assert bridge.publisher.health()["open"] == 0
    assert [record.repeat_of for number in "23" for record in bridge.outbox.history(number)] == [entry(1).id] * 2
    assert [line["repeat_of"] for _, line in steps() if line["step"] == "repeat"] == [entry(1).id] * 2


def test_after_the_window_it_is_news_however_often_it_came_within(bridge):
    come(bridge, *(arrival(number, "down", number * 600) for number in range(5)))
    assert posted(bridge) == refs(0, 2, 4)


def test_another_conversation_or_another_group_is_no_predecessor(bridge):
    come(bridge, arrival(1, "down"), arrival(2, "down", 1, thread="two"), arrival(3, "down", 2, group="h"))
    assert posted(bridge) == refs(1, 2, 3)


def test_an_event_with_a_certain_id_between_makes_it_news(bridge):
    come(bridge, arrival(1, "down"), arrival(2, "", 1), arrival(3, "down", 2))
    assert posted(bridge) == refs(1, 2, 3)


def test_an_event_that_is_recorded_late_brings_back_what_was_left_out(bridge):
    """The queue is not in order: what came between is recorded after the repeat was left out."""
    come(bridge, arrival(1, "down", 0), arrival(3, "down", 20), arrival(4, "down", 30), arrival(2, "up", 10))
    bridge.run()
    assert posted(bridge) == refs(1, 2, 3)
    assert [record.repeat_of for number in "34" for record in bridge.outbox.history(number)] == ["", entry(3).id]


def test_a_late_event_of_the_same_content_brings_nothing_back(bridge):
    come(bridge, arrival(1, "down", 0), arrival(3, "down", 20), arrival(2, "down", 10))
    bridge.run()
    assert posted(bridge) == refs(1)


def test_what_is_recorded_after_a_younger_one_is_posted(bridge):
    come(bridge, arrival(2, "down", 10), arrival(1, "down", 0))
    assert sorted(posted(bridge)) == refs(1, 2)


def test_a_dead_letter_is_no_predecessor_and_is_posted_when_it_is_requeued(bridge):
    bridge.channel.faults = [ContentRefused("400: no")]
    come(bridge, arrival(1, "down", 0), arrival(2, "down", 10))
    assert posted(bridge) == refs(2)
    (letter,) = bridge.publisher.dead_letters()
    bridge.publisher.requeue(letter)
    bridge.run()
    assert posted(bridge) == refs(2, 1)


def signed(number, place, at=0.0, **more):
    return arrival(number, "body", at, place=place, **more)


def test_a_replay_in_another_group_is_a_repeat(bridge):
    replay = signed(2, "ops", 10, group="h", thread="two")
    come(bridge, signed(1, "home"), replay, replay)
    assert posted(bridge) == refs(1)
    (record,) = bridge.outbox.history("2")
    assert (record.group, record.repeat_of) == ("h", entry(1).id)


def test_so_it_is_under_another_key_of_the_same_group(bridge):
    come(bridge, signed(1, "home"), signed(2, "forged", 10, thread="two"))
    assert posted(bridge) == refs(1)


def test_what_a_route_sends_to_two_groups_is_no_replay(bridge):
    come(bridge, signed(1, "home"), signed(2, "home", group="h"), signed(3, "home", 9, group="h"))
    assert posted(bridge) == refs(1, 2)


def test_replays_do_not_silence_the_place_that_the_body_went_to_first(bridge):
    come(
        bridge,
        signed(1, "home", 0),
        signed(2, "ops", 2000, group="h", thread="two"),  # after the window, as news
        arrival(3, "other", 2050),
        signed(4, "home", 2100),
    )
    assert posted(bridge) == refs(1, 2, 3, 4)


def test_a_certain_id_in_another_group_is_a_replay_as_long_as_the_history_lasts(bridge):
    certain = {"repeat_window": 0.0, "place_window": 1e9}
    come(bridge, signed(1, "home", **certain), signed(2, "ops", 86400 * 20, group="h", **certain))
    assert posted(bridge) == refs(1)


def test_a_row_that_cannot_be_read_is_a_dead_letter_and_the_others_are_posted(bridge):
    bridge.put(entry(1), entry(2), entry(3))
    for _ in range(3):
        bridge.publisher.handle(bridge.queue.take(600).body)
    newer = json.loads(to_message(entry(2))) | {"version": VERSION + 1}
    spoil(bridge.outbox, entry(2).id, "message", json.dumps(newer))
    bridge.run()
    assert posted(bridge) == refs(1, 3)
    (letter,) = bridge.publisher.dead_letters()
    assert (letter.id, letter.group, json.loads(letter.message)) == (entry(2).id, "g", newer)
    assert "upgrade" in letter.reason
    assert bridge.publisher.health()["dead"] == 1
    assert bridge.publisher.health()["open"] == 0


class Refusing:
    """An outbox that fails for one entry."""

    def __init__(self, inner, method, entry_id, error):
        self._inner, self._method, self._entry_id, self._error = inner, method, entry_id, error

    def __getattr__(self, name):
        method = getattr(self._inner, name)
        return method if name != self._method else lambda first, *rest: self._call(method, first, *rest)

    def _call(self, method, first, *rest):
        rows = first if isinstance(first, list | tuple) else [first]
        if self._entry_id in {getattr(row, "entry", row).id for row in rows}:
            raise self._error
        return method(first, *rest)


def test_an_entry_that_storage_refuses_is_a_dead_letter_at_once_and_the_others_are_posted(bridge):
    outbox = Refusing(bridge.outbox, "record", entry(2).id, RowRefused("Storage refuses the row: too large."))
    bridge.publisher = bridge.make(outbox)
    bridge.put(entry(1), entry(2), entry(3))
    bridge.run(60)
    assert posted(bridge) == refs(1, 3)
    (letter,) = bridge.publisher.dead_letters()
    assert (letter.id, letter.message, letter.reason) == (
        entry(2).id,
        to_message(entry(2)),
        "Storage refuses the row: too large.",
    )


def test_an_entry_that_cannot_be_noted_as_delivered_does_not_stop_its_group(bridge):
    outbox = Refusing(bridge.outbox, "finish", entry(2).id, RowRefused("Storage refuses the row: too large."))
    bridge.publisher = bridge.make(outbox)
    bridge.put(entry(1), entry(2), entry(3))
    bridge.run(600)
    bridge.put(entry(4))
    bridge.run(600)
    assert posted(bridge) == refs(1, 2, 3, 4)
    (letter,) = bridge.publisher.dead_letters()
    assert letter.reason == "It was posted, but not noted as delivered. Storage refuses the row: too large."


def test_all_others_of_a_long_digest_are_noted_as_delivered_at_once(tmp_path):
    with contextlib.closing(Simulation(tmp_path)) as bridge:
        bridge.publisher = bridge.make(Refusing(bridge.outbox, "finish", entry(2).id, RowRefused("Too large.")))
        bridge.put(*(entry(number, str(number)) for number in range(100)))
        bridge.run(10)
        assert sorted(posted(bridge)) == refs(*range(100))
        assert bridge.outbox.counts().open == 0
        assert [letter.id for letter in bridge.publisher.dead_letters()] == [entry(2).id]


@pytest.mark.parametrize(
    ("error", "dead"),
    [(RowRefused("no"), True), (TypeError("no"), True), (sqlite3.OperationalError("no"), False)],
    ids=["refused", "our own fault", "a fault of storage"],
)
def test_one_poisoned_message_stops_neither_the_others_nor_the_purge(bridge, error, dead):
    for number in (1, 2, 3):
        bridge.put(entry(number))
        bridge.queue.poison(bridge.queue.take(600))
    bridge.outbox.record(entry(9), START - 40 * 86400, START)
    broken = bridge.make(Refusing(bridge.outbox, "record", entry(2).id, error))
    broken.sweep()
    bridge.run(60)
    assert posted(bridge)[:2] == refs(1, 3)
    assert [letter.id for letter in bridge.publisher.dead_letters() if letter.group] == [entry(2).id] * isinstance(
        error, RowRefused
    )
    assert bridge.publisher.health()["dead"] == dead
    assert len(bridge.queue.poisoned()) == (not dead)
    # The purge took place: the worker that comes next does not do it again on this day.
    assert bridge.outbox.acquire("slots", "purge", "me", bridge.clock.now, bridge.clock.now + 1).owner != "me"
    bridge.publisher.sweep()
    assert bridge.queue.poisoned() == []


def test_repeats_are_found_in_the_order_in_which_they_were_received():
    rows = [
        OpenEntry(arrival(number, content, at), START, START)
        for number, content, at in (
            (4, "up", 3),
            (1, "down", 0),
            (3, "down", 2),
            (2, "down", 1),
            (5, "", 4),
            (6, "", 5),
        )
    ]
    found = [(row.entry.id, of.id) for row, of in repeats(rows, Newest())]
    assert found == [(entry(2).id, entry(1).id), (entry(3).id, entry(1).id)]
    before = Newest("before", "down", START)
    assert [of.id for _, of in repeats(rows, before)] == ["before"] * 3


def test_what_may_have_been_posted_is_no_repeat():
    first, second = (OpenEntry(arrival(number, "down", number), START, START) for number in (1, 2))
    assert len(repeats([first, second], Newest())) == 1
    assert repeats([first, replace(second, attempt="a")], Newest()) == []
