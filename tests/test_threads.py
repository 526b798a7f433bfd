import contextlib
import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from bridge.errors import AccessRefused, ContentRefused, NotSent, OutcomeUnknown, ThreadGone
from bridge.graph.channel import Post
from bridge.graph.client import GraphClient
from bridge.graph.threads import GroupThreads
from bridge.local.fake_graph.faults import Fault
from tests.graph_contract import problems
from tests.graph_servers import GROUP, answer, fake_graph_at, graph_client, raw

NOW = datetime.now(UTC)
SINCE = NOW - timedelta(minutes=1)


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now

    def forward(self, **delta):
        self.now += timedelta(**delta)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stack(tmp_path, monkeypatch, clock):
    with fake_graph_at(tmp_path, clock) as (fake_graph, address), graph_client(monkeypatch, address) as client:
        yield fake_graph, GroupThreads(client)
    assert [problem for request in fake_graph.requests for problem in problems(*request)] == []


@pytest.fixture
def fake_graph(stack):
    return stack[0]


@pytest.fixture
def channel(stack):
    return stack[1]


def post(*references, topic="Topic", group=GROUP, participants=()):
    return Post(group, topic, f"<p>{'</p><p>'.join(references)}</p>", " ".join(references), participants)


def test_a_thread_is_started_and_replied_to(fake_graph, channel):
    thread = channel.start(post("one"))
    assert channel.reply(thread, post("two")) == thread
    (kept,) = fake_graph.threads(GROUP)
    assert (kept.id, kept.topic, kept.posts) == (thread, "Topic", 2)
    assert [post.html for post in fake_graph.posts(GROUP, thread)] == ["<p>one</p>", "<p>two</p>"]


def test_a_thread_goes_out_as_graph_wants_it():
    class Token:
        def token(self, claims=""):
            return "t"

    with raw(answer(201, b'{"id": "AAQ="}')) as server:
        client = GraphClient(server.url, Token())
        sent = Post("a/b", "t" * 300, "<p>\u00fc</p>", "r", ("Alex Darrow <alexd@contoso.com>", "sam@contoso.com"))
        assert GroupThreads(client).start(sent) == "AAQ="
        server.answers = [answer(202)]
        GroupThreads(client).reply("AA_Q-k/?#==", sent)
        client.close()
    started, replied = server.requests
    assert started.startswith(b"POST /groups/a%2Fb/threads HTTP/1.1\r\n")
    assert b"Content-Type: application/json\r\n" in started
    first = {
        "body": {"contentType": "html", "content": "<p>\u00fc</p>"},
        "newParticipants": [
            {"emailAddress": {"name": "Alex Darrow", "address": "alexd@contoso.com"}},
            {"emailAddress": {"name": "sam@contoso.com", "address": "sam@contoso.com"}},
        ],
    }
    assert json.loads(started.split(b"\r\n\r\n")[1]) == {"topic": "t" * 255, "posts": [first]}
    assert replied.startswith(b"POST /groups/a%2Fb/threads/AA_Q-k%2F%3F%23%3D%3D/reply HTTP/1.1\r\n")
    assert json.loads(replied.split(b"\r\n\r\n")[1]) == {"post": first}


@pytest.mark.parametrize("body", [b"{}", b'{"id": ""}', b'{"id": 7}', b""])
def test_a_thread_without_an_id_leaves_the_outcome_unknown(body, monkeypatch, tmp_path):
    with (
        fake_graph_at(tmp_path) as (_, address),
        raw(answer(201, body)) as server,
        graph_client(monkeypatch, address) as good,
        contextlib.closing(GraphClient(server.url, good._identity)) as client,
        pytest.raises(OutcomeUnknown, match="no id"),
    ):
        GroupThreads(client).start(post("r"))


def test_a_reply_to_a_thread_that_is_not_there_says_so(fake_graph, channel):
    with pytest.raises(ThreadGone, match="deleted"):
        channel.reply("AAQkgone==", post("r"))


def test_a_new_thread_may_become_visible_late(fake_graph, channel, clock):
    fake_graph.faults.add(Fault("late-visible", 5))
    thread = channel.start(post("one"))
    with pytest.raises(ThreadGone):
        channel.reply(thread, post("two"))
    assert channel.find(GROUP, ["one"], SINCE) == {}
    assert channel.find(GROUP, ["one"], SINCE, thread) == {}
    clock.forward(seconds=5)
    assert channel.reply(thread, post("two")) == thread
    assert channel.find(GROUP, ["one"], SINCE) == {"one": thread}


@pytest.mark.parametrize(("group", "error"), [(GROUP, AccessRefused), ("platform", ContentRefused)])
def test_a_group_that_is_not_there_is_not_a_thread_that_is_gone(fake_graph, channel, group, error):
    fake_graph.missing.add(GROUP)
    calls = [
        lambda: channel.start(post("r", group=group)),
        lambda: channel.reply("AAQ==", post("r", group=group)),
        lambda: channel.find(group, ["r"], SINCE),
        lambda: channel.find(group, ["r"], SINCE, "AAQ=="),
    ]
    for call in calls:
        with pytest.raises(error):
            call()


def test_references_are_found_with_their_threads(fake_graph, channel, clock):
    first = channel.start(post("aa1", "aa2"))
    second = channel.start(post("bb1"))
    channel.reply(first, post("aa3"))
    found = channel.find(GROUP, ["aa1", "aa3", "bb1", "cc1"], SINCE)
    assert found == {"aa1": first, "aa3": first, "bb1": second}
    assert channel.find(GROUP, ["aa2", "bb1"], SINCE, first) == {"aa2": first}
    assert channel.find(GROUP, [], SINCE) == {}


@pytest.mark.parametrize("is_reply", [False, True])
def test_a_copy_of_a_token_is_not_the_post(fake_graph, channel, clock, is_reply):
    old = channel.start(post("old"))
    thread = channel.reply(old, post("token")) if is_reply else channel.start(post("token"))
    for copy in (old, ""):
        clock.forward(seconds=3)
        channel.reply(copy, post("see token!")) if copy else channel.start(post("see token!"))
    assert channel.find(GROUP, ["token"], SINCE) == {"token": thread}
    assert channel.find(GROUP, ["token"], SINCE, thread) == {"token": thread}


def test_a_post_full_of_angle_brackets_is_read_in_time():
    class Token:
        def token(self, claims=""):
            return "t"

    post = {"body": {"content": f"{'<' * 400_000} token"}}
    with raw(answer(200, json.dumps({"value": [post]}).encode())) as server:
        client = GraphClient(server.url, Token())
        began = time.process_time()
        assert GroupThreads(client).find("g", ["token"], SINCE, "1") == {"token": "1"}
        assert time.process_time() - began < 5
        client.close()


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ("<p>ref</p>", True),
        ("<td>ref</td><td>more</td>", True),
        ("&#114;ef &middot; x", True),
        ("Reference: ref.", True),
        ("reference", False),
        ("ref-2", False),
        ("a-ref", False),
        ("<p title='ref'>else</p>", False),
    ],
)
def test_a_reference_is_a_word_of_the_text(channel, html, found):
    thread = channel.start(Post(GROUP, "t", html, "ref"))
    assert channel.find(GROUP, ["ref"], SINCE) == ({"ref": thread} if found else {})


def test_what_is_older_is_not_looked_at(fake_graph, channel, clock):
    old = channel.start(post("old"))
    clock.forward(hours=1)
    new = channel.start(post("new"))
    fake_graph.log.clear()
    assert channel.find(GROUP, ["old", "new"], clock.now) == {"new": new}
    assert not [entry for entry in fake_graph.log if old in entry.path]
    # Graph's clock may be behind ours.
    assert channel.find(GROUP, ["new"], clock.now + timedelta(minutes=4)) == {"new": new}


def test_reading_ends_with_the_first_page_of_old_threads(fake_graph, channel, clock):
    for number in range(101):
        channel.start(post(f"old{number}"))
    clock.forward(hours=1)
    fake_graph.log.clear()
    assert channel.find(GROUP, ["else"], clock.now) == {}
    assert [entry.path for entry in fake_graph.log] == [f"/graph/v1.0/groups/{GROUP}/threads"]


def test_many_threads_and_posts_are_read_page_by_page(fake_graph, channel):
    threads = [channel.start(post(f"thread{number}")) for number in range(52)]
    for number in range(52):
        channel.reply(threads[0], post(f"post{number}"))
    assert channel.find(GROUP, ["post51"], SINCE, threads[0]) == {"post51": threads[0]}
    assert channel.find(GROUP, ["thread1"], SINCE) == {"thread1": threads[1]}


def test_more_than_can_be_read_is_not_taken_for_nothing():
    class Token:
        def token(self, claims=""):
            return "t"

    with raw(b"") as server:
        body = f'{{"value": [], "@odata.nextLink": "{server.url}/groups/g/threads?$skip=1"}}'
        server.answers = [answer(200, body.encode())]
        client = GraphClient(server.url, Token())
        with pytest.raises(OutcomeUnknown, match="more than 20 pages"):
            GroupThreads(client).find("g", ["r"], SINCE)
        client.close()
        assert len(server.requests) == 20


@pytest.mark.parametrize("stamp", ["", "yesterday", "2020-01-01T00:00:00"])
def test_odd_threads_and_posts_do_not_stop_the_search(stamp):
    class Token:
        def token(self, claims=""):
            return "t"

    threads = json.dumps({"value": [{"topic": "no id"}, {"id": "1", "lastDeliveredDateTime": stamp}]})
    posts = json.dumps({"value": [{}, {"body": None}, {"body": {"content": 7}}, {"body": {"content": "ref"}}]})
    with raw(answer(200, threads.encode()), answer(200, posts.encode())) as server:
        client = GraphClient(server.url, Token())
        assert GroupThreads(client).find("g", ["ref"], SINCE) == {"ref": "1"}
        client.close()


@pytest.mark.parametrize("fault", ["created-but-504", "drop-after", "late"])
@pytest.mark.parametrize("is_reply", [False, True])
def test_what_was_done_in_spite_of_the_answer_is_found(fake_graph, channel, clock, fault, is_reply):
    thread = channel.start(post("first"))
    fake_graph.faults.add(Fault(fault, 3))
    with pytest.raises(OutcomeUnknown):
        channel.reply(thread, post("unknown")) if is_reply else channel.start(post("unknown"))
    if fault == "late":
        assert channel.find(GROUP, ["unknown"], SINCE, thread if is_reply else "") == {}
        clock.forward(seconds=3)
    found = channel.find(GROUP, ["unknown"], SINCE, thread if is_reply else "")
    assert found.keys() == {"unknown"}
    assert (found["unknown"] == thread) == is_reply


def test_a_search_that_is_throttled_says_so(fake_graph, channel):
    fake_graph.faults.add(Fault("429", 2, method="GET"))
    with pytest.raises(NotSent):
        channel.find(GROUP, ["r"], SINCE)


def test_a_managed_identity_is_refused_with_the_reason(fake_graph, channel):
    fake_graph.faults.add(Fault("app-only-refused"))
    with pytest.raises(AccessRefused, match="managed identity"):
        channel.start(post("r"))
