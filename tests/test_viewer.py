"""The page's server: it shows the groups and the outbox, does what the page asks, and answers to nobody else."""

import contextlib
import http.client
import json
import time
from urllib.parse import urlsplit

import pytest
import requests
from starlette.applications import Starlette

from bridge.app import Bridge
from bridge.entries import to_message
from bridge.local.fake_graph.faults import EFFECTS
from bridge.local.fake_graph.server import Mailbox
from bridge.local.host.server import listen
from bridge.local.page import Behind, Viewer
from bridge.local.page.live import per_second
from bridge.outbox.base import DeadLetter, Pause
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests.graph_servers import GROUP, in_thread
from tests.local_stack import GROUPS, NAMES, PATIENCE, issue, running
from tests.outbox_stand_ins import entry

OTHER = "00000000-0000-4000-8000-0000000000d1"
IDENTITY = {"X-IDENTITY-HEADER": "local"}


class Page:
    """The page of a mailbox, and what its members of groups have been told."""

    def __init__(self, mailbox, viewer, bridge, address):
        self.mailbox, self.viewer, self.bridge, self.address = mailbox, viewer, bridge, address

    def get(self, path="/", **options):
        return requests.get(self.address + path, timeout=9, **options)

    def post(self, path, content, **options):
        return requests.post(self.address + path, json=content, timeout=9, **options)

    def mail(self, **chosen):
        return self.get("/viewer/mail", params=chosen).json()

    def now(self):
        """What a page that opens is told."""
        with events(self.address) as told:
            return dict(next(told) for _ in range(5))

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
    """The server-sent events, as they come: pairs of topic and content."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE)
    connection.request("GET", "/viewer/events", headers={"Accept": "text/event-stream"})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Content-Type"].partition(";")[0]) == (200, "text/event-stream")

    def told():
        topic = ""
        while line := answer.readline().decode():
            name, _, text = line.strip().partition(": ")
            if name == "event":
                topic = text
            elif name == "data":
                yield topic, json.loads(text)

    try:
        yield told()
    finally:
        # The answer holds the socket, too.
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
    bridge = Bridge(Settings.from_env({**settings, "BRIDGE_GROUP": GROUP}))
    with contextlib.closing(Mailbox(tmp_path / "mailbox.sqlite")) as mailbox, listen(0) as listener:
        viewer = Viewer(mailbox, listener.getsockname()[1], Behind(bridge))
        with in_thread(Starlette(routes=[*mailbox.routes(), *viewer.routes()]), listener) as address:
            yield Page(mailbox, viewer, bridge, address)
        bridge.delivery.outbox.close()


@pytest.fixture
def page(tmp_path):
    with opened(tmp_path) as page:
        yield page


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A page that nothing changes."""
    with opened(tmp_path_factory.mktemp("guarded")) as page:
        page.start("secret", "<p>secret</p>")
        yield page


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with running(tmp_path_factory.mktemp("run"), BRIDGE_GROUP=GROUPS["group-0"]) as stack:
        yield stack


# What it shows


def test_threads_are_newest_first_with_the_posts_of_the_one_that_is_read(page):
    empty = {"groups": [], "group": "", "threads": [], "thread": "", "posts": [], "permissions": "open"}
    assert page.mail() == empty
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
    first, second = page.start("one", "<p>1</p>"), page.start("two", "<p>2</p>", OTHER)
    assert page.mail()["groups"] == [{"id": GROUP, "name": "Platform"}, {"id": OTHER, "name": OTHER}]
    assert [thread["topic"] for thread in page.mail(group=OTHER)["threads"]] == ["two"]
    assert page.now()["mail"]["groups"] == [
        {"id": GROUP, "name": "Platform", "threads": {first: 1}},
        {"id": OTHER, "name": OTHER, "threads": {second: 1}},
    ]


def test_groups_on_hold_are_told_also_when_no_group_has_a_thread(page):
    until = time.time() + 60
    for group in (GROUP, OTHER):
        page.bridge.delivery.outbox.set_pause(group, Pause(until, "Graph <b>refuses</b> it.", 1.0))
    page.bridge.delivery.outbox.set_pause("patience", Pause(until))
    told = page.now()["held"]
    assert [(held["group"], held["reason"]) for held in told] == [
        ("Platform", "Graph <b>refuses</b> it."),
        (OTHER, "Graph <b>refuses</b> it."),
    ]


def test_the_outbox_is_shown_with_what_each_entry_waits_for(page):
    outbox, now = page.bridge.delivery.outbox, time.time()
    for number, (group, due) in enumerate([("g", now - 1), ("g", now + 60), ("slow", now)], 1):
        outbox.record(entry(number, group=group), now + number, due)
    outbox.set_pause("slow", Pause(now + 90))
    letter = DeadLetter(entry(4).id, "g", to_message(entry(4)), "400: bad HTML", "Mend it.", now, 3)
    outbox.bury_message(letter)
    outbox.bury_message(DeadLetter("f" * 32, "", "no JSON", "It cannot be read.", "Upgrade.", now))
    told = page.now()["outbox"]
    rows = {row["id"]: row for row in told["rows"]}
    assert told["counts"] == {"pending": 1, "settling": 1, "deferred": 1, "dead": 2}
    assert [(rows[entry(n).id]["state"], rows[entry(n).id]["until"]) for n in (1, 2, 3)] == [
        ("pending", 0),
        ("settling", now + 60),
        ("deferred", now + 90),
    ]
    dead = rows[entry(4).id]
    assert (dead["state"], dead["topic"], dead["reason"], dead["tries"]) == ("dead", "Topic 4", "400: bad HTML", 3)
    assert rows["f" * 32]["topic"] == "A message that cannot be read"


def test_a_storage_that_fails_is_told_and_the_rest_goes_on(page):
    page.bridge.delivery.outbox._file.connection.execute("ALTER TABLE dead RENAME TO moved")
    told = page.now()
    assert "The outbox cannot be read" in told["outbox"]["problem"]
    assert told["mail"] == {"groups": [], "permissions": "open"}


def test_counts_are_per_second_of_the_last_minute():
    assert per_second([100.9, 100.1, 99.5, 97.0, 3.0], now=100.95, seconds=4) == [1, 0, 1, 2]
    assert per_second([], now=100.0, seconds=2) == [0, 0]


# What it does, with the bridge behind it


def act(stack, path, content):
    return requests.post(f"{stack.address}/viewer/{path}", json=content, timeout=60)


def row_of(stack, ident, state):
    """The outbox's row of an entry, as soon as it is in that state."""
    with events(stack.address) as told:
        for topic, content in told:
            rows = {row["id"]: row for row in content["rows"]} if topic == "outbox" else {}
            if ident in rows and rows[ident]["state"] == state:
                return rows[ident]
    raise AssertionError(f"{ident} is never {state}")


def asking(payload, **more):
    return {"source": "github", "event": "issues", "payload": json.dumps(payload), **more}


def test_the_samples_are_those_of_every_source(stack):
    listed = {source["name"]: source for source in stack.get("/viewer/samples").json()}
    assert listed.keys() == SOURCES.keys()
    assert {"file": "issues.opened.json", "event": "issues"} in listed["github"]["samples"]
    chosen = {"source": "github", "file": "issues.opened.json"}
    assert stack.get("/viewer/sample", params=chosen).json()["action"] == "opened"
    for wrong in ({"file": "../../host.json"}, {"source": "../samples/github"}):
        assert stack.get("/viewer/sample", params=chosen | wrong).status_code == 404


def test_a_sample_is_sent_signed_and_told_and_an_event_says_so(stack):
    with events(stack.address) as told:
        answer = act(stack, "send", asking(issue("opened", 7001))).json()
        assert answer["status"] == 202
        ident = json.loads(answer["answer"])["accepted"][0]
        for topic, content in told:
            if topic == "mail" and content["groups"]:
                break
    row = row_of(stack, ident, "sent")
    mail = stack.get("/viewer/mail", params={"group": GROUPS[NAMES[0]], "thread": row["thread"]}).json()
    assert (row["group"], mail["posts"][0]["webhooks"]) == ("group-0", [ident[:12]])
    raw = stack.get("/viewer/webhook", params={"reference": ident[:12]}).json()
    assert (raw["line"], raw["status"]) == ("POST /api/webhooks/github", 202)
    assert raw["headers"]["x-github-event"] == "issues"
    assert json.loads(raw["body"])["issue"]["number"] == 7001


def test_a_burst_is_about_as_many_things_as_it_has_webhooks(stack):
    assert act(stack, "send", asking(issue("opened", 7100), count=12, seconds=0)).json() == {"sending": 12}

    def topics():
        mail = stack.get("/viewer/mail", params={"group": GROUPS[NAMES[0]]}).json()
        threads = [stack.get("/viewer/mail", params={"thread": thread["id"]}).json() for thread in mail["threads"]]
        return "".join(post["html"] for thread in threads for post in thread["posts"])

    wait_until(lambda: all(f"#{number}<" in topics() or f"#{number} " in topics() for number in range(7200, 7212)))


def test_a_dead_letter_is_replayed(stack):
    fault = {"kind": "400"}
    switched = act(stack, "faults", {"fault": fault, "stays": True}).json()
    assert [found["kind"] for found in switched if found["stays"]] == ["400"]
    ident = json.loads(act(stack, "send", asking(issue("opened"))).json()["answer"])["accepted"][0]
    dead = row_of(stack, ident, "dead")
    assert "400" in dead["reason"]
    assert act(stack, "faults", {"fault": fault, "stays": False}).status_code == 200
    assert act(stack, "replay", {"id": ident}).json() == {"replayed": ident}
    assert row_of(stack, ident, "sent")["topic"] == dead["topic"]
    assert act(stack, "replay", {"id": ident}).status_code == 404


def test_a_fault_waits_for_one_request_or_stays(page):
    told = page.post("/viewer/faults", {"fault": {"kind": "429", "seconds": 3}, "stays": None}).json()
    assert {fault["kind"]: fault["waiting"] for fault in told} == dict.fromkeys(EFFECTS, 0) | {"429": 1}
    page.post("/viewer/faults", {"fault": "500", "stays": True})
    page.post("/viewer/faults", {"fault": "503", "stays": True})
    taken = [page.mailbox.faults.take("POST").kind for _ in range(4)]
    assert taken == ["429", "500", "503", "500"]
    page.post("/viewer/faults", {"fault": "500", "stays": False})
    assert page.mailbox.faults.take("POST").kind == "503"
    assert page.post("/viewer/faults", {"fault": "503", "stays": False}).json()[1]["stays"] is False
    assert page.mailbox.faults.take("POST").kind == ""


WRONG = {
    "no such source": ("send", {"source": "nobody"}, "The source must be one of github"),
    "too many": ("send", {"source": "github", "count": 501}, "from 1 to 500"),
    "no number": ("send", {"source": "github", "count": True}, "from 1 to 500"),
    "too long": ("send", {"source": "github", "seconds": 61}, "from 0 to 60"),
    "not a number at all": ("send", {"source": "github", "seconds": float("nan")}, "from 0 to 60"),
    "a header in the event": ("send", {"source": "github", "event": "push\r\nX: 1"}, "plain ASCII"),
    "no fault": ("faults", {"fault": "unknown", "stays": True}, "That is no fault"),
    "no dead letter": ("replay", {"id": "nothing"}, "no such dead letter"),
    "not an object": ("send", [], "must be a JSON object"),
}


@pytest.mark.parametrize(("path", "content", "message"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_done_is_said(guarded, path, content, message):
    answer = guarded.post(
        f"/viewer/{path}", None, data=json.dumps(content), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in {400, 404}
    assert message in answer.json()["error"]


def test_a_bridge_that_does_not_answer_is_told(page):
    # Here is no bridge at the page's address.
    answer = page.post("/viewer/send", {"source": "github", "event": "push", "payload": "{}"})
    assert answer.json() == {"status": 404, "answer": "Not Found"}


def test_beside_func_start_there_are_no_samples_and_no_outbox(tmp_path):
    with contextlib.closing(Mailbox(tmp_path / "mailbox.sqlite")) as mailbox, listen(0) as listener:
        viewer = Viewer(mailbox, listener.getsockname()[1])
        with in_thread(Starlette(routes=viewer.routes()), listener) as address:
            page = Page(mailbox, viewer, None, address)
            assert page.now()["outbox"] is None
            assert page.get("/viewer/samples").status_code == 404
            assert page.post("/viewer/send", {}).status_code == 404


# Who listens


def test_a_page_that_goes_away_is_forgotten(page):
    with events(page.address) as first, events(page.address) as second:
        next(first)
        next(second)
        assert page.viewer.live.listeners == 2
    wait_until(lambda: page.viewer.live.listeners == 0)


def test_an_open_page_does_not_hold_up_the_end(tmp_path):
    with running(tmp_path) as stack, events(stack.address) as told:
        next(told)
        begun = time.monotonic()
        stack.process.terminate()
        stack.process.wait(PATIENCE)
    assert time.monotonic() - begun < 5  # the grace that requests get
    assert "Cancel" not in (tmp_path / "log").read_text()


# Who may ask

READ = ["/", "/viewer/mail", "/viewer/events", "/viewer/samples", "/viewer/sample", "/viewer/webhook"]
ACT = ["/viewer/send", "/viewer/faults", "/viewer/replay"]
FOREIGN = {
    "a name of somebody else's that points here": ({"Host": "mail.example:7071"}, 421),
    "another port of this machine": ({"Host": "127.0.0.1:1"}, 421),
    "a page of another origin": ({"Origin": "https://mail.example"}, 403),
    "a page without an origin": ({"Origin": "null"}, 403),
    "a frame or a script elsewhere": ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
    "another site of this machine": ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, 403),
}


@pytest.mark.parametrize(("method", "path"), [*(("GET", path) for path in READ), *(("POST", path) for path in ACT)])
@pytest.mark.parametrize(("headers", "status"), FOREIGN.values(), ids=FOREIGN)
def test_it_answers_only_to_itself(guarded, method, path, headers, status):
    answer = requests.request(method, guarded.address + path, json={"fault": "500"}, headers=headers, timeout=9)
    assert answer.status_code == status
    assert "secret" not in answer.text
    assert guarded.mailbox.faults.waiting == ()


@pytest.mark.parametrize("path", ACT)
def test_nothing_is_done_by_a_link_or_a_form(guarded, path):
    assert guarded.get(path).status_code == 405
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = guarded.post(path, None, data='{"fault": "500"}', headers={"Content-Type": content_type})
        assert answer.status_code == 415
    large = guarded.post(path, {"payload": "x" * (5 << 20)})
    assert large.status_code == 413
    assert guarded.mailbox.faults.waiting == ()


def test_a_link_from_elsewhere_leads_to_the_page(guarded):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert guarded.get("/", headers=headers).status_code == 200
    assert guarded.get("/viewer/mail", headers=headers).status_code == 403


def test_the_same_origin_and_localhost_are_itself(guarded):
    port = guarded.address.rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
        headers = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
        assert guarded.get("/viewer/mail", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/", "/viewer/page.css", "/viewer/page.js", "/viewer/mail"])
def test_nothing_but_its_own_script_may_run(guarded, path):
    answer = guarded.get(path)
    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert (policy["default-src"], policy["script-src"], policy["connect-src"]) == ("'none'", "'self'", "'self'")
    assert policy["frame-ancestors"] == "'none'"


def test_secrets_of_a_request_are_not_shown(stack):
    headers = {
        "X-Token": "demo-secret-for-local-use-only",
        "Authorization": "Bearer secret-a",
        "X-Functions-Key": "secret-b",
        "X-GitHub-Event": "issues",
    }
    body = json.dumps(issue("opened")).encode()
    headers |= SOURCES["github"].verifier.sign(body, "demo-secret-for-local-use-only")
    url = f"{stack.address}/api/webhooks/github?code=secret-c"
    ident = requests.post(url, body, headers=headers, timeout=60).json()["accepted"][0]
    raw = stack.get("/viewer/webhook", params={"reference": ident[:12]})
    assert raw.json()["headers"]["authorization"] == "(left out)"
    assert not any(f"secret-{rest}" in raw.text for rest in ("a", "b", "c", "for-local-use-only"))
