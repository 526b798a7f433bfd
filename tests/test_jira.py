"""Jira: what is done to an issue in one line, its story in one thread, and both of Jira's ways to write as Markdown."""

import json
from datetime import UTC, datetime

import pytest

from bridge.entries import Target, entry_id
from bridge.events import Webhook
from bridge.rendering import Renderer
from bridge.sources.base import Acknowledged
from bridge.sources.jira import JIRA
from bridge.sources.jira.texts import markdown
from tests.local_stack import ROOT

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
RENDERER = Renderer()


def sample(name):
    return json.loads((ROOT / f"samples/jira/{name}.json").read_text())


def read(payload, delivery="d"):
    return JIRA.read(Webhook({"X-Atlassian-Webhook-Identifier": delivery}, json.dumps(payload).encode()))


def event(name):
    (found,) = read(sample(name))
    return found


def summary(found):
    return RENDERER.entry(found, "0" * 32, Target("g"), NOW).summary


@pytest.mark.parametrize(
    ("name", "line", "severity", "ends"),
    [
        ("issue_created", "Nora Banks created PUMP-7 The pump runs dry", "warning", False),
        ("issue_updated.moved", "Nora Banks moved PUMP-7 The pump runs dry to In Progress", "info", False),
        ("issue_updated.done", "Alex Denver moved PUMP-7 The pump runs dry to Done", "success", True),
        ("issue_updated.assigned", "Nora Banks assigned PUMP-7 The pump runs dry to Alex Denver", "info", False),
        ("issue_updated.fields", "Nora Banks changed PUMP-7 The pump runs dry", "warning", False),
        ("issue_deleted", "Nora Banks deleted PUMP-7 The pump runs dry", "info", True),
        (
            "comment_created",
            "Nora Banks commented on PUMP-7 The pump runs dry: Seen again at 14:03, with firmware 2.4.",
            "info",
            False,
        ),
        ("comment_updated", "Nora Banks edited a comment on PUMP-7 The pump runs dry", "info", False),
        ("comment_deleted", "Nora Banks deleted a comment on PUMP-7 The pump runs dry", "info", False),
        ("sprint_started", "Sprint Sprint 12 was started", "info", False),
        ("jira_version_released", "Version 2.5 was released", "info", False),
        ("worklog_created", "Work log was created", "info", False),
    ],
)
def test_what_happened_is_said_in_one_line(name, line, severity, ends):
    found = event(name)
    assert (summary(found), found.severity, found.ends_thread) == (line, severity, ends)


def test_an_issue_its_comments_and_its_work_are_one_thread():
    names = ["issue_created", "issue_updated.moved", "comment_created", "comment_deleted", "worklog_created"]
    assert {event(name).thread for name in names} == {"issue contoso.atlassian.net 10042"}
    assert event("sprint_started").thread != event("issue_created").thread
    assert event("issue_created").url == "https://contoso.atlassian.net/browse/PUMP-7"


def test_changes_name_fields_with_what_they_were():
    assert event("issue_updated.fields").facts == (("Priority", "Medium → High"), ("Fix version", "2.5"))


def test_a_change_of_the_rank_alone_is_not_told():
    assert isinstance(read(sample("issue_updated.rank")), Acknowledged)


def test_a_comment_that_jira_reports_twice_is_the_same_entry():
    ids = {entry_id(event(name), 0, "g") for name in ("comment_created", "issue_updated.commented")}
    assert len(ids) == 1
    assert len(ids | {entry_id(event("comment_updated"), 0, "g")}) == 2


def test_an_identifier_that_no_signature_covers_makes_no_second_entry():
    first, again = (read(sample("issue_created"), delivery)[0] for delivery in ("a", "b"))
    assert entry_id(first, 0, "g") == entry_id(again, 0, "g")


def test_routes_see_the_issues_fields():
    assert event("issue_created").attributes == {
        "project": "PUMP",
        "type": "Bug",
        "status": "To Do",
        "priority": "High",
        "assignee": "Alex Denver",
        "labels": ["field"],
        "action": "created",
    }


@pytest.mark.parametrize(
    ("wiki", "expected"),
    [
        ("h2. Title", "## Title"),
        ("a *bold* word, 2*3*4", "a **bold** word, 2*3*4"),
        ("{{x < 1}}", "`x < 1`"),
        ("[the page|https://contoso.com]", "[the page](https://contoso.com)"),
        ("[https://contoso.com]", "<https://contoso.com>"),
        ("[~nora] and [~accountid:1:a]", "@nora and @1:a"),
        ("* one\n** two\n# three", "- one\n  - two\n1. three"),
        ("{color:red}now{color}", "now"),
        ("bq. said", "> said"),
        ("a\n{quote}b\nc{quote}\nd", "a\n> b\n> c\nd".replace("> b", "b", 1)),
        ("{code:python}\n*x* = [1]\n{code}", "```\n*x* = [1]\n```"),
        ("{noformat}h1. x{noformat}", "```\nh1. x\n```"),
        ("!screen.png|thumbnail!", "screen.png"),
        (None, ""),
        (7, ""),
    ],
)
def test_wiki_markup_becomes_markdown(wiki, expected):
    assert markdown(wiki) == expected


def test_documents_become_markdown():
    assert event("comment_updated").details["text"] == "Mended by @Alex Denver in 2.5.\n\n- tested in the west plant"
    deep = {"type": "text", "text": "x"}
    for _ in range(1000):
        deep = {"type": "paragraph", "content": [deep]}
    assert markdown(deep) == ""
    code = {"type": "codeBlock", "content": [{"type": "text", "text": "a = 1"}]}
    heading = {"type": "heading", "content": [{"type": "text", "text": "H"}, {"type": "hardBreak"}, "odd"]}
    assert markdown({"type": "doc", "content": [heading, code]}) == "### H\n\n```\na = 1\n```"
