"""The receiver: an unauthenticated sender learns nothing, and an authenticated one is not refused for odd webhooks."""

import json
from datetime import UTC, datetime

import pytest

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.limits import MAX_BODY
from bridge.receiving.receiver import Receiver
from bridge.rendering.renderer import Renderer
from bridge.settings import Settings
from bridge.sources import SOURCES
from bridge.sources.base import Ignored, Source, decode_json

NOW = datetime(2026, 11, 23, 14, 3, tzinfo=UTC)
GROUP, OPS = (f"3c1d0d4e-0000-4000-8000-00000000000{n}" for n in range(2))
SECRET = "a secret of the receiver"
ISSUE = {
    "action": "opened",
    "issue": {"number": 7, "title": "The pump runs dry", "html_url": "https://github.com/contoso/pump/issues/7"},
    "repository": {"id": 1, "full_name": "contoso/pump"},
    "sender": {"login": "octocat"},
}


def receiver(config: str = "", secrets: dict | None = None, sources: dict | None = None) -> Receiver:
    secrets = {"github": (SECRET,)} if secrets is None else secrets
    configured = Configuration.of(Settings(GROUP, f'[groups]\nops = "{OPS}"\n{config}', secrets=secrets))
    return Receiver(
        sources or configured.sources, configured.authentications, configured.routes, Renderer(), lambda: NOW
    )


def signed(body: bytes, event: str = "issues", delivery: str = "d1", **query: str) -> Webhook:
    headers = {**SOURCES["github"].headers(event, delivery), **SOURCES["github"].verifier.sign(body, SECRET)}
    return Webhook(headers, body, query=query)


def test_a_signed_event_is_accepted_with_its_entry():
    receipt = receiver().receive("github", signed(json.dumps(ISSUE).encode()))
    (entry,) = receipt.entries
    assert (receipt.status, receipt.body) == (202, {"accepted": [entry.id]})
    assert (entry.group, entry.source, entry.kind, entry.delivery) == (GROUP, "github", "issues.opened", "d1")
    assert (entry.received, entry.correlation_key) == (NOW, "repo 1#7")
    # Who sees the answer and the post can relate neither to the other.
    assert entry.id[:8] not in entry.html


def test_what_a_person_sends_again_is_news():
    bridge = Bridge(Configuration.of(Settings(GROUP, secrets={"github": (SECRET,)})))
    webhook = signed(json.dumps(ISSUE).encode())
    first, again = bridge.receiver.receive("github", webhook), bridge.receiver.again("github", webhook)
    (before,), (entry,) = first.entries, again.entries
    assert entry.id != before.id
    assert (entry.group, entry.delivery, entry.correlation_key) == (GROUP, "d1", before.correlation_key)
    assert (entry.content, entry.place) == ("", "")
    assert (again.status, again.body) == (202, {"accepted": [entry.id]})
    assert [event.entries for event in again.reception.events] == [(entry.id,)]
    assert again.reception.outcome == first.reception.outcome


def test_what_is_dropped_is_dropped_again():
    config = '[[route]]\nwhen = "true"\ngroups = []'
    webhook = signed(json.dumps(ISSUE).encode())
    again = receiver(config).again("github", webhook)
    assert (again.status, again.entries, again.body) == (200, (), {"dropped": ["route 1 drops it: true"]})


def test_the_same_body_has_the_same_content_whatever_the_unsigned_headers_and_the_url_say():
    body = json.dumps(ISSUE).encode()
    first, again, *replays = (
        receiver().receive("github", signed(body, **other)).entries[0]
        for other in ({}, {}, {"delivery": "d2"}, {"group": "ops"}, {"event": "issue_comment"})
    )
    assert first == again
    assert {entry.content for entry in replays} == {first.content}
    assert [entry.id == first.id for entry in replays] == [False, False, True]
    assert [entry.place == first.place for entry in replays] == [True, False, False]
    assert first.repeat_window == SOURCES["github"].retry_window


def test_what_a_secret_authenticates_as_a_whole_may_go_to_several_groups():
    body = json.dumps(ISSUE).encode()
    webhooks = [Webhook({"X-GitHub-Event": "issues"}, body, query={"group": group}) for group in ("", "ops")]
    entries = [receiver(secrets={}).receive("github", webhook).entries[0] for webhook in webhooks]
    assert [entry.place for entry in entries] == ["", ""]
    assert entries[0].content == entries[1].content != ""


def test_without_an_id_of_the_sender_every_arrival_has_an_id_of_its_own():
    webhook = Webhook({}, b'{"title": "Down"}')
    for config, window in (("", 0), ("[sources.pump.event]\ncorrelation_key = '1'", 900)):
        receipts = [receiver(config=f"[sources.pump]\n{config}").receive("pump", webhook) for _ in range(2)]
        one, other = (receipt.entries[0] for receipt in receipts)
        assert one.id != other.id
        # A title, which may differ with the state, is no conversation in which an event could be the newest.
        assert (one.content, one.repeat_window) == (other.content, window)


@pytest.mark.parametrize("body", [b"", b"no json", b"x" * MAX_BODY])
def test_an_unauthenticated_sender_learns_nothing_else(body):
    receipt = receiver().receive("github", Webhook({"X-GitHub-Event": "ping"}, body))
    assert (receipt.status, receipt.entries) == (401, ())


def test_without_a_secret_the_function_key_has_authenticated_the_sender():
    webhook = Webhook({"X-GitHub-Event": "issues"}, json.dumps(ISSUE).encode())
    assert receiver(secrets={}).receive("github", webhook).status == 202


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b" \n", 400),
        (b"no json", 400),
        (b"[" * 100_000, 400),
        (b"x" * (MAX_BODY + 1), 413),
        (b" " * (MAX_BODY - 2) + b"{}", 202),
    ],
    ids=["empty", "blank", "no json", "nested without end", "too large", "as large as may be"],
)
def test_a_body_that_cannot_be_read_is_refused_with_the_reason(body, status):
    receipt = receiver().receive("github", signed(body))
    assert receipt.status == status
    assert receipt.body.get("error", "It was.").endswith(".")


@pytest.mark.parametrize(
    ("body", "reason"), [(b"", "The body is empty."), (b"x" * (MAX_BODY + 1), "The body is longer than 25 MiB.")]
)
def test_the_reason_is_answered_and_logged(body, reason, steps):
    receipt = receiver().receive("github", signed(body))
    assert receipt.body == {"error": reason}
    assert steps() == [
        (
            "WARNING",
            {"step": "refused", "source": "github", "delivery": "d1", "status": receipt.status, "reason": reason},
        )
    ]


@pytest.mark.parametrize(
    ("config", "query", "status", "groups"),
    [
        ("", {}, 202, [GROUP]),
        ("", {"group": "ops"}, 202, [OPS]),
        ("", {"group": "nobody"}, 400, []),
        ("[[route]]\ngroups = []", {}, 200, []),
        (f'[[route]]\ngroups = ["ops", "{GROUP}"]', {}, 202, [OPS, GROUP]),
    ],
)
def test_routes_decide_which_groups_receive_it(config, query, status, groups):
    receipt = receiver(config).receive("github", signed(json.dumps(ISSUE).encode(), **query))
    assert (receipt.status, [entry.group for entry in receipt.entries]) == (status, groups)


def source(read) -> dict[str, Source]:
    return {"github": Source("github", "GitHub", SOURCES["github"].verifier, read, SOURCES["github"].headers)}


@pytest.mark.parametrize(
    ("ignored", "body"),
    [
        (Ignored("A handshake.", headers={"WebHook-Allowed-Origin": "x"}), {"ignored": "A handshake."}),
        (Ignored("A handshake.", {"code": 1}, {"WebHook-Allowed-Origin": "x"}), {"code": 1}),
    ],
)
def test_an_ignored_webhook_is_answered_as_its_service_expects(ignored, body, steps):
    receipt = receiver(sources=source(lambda _: ignored)).receive("github", signed(b"{}"))
    assert (receipt.status, receipt.body, receipt.entries) == (200, body, ())
    assert receipt.headers == {"WebHook-Allowed-Origin": "x"}
    assert steps() == [("INFO", {"step": "ignored", "source": "github", "delivery": "d1", "reason": "A handshake."})]


def test_only_a_post_needs_a_body():
    handshake = source(lambda _: Ignored("A handshake."))
    webhook = Webhook(SOURCES["github"].verifier.sign(b"", SECRET), b"", "OPTIONS")
    assert receiver(sources=handshake).receive("github", webhook).status == 200


def happened(number: int, delivery: str = "d1", digest: str = "") -> Event:
    return Event("github", f"issues.{number}", delivery, f"t{number}", f"Title {number}", {}, dedup_key=digest)


def test_each_event_of_a_webhook_is_accepted_or_dropped_by_itself():
    config = "[[route]]\nwhen = \"kind == 'issues.2'\"\ngroups = []"
    events = [happened(1), happened(2), happened(3)]
    receipt = receiver(config, sources=source(lambda _: events)).receive("github", signed(b"{}"))
    assert [entry.kind for entry in receipt.entries] == ["issues.1", "issues.3"]
    assert receipt.body == {"accepted": [entry.id for entry in receipt.entries]}
    nothing = receiver("[[route]]\ngroups = []", sources=source(lambda _: events)).receive("github", signed(b"{}"))
    assert nothing.body == {"dropped": ["route 1 drops it: true"] * 3}


@pytest.mark.parametrize("digest", ["", "of the body"])
def test_events_of_one_delivery_have_different_ids_and_the_same_when_it_is_repeated(digest):
    same = happened(1, digest=digest)
    events = [same, same, same, happened(1, "d2", digest and "another")]
    bridge = receiver(sources=source(lambda _: events))
    first, again = (bridge.receive("github", signed(b"{}")).body["accepted"] for _ in range(2))
    assert first == again
    assert len(set(first)) == 4
    # An id is of the place within its own delivery: what comes before it of others does not count.
    (other,) = receiver(sources=source(lambda _: events[3:])).receive("github", signed(b"{}")).body["accepted"]
    assert other == first[3]


def test_our_own_failure_is_a_503_on_which_senders_try_again(caplog):
    def broken(webhook: Webhook) -> list[Event]:
        raise ZeroDivisionError

    receipt = receiver(sources=source(broken)).receive("github", signed(b"{}"))
    assert (receipt.status, receipt.body) == (503, {"error": "The bridge failed on this webhook; its log says why."})
    assert "A webhook of github could not be received" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_every_step_leaves_a_line_with_its_ids_and_no_secret(steps, caplog):
    (entry,) = receiver().receive("github", signed(json.dumps(ISSUE).encode())).entries
    ids = {"source": "github", "kind": "issues.opened", "delivery": "d1", "correlation_key": "repo 1#7"}
    assert steps() == [
        ("INFO", {"step": "received", **ids}),
        ("INFO", {"step": "queued", "entry": entry.id, "group": GROUP, **ids}),
    ]
    assert SECRET not in caplog.text


def test_what_a_route_drops_says_which(steps):
    receiver("[[route]]\ngroups = []").receive("github", signed(json.dumps(ISSUE).encode()))
    (_, received), (level, dropped) = steps()
    assert (level, dropped) == ("INFO", {**received, "step": "dropped", "reason": "route 1 drops it: true"})


def test_explain_shows_what_happens_to_it():
    config = '[[route]]\nwhen = "kind == \'issues.opened\'"\ngroups = ["ops"]'
    explanation = receiver(config).explain("github", Webhook({"X-GitHub-Event": "issues"}, json.dumps(ISSUE).encode()))
    (step,) = explanation.steps
    assert explanation.authentication == "by HMAC-SHA256 in X-Hub-Signature-256"
    assert (step.kind, step.correlation_key, step.groups) == ("issues.opened", "repo 1#7", (OPS,))
    assert (step.title, step.severity) == ("The pump runs dry #7", "info")
    assert step.route == "route 1 matches: kind == 'issues.opened'"
    assert step.templates == ("github/issues.opened.html", "github/issues.html", "github/event.html", "event.html")
    assert step.template == "github/issues.html"


def test_explain_of_a_ping_and_without_a_secret():
    explanation = receiver(secrets={}).explain("github", Webhook({"X-GitHub-Event": "ping"}, b"{}"))
    assert (explanation.authentication, explanation.steps) == ("by the function key", ())
    assert explanation.ignored


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'"\xff"', "�"),
        (b'{"\\ud800": ["\\uDC00x", 1]}', {"�": ["�x", 1]}),
        (b'"\\ud83d\\ude00"', "😀"),
    ],
)
def test_json_can_be_written_again(body, value):
    assert decode_json(body) == value
    assert json.dumps(decode_json(body), ensure_ascii=False).encode()


def test_no_json_is_a_bad_webhook():
    with pytest.raises(BadWebhook):
        decode_json(b"{'a': 1}")
