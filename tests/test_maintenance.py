"""Maintenance windows: one post at their beginning, one at their end, and nothing of what matches in between."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.calendar.hours import Hours
from bridge.calendar.maintenance import ENDED, STARTED, Plan, Window, to_text
from bridge.errors import NotSent, ThreadGone
from bridge.events import Severity
from bridge.outbox.memos import StoredText
from bridge.publishing.announcements import announcements
from bridge.publishing.policy import Policy
from tests.outbox_stand_ins import START, entries_of, entry, refs
from tests.publishing_simulation import Simulation

HOUR = 3600.0
MATCH = "scope == 'db-03'"


def moment(seconds):
    return datetime.fromtimestamp(START + seconds, UTC)


PLAN = Plan(MATCH, "disk change", (), once=(moment(HOUR), moment(3 * HOUR)))
POLICY = {"maintenance": (PLAN,), "home": "g"}


@pytest.fixture
def simulation(tmp_path):
    made = Simulation(tmp_path)
    made.publisher = made.make(**POLICY)
    yield made
    made.close()


def alert(number, thread="one", word="Firing", at=0.0, scope="db-03", **changes):
    is_over = word == "Resolved"
    severity = Severity.SUCCESS if is_over else Severity.ERROR
    made = entry(number, thread, scope=scope, word=word, severity=severity, ends_thread=is_over)
    return replace(made, occurred=moment(at), received=moment(at), **changes)


def until(simulation, seconds):
    simulation.run(START + seconds - simulation.clock.now)


def topics(simulation):
    return [post.topic for _, post in simulation.channel.posts]


def test_what_matches_is_one_post_at_the_end_in_the_thread_of_the_beginning(simulation):
    until(simulation, HOUR + 300)
    assert topics(simulation) == ["Maintenance: disk change"]
    assert "Maintenance until 11:00 UTC: disk change" in simulation.channel.posts[0][1].html
    simulation.put(
        alert(1, "disk", at=HOUR + 300),
        alert(2, "load", at=HOUR + 310),
        alert(3, "load", "Resolved", at=HOUR + 400),
        alert(4, "ping", at=HOUR + 500, scope="db-04"),
    )
    until(simulation, 3 * HOUR - 1)
    assert [entries_of(post) for _, post in simulation.channel.posts[1:]] == [refs(4)]
    assert simulation.publisher.condition()["problems"] == []
    until(simulation, 3 * HOUR + 10)
    where, end = simulation.channel.posts[-1]
    assert where == simulation.channel.posts[0][0]
    assert entries_of(end) == refs(1, 3)  # of each object the newest: what still fires comes first
    assert "Maintenance over: disk change. 3 events of 2 objects, 1 still firing" in end.html
    until(simulation, 24 * HOUR)
    assert len(simulation.channel.posts) == 3
    assert simulation.outbox.counts().open == 0


def test_a_window_in_which_nothing_happened_says_so(simulation):
    until(simulation, 4 * HOUR)
    beginning, end = simulation.channel.posts
    assert "Nothing happened meanwhile." in end[1].html
    assert beginning[0] == end[0]


def test_what_comes_later_of_an_object_goes_on_in_the_thread_of_the_maintenance(simulation):
    until(simulation, HOUR + 300)
    simulation.put(alert(1, "disk", at=HOUR + 300))
    until(simulation, 3 * HOUR + 10)
    simulation.put(alert(2, "disk", "Resolved", at=3 * HOUR + 10), alert(3, "new", at=3 * HOUR + 11))
    until(simulation, 3 * HOUR + 60)
    # And what is new is no part of a storm.
    assert [(where, entries_of(post)) for where, post in simulation.channel.posts[2:]] == [
        ("thread-2", refs(3)),
        ("thread-1", refs(2)),
    ]


def test_a_group_that_is_not_named_learns_of_it_with_the_first_event(simulation):
    until(simulation, HOUR + 300)
    simulation.put(replace(alert(1, "disk", at=HOUR + 300), group="h"))
    until(simulation, HOUR + 360)
    assert [post.group for _, post in simulation.channel.posts] == ["g", "h"]
    until(simulation, 3 * HOUR + 10)
    assert sorted(post.group for _, post in simulation.channel.posts) == ["g", "g", "h", "h"]


def test_what_does_not_match_takes_what_was_collected_of_its_thread_with_it(simulation):
    until(simulation, HOUR + 300)
    simulation.put(alert(1, "disk", at=HOUR + 300))
    simulation.run(60)
    simulation.put(alert(2, "disk", at=HOUR + 360, scope="db-04"))
    simulation.run(60)
    assert entries_of(simulation.channel.posts[-1][1]) == refs(1, 2)
    until(simulation, 4 * HOUR)
    assert "Nothing happened meanwhile." in simulation.channel.posts[-1][1].html


def test_a_window_that_ends_while_the_app_is_down_ends_when_it_is_back(simulation):
    until(simulation, HOUR + 300)
    simulation.put(alert(1, "disk", at=HOUR + 300))
    simulation.run(60)
    simulation.clock.now = START + 9 * HOUR
    simulation.publisher = simulation.make()  # and the plan is not in the configuration any more
    until(simulation, 9 * HOUR + 310)
    assert entries_of(simulation.channel.posts[-1][1]) == refs(1)
    assert "Maintenance over: disk change" in simulation.channel.posts[-1][1].html


def test_a_plan_that_is_removed_ends_its_window(simulation):
    until(simulation, HOUR + 300)
    simulation.put(alert(1, "disk", at=HOUR + 300))
    simulation.run(60)
    simulation.publisher = simulation.make()
    simulation.run(310)
    assert "Maintenance over: disk change. 1 event of 1 object, 1 still firing" in simulation.channel.posts[-1][1].html


def started(simulation, window):
    simulation.outbox.write_maintenance(
        StoredText(to_text([window], simulation.clock.now), simulation.outbox.maintenance().version)
    )


def test_a_window_is_started_and_ended_by_hand_and_survives_a_restart(simulation):
    window = Window("w1", START, START + 2 * HOUR, MATCH, "disk change", ("g",))
    simulation.publisher = simulation.make()
    started(simulation, window)
    simulation.publisher.announce(window)
    simulation.put(alert(1, "disk"))
    simulation.run(60)
    assert topics(simulation) == ["Maintenance: disk change"]
    simulation.publisher = simulation.make()
    simulation.put(alert(2, "disk", "Resolved", at=60))
    simulation.run(60)
    simulation.put(alert(3, "ping", at=120, scope="db-04"))  # for which it was read that the window goes on
    simulation.run(10)
    started(simulation, replace(window, end=simulation.clock.now))
    simulation.publisher._waker.wake("g")
    simulation.run(2)
    assert len(topics(simulation)) == 3
    assert "Maintenance over: disk change. 2 events of 1 object, nothing still open" in (
        simulation.channel.posts[2][1].html
    )


def test_the_storage_is_asked_for_windows_once_in_a_while_however_much_comes(simulation):
    reads, read = [], simulation.outbox.maintenance
    simulation.outbox.maintenance = lambda: (reads.append(1), read())[1]
    simulation.publisher = simulation.make()
    simulation.put(*(alert(number, str(number)) for number in range(200)))
    simulation.run(10)
    assert len(reads) == 1


@pytest.mark.parametrize("text", ["?", '[{"id": 1}]', '[{"id":"w","begin":0,"end":9e9,"match":"1/0","groups":[]}]'])
def test_windows_that_cannot_be_read_or_asked_cost_no_event(simulation, text):
    simulation.outbox.write_maintenance(StoredText(text))
    simulation.put(alert(1))
    simulation.run(10)
    assert entries_of(simulation.channel.posts[-1][1]) == refs(1)


def test_the_end_is_one_post_though_it_fails_at_first_and_its_thread_is_gone(simulation):
    until(simulation, HOUR + 300)
    simulation.put(*(alert(number, str(number), at=HOUR + 300) for number in range(20)))
    simulation.run(60)
    simulation.channel.faults = [NotSent("503"), ThreadGone("404"), ThreadGone("404")]
    until(simulation, 3 * HOUR + 600)
    where, end = simulation.channel.posts[-1]
    assert (where, len(simulation.channel.posts)) == ("thread-2", 2)
    assert sorted(entries_of(end)) == refs(*range(20))
    assert end.topic.startswith("Maintenance over: disk change. 20 events of 20 objects, 20 still firing")


def test_two_windows_that_end_together_share_an_object(simulation):
    plans = (PLAN, replace(PLAN, match="scope == 'db-04'", note="another disk"))
    simulation.publisher = simulation.make(maintenance=plans, home="g")
    until(simulation, HOUR + 300)
    simulation.put(alert(1, at=HOUR + 300), alert(2, at=HOUR + 310, scope="db-04"), alert(3, at=HOUR + 320))
    simulation.run(60)
    until(simulation, 3 * HOUR + 2)
    shown = [entries_of(post) for _, post in simulation.channel.posts[2:]]
    assert sorted(shown) in ([[], refs(3)], [refs(2), refs(3)])
    assert simulation.outbox.counts().open == 0


def test_what_was_collected_waits_for_the_post_at_the_end_and_wakes_nobody_meanwhile(simulation):
    """The post at the beginning fails for longer than the window is."""
    window = Window("w1", START, START + 120, MATCH, "disk change", ("g",))
    simulation.publisher = simulation.make()
    started(simulation, window)
    simulation.channel.faults = [NotSent("503")] * 6  # until 315 seconds
    simulation.publisher.announce(window)
    simulation.put(alert(1, "disk"), alert(2, "load"))
    wakes, handle = [], simulation.publisher.handle
    simulation.publisher.handle = lambda body: (wakes.append(simulation.clock.now - START), handle(body))
    simulation.run(310)
    assert simulation.channel.posts == []
    assert len([at for at in wakes if at > 121]) < 5
    simulation.run(60)
    ((_, end),) = simulation.channel.posts
    assert sorted(entries_of(end)) == refs(1, 2)
    assert "Maintenance over: disk change. 2 events of 2 objects, 2 still firing" in end.html


def test_the_posts_of_a_window_have_the_same_ids_on_every_instance():
    window = Window("w1", START, START + HOUR, MATCH)
    begin, end = announcements(window, "g", UTC, START)
    again = announcements(window, "g", UTC, START + 60)
    assert [begin.id, end.id] == [entry.id for entry in again]
    assert (begin.kind, begin.not_before, end.kind, end.not_before) == (STARTED, None, ENDED, moment(HOUR))
    assert begin.key == end.key


def test_a_weekly_plan_has_a_window_each_week():
    sunday = datetime(2026, 11, 29, 2, 30, tzinfo=UTC)
    weekly = Hours("patches", frozenset({6}), sunday.time().replace(minute=0), sunday.time().replace(hour=4), UTC)
    plan = Plan("true", "patches", weekly=weekly)
    window = plan.window(sunday)
    assert (window.begin, window.end) == (sunday.timestamp() - 1800, sunday.timestamp() + 7200)
    assert plan.window(sunday + timedelta(hours=2)) is None
    assert plan.window(sunday + timedelta(days=7)).id != window.id
    assert plan.begins(sunday + timedelta(hours=3)) == sunday - timedelta(minutes=30) + timedelta(days=7)
    assert Policy().maintenance == ()
