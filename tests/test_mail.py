"""The channel of mail, against the stand-in's mailboxes and the groups that their mail reaches."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from bridge.errors import AccessRefused, ContentRefused, NotSent, OutcomeUnknown, ThreadGone
from bridge.graph.channel import DRAFT, Post
from bridge.graph.mail import MailToGroups
from bridge.local.fake_graph.faults import Fault
from bridge.publishing.batching import Rules
from bridge.publishing.leases import RateLimiter
from tests.graph_contract import problems
from tests.graph_servers import GROUP, fake_graph_at, graph_client
from tests.outbox_stand_ins import entry
from tests.publishing_simulation import NOTHING_OPEN, Simulation

SENDER, ADDRESS = "bridge@contoso.com", "pumps@contoso.com"
SINCE, LONG_AGO = (datetime.now(UTC) - timedelta(minutes=minutes) for minutes in (1, 60))


@pytest.fixture
def fake_graph(tmp_path):
    with fake_graph_at(tmp_path) as (fake_graph, address):
        fake_graph.address = address
        fake_graph.addresses[ADDRESS] = GROUP
        yield fake_graph


@pytest.fixture
def channel(fake_graph, monkeypatch):
    with graph_client(monkeypatch, fake_graph.address) as client:
        yield MailToGroups(client, SENDER, {GROUP: ADDRESS}, lambda: 0.0)
    wrong = [(request.method, request.path, problems(*request)) for request in fake_graph.requests]
    assert [request for request in wrong if request[2]] == []


def post(*references, topic="Topic", participants=(), abandoned=(), **more):
    html = f"<p>{'</p><p>'.join(references)}</p>"
    return Post(GROUP, topic, html, " ".join(references), participants, abandoned=abandoned, **more)


def started(channel, *references, **more):
    return channel.start(channel.prepare(post(*references, **more), ""))


def replied(channel, thread, *references):
    return channel.reply(thread, channel.prepare(post(*references), thread))


def posts(fake_graph):
    return [
        (thread.topic, [post.html for post in fake_graph.posts(GROUP, thread.id)])
        for thread in fake_graph.threads(GROUP)
    ]


def test_mail_to_the_group_is_a_thread_and_what_follows_stays_in_it(fake_graph, channel):
    first = started(channel, "one", participants=("Alex <alexd@contoso.com>",))
    second = replied(channel, first, "two")
    third = replied(channel, second, "three")
    assert len({first, second, third}) == 3
    ((topic, bodies),) = posts(fake_graph)
    assert topic == "Topic"
    assert [word for word in ("one", "two", "three") if word in " ".join(bodies)] == ["one", "two", "three"]
    assert len(bodies) == 3


def test_nobody_sees_a_draft_until_it_is_sent(fake_graph, channel):
    prepared = channel.prepare(post("one"), "")
    assert prepared.draft.startswith(DRAFT)
    assert posts(fake_graph) == []
    assert channel.find(GROUP, ["one"], SINCE, prepared.draft) == {}
    sent = channel.start(prepared)
    assert channel.find(GROUP, ["one"], SINCE, prepared.draft) == {"one": sent}


@pytest.mark.parametrize(("kind", "done"), [("created-but-504", True), ("500", False)])
def test_the_draft_shows_whether_a_message_was_sent(fake_graph, channel, kind, done):
    prepared = channel.prepare(post("one"), "")
    fake_graph.faults.add(Fault(kind))
    with pytest.raises(OutcomeUnknown):
        channel.start(prepared)
    assert bool(channel.find(GROUP, ["one"], SINCE, prepared.draft)) is done


@pytest.mark.parametrize("kind", ["created-but-504", "500", "drop-after"])
def test_a_draft_of_unknown_outcome_is_surely_not_sent(fake_graph, channel, kind):
    fake_graph.faults.add(Fault(kind))
    with pytest.raises(NotSent, match="only a draft"):
        channel.prepare(post("one"), "")


def test_a_draft_is_sent_once(fake_graph, channel):
    prepared = channel.prepare(post("one"), "")
    sent = channel.start(prepared)
    # As when the answer to the first request was lost: nothing says that it was not sent.
    with pytest.raises(OutcomeUnknown, match="sent or deleted"):
        channel.start(prepared)
    assert channel.find(GROUP, ["one"], SINCE, prepared.draft) == {"one": sent}
    assert [len(bodies) for _, bodies in posts(fake_graph)] == [1]


def test_a_sent_message_that_is_not_filed_yet_is_looked_up_again(fake_graph, channel):
    prepared = channel.prepare(post("one"), "")
    fake_graph.faults.add(Fault("late-visible", 3600))
    sent = channel.start(prepared)
    # Sent again now, it would be there twice.
    for minutes in (1, 14):
        with pytest.raises(OutcomeUnknown, match="Sent Items"):
            channel.find(GROUP, ["one"], datetime.now(UTC) - timedelta(minutes=minutes), f"{DRAFT}AAMkADnowhere=")
    assert channel.find(GROUP, ["one"], LONG_AGO, f"{DRAFT}AAMkADnowhere=") == {}
    assert sent == prepared.draft


def test_every_request_about_a_message_asks_for_ids_that_stay(fake_graph, channel):
    first = started(channel, "one")
    replied(channel, first, "two")
    channel.find(GROUP, ["one"], SINCE, first)
    about = [request for request in fake_graph.requests if "/messages" in request.path]
    assert len(about) >= 6
    preferences = [{name.lower(): value for name, value in request.headers.items()}.get("prefer") for request in about]
    assert set(preferences) == {'IdType="ImmutableId"'}


def test_an_abandoned_draft_is_deleted(fake_graph, channel):
    abandoned = channel.prepare(post("one"), "").draft
    again = channel.prepare(post("one", abandoned=(abandoned, "AAQkAD=")), "")
    with pytest.raises(OutcomeUnknown):
        channel.start(post_with(abandoned))
    channel.start(again)
    assert channel.find(GROUP, ["one"], LONG_AGO, abandoned) == {}


def post_with(draft):
    return Post(GROUP, "Topic", "", "", draft=draft)


def test_a_thread_whose_last_message_is_gone_is_gone(channel):
    with pytest.raises(ThreadGone):
        channel.prepare(post("two"), f"{DRAFT}AAMkADnowhere=")


def test_a_message_that_is_still_being_filed_is_replied_to_later(fake_graph, channel):
    prepared = channel.prepare(post("one"), "")
    fake_graph.faults.add(Fault("late-visible", 60))
    thread = channel.start(prepared)
    with pytest.raises(NotSent, match="still filing the last message"):
        channel.prepare(post("two"), thread)


def test_a_thread_of_the_other_channel_is_gone(channel):
    with pytest.raises(ThreadGone, match="BRIDGE_CHANNEL"):
        channel.prepare(post("two"), "AAQkAD=")
    with pytest.raises(OutcomeUnknown, match="BRIDGE_CHANNEL"):
        channel.find(GROUP, ["one"], SINCE, "AAQkAD=")


def test_more_than_is_permitted_waits(fake_graph, monkeypatch):
    with graph_client(monkeypatch, fake_graph.address) as client:
        waiting = MailToGroups(client, SENDER, {GROUP: ADDRESS}, lambda: 17.0)
        with pytest.raises(NotSent) as refused:
            waiting.prepare(post("one"), "")
    assert refused.value.retry_after == 17.0


def test_the_groups_address_is_asked_for_once(fake_graph, monkeypatch):
    with graph_client(monkeypatch, fake_graph.address) as client:
        channel = MailToGroups(client, SENDER, {}, lambda: 0.0)
        started(channel, "one")
        started(channel, "two")
        assert len(posts(fake_graph)) == 2
    assert [logged.path for logged in fake_graph.log if logged.method == "GET"] == [f"/graph/v1.0/groups/{GROUP}"]


def test_a_group_whose_address_may_not_be_asked_for_says_where_to_give_it(fake_graph, monkeypatch):
    fake_graph.missing.add(GROUP)
    with graph_client(monkeypatch, fake_graph.address) as client, pytest.raises(AccessRefused, match="mail = "):
        MailToGroups(client, SENDER, {}, lambda: 0.0).prepare(post("one"), "")


def test_a_mailbox_that_is_not_there_is_named(fake_graph, monkeypatch):
    fake_graph.missing.add("missing@contoso.com")
    with (
        graph_client(monkeypatch, fake_graph.address) as client,
        pytest.raises(AccessRefused, match="BRIDGE_MAIL_FROM"),
    ):
        MailToGroups(client, "missing@contoso.com", {GROUP: ADDRESS}, lambda: 0.0).prepare(post("one"), "")


def test_what_is_refused_is_refused(fake_graph, channel):
    with pytest.raises(ContentRefused):
        channel.prepare(post("x" * (5 << 20)), "")


def test_people_from_a_payload_change_no_address(channel, fake_graph):
    started(channel, "one", participants=('"Evil, <evil@contoso.com>" <alexd@contoso.com>',))
    assert json.dumps([request.content for request in fake_graph.requests]).count("alexd@contoso.com") == 1


def test_sixty_threads_take_two_minutes_and_none_is_lost(tmp_path, monkeypatch):
    """The outbox waits for what Exchange allows a mailbox: thirty messages a minute."""
    simulation = Simulation(tmp_path / "outbox")
    clock = simulation.clock
    with (
        fake_graph_at(tmp_path, lambda: datetime.fromtimestamp(clock.now, UTC)) as (fake_graph, address),
        graph_client(monkeypatch, address) as client,
    ):
        fake_graph.addresses[ADDRESS] = GROUP
        limiter = RateLimiter(simulation.outbox, "mail", 30, 60.0, clock, simulation.random)
        channel = MailToGroups(client, SENDER, {"g": ADDRESS}, limiter.take)
        simulation.publisher = simulation.make(channel=channel, rules=Rules(digest_over=100))
        simulation.put(*[entry(number, str(number)) for number in range(60)])
        counts = []
        for _ in range(4):
            simulation.run(60)
            counts.append(len(fake_graph.threads(GROUP)))
        assert counts[0] <= 30
        assert counts[-1] == 60
        assert 429 not in {logged.status for logged in fake_graph.log}
        assert simulation.publisher.health() == NOTHING_OPEN
        # Nothing was left behind by tries that had to wait.
        assert client.request("GET", f"/users/{SENDER}/mailFolders/drafts/messages")["value"] == []
    simulation.close()


HEADERS = tuple((f"x-bridge-{name}", "x") for name in ("source", "severity", "kind", "key"))


def created(fake_graph):
    """What makes each message: the drafts, and those of replies."""
    made = [request for request in fake_graph.requests if request.method == "POST"]
    return [request.content for request in made if request.path.endswith(("/messages", "/createReplyAll"))]


def test_mail_has_headers_and_importance_also_in_replies(fake_graph, channel):
    first = started(channel, "one", headers=HEADERS, is_important=True)
    prepared = channel.prepare(post("two", headers=HEADERS, is_important=True), first)
    channel.reply(first, prepared)
    wanted = [{"name": name, "value": value} for name, value in HEADERS]
    sent, answered = created(fake_graph)
    assert sent["internetMessageHeaders"] == answered["message"]["internetMessageHeaders"] == wanted
    assert sent["importance"] == "high"
    changes = [request.content for request in fake_graph.requests if request.method == "PATCH"]
    assert [change["importance"] for change in changes] == ["high"]


def test_a_reply_for_which_graph_takes_no_headers_goes_without(fake_graph, channel):
    first = started(channel, "one", headers=HEADERS)
    fake_graph.faults.add(Fault("400"))
    second = channel.reply(first, channel.prepare(post("two", headers=HEADERS), first))
    assert created(fake_graph)[-1] == {}
    assert second != first


def test_more_headers_than_graph_takes_are_refused_by_the_stand_in(channel):
    with pytest.raises(ContentRefused, match="less than or equal to 5"):
        started(channel, "one", headers=tuple((f"x-{number}", "x") for number in range(6)))
