"""The stand-in for Graph: it checks requests as Graph does, keeps what is posted, and fails on request."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import requests

from bridge.local.fake_graph.faults import EFFECTS, Fault
from bridge.local.fake_graph.server import FakeGraph
from tests.graph_servers import GROUP, fake_graph_at

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
GRAPH = "https://graph.microsoft.com"
THREADS = f"/groups/{GROUP}/threads"


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now


class Client:
    """A client of the stand-in with an application's token."""

    def __init__(self, fake_graph, address, clock):
        self.fake_graph, self.address, self.clock = fake_graph, address, clock
        self.headers = {"Authorization": f"Bearer {self.token().json()['access_token']}"}

    def token(self, header="local", **query):
        params = {"api-version": "2019-08-01", "resource": GRAPH} | query
        headers = {"X-IDENTITY-HEADER": header}
        return requests.get(f"{self.address}/msi/token", params=params, headers=headers, timeout=9)

    def call(self, method, path, **options):
        headers = self.headers | options.pop("headers", {})
        url = path if path.startswith("http") else f"{self.address}/graph/v1.0{path}"
        return requests.request(method, url, headers=headers, timeout=9, **options)

    def start(self, topic="Topic", content="<p>Post</p>"):
        return self.call("POST", THREADS, json={"topic": topic, "posts": [post(content)]})

    def reply(self, thread, content="<p>Reply</p>"):
        return self.call("POST", f"{THREADS}/{thread}/reply", json={"post": post(content)})

    def topics(self, query=""):
        return [thread["topic"] for thread in self.call("GET", f"{THREADS}?{query}").json()["value"]]

    def add_faults(self, *faults):
        self.fake_graph.faults.add(*faults)


def post(content="<p>Post</p>", **more):
    return {"body": {"contentType": "html", "content": content}, **more}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    clock = Clock()
    with fake_graph_at(tmp_path_factory.mktemp("graph"), clock) as (fake_graph, address):
        yield fake_graph, address, clock


@pytest.fixture
def client(server):
    """A client of an empty stand-in. The server is shared: stopping it takes longer than a test."""
    fake_graph, _, clock = server
    client = Client(*server)
    fake_graph.faults.clear()
    fake_graph.missing.clear()
    clock.now += timedelta(days=1)  # late threads are visible by then, and can be deleted
    for thread in fake_graph.threads(GROUP):
        assert client.call("DELETE", f"{THREADS}/{thread.id}").status_code == 204
    fake_graph.log.clear()
    return client


def test_a_token_request_needs_the_header(client):
    answer = client.token(client_id="c1").json()
    assert (answer["client_id"], answer["token_type"], answer["resource"]) == ("c1", "Bearer", GRAPH)
    assert isinstance(answer["expires_on"], str)
    assert int(answer["expires_on"]) > time.time()
    assert client.token(header="wrong").status_code == 401


@pytest.mark.parametrize("query", [{"api-version": "2018-02-01"}, {"resource": ""}])
def test_a_token_request_that_app_service_would_refuse_is_refused(client, query):
    assert client.token(**query).status_code == 400


def test_every_request_needs_a_token_for_graph(client):
    other = client.token(resource="https://storage.azure.com").json()["access_token"]
    for authorization in ["", "Bearer ", "Bearer forged", "Basic x", f"Bearer {other}"]:
        answer = client.call("GET", THREADS, headers={"Authorization": authorization})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    client.fake_graph.tokens.revoke()
    revoked = client.call("GET", THREADS)
    assert (revoked.status_code, revoked.headers["WWW-Authenticate"][:7]) == (401, "Bearer ")


def test_a_request_without_a_token_uses_up_no_fault(client):
    client.add_faults(Fault("500"))
    assert client.call("POST", THREADS, json=NEW, headers={"Authorization": ""}).status_code == 401
    assert client.start().status_code == 500


def test_a_thread_is_started_and_replied_to(client):
    started = client.start()
    thread = started.json()["id"]
    assert started.status_code == 201
    assert thread.endswith("==")
    replied = client.reply(thread)
    assert (replied.status_code, replied.content) == (202, b"")
    # The reference has both spellings.
    assert client.call("POST", f"{THREADS}/{thread}/reply", json={"Post": post("<p>Two</p>")}).status_code == 202
    posts = client.call("GET", f"{THREADS}/{thread}/posts").json()["value"]
    assert [one["body"]["content"] for one in posts] == [
        f"<html><body><p>{text}</p></body></html>" for text in ("Post", "Reply", "Two")
    ]
    assert {one["conversationThreadId"] for one in posts} == {thread}
    assert client.call("GET", f"{THREADS}/{thread}").json()["preview"] == "Two"


NEW = {"topic": "Topic", "posts": [post()]}
FILE = {
    "@odata.type": "#microsoft.graph.fileAttachment",
    "name": "picture-1.png",
    "contentType": "image/png",
    "contentBytes": "iVBORw0KGgo=",
    "contentId": "1@webhook-bridge",
    "isInline": True,
}
PARTICIPANT = {"emailAddress": {"name": "Alex", "address": "alex@contoso.com"}}
# A new thread, and a part of the error message; empty if the thread is accepted.
CONTENTS = {
    "participants": (NEW | {"posts": [post(newParticipants=[PARTICIPANT])]}, ""),
    "annotations": (NEW | {"@odata.type": "#microsoft.graph.conversationThread"}, ""),
    "no topic": ({"posts": [post()]}, "'topic'"),
    "no posts": ({"topic": "Topic"}, "'posts'"),
    "no post": (NEW | {"posts": []}, "exactly one post"),
    "two posts": (NEW | {"posts": [post(), post()]}, "exactly one post"),
    "unknown property": (NEW | {"title": "Topic"}, "'title' does not exist"),
    "topic of another type": (NEW | {"topic": 7}, "'topic'"),
    "posts of another type": (NEW | {"posts": post()}, "'posts'"),
    "post of another type": (NEW | {"posts": ["Post"]}, "'posts'"),
    "unknown content type": (NEW | {"posts": [{"body": {"contentType": "md", "content": ""}}]}, "'contentType'"),
    "no content": (NEW | {"posts": [{"body": {"contentType": "html"}}]}, "'content'"),
    "participant without address": (NEW | {"posts": [post(newParticipants=[{"emailAddress": {}}])]}, "'address'"),
    "not an object": ([], "conversationThread"),
    "picture": (NEW | {"posts": [post(attachments=[FILE])]}, ""),
    "attachment without a type": (
        NEW | {"posts": [post(attachments=[{"name": "a", "contentBytes": ""}])]},
        "odata.type",
    ),
    "attachment of an item": (NEW | {"posts": [post(attachments=[FILE | {"@odata.type": "#itemAttachment"}])]}, "type"),
    "attachment without a name": (NEW | {"posts": [post(attachments=[{**FILE, "name": None}])]}, "'name'"),
    "attachment that is no Base64": (
        NEW | {"posts": [post(attachments=[FILE | {"contentBytes": "~"}])]},
        "contentBytes",
    ),
    "attachment with more": (NEW | {"posts": [post(attachments=[FILE | {"size": 1}])]}, "'size' does not exist"),
}


@pytest.mark.parametrize(("content", "problem"), CONTENTS.values(), ids=CONTENTS)
def test_the_content_of_a_thread_is_checked(client, content, problem):
    answer = client.call("POST", THREADS, json=content)
    assert answer.status_code == (400 if problem else 201)
    assert problem in answer.text
    assert len(client.topics()) == (0 if problem else 1)


REQUESTS = {
    "a group that is not an id": ("GET", "/groups/me/threads", {}, 400),
    "a missing group": ("GET", f"/groups/{GROUP[:-1]}f/threads", {}, 404),
    "a missing thread": ("GET", f"{THREADS}/AAQk==", {}, 404),
    "a reply to a missing thread": ("POST", f"{THREADS}/AAQk==/reply", {"json": {"post": post()}}, 404),
    "a reply without a post": ("POST", f"{THREADS}/AAQk==/reply", {"json": {}}, 400),
    "an empty body": ("POST", THREADS, {}, 400),
    "a thread of another group": ("GET", f"/groups/{GROUP[:-1]}e/threads/$THREAD", {}, 404),
    "not JSON": ("POST", THREADS, {"data": b"{", "headers": {"Content-Type": "application/json"}}, 400),
    "deeply nested JSON": (
        "POST",
        THREADS,
        {"data": b"[" * 99_999, "headers": {"Content-Type": "application/json"}},
        400,
    ),
    "half a surrogate pair": ("POST", THREADS, {"json": {"topic": "\ud800", "posts": [post()]}}, 400),
    "another media type": ("POST", THREADS, {"data": b"{}", "headers": {"Content-Type": "text/plain"}}, 415),
    "more than 4 MB": ("POST", THREADS, {"json": {"topic": "x" * (4 << 20)}}, 413),
    "an attachment of 3 MB": (
        "POST",
        THREADS,
        {"json": NEW | {"posts": [post(attachments=[FILE | {"contentBytes": "AAAA" * (1 << 20)}])]}},
        413,
    ),
    "a filter": ("GET", f"{THREADS}?$filter=topic eq 'x'", {}, 501),
    "an empty page": ("GET", f"{THREADS}?$top=0", {}, 400),
    "too large a page": ("GET", f"{THREADS}?$top=1001", {}, 400),
    "a page size that is not a number": ("GET", f"{THREADS}?$top=all", {}, 400),
    "a negative offset": ("GET", f"{THREADS}?$skip=-1", {}, 400),
    "an offset that is too large": ("GET", f"{THREADS}?$skip={'9' * 5000}", {}, 400),
    "an unknown property": ("GET", f"{THREADS}/$THREAD?$select=subject", {}, 400),
}


@pytest.mark.parametrize(("method", "path", "options", "status"), REQUESTS.values(), ids=REQUESTS)
def test_a_request_that_graph_would_refuse_is_refused(client, method, path, options, status):
    client.fake_graph.missing = {f"{GROUP[:-1]}f"}
    thread = client.start().json()["id"]
    answer = client.call(method, path.replace("$THREAD", thread), **options)
    assert answer.status_code == status
    assert answer.json()["error"]["innerError"]["request-id"] == answer.headers["request-id"]


def test_an_unknown_version_is_refused(client):
    url = f"{client.address}/graph/{{}}{THREADS}"
    assert client.call("GET", url.format("v2.0")).status_code == 400
    assert client.call("GET", url.format("beta")).status_code == 200


def test_threads_are_listed_by_their_newest_post_in_pages(client):
    first, *_ = [client.start(str(number)).json()["id"] for number in range(5)]
    client.clock.now += timedelta(seconds=1)
    client.reply(first)
    found, path = [], f"{THREADS}?$top=2&$select=topic"
    while path:
        page = client.call("GET", path).json()
        assert all(list(thread) == ["topic"] for thread in page["value"])
        found += [thread["topic"] for thread in page["value"]]
        path = page.get("@odata.nextLink")
    assert found == ["0", "4", "3", "2", "1"]


def test_posts_are_listed_oldest_first_in_pages(client):
    thread = client.start(content="0").json()["id"]
    for number in range(1, 5):
        client.clock.now += timedelta(seconds=1)
        client.reply(thread, str(number))
    found, path = [], f"{THREADS}/{thread}/posts?$top=2&$select=body"
    while path:
        page = client.call("GET", path).json()
        found.append([one["body"]["content"] for one in page["value"]])
        path = page.get("@odata.nextLink")
    assert found == [[f"<html><body>{number}</body></html>" for number in page] for page in ((0, 1), (2, 3), (4,))]


@pytest.mark.parametrize(
    ("query", "topics"),
    [
        ("$skip=1", ["1", "0"]),
        ("$top=1", ["2"]),
        ("$top=1&$skip=1", ["1"]),
        ("$skip=3", []),
        ("$top=3", ["2", "1", "0"]),
    ],
)
def test_top_and_skip_select_a_part_of_a_list(client, query, topics):
    for number in range(3):
        client.start(str(number))
    assert client.topics(query) == topics


def test_a_list_that_fits_on_one_page_has_no_next_link(client):
    client.start()
    assert "@odata.nextLink" not in client.call("GET", f"{THREADS}?$top=1").json()


def test_plain_text_is_escaped(client):
    content = {"topic": "Topic", "posts": [{"body": {"contentType": "text", "content": "<b>&"}}]}
    thread = client.call("POST", THREADS, json=content).json()["id"]
    assert client.fake_graph.posts(GROUP, thread)[0].html == "<pre>&lt;b&gt;&amp;</pre>"


def test_a_deleted_thread_is_gone(client):
    thread = client.start().json()["id"]
    assert client.call("DELETE", f"{THREADS}/{thread}").status_code == 204
    assert client.topics() == []
    assert client.reply(thread).status_code == 404


def test_posts_survive_a_restart(tmp_path):
    with fake_graph_at(tmp_path) as (fake_graph, address):
        thread = Client(fake_graph, address, None).start("Kept").json()["id"]
    again = FakeGraph(tmp_path / "graph.sqlite")
    assert again.groups() == [GROUP]
    assert [(kept.id, kept.topic, kept.posts) for kept in again.threads(GROUP)] == [(thread, "Kept", 1)]
    again.close()


@pytest.mark.parametrize(("kind", "effect"), EFFECTS.items(), ids=EFFECTS)
def test_a_fault_makes_one_request_fail_in_its_way(client, kind, effect):
    client.add_faults(Fault(kind, 0.01))
    if effect.drops:
        with pytest.raises(requests.ConnectionError):
            client.start()
    else:
        assert client.start().status_code == (effect.answer[0] if effect.answer else 201)
    client.clock.now += timedelta(seconds=1)
    assert len(client.topics()) == effect.acts
    assert client.start().status_code == 201
    assert (client.fake_graph.log[0].status == 0) is effect.drops


@pytest.mark.parametrize(("seconds", "header"), [(7, "7"), (1.5, "1.5"), (None, None)])
@pytest.mark.parametrize("kind", ["429", "503"])
def test_a_throttled_request_says_how_long_to_wait(client, kind, seconds, header):
    client.add_faults(Fault(kind, seconds))
    assert client.start().headers.get("Retry-After") == header


def test_late_posts_and_late_threads_appear_late(client):
    client.add_faults(Fault("late"), Fault("late-visible", 5))
    assert client.start("late").status_code == 504
    assert client.start("hidden").status_code == 201
    topics = []
    for _ in range(3):
        topics.append(client.topics())
        client.clock.now += timedelta(seconds=2.5)
    assert topics == [[], ["late"], ["late", "hidden"]]


def test_a_thread_that_is_not_visible_yet_is_not_found(client):
    client.add_faults(Fault("late-visible", 5))
    thread = client.start().json()["id"]
    assert client.call("GET", f"{THREADS}/{thread}").status_code == 404
    assert client.reply(thread).status_code == 404
    client.clock.now += timedelta(seconds=5)
    assert client.reply(thread).status_code == 202


def test_a_slow_answer_takes_its_time(client):
    client.add_faults(Fault("slow", 0.2))
    started = time.monotonic()
    assert client.start().status_code == 201
    assert time.monotonic() - started >= 0.2


def test_a_fault_applies_to_its_method(client):
    client.add_faults(Fault("500", method="GET"))
    assert client.start().status_code == 201
    assert client.call("GET", THREADS).status_code == 500
    assert client.call("GET", THREADS).status_code == 200


def test_faults_are_switched_on_and_off_over_http(client):
    url = f"{client.address}/graph/_faults"
    for faults in ("500", {"kind": "429", "seconds": 2}, ["503", {"kind": "500", "method": "GET"}]):
        assert requests.post(url, json=faults, timeout=9).status_code == 204
    assert [client.start().status_code for _ in range(4)] == [500, 429, 503, 201]
    assert client.call("GET", THREADS).status_code == 500
    requests.post(url, json=["500"], timeout=9)
    assert requests.delete(url, timeout=9).status_code == 204
    assert client.start().status_code == 201


@pytest.mark.parametrize(
    "wrong",
    [
        *(b"", b"{", b"[" * 99_999, b'"unknown"', b"7", b'{"kind": 5}', b'{"seconds": 1}', b'{"kind": "500", "x": 1}'),
        *(b'{"kind": "slow", "seconds": %s}' % seconds for seconds in (b'"1"', b"-1", b"NaN", b"Infinity", b"1e300")),
        b'["500", "unknown"]',
    ],
    ids=lambda wrong: wrong[:40].decode(),
)
def test_an_invalid_fault_is_refused(client, wrong):
    answer = requests.post(f"{client.address}/graph/_faults", wrong, timeout=9)
    assert answer.status_code == 400
    assert json.loads(answer.text)["message"]
    assert client.start().status_code == 201


def test_the_log_has_the_number_of_requests_in_flight(client):
    client.add_faults(Fault("slow", 0.5), Fault("slow", 0.5))
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: client.start().status_code, range(2)))
    assert answers == [201, 201]
    assert sorted(logged.in_flight for logged in client.fake_graph.log) == [1, 2]
    assert {(logged.method, logged.path, logged.status) for logged in client.fake_graph.log} == {
        ("POST", f"/graph/v1.0{THREADS}", 201)
    }
