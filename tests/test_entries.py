"""Entries: the same delivery has the same ids, and what is queued comes back as it was."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from bridge.entries import VERSION, Entry, Wake, credible, entry_id, from_message, to_message
from bridge.errors import MessageError
from bridge.events import Event, Severity

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


def test_a_message_of_the_version_before_is_read():
    fields = json.loads(to_message(ENTRY))
    fields |= {"version": 1, "thread": fields.pop("correlation_key")}
    assert from_message(json.dumps(fields)) == ENTRY
    assert from_message('{"version": 1, "type": "wake", "group": "g"}') == Wake("g")


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


def test_the_dedup_key_counts_where_the_delivery_id_is_not_signed():
    assert entry_id(event(dedup_key="x"), 0, "g") == entry_id(event(dedup_key="x", delivery="forged"), 0, "g")


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
