"""The server of the page: it shows groups and outbox, carries out actions, and refuses everybody but the page."""

import asyncio
import contextlib
import http.client
import json
import re
import time
from urllib.parse import urlsplit

import pytest
import requests
from starlette.applications import Starlette

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.entries import to_message
from bridge.local.fake_graph.faults import EFFECTS
from bridge.local.fake_graph.server import FakeGraph
from bridge.local.host.http_functions import Exchange
from bridge.local.page import live_updates
from bridge.local.page.live_updates import LiveUpdates, rest
from bridge.local.page.rates import per_second
from bridge.local.page.server import HostedBridge, PageServer
from bridge.local.page.static_files import VERSION
from bridge.local.received import ReceivedWebhooks
from bridge.local.serving import listen
from bridge.outbox.rows import Backoff, DeadLetter, Hold
from bridge.sources import SOURCES
from tests.graph_servers import GROUP, in_thread
from tests.local_stack import GROUPS, NAMES, PATIENCE, issue, running
from tests.outbox_stand_ins import entry

OTHER = "00000000-0000-4000-8000-0000000000d1"
IDENTITY = {"X-IDENTITY-HEADER": "local"}


class Page:
    """A client of the page's server, with the parts behind it."""

    def __init__(self, fake_graph, server, bridge, address):
        self.fake_graph, self.server, self.bridge, self.address = fake_graph, server, bridge, address

    def get(self, path="/", **options):
        return requests.get(self.address + path, timeout=9, **options)

    def post(self, path, content, **options):
        return requests.post(self.address + path, json=content, timeout=9, **options)

    def mail(self, **selected):
        return self.get("/page/mail", params=selected).json()

    def now(self):
        """Everything that a page receives when it is opened."""
        found = {}
        with events(self.address) as received:
            while "held" not in found:
                found |= [next(received)]
        return found

    def start(self, topic, html, group=GROUP):
        token = self.get("/msi/token?api-version=2019-08-01&resource=https://graph.microsoft.com", headers=IDENTITY)
        post = {"body": {"contentType": "html", "content": html}}
        return requests.post(
            f"{self.address}/graph/v1.0/groups/{group}/threads",
            json={"topic": topic, "posts": [post]},
            headers={"Authorization": f"Bearer {token.json()['access_token']}"},
            timeout=9,
        ).json()["id"]


@contextlib.contextmanager
def events(address):
    """The server-sent events as they come: pairs of topic and content."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE)
    connection.request("GET", "/page/events", headers={"Accept": "text/event-stream"})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Content-Type"].partition(";")[0]) == (200, "text/event-stream")

    def received():
        topic = ""
        while line := answer.readline().decode():
            name, _, text = line.strip().partition(": ")
            if name == "event":
                topic = text
            elif name == "data":
                yield topic, json.loads(text)

    try:
        yield received()
    finally:
        # The answer also holds the socket.
        answer.close()
        connection.close()


def wait_until(holds):
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextlib.contextmanager
def opened(tmp_path):
    settings = {"BRIDGE_CONFIG": f'[groups]\nPlatform = "{GROUP}"', "BRIDGE_OUTBOX": str(tmp_path / "outbox.sqlite")}
    bridge = Bridge(Configuration.from_env({**settings, "BRIDGE_GROUP": GROUP}))
    with contextlib.closing(FakeGraph(tmp_path / "graph.sqlite")) as fake_graph, listen(0) as listener:
        hosted = HostedBridge(bridge, received=ReceivedWebhooks(tmp_path / "received"))
        server = PageServer(fake_graph, listener.getsockname()[1], hosted)
        with in_thread(Starlette(routes=[*fake_graph.routes(), *server.routes()]), listener) as address:
            yield Page(fake_graph, server, bridge, address)
        bridge.delivery.outbox.close()


@pytest.fixture
def page(tmp_path):
    with opened(tmp_path) as page:
        yield page


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory):
    """A page that no test changes."""
    with opened(tmp_path_factory.mktemp("unchanged")) as page:
        page.start("secret", "<p>secret</p>")
        yield page


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with running(tmp_path_factory.mktemp("run"), BRIDGE_GROUP=GROUPS["group-0"]) as stack:
        yield stack


# What the page shows


def test_threads_are_newest_first_with_the_posts_of_the_selected_one(page):
    empty = {"groups": [], "group": "", "threads": [], "thread": "", "posts": [], "permissions": "open"}
    counts = {"total": 0, "unread": 0, "selected": None, "sources": []}
    assert page.mail() == empty | counts
    first, second = (page.start(topic, f"<p>Post of {topic}</p>") for topic in ("one", "two"))
    mail = page.mail()
    assert [(thread["id"], thread["topic"], thread["preview"], thread["posts"]) for thread in mail["threads"]] == [
        (second, "two", "Post of two", 1),
        (first, "one", "Post of one", 1),
    ]
    assert (mail["thread"], mail["posts"][0]["html"]) == (second, "<p>Post of two</p>")
    assert page.mail(thread=first)["posts"][0]["html"] == "<p>Post of one</p>"
    assert page.mail(thread="gone")["thread"] == second


def test_groups_have_the_names_of_the_settings(page):
    page.start("one", "<p>1</p>")
    page.start("two", "<p>2</p>", OTHER)
    assert page.mail()["groups"] == [
        {"id": GROUP, "name": "Platform"},
        {"id": OTHER, "name": "Group 0000…00d1"},
    ]
    assert [thread["topic"] for thread in page.mail(group=OTHER)["threads"]] == ["two"]
    assert page.now()["mail"]["groups"] == [
        {"id": GROUP, "name": "Platform", "threads": 1, "unread": 1},
        {"id": OTHER, "name": "Group 0000…00d1", "threads": 1, "unread": 1},
    ]


@pytest.mark.parametrize(("group", "name"), [(GROUP, "Demo group"), (OTHER, "Default group")])
def test_a_default_group_without_a_name_is_shown_as_such(tmp_path, group, name):
    bridge = Bridge(Configuration.from_env({"BRIDGE_GROUP": group}))
    with contextlib.closing(FakeGraph(tmp_path / "graph.sqlite")) as fake_graph, listen(0) as listener:
        server = PageServer(fake_graph, listener.getsockname()[1], HostedBridge(bridge))
        with in_thread(Starlette(routes=[*fake_graph.routes(), *server.routes()]), listener) as address:
            page = Page(fake_graph, server, bridge, address)
            page.start("one", "<p>1</p>", group)
            assert page.mail()["groups"] == [{"id": group, "name": name}]


def test_groups_on_hold_are_shown_even_if_no_group_has_a_thread(page):
    until = time.time() + 60
    for group in (GROUP, OTHER):
        page.bridge.delivery.outbox.set_wait(group, Hold(until, "Graph <b>refuses</b> it.", 1.0))
    page.bridge.delivery.outbox.set_wait("patience", Backoff(until))
    assert [(held["group"], held["reason"]) for held in page.now()["held"]] == [
        ("Platform", "Graph <b>refuses</b> it."),
        ("Group 0000…00d1", "Graph <b>refuses</b> it."),
    ]


def test_the_outbox_shows_what_each_entry_waits_for(page):
    outbox, now = page.bridge.delivery.outbox, time.time()
    for number, (group, due) in enumerate([("g", now - 1), ("g", now + 60), ("slow", now)], 1):
        outbox.record(entry(number, group=group), now + number, due)
    outbox.set_wait("slow", Backoff(now + 90))
    letter = DeadLetter(entry(4).id, "g", to_message(entry(4)), "400: bad HTML", "Mend it.", now, 3)
    outbox.add_dead_letter(letter)
    outbox.add_dead_letter(DeadLetter("f" * 32, "", "no JSON", "It cannot be read.", "Upgrade.", now))
    shown = page.now()["outbox"]
    rows = {row["id"]: row for row in shown["rows"]}
    assert shown["counts"] == {"pending": 1, "settling": 1, "deferred": 1, "dead": 2}
    assert [(rows[entry(n).id]["state"], rows[entry(n).id]["until"]) for n in (1, 2, 3)] == [
        ("pending", 0),
        ("settling", now + 60),
        ("deferred", now + 90),
    ]
    dead = rows[entry(4).id]
    assert (dead["state"], dead["topic"], dead["reason"], dead["tries"]) == ("dead", "Topic 4", "400: bad HTML", 3)
    assert rows["f" * 32]["topic"] == "Unreadable message"


def test_of_a_crowd_the_newest_are_shown_and_all_are_counted(page):
    outbox, now = page.bridge.delivery.outbox, time.time()
    for number in range(130):
        outbox.record(entry(number, group="g" if number % 2 else "h"), now + number, now + 60)
    shown = page.now()["outbox"]
    assert shown["counts"] == {"settling": 130}
    assert [row["topic"] for row in shown["rows"]] == [f"Topic {number}" for number in range(129, 29, -1)]


def test_a_look_writes_nothing_and_reads_a_queued_webhook_by_its_id(page):
    outbox, log = page.bridge.delivery.outbox, page.server._webhooks
    outbox.record(entry(1, group="g"), time.time(), time.time() + 60)
    queued = entry(2)
    body = json.dumps({"accepted": [queued.id]}).encode()
    log.add(Exchange("POST", "/api/webhooks/github", {}, b"{}", 202, body, [to_message(queued)]))
    connection = outbox._file.connection
    statements = []
    connection.set_trace_callback(statements.append)
    shown = page.server._current()["outbox"]
    connection.set_trace_callback(None)
    assert shown["counts"] == {"settling": 1, "queued": 1}
    assert not [sql for sql in statements if not sql.startswith(("SELECT", "PRAGMA"))]
    scans = [sql for sql in statements if "SCAN" in str(connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall())]
    assert not [sql for sql in scans if queued.id in sql]


def test_an_open_page_leaves_the_processor_to_the_webhooks():
    assert [rest(0.25, taken) for taken in (0.001, 0.05, 2.0)] == [0.25, 0.25, 8.0]


def test_a_storage_failure_is_shown_and_the_rest_of_the_page_works(page):
    page.bridge.delivery.outbox._file.connection.execute("ALTER TABLE dead RENAME TO moved")
    shown = page.now()
    assert "The outbox cannot be read" in shown["outbox"]["problem"]
    assert (shown["mail"]["groups"], shown["mail"]["permissions"]) == ([], "open")


def test_counts_are_per_second_of_the_last_minute():
    assert per_second([100.9, 100.1, 99.5, 97.0, 3.0], now=100.95, seconds=4) == [1, 0, 1, 2]
    assert per_second([], now=100.0, seconds=2) == [0, 0]


# What the page does, with a running bridge


def act(stack, path, content):
    return requests.post(f"{stack.address}/page/{path}", json=content, timeout=60)


def row_of(stack, entry, state):
    """The outbox row of an entry, as soon as the entry is in that state."""
    with events(stack.address) as received:
        for topic, content in received:
            rows = {row["id"]: row for row in content["rows"]} if topic == "outbox" else {}
            if entry in rows and rows[entry]["state"] == state:
                return rows[entry]
    raise AssertionError(f"{entry} is never {state}")


def request(payload, **more):
    return {"source": "github", "event": "issues", "payload": json.dumps(payload), **more}


def test_the_samples_are_those_of_every_source(stack):
    samples = stack.get("/page/samples").json()
    listed = {source["name"]: source for source in samples["sources"]}
    assert listed.keys() == SOURCES.keys()
    assert {"file": "issues.opened.json", "event": "issues"} in listed["github"]["samples"]
    assert samples["usual"][0] == {"source": "github", "file": "push.json"}
    for each in samples["usual"]:
        assert stack.get("/page/sample", params=each).status_code == 200
    chosen = {"source": "github", "file": "issues.opened.json"}
    assert stack.get("/page/sample", params=chosen).json()["action"] == "opened"
    for wrong in ({"file": "../../host.json"}, {"source": "../samples/github"}):
        assert stack.get("/page/sample", params=chosen | wrong).status_code == 404


def test_a_sample_is_sent_signed_and_an_event_announces_its_post(stack):
    with events(stack.address) as received:
        answer = act(stack, "send", request(issue("opened", 7001))).json()
        assert answer["status"] == 202
        accepted = json.loads(answer["answer"])["accepted"][0]
        for topic, content in received:
            if topic == "mail" and content["groups"]:
                break
    row = row_of(stack, accepted, "sent")
    mail = stack.get("/page/mail", params={"group": GROUPS[NAMES[0]], "thread": row["thread"]}).json()
    assert (row["group"], mail["posts"][0]["webhooks"]) == ("group-0", [accepted])
    raw = stack.get("/page/webhook", params={"entry": accepted}).json()
    assert (raw["line"], raw["status"]) == ("POST /api/webhooks/github", 202)
    assert raw["headers"]["x-github-event"] == "issues"
    assert json.loads(raw["body"])["issue"]["number"] == 7001


def test_each_webhook_of_a_burst_is_about_another_object(stack):
    sent = act(stack, "send", request(issue("opened", 7100), count=12, seconds=0))
    assert sent.json() == {"sending": 12, "number": 1}

    def topics():
        mail = stack.get("/page/mail", params={"group": GROUPS[NAMES[0]]}).json()
        threads = [stack.get("/page/mail", params={"thread": thread["id"]}).json() for thread in mail["threads"]]
        return "".join(post["html"] for thread in threads for post in thread["posts"])

    wait_until(lambda: all(f"#{number}<" in topics() or f"#{number} " in topics() for number in range(7200, 7212)))


def test_a_dead_letter_is_requeued(stack):
    fault = {"kind": "400"}
    switched = act(stack, "faults", {"fault": fault, "mode": "on"}).json()
    assert [found["kind"] for found in switched if found["on"]] == ["400"]
    entry = json.loads(act(stack, "send", request(issue("opened"))).json()["answer"])["accepted"][0]
    dead = row_of(stack, entry, "dead")
    assert "400" in dead["reason"]
    assert act(stack, "faults", {"fault": fault, "mode": "off"}).status_code == 200
    assert act(stack, "requeue", {"id": entry}).json() == {"requeued": entry, "how": "rendered again and requeued"}
    assert row_of(stack, entry, "sent")["topic"] == dead["topic"]
    assert act(stack, "requeue", {"id": entry}).status_code == 404


def test_a_fault_applies_once_or_until_it_is_switched_off(page):
    state = page.post("/page/faults", {"fault": {"kind": "429", "seconds": 3}, "mode": "once"}).json()
    assert {fault["kind"]: fault["once"] for fault in state} == dict.fromkeys(EFFECTS, 0) | {"429": 1}
    page.post("/page/faults", {"fault": "500", "mode": "on"})
    page.post("/page/faults", {"fault": "503", "mode": "on"})
    taken = [page.fake_graph.faults.take("POST").kind for _ in range(4)]
    assert taken == ["429", "500", "503", "500"]
    page.post("/page/faults", {"fault": "500", "mode": "off"})
    assert page.fake_graph.faults.take("POST").kind == "503"
    assert page.post("/page/faults", {"fault": "503", "mode": "off"}).json()[1]["on"] is False
    assert page.fake_graph.faults.take("POST").kind == ""


WRONG = {
    "no such source": ("send", {"source": "nobody"}, "The source must be one of github"),
    "too many": ("send", {"source": "github", "count": 501}, "from 1 to 500"),
    "no number": ("send", {"source": "github", "count": True}, "from 1 to 500"),
    "too long": ("send", {"source": "github", "seconds": 61}, "from 0 to 60"),
    "not a number at all": ("send", {"source": "github", "seconds": float("nan")}, "from 0 to 60"),
    "a header in the event": ("send", {"source": "github", "event": "push\r\nX: 1"}, "plain ASCII"),
    "no fault": ("faults", {"fault": "unknown", "mode": "on"}, "Unknown fault"),
    "no mode": ("faults", {"fault": "500"}, "on, off or once"),
    "no dead letter": ("requeue", {"id": "nothing"}, "does not exist any more"),
    "nothing received": ("learn", {"name": "nobody"}, "No webhook of nobody has been received"),
    "too many to learn from": ("learn", {"name": "nobody", "count": 11}, "from 1 to 10"),
    "no webhooks to try": ("trial", {"table": ""}, "from 1 to 10 objects"),
    "no body to try": ("trial", {"table": "", "webhooks": [{"headers": {"a": 1}, "body": ""}]}, "headers and a body"),
    "broken JSON": ("learn", {"webhooks": [{"headers": {}, "body": "{"}]}, "begins as JSON does, and is not JSON"),
    "not an object": ("send", [], "must be a JSON object"),
}


@pytest.mark.parametrize(("path", "content", "message"), WRONG.values(), ids=WRONG)
def test_an_impossible_request_gets_a_reason(unchanged, path, content, message):
    answer = unchanged.post(
        f"/page/{path}", None, data=json.dumps(content), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in {400, 404}
    assert message in answer.json()["error"]


def test_the_answer_is_shown_when_no_bridge_is_there(page):
    # Nothing serves webhooks at the page's address.
    answer = page.post("/page/send", {"source": "github", "event": "push", "payload": "{}"})
    assert answer.json() == {"status": 404, "answer": "Not Found"}


def test_a_burst_says_how_far_it_is_and_what_failed(page):
    assert page.post("/page/send", {"source": "github", "event": "push", "payload": "{}", "count": 3}).json() == {
        "sending": 3,
        "number": 1,
    }
    wait_until(lambda: page.now()["burst"]["sent"] == 3)
    answer = {"status": 404, "answer": "Not Found"}
    assert page.now()["burst"] == {"number": 1, "count": 3, "sent": 3, "failed": 3, **answer}


def test_threads_are_searched_marked_and_paged_over_http(page):
    first, second = page.start("one", "<p>needle</p>"), page.start("two", "<p>2</p>", OTHER)
    mail = page.mail(search="NEEDLE")
    assert ([thread["id"] for thread in mail["threads"]], mail["total"], mail["unread"]) == ([first], 1, 1)
    assert page.mail(search="n " * 2000)["total"] == 1
    mail = page.mail(limit="1", thread=first)
    assert ([thread["id"] for thread in mail["threads"]], mail["total"]) == ([second], 2)
    assert (mail["selected"]["id"], mail["selected"]["group_name"], mail["posts"][0]["html"]) == (
        first,
        "Platform",
        "<p>needle</p>",
    )
    before = page.now()["mail"]["version"]
    assert page.post("/page/read", {"all": {"group": OTHER}}).json() == {"read": 1}
    assert [group["unread"] for group in page.now()["mail"]["groups"]] == [1, 0]
    assert page.now()["mail"]["version"] != before
    assert page.post("/page/read", {"thread": "gone"}).status_code == 200


@pytest.mark.parametrize(
    ("settings", "accepts", "problem"),
    [(None, "none", "BRIDGE_GROUP is missing"), ({"BRIDGE_GITHUB_SECRET": "short"}, "some", "BRIDGE_GITHUB_SECRET")],
)
def test_wrong_settings_are_shown_with_every_problem(tmp_path, settings, accepts, problem):
    bridge = Bridge(Configuration.from_env({"BRIDGE_GROUP": GROUP, **settings})) if settings else None
    with contextlib.closing(FakeGraph(tmp_path / "graph.sqlite")) as fake_graph:
        hosted = HostedBridge(bridge, problems=() if bridge else ("BRIDGE_GROUP is missing",))
        shown = PageServer(fake_graph, 1, hosted)._settings_problems()
    assert shown["accepts"] == accepts
    assert problem in shown["problems"][0]


def test_a_stream_without_events_says_that_the_server_is_there(monkeypatch):
    monkeypatch.setattr(live_updates, "_KEEP_ALIVE", 0.03)
    stream = LiveUpdates(lambda: {"topic": 1}, interval=0.01).stream()

    async def two():
        return [await anext(stream), await anext(stream)]

    assert asyncio.run(two()) == ["event: topic\ndata: 1\n\n", "event: alive\ndata: {}\n\n"]


def test_with_func_start_there_are_no_samples_and_no_outbox(tmp_path):
    with contextlib.closing(FakeGraph(tmp_path / "graph.sqlite")) as fake_graph, listen(0) as listener:
        server = PageServer(fake_graph, listener.getsockname()[1])
        with in_thread(Starlette(routes=server.routes()), listener) as address:
            page = Page(fake_graph, server, None, address)
            assert page.now()["outbox"] is None
            assert page.get("/page/samples").status_code == 404
            assert page.post("/page/send", {}).status_code == 404


# Open pages


def test_a_closed_page_is_forgotten(page):
    with events(page.address) as first, events(page.address) as second:
        next(first)
        next(second)
        assert page.server.updates.listeners == 2
    wait_until(lambda: page.server.updates.listeners == 0)


def test_an_open_page_does_not_delay_the_shutdown(tmp_path):
    with running(tmp_path) as stack, events(stack.address) as received:
        next(received)
        started = time.monotonic()
        stack.process.terminate()
        stack.process.wait(PATIENCE)
    assert time.monotonic() - started < 5  # the grace period of running requests
    assert "Cancel" not in (tmp_path / "log").read_text()


# Requests from other sites

READ = ["/", "/page/mail", "/page/events", "/page/samples", "/page/sample", "/page/webhook", "/page/received",
        "/page/deliveries", "/page/deliveries/states", "/page/delivery", "/page/delivery/compare",
        "/page/delivery/curl", "/page/dead-letters", "/page/dead-letter", "/page/groups",
        "/page/groups/doctor"]  # fmt: skip
ACT = [
    "/page/send",
    "/page/read",
    "/page/faults",
    "/page/requeue",
    "/page/requeue-some",
    "/page/resend",
    "/page/learn",
    "/page/trial",
]
FAULT = {"fault": "500", "mode": "once"}
FOREIGN = {
    "another site's name that points here": ({"Host": "mail.example:7071"}, 421),
    "another port of this machine": ({"Host": "127.0.0.1:1"}, 421),
    "a page of another origin": ({"Origin": "https://mail.example"}, 403),
    "a page without an origin": ({"Origin": "null"}, 403),
    "a frame or script of another site": ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
    "another server on this machine": ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, 403),
}


@pytest.mark.parametrize(("method", "path"), [*(("GET", path) for path in READ), *(("POST", path) for path in ACT)])
@pytest.mark.parametrize(("headers", "status"), FOREIGN.values(), ids=FOREIGN)
def test_other_sites_are_refused(unchanged, method, path, headers, status):
    answer = requests.request(method, unchanged.address + path, json=FAULT, headers=headers, timeout=9)
    assert answer.status_code == status
    assert "secret" not in answer.text
    assert unchanged.fake_graph.faults.once == ()


@pytest.mark.parametrize("path", ACT)
def test_links_and_forms_cannot_do_anything(unchanged, path):
    assert unchanged.get(path).status_code == 405
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = unchanged.post(path, None, data=json.dumps(FAULT), headers={"Content-Type": content_type})
        assert answer.status_code == 415
    large = unchanged.post(path, {"payload": "x" * (5 << 20)})
    assert large.status_code == 413
    assert unchanged.fake_graph.faults.once == ()


def test_other_sites_may_link_to_the_page(unchanged):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert unchanged.get("/", headers=headers).status_code == 200
    assert unchanged.get("/page/mail", headers=headers).status_code == 403


def test_the_page_works_at_127_0_0_1_and_localhost(unchanged):
    port = unchanged.address.rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
        headers = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
        assert unchanged.get("/page/mail", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/", f"/page/{VERSION}/page.css", f"/page/{VERSION}/page.js", "/page/mail"])
def test_only_the_pages_own_scripts_may_run(unchanged, path):
    answer = unchanged.get(path)
    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert (policy["default-src"], policy["script-src"], policy["connect-src"]) == ("'none'", "'self'", "'self'")
    assert policy["frame-ancestors"] == "'none'"


def test_a_browser_keeps_the_files_of_a_version_and_nothing_else(unchanged):
    page = unchanged.get("/")
    assert page.headers["Cache-Control"] == "no-store"
    linked = re.findall(r'(?:href|src)="(/[^"]+)"', page.text)
    assert f"/page/{VERSION}/page.js" in linked
    for path in linked:
        assert path.startswith(f"/page/{VERSION}/")
        answer = unchanged.get(path)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "private, max-age=31536000, immutable")
    assert unchanged.get("/page/mail").headers["Cache-Control"] == "no-store"
    script = f"/page/{VERSION}/page.js"
    assert unchanged.get(script, headers={"Origin": "https://evil.example"}).headers["Cache-Control"] == "no-store"
    # What an open page of an earlier version asks for is not answered with a file of this one.
    assert unchanged.get("/page/0123456789ab/page.js").status_code == 404


def test_the_secrets_of_a_request_are_hidden(stack):
    headers = {
        "X-Token": "demo-secret-for-local-use-only",
        "Authorization": "Bearer secret-a",
        "X-Functions-Key": "secret-b",
        "X-GitHub-Event": "issues",
    }
    body = json.dumps(issue("opened", hook={"secret": "demo-secret-for-local-use-only"})).encode()
    headers |= SOURCES["github"].verifier.sign(body, "demo-secret-for-local-use-only")
    url = f"{stack.address}/api/webhooks/github?code=secret-c"
    accepted = requests.post(url, body, headers=headers, timeout=60).json()["accepted"][0]
    raw = stack.get("/page/webhook", params={"entry": accepted})
    assert raw.json()["headers"]["authorization"] == "(hidden)"
    assert not any(f"secret-{rest}" in raw.text for rest in ("a", "b", "c", "for-local-use-only"))
