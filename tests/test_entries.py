"""Entries: the same delivery has the same ids, and what is queued comes back as it was."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from bridge.entries import VERSION, Content, Entry, Wake, content_of, credible, entry_id, from_message, to_message
from bridge.errors import MessageError
from bridge.events import Event, Severity, bounded

NOW = datetime(2026, 11, 23, 14, 3, tzinfo=UTC)
ENTRY = Entry(
    id="0123456789abcdef0123456789abcdef",
    group="g",
    correlation_key="repo 1#2",
    source="github",
    kind="issues.opened",
    delivery="d",
    topic="Tööpic",
    summary="s",
    html="<p>\u2028“</p>",
    url="https://example.com",
    severity=Severity.WARNING,
    ends_thread=False,
    participants=("A <a@b.c>",),
    conversation="",
    occurred=NOW,
    received=NOW,
)


def event(**changes: object) -> Event:
    return Event(
        **{"source": "s", "kind": "k", "delivery": "d", "correlation_key": "t", "title": "", "payload": {}, **changes}
    )


@pytest.mark.parametrize("item", [ENTRY, Wake("g")])
def test_what_is_queued_comes_back_as_it_was(item):
    assert from_message(to_message(item)) == item
    assert from_message(to_message(item).encode()) == item


@pytest.mark.parametrize(
    "message",
    ["", "no json", "[]", "null", '{"version": 1}', '{"version": 1, "type": "entry"}', '{"version": 1, "type": "wake"}',
     '{"version": "1", "type": "wake", "group": "g"}', b"\xff\xfe"],
)  # fmt: skip
def test_other_texts_are_no_messages(message):
    with pytest.raises(MessageError, match="not one of the bridge's"):
        from_message(message)


def test_messages_of_earlier_versions_are_read():
    fields = json.loads(to_message(ENTRY))
    for name in ("content", "place", "repeat_window", "place_window"):
        del fields[name]
    assert from_message(json.dumps(fields | {"version": 2})) == ENTRY
    long = from_message(json.dumps(fields | {"version": 2, "delivery": "d" * 33_000}))
    assert long == replace(ENTRY, delivery=bounded("d" * 33_000))
    fields |= {"version": 1, "thread": fields.pop("correlation_key")}
    assert from_message(json.dumps(fields)) == ENTRY
    assert from_message('{"version": 1, "type": "wake", "group": "g"}') == Wake("g")


def test_a_field_that_a_later_version_added_is_left_out_while_an_update_rolls_out():
    assert from_message(json.dumps({**json.loads(to_message(ENTRY)), "added": 7})) == ENTRY


def test_a_message_of_a_newer_bridge_says_so():
    newer = json.dumps({**json.loads(to_message(Wake("g"))), "version": VERSION + 1})
    with pytest.raises(MessageError, match="upgrade"):
        from_message(newer)


def test_the_same_delivery_has_the_same_id_and_no_other_has_it():
    assert entry_id(event(title="a"), 0, "g") == entry_id(event(title="b"), 0, "g")
    others = {
        entry_id(event(), 0, "g"),
        entry_id(event(), 1, "g"),
        entry_id(event(), 0, "h"),
        entry_id(event(delivery="e"), 0, "g"),
        entry_id(event(source="z"), 0, "g"),
        entry_id(event(dedup_key="x"), 0, "g"),
    }
    assert len(others) == 6


def test_without_a_certain_id_every_delivery_has_an_id_of_its_own_and_the_same_when_it_is_sent_again():
    sent = event(dedup_key="x")
    assert entry_id(sent, 0, "g", "a") == entry_id(sent, 0, "g", "b")
    assert entry_id(sent, 0, "g") != entry_id(event(dedup_key="x", delivery="e"), 0, "g")
    for delivery in ("", "x"):
        without = event(dedup_key="x", delivery=delivery)
        assert entry_id(without, 0, "g", "a") == entry_id(without, 0, "g", "a") != entry_id(without, 0, "g", "b")


def test_the_content_is_the_same_whatever_nobody_signed():
    contents = [
        content_of(event(dedup_key="x", **unsigned), 0, 9.0, asked)
        for unsigned in ({}, {"delivery": "forged"}, {"kind": "forged"}, {"correlation_key": "forged"})
        for asked in ("", "ops")
    ]
    assert {(content.hash, content.window) for content in contents} == {(contents[0].hash, 9.0)}
    assert len({content.place for content in contents}) == 6
    assert content_of(event(dedup_key="x"), 1, 9.0, "").hash != contents[0].hash


def test_a_certain_id_is_a_content_only_where_the_group_is_not_signed():
    assert content_of(event(), 0, 9.0, None) == Content()
    signed = content_of(event(), 0, 9.0, "ops")
    assert (signed.window, bool(signed.hash and signed.place)) == (0.0, True)
    assert signed.place_window > 30 * 86400
    assert content_of(event(dedup_key="x"), 0, 9.0, None).place == ""


def test_a_key_made_of_the_body_itself_says_nothing_of_what_came_between():
    unknown = content_of(event(dedup_key="x", correlation_key="event x"), 0, 9.0, "")
    assert (unknown.window, unknown.place_window) == (0.0, 9.0)


def test_an_event_may_say_how_long_it_is_repeated():
    assert content_of(event(dedup_key="x", repeat_window=7.0), 0, 9.0, None).window == 7.0


@pytest.mark.parametrize(
    ("occurred", "believed"),
    [
        (None, NOW),
        (NOW - timedelta(days=6), NOW - timedelta(days=6)),
        (NOW - timedelta(days=8), NOW),
        (NOW + timedelta(days=8), NOW),
        (NOW.replace(tzinfo=None), NOW),
        (NOW.astimezone(timezone(timedelta(hours=2))), NOW),
    ],
)
def test_a_time_is_believed_within_seven_days(occurred, believed):
    assert credible(occurred, NOW) == believed


def test_key_and_reference():
    assert ENTRY.key == "github repo 1#2"
    assert ENTRY.reference == "0123456789ab"
