"""The standing summary: what is open now, once for each time at which it is due, also if the app was down then."""

import contextlib
import re
from datetime import UTC, datetime

import pytest

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.errors import SettingsError
from bridge.events import Event, Severity
from bridge.mistakes import mistakes
from bridge.outbox.memos import Memo
from bridge.outbox.rows import IDENTITY, Hold
from bridge.outbox.standing import Standing
from bridge.publishing.own_posts import Own, OwnPosts
from bridge.publishing.summary_events import sections
from bridge.rendering.standing import standing
from bridge.settings import Settings
from tests.outbox_stand_ins import entry
from tests.publishing_simulation import Crash, Simulation

GROUP = "00000000-0000-4000-8000-0000000000d0"
HOUR, DAY = 3600.0, 86400.0
WEEKLY = '[[summary]]\nevery = "mon 09:00"\nzone = "Europe/Berlin"\n'
SUNDAY = datetime(2026, 10, 25, 12, tzinfo=UTC).timestamp()  # clocks were put back in the night


def configured(text):
    return Configuration.of(Settings(GROUP, text))


class Summed(Simulation):
    """A simulation that posts summaries."""

    def __init__(self, folder, text=WEEKLY):
        self.bridge = Bridge(configured(text))
        super().__init__(folder)
        self.clock.now = SUNDAY

    def make(self, outbox=None, channel=None, queue=None, **policy):
        made = super().make(outbox, channel, queue, **policy)
        own = Own(self.bridge.renderer.entry, summaries=self.bridge.configuration.summaries)
        made._own = OwnPosts(own, outbox or self.outbox, self.queue, made._recorder.record, self.clock)
        return made

    def until(self, moment):
        """Runs until then, with as few sweeps as are no outage."""
        while self.clock.now < moment:
            self.run(min(840.0, moment - self.clock.now), sweeps=False)
            self.publisher.sweep()

    def put(self, *entries):
        super().put(*entries)
        self.run(60, sweeps=False)

    def summaries(self):
        """Topic and text of each."""
        found = [post for _, post in self.channel.posts if re.search("open(:| ·)", post.topic)]
        return [(post.topic, re.sub(r"\s+", " ", re.sub(r"<[^>]*>|&[#\w]*;", " ", post.html))) for post in found]


@pytest.fixture
def summed(tmp_path):
    made = Summed(tmp_path)
    yield made
    made.close()


def at(number, thread, **changes):
    moment = datetime.fromtimestamp(SUNDAY + number, UTC)
    return entry(number, thread, GROUP, occurred=moment, received=moment, **changes)


FIRING = {"standing": "alert", "word": "Firing", "severity": Severity.ERROR, "url": "https://grafana.example/a"}


def test_what_is_open_is_posted_when_it_is_due_and_at_no_other_time(summed):
    summed.until(SUNDAY + 60)
    summed.put(
        at(1, "tank", topic="Tank 4 is dry", **FIRING),
        at(2, "pull", topic="#12 Stop the pump", standing="review", word="Opened"),
        at(3, "other", topic="Tank 5 is dry", **FIRING),
        at(4, "push", topic="Pushed"),
    )
    summed.put(at(5, "other", standing="over"))
    summed.until(SUNDAY + 19 * HOUR)
    assert summed.summaries() == []
    summed.until(SUNDAY + 3 * DAY)
    ((topic, text),) = summed.summaries()
    assert topic == "2 open: 1 alert, 1 review · Mon 26 Oct"
    assert re.search(r"Firing alerts 20 h Tank 4 is dry Firing Waiting for review 20 h #12 Stop the pump Opened", text)
    assert "was due" not in text
    summed.until(SUNDAY + 8 * DAY)
    assert [topic for topic, _ in summed.summaries()][1:] == ["2 open: 1 alert, 1 review · Mon 2 Nov"]


@pytest.mark.parametrize("noun", ["pull request", "run"])
@pytest.mark.parametrize("name", ["noun", "action", "branch", "outcome", "part_of", "reference", "draft"])
@pytest.mark.parametrize("value", [["x"], {"a": 1}, 7, None])
def test_details_of_another_type_cost_no_event(noun, name, value):
    details = {"noun": noun, "action": "opened", "outcome": "failed", "part_of": "", "branch": "main", name: value}
    event = Event("flux", "object", "d", "k", "Pumps", {}, severity=Severity.ERROR, details=details)
    assert standing(event, "") in {"", "review", "branch", "over"}


def test_nothing_open_is_said_in_a_line(summed):
    summed.until(SUNDAY + 2 * DAY)
    assert [topic for topic, _ in summed.summaries()] == ["Nothing is open · Mon 26 Oct"]


def test_what_was_due_while_the_app_was_down_is_posted_once_and_said_as_late(summed):
    summed.until(SUNDAY + HOUR)
    summed.clock.now = SUNDAY + 16 * DAY  # two Mondays later
    summed.publisher = summed.make()
    summed.until(SUNDAY + 17 * DAY)
    ((topic, text),) = summed.summaries()
    assert topic == "Nothing is open · Mon 9 Nov"
    assert "It was due 9 Nov 2026, 08:00 UTC: the bridge did not run then." in text


def test_crashes_and_other_hosts_make_no_second_post(summed):
    summed.until(SUNDAY + 19.9 * HOUR)
    for number in range(1, 8):
        for after in (False, True):
            broken = summed.crashing({"left": number, "after": after})
            summed.clock.now += 60
            with contextlib.suppress(Crash):
                broken.sweep()
    summed.until(SUNDAY + 2 * DAY)
    assert len(summed.summaries()) == 1


def test_a_clock_that_was_wrong_for_a_while_costs_no_summary(summed):
    summed.until(SUNDAY + HOUR)
    summed.clock.now += 8 * DAY
    summed.publisher.sweep()
    summed.clock.now -= 8 * DAY
    summed.until(SUNDAY + 2 * DAY)
    assert [topic for topic, _ in summed.summaries()] == ["Nothing is open · Mon 26 Oct"]
    assert summed.outbox.write_memo(Memo("summary", "Gone", "{")).version
    (memo,) = [memo for memo in summed.outbox.memos("summary") if memo.name == "Summary"]
    summed.outbox.write_memo(Memo("summary", "Summary", memo.text.replace("17", "27"), memo.version))
    summed.until(SUNDAY + 9 * DAY)
    assert len(summed.summaries()) == 2
    assert [memo.name for memo in summed.outbox.memos("summary")] == ["Summary"]


def test_an_expression_chooses_and_the_bridges_own_sign_in_is_in_it(tmp_path):
    text = "when = \"severity >= 'error' or category == 'review' and hours > 24\"\n"
    summed = Summed(tmp_path, WEEKLY + text)
    summed.until(SUNDAY + 60)
    summed.put(at(1, "a", topic="New review", standing="review"), at(2, "b", topic="Tank 4 is dry", **FIRING))
    summed.outbox.set_wait(IDENTITY, Hold(SUNDAY + 300, "AADSTS70043: sign in again", SUNDAY))
    summed.until(SUNDAY + DAY)
    ((topic, text),) = summed.summaries()
    assert topic == "2 open: 1 alert, 1 expiring · Mon 26 Oct"
    assert "own sign-in: AADSTS70043: sign in again" in text
    summed.close()


def row(category, number, severity=Severity.ERROR):
    return Standing(category, f"{category} {number}", "", "Open", severity, "", "s", "k", SUNDAY - number)


def test_a_long_category_leaves_room_for_the_others_and_says_how_many_more():
    rows = [row("alert", number) for number in range(30)] + [row("review", 1), row("branch", 1, Severity.CRITICAL)]
    found = [(part.heading, len(part.rows), part.more) for part in sections(rows, 20, SUNDAY)]
    assert found == [("Firing alerts", 18, 12), ("Red branches", 1, 0), ("Waiting for review", 1, 0)]
    (first, *_) = sections(rows, 20, SUNDAY)[0].rows
    assert first.title == "alert 29"  # the oldest


def test_a_long_summary_fits_into_a_post(tmp_path):
    summed = Summed(tmp_path, WEEKLY + "rows = 40\n")
    summed.until(SUNDAY + 60)
    url = "https://grafana.example/" + "a" * 1900
    summed.put(*[at(n, f"t{n}", topic="T" * 119, **FIRING | {"url": url}) for n in range(60)])
    summed.until(SUNDAY + DAY)
    ((topic, text),) = summed.summaries()
    assert topic.startswith("60 open: 60 alerts")
    assert re.search(r"and (\d\d) more", text)
    summed.close()


def test_a_summary_that_asks_for_what_no_row_has_is_a_mistake():
    when = "when = \"category == 'alerts' and severity >= 'eror' or source in ('githb', 'bridge')\""
    found = [mistake.text for mistake in mistakes(Bridge(configured(WEEKLY + when)), {})]
    where = "the summary Summary (line 4 of BRIDGE_CONFIG): "
    assert all(text.startswith(where) for text in found)
    assert [re.sub(r"^.*?`: ", "", text) for text in found] == [
        "there is no category 'alerts'; did you mean `alert`?",
        "there is no severity 'eror'; did you mean `error`?",
        "there is no source 'githb'; did you mean `github`?",
    ]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('every = "monday"', "summary 1: `every` is not a time of the week: write one such as `mon 09:00`"),
        ("", "summary 1: `every` is not a time of the week"),
        ('every = "mon 09:00"\nwhen = "catgory"', "has an unknown name 'catgory'; did you mean `category`? (line 3)"),
        ('every = "mon 09:00"\nrows = 100', "summary 1: `rows` must be a whole number from 1 to 40 (line 3)"),
        ('every = "mon 09:00"\nzone = "Berlin"', "summary 1: `zone` is not a time zone"),
        ('every = "mon 09:00"\ngroups = ["nobody"]', "is not a group's object id"),
        ('every = "mon 09:00"\n[[summary]]\nevery = "tue 09:00"', "summary 2 needs a `name` that no other summary has"),
    ],
)
def test_mistakes_name_the_key_and_its_line(lines, problem):
    with pytest.raises(SettingsError) as error:
        configured(f"[[summary]]\n{lines}")
    (found,) = error.value.problems
    assert problem in found
