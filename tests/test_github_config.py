"""config.example.toml: it loads, and each of its routes does to GitHub's events what its comment says."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.configuration import Configuration
from bridge.events import Event, Severity, Webhook
from bridge.settings import Settings
from bridge.sources.base import Ignored
from bridge.sources.github import GITHUB

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "config.example.toml").read_text()
DOCUMENT = tomllib.loads(TEXT)
DEFAULT = "3c1d0d4e-0000-4000-8000-00000000000f"
NAMES = {group: name for name, group in DOCUMENT["groups"].items()} | {DEFAULT: "default"}
ROUTES = Configuration.of(Settings(DEFAULT, TEXT)).routes
COMMENTS = [block.rpartition("\n\n")[2].strip() for block in TEXT.split("[[route]]")[:-1]]
BOT = {"sender": {"login": "renovate[bot]", "type": "Bot"}}


def read(sample: str, changes: Mapping[str, Any]) -> Event:
    payload = json.loads((ROOT / "bridge/sources/github/samples" / f"{sample}.json").read_bytes()) | changes
    answer = GITHUB.read(Webhook(GITHUB.headers(sample.partition(".")[0], "d-1"), json.dumps(payload).encode()))
    assert not isinstance(answer, Ignored)
    return answer[0]


def changed(sample: str, thing: str, **values: Any) -> Mapping[str, Any]:
    payload = json.loads((ROOT / "bridge/sources/github/samples" / f"{sample}.json").read_bytes())
    return {thing: payload[thing] | values}


HANDBOOK = changed("issues.opened", "repository", full_name="contoso/handbook")
# By sample and what is changed in it: the groups that get it.
CASES: list[tuple[str, Mapping[str, Any], list[str]]] = [
    ("pull_request.opened", BOT, []),
    ("pull_request.opened", {}, ["platform"]),
    ("workflow_run.completed", BOT, ["platform"]),
    ("workflow_run.completed", changed("workflow_run.completed", "workflow_run", conclusion="success"), []),
    ("workflow_run.completed", {}, ["platform"]),
    ("check_run.completed", {}, []),
    ("deployment_status.created", {}, []),
    ("deployment_status.failure", {}, ["production"]),
    ("push", {}, ["platform"]),
    ("push", {"ref": "refs/heads/fix/noise"}, []),
    ("push", {"ref": "refs/heads/release/2.4"}, ["platform"]),
    ("push.tag", {}, ["platform"]),
    ("star.created", {}, []),
    ("fork", {}, []),
    ("pull_request.opened", changed("pull_request.opened", "pull_request", draft=True), []),
    ("push", {"commits": [{"modified": ["docs/manual.md"]}]}, ["docs", "platform"]),
    ("issues.labeled", {}, ["security", "platform"]),
    ("issues.opened", {}, ["platform"]),
    ("code_scanning_alert.created", {}, ["security"]),
    ("secret_scanning_alert_location.created", {}, ["security"]),
    ("security_advisory.published", {}, ["security"]),
    ("branch_protection_rule.deleted", {}, ["security"]),
    ("deployment_review.requested", {}, ["production"]),
    ("issues.opened", HANDBOOK, ["docs"]),
    ("membership.added", {}, ["default"]),
]


@pytest.mark.parametrize(("sample", "changes", "groups"), CASES)
def test_what_the_example_does(sample: str, changes: Mapping[str, Any], groups: list[str]) -> None:
    decision = ROUTES.decide(read(sample, changes))
    assert [NAMES[target.group] for target in decision.targets] == groups, decision.reason


def test_every_route_says_what_it_does_and_is_shown_here() -> None:
    whys = " ".join(ROUTES.decide(read(sample, changes)).reason for sample, changes, _ in CASES)
    assert len(COMMENTS) == len(ROUTES.routes)
    for number, comment in enumerate(COMMENTS, 1):
        assert comment.lstrip().startswith("# "), comment
        assert f"route {number} " in whys


def test_the_safety_officer_is_invited() -> None:
    decision = ROUTES.decide(read("issues.labeled", {}))
    assert {target.participants for target in decision.targets} == {("Alex Darrow <alexd@contoso.com>",)}


@pytest.mark.parametrize(("severity", "hours"), [("info", "office"), ("warning", "office"), ("error", None)])
def test_the_handbook_waits_for_the_office_unless_something_failed(severity: str, hours: str | None) -> None:
    event = replace(read("issues.opened", HANDBOOK), severity=Severity(severity))
    (target,) = ROUTES.decide(event).targets
    assert (target.hours.name if target.hours else None) == hours
