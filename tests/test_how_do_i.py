"""docs/how-do-i.md: twenty questions, whose routes do what they say, and which the start page leads to."""

import json
import re
import tomllib
from datetime import UTC, datetime

import pytest

from bridge.configuration import Configuration
from bridge.entries import Target
from bridge.events import Webhook
from bridge.rendering.renderer import Renderer
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests.local_stack import ROOT
from tools.samples import event

TEXT = (ROOT / "docs/how-do-i.md").read_text("utf-8")
DEFAULT = "3c1d0d4e-0000-4000-8000-00000000000f"
# What is under each question, by its anchor.
ANSWERS = {
    re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-"): text
    for title, text in re.findall(r"^### ([^\n]*)\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL)
}


def decided(answer, sample, **attributes):
    """The names of the groups to which the routes of the answer send a sample."""
    (config,) = re.findall(r"```toml\n(.*?)```", ANSWERS[answer], re.DOTALL)
    routes = Configuration.of(Settings(DEFAULT, config)).routes
    source, _, name = sample.partition("/")
    happened = event(SOURCES[source], SOURCES[source].samples / f"{name}.json")
    happened.attributes.update(attributes)
    names = {group: name for name, group in tomllib.loads(config).get("groups", {}).items()} | {DEFAULT: "BRIDGE_GROUP"}
    return [names[target.group] for target in routes.decide(happened).targets]


def test_there_are_twenty_questions_and_each_has_its_answer_with_the_way_to_more():
    asked = re.findall(r"^(\d+)\. \[.*\?\]\(#([\w-]+)\)$", TEXT, re.MULTILINE)
    assert [int(number) for number, _ in asked] == list(range(1, 21))
    assert [anchor for _, anchor in asked] == list(ANSWERS)
    assert [anchor for anchor, text in ANSWERS.items() if not re.search(r"\]\([\w/-]+\.md", text)] == []


def test_both_start_pages_lead_to_the_questions():
    for page in ("README.md", "docs/README.md"):
        assert re.search(r"\]\((?:docs/)?how-do-i\.md\)", (ROOT / page).read_text("utf-8").partition("\n## ")[0])
        assert re.search(r"\]\((?:docs/)?tried\.md\)", (ROOT / page).read_text("utf-8").partition("\n## ")[0])


@pytest.mark.parametrize(
    ("answer", "sample", "attributes", "groups"),
    [
        ("post-only-failures-on-main", "github/workflow_run.completed", {}, ["red-main"]),
        ("post-only-failures-on-main", "github/workflow_run.completed", {"branch": "fix/dry-run"}, []),
        ("post-only-failures-on-main", "github/pull_request.opened", {}, []),
        ("post-only-failures-on-main", "github/deployment_status.failure", {"branch": "main"}, []),
        ("post-only-failures-on-main", "gitlab/pipeline.failed", {}, ["BRIDGE_GROUP"]),
        ("choose-by-label", "github/issues.labeled", {}, ["safety", "platform"]),
        ("choose-by-label", "github/issues.opened", {}, ["BRIDGE_GROUP"]),
        ("choose-by-label", "alertmanager/group.firing", {"labels": {"team": "water"}}, ["platform"]),
        ("send-each-team-its-own-repositories", "github/pull_request.opened", {}, ["pumps"]),
        ("send-each-team-its-own-repositories", "github/pull_request.opened", {"repository": "c/t"}, ["BRIDGE_GROUP"]),
        ("mute-bots-and-noise", "github/star.created", {}, []),
        ("mute-bots-and-noise", "github/pull_request.opened", {"draft": True}, []),
        ("mute-bots-and-noise", "github/pull_request.opened", {}, ["BRIDGE_GROUP"]),
        ("mute-bots-and-noise", "github/dependabot_alert.created", {}, ["BRIDGE_GROUP"]),
        ("notify-the-reviewer", "github/pull_request.opened", {}, ["platform"]),
    ],
)
def test_the_routes_do_what_the_answer_says(answer, sample, attributes, groups):
    assert decided(answer, sample, **attributes) == groups


OWN = (ROOT / "docs/own-service.md").read_text("utf-8")


def own(name, body):
    """The event and the entry that the first source of that name in docs/own-service.md makes of a body."""
    texts = [text for text in re.findall(r"```toml\n(.*?)```", OWN, re.DOTALL) if f"[sources.{name}]" in text]
    source = Configuration.of(Settings(DEFAULT, texts[0])).sources[name]
    (happened,) = source.read(Webhook({"content-type": "application/json"}, json.dumps(body).encode()))
    return happened, Renderer().entry(happened, "0" * 32, Target("g"), datetime.now(UTC))


def test_two_lines_make_the_post_that_the_page_describes():
    (body,) = (json.loads(text) for text in re.findall(r"--json \\\n  '(.*)'", OWN))
    happened, entry = own("pumps", body)
    assert entry.topic == "Pump 7 runs dry"
    assert happened.severity == "critical"
    assert all(text in entry.html for text in (">Firing", "0.2 bar", 'href="https://pumps.contoso.com/7"'))
    over, _ = own("pumps", body | {"state": "resolved"})
    assert (over.correlation_key, over.ends_thread) == (happened.correlation_key, True)


def test_ten_lines_say_which_field_is_which():
    happened, entry = own("doors", {"door": "North", "position": "open"})
    assert (entry.topic, entry.summary, happened.severity) == ("Door North", "Door North is open", "warning")
    assert own("doors", {"door": "North", "position": "closed"})[0].ends_thread
