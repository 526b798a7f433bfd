"""Silence is news: what does not come when it is expected is posted once, and so is when it comes again."""

import contextlib
import random
import re
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.deliveries import DeliveryRecord, Outcome, record_id
from bridge.entries import from_message, records_in, to_message, to_messages
from bridge.errors import SettingsError
from bridge.events import Webhook
from bridge.mistakes import mistakes
from bridge.outbox.memos import Memo
from bridge.publishing.expectation_rows import KIND
from bridge.publishing.own_posts import Own, OwnPosts
from bridge.settings import Settings
from tests.amounts import FUZZ
from tests.local_stack import ROOT
from tests.publishing_simulation import Crash, Simulation

GROUP, OPS = "00000000-0000-4000-8000-0000000000d0", "00000000-0000-4000-8000-0000000000d1"
HOUR, DAY = 3600.0, 86400.0
BACKUP = """
[[expect]]
name = "nightly backup"
when = "source == 'generic' and kind == 'backup.done'"
"""


def configured(text):
    return Configuration.of(Settings(GROUP, text))


class Watched(Simulation):
    """A simulation with expectations, of which a record of a webhook may say that it meets them."""

    def __init__(self, folder, text, **more):
        self.bridge = Bridge(configured(text))
        super().__init__(folder, **more)

    def make(self, *args, **policy):
        made = super().make(*args, **policy)
        return self.with_expectations(made, *args)

    def with_expectations(self, made, outbox=None, channel=None, queue=None):
        own = Own(self.bridge.renderer.entry, self.bridge.configuration.expectations)
        record = made._recorder.record
        made._own = OwnPosts(own, outbox or self.outbox, queue or self.queue, record, self.clock)
        return made

    def configure(self, text):
        self.bridge = Bridge(configured(text))
        self.publisher = self.make()

    def come(self, *names, late=0.0):
        """What meets these expectations comes now; its record is handled as much later."""
        at = self.clock.now
        record = DeliveryRecord(record_id(at, "0"), at, "generic", Outcome.DROPPED, 200, expected=names)
        self.queue.put(to_message(record), late)

    def quickly(self, until):
        """Runs until then, with as few sweeps as are no outage."""
        while self.clock.now < until:
            self.run(min(840.0, until - self.clock.now), sweeps=False)
            self.publisher.sweep()

    def words(self):
        """What the posts say, in their order: their previews."""
        return [re.search(r"display:none[^>]*>([^&<]*)", post.html)[1].strip() for _, post in self.channel.posts]


@pytest.fixture
def watched(tmp_path):
    made = Watched(tmp_path, f'{BACKUP}every = "26h"')
    yield made
    made.close()


def test_silence_is_posted_once_and_ends_when_it_comes_again(watched):
    watched.run(HOUR)
    watched.come("nightly backup")
    watched.run(26 * HOUR - 300)
    assert watched.words() == []
    watched.run(900)
    assert watched.words() == ["Did not come · last came 26 h ago"]
    watched.quickly(watched.clock.now + 3 * DAY)
    assert len(watched.channel.posts) == 1
    watched.come("nightly backup")
    watched.run(HOUR)
    assert watched.words()[1:] == ["Came again · it was missing for 3 d"]
    (first, post), (second, _) = watched.channel.posts
    assert (first, post.topic) == (second, "nightly backup")
    assert "at least every 26h" in post.html
    watched.run(26 * HOUR)
    assert watched.words()[2:] == ["Did not come · last came 26 h ago"]


def test_what_never_came_is_due_one_period_after_it_was_first_known(watched):
    watched.run(26 * HOUR)
    assert watched.words() == []
    watched.run(900)
    assert watched.words() == ["Did not come · it never came"]


def test_what_comes_all_the_time_is_neither_read_nor_written(watched):
    for _ in range(20):
        watched.come("nightly backup")
        watched.run(1)
    watched.run(60)
    calls = []
    watched.publisher._own._expected._memos = Counting(watched.outbox, calls)
    for _ in range(590):
        watched.clock.now += 0.1
        watched.publisher._own._expected.note(["nightly backup"], watched.clock.now)
    assert len(calls) <= 3


class Counting:
    def __init__(self, inner, calls):
        self._inner, self._calls = inner, calls

    def __getattr__(self, name):
        def call(*args):
            self._calls.append(name)
            return getattr(self._inner, name)(*args)

        return call


def test_a_removed_expectation_leaves_nothing_behind_and_ends_its_thread(watched):
    watched.run(27 * HOUR)
    watched.configure(f'{BACKUP.replace("nightly", "daily")}every = "26h"')
    watched.run(HOUR)
    assert watched.words()[1:] == ["No longer expected: BRIDGE_CONFIG does not have it any more"]
    assert [memo.name for memo in watched.outbox.memos(KIND)] == ["daily backup"]


def test_a_changed_period_counts_from_the_change_on(watched):
    watched.come("nightly backup")
    watched.run(20 * HOUR)
    watched.configure(f'{BACKUP}every = "2h"')
    watched.run(2 * HOUR)
    assert watched.words() == []
    watched.run(900)
    assert watched.words() == ["Did not come · last came 22 h ago"]


def test_what_came_in_time_and_is_still_on_the_queue_is_no_silence(watched):
    watched.come("nightly backup")
    watched.run(26 * HOUR - 60)
    # In time, and handled after the sweep that finds it overdue.
    watched.come("nightly backup", late=320)
    watched.run(2 * HOUR)
    assert watched.words() == []


def test_after_an_outage_senders_may_try_again(watched):
    watched.come("nightly backup")
    watched.run(20 * HOUR)
    watched.clock.now += 8 * HOUR  # nothing runs
    watched.run(600)
    assert watched.words() == []
    watched.come("nightly backup")
    watched.run(HOUR)
    assert watched.words() == []


def test_silence_after_an_outage_names_it(watched):
    watched.come("nightly backup")
    watched.run(20 * HOUR)
    watched.clock.now += 8 * HOUR
    watched.run(3 * HOUR)
    assert len(watched.words()) == 1
    assert "The bridge itself did not run from" in watched.channel.posts[0][1].html


def test_a_clock_that_was_wrong_for_a_while_makes_no_alarm_and_hides_none(watched):
    watched.come("nightly backup")
    watched.run(HOUR)
    watched.clock.now += 3 * DAY
    watched.publisher.sweep()
    watched.clock.now -= 3 * DAY
    watched.run(25 * HOUR - 300)
    assert watched.words() == []
    watched.run(HOUR)
    assert len(watched.words()) == 1


@pytest.mark.parametrize("number", range(1, 40 if FUZZ else 12))
def test_a_crash_at_any_call_costs_no_post_and_makes_no_second_one(tmp_path, number):
    watched = Watched(tmp_path, f'{BACKUP}every = "26h"')
    watched.run(26 * HOUR - 300)
    for after in (False, True):
        fuse = {"left": number, "after": after}
        broken = watched.crashing(fuse)
        watched.clock.now += 300
        with contextlib.suppress(Crash):
            broken.sweep()
        watched.run(600, broken)
    watched.run(HOUR)
    assert len(watched.words()) == 1
    watched.come("nightly backup")
    watched.run(HOUR, watched.crashing({"left": number, "after": number % 2}))
    watched.run(HOUR)
    assert len(watched.words()) == 2
    watched.close()


def test_several_hosts_make_one_post_for_each_group(tmp_path):
    watched = Watched(tmp_path, f'{BACKUP}every = "26h"\ngroups = ["{GROUP}", "{OPS}"]')
    others = [watched.make() for _ in range(3)]
    watched.run(26 * HOUR)
    for _ in range(3):
        watched.clock.now += 100
        for other in others:
            other.sweep()
    watched.run(HOUR, others[0])
    assert sorted(post.group for _, post in watched.channel.posts) == [GROUP, OPS]
    watched.close()


ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")


@pytest.mark.parametrize("seed", range(60 if FUZZ else 1))
def test_a_month_with_restarts_late_events_and_changed_clocks(tmp_path, seed):
    """A nightly job by the clocks of its zone: no alarm while it comes in time, one for each silence, and its end."""
    rng = random.Random(seed)
    zone = ZoneInfo(ZONES[seed % 3])
    text = f'{BACKUP}cron = "30 2 * * *"\ngrace = "1h"\nzone = "{zone}"'
    watched = Watched(tmp_path, text, seed=seed)
    # In the month clocks are changed: the end of March in Europe, the beginning of November in America.
    begin = datetime(2026, (3, 10, 4)[seed % 3], (10, 15, 1)[seed % 3], 12, tzinfo=UTC).timestamp()
    watched.clock.now = begin
    calendar = watched.bridge.configuration.expectations[0].schedule.times
    due, silences, is_silent = calendar.next_after(begin), 0, False
    watched.run(60)
    while due < begin + 30 * DAY:
        comes = rng.random() < 0.7
        moment = due + rng.uniform(-30, HOUR)
        if rng.random() < 0.15:
            watched.quickly(due - rng.uniform(0, 2 * HOUR))
            watched.clock.now += rng.uniform(HOUR, 4 * HOUR)  # nothing runs
            watched.publisher = watched.make()
            # Its sender tries again.
            moment = max(moment, watched.clock.now + rng.uniform(0, 600))
            watched.publisher.sweep()
        watched.quickly(moment)
        if comes:
            watched.come("nightly backup", late=rng.choice((0, 0, 40)))
            is_silent = False
        elif not is_silent:
            silences, is_silent = silences + 1, True
        if rng.random() < 0.2:
            wrong = rng.choice((-1, 1)) * rng.uniform(HOUR, 3 * DAY)
            watched.run(60)
            watched.clock.now += wrong
            watched.publisher.sweep()
            watched.clock.now -= wrong
        if rng.random() < 0.3:
            watched.publisher = watched.make()  # a restart
        watched.quickly(due + HOUR + 1200)
        due = calendar.next_after(max(due, watched.clock.now))
    watched.run(3 * HOUR)
    said = watched.words()
    assert sum(word.startswith("Did not come") for word in said) == silences
    assert sum(word.startswith("Came again") for word in said) == silences - is_silent
    assert all(one.startswith("Did") != other.startswith("Did") for one, other in pairwise(said))
    watched.close()


def wrong(text):
    with pytest.raises(SettingsError) as error:
        configured(text)
    return list(error.value.problems)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('every = "daily"', "expect 1: `every` is not a period: write one such as 90m, 26h, 7d or 1d 2h (line 5)"),
        ('every = "1m"', "expect 1: `every` is shorter than five minutes, the time between two looks (line 5)"),
        ('cron = "0 2 * *"', "expect 1: `cron` is not a cron line: it has five fields, such as `0 2 * * mon-fri`"),
        ('cron = "0 0 31 2 *"', "expect 1: `cron` never comes: no month has such a day (line 5)"),
        ('cron = "0 2 * * *"\nzone = "Berlin"', "expect 1: `zone` is not a time zone"),
        ('cron = "0 2 * * *"\ngrace = "soon"', "expect 1: `grace` is not a period"),
        ("", "expect 1 needs one of `every`"),
        ('every = "1d"\ncron = "0 2 * * *"', "expect 1 needs one of `every`"),
        ('every = "1d"\ngrace = "1h"', "`grace` belongs to `cron`"),
        ('every = "1d"\nseverity = "fatal"', "expect 1: `severity` must be one of success, info"),
        ('every = "1d"\ngroup = "nobody"', "expect 1: 'nobody' is not a group's object id"),
        ('every = "1d"\ngroups = []', "expect 1 needs one of `group` and `groups`"),
        ('every = "1d"\nseverty = "info"', "expect 1 has an unknown key 'severty'; did you mean `severity`? (line 6)"),
    ],
)
def test_mistakes_name_the_key_and_its_line(lines, problem):
    (found,) = wrong(BACKUP + lines)
    assert f"BRIDGE_CONFIG: {problem}" in found or problem in found


def test_an_expectation_needs_a_name_of_its_own_and_an_expression():
    assert "needs a `name`" in wrong("[[expect]]\nwhen = 'true'\nevery = '1d'")[0]
    assert "needs `when`" in wrong("[[expect]]\nname = 'x'\nevery = '1d'")[0]
    assert (
        "has an unknown name 'kindd'; did you mean `kind`? (line 3)"
        in wrong("[[expect]]\nname = 'x'\nwhen = 'kindd'\nevery = '1d'")[0]
    )
    assert "is that of another expectation" in wrong(2 * f'{BACKUP}every = "1d"\n')[0]
    assert "double brackets" in wrong("[expect]\nname = 'x'")[0]
    with pytest.raises(SettingsError, match="BRIDGE_GROUP"):
        Configuration.of(Settings("", f"{BACKUP}every = '1d'\n[[route]]\ngroups = ['{GROUP}']"))


def test_the_groups_that_are_informed_are_known():
    configuration = configured(f'{BACKUP}every = "1d"\ngroup = "ops"\n[groups]\nops = "{OPS}"')
    assert configuration.expectations[0].groups == (OPS,)
    assert list(configuration.groups) == [GROUP, OPS]


def test_an_expectation_that_asks_for_what_no_event_has_is_a_mistake():
    bridge = Bridge(configured("[[expect]]\nname = 'x'\nwhen = \"source == 'githb'\"\nevery = '1d'"))
    (mistake,) = mistakes(bridge, {})
    assert mistake.subject == "expectations"
    assert mistake.text == (
        "the expectation x (line 3 of BRIDGE_CONFIG): `source == 'githb'`: there is no source 'githb';"
        " did you mean `github`?"
    )


MET = """
[[expect]]
name = "watchdog"
when = "source == 'alertmanager' and attributes.alertname == 'Watchdog'"
every = "15m"
[[expect]]
name = "github"
when = "source == 'github' and kind == 'ping'"
every = "15m"
[[expect]]
name = "fails"
when = "payload.zen / 0"
every = "15m"
[[route]]
when = "attributes.alertname == 'Watchdog'"
groups = []
"""
LABELS = b'{"alertname": "Watchdog"}'
WATCHDOG = b'{"alerts": [{"status": "firing", "labels": %s}], "commonLabels": %s}' % (LABELS, LABELS)


@pytest.mark.parametrize(
    ("source", "headers", "body", "outcome", "expected"),
    [
        ("alertmanager", {}, WATCHDOG, Outcome.DROPPED, ("watchdog",)),
        ("github", {"X-GitHub-Event": "ping"}, b'{"zen": "x"}', Outcome.IGNORED, ("github",)),
        ("github", {"X-GitHub-Event": "push"}, b'{"ref": "refs/heads/x"}', Outcome.ACCEPTED, ()),
    ],
)
def test_what_is_dropped_or_ignored_meets_expectations_too(source, headers, body, outcome, expected):
    receiver = Bridge(configured(MET)).receiver
    receipt = receiver.receive(source, Webhook(headers, body))
    records = [item for text in to_messages(receipt.entries, receipt.notes) for item in records_of(text)]
    assert [(record.outcome, record.expected) for record in records] == [(outcome, expected)]
    assert receiver.explain(source, Webhook(headers, body)).expected == expected


def records_of(text):
    item = from_message(text)
    return [item] if isinstance(item, DeliveryRecord) else records_in(text)


def test_what_nobody_has_authenticated_meets_no_expectation():
    settings = Settings(GROUP, MET, secrets={"github": ("0123456789abcdef0123456789abcdef",)})
    receiver = Bridge(Configuration.of(settings)).receiver
    receipt = receiver.receive("github", Webhook({"X-GitHub-Event": "ping"}, b'{"zen": "x"}'))
    assert receipt.status == 401
    assert [record.expected for text in receipt.notes for record in records_of(text)] == [()]


def test_what_another_version_wrote_is_read_or_written_again(watched):
    for text in ('{"rule": 1, "unknown": []}', "[]", "{"):
        known = {memo.name: memo.version for memo in watched.outbox.memos(KIND)}
        watched.outbox.write_memo(Memo(KIND, "nightly backup", text, known.get("nightly backup", "")))
        watched.run(600)
        (memo,) = watched.outbox.memos(KIND)
        assert '"known"' in memo.text
    watched.run(27 * HOUR)
    assert list(watched.publisher.health()["missing"]) == ["nightly backup"]


def examples():
    """The configurations of the docs page, and the example."""
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/expectations.md").read_text("utf-8"), re.DOTALL)
    return [*blocks, (ROOT / "config.example.toml").read_text("utf-8")]


EXPORTED = b'{"title": "Ledger exported", "status": "ok"}'


@pytest.mark.parametrize(
    ("number", "source", "body", "expected"),
    [
        (0, "backups", b'{"title": "Backup of db-03", "status": "ok"}', ("nightly backup",)),
        (0, "backups", b'{"title": "Backup of db-03", "status": "failed"}', ()),
        (1, "backups", EXPORTED, ("ledger export",)),
        (2, "alertmanager", WATCHDOG, ("Prometheus is alive",)),
        (3, "backups", EXPORTED, ("nightly backup", "ledger export")),
    ],
)
def test_the_documented_expectations_are_met_by_what_they_name(number, source, body, expected):
    bridge = Bridge(configured(examples()[number]))
    assert bridge.receiver.explain(source, Webhook({"content-type": "application/json"}, body)).expected == expected
