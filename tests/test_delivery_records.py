"""What is known of every webhook, in both storages: written once more, found, filtered, paged and forgotten."""

import json
import time
from dataclasses import replace

import pytest

from bridge.deliveries import (
    DeliveryFilter,
    DeliveryRecord,
    EventRecord,
    Outcome,
    RouteTrial,
    from_text,
    record_id,
    to_text,
    within_limits,
)
from bridge.entries import from_message, to_message
from bridge.limits import MAX_MESSAGE, MAX_RECORD
from tests.azurite import needs_azurite
from tests.outbox_stand_ins import START, Clock, entry
from tests.test_outbox import in_a_file, in_azure, recorded, thread

EVENT = EventRecord(
    kind="pull_request.opened",
    title="Stop the pump",
    severity="info",
    correlation_key="repo 1#2",
    route="route 1 matches: severity >= 'info'",
    trials=(RouteTrial(1, "severity >= 'info'", "matches", "severity = info"),),
    groups=("g", "h"),
    entries=("a" * 32, "b" * 32),
)


def delivery(number, outcome=Outcome.ACCEPTED, **changes):
    at = START + number
    record = DeliveryRecord(
        id=record_id(at, f"{number:05x}"),
        at=at,
        source="github",
        outcome=outcome,
        status=202 if outcome is Outcome.ACCEPTED else 200,
        reason="route 1 matches",
        delivery=f"delivery {number}",
        event="pull_request",
        kind="pull_request.opened",
        size=4711,
        authentication="HMAC-SHA256 in X-Hub-Signature-256",
        took=0.00123,
        headers=(("x-github-event", "pull_request"),),
    )
    return replace(record, **changes)


@pytest.fixture(params=[in_a_file, pytest.param(in_azure, marks=needs_azurite)])
def outbox(request):
    outbox, queue = request.param(request, Clock())
    yield outbox
    outbox.close()
    queue.close()


def listed(outbox, limit=50, before="", **wanted):
    return [record.delivery for record in outbox.deliveries(DeliveryFilter(**wanted), limit, before).records]


def test_a_record_comes_back_as_it_was_written_however_often(outbox):
    record = delivery(1, events=(EVENT,), count_events=1)
    for _ in range(2):
        outbox.note_delivery(record)
    assert outbox.deliveries(DeliveryFilter(), 50).records == (record,)


def test_the_newest_come_first_a_page_at_a_time(outbox):
    for number in (3, 1, 5, 2, 4):
        outbox.note_delivery(delivery(number))
    first = outbox.deliveries(DeliveryFilter(), 2)
    assert [record.delivery for record in first.records] == ["delivery 5", "delivery 4"]
    second = outbox.deliveries(DeliveryFilter(), 2, first.following)
    assert [record.delivery for record in second.records] == ["delivery 3", "delivery 2"]
    third = outbox.deliveries(DeliveryFilter(), 2, second.following)
    assert ([record.delivery for record in third.records], third.following) == (["delivery 1"], "")
    assert outbox.deliveries(DeliveryFilter(), 5).following == ""


def test_records_are_filtered(outbox):
    outbox.note_delivery(delivery(1, events=(EVENT,)))
    outbox.note_delivery(delivery(2, Outcome.DROPPED, reason="Route 2 drops it", source="gitlab"))
    outbox.note_delivery(delivery(3, Outcome.REFUSED, reason="The signature does not match this body", kind=""))
    assert listed(outbox, source="gitlab") == ["delivery 2"]
    assert listed(outbox, outcome="refused") == ["delivery 3"]
    assert listed(outbox, group="h") == ["delivery 1"]
    assert listed(outbox, group="hh") == []
    assert listed(outbox, since=START + 2) == ["delivery 3", "delivery 2"]
    assert listed(outbox, until=START + 2) == ["delivery 2", "delivery 1"]
    assert listed(outbox, text="PUMP stop") == ["delivery 1"]
    assert listed(outbox, text="signature") == ["delivery 3"]
    assert listed(outbox, text="%") == []
    assert listed(outbox, source="github", outcome="accepted", text="repo 1#2", group="g", since=START) == [
        "delivery 1"
    ]


def test_pages_of_filtered_records_lose_none(outbox):
    for number in range(9):
        outbox.note_delivery(delivery(number, source="gitlab" if number % 3 else "github", events=(EVENT,)))
    for wanted in (
        DeliveryFilter("gitlab"),
        DeliveryFilter("gitlab", text="pump"),
        DeliveryFilter("gitlab", group="g"),
    ):
        found, before = [], ""
        while True:
            page = outbox.deliveries(wanted, 2, before)
            found += page.records
            before = page.following
            if not before:
                break
        assert [record.delivery for record in found] == [f"delivery {number}" for number in (8, 7, 5, 4, 2, 1)]


def test_a_webhook_is_found_by_every_id_that_a_person_has(outbox):
    record, other = delivery(1, events=(EVENT,)), delivery(900, delivery="delivery 1")
    outbox.note_delivery(record)
    outbox.note_delivery(other)
    assert outbox.find_deliveries("delivery 1") == [record, other]
    for asked in (record.id, record.id[:12], "a" * 32, "b" * 12):
        assert outbox.find_deliveries(asked) == [record]
    for nothing in ("", "delivery 2", "c" * 12, "a" * 7, "' or 1 = 1 --", "%"):
        assert outbox.find_deliveries(nothing) == []


def test_records_expire_with_the_history(outbox):
    for number in (0, 100):
        entries = (f"{number:032x}",)
        outbox.note_delivery(delivery(number, events=(replace(EVENT, entries=entries, groups=("g",)),)))
    outbox.purge(START + 50, START)
    assert listed(outbox) == ["delivery 100"]
    assert outbox.find_deliveries(f"{0:032x}") == outbox.find_deliveries("delivery 0") == []
    assert len(outbox.find_deliveries(f"{100:032x}")) == len(outbox.find_deliveries("delivery 100")) == 1


def test_what_became_of_entries_is_joined_by_their_ids(outbox):
    row, _ = recorded(outbox), recorded(outbox, 2)
    (changed,) = outbox.change([replace(row, tries=3, answer="Graph answered 503.", attempt="a1b2c3d4e5f60718")])
    assert outbox.open_entries("g")[0].answer == "Graph answered 503."
    outbox.finish([changed], [thread("k", posted=START + 9)])
    rows = outbox.rows_of({entry(1).id: "g", entry(2).id: "g", entry(3).id: "g"})
    assert rows.keys() == {entry(1).id, entry(2).id}
    known = rows[entry(1).id]
    assert (known.thread, known.posted, known.tries, known.answer) == ("t", START + 9, 3, "Graph answered 503.")
    assert (rows[entry(2).id].thread, rows[entry(2).id].posted) == ("", 0.0)


def test_a_record_travels_as_a_queue_message():
    record = delivery(1, events=(EVENT,), count_events=1)
    assert from_message(to_message(record)) == record


@pytest.mark.parametrize("text", ["\U0001f600" * 999, '"' * 999, "\x01" * 999, "\ud800" * 999, "a\u2028\0" * 99])
def test_whatever_a_webhook_holds_its_record_fits(text):
    trials = (RouteTrial(1, text, text, text),) * 99
    event = EventRecord(text, text, text, text, text, trials, ("g" * 36,) * 999, ("e" * 32,) * 999)
    names = ("reason", "delivery", "event", "kind")
    record = within_limits(delivery(1, events=(event,) * 99, **dict.fromkeys(names, text)))
    stored = to_text(record)
    assert len(stored.encode()) <= MAX_RECORD
    assert len(to_message(record).encode()) <= MAX_MESSAGE
    assert from_text(stored).id == record.id


def test_fields_of_a_newer_version_are_left_out():
    record = delivery(1, events=(EVENT,))
    fields = json.loads(to_text(record))
    newer = fields | {"weather": "fine", "events": [fields["events"][0] | {"mood": "good"}]}
    assert from_text(json.dumps(newer)) == record


def many(outbox, count=10_000):
    for number in range(count):
        changes = {"source": "gitlab"} if number % 10 == 0 else {}
        event = replace(
            EVENT, title=f"Title {number}", entries=(f"{number:032x}",), groups=("g" if number % 100 else "h",)
        )
        outbox.note_delivery(delivery(number, events=(event,), **changes))


def costs(outbox, count=10_000):
    """Seconds of processor time of each thing that is asked of so many records."""
    asked = {
        "list": lambda: outbox.deliveries(DeliveryFilter(), 50).records,
        "by source": lambda: outbox.deliveries(DeliveryFilter(source="gitlab"), 50).records,
        "by group": lambda: outbox.deliveries(DeliveryFilter(group="h"), 50).records,
        "by time": lambda: outbox.deliveries(DeliveryFilter(until=START + count / 2), 50).records,
        "by text": lambda: outbox.deliveries(DeliveryFilter(text="title 17"), 50).records,
        "by text that none has": lambda: [*outbox.deliveries(DeliveryFilter(text="titel"), 50).records, None],
        "show by record": lambda: outbox.find_deliveries(record_id(START + 17, "00011")),
        "show by delivery": lambda: outbox.find_deliveries("delivery 17"),
        "show by entry": lambda: outbox.find_deliveries(f"{17:032x}"),
    }
    found = {}
    for name, ask in asked.items():
        began = time.process_time()
        assert ask(), name
        found[name] = time.process_time() - began
    return found


def test_ten_thousand_records_are_listed_filtered_and_shown_quickly(request):
    outbox, queue = in_a_file(request, Clock())
    many(outbox)
    assert {name: spent for name, spent in costs(outbox).items() if spent > 0.2} == {}
    outbox.close()
    queue.close()
