"""Each step of an entry's life leaves a line with its ids: one query over the log gives an event's whole story."""

import json
from pathlib import Path
from typing import get_args

import pytest

from bridge.errors import AccessRefused, ContentRefused, NotSent, OutcomeUnknown, ThreadGone
from bridge.publishing.transitions import LAG
from bridge.steps import Step
from tests.outbox_stand_ins import START, entry, token_of
from tests.publishing_simulation import Simulation

IDS = {"entry": entry(1).id, "group": "g", "source": "github", "kind": entry(1).kind, "delivery": "1"}
IDS |= {"correlation_key": "one"}


@pytest.fixture
def simulation(tmp_path):
    made = Simulation(tmp_path)
    yield made
    made.close()


@pytest.fixture
def steps(steps):
    """Without the tokens of attempts, which are random."""
    return lambda: [(level, {name: ids[name] for name in ids if name != "token"}) for level, ids in steps()]


def line(level, step, **more):
    return level, {"step": step, **IDS, **more}


RECORDED = line("INFO", "recorded")
PLANNED = line("INFO", "planned")
DELIVERED, DELIVERED_AGAIN = (line("INFO", "delivered", thread=f"thread-{number}") for number in (1, 2))


def test_a_delivery_without_faults(simulation, steps):
    simulation.put(entry(1), entry(1))
    simulation.run(10)
    assert steps() == [RECORDED, line("INFO", "repeat"), PLANNED, DELIVERED]


def test_a_posts_last_line_leads_to_the_log(simulation, caplog):
    caplog.set_level("INFO")
    simulation.channel.faults = [(True, OutcomeUnknown("504"))]
    simulation.put(entry(1))
    simulation.run(100)
    token = token_of(simulation.channel.posts[0][1])
    found = [json.loads(line.message) for line in caplog.records if token in line.message]
    assert [(ids["step"], ids["entry"]) for ids in found] == [("unknown", entry(1).id), ("delivered", entry(1).id)]


def test_an_entry_that_was_not_sent_says_why_and_when_it_is_tried_again(simulation, steps):
    simulation.channel.faults = [NotSent("no way")]
    simulation.put(entry(1))
    simulation.run(20)
    deferred = line("WARNING", "deferred", due=START + 10, reason="no way")
    assert steps() == [RECORDED, PLANNED, deferred, PLANNED, DELIVERED_AGAIN]


def test_an_unknown_outcome_says_what_was_found(simulation, steps):
    simulation.channel.faults = [OutcomeUnknown("504")]
    simulation.put(entry(1))
    simulation.run(100)
    found = steps()
    assert [(level, ids["step"], ids.get("reason")) for level, ids in found] == [
        ("INFO", "recorded", None),
        ("INFO", "planned", None),
        ("WARNING", "unknown", "504"),
        ("WARNING", "deferred", "It is not in the group: it is sent again."),
        ("INFO", "planned", None),
        ("INFO", "delivered", None),
    ]
    assert all(ids.items() >= IDS.items() for _, ids in found)


def test_a_lookup_without_an_answer_says_why(simulation, steps):
    simulation.channel.faults, simulation.channel.find_faults = (
        [(True, OutcomeUnknown("504"))],
        [OutcomeUnknown("too many pages")],
    )
    simulation.put(entry(1))
    simulation.run(100)
    reasons = [(ids["step"], ids.get("reason")) for level, ids in steps() if level == "WARNING"]
    assert reasons == [("unknown", "504"), ("unknown", "too many pages")]
    assert steps()[-1] == DELIVERED


def test_a_group_on_hold_says_so_for_each_entry_that_waits(simulation, steps):
    simulation.channel.faults = [AccessRefused("403: no")]
    simulation.put(entry(1), entry(2, "two"))
    simulation.run(20)
    held = [ids for _, ids in steps() if ids["step"] == "held"]
    assert [(ids["entry"], ids["correlation_key"], ids["reason"]) for ids in held] == [
        (entry(1).id, "one", "403: no"),
        (entry(2).id, "two", "403: no"),
    ]


def test_a_thread_that_is_gone_says_so(simulation, steps):
    simulation.put(entry(1))
    simulation.run(100)
    simulation.channel.faults = [ThreadGone("404: no such thread")]
    simulation.put(entry(2))
    simulation.run(100)
    (deferred,) = [ids for level, ids in steps() if level == "WARNING"]
    reason = {"entry": entry(2).id, "step": "deferred", "thread": "thread-1", "reason": "404: no such thread"}
    assert deferred.items() >= reason.items()
    assert deferred["due"] > START + 105 + LAG


def test_refused_content_is_tried_by_itself_and_its_dead_letter_is_an_error(simulation, steps):
    simulation.channel.faults = [ContentRefused("400: bad HTML")] * 2
    simulation.put(entry(1), entry(2))
    simulation.run(20)
    bad = [(level, ids["step"], ids["entry"]) for level, ids in steps() if ids.get("reason") == "400: bad HTML"]
    assert bad == [
        ("WARNING", "deferred", entry(1).id),
        ("WARNING", "deferred", entry(2).id),
        ("ERROR", "dead", entry(1).id),
    ]


def test_a_requeued_entry_goes_on_with_the_same_ids(simulation, steps):
    simulation.channel.faults = [ContentRefused("400: bad HTML")]
    simulation.put(entry(1))
    simulation.run(20)
    simulation.publisher.requeue(*simulation.publisher.dead_letters())
    simulation.run(20)
    dead, requeued = line("ERROR", "dead", reason="400: bad HTML"), line("INFO", "requeued")
    assert steps()[2:] == [dead, requeued, PLANNED, DELIVERED_AGAIN]


def test_a_message_that_cannot_be_read_is_an_error(simulation, steps):
    simulation.publisher.handle("no JSON")
    (letter,) = simulation.publisher.dead_letters()
    nothing = dict.fromkeys(("group", "source", "kind", "delivery", "correlation_key"), "")
    assert steps() == [("ERROR", {"step": "dead", "entry": letter.id, **nothing, "reason": letter.reason})]


def test_the_docs_name_every_step():
    text = (Path(__file__).parents[1] / "docs/log.md").read_text("utf-8")
    assert [step for step in get_args(Step) if f"`{step}`" not in text] == []
