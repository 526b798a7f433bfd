"""bridge/sources/azure_devops: what Azure DevOps' service hooks say, whatever of the resource they bring."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.entries import Target
from bridge.events import Event, Severity, Webhook
from bridge.rendering.renderer import Renderer
from bridge.sources.azure_devops import AZURE_DEVOPS
from bridge.sources.azure_devops.messages import readable
from bridge.sources.base import Ignored
from tests.look import parse

SAMPLES = Path(__file__).parent.parent / "bridge/sources/azure_devops/samples"
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
RENDERER = Renderer()
REPO, COLLECTION, PROJECT = (f"0000{number}-0000-4000-8000-0000000000a0" for number in (7003, 7001, 7002))
PULL, ITEM, MAIN = f"repo {REPO} pull request 12", f"work item {COLLECTION} 7", f"pipeline {COLLECTION} 4 main"
RELEASE = f"release {PROJECT} 21"
NAME = "PR 12 Stop the pump when the tank is empty"


def answer(payload: object) -> object:
    return AZURE_DEVOPS.read(Webhook({}, json.dumps(payload).encode()))


def read(payload: object) -> Event:
    (event,) = answer(payload)
    return event


def sample(name: str) -> dict:
    return json.loads((SAMPLES / f"{name}.json").read_text())


def summary(event: Event) -> str:
    return RENDERER.entry(event, "0" * 32, Target("g"), NOW).summary


def lines(event: Event) -> list[str]:
    return parse(RENDERER.entry(event, "0" * 32, Target("g"), NOW).html).shown


# By sample: its correlation key, how much it matters, and its line in the inbox.
TABLE = {
    "git.push": (f"repo {REPO} refs/heads/main", "info", "Alex Darrow pushed 2 commits to main: Stop the pump when"),
    "git.push.branch_created": (
        f"repo {REPO} refs/heads/fix/dry-run",
        "info",
        "Alex Darrow created the branch fix/dry-run with 1 commit",
    ),
    "git.push.branch_deleted": (
        f"repo {REPO} refs/heads/fix/dry-run",
        "info",
        "Alex Darrow deleted the branch fix/dry-run",
    ),
    "git.push.tag": (f"repo {REPO} refs/tags/v2.4.0", "info", "Alex Darrow created the tag v2.4.0"),
    "git.pullrequest.created": (PULL, "info", f"Alex Darrow opened {NAME}"),
    "git.pullrequest.merged": (PULL, "warning", f"{NAME} conflicts with main"),
    "git.pullrequest.merged.succeeded": (PULL, "info", f"{NAME} can be merged into main"),
    "git.pullrequest.updated.push": (PULL, "info", f"Alex Darrow pushed to {NAME}"),
    "git.pullrequest.updated.approved": (PULL, "info", f"Mona Lisa approved {NAME}"),
    "git.pullrequest.updated.voted": (PULL, "info", f"Mona Lisa approved {NAME}"),
    "git.pullrequest.updated.waiting": (PULL, "warning", f"Nora Banks is waiting for the author of {NAME}"),
    "git.pullrequest.updated.reviewers": (PULL, "info", f"Alex Darrow changed the reviewers of {NAME}"),
    "git.pullrequest.updated.completed": (PULL, "info", f"Mona Lisa merged {NAME} into main"),
    "git.pullrequest.updated.abandoned": (PULL, "info", f"Alex Darrow abandoned {NAME}"),
    "git.pullrequest.updated.minimal": (PULL, "info", f"Mona Lisa approved {NAME}"),
    "ms.vss-code.git-pullrequest-comment-event": (PULL, "info", f"Mona Lisa commented on {NAME}: Could this wait"),
    "ms.vss-code.git-pullrequest-comment-event.answer": (
        PULL,
        "info",
        f"Alex Darrow replied to a comment on {NAME}: Done",
    ),
    "git.repo.created": (f"repo {REPO}", "info", "Alex Darrow created the repository firmware"),
    "git.repo.renamed": (f"repo {REPO}", "info", "Alex Darrow renamed the repository controller to firmware"),
    "git.repo.deleted": (f"repo {REPO[:7]}9{REPO[8:]}", "warning", "Alex Darrow deleted the repository old-firmware"),
    "git.repo.forked": (
        f"repo {REPO}",
        "info",
        "Alex Darrow created the repository firmware-lab as a fork of firmware",
    ),
    "git.repo.statuschanged": (f"repo {REPO}", "warning", "Alex Darrow disabled the repository firmware"),
    "tfvc.checkin": (f"changeset {COLLECTION} 18", "info", "Nora Banks checked in changeset 18"),
    "workitem.created": (ITEM, "info", "Mona Lisa created Bug 7 The pump runs dry"),
    "workitem.commented": (ITEM, "info", "Alex Darrow commented on Bug 7 The pump runs dry"),
    "workitem.deleted": (ITEM, "info", "Mona Lisa deleted Bug 7 The pump runs dry"),
    "workitem.restored": (ITEM, "info", "Mona Lisa restored Bug 7 The pump runs dry"),
    "workitem.updated.state": (ITEM, "info", "Alex Darrow moved Bug 7 The pump runs dry from Active to Resolved"),
    "workitem.updated.assigned": (ITEM, "info", "Alex Darrow assigned Bug 7 The pump runs dry to Nora Banks"),
    "workitem.updated.linked": (ITEM, "info", "Alex Darrow added link Parent 5 to Bug 7 The pump runs dry"),
    "workitem.updated.no_details": (ITEM, "info", "Alex Darrow updated Bug 7 The pump runs dry"),
    "build.complete": (
        MAIN,
        "success",
        "firmware-ci 20261123.4 succeeded on main at 3c3c3c3 after 4 min 7 s, started by Alex Darrow",
    ),
    "build.complete.failed": (PULL, "error", f"firmware-ci 20261123.4 failed for {NAME} at 3c3c3c3 after 4 min 7 s"),
    "build.complete.fork": (PULL, "error", f"firmware-ci 20261123.4 failed on octocat:main for {NAME}"),
    "build.complete.scheduled": (
        MAIN,
        "error",
        "firmware-ci 20261123.4 failed on main at 3c3c3c3 after 4 min 7 s, started by its schedule",
    ),
    "build.complete.partly": (MAIN, "warning", "firmware-ci 20261123.4 succeeded in part on main"),
    "build.complete.canceled": (MAIN, "info", "firmware-ci 20261123.4 was canceled on main"),
    "ms.vss-pipelines.run-state-changed-event": (
        MAIN,
        "error",
        "firmware-ci 20261123.4 failed on main at 3c3c3c3 after 4 min 7 s",
    ),
    "ms.vss-pipelines.stage-state-changed-event": (
        MAIN,
        "success",
        "Deploy to the bench of firmware-ci 20261123.4 succ",
    ),
    "ms.vss-pipelines.job-state-changed-event": (
        MAIN,
        "error",
        "Compile in Build of firmware-ci 20261123.4 failed on main",
    ),
    "ms.vss-pipelinechecks-events.approval-pending": (
        MAIN,
        "warning",
        "The deployment of firmware-ci 20261123.4 to production is waiting for approval by Nora Banks",
    ),
    "ms.vss-pipelinechecks-events.approval-completed": (
        MAIN,
        "success",
        "Nora Banks approved the deployment of firmware-ci 20261123.4 to production",
    ),
    "ms.vss-pipelinechecks-events.approval-completed.timed_out": (
        MAIN,
        "error",
        "The approval of the deployment of firmware-ci 20261123.4 to production timed out",
    ),
    "ms.vss-pipelinechecks-events.approval-completed.minimal": (
        "link https://dev.azure.com/contoso/Pump/_build/results?buildId=312",
        "error",
        "The deployment of firmware-ci to production was rejected",
    ),
    "ms.vss-release.release-created-event": (RELEASE, "info", "Alex Darrow created Release-21 of firmware-cd"),
    "ms.vss-release.release-abandoned-event": (RELEASE, "info", "Alex Darrow abandoned Release-21 of firmware-cd"),
    "ms.vss-release.deployment-completed-event": (
        RELEASE,
        "success",
        "Deployment of Release-21 to Production succeeded after 2 min 21 s",
    ),
    "ms.vss-release.deployment-completed-event.rejected": (
        RELEASE,
        "error",
        "Deployment of Release-21 to Production was rejected after 2 min 21 s",
    ),
    "ms.vss-release.deployment-approval-pending-event": (
        RELEASE,
        "warning",
        "The deployment of Release-21 to Production is waiting for approval by Nora Banks",
    ),
    "ms.vss-release.deployment-approval-completed-event": (
        RELEASE,
        "success",
        "Nora Banks approved the deployment of Release-21 to Production",
    ),
    "ms.vss-endpoint.endpoint-created": (
        "event 00008146-0000-4000-8000-0000000000a0",
        "info",
        "Service connection bench-registry created by Alex Darrow",
    ),
    "ms.advancedsecurity.alert-created-event": (
        "link https://dev.azure.com/contoso/Pump/_git/firmware/alerts/31",
        "error",
        "Advanced Security alert 31 was created in firmware: Hard-coded password",
    ),
}

UNFINISHED = ("ms.vss-pipelines.run-state-changed-event.started", "ms.vss-release.deployment-started-event")


def test_every_sample_is_in_a_table():
    assert {path.stem for path in SAMPLES.glob("*.json")} == {*TABLE, *UNFINISHED}


@pytest.mark.parametrize("name", UNFINISHED)
def test_what_has_not_ended_is_ignored(name):
    ignored = answer(sample(name))
    assert isinstance(ignored, Ignored)
    assert "not ended yet" in ignored.reason


@pytest.mark.parametrize("name", TABLE)
def test_sample(name):
    event = read(sample(name))
    thread, severity, line = TABLE[name]
    assert (event.correlation_key, event.severity) == (thread, severity)
    assert summary(event).startswith(line)
    assert event.occurred == datetime(2026, 11, 23, 14, 3, 11, 428552, tzinfo=UTC) or name.startswith(
        "workitem.updated"
    )
    assert event.scope in {"Pump", "Pump/firmware", "Pump/firmware-lab", "contoso"}
    assert event.attributes["organization"] == "contoso"
    assert "/_apis/" not in event.url


@pytest.mark.parametrize("name", TABLE)
def test_without_its_resource_the_message_is_the_post(name):
    payload = sample(name)
    for resource in (None, {}, {"url": "https://dev.azure.com/contoso/_apis/x/1"}):
        event = read(payload | {"resource": resource})
        line = summary(event)
        assert event.kind == payload["eventType"].lower()
        assert len(line.split()) > 1
        assert "http" not in line


@pytest.mark.parametrize("name", TABLE)
def test_without_its_messages_the_resource_is_the_post(name):
    event = read(sample(name) | {"message": None, "detailedMessage": None})
    assert summary(event)
    assert event.correlation_key


def test_minimal_resources_have_the_threads_of_whole_ones():
    item = sample("workitem.updated.state")
    item["resource"] = {"url": "https://dev.azure.com/contoso/_apis/wit/workItems/7"}
    assert read(item).correlation_key == ITEM
    pull = sample("git.pullrequest.updated.approved")
    pull["resource"] = {"url": f"https://dev.azure.com/contoso/_apis/git/repositories/{REPO}/pullRequests/12"}
    assert read(pull).correlation_key == PULL


def test_each_changed_field_is_a_fact_with_its_old_and_new_value():
    facts = dict(read(sample("workitem.updated.state")).facts)
    assert facts == {
        "State": "Active → Resolved",
        "Assigned to": "Alex Darrow → Mona Lisa",
        "Remaining work": "3 → 0.5",
        "Repro steps": "changed",
    }


def test_people_are_names_without_addresses_teams_and_ids():
    created = sample("git.pullrequest.created")
    created["resource"]["reviewers"] = [
        {"displayName": "[Pump]\\Field team", "vote": -10},
        {"displayName": f"Pump Build Service (P{REPO[1:]})", "vote": 0},
        {"displayName": f"Pump Build Service ({REPO})", "vote": 5},
    ]
    names = dict(read(created).facts)["Reviewers"].split(", ")
    assert names[0] == "Field team (rejected)"
    assert names[-1] == "Pump Build Service (approved with suggestions)"


def test_a_push_leads_to_its_changes_and_commits_to_theirs():
    event = read(sample("git.push"))
    assert event.url.startswith("https://dev.azure.com/contoso/Pump/_git/firmware/branchCompare?baseVersion=GC1a1a")
    assert {commit["url"][:57] for commit in event.details["commits"]} == {
        "https://dev.azure.com/contoso/Pump/_git/firmware/commit/3"[:57],
        "https://dev.azure.com/contoso/Pump/_git/firmware/commit/2"[:57],
    }
    assert read(sample("git.push.branch_created")).url.endswith("/firmware?version=GBfix%2Fdry-run")
    many = sample("git.push")
    many["resource"]["refUpdates"].append({"name": "refs/heads/next", "oldObjectId": "1", "newObjectId": "2"})
    assert dict(read(many).facts)["Also"] == "next"


def test_the_organization_is_no_part_of_a_repositorys_url():
    event = read(sample("git.pullrequest.created") | {"message": {}})
    created = sample("git.pullrequest.created")
    del created["resource"]["_links"], created["resource"]["repository"]["webUrl"]
    assert read(created).url == event.url == "https://dev.azure.com/contoso/Pump/_git/firmware/pullrequest/12"


def test_a_webhook_of_the_test_button_is_new_each_time():
    test = sample("git.push") | {"subscriptionId": "00000000-0000-0000-0000-000000000000"}
    later = test | {"createdDate": "2026-11-23T14:05:00Z"}
    assert read(test).delivery != read(later).delivery
    real = sample("git.push")
    assert read(real).delivery == read(real | {"subscriptionId": "another", "notificationId": 9}).delivery


@pytest.mark.parametrize(
    ("markdown", "sentence"),
    [
        ("[Bug #5](The pump runs dry) deleted by Mona Lisa.", "Bug #5 (The pump runs dry) deleted by Mona Lisa"),
        ("[Bug #5] (The pump runs dry) deleted by Mona Lisa.", "Bug #5 (The pump runs dry) deleted by Mona Lisa"),
        ("Run [https://dev.azure.com/x](run1) waits", "Run run1 waits"),
        ("<b>Run</b> run1 &amp; more\r\n(https://dev.azure.com/x)", "Run run1 & more"),
        ("Build 2 failed (https://dev.azure.com/x)", "Build 2 failed"),
        ("", "Something new"),
    ],
)
def test_messages_lose_what_is_no_text(markdown, sentence):
    event = read({"eventType": "something.new", "id": "1", "message": {"markdown": markdown}})
    assert summary(event) == sentence


def test_details_of_an_unknown_event_are_shown_without_what_is_empty():
    detailed = "Alert 31\\r\\n\\r\\n<li>Severity: High</li>\\r\\n<li>File: </li>\r\n* Tool: \r\n* Rule: key"
    event = read({"eventType": "x.y", "message": {"text": "Alert 31"}, "detailedMessage": {"markdown": detailed}})
    assert [line for line in lines(event) if line.startswith(("Severity", "File", "Tool", "Rule"))] == [
        "Severity: High",
        "Rule: key",
    ]


def test_html_of_work_items_becomes_readable():
    html = '<div>One <b>two</b></div><ul><li>a</li><li>b</li></ul><a href="https://x.example/1">three</a><br>4&nbsp;%'
    assert readable(html).split() == ["One", "two", "*", "a", "*", "b", "[three](https://x.example/1)", "4", "%"]
    assert readable("1 < 2 and **bold**") == "1 < 2 and **bold**"


def test_a_long_branch_is_still_a_thread_of_its_own():
    threads = set()
    for end in "ab":
        push = sample("git.push")
        push["resource"]["refUpdates"][0]["name"] = f"refs/heads/{'x' * 400}{end}"
        threads.add(read(push).correlation_key)
    assert len(threads) == 2
    assert max(map(len, threads)) <= 255


def test_the_new_names_of_events_are_the_old_ones():
    release = sample("ms.vss-release.release-created-event")
    event = read(release | {"eventType": "ms.azure-devops-release.release-created-event"})
    assert (event.kind, event.severity) == ("ms.vss-release.release-created-event", Severity.INFO)


def test_every_event_has_every_attribute():
    names = {frozenset(read(sample(name)).attributes) for name in TABLE}
    assert len(names) == 1
