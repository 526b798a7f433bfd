"""bridge/sources/github: what GitHub's webhooks say."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from bridge.errors import BadWebhook
from bridge.events import Event, Severity, Webhook
from bridge.fields import dig, moment, objects
from bridge.sources.base import Ignored
from bridge.sources.github import GITHUB

SAMPLES = Path(__file__).parent.parent / "bridge/sources/github/samples"
FIXTURES = Path(__file__).parent.parent.parent / "shared" / "fixtures" / "github"
REPOSITORY = {"id": 1, "full_name": "contoso/pump", "html_url": "https://github.com/contoso/pump", "private": True}


def event_name(path: Path) -> str:
    return path.name.partition("__")[0].partition(".")[0].removesuffix(".json")


def read_bytes(name: str, body: bytes, **headers: str) -> Event:
    events = GITHUB.read(Webhook({**GITHUB.headers(name, "d-1"), **headers}, body))
    assert not isinstance(events, Ignored)
    (event,) = events
    return event


def read(name: str, payload: Mapping[str, Any]) -> Event:
    return read_bytes(name, json.dumps(payload).encode())


def read_sample(name: str) -> Event:
    path = SAMPLES / f"{name}.json"
    return read_bytes(event_name(path), path.read_bytes())


# By sample: its thread, severity, title and branch.
SAMPLE_TABLE = {
    "branch_protection_rule.edited": ("repo 900100 branch_protection_rule 61001", "info", "Protection of main", ""),
    "check_run.completed": ("repo 900100#12", "success", "bench-test on fix/dry-run", "fix/dry-run"),
    "check_suite.completed": ("repo 900100 checks github-actions main", "error", "GitHub Actions on main", "main"),
    "code_scanning_alert.created": (
        "repo 900100 code_scanning_alert 8",
        "error",
        "Read past the end of a buffer #8",
        "main",
    ),
    "dependabot_alert.created": ("repo 900100 dependabot 3", "error", "gauge-chart runs scripts from labels #3", ""),
    "deployment_protection_rule.requested": (
        "repo 900100 deployment 86001",
        "warning",
        "Deployment of v2.4.0 (c1dfd96) to production",
        "v2.4.0",
    ),
    "deployment_review.requested": ("repo 900100 workflow Release main", "warning", "Release on main", "main"),
    "deployment_status.created": (
        "repo 900100 deployment 86001",
        "success",
        "Deployment of v2.4.0 (c1dfd96) to production",
        "v2.4.0",
    ),
    "discussion.answered": ("repo 900100 discussion 21", "info", "How fast may the tank fill? #21", ""),
    "discussion_comment.created": ("repo 900100 discussion 21", "info", "How fast may the tank fill? #21", ""),
    "issue_comment.created": ("repo 900100#7", "info", "The pump runs dry #7", ""),
    "issue_dependencies.blocked_by_added": ("repo 900100#9", "info", "Name the switch in the log #9", ""),
    "issues.closed": ("repo 900100#7", "info", "The pump runs dry #7", ""),
    "issues.labeled": ("repo 900100#7", "info", "The pump runs dry #7", ""),
    "issues.opened": ("repo 900100#7", "info", "The pump runs dry #7", ""),
    "merge_group.destroyed": ("repo 900100#12", "info", "Pull request #12", "main"),
    "page_build": ("repo 900100 pages", "error", "Pages", ""),
    "pull_request.closed": ("repo 900100#12", "info", "Stop the pump when the tank is empty #12", "main"),
    "pull_request.opened": ("repo 900100#12", "info", "Stop the pump when the tank is empty #12", "main"),
    "pull_request_review.submitted": ("repo 900100#12", "info", "Stop the pump when the tank is empty #12", "main"),
    "pull_request_review_comment.created": (
        "repo 900100#12",
        "info",
        "Stop the pump when the tank is empty #12",
        "main",
    ),
    "push": ("repo 900100 refs/heads/main", "info", "Branch main", "main"),
    "push.forced": ("repo 900100 refs/heads/main", "warning", "Branch main", "main"),
    "release.published": ("repo 900100 release 83001", "info", "Release Pump 2.4", "main"),
    "repository.renamed": ("repo 900100 repository", "info", "Repository", ""),
    "secret_scanning_alert.created": (
        "repo 900100 secret_scanning_alert 5",
        "error",
        "Azure Storage Account Key #5",
        "",
    ),
    "secret_scanning_alert_location.created": (
        "repo 900100 secret_scanning_alert 5",
        "error",
        "Azure Storage Account Key #5",
        "",
    ),
    "secret_scanning_alert.resolved": (
        "repo 900100 secret_scanning_alert 5",
        "success",
        "Azure Storage Account Key #5",
        "",
    ),
    "status": ("repo 900100 status bench/endurance main", "error", "bench/endurance on main", "main"),
    "sub_issues.sub_issue_added": ("repo 900100#7", "info", "The pump runs dry #7", ""),
    "team_add": ("org 7001 team 9101", "info", "Team Hydraulics", ""),
    "workflow_job.completed": ("repo 900100 workflow CI main", "error", "CI on main", "main"),
    "workflow_run.completed": ("repo 900100 workflow CI main", "error", "CI on main", "main"),
}


# Nobody did these: a check ends, a deployment waits.
NOBODY_ACTED = {
    "check_run.completed",
    "check_suite.completed",
    "deployment_review.requested",
    "merge_group.destroyed",
    "page_build",
    "status",
    "workflow_job.completed",
}


@pytest.mark.parametrize("name", SAMPLE_TABLE)
def test_sample(name: str) -> None:
    event = read_sample(name)
    assert (event.correlation_key, event.severity, event.title, event.attributes["branch"]) == SAMPLE_TABLE[name]
    assert event.scope == event.attributes["repository"] == "contoso/pump"
    assert event.attributes["private"] is True
    assert event.attributes["organization"] == "contoso"
    assert event.url.startswith("https://")
    assert bool(event.actor or event.details["machine"]) is (name not in NOBODY_ACTED)
    assert not event.ends_thread


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("check_run.completed_success", "repo 186853002#2"),
        ("commit_comment.created", "repo 186853002 commit 6113728f27ae82c7b1a177c8d03f9e96e0adf246"),
        ("create__oct", "repo 186853002 refs/tags/simple-tag"),
        ("push.deleted__oct", "repo 186853002 refs/tags/simple-tag"),
        ("deployment_status.created", "repo 186853002 deployment 145988746"),
        ("discussion_comment.created", "repo 186853002 discussion 4"),
        ("discussion.created", "repo 622493527 discussion 20"),
        ("issue_comment.created_on_pr", "repo 622493527#1"),
        ("label.created", "repo 186853002 label 1362937026"),
        ("membership.added", "org 38302899 team 3253328"),
        ("pull_request_review_thread.resolved", "repo 186853002#2"),
        ("installation.created", "installation 957387"),
        ("star.created", "repo 186853002 stars"),
        ("security_advisory.published", "github advisory GHSA-rf4j-j272-fj86"),
        ("status.success", "repo 186853002 status default master"),
        ("workflow_job.completed_failure", "repo 186853002 workflow CodeQL main"),
    ],
)
def test_keys_of_what_github_sends(name: str, key: str) -> None:
    if not FIXTURES.is_dir():
        pytest.skip("needs the fixtures of GitHub's payloads beside the project")
    for path in FIXTURES.glob(f"{name}*oct*"):
        assert read_bytes(event_name(path), path.read_bytes()).correlation_key == key


def test_a_ping_is_ignored() -> None:
    answer = GITHUB.read(Webhook(GITHUB.headers("ping", "d-1"), (SAMPLES / "ping.json").read_bytes()))
    assert isinstance(answer, Ignored)
    assert "ping" in answer.reason


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"{}"),
        ({"X-GitHub-Event": "../"}, b"{}"),
        ({"X-GitHub-Event": "push"}, b"[]"),
        ({"X-GitHub-Event": "push"}, b"null"),
        ({"X-GitHub-Event": "push"}, b"{"),
        ({"X-GitHub-Event": "push", "Content-Type": "application/x-www-form-urlencoded"}, b"other=1"),
        ({"X-GitHub-Event": "push", "Content-Type": "application/x-www-form-urlencoded"}, b"payload=%7B"),
    ],
)
def test_what_cannot_be_githubs_is_refused(headers: Mapping[str, str], body: bytes) -> None:
    with pytest.raises(BadWebhook):
        GITHUB.read(Webhook(headers, body))


def test_form_and_json_of_a_delivery_are_the_same_event() -> None:
    body = (SAMPLES / "issues.opened.json").read_bytes()
    form = urlencode({"payload": body.decode()}).encode()
    sent = read_bytes("issues", form, **{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
    assert sent == read_sample("issues.opened")


def test_another_delivery_id_is_still_the_same_delivery() -> None:
    body = b'{"action": "opened"}'
    first, second = read_bytes("issues", body), read_bytes("issues", body, **{"X-GitHub-Delivery": "d-2"})
    assert first.dedup_key == second.dedup_key != ""
    assert first.delivery != second.delivery


def test_kinds_are_safe_in_names_of_files() -> None:
    event = read("../Issues", {"action": "../../OPENED\n"})
    assert event.kind == "issues.opened"


@pytest.mark.parametrize(
    ("name", "payload", "severity"),
    [
        ("workflow_run", {"workflow_run": {"conclusion": "timed_out"}}, Severity.ERROR),
        ("workflow_run", {"workflow_run": {"conclusion": "cancelled"}}, Severity.INFO),
        ("check_run", {"check_run": {"conclusion": "action_required"}}, Severity.WARNING),
        ("deployment_status", {"deployment_status": {"state": "error"}}, Severity.ERROR),
        ("status", {"context": "ci", "state": "failure"}, Severity.ERROR),
        ("dependabot_alert", {"alert": {"security_advisory": {"severity": "critical"}}}, Severity.CRITICAL),
        (
            "dependabot_alert",
            {"alert": {"state": "fixed", "security_advisory": {"severity": "high"}}},
            Severity.SUCCESS,
        ),
        ("dependabot_alert", {"alert": {"state": "dismissed"}}, Severity.INFO),
        ("code_scanning_alert", {"alert": {"rule": {"security_severity_level": "high"}}}, Severity.ERROR),
        ("invented", {}, Severity.INFO),
    ],
)
def test_severity(name: str, payload: Mapping[str, Any], severity: Severity) -> None:
    assert read(name, payload).severity is severity


def test_runs_name_only_pull_requests_of_their_own_repository() -> None:
    requests = [{"number": 99, "base": {"repo": {"id": 2}}}, "odd", {"number": 5, "base": {"repo": {"id": 1}}}]
    run = {"name": "CI", "head_branch": "x", "pull_requests": requests}
    assert read("workflow_run", {"repository": REPOSITORY, "workflow_run": run}).correlation_key == "repo 1#5"
    run["pull_requests"] = requests[:1]
    assert (
        read("workflow_run", {"repository": REPOSITORY, "workflow_run": run}).correlation_key == "repo 1 workflow CI x"
    )


def test_a_branch_and_its_pushes_share_a_thread() -> None:
    created = read(
        "create", {"repository": REPOSITORY, "ref": "feature/x", "ref_type": "branch", "master_branch": "main"}
    )
    pushed = read("push", {"repository": REPOSITORY, "ref": "refs/heads/feature/x"})
    assert created.correlation_key == pushed.correlation_key
    assert created.title == pushed.title == "Branch feature/x"
    assert created.attributes["branch"] == pushed.attributes["branch"] == "feature/x"
    assert read("push", {"ref": "refs/tags/v1"}).attributes["branch"] == ""


def test_attributes_for_routes() -> None:
    event = read_sample("pull_request.opened")
    assert event.attributes["labels"] == ["bug"]
    assert event.attributes["author"] == "monalisa"
    assert event.attributes["bot"] is False
    assert event.attributes["draft"] is False
    alert = read_sample("dependabot_alert.created")
    assert alert.attributes["bot"] is True
    assert read("x", {"sender": {"login": "renovate[bot]"}}).attributes["bot"] is True
    assert read_sample("workflow_run.completed").attributes["conclusion"] == "failure"
    assert read_sample("deployment_status.created").attributes["environment"] == "production"
    assert read("status", {"context": "ci", "state": "failure"}).attributes["conclusion"] == "failure"


def test_the_files_that_are_touched() -> None:
    push = read_sample("push.created").attributes
    assert push["paths"][:2] == ["src/part0.c", "src/part1.c"]
    assert push["touched"] == {"added": 4, "modified": 1, "removed": 1}
    once = {"commits": [{"added": ["a"], "modified": ["b"]}, {"modified": ["a", None], "removed": ["b"]}, "odd"]}
    assert read("push", once).attributes["touched"] == {"added": 1, "removed": 1}
    assert read_sample("pull_request_review_comment.created").attributes["paths"] == ["src/controller.c"]
    assert read_sample("issues.opened").attributes["paths"] == []


def test_what_an_edit_changed() -> None:
    assert dict(read_sample("branch_protection_rule.edited").facts)["Admin enforced"] == "no → yes"
    assert dict(read_sample("projects_v2_item.edited").facts) == {"Status": "Todo → In progress"}
    assert dict(read_sample("member.edited").facts) == {"Permission": "read → write"}
    assert dict(read_sample("issues.edited").facts) == {"Title": "The pump runs dry → The pump runs dry for 40 s"}


# Why GitHub's events are left out, by what the reason says.
IGNORED = [
    ("push", {"ref": "refs/heads/gh-readonly-queue/main/pr-12-abc"}, "merge queue"),
    (
        "create",
        {"ref": "gh-readonly-queue/main/pr-12-abc", "ref_type": "branch", "master_branch": "main"},
        "merge queue",
    ),
    ("workflow_run", {"workflow_run": {"head_branch": "gh-readonly-queue/main/pr-12-abc"}}, "merge queue"),
    ("pull_request_review", {"action": "edited", "changes": {}}, "changes nothing"),
    (
        "issue_comment",
        {"action": "edited", "comment": {"body": "a"}, "changes": {"body": {"from": "a"}}},
        "changes nothing",
    ),
    ("issues", {"action": "labeled", "sender": {"login": "triage[bot]", "type": "Bot"}}, "triage[bot]"),
    ("check_suite", {"action": "requested", "check_suite": {}}, "asks for checks"),
    ("merge_group", {"action": "checks_requested", "merge_group": {"base_ref": "refs/heads/main"}}, "merge queue"),
    ("deployment", {"action": "created", "deployment": {}}, "how it ends is posted"),
]


@pytest.mark.parametrize(("name", "payload", "reason"), IGNORED)
def test_what_nobody_wants_to_read_is_ignored_with_its_reason(
    name: str, payload: Mapping[str, Any], reason: str
) -> None:
    answer = GITHUB.read(Webhook(GITHUB.headers(name, "d-1"), json.dumps(payload).encode()))
    assert isinstance(answer, Ignored)
    assert reason in answer.reason


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("push", {"ref": "refs/heads/queue"}),
        ("merge_group", {"action": "destroyed", "merge_group": {"base_ref": "refs/heads/main"}}),
        ("issues", {"action": "edited", "issue": {"body": "b"}, "changes": {"body": {"from": "a"}}}),
        ("issues", {"action": "edited"}),
        ("issues", {"action": "labeled", "sender": {"login": "octocat", "type": "User"}}),
        ("issues", {"action": "opened", "sender": {"login": "triage[bot]", "type": "Bot"}}),
        ("check_suite", {"action": "completed"}),
    ],
)
def test_what_resembles_it_is_posted(name: str, payload: Mapping[str, Any]) -> None:
    assert read(name, payload)


def test_an_event_that_is_new_to_the_bridge_is_about_its_object() -> None:
    payload = {"action": "created", "exemption_request": {"number": 4, "html_url": "https://github.com/x/4"}}
    event = read("exemption_request_push_ruleset", payload | {"repository": REPOSITORY})
    assert event.correlation_key == "repo 1 exemption_request_push_ruleset 4"
    assert event.title == "Exemption request push ruleset #4"
    assert event.url == "https://github.com/x/4"


def test_every_event_has_every_attribute() -> None:
    assert read("invented", {}).attributes.keys() == read_sample("pull_request.opened").attributes.keys()


def test_facts_are_short_text() -> None:
    assert len(dict(read_sample("deployment_protection_rule.requested").facts)["Commit"]) == 7
    assert dict(read_sample("issues.labeled").facts) == {"Labels": "bug, safety"}
    odd = read("issues", {"issue": {"milestone": {"title": 7}, "labels": [None, {"name": "a"}], "assignees": "x"}})
    assert dict(odd.facts) == {"Milestone": "7", "Labels": "a", "Assigned to": "x"}


def test_times_are_the_objects_own() -> None:
    assert read_sample("push").occurred == datetime(2026, 11, 23, 15, 2, 10, tzinfo=UTC)
    assert read_sample("pull_request_review.submitted").occurred == datetime(2026, 11, 23, 13, 31, tzinfo=UTC)


def test_dig_gives_what_was_asked_for_or_its_default() -> None:
    payload = {"a": {"text": "x", "number": 3, "flag": True, "none": None, "list": [1, {"b": 2}]}}
    assert dig(payload, "a.text") == "x"
    assert dig(payload, "a.number") == ""
    assert dig(payload, "a.number", 0) == 3
    assert dig(payload, "a.flag", 0) == 0
    assert dig(payload, "a.none.deeper") == ""
    assert dig([], "a") == ""
    assert objects(payload, "a.list") == [{"b": 2}]
    assert objects(payload, "a.text") == []


@pytest.mark.parametrize("odd", ["yesterday", "", None, [], True, 1e300, -(10**30), float("nan")])
def test_moment_of_what_is_no_time(odd: object) -> None:
    assert moment({"at": odd}, "at") is None or odd is True


def test_moment_has_its_zone() -> None:
    assert moment({"at": "2026-11-23T14:03:00"}, "at") == datetime(2026, 11, 23, 14, 3, tzinfo=UTC)
    assert moment({"at": "2026-11-23T15:03:00+01:00"}, "at") == datetime(2026, 11, 23, 14, 3, tzinfo=UTC)
    assert moment({"at": 1795446130}, "at") == datetime(2026, 11, 23, 15, 2, 10, tzinfo=UTC)
