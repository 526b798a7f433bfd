"""Each step of an entry's life leaves a line with its ids: one query over the log tells an event's story."""

import pytest

from bridge.errors import AccessRefused, ContentRefused, NotSent, OutcomeUnknown, ThreadGone
from bridge.publishing.drain import LAG
from tests.delivery_world import World
from tests.outbox_stand_ins import START, entry

IDS = {"entry": entry(1).id, "group": "g", "source": "github", "delivery": "1"}


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.close()


def told(level, step, thread="one", **more):
    return level, {"step": step, **IDS, "thread": thread, **more}


RECORDED = told("INFO", "recorded")
PLANNED = told("INFO", "planned")
SENT, SENT_AGAIN = (told("INFO", "sent", thread=f"thread-{number}") for number in (1, 2))


def test_what_goes_well(world, steps):
    world.put(entry(1), entry(1))
    world.run(10)
    assert steps() == [RECORDED, told("INFO", "repeat"), PLANNED, SENT]


def test_what_did_not_leave_says_why_and_when_it_is_tried_again(world, steps):
    world.group.faults = [NotSent("no way")]
    world.put(entry(1))
    world.run(20)
    deferred = told("WARNING", "deferred", due=START + 10, reason="no way")
    assert steps() == [RECORDED, PLANNED, deferred, PLANNED, SENT_AGAIN]


def test_what_is_in_doubt_says_what_was_found(world, steps):
    world.group.faults = [OutcomeUnknown("504")]
    world.put(entry(1))
    world.run(100)
    found = steps()
    assert [(level, line["step"], line.get("reason")) for level, line in found] == [
        ("INFO", "recorded", None),
        ("INFO", "planned", None),
        ("WARNING", "deferred", "504"),
        ("WARNING", "deferred", "It is not in the group: it is sent again."),
        ("INFO", "planned", None),
        ("INFO", "sent", None),
    ]
    assert all(line.items() >= IDS.items() for _, line in found)


def test_what_cannot_be_found_out_says_why(world, steps):
    world.group.faults, world.group.find_faults = [(True, OutcomeUnknown("504"))], [OutcomeUnknown("too many pages")]
    world.put(entry(1))
    world.run(100)
    reasons = [line.get("reason") for level, line in steps() if level == "WARNING"]
    assert reasons == ["504", "too many pages"]
    assert steps()[-1] == SENT


def test_a_group_on_hold_says_so_for_each_entry_that_waits(world, steps):
    world.group.faults = [AccessRefused("403: no")]
    world.put(entry(1), entry(2, "two"))
    world.run(20)
    held = [line for level, line in steps() if line["step"] == "held"]
    assert [(line["entry"], line["thread"], line["reason"]) for line in held] == [
        (entry(1).id, "one", "403: no"),
        (entry(2).id, "two", "403: no"),
    ]


def test_a_thread_that_is_gone_says_so(world, steps):
    world.put(entry(1))
    world.run(100)
    world.group.faults = [ThreadGone("404: no such thread")]
    world.put(entry(2))
    world.run(100)
    (deferred,) = [line for level, line in steps() if level == "WARNING"]
    assert deferred.items() >= {"entry": entry(2).id, "step": "deferred", "reason": "404: no such thread"}.items()
    assert deferred["due"] > START + 105 + LAG


def test_content_that_is_refused_is_tried_alone_and_its_end_is_an_error(world, steps):
    world.group.faults = [ContentRefused("400: bad HTML")] * 2
    world.put(entry(1), entry(2))
    world.run(20)
    bad = [(level, line["step"], line["entry"]) for level, line in steps() if line.get("reason") == "400: bad HTML"]
    assert bad == [
        ("WARNING", "deferred", entry(1).id),
        ("WARNING", "deferred", entry(2).id),
        ("ERROR", "dead", entry(1).id),
    ]


def test_a_replay_goes_on_with_the_same_ids(world, steps):
    world.group.faults = [ContentRefused("400: bad HTML")]
    world.put(entry(1))
    world.run(20)
    world.publisher.replay(*world.publisher.dead_letters())
    world.run(20)
    replayed = ("INFO", {"step": "replayed", **IDS})
    assert steps()[2:] == [told("ERROR", "dead", reason="400: bad HTML"), replayed, PLANNED, SENT_AGAIN]


def test_a_message_that_cannot_be_read_is_an_error(world, steps):
    world.publisher.handle("no JSON")
    (letter,) = world.publisher.dead_letters()
    nothing = dict.fromkeys(("group", "source", "delivery", "thread"), "")
    assert steps() == [("ERROR", {"step": "dead", "entry": letter.id, **nothing, "reason": letter.reason})]
