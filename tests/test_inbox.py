"""The threads of the stand-in as a person reads them: unread marks, searches, and how fast they are with thousands."""

import contextlib
import sqlite3
import time
from datetime import UTC, datetime, timedelta

import pytest

from bridge.deliveries import DeliveryRecord, EventRecord, Outcome, record_id
from bridge.local.fake_graph.inbox import Inbox
from bridge.local.fake_graph.store import Store
from bridge.local.page.group_names import label, with_names
from bridge.local.page.mail import Filter, limit, mark
from bridge.local.page.origins import Origin, Origins
from bridge.outbox.rows import ThreadRow
from bridge.outbox.sqlite import SqliteOutbox
from tests.graph_servers import GROUP
from tests.outbox_stand_ins import entry

OTHER = "00000000-0000-4000-8000-0000000000d1"
START = datetime(2026, 8, 7, 12, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path, clock):
    with contextlib.closing(Store(tmp_path / "graph.sqlite", clock)) as store:
        yield store


def start(store, topic, content="<p>Post</p>", group=GROUP, at=START):
    return store.start(group, topic, content, "Webhook bridge", at, at)


def topics(threads):
    return [thread.topic for thread in threads]


def test_a_thread_is_unread_until_it_is_marked_and_again_after_a_reply(store):
    first, second = start(store, "one"), start(store, "two", group=OTHER)
    store.inbox.mark_read([first])
    assert {thread.id: thread.is_unread for thread in store.inbox.threads()} == {first: False, second: True}
    store.reply(first, "<p>More</p>", "Webhook bridge", START)
    assert store.inbox.threads()[0] == (first, GROUP, "one", START.timestamp(), 2, 1)
    store.inbox.mark_read([first])
    store.inbox.mark_unread(first)
    assert all(thread.is_unread for thread in store.inbox.threads())


def test_a_post_of_the_future_is_neither_counted_nor_found_nor_read(store, clock):
    thread = start(store, "one")
    store.reply(thread, "<p>tomorrow</p>", "Webhook bridge", START + timedelta(days=1))
    store.inbox.mark_read([thread])
    assert (store.inbox.threads()[0].posts, store.inbox.find(["tomorrow"])) == (1, set())
    clock.now += timedelta(days=2)
    assert (store.inbox.threads()[0].is_unread, store.inbox.find(["tomorrow"])) == (True, {thread})


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("pump", ["Pump 2", "Pump 1"]),
        ("PUMP octocat", ["Pump 1"]),
        ("bridge", ["Pump 2", "Pump 1"]),
        ("straße", ["Pump 2"]),
        ('"tank is empty"', ["Pump 2"]),
        ("empty tank", ["Pump 2"]),
        ('"empty tank"', []),
        ("font-size", []),
        ("100%_", []),
    ],
)
def test_a_search_looks_in_topics_senders_and_the_text_of_all_threads(store, search, found):
    start(store, "Pump 1", '<p style="font-size:9px">octocat &amp; co</p>', at=START - timedelta(seconds=1))
    start(store, "Pump 2", "<p>The tank <b>is</b> empty, STRASSE</p>", OTHER)
    assert topics(Filter(search=search).threads(store.inbox, {})) == found


def test_filters_leave_a_group_a_source_a_severity_and_what_is_unread(store):
    first, second = start(store, "one"), start(store, "two", group=OTHER)
    origins = {first: Origin(("alertmanager", "github"), "critical")}

    def left(**wanted):
        return topics(Filter(**wanted).threads(store.inbox, origins))

    assert left(group=OTHER) == ["two"]
    assert (left(source="github"), left(source="gitlab"), left(severity="critical")) == (["one"], [], ["one"])
    store.inbox.mark_read([first])
    assert left(unread=True) == ["two"]
    # The open thread does not vanish while it is read.
    assert left(unread=True, thread=first) == ["two", "one"]
    assert mark(store.inbox, {"all": {"group": OTHER}}, origins) == {"read": 1}
    assert left(unread=True) == []
    assert mark(store.inbox, {"thread": second, "unread": True}, origins) == {"unread": 1}
    assert left(unread=True) == ["two"]


def test_posts_of_a_file_without_an_index_are_found(tmp_path, store):
    start(store, "one", "<p>needle</p>")
    with store._file.transaction() as db:
        db.execute("DELETE FROM texts")
    assert store.inbox.find(["needle"]) == set()
    assert len(Inbox(store._file).find(["needle"])) == 1


def test_deleted_threads_are_neither_found_nor_marked(store):
    thread = start(store, "one", "<p>needle</p>")
    store.inbox.mark_read([thread])
    store.delete(thread)
    assert (store.inbox.threads(), store.inbox.find(["needle"])) == ([], set())
    store.inbox.mark_read([thread])
    assert store._file.rows("SELECT * FROM reads") == []


def test_groups_have_names_also_within_reasons():
    labels = {GROUP: "Platform"}
    assert [label(labels, group) for group in (GROUP.upper(), OTHER, "")] == ["Platform", "Group 0000…00d1", ""]
    assert with_names(labels, f"404 for {GROUP} and {OTHER}.") == f"404 for Platform and {OTHER}."


def test_a_page_of_threads_has_as_many_as_asked_for():
    assert [limit(text) for text in ("100", "", "-1", "x", "¹")] == [100, 200, 200, 200, 200]


# Where threads come from


@pytest.fixture
def outbox(tmp_path):
    with contextlib.closing(SqliteOutbox(tmp_path / "outbox.sqlite")) as outbox:
        yield outbox


def deliver(outbox, number, severity, thread, source="github"):
    """Let a webhook come, be recorded, and be posted in a thread."""
    one = entry(number, f"{number}", source=source)
    event = EventRecord("issues.opened", severity=severity, groups=("g",), entries=(one.id,))
    accepted = Outcome.ACCEPTED
    outbox.note_delivery(DeliveryRecord(record_id(number, "0"), number, source, accepted, 202, events=(event,)))
    outbox.record(one, number, number)
    if thread:
        (opened,) = [row for row in outbox.open_entries("g") if row.entry.id == one.id]
        outbox.finish([opened], [ThreadRow(one.key, thread, number, number)])


def test_a_thread_has_the_sources_of_all_its_events_and_the_severity_of_the_newest(outbox):
    origins = Origins(lambda: outbox, clock=lambda: 9.0)
    deliver(outbox, 1, "critical", "a")
    deliver(outbox, 2, "success", "a", "grafana")
    deliver(outbox, 3, "error", "")
    origins.update(1)
    assert origins.by_thread == {"a": Origin(("github", "grafana"), "success", 2)}
    (waiting,) = outbox.open_entries("g")
    outbox.finish([waiting], [ThreadRow(waiting.entry.key, "b", 3, 3)])
    origins.update(1)
    assert origins.by_thread["b"].severity == "error"


def test_many_webhooks_are_read_bit_by_bit_and_each_only_once(outbox, monkeypatch):
    monkeypatch.setattr("bridge.local.page.origins._MOST_RECORDS", 4)
    now = [9.0]
    origins = Origins(lambda: outbox, clock=lambda: now[0])
    for number in range(1, 19):
        deliver(outbox, number, "info", f"t{number}")
    origins.update(1)
    assert len(origins.by_thread) == 8
    now[0] += 60
    outbox._file.connection.execute("ALTER TABLE delivery RENAME TO away")
    with pytest.raises(sqlite3.OperationalError):
        origins.update(1)
    outbox._file.connection.execute("ALTER TABLE away RENAME TO delivery")
    for _ in range(6):
        origins.update(1)
    assert len(origins.by_thread) == 18
    # Nothing is read while nothing changes; a gap that many new ones leave is closed.
    for number in range(19, 34):
        deliver(outbox, number, "info", f"t{number}")
    origins.update(1)
    assert len(origins.by_thread) == 18
    for _ in range(6):
        origins.update(2)
    assert len(origins.by_thread) == 33
    version = origins.version
    origins.update(3)
    assert origins.version == version


def test_listing_and_searching_thousands_of_threads_is_fast(store):
    count = 1500
    filler = "<tr><td style='color:#24292f'>The controller kept running when the tank was empty</td></tr>" * 20
    with store.transaction():
        for number in range(count):
            start(
                store, f"#{number} Pump", f"{filler}<p>needle{number}</p>", at=START + timedelta(seconds=number - count)
            )
    assert len(store.inbox.find(["needle1234"])) == 1
    spent = time.process_time()
    store.inbox._known = ((), ())
    assert len(Filter(search="pump").threads(store.inbox, {})) == count
    # A third of the threads that take a tenth of a second at the most; slower machines get three times as long.
    assert time.process_time() - spent < 0.1
