"""What all code hosts share: the same action reads the same, and what is unknown reads plainly."""

import html
import re
from dataclasses import replace

import pytest

from bridge.events import Event, Severity
from bridge.rendering.environment import OwnTemplates, environment
from bridge.rendering.template_context import Limits, template_context
from bridge.sources import forge, kit

TEMPLATES = environment(OwnTemplates())
EVENT = Event("x", "x", "d", "repo 1", "", {}, scope="contoso/pump", actor="Mona <Lisa>", url="https://x.example/1")
PULL = forge.PullRequest("repo 1 #12", "#12", "Stop <the> pump", source="stranger:main", target="main")


def read(event: Event, template: str) -> tuple[str, str]:
    """The summary and the card's text."""
    page = TEMPLATES.get_template(template).render(template_context(event, Limits(400, 5), "@@", "a footer"))
    _, summary, *_, card = (
        html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", part))) for part in page.split("@@")
    )
    return summary.strip(), card


@pytest.mark.parametrize(
    ("action", "details", "summary"),
    [
        ("opened", {}, "Mona <Lisa> opened #12 Stop <the> pump"),
        ("merged", {}, "Mona <Lisa> merged #12 Stop <the> pump into main"),
        ("approval_withdrawn", {}, "Mona <Lisa> withdrew approval of #12 Stop <the> pump"),
        ("assigned", {"people": ["A", "B", "C"]}, "Mona <Lisa> assigned #12 Stop <the> pump to A, B and C"),
        ("labeled", {"label": "bug"}, "Mona <Lisa> added label bug to #12 Stop <the> pump"),
        ("commented", {"text": "Why?", "quoted": True}, "Mona <Lisa> commented on #12 Stop <the> pump: Why?"),
        ("SetAuto-Merge_now", {}, "#12 Stop <the> pump: set auto merge now by Mona <Lisa>"),
        ("body", {}, "#12 Stop <the> pump: body by Mona <Lisa>"),
    ],
)
def test_an_action_on_a_pull_request_is_one_sentence(action, details, summary):
    assert read(forge.pull_request(EVENT, PULL, action, **details), "pull_request.html")[0] == summary


@pytest.mark.parametrize("outcome", [*forge.OUTCOMES, "AlmostThere", ""])
def test_every_outcome_of_a_run_is_said_and_an_unknown_one_is_neutral(outcome):
    event = forge.ran(EVENT, forge.Run("CI #77", outcome, branch="main", took="3 min"))
    summary, _ = read(event, "run.html")
    assert re.fullmatch(r"CI #77 \S.+ on main after 3 min, started by Mona <Lisa>", summary)
    assert outcome in forge.OUTCOMES or (event.severity is Severity.INFO and "failed" not in summary)


def test_a_run_that_nobody_started_names_nobody():
    event = forge.ran(Event("x", "x", "d", "k", "", {}), forge.Run("CI", "failed", trigger="its schedule"))
    assert read(event, "run.html")[0] == "CI failed, started by its schedule"


def test_commits_by_others_than_the_pusher_name_their_authors():
    push = forge.Push("branch", "main", "pushed", "a" * 40, "b" * 40, [forge.Commit("b" * 40, "Fix it", author="Nora")])
    summary, card = read(forge.pushed(EVENT, push, "k"), "push.html")
    assert summary == "Mona <Lisa> pushed 1 commit to main: Fix it"
    assert "written by Nora" in card
    mixed = replace(push, commits=[*push.commits, forge.Commit("c" * 40, "Try it", author="Mona <Lisa>")])
    assert "written by Nora and Mona <Lisa>" in read(forge.pushed(EVENT, mixed, "k"), "push.html")[1]


def test_a_key_with_a_part_missing_is_no_key():
    assert kit.key("repo 1", "pull request 12") == "repo 1 pull request 12"
    assert kit.key("repo 1", "") == kit.key("", "12") == forge.ref_key("repo 1", "branch", "") == ""
