"""bridge/publishing/stories.py and memory.py: the events of a thread as one post, and what the thread remembers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.entries import Entry, Target
from bridge.events import Severity, Webhook
from bridge.local.sending import event_name
from bridge.publishing.memory import remembered
from bridge.publishing.stories import lead_of, line, merged, post_html, recalled
from bridge.rendering.renderer import Renderer
from bridge.sources import SOURCES
from tests.look import findings, parse

NOW = datetime(2026, 11, 23, 15, 5, tzinfo=UTC)
RENDERER = Renderer(titles={name: source.title for name, source in SOURCES.items()})


def entry(sample: str, minutes: float = 0, **changes) -> Entry:
    name, file = sample.split("/")
    source = SOURCES[name]
    body = (source.samples / f"{file}.json").read_bytes()
    (event,) = source.read(Webhook(source.headers(event_name(file, source.event_parts), "d"), body))
    made = RENDERER.entry(event, f"{abs(hash((sample, minutes))):032x}"[:32], Target("g"), NOW)
    return replace(made, occurred=NOW + timedelta(minutes=minutes), **changes)


def pull(*steps: str) -> list[Entry]:
    return [entry(f"github/{step}", 5 * place) for place, step in enumerate(steps)]


def shown(html: str) -> list[str]:
    return [text for text in parse(html).shown if text.strip()]


LIFE = pull(
    "pull_request.opened",
    "pull_request.review_requested",
    "pull_request_review.submitted",
    "pull_request_review_comment.created",
    "pull_request.closed",
)


def test_a_story_is_one_card_of_the_newest_state_and_a_dated_line_for_each_event_before() -> None:
    html = post_html(LIFE)
    text = "\n".join(shown(html))
    assert findings(html) == []
    assert text.startswith("Merged")
    assert text.count("Stop the pump when the tank is empty") == 1
    assert text.count("The controller kept running dry") == 1
    lines = ["monalisa opened", "requested a review", "hubot approved", "octocat commented"]
    places = [text.index(words) for words in lines]
    assert places == sorted(places)
    assert "15:05" in text
    assert "15:20" in text
    assert "“Ran it on the bench for an hour: stops in 0.2 s, every time.”" in text


def test_events_of_several_days_have_their_dates() -> None:
    text = "\n".join(shown(post_html([entry("github/issues.opened"), entry("github/issues.closed", 60 * 24)])))
    assert "23 Nov 15:05" in text


def test_a_reply_begins_with_the_news_and_not_with_the_headline() -> None:
    (closed,) = pull("pull_request.closed")
    assert "Stop the pump when the tank is empty" in "\n".join(shown(post_html([closed])))
    reply = shown(post_html([closed], is_reply=True))
    assert "Stop the pump when the tank is empty" not in "\n".join(reply)
    assert reply[0].startswith("Merged")
    assert "monalisa merged this pull request" in " ".join(reply[1].split())


@pytest.mark.parametrize("is_reply", [False, True])
def test_a_post_keeps_none_of_the_marks(is_reply: bool) -> None:
    assert "<!--" not in post_html(LIFE, is_reply=is_reply)
    assert "<!--" not in post_html(LIFE[:1], is_reply=is_reply)


def test_the_newest_that_is_more_than_a_line_is_the_card() -> None:
    opened, labeled = entry("github/issues.opened"), entry("github/issues.labeled", 1)
    assert labeled.minor
    assert lead_of([opened, labeled]) is opened
    assert lead_of([labeled]) is labeled
    assert "added label bug to this issue" in "\n".join(shown(post_html([opened, labeled])))


def test_cards_of_an_earlier_version_stand_one_below_another() -> None:
    old = [replace(each, html=f"<p>card {place}</p>", news="", minor=False) for place, each in enumerate(LIFE[:3])]
    html = post_html(old)
    assert [html.count(f"<p>card {place}</p>") for place in range(3)] == [1, 1, 1]


def minor(text: str, minutes: float = 0, kind: str = "issues.labeled") -> Entry:
    return replace(LIFE[0], news=text, minor=True, kind=kind, occurred=NOW + timedelta(minutes=minutes), excerpt="")


@pytest.mark.parametrize(
    ("texts", "line_texts"),
    [
        (
            ["octocat added label bug to this issue", "octocat added label safety to this issue"],
            ["octocat added label bug, safety to this issue"],
        ),
        (
            ["a added label x to it", "a added label y to it", "a added label z to it"],
            ["a added label x, y, z to it"],
        ),
        (["mona edited this issue", "mona edited this issue"], ["mona edited this issue"]),
        (["mona edited this issue", "nora edited this issue"], ["mona edited this issue", "nora edited this issue"]),
        (
            ["octocat assigned this issue to a", "octocat assigned this issue to b"],
            ["octocat assigned this issue to a, b"],
        ),
    ],
)
def test_minor_lines_that_say_the_same_are_one(texts: list[str], line_texts: list[str]) -> None:
    lines = merged([line(minor(text, place)) for place, text in enumerate(texts)], "")
    assert [each.text for each in lines] == line_texts


def test_lines_of_different_kinds_or_that_matter_are_not_merged() -> None:
    one, other = minor("octocat added label bug to it"), minor("octocat added label x to it", kind="other")
    assert len(merged([line(one), line(other)], "")) == 2
    assert len(merged([line(replace(one, minor=False)), line(replace(one, minor=False))], "")) == 2


def test_what_somebody_wrote_is_quoted_once() -> None:
    first = replace(LIFE[0], excerpt="The same words")
    lines = merged([line(first), line(replace(first, occurred=NOW + timedelta(1)))], "")
    assert [each.excerpt for each in lines] == ["The same words", ""]
    assert merged([line(first)], "The same words")[0].excerpt == ""


def noted(
    *notes: tuple[str, str], minutes: float = 0, asks: tuple[tuple[str, str], ...] = (), ends: bool = False
) -> Entry:
    return replace(LIFE[0], notes=notes, asks=asks, ends_thread=ends, occurred=NOW + timedelta(minutes=minutes))


def test_a_merge_names_who_approved_it() -> None:
    memory = remembered({}, LIFE[:4])
    assert memory == {"approved": ("hubot",)}
    text = " ".join(shown(post_html(LIFE[4:], is_reply=True, memory=memory)))
    assert "Approved by: hubot" in text
    assert "Approved by: hubot" in " ".join(shown(post_html(LIFE)))
    assert "Approved by" not in " ".join(shown(post_html(LIFE[4:])))


def test_an_approval_that_was_withdrawn_is_forgotten() -> None:
    memory = remembered({}, [noted(("approved", "a")), noted(("approved", "b")), noted(("-approved", "a"))])
    assert memory["approved"] == ("b",)
    assert remembered(memory, [noted(("-approved", ""))])["approved"] == ()


def test_what_is_over_says_how_long_it_lasted_and_how_far_it_went() -> None:
    memory = remembered(
        {},
        [
            noted(("since", NOW.isoformat()), ("highest", "91.0 91 %")),
            noted(("since", (NOW + timedelta(minutes=5)).isoformat()), ("highest", "104.0 104 %"), minutes=5),
            noted(("highest", "97.5 97.5 %"), minutes=9),
        ],
    )
    over = noted(
        minutes=42, asks=(("since", "Lasted"), ("highest", "Highest value"), ("lowest", "Lowest value")), ends=True
    )
    assert recalled(memory, over) == [("Lasted", "42 min"), ("Highest value", "104 %")]
    assert remembered(memory, [over]) == {}


def test_the_memory_is_bounded() -> None:
    memory = remembered({}, [noted((f"name {number}", "x")) for number in range(100)])
    assert len(memory) == 20
    many = remembered({}, [noted(("approved", str(number))) for number in range(100)])
    assert many["approved"] == tuple(map(str, range(90, 100)))


def test_a_failed_run_names_the_jobs_that_failed_before() -> None:
    job = entry("github/workflow_job.completed")
    run = entry("github/workflow_run.completed", 1)
    (name, value), *_ = job.notes
    asked = replace(run, asks=((name, "Failed jobs"),))
    assert recalled(remembered({}, [job]), asked) == [("Failed jobs", value)]
    assert "simulator" in value
    assert run.severity >= Severity.ERROR
    assert run.asks
