"""A post is found again by what nobody can guess, and a copy of it changes nothing."""

import json
import re
from dataclasses import replace

import pytest

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.entries import to_message
from bridge.errors import ContentRefused, OutcomeUnknown
from bridge.events import Webhook
from bridge.publishing.policy import Policy
from bridge.publishing.publisher import Publisher, new_token
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests.local_stack import SECRET, issue
from tests.outbox_stand_ins import FakeChannel, entries_of, entry, refs, token_of
from tests.publishing_simulation import Simulation

GROUP = "00000000-0000-4000-8000-0000000000d0"


@pytest.fixture
def simulation(tmp_path):
    made = Simulation(tmp_path)
    yield made
    made.close()


def shown(channel):
    """Every string that the group shows and that a stranger could use: words of posts, and ids of threads."""
    words = {word for _, post in channel.posts for word in re.findall(r"[\w-]{8,}", post.html)}
    return words | {thread for thread, _ in channel.posts}


def comment(number, strings):
    """A stranger's comment with these strings."""
    return replace(entry(number, "a question"), html=f"<p>By the way: {' '.join(sorted(strings))}. Ok?</p>")


def test_a_comment_with_all_that_can_be_copied_or_computed_does_not_make_an_entry_delivered(simulation):
    channel = simulation.channel
    simulation.put(entry(1), entry(2, "two"))
    simulation.run(10)
    alert = entry(7, "the alert")
    # The alert's post is not made, and nobody knows that; then comes the comment, before the look-up and after it.
    channel.faults = [OutcomeUnknown("504")]
    simulation.put(alert)
    simulation.run(5.5)
    rows = simulation.outbox.open_entries("g")
    assert [row.entry.id for row in rows] == [alert.id]
    computed = {alert.id, alert.id[:12], alert.delivery * 8, alert.key, *refs(*range(9))}
    for number in (20, 21):
        simulation.put(comment(number, computed | shown(channel)))
        simulation.run(40)
    simulation.run()
    posts = [post for thread, post in channel.posts if entries_of(post) == refs(7)]
    assert len(posts) == 1
    assert token_of(posts[0]) != rows[0].attempt
    (record,) = simulation.outbox.history(alert.id)
    assert record.token == token_of(posts[0])


def test_a_post_whose_answer_was_lost_is_the_earliest_with_its_token(simulation):
    channel = simulation.channel
    channel.faults = [(True, OutcomeUnknown("504"))]
    simulation.put(entry(1))
    simulation.run(5.5)
    ((thread, _),) = channel.posts
    # Who reads it copies it at once, into a comment that the bridge posts, and by hand.
    simulation.put(comment(2, shown(channel)))
    channel.posts.append(("by hand", replace(channel.posts[0][1], html=" ".join(shown(channel)))))
    simulation.run()
    assert [record.thread for record in simulation.outbox.history("1")] == [thread]
    simulation.put(entry(3))
    simulation.run()
    assert channel.posts[-1][0] == thread


def test_every_attempt_has_a_token_of_its_own(simulation):
    channel = simulation.channel
    claimed = set()
    for fault in (OutcomeUnknown("504"), OutcomeUnknown("504"), ContentRefused("400")):
        channel.faults.append(fault)
    simulation.put(entry(1))
    for _ in range(400):
        simulation.run(1)
        claimed |= {row.attempt for row in simulation.outbox.open_entries("g")} - {""}
    (letter,) = simulation.outbox.dead_letters()
    simulation.publisher.requeue(letter)
    simulation.run()
    (post,) = [post for _, post in channel.posts]
    assert len(claimed) >= 2
    assert token_of(post) not in claimed


def test_tokens_are_random_and_long_enough():
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(re.fullmatch(r"[0-9a-f]{16}", token) for token in tokens)


def test_an_answer_predicts_no_token_and_leads_to_the_post(tmp_path):
    body = json.dumps(issue("opened", 7)).encode()
    github = SOURCES["github"]
    headers = {**github.headers("issues", "d1"), **github.verifier.sign(body, SECRET)}
    bridge = Bridge(Configuration.of(Settings.from_env({"BRIDGE_GROUP": GROUP, "BRIDGE_GITHUB_SECRET": SECRET})))
    found = []
    for number in range(2):
        simulation = Simulation(tmp_path / str(number))
        # As it is in Azure, with the system's randomness.
        publisher = Publisher(simulation.outbox, simulation.queue, FakeChannel(), Policy(), clock=simulation.clock)
        receipt = bridge.receiver.receive("github", Webhook(headers, body))
        for made in receipt.entries:
            simulation.queue.put(to_message(made))
        simulation.run(10, publisher)
        ((_, post),) = publisher._channel.posts
        (accepted,) = receipt.body["accepted"]
        # People and tools find the post by the beginning of the id; the bridge never does.
        assert accepted[:12] in post.html
        assert token_of(post) not in accepted
        (record,) = simulation.outbox.history(accepted)
        assert record.token == token_of(post)
        found.append((accepted, token_of(post)))
        simulation.close()
    # The same webhook has the same id, and another token each time.
    assert found[0][0] == found[1][0]
    assert found[0][1] != found[1][1]
