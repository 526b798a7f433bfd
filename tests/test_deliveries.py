"""Every webhook leaves a record, with its outcome and the reason; recording costs no event anything."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.deliveries import DeliveryRecord, Outcome
from bridge.entries import from_message, to_message, to_messages
from bridge.events import Webhook
from bridge.limits import MAX_MESSAGE
from bridge.outbox.rows import DeadLetter
from bridge.outbox.sqlite import SqliteOutbox
from bridge.outbox.sqlite_queue import SqliteQueue
from bridge.payloads import from_bytes
from bridge.publishing.batching import Rules
from bridge.publishing.policy import Policy
from bridge.publishing.publisher import Publisher
from bridge.receiving import unauthenticated
from bridge.receiving.records import DeliveryRecords
from bridge.receiving.trials import shown
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests.local_stack import ROOT
from tests.outbox_stand_ins import Clock, FakeChannel

GROUP, OPS = (f"3c1d0d4e-0000-4000-8000-00000000000{number}" for number in range(2))
SECRET = "a-secret-of-github-4711"
CONFIG = f"""
[groups]
ops = "{OPS}"
[[route]]
when = "attributes.branch == 'nowhere' or payload.nothing"
groups = ["ops"]
[[route]]
when = "kind.startswith('issues.') and actor == 'monalisa'"
groups = []
[[route]]
when = "severity >= 'info' and scope is glob('contoso/*')"
groups = ["ops"]
"""


def bridge(tmp_path=None, **changes):
    secrets = {"github": (SECRET,), "gitlab": ("another-secret-4712",)}
    settings = Settings(GROUP, CONFIG, secrets=secrets, **changes)
    return Bridge(Configuration.of(settings))


def sample(name, source="github"):
    return (ROOT / f"bridge/sources/{source}/samples/{name}.json").read_bytes()


def webhook(name="pull_request.opened", body=None, secret=SECRET, **headers):
    body = sample(name) if body is None else body
    own = SOURCES["github"].headers(name.partition(".")[0], "72d3162e-cc78-11e3-81ab-4c9367dc0958")
    return Webhook({**own, **SOURCES["github"].verifier.sign(body, secret), **headers}, body)


def records(receipt):
    return [from_message(note) for note in receipt.notes]


def record(receipt):
    (only,) = records(receipt)
    assert isinstance(only, DeliveryRecord)
    return only


def test_an_accepted_webhook_leaves_a_record_with_all_that_is_known():
    receipt = bridge().receiver.receive("github", webhook(**{"User-Agent": "GitHub-Hookshot/1"}))
    found = record(receipt)
    (event,) = found.events
    assert (found.outcome, found.status, found.source) == (Outcome.ACCEPTED, 202, "github")
    assert (found.event, found.kind) == ("pull_request", "pull_request.opened")
    assert found.delivery == "72d3162e-cc78-11e3-81ab-4c9367dc0958"
    assert found.reason == "route 3 matches: severity >= 'info' and scope is glob('contoso/*')"
    assert found.authentication == "HMAC-SHA256 in X-Hub-Signature-256"
    assert found.size == len(sample("pull_request.opened"))
    assert 0 < found.took < 5
    assert ("user-agent", "GitHub-Hookshot/1") in found.headers
    assert event.groups == (OPS,)
    assert event.entries == tuple(entry.id for entry in receipt.entries)
    assert found.entry_groups == {event.entries[0]: OPS}


def test_each_route_that_was_tried_has_its_answer_and_the_values_that_decided():
    (event,) = record(bridge().receiver.receive("github", webhook())).events
    assert [(one.number, one.answer, one.values) for one in event.trials] == [
        (1, "does not match", "attributes.branch = main, payload.nothing = (missing)"),
        (2, "does not match", "kind = pull_request.opened, actor = monalisa"),
        (3, "matches", "severity = info, scope = contoso/pump"),
    ]


OTHERS = {
    "ignored": (webhook("ping"), Outcome.IGNORED, 200, "GitHub's ping: the webhook is set up."),
    "dropped": (webhook("issues.opened"), Outcome.DROPPED, 200, "route 2 drops it: kind.startswith"),
    "not authenticated": (webhook(secret="x" * 20), Outcome.REFUSED, 401, "does not match this body"),
    "not JSON": (webhook(body=b"hello"), Outcome.REFUSED, 400, "The body is not JSON"),
    "empty": (webhook(body=b""), Outcome.REFUSED, 400, "The body is empty."),
}


@pytest.mark.parametrize(("sent", "outcome", "status", "reason"), OTHERS.values(), ids=OTHERS)
def test_a_webhook_that_is_not_posted_leaves_a_record_with_the_reason(sent, outcome, status, reason):
    receipt = bridge().receiver.receive("github", sent)
    found = record(receipt)
    assert (receipt.entries, found.outcome, found.status, receipt.status) == ((), outcome, status, status)
    assert reason in found.reason
    assert bool(found.authentication) == (status != 401)
    assert found.delivery == "72d3162e-cc78-11e3-81ab-4c9367dc0958"


def test_a_record_of_a_dropped_event_has_the_route_that_drops_it():
    found = record(bridge().receiver.receive("github", webhook("issues.opened")))
    assert found.events[0].trials[-1].answer == "drops it"
    assert (found.events[0].groups, found.events[0].entries) == ((), ())


def test_webhooks_that_authenticate_nobody_are_counted_beyond_a_rate():
    now = datetime(2026, 11, 28, 14, 3, 20, tzinfo=UTC)
    app = bridge()
    object.__setattr__(app.receiver, "clock", lambda: now)
    wrong, noted = webhook(secret="x" * 20), []
    for _ in range(100):
        noted += records(app.receiver.receive("github", wrong))
    assert len(noted) == unauthenticated.MOST_OF_SOURCE
    # An accepted one brings the count along, as soon as the minute is over.
    assert len(records(app.receiver.receive("github", webhook()))) == 1
    now += timedelta(seconds=61)
    accepted, counted = records(app.receiver.receive("github", webhook()))
    assert (accepted.outcome, counted.outcome, counted.count) == (Outcome.ACCEPTED, Outcome.REFUSED, 90)
    assert counted.reason.startswith("90 more were refused in the minute from 14:03:20 UTC; the last: The signature")


def test_webhooks_that_authenticate_nobody_have_a_limit_for_all_sources_together():
    app, noted = bridge(), []
    for name in [*SOURCES][:10]:
        for _ in range(6):
            refused = app.receiver.turn_away(name, app_error())
            noted += list(
                app.records.unauthenticated(
                    app.records.record(
                        SOURCES[name], Webhook({}, b"{}"), 401, refused.reception, datetime.now(UTC), "0" * 6, 0.0
                    )
                )
            )
    assert len(noted) == unauthenticated.MOST


def app_error():
    from bridge.errors import AuthenticationError

    return AuthenticationError("No.")


def test_a_record_that_fails_costs_the_webhook_nothing(monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(DeliveryRecords, "record", broken)
    receipt = bridge(keep_payloads_hours=1).receiver.receive("github", webhook())
    assert (receipt.status, len(receipt.entries), receipt.notes, receipt.payload) == (202, 1, (), b"")
    assert "has no record" in caplog.text


def publisher(tmp_path):
    clock, path = Clock(), tmp_path / "outbox.sqlite"
    outbox, queue = SqliteOutbox(path), SqliteQueue(path, clock=clock)
    return Publisher(outbox, queue, FakeChannel(), Policy(Rules()), clock=clock), outbox, queue


def test_a_note_becomes_a_row_and_not_a_dead_letter(tmp_path):
    publishes, outbox, queue = publisher(tmp_path)
    (note,) = bridge().receiver.receive("github", webhook("ping")).notes
    publishes.handle(note)
    (found,) = outbox.find_deliveries("72d3162e-cc78-11e3-81ab-4c9367dc0958")
    assert found == from_message(note)
    assert outbox.dead_letters() == []
    # What was on the poison queue is taken back by the sweep.
    message = queue.take(1) or queue.put(note) or queue.take(60)
    queue.poison(message)
    publishes.sweep()
    assert queue.poison_count() == 0


def test_the_record_of_an_accepted_webhook_travels_with_its_entry(tmp_path):
    publishes, outbox, queue = publisher(tmp_path)
    receipt = bridge().receiver.receive("github", webhook())
    (message,) = to_messages(receipt.entries, receipt.notes)
    publishes.handle(message)
    (found,) = outbox.find_deliveries("72d3162e-cc78-11e3-81ab-4c9367dc0958")
    assert found == record(receipt)
    assert found.entries == tuple(entry.id for entry in receipt.entries)
    assert from_message(message) == receipt.entries[0]
    # From the poison queue, too.
    poisoned = queue.take(1) or queue.put(message) or queue.take(60)
    queue.poison(poisoned)
    publishes.sweep()
    assert (queue.poison_count(), outbox.dead_letters()) == (0, [])


def test_an_entry_is_recorded_also_where_the_record_beside_it_cannot_be_read(tmp_path):
    publishes, outbox, _ = publisher(tmp_path)
    receipt = bridge().receiver.receive("github", webhook())
    (message,) = to_messages(receipt.entries, receipt.notes)
    publishes.handle(message.replace('"outcome":"accepted"', '"outcome":"of a later version"'))
    assert len(outbox.history(receipt.entries[0].id)) == 1
    assert (outbox.dead_letters(), outbox.find_deliveries(receipt.entries[0].delivery)) == ([], [])


def test_a_record_that_does_not_fit_beside_its_entry_comes_behind_all_entries():
    receipt = bridge().receiver.receive("github", webhook())
    big = replace(receipt.entries[0], html="x" * (MAX_MESSAGE - 1500))
    assert to_messages([big, big], receipt.notes) == [to_message(big), to_message(big), *receipt.notes]


def test_a_note_that_an_earlier_version_made_a_dead_letter_of_can_be_requeued(tmp_path):
    publishes, outbox, _ = publisher(tmp_path)
    (note,) = bridge().receiver.receive("github", webhook("ping")).notes
    outbox.add_dead_letter(DeadLetter("f" * 32, "", note, "It cannot be read.", "Upgrade.", 1.0))
    publishes.requeue(*outbox.dead_letters())
    assert (outbox.dead_letters(), len(outbox.find_deliveries(from_message(note).id))) == ([], 1)


def test_a_record_that_storage_refuses_is_left_out(tmp_path, monkeypatch, caplog):
    publishes, outbox, _ = publisher(tmp_path)
    from bridge.errors import RowRefused

    def refuse(_):
        raise RowRefused("Storage refuses the row.")

    monkeypatch.setattr(outbox, "note_delivery", refuse)
    publishes.handle(*bridge().receiver.receive("github", webhook("ping")).notes)
    assert "cannot be kept" in caplog.text
    assert outbox.dead_letters() == []


HEADERS = {
    "Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJhIjoxfQ.x",
    "Cookie": "session=1",
    "X-Functions-Key": "a-function-key",
    "X-Gitlab-Token": "another-secret-4712",
    "X-Webhook-Token": "t",
    "X-Forwarded-For": "192.0.2.7",
    "User-Agent": f"curl {SECRET}",
    "X-Request-Id": "Bearer abcdefghijkl",
}


def test_headers_are_kept_from_a_list_and_secrets_never():
    app = bridge(keep_payloads_hours=1)
    query = {"code": "a-function-key", "token": "t", "group": "ops"}
    sent = webhook(**HEADERS)
    receipt = app.receiver.receive("github", Webhook(sent.headers, sent.body, query=query))
    found, payload = record(receipt), from_bytes(receipt.payload)
    names = {"x-github-event", "x-github-delivery", "x-request-id"}
    assert {name for name, _ in found.headers} == payload.headers.keys() == names
    assert dict(found.headers)["x-request-id"] == "[token]"
    assert payload.query == {"group": "ops"}
    head, _, body = receipt.payload.partition(b"\n")
    for secret in (SECRET, "another-secret-4712", "a-function-key", "eyJhbGciOiJub25lIn0", "sha256="):
        assert secret not in receipt.notes[0]
        assert secret.encode() not in head
    assert body == sent.body


def test_what_a_source_reads_in_headers_is_kept():
    app = bridge(keep_payloads_hours=1)
    sent = Webhook({"Title": "Pump", "Authorization": "Bearer x", "Content-Type": "text/plain"}, b"It runs dry.")
    payload = from_bytes(app.receiver.receive("ntfy", sent).payload)
    assert payload.headers == {"title": "Pump", "content-type": "text/plain"}


def test_values_of_secret_names_are_hidden_in_routes():
    config = f"[[route]]\nwhen = \"payload.token == 'x' or payload.auth.password\"\ngroups = ['{OPS}']"
    app = Bridge(Configuration.of(Settings(GROUP, config)))
    body = json.dumps({"title": "t", "token": "s3cr3t-value", "auth": {"password": "p4ss-value"}}).encode()
    found = record(app.receiver.receive("grafana", Webhook({}, body)))
    assert "(hidden)" in found.events[0].trials[0].values
    assert "s3cr3t-value" not in to_message(found)
    assert "p4ss-value" not in to_message(found)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("main", "main"),
        ("x" * 99, "x" * 60 + "..."),
        (["bug", "urgent"], "[bug, urgent]"),
        ([1] * 9, "[1, 1, 1, 1, 1, ...]"),
        ({"a": 1}, "an object with 1 fields"),
        (True, "True"),
        (7, "7"),
    ],
)
def test_values_are_shown_on_a_line(value, text):
    assert shown(value) == text


def test_payloads_are_kept_only_where_that_is_wanted_and_only_of_authenticated_senders():
    assert bridge().receiver.receive("github", webhook()).payload == b""
    keeping = bridge(keep_payloads_hours=1).receiver
    receipt = keeping.receive("github", webhook())
    assert record(receipt).payload == len(receipt.payload) > 0
    assert from_bytes(receipt.payload).id == record(receipt).id
    assert keeping.receive("github", webhook(secret="x" * 20)).payload == b""
    assert keeping.receive("github", webhook("ping")).payload
