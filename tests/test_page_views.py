"""The views of the page over a storage: deliveries, dead letters and groups, without a browser and without a host."""

import contextlib
import json
import time
from dataclasses import replace

import pytest
import requests
from starlette.applications import Starlette

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.deliveries import DeliveryRecord, Outcome, record_id
from bridge.doctor import Finding, Verdict
from bridge.entries import DeliveryRecord as QueuedRecord
from bridge.entries import Entry, from_message, to_message
from bridge.events import Webhook
from bridge.local.page import mail
from bridge.local.page.stored import Stored
from bridge.local.page.views import Views, Writing
from bridge.local.serving import listen
from bridge.outbox.payloads import PayloadFiles
from bridge.outbox.rows import DeadLetter, Hold, ThreadRow
from bridge.outbox.sqlite import SqliteOutbox
from bridge.outbox.sqlite_queue import SqliteQueue
from bridge.payloads import CONTAINER
from bridge.sources import SOURCES
from tests.graph_servers import answer, in_thread, raw
from tests.local_stack import issue
from tests.outbox_stand_ins import START, entry

PLATFORM, OPERATIONS = (f"00000000-0000-4000-8000-0000000000d{number}" for number in range(2))
SECRET = "demo-secret-for-local-use-only"
TOKEN = "a1b2c3d4e5f60718"
CONFIG = f"""
[groups]
Platform = "{PLATFORM}"
Operations = "{OPERATIONS}"

[[route]]
when = "kind == 'issues.labeled'"
groups = []

[[route]]
when = "severity == 'critical'"
groups = ["Operations"]
"""


class Page:
    """The views over a storage in a folder, over HTTP."""

    def __init__(self, folder, **settings):
        env = {"BRIDGE_CONFIG": CONFIG, "BRIDGE_GROUP": "Platform", "BRIDGE_GITHUB_SECRET": SECRET}
        kept = {"BRIDGE_KEEP_PAYLOADS_HOURS": "24", "BRIDGE_OUTBOX": str(folder / "outbox.sqlite")}
        self.bridge = Bridge(Configuration.from_env({**env, **kept, **settings}))
        self.outbox, self.queue = SqliteOutbox(folder / "outbox.sqlite"), SqliteQueue(folder / "outbox.sqlite")
        self.files = PayloadFiles(folder / CONTAINER)
        self.stored = Stored(self.bridge, lambda: self.outbox, lambda: self.files, posted=lambda _: "<p>The post</p>")

    @contextlib.contextmanager
    def served(self, stored=None, **options):
        with listen(0) as listener:
            port = listener.getsockname()[1]
            views = Views(stored or self.stored, **options)
            with in_thread(Starlette(routes=views.routes(port)), listener) as self.address:
                self.views = views
                yield self

    def get(self, path, status=200, **query):
        found = requests.get(f"{self.address}/page/{path}", params=query, timeout=9)
        assert found.status_code == status, found.text
        return found.json() if status == 200 else found.text

    def post(self, path, status=200, **content):
        found = requests.post(f"{self.address}/page/{path}", json=content, timeout=9)
        assert found.status_code == status, found.text
        return found.json()

    def receive(self, event, payload, secret=SECRET, source="github", **headers):
        """Let a webhook come; its record and payload are kept, and its entries recorded."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        own = SOURCES[source].headers(event, f"delivery-{time.monotonic_ns()}")
        signed = {**own, **SOURCES[source].verifier.sign(body, secret), **headers}
        receipt = self.bridge.receiver.receive(source, Webhook(signed, body))
        record = next(note for note in map(from_message, receipt.notes) if isinstance(note, QueuedRecord))
        self.outbox.note_delivery(record)
        for one in receipt.entries:
            self.outbox.record(one, time.time(), time.time())
        if receipt.payload:
            moment = time.strftime("%Y-%m-%dT%H-%M-%SZ", time.gmtime(record.at))
            self.files.write(f"{moment}-{record.id}", receipt.payload)
        return record

    def queued(self):
        taken = []
        while message := self.queue.take(60):
            taken.append(from_message(message.body))
        return taken

    def give_up(self, *entries, reason="400: bad HTML. Read it."):
        for place, one in enumerate(entries):
            self.outbox.add_dead_letter(
                DeadLetter(one.id, one.group, to_message(one), reason, "Correct it.", START + place, 3)
            )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def page(folder):
    made = Page(folder)
    writing = Writing(lambda: made.queue, address="http://127.0.0.1:9")
    with made.served(writing=writing, doctor=lambda: FINDINGS):
        yield made
    made.outbox.close()
    made.queue.close()


FINDINGS = [
    Finding(Verdict.OK, "routes", "2 routes"),
    Finding(Verdict.FAILED, "token", "There is no token."),
    Finding(Verdict.OK, "group Platform", "its threads can be read"),
    Finding(Verdict.FAILED, "group Operations", "It is gone."),
]


def record(number, **fields):
    at = START + number
    values = {"source": "github", "outcome": Outcome.IGNORED, "status": 200, "reason": "GitHub's ping"}
    return DeliveryRecord(id=record_id(at, f"{number:05x}"), at=at, **values | fields)


# The list


def test_the_newest_come_first_a_page_at_a_time(page):
    for number in range(120):
        page.outbox.note_delivery(record(number, delivery=f"d-{number}"))
    rows, before = [], ""
    for count in (50, 50, 20):
        answer = page.get("deliveries", before=before)
        assert len(answer["rows"]) == count
        rows += answer["rows"]
        before = answer["following"]
    assert before == ""
    assert [row["at"] for row in rows] == [START + number for number in reversed(range(120))]
    assert page.views.topics()["deliveries"]["newest"] == [row["id"] for row in rows[:10]]


def test_filters_and_search_find_a_refused_a_dropped_an_ignored_and_an_accepted_webhook(page):
    accepted = page.receive("issues", issue("opened", 471155555))
    dropped = page.receive("issues", issue("labeled", 2, label={"name": "bug"}))
    ignored = page.receive("ping", {"zen": "x", "hook_id": 1})
    refused = page.receive("issues", issue("opened", 3), secret="another-secret-of-somebody")
    records = (accepted, dropped, ignored, refused)
    for one in records:
        rows = page.get("deliveries", outcome=one.outcome.value)["rows"]
        assert [row["id"] for row in rows] == [one.id]
    searches = {"runs DRY 471155555": accepted, "issues.labeled": dropped, "ping": ignored, "signature": refused}
    for text, one in {**searches, accepted.entries[0]: accepted, accepted.delivery: accepted}.items():
        assert [row["id"] for row in page.get("deliveries", text=text)["rows"]] == [one.id], text
    assert [row["id"] for row in page.get("deliveries", group=PLATFORM)["rows"]] == [accepted.id]
    assert page.get("deliveries", source="gitlab")["rows"] == []
    assert page.get("deliveries", since=accepted.at + 60)["rows"] == []
    assert len(page.get("deliveries", until=accepted.at + 60)["rows"]) == 4
    assert page.get("deliveries", group=PLATFORM)["rows"][0]["groups"] == [{"id": PLATFORM, "name": "Platform"}]


@pytest.mark.parametrize("query", [{"outcome": "lost"}, {"since": "yesterday"}, {"until": "-1"}, {"since": "nan"}])
def test_a_wrong_filter_is_refused(page, query):
    assert page.get("deliveries", status=400, **query)


def test_the_list_learns_what_became_of_the_entries(page):
    posted = page.receive("issues", issue("opened", 1))
    waiting = page.receive("issues", issue("opened", 2))
    dead = page.receive("issues", issue("opened", 3))
    deliver(page, posted)
    page.give_up(*(row.entry for row in page.outbox.open_entries(PLATFORM) if row.entry.id in dead.entries))
    page.outbox.set_wait(PLATFORM, Hold(time.time() + 60, "Graph refuses it.", time.time()))
    page.get("deliveries")
    ids = ",".join(one.id for one in (posted, waiting, dead))
    states = page.get("deliveries/states", ids=ids + ",unknown")
    assert states == {posted.id: "posted", waiting.id: "on hold", dead.id: "dead letter"}


def deliver(page, delivery):
    """Let the entries of a webhook be posted."""
    rows = [row for row in page.outbox.open_entries(PLATFORM) if row.entry.id in delivery.entries]
    sent = page.outbox.change([replace(row, attempt=TOKEN, thread="thread-1") for row in rows])
    now = time.time()
    page.outbox.finish(sent, [ThreadRow(row.entry.key, "thread-1", now, now) for row in sent])


# One webhook


def test_a_posted_webhook_has_its_story_and_its_post(page):
    delivery = page.receive("issues", issue("opened", 1))
    deliver(page, delivery)
    found = page.get("delivery", id=delivery.id)
    assert found["row"]["outcome"] == "accepted"
    assert (found["state"], found["authentication"]) == ("posted", "HMAC-SHA256 in X-Hub-Signature-256")
    assert ["x-github-event", "issues"] in found["headers"]
    assert not any("signature" in name for name, _ in found["headers"])
    assert json.loads(found["body"]["text"])["issue"]["number"] == 1
    (event,) = found["events"]
    assert [trial["answer"] for trial in event["trials"]] == ["does not match", "does not match"]
    assert event["trials"][1]["values"] == "severity = info"
    (one,) = event["entries"]
    assert (one["state"], one["thread"], one["token"]) == ("delivered", "thread-1", TOKEN)
    assert one["group"] == {"id": PLATFORM, "name": "Platform"}
    (post,) = found["posts"]
    assert (post["html"], post["thread"]) == ("<p>The post</p>", "thread-1")
    assert "The pump runs dry 1" in found["today"]["events"][0]["html"]
    for asked in (delivery.delivery, delivery.entries[0], TOKEN):
        assert page.get("delivery", id=asked)["row"]["id"] == delivery.id


def test_a_dropped_webhook_has_the_route_that_drops_it_and_what_it_would_look_like(page):
    found = page.get("delivery", id=page.receive("issues", issue("labeled", 2, label={"name": "bug"})).id)
    assert found["row"]["reason"] == "route 1 drops it: kind == 'issues.labeled'"
    assert [trial["answer"] for trial in found["events"][0]["trials"]] == ["drops it"]
    assert (found["posts"], found["today"]["outcome"]) == ([], "dropped")
    assert "added label" in found["today"]["events"][0]["html"]


def test_refused_webhooks_have_their_reason_and_why_there_is_no_body(page):
    found = page.get("delivery", id=page.receive("issues", issue("opened", 1), secret="wrong" * 5).id)
    assert (found["row"]["status"], found["authentication"], found["today"]) == (401, "", None)
    assert found["body"]["note"] == "The body is not kept: nobody was authenticated as its sender."
    found = page.get("delivery", id=page.receive("issues", b"{no json").id)
    assert (found["row"]["status"], found["body"]["text"], found["body"]["is_json"]) == (400, "{no json", False)
    assert found["today"]["reason"].startswith("400: The body is not JSON")


def test_what_keeps_bodies_is_named_where_there_is_none(folder):
    made = Page(folder, BRIDGE_KEEP_PAYLOADS_HOURS="0")
    with made.served():
        note = made.get("delivery", id=made.receive("issues", issue("opened", 1)).id)["body"]["note"]
        assert "set BRIDGE_KEEP_PAYLOADS_HOURS, which is 0 now, to the number of hours" in note
        gone = record(1, payload=300, authentication="the function key")
        made.outbox.note_delivery(gone)
        assert "is not kept any more" in made.get("delivery", id=gone.id)["body"]["note"]
        counted = record(2, count=300, outcome=Outcome.REFUSED)
        made.outbox.note_delivery(counted)
        assert "only counted" in made.get("delivery", id=counted.id)["body"]["note"]


def test_an_unknown_webhook_is_not_found(page):
    assert "There is no record of nothing" in page.get("delivery", status=404, id="nothing")


def test_a_webhook_that_came_several_times_shows_the_others(page):
    for number in range(3):
        page.outbox.note_delivery(record(number, delivery="the-same"))
    found = page.get("delivery", id="the-same")
    assert found["row"]["at"] == START + 2
    assert [other["at"] for other in found["others"]] == [START, START + 1]


# Sending again


def test_a_kept_webhook_is_resent_as_news(page):
    delivery = page.receive("issues", issue("opened", 1))
    plan = page.post("resend", id=delivery.id, dry_run=True)
    assert (plan["outcome"], plan["events"][0]["groups"]) == ("accepted", [PLATFORM])
    assert page.queued() == []
    made = page.post("resend", id=delivery.id)
    first, second = page.queued()
    assert isinstance(first, Entry)
    assert first.id not in delivery.entries
    assert (second.id, made["queued"]) == (made["find"], 1)
    assert second.authentication == f"a person, who resent {delivery.id}"
    page.outbox.note_delivery(second)
    assert page.get("delivery", id=second.id)["body"] == page.get("delivery", id=delivery.id)["body"]
    assert page.post("resend", id=second.id)["queued"] == 1


def test_an_edited_webhook_is_sent_with_the_authentication_of_its_source(folder):
    made = Page(folder)
    with raw(answer(202, b'{"accepted": ["abc"]}')) as trap:
        writing = Writing(lambda: made.queue, address=trap.url.rstrip("/"))
        with made.served(writing=writing):
            delivery = made.receive("issues", issue("opened", 1))
            body = json.dumps(issue("labeled", 1, label={"name": "bug"}))
            plan = made.post("resend", id=delivery.id, body=body, dry_run=True)
            assert plan["outcome"] == "dropped"
            assert trap.requests == []
            sent = made.post("resend", id=delivery.id, body=body)
            assert (sent["status"], sent["find"]) == (202, "abc")
            assert "is not any more" in made.post("resend", status=400, id=delivery.id, body="{")["error"]
            assert made.post("resend", status=400, id=delivery.id, body=" ")["error"]
    (request,) = trap.requests
    assert b"POST /api/webhooks/github" in request
    head, _, sent_body = request.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    webhook = Webhook({name.lower(): value for name, value in headers.items()}, sent_body)
    made.bridge.configuration.authentications["github"].check(webhook)
    assert webhook.header("x-github-event") == "issues"
    assert json.loads(sent_body)["label"] == {"name": "bug"}


def test_an_edited_webhook_keeps_the_name_of_its_event(folder):
    made = Page(folder, BRIDGE_SNYK_SECRET=SECRET)
    sample = SOURCES["snyk"].samples / "project_snapshot.found.json"
    with raw(answer(202)) as trap:
        writing = Writing(lambda: made.queue, address=trap.url.rstrip("/"))
        with made.served(writing=writing):
            delivery = made.receive("project_snapshot", sample.read_bytes(), source="snyk")
            assert delivery.outcome is Outcome.ACCEPTED
            made.post("resend", id=delivery.id, body=sample.read_text())
    assert trap.requests[0].lower().count(b"x-snyk-event: project_snapshot/v0\r\n") == 1


def test_what_is_not_kept_cannot_be_resent(page):
    page.outbox.note_delivery(record(1))
    assert "is not kept" in page.post("resend", status=409, id=record(1).id)["error"]
    assert page.post("resend", status=404, id="nothing")["error"]


def test_a_curl_command_names_the_secret_by_a_variable(page):
    delivery = page.receive("issues", issue("opened", 1))
    command = page.get("delivery/curl", id=delivery.id)["command"]
    assert "BRIDGE_GITHUB_SECRET" in command
    assert "/api/webhooks/github" in command
    assert SECRET not in command


def test_no_answer_has_a_secret(page):
    payload = issue("opened", 1, comment={"body": f"The secret is {SECRET}."})
    delivery = page.receive("issues", payload, **{"x-request-id": SECRET, "authorization": "Bearer abc"})
    page.give_up(entry(1), reason=f"Graph said {SECRET}. It did.")
    answers = [
        page.get("deliveries"),
        page.get("delivery", id=delivery.id)["body"],
        page.get("delivery", id=delivery.id)["headers"],
        page.get("delivery/curl", id=delivery.id),
        page.get("dead-letters"),
        page.get("groups"),
        page.views.topics(),
    ]
    assert not any(SECRET in json.dumps(answer) for answer in answers)
    assert "The secret is (hidden)." in answers[1]["text"]
    edited = page.post("resend", status=400, id=delivery.id, body=answers[1]["text"])
    assert "contains a hidden secret" in edited["error"]


def test_bodies_are_compared(page):
    first, second = (page.receive("issues", issue(action, 1, note=SECRET)) for action in ("opened", "closed"))
    found = page.get("delivery/compare", **{"id": first.id, "with": second.id})
    assert found["differences"] == [{"path": "action", "left": '"opened"', "right": '"closed"'}]
    page.outbox.note_delivery(record(1))
    assert "is not kept" in page.get("delivery/compare", status=409, **{"id": first.id, "with": record(1).id})
    assert page.get("delivery/compare", status=404, **{"id": first.id, "with": "nothing"})


def test_numbers_of_a_body_stay_as_they_came(page):
    delivery = page.receive("issues", b'{"id": 12345678901234567890, "odd": "\\ud800", "action": "opened"}')
    assert '"id": 12345678901234567890' in page.get("delivery", id=delivery.id)["body"]["text"]


# Dead letters


def test_dead_letters_have_a_cause_and_what_helps_and_are_requeued(page):
    page.give_up(entry(1, group=PLATFORM), entry(2, group=PLATFORM, source="gitlab"))
    page.outbox.add_dead_letter(DeadLetter("f" * 32, "", "no JSON", "It cannot be read.", "Upgrade.", START + 9))
    found = page.get("dead-letters")
    assert [row["topic"] for row in found["rows"]] == ["A message that cannot be read", "Topic 2", "Topic 1"]
    assert [(one["name"], one["count"]) for one in found["sources"]] == [("", 1), ("gitlab", 1), ("github", 1)]
    assert (found["rows"][2]["cause"], found["rows"][2]["advice"]) == ("400: bad HTML", "Correct it.")
    assert [row["id"] for row in page.get("dead-letters", source="gitlab")["rows"]] == [entry(2).id]
    assert page.get("dead-letter", id=entry(1).id)["topic"] == "Topic 1"
    done = page.post("requeue", id=entry(1).id)
    assert done["how"] == "requeued as it was rendered before: its payload is not kept"
    assert [row.entry.id for row in page.outbox.open_entries(PLATFORM)] == [entry(1).id]
    assert page.post("requeue", status=404, id=entry(1).id)["error"]


def test_the_cause_of_a_dead_letter_is_not_the_address_of_the_request(page):
    reason = f"POST /groups/{PLATFORM}/threads/{'A' * 200}/reply: Graph answered 400 (bad HTML), request-id 1. Read it."
    page.give_up(entry(1, group=PLATFORM), reason=reason)
    (row,) = page.get("dead-letters")["rows"]
    assert (row["cause"], row["reason"]) == ("Graph answered 400 (bad HTML), request-id 1", reason)


def test_all_are_requeued_some_at_a_time_and_what_fails_is_named(page):
    page.give_up(*(entry(number, group=PLATFORM) for number in range(45)))
    page.outbox.add_dead_letter(DeadLetter("f" * 32, "", "no JSON", "It cannot be read.", "Upgrade.", START))
    later = DeadLetter("e" * 32, "", "no JSON", "It failed again.", "", START + 200)
    page.outbox.add_dead_letter(later)
    until, done, skip, left = START + 100, [], [], 1
    while left:
        answer = page.post("requeue-some", source="", until=until, skip=skip)
        done.append(answer["requeued"])
        skip += [one["id"] for one in answer["failed"]]
        left = answer["left"]
    assert (sum(done), len(done), skip) == (45, 3, ["f" * 32])
    assert [letter.id for letter in page.outbox.dead_letters()] == ["f" * 32, "e" * 32]
    assert page.post("requeue-some", status=400)["error"]


def test_thousands_of_dead_letters_come_a_page_at_a_time(page):
    page.give_up(*(entry(number) for number in range(130)))
    assert [len(page.get("dead-letters", skip=skip)["rows"]) for skip in (0, 100)] == [100, 30]
    assert page.get("dead-letters")["total"] == 130


# Groups


def test_groups_have_their_holds_their_routes_and_what_waits(page):
    now = time.time()
    page.outbox.set_wait(OPERATIONS, Hold(now + 60, "Graph refuses it.", now - 600, 2))
    page.outbox.record(entry(1, group=PLATFORM), now - 900, now - 900)
    page.give_up(entry(2, group=OPERATIONS))
    page.bridge.publisher.summarise()
    platform, operations = page.get("groups")["groups"]
    assert (platform["name"], platform["routes"]) == ("Platform", [{"number": 0, "when": ""}])
    assert (platform["open"], platform["is_overdue"], platform["hold"]) == (1, True, None)
    assert (operations["hold"]["reason"], operations["hold"]["tries"]) == ("Graph refuses it.", 2)
    assert (operations["dead"], operations["routes"]) == (1, [{"number": 2, "when": "severity == 'critical'"}])
    found = page.get("groups/doctor", group=PLATFORM)["findings"]
    assert [(one["verdict"], one["subject"]) for one in found] == [("failed", "token"), ("ok", "group Platform")]


# What the server lets be done


def test_a_page_that_only_shows_has_no_route_that_acts(folder):
    made = Page(folder)
    with made.served(title="pump-bridge"):
        delivery = made.receive("issues", issue("opened", 1))
        for path in ("resend", "requeue", "requeue-some"):
            answer = requests.post(f"{made.address}/page/{path}", json={"id": delivery.id}, timeout=9)
            assert answer.status_code in {404, 405}
        about = made.views.topics()["about"]
        assert (about["write"], about["edit"], about["conversations"], about["title"]) == (
            False, False, False, "pump-bridge",
        )  # fmt: skip
        assert "is not available here" in made.get("groups/doctor", status=404, group=PLATFORM)


def test_without_settings_the_records_are_shown_all_the_same(folder):
    made = Page(folder)
    delivery = made.receive("issues", issue("opened", 1))
    made.give_up(entry(1))
    with made.served(replace(made.stored, bridge=None), writing=Writing(lambda: made.queue)):
        found = made.get("delivery", id=delivery.id)
        assert (found["row"]["source_title"], found["events"][0]["template"], found["today"]) == ("GitHub", "", None)
        assert made.get("dead-letters")["total"] == 1
        assert [group["id"] for group in made.get("groups")["groups"]] == ["g"]
        assert "cannot be read" in made.post("resend", status=409, id=delivery.id)["error"]
        assert "cannot be read" in made.post("requeue", status=409, id=entry(1).id)["error"]


def test_a_storage_that_fails_is_named(page):
    page.outbox._file.connection.execute("ALTER TABLE delivery RENAME TO moved")
    assert "OperationalError" in page.get("deliveries", status=503)
    assert "OperationalError" in page.views.topics()["deliveries"]["problem"]


def test_a_query_that_no_page_sends_is_answered_as_one(page):
    assert page.get("dead-letters", skip="9" * 5000)["rows"] == []
    assert "500 characters at most" in page.get("deliveries", 400, source="s" * 501)
    assert "no record" in page.post("resend", 404, id="\ud800")["error"]
    assert mail.limit("9" * 5000) == mail.limit("") == 200
