"""bridge/rendering/renderer.py and templates/: every event becomes a post that is safe, bounded and well said."""

import json
import logging
import os
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bridge.entries import Entry, Target, entry_id, to_message
from bridge.events import Event, Severity, Webhook
from bridge.limits import MAX_HTML, MAX_LINE, MAX_MESSAGE
from bridge.rendering.environment import OwnTemplates, environment
from bridge.rendering.links import safe_url
from bridge.rendering.renderer import Renderer
from bridge.rendering.template_problems import problems
from bridge.sources.base import Ignored
from bridge.sources.github import GITHUB
from tests.amounts import one_in

FOLDER = Path(__file__).parent.parent / "bridge/sources/github/samples"
PUSH = FOLDER / "push.json"
IGNORED = FOLDER / "deployment.created.json"
SAMPLES = [*sorted({*FOLDER.glob("*.*.json")} - {IGNORED}), PUSH]
FIXTURES = sorted((Path(__file__).parent.parent.parent / "shared" / "fixtures" / "github").glob("*.json"))
NOW = datetime(2026, 11, 23, 15, 5, tzinfo=UTC)
TARGET = Target("3c1d0d4e-0000-0000-0000-000000000000", ("Alex <alex@example.com>",), "conversation")
RENDERER = Renderer(titles={"github": "GitHub"})

TABLES = {"table", "thead", "tbody", "tr", "td", "th"}
TEXTS = {"div", "span", "a", "b", "p", "br", "strong", "em", "s", "code", "pre", "ul", "ol", "li", "blockquote", "hr"}
SIZES = {"width", "height", "cellpadding", "cellspacing", "border"}
LOOKS = {"role", "dir", "style", "bgcolor", "valign", "href"}


class Inspector(HTMLParser):
    """Fails on what a post may not hold."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TABLES | TEXTS, tag
        for name, value in attrs:
            assert name in SIZES | LOOKS, (tag, name)
            assert name != "href" or (value and safe_url(value) == value), value
            assert name != "style" or "url(" not in (value or ""), value

    def handle_comment(self, data: str) -> None:
        assert data in {"headline", "/headline", "facts", "timeline", "token"}, data  # marks for the post

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def event_of(path: Path, payload: Any = None) -> Event | None:
    name = path.name.partition("__")[0].partition(".")[0].removesuffix(".json")
    body = path.read_bytes() if payload is None else json.dumps(payload).encode()
    events = GITHUB.read(Webhook(GITHUB.headers(name, "d-1"), body))
    return None if isinstance(events, Ignored) else events[0]


def sample(name: str) -> Event:
    event = event_of(FOLDER / f"{name}.json")
    assert event
    return event


def entry_of(event: Event, renderer: Renderer = RENDERER) -> Entry:
    return renderer.entry(event, entry_id(event, 0, TARGET.group), TARGET, NOW)


def text_of(entry: Entry) -> str:
    return " ".join("".join(Inspector(entry.html).words).split())


def topic_of(event: Event) -> str:
    """The number first, which no inbox cuts off, then the title, then what it belongs to."""
    number = str(event.details.get("reference") or "")
    title = event.title.removesuffix(f" {number}")
    named = f"{number} {title}" if number and event.title == f"{event.details.get('name')} {number}" else event.title
    return f"{named} · {event.scope}" if event.scope and event.scope not in named else named


def check(entry: Entry) -> None:
    """What holds for every entry, whatever the payload was."""
    Inspector(entry.html)
    assert entry.id[:8] not in entry.html
    assert len(entry.html.encode()) <= MAX_HTML
    assert len(to_message(entry).encode()) <= MAX_MESSAGE
    for line in (entry.topic, entry.summary):
        assert 0 < len(line) <= MAX_LINE
        assert line == " ".join(line.split())
    assert not {chr(code) for code in range(32)} - {"\n", "\t"} & set(entry.html)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_has_a_template_of_github(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    event = event_of(path)
    assert event
    assert RENDERER.chosen(event) in {f"github/{event.kind.partition('.')[0]}.html", "github/event.html"}
    entry = entry_of(event)
    check(entry)
    assert not caplog.records
    assert entry.topic == topic_of(event)


def test_what_github_sends_becomes_posts(caplog: pytest.LogCaptureFixture) -> None:
    if not FIXTURES:
        pytest.skip("needs the fixtures of GitHub's payloads beside the project")
    for path in FIXTURES:
        event = event_of(path)
        if event is None:
            continue
        entry = entry_of(event)
        check(entry)
        text = f"{text_of(entry)} {entry.topic} {entry.summary}"
        for bad in ("None", " null", "javascript:", "undefined", "{{", "{%", "T00:", "  "):
            assert bad not in text, (path.name, bad, text)
    assert not caplog.records


PUMP = "Stop the pump when the tank is empty"
REVIEW = "Ran it on the bench for an hour: stops in 0.2 s, every time."


@pytest.mark.parametrize(
    ("name", "summary"),
    [
        ("push", "monalisa pushed 3 commits to main: Say in the log why the pump stopped"),
        ("issues.opened", "monalisa opened #7 The pump runs dry"),
        ("issues.labeled", "octocat added label bug to #7 The pump runs dry"),
        ("issues.closed", "octocat closed #7 The pump runs dry as completed"),
        ("pull_request.opened", "monalisa opened #12 Stop the pump when the tank is empty"),
        ("pull_request.closed", "monalisa merged #12 Stop the pump when the tank is empty into main"),
        ("pull_request_review.submitted", f"hubot approved #12 {PUMP}: {REVIEW}"),
        ("release.published", "octocat published the release Pump 2.4"),
        ("workflow_run.completed", "CI #981 failed on main at c1dfd96 after 4 min 10 s, started by monalisa"),
        ("check_run.completed", "bench-test succeeded on fix/dry-run for #12 at 356a192 after 6 min 41 s"),
        ("deployment_status.created", "Deployment of v2.4.0 to production succeeded at c1dfd96, started by octocat"),
        (
            "dependabot_alert.created",
            "Dependabot found a vulnerability in gauge-chart: gauge-chart runs scripts from labels",
        ),
    ],
)
def test_summary(name: str, summary: str) -> None:
    assert entry_of(sample(name)).summary == summary


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"forced": True}, "force-pushed main from 902ba3c to"),
        ({"deleted": True, "commits": []}, "deleted the branch main"),
        ({"created": True}, "created the branch main with 3 commits"),
        ({"created": True, "ref": "refs/tags/v1", "commits": []}, "created the tag v1"),
        ({"commits": []}, "to main"),
    ],
)
def test_pushes_of_another_sort_have_their_own_sentence(changes: dict[str, Any], wanted: str) -> None:
    event = event_of(PUSH, json.loads(PUSH.read_bytes()) | changes)
    assert event
    entry = entry_of(event)
    check(entry)
    assert wanted in entry.summary


@pytest.mark.parametrize(
    ("path", "action", "changes", "wanted"),
    [
        (
            "pull_request.closed",
            "closed",
            {"merged": False, "merged_at": None},
            "closed #12 Stop the pump when the tank is empty without merging",
        ),
        ("pull_request.opened", "review_requested", {}, "requested a review of #12"),
        ("pull_request.opened", "synchronize", {}, "pushed to #12"),
        ("pull_request.opened", "ready_for_review", {}, "as ready for review"),
        (
            "pull_request.opened",
            "some_new_thing",
            {},
            "#12 Stop the pump when the tank is empty: some new thing by monalisa",
        ),
    ],
)
def test_actions_on_pull_requests(path: str, action: str, changes: dict[str, Any], wanted: str) -> None:
    file = FOLDER / f"{path}.json"
    payload = json.loads(file.read_bytes())
    payload["action"] = action
    payload["pull_request"] |= changes
    event = event_of(file, payload)
    assert event
    assert wanted in entry_of(event).summary


def test_a_merge_shows_its_size() -> None:
    entry = entry_of(sample("pull_request.closed"))
    assert "Merged · contoso/pump" in text_of(entry).replace("\xa0", "")
    assert "+148 \N{MINUS SIGN}37" in text_of(entry)
    assert 'width="80" height="8" bgcolor="#1a7f37"' in entry.html
    assert 'width="20" height="8" bgcolor="#c4314b"' in entry.html


def test_the_card_names_the_source_beside_its_scope_and_the_time_at_its_end() -> None:
    shown = text_of(entry_of(sample("pull_request.closed"))).replace("\xa0", "")
    assert "contoso/pump · GitHub" in shown
    assert shown.endswith("14:03 UTC")


def test_times_are_of_the_zone_that_is_set() -> None:
    renderer = Renderer(titles={"github": "GitHub"}, zone=ZoneInfo("Asia/Kolkata"))
    entry = entry_of(sample("pull_request.opened"), renderer)
    local = entry.occurred.astimezone(ZoneInfo("Asia/Kolkata"))
    assert text_of(entry).endswith(f"{local:%H:%M} UTC+5:30")


def test_the_entry_carries_what_publishing_needs() -> None:
    event = sample("issues.opened")
    entry = entry_of(event)
    assert (entry.group, entry.participants, entry.conversation) == (TARGET.group, TARGET.participants, "conversation")
    assert (entry.correlation_key, entry.kind, entry.url) == (event.correlation_key, event.kind, event.url)
    assert entry.received == NOW
    old = entry_of(replace(event, occurred=datetime(2001, 1, 1, tzinfo=UTC)))
    assert old.occurred == NOW


def strings(value: Any, hostile: str) -> Any:
    """The payload with every text replaced but for those that decide what it is."""
    if isinstance(value, dict):
        keep = {"action", "state", "conclusion"}
        return {name: item if name in keep else strings(item, hostile) for name, item in value.items()}
    if isinstance(value, list):
        return [strings(item, hostile) for item in value]
    return hostile if isinstance(value, str) else value


@pytest.mark.parametrize("path", one_in(4, SAMPLES), ids=lambda path: path.stem)
def test_text_of_any_length_fits(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    # One of them alone is more than a post may hold.
    event = event_of(path, strings(json.loads(path.read_bytes()), "& **word** " * (MAX_HTML // 10)))
    assert event
    check(entry_of(event))
    assert not caplog.records


def test_a_body_of_a_megabyte_fits() -> None:
    file = FOLDER / "issues.opened.json"
    payload = json.loads(file.read_bytes())
    for body in ("<" * 2**20, "> " * 2**19, "[" * 2**20, "<!--" * 2**18, "\n- [ ] x" * 2**17, "`" * 2**20):
        payload["issue"]["body"] = body
        event = event_of(file, payload)
        assert event
        check(entry_of(event))


def test_3000_commits_are_ten_and_a_link() -> None:
    payload = json.loads(PUSH.read_bytes())
    payload["commits"] *= 1000
    event = event_of(PUSH, payload)
    assert event
    entry = entry_of(event)
    check(entry)
    assert "and 2,990 more" in text_of(entry)


def user_templates(folder: Path, **files: str) -> Renderer:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return Renderer(folder, {"github": "GitHub"})


def test_an_edited_template_of_the_bridge_is_used_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "templates/post.html"
    path.parent.mkdir()
    path.write_text("before")
    sandbox = environment(OwnTemplates(tmp_path))
    assert sandbox.get_template("post.html").render() == "before"
    path.write_text("after")
    os.utime(path, (1, 1))
    assert sandbox.get_template("post.html").render() == "before"
    monkeypatch.setattr("bridge.rendering.environment._LOOK", 0.0)
    assert sandbox.get_template("post.html").render() == "after"


def test_lookup_goes_from_special_to_general(tmp_path: Path) -> None:
    event = sample("pull_request.closed")
    assert RENDERER.considered(event) == (
        "github/pull_request.closed.html",
        "github/pull_request.html",
        "github/event.html",
        "event.html",
    )
    plain = Event("watchdog", "barked", "1", "dog", "The dog barked", {}, severity=Severity.WARNING, actor="rex")
    assert RENDERER.chosen(plain) == "event.html"
    entry = entry_of(plain)
    check(entry)
    assert entry.topic == "The dog barked"
    assert entry.summary == "The dog barked by rex"
    assert "Barked · warning" in text_of(entry)
    special = {"github__pull_request.closed": '{% extends "default:event.html" %}'}
    assert user_templates(tmp_path, **special).chosen(event) == "github/pull_request.closed.html"


def test_a_user_template_overrides_one_block(tmp_path: Path) -> None:
    text = (
        '{% extends "default:github/pull_request.html" %}'
        '{% block summary %}Done: {{ field("pull_request.title") }}{% endblock %}'
    )
    event = sample("pull_request.closed")
    entry = entry_of(event, user_templates(tmp_path, github__pull_request=text))
    assert entry.summary == "Done: Stop the pump when the tank is empty"
    assert entry.html == entry_of(event).html


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{% extends 'layout.html' %}{% block body %}{{ 1 / 0 }}{% endblock %}", "ZeroDivisionError"),
        ("{% block", "the template ends within a tag"),
        ("just text", "does not extend layout.html"),
        ("{{ boundary }}" * 7, "the card is empty"),
        ("{% extends 'nowhere.html' %}", "there is no template nowhere.html"),
        ("{% extends 'layout.html' %}{% block topic %}{{ ''.__class__.mro() }}{% endblock %}", "Error"),
        ("{% extends 'layout.html' %}{% block topic %}{{ payload.clear() }}{% endblock %}", "SecurityError"),
    ],
)
def test_a_failing_template_never_costs_the_event(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str, said: str
) -> None:
    event = sample("issues.opened")
    entry = entry_of(event, user_templates(tmp_path, github__issues=text))
    check(entry)
    assert "The pump runs dry" in entry.html
    (record,) = caplog.records
    assert record.name == "bridge.rendering.renderer"
    assert record.levelno == logging.WARNING
    assert said in record.getMessage()
    assert "runs dry" not in caplog.text


def test_without_any_template_that_works_the_event_is_still_told(tmp_path: Path) -> None:
    event = sample("issues.opened")
    entry = entry_of(event, user_templates(tmp_path, layout="{{ 1 / 0 }}"))
    check(entry)
    assert "The pump runs dry #7" in entry.html
    nameless = entry_of(replace(event, title=" "), user_templates(tmp_path))
    assert nameless.topic == "issues.opened"


def test_a_template_that_shows_too_much_gives_way(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = "{% extends 'layout.html' %}{% block body %}{{ 'long ' * 10000 }}{% endblock %}"
    entry = entry_of(sample("issues.opened"), user_templates(tmp_path, github__issues=text))
    check(entry)
    assert "makes too much" in caplog.text


def test_tighter_limits_are_tried_before_a_template_gives_way(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = "{% extends 'layout.html' %}{% block body %}{{ 'x' * (limits.text * 50) }}{% endblock %}"
    entry = entry_of(sample("issues.opened"), user_templates(tmp_path, github__issues=text))
    assert "x" * 20_000 in entry.html
    assert not caplog.records


@pytest.mark.parametrize(
    ("name", "summary"),
    [
        ("issues", "The issue was updated"),
        ("pull_request", "The pull request was updated"),
        ("push", "Somebody pushed to a branch"),
        ("release", "The release was updated"),
        ("workflow_run", "A workflow was updated"),
        ("dependabot_alert", "The alert for a dependency was updated"),
        ("team_add", "Somebody gave the team access to a repository"),
    ],
)
def test_an_empty_payload_still_makes_a_sentence(name: str, summary: str) -> None:
    event = event_of(Path(f"{name}.json"), {})
    assert event
    entry = entry_of(event)
    check(entry)
    assert entry.summary == summary


PROBLEMS = {
    "a filter that is none": ("\n{{ event.title|shout }}", ", line 2: there is no filter `shout`"),
    "a block that nothing shows": (
        '{% extends "layout.html" %}\n{% block sumary %}{% endblock %}',
        ", line 2: nothing shows a block sumary; did you mean summary? there are body, excerpt, ",
    ),
    "a parent that is not there": (
        '{% extends "default:github/isues.html" %}',
        "there is no template default:github/is",
    ),
    "parts that are not there": (
        '{% extends "layout.html" %}\n{% import "part.html" as parts %}',
        ", line 2: there is no",
    ),
    "itself": ('{% extends "github/issues.html" %}', "the bridge's own is default:github/issues.html"),
    "a block that is left open": (
        '{% extends "layout.html" %}\n{% block body %}',
        ", line 2: `block` is not closed: `endblock` is missing: `",
    ),
    "block over nothing": (
        '{% extends "parts.html" %}{% block news %}{% endblock %}',
        ", line 1: nothing shows a block news; there are none above it",
    ),
    "deep for Jinja": (f"{{{{ {'(' * 999} 1 {')' * 999} }}}}", ".html: it is nested too deeply"),
    "deep for Python": ("{% for one in [] %}" * 25 + "{% endfor %}" * 25, ".html: it is nested too deeply"),
}


@pytest.mark.parametrize(("text", "expected"), PROBLEMS.values(), ids=PROBLEMS)
def test_what_is_wrong_with_a_template_is_named(text: str, expected: str, tmp_path: Path) -> None:
    (problem,) = user_templates(tmp_path, github__issues=text).problems()
    assert problem.startswith("github/issues.html")
    assert expected in problem


def test_the_bridges_own_templates_have_no_problem() -> None:
    own = OwnTemplates()
    assert problems(environment(own), own.list_templates()) == []


def test_the_bridges_own_templates_are_checked_where_they_build_on_one_of_the_users(tmp_path: Path) -> None:
    text = '{% extends "layout.html" %}{% block body %}{% endblock %}'
    problems = user_templates(tmp_path, github__event=text).problems()
    named = {problem.partition(",")[0] for problem in problems}
    # The alert extends github/alert.html, and that github/event.html.
    assert "github/secret_scanning_alert.html" in named
    assert {name.partition("/")[0] for name in named} == {"github"}


def test_a_template_that_is_not_utf_8_is_named_and_costs_no_event(tmp_path: Path) -> None:
    renderer = user_templates(tmp_path, github__issues="")
    (tmp_path / "github/issues.html").write_bytes("{# \u00e9 #}".encode("latin-1"))
    assert renderer.problems() == ["github/issues.html: it is not saved as UTF-8 (invalid continuation byte, byte 3)"]
    event = sample("issues.opened")
    assert renderer.chosen(event) == "github/issues.html"
    assert "The pump runs dry" in entry_of(event, renderer).html


def test_blocks_of_ones_own_inside_the_bridges_are_no_problem(tmp_path: Path) -> None:
    files = {
        "base": '{% extends "layout.html" %}{% block body %}{% block mine %}{% endblock %}{% endblock %}',
        "github__issues": '{% extends "base.html" %}{% block mine %}x{% endblock %}',
        "github__push": '{% extends "layout.html" if event.url else "base.html" %}{% block any %}{% endblock %}',
    }
    assert user_templates(tmp_path, **files).problems() == []
