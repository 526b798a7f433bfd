"""The rest of what Graph offers for threads: one thread for all posts of a group, replies to posts, conversations."""

from datetime import UTC, datetime, timedelta

import pytest

from bridge.errors import AccessRefused, NotSent, OutcomeUnknown, ThreadGone
from bridge.graph.channel import DRAFT, Post
from bridge.graph.threads import GroupThreads
from bridge.local.fake_graph.faults import Fault
from tests.graph_contract import problems
from tests.graph_servers import GROUP, fake_graph_at, graph_client

SINCE = datetime.now(UTC) - timedelta(minutes=1)


@pytest.fixture
def fake_graph(tmp_path):
    with fake_graph_at(tmp_path) as (fake_graph, address):
        fake_graph.address = address
        yield fake_graph


@pytest.fixture
def client(fake_graph, monkeypatch):
    with graph_client(monkeypatch, fake_graph.address) as client:
        yield client
    wrong = [(request.method, request.path, problems(*request)) for request in fake_graph.requests]
    assert [request for request in wrong if request[2]] == []


@pytest.fixture
def seed(client):
    return GroupThreads(client).start(post("seed"))


def post(*references, **more):
    return Post(GROUP, "Topic", f"<p>{'</p><p>'.join(references)}</p>", " ".join(references), **more)


def bodies(fake_graph, thread):
    return [post.html for post in fake_graph.posts(GROUP, thread)]


def test_every_post_of_a_seeded_group_replies_to_a_post_of_its_one_thread(fake_graph, client, seed):
    channel = GroupThreads(client, {GROUP: seed}, to_posts=True)
    fake_graph.log.clear()
    assert channel.start(post("one")) == seed
    assert channel.reply("AAQkAnother==", post("two")) == seed
    assert bodies(fake_graph, seed) == ["<p>seed</p>", "<p>one</p>", "<p>two</p>"]
    assert len(fake_graph.threads(GROUP)) == 1
    (asked, *replies) = [logged.path for logged in fake_graph.log]
    assert asked.endswith("/posts")
    assert all("/posts/" in path and path.endswith("/reply") for path in replies)
    assert channel.find(GROUP, ["one", "two", "three"], SINCE) == {"one": seed, "two": seed}


def test_a_user_replies_to_the_seeded_thread_itself(fake_graph, client, seed):
    fake_graph.log.clear()
    GroupThreads(client, {GROUP: seed}).start(post("one"))
    assert [logged.path.partition("/threads/")[2].count("/posts") for logged in fake_graph.log] == [0]
    assert bodies(fake_graph, seed)[1:] == ["<p>one</p>"]


def test_a_seeded_thread_that_is_not_there_holds_the_group(client):
    channel = GroupThreads(client, {GROUP: "AAQkNowhere=="}, to_posts=True)
    for send in (lambda: channel.start(post("one")), lambda: channel.reply("AAQk==", post("one"))):
        with pytest.raises(AccessRefused, match="`thread` in BRIDGE_CONFIG"):
            send()


def test_an_application_replies_to_posts(fake_graph, client, seed):
    channel = GroupThreads(client, to_posts=True)
    assert channel.reply(seed, post("one")) == seed
    assert bodies(fake_graph, seed) == ["<p>seed</p>", "<p>one</p>"]


def test_what_cannot_be_read_before_a_reply_is_surely_not_sent(fake_graph, client, seed):
    fake_graph.faults.add(Fault("500", method="GET"))
    with pytest.raises(NotSent):
        GroupThreads(client, to_posts=True).reply(seed, post("one"))


def test_a_thread_that_is_gone_is_asked_for_again(fake_graph, client, seed):
    channel = GroupThreads(client, to_posts=True)
    channel.reply(seed, post("one"))
    client.request("DELETE", f"/groups/{GROUP}/threads/{seed}")
    for _ in range(2):
        with pytest.raises(ThreadGone):
            channel.reply(seed, post("two"))


def test_a_thread_is_started_in_its_conversation(fake_graph, client, seed):
    conversation = fake_graph.threads(GROUP)[0].conversation
    channel = GroupThreads(client)
    thread = channel.start(post("one", conversation=conversation, participants=("Alex <alexd@contoso.com>",)))
    assert {found.id: found.conversation for found in fake_graph.threads(GROUP)} == {
        seed: conversation,
        thread: conversation,
    }
    assert channel.find(GROUP, ["one"], SINCE) == {"one": thread}


def test_a_conversation_that_is_not_there_holds_the_group(client):
    with pytest.raises(AccessRefused):
        GroupThreads(client).start(post("one", conversation="AAQkNowhere="))


def test_a_thread_started_by_mail_continues_in_a_new_one(client):
    channel = GroupThreads(client)
    with pytest.raises(ThreadGone, match="BRIDGE_CHANNEL"):
        channel.reply(f"{DRAFT}AAMk=", post("one"))
    with pytest.raises(OutcomeUnknown, match="BRIDGE_CHANNEL"):
        channel.find(GROUP, ["one"], SINCE, f"{DRAFT}AAMk=")
