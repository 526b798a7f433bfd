"""Participants: each is invited to a thread once, and a group that refuses one still gets its post."""

import pytest

from bridge.errors import ContentRefused, NotSent, OutcomeUnknown, ThreadGone
from bridge.graph.channel import Post, blamed
from bridge.graph.mail import MailToGroups
from bridge.graph.threads import GroupThreads
from bridge.limits import MAX_INVITED
from bridge.publishing.memory import INVITED, invited, remembered, uninvited
from tests.graph_contract import problems
from tests.graph_servers import GROUP, fake_graph_at, graph_client
from tests.outbox_stand_ins import FakeDraftChannel, entry
from tests.publishing_simulation import Simulation

MONA, ALEX, NORA = "Mona Lisa <mona@contoso.com>", "alex@contoso.com", "Nora Banks <nora@contoso.com>"


@pytest.fixture(params=["threads", "mail"])
def simulation(request, tmp_path):
    channel = {"channel": FakeDraftChannel} if request.param == "mail" else {}
    made = Simulation(tmp_path, **channel)
    yield made
    made.close()


def published(simulation, *entries):
    """What each of the entries' posts invites, one after the other."""
    for each in entries:
        before = len(simulation.channel.posts)
        simulation.put(each)
        simulation.run(60)
        assert len(simulation.channel.posts) == before + 1
    return [post.participants for _, post in simulation.channel.posts[-len(entries) :]]


def by(number, *participants, **more):
    return entry(number, participants=participants, **more)


def test_everybody_is_invited_once_to_a_thread(simulation):
    found = published(
        simulation, by(1, MONA), by(2, MONA, ALEX), by(3, "mona@contoso.com", ALEX), by(4, NORA), by(5), by(6, ALEX)
    )
    assert found == [(MONA,), (ALEX,), (), (NORA,), (), ()]


def test_a_new_thread_of_the_same_key_invites_again(simulation):
    (ended,) = published(simulation, by(1, MONA, ends_thread=True))
    assert published(simulation, by(2000, MONA)) == [(MONA,)] == [ended]


def test_who_was_invited_to_the_thread_before_is_invited_to_the_new_one_when_they_are_next_concerned(simulation):
    published(simulation, by(1, MONA, ALEX, ends_thread=True))
    assert published(simulation, by(2000, MONA), by(2001, ALEX, MONA)) == [(MONA,), (ALEX,)]


def test_a_thread_that_is_gone_invites_again(simulation):
    published(simulation, by(1, MONA))
    simulation.run(120)
    simulation.channel.faults = [ThreadGone("gone"), ThreadGone("gone"), None]
    assert published(simulation, by(2, MONA)) == [(MONA,)]


def test_entries_of_one_post_invite_each_person_once(simulation):
    simulation.put(by(1, MONA, ALEX), by(2, ALEX, NORA))
    simulation.run(60)
    assert [post.participants for _, post in simulation.channel.posts] == [(MONA, ALEX, NORA)]


def test_a_digest_invites_everybody_of_its_events_once_and_no_more_than_a_message_takes(simulation):
    simulation.put(*(by(number, f"p{number // 2}@contoso.com", thread=f"t{number}") for number in range(1, 30)))
    simulation.run(60)
    ((_, post),) = simulation.channel.posts
    assert sorted(post.participants) == sorted(f"p{number}@contoso.com" for number in range(15))
    # The storm goes on in the same thread.
    simulation.put(by(40, "p3@contoso.com", NORA, thread="t40"))
    simulation.run(60)
    assert simulation.channel.posts[-1][1].participants == (NORA,)


def test_a_huge_digest_is_bounded(simulation):
    people = [[f"p{number}-{member}@contoso.com" for member in range(10)] for number in range(20)]
    simulation.put(*(by(number, *those, thread=f"t{number}") for number, those in enumerate(people, 1)))
    simulation.run(60)
    assert len(simulation.channel.posts[0][1].participants) == MAX_INVITED


@pytest.mark.parametrize(
    ("error", "second"),
    [
        ("Recipient 'ALEX@contoso.com' is not resolved.", (MONA, NORA)),
        ("At least one recipient isn't valid.", ()),
    ],
)
def test_a_group_that_refuses_a_participant_still_gets_its_post(simulation, steps, error, second):
    simulation.channel.faults = [ContentRefused(error)]
    assert published(simulation, by(1, MONA, ALEX, NORA)) == [second]
    # It is tried once: the next event does not ask Graph again.
    assert published(simulation, by(2, MONA, ALEX)) == [()]
    (history,) = simulation.outbox.history("1")
    assert error in history.answer
    assert history.answer.startswith("It is posted without ")
    assert [fields["reason"] for _, fields in steps() if fields["step"] == "uninvited"] == [history.answer]


def test_what_is_refused_without_participants_too_is_a_dead_letter(simulation):
    simulation.channel.faults = [ContentRefused("Recipient 'alex@contoso.com' is not resolved."), ContentRefused("no")]
    simulation.channel.faults.append(ContentRefused("The body is too large."))
    simulation.put(by(1, MONA, ALEX))
    simulation.run(600)
    (letter,) = simulation.publisher.dead_letters()
    assert letter.reason == "The body is too large."
    assert simulation.channel.faults == []


@pytest.mark.parametrize("error", [NotSent("busy"), (False, OutcomeUnknown("504")), (True, OutcomeUnknown("504"))])
def test_a_post_that_is_tried_again_invites_the_same_people(simulation, error):
    simulation.channel.faults = [error]
    simulation.put(by(1, MONA))
    simulation.run(600)
    assert [post.participants for _, post in simulation.channel.posts] == [(MONA,)]
    assert published(simulation, by(2, MONA)) == [()]


def test_a_crash_between_the_refusal_and_the_second_try_loses_nothing(simulation):
    simulation.channel.faults = [ContentRefused("nobody"), NotSent("crashed"), ContentRefused("nobody")]
    assert published(simulation, by(1, MONA)) == [()]


def test_the_memory_of_a_thread_keeps_hashes_of_addresses_and_not_many_of_them():
    memory = {}
    for number in range(300):
        memory = remembered(memory, [by(number, f"p{number}@contoso.com", notes=((f"n{number}", "x"),))])
    assert len(memory[INVITED]) == 200
    assert "contoso" not in str(memory)
    assert len(memory) == 21
    assert uninvited([memory], ["p299@contoso.com", "P298@CONTOSO.com", "P0 <p0@contoso.com>"]) == [
        "P0 <p0@contoso.com>"
    ]
    assert invited({}, []) == {}


def test_the_participants_whom_graph_names_are_to_blame():
    people = (MONA, ALEX)
    assert blamed(people, "Recipient 'Alex@contoso.com'") == (ALEX,)
    assert blamed(people, "no") == people


# Over HTTP, as the stand-in for Graph takes them.


@pytest.fixture
def fake_graph(tmp_path):
    with fake_graph_at(tmp_path) as (fake_graph, address):
        fake_graph.address = address
        yield fake_graph
    wrong = [(request.method, request.path, problems(*request)) for request in fake_graph.requests]
    assert [request for request in wrong if request[2]] == []


@pytest.fixture(params=["threads", "mail"])
def channel(request, fake_graph, monkeypatch):
    with graph_client(monkeypatch, fake_graph.address) as client:
        if request.param == "threads":
            yield GroupThreads(client)
        else:
            yield MailToGroups(client, "bridge@contoso.com", {GROUP: "pumps@contoso.com"}, lambda: 0.0)


def sent(channel, thread, *participants):
    post = channel.prepare(Post(GROUP, "Topic", "<p>x</p>", "token", participants), thread)
    return channel.reply(thread, post) if thread else channel.start(post)


def test_posts_and_replies_invite_as_graph_takes_it(channel):
    thread = sent(channel, "", MONA)
    assert sent(channel, thread, ALEX)


@pytest.mark.parametrize("is_reply", [False, True])
def test_a_participant_whom_graph_does_not_take_is_named(channel, is_reply):
    thread = sent(channel, "") if is_reply else ""
    with pytest.raises(ContentRefused) as caught:
        sent(channel, thread, MONA, "guest@elsewhere.invalid")
    assert blamed((MONA, "guest@elsewhere.invalid"), str(caught.value)) == ("guest@elsewhere.invalid",)


def test_the_stand_in_keeps_who_was_invited(fake_graph, monkeypatch):
    with graph_client(monkeypatch, fake_graph.address) as client:
        channel = GroupThreads(client)
        thread = sent(channel, "", MONA)
        sent(channel, thread, ALEX)
        posts = fake_graph.posts(GROUP, thread)
        assert [[one["emailAddress"]["address"] for one in post.participants] for post in posts] == [
            ["mona@contoso.com"],
            ["alex@contoso.com"],
        ]


def test_a_post_to_more_people_than_a_message_takes_is_refused(channel):
    with pytest.raises(ContentRefused):
        sent(channel, "", *(f"p{number}@contoso.com" for number in range(501)))
