"""bridge/sources/gitlab: what GitLab's hooks send, and in which thread it is posted."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.entries import Target, content_of, entry_id
from bridge.events import Event, Webhook
from bridge.rendering.renderer import Renderer
from bridge.sources.base import Ignored
from bridge.sources.gitlab import GITLAB
from bridge.sources.gitlab.places import is_bot, moment
from tests.look import parse

SAMPLES = Path(__file__).parent.parent / "bridge/sources/gitlab/samples"
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
RENDERER = Renderer()
WEB = "https://gitlab.contoso.com/pump/firmware"


def read(payload: object, **headers: str) -> Event:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    (event,) = GITLAB.read(Webhook(names, json.dumps(payload).encode()))
    return event


def sample(name: str) -> dict:
    return json.loads((SAMPLES / f"{name}.json").read_text())


def summary(event: Event) -> str:
    return RENDERER.entry(event, "0" * 32, Target("g"), NOW).summary


def lines(event: Event) -> list[str]:
    return parse(RENDERER.entry(event, "0" * 32, Target("g"), NOW).html).shown


# By sample: its correlation key, how much it matters, and its summary's beginning.
TABLE = {
    "access_token.group": (
        "group 35 access token 26",
        "warning",
        "The access token renovate of pump expires on 30 November 2026",
    ),
    "access_token.project": (
        "project 7003 access token 25",
        "warning",
        "The access token bench-deploy of pump/firmware expires on 30 November 2026",
    ),
    "build.failed": ("project 7003 refs/heads/main", "error", "Job unit tests failed on main after 4 min 1 s"),
    "build.failed.tolerated": (
        "project 7003 merge request 12",
        "warning",
        "Job spelling failed for !12 after 4 min 1 s",
    ),
    "build.success": ("project 7003 refs/heads/main", "success", "Job unit tests succeeded on main after 4 min 1 s"),
    "deployment.canceled": (
        "project 7003 environment production",
        "info",
        "Deployment of 3c3c3c3 to production was canceled, started by Nora Banks",
    ),
    "deployment.failed": (
        "project 7003 environment production",
        "error",
        "Deployment of 3c3c3c3 to production failed, started by Nora Banks",
    ),
    "deployment.success": (
        "project 7003 environment production",
        "success",
        "Deployment of 3c3c3c3 to production succeeded, started by Nora Banks",
    ),
    "emoji.award": ("project 7003 issue 7", "info", "Alex Darrow reacted with 👍 to a comment on #7 The pump runs dry"),
    "emoji.revoke": (
        "project 7003 merge request 12",
        "info",
        "Alex Darrow removed :potable_water: from !12 Stop the pump when the tank is empty",
    ),
    "feature_flag.off": (
        "project 7003 feature flag 6",
        "info",
        "Nora Banks turned off the feature flag fast-float-switch",
    ),
    "feature_flag.on": (
        "project 7003 feature flag 6",
        "info",
        "Nora Banks turned on the feature flag fast-float-switch",
    ),
    "group_create": ("group 36 itself", "info", "The group pump/field was created"),
    "group_rename": ("group 36 itself", "info", "The group pump/outdoor is now pump/field"),
    "issue.close.incident": (
        "project 7003 issue 9",
        "success",
        "Nora Banks closed #9 Pump 3 of the north station stopped",
    ),
    "issue.close": ("project 7003 issue 7", "info", "Alex Darrow closed #7 The pump runs dry"),
    "issue.open.confidential": (
        "project 7003 issue 8",
        "info",
        "Nora Banks opened confidential issue #8 The bus takes commands from anyone",
    ),
    "issue.open.incident": (
        "project 7003 issue 9",
        "error",
        "Nora Banks opened #9 Pump 3 of the north station stopped",
    ),
    "issue.open": ("project 7003 issue 7", "info", "Mona Lisa opened #7 The pump runs dry"),
    "issue.reopen": ("project 7003 issue 7", "info", "Mona Lisa reopened #7 The pump runs dry"),
    "issue.update.assigned": ("project 7003 issue 7", "info", "Mona Lisa assigned #7 The pump runs dry to Nora Banks"),
    "issue.update.confidential": (
        "project 7003 issue 7",
        "warning",
        "Mona Lisa made #7 The pump runs dry confidential",
    ),
    "issue.update.edited": ("project 7003 issue 7", "info", "Mona Lisa edited #7 The pump runs dry"),
    "issue.update.labels": ("project 7003 issue 7", "info", "Mona Lisa changed the labels of #7 The pump runs dry"),
    "key_create": ("user norab", "info", "An SSH key was added for norab"),
    "merge_request.approval": (
        "project 7003 merge request 12",
        "info",
        "Nora Banks approved !12 Stop the pump when the tank is empty (more approvals are needed)",
    ),
    "merge_request.approved": (
        "project 7003 merge request 12",
        "info",
        "Mona Lisa approved !12 Stop the pump when the tank is empty",
    ),
    "merge_request.close": (
        "project 7003 merge request 12",
        "info",
        "Alex Darrow closed !12 Stop the pump when the tank is empty without merging",
    ),
    "merge_request.merge": (
        "project 7003 merge request 12",
        "info",
        "Mona Lisa merged !12 Stop the pump when the tank is empty into main",
    ),
    "merge_request.open.draft": (
        "project 7003 merge request 12",
        "info",
        "Alex Darrow opened !12 Stop the pump when the tank is empty as a draft",
    ),
    "merge_request.open": (
        "project 7003 merge request 12",
        "info",
        "Alex Darrow opened !12 Stop the pump when the tank is empty",
    ),
    "merge_request.reopen": (
        "project 7003 merge request 12",
        "info",
        "Alex Darrow reopened !12 Stop the pump when the tank is empty",
    ),
    "merge_request.unapproval.reset": (
        "project 7003 merge request 12",
        "info",
        "Alex Darrow reset the approvals of !12 Stop the pump when the tank is empty by pushing to it",
    ),
    "merge_request.unapproved": (
        "project 7003 merge request 12",
        "info",
        "Mona Lisa withdrew approval of !12 Stop the pump when the tank is empty",
    ),
    "merge_request.update.auto_merge": (
        "project 7003 merge request 12",
        "info",
        "Mona Lisa set !12 Stop the pump when the tank is empty to merge automatically when its checks pass",
    ),
    "merge_request.update.draft": (
        "project 7003 merge request 12",
        "info",
        "Alex Darrow converted !12 Stop the pump when the tank is empty to a draft",
    ),
    "merge_request.update.edited": (
        "project 7003 merge request 12",
        "info",
        "Alex Darrow edited !12 Stop the pump when the tank is empty",
    ),
    "merge_request.update.push": (
        "project 7003 merge request 12",
        "info",
        "Alex Darrow pushed to !12 Stop the pump when the tank is empty",
    ),
    "merge_request.update.ready": (
        "project 7003 merge request 12",
        "info",
        "Alex Darrow marked !12 Stop the pump when the tank is empty as ready for review",
    ),
    "merge_request.update.requested_changes": (
        "project 7003 merge request 12",
        "warning",
        "Mona Lisa requested changes to !12 Stop the pump when the tank is empty",
    ),
    "merge_request.update.reviewers": (
        "project 7003 merge request 12",
        "info",
        "Alex Darrow requested a review of !12 Stop the pump when the tank is empty from Nora Banks",
    ),
    "merge_request.update.target": (
        "project 7003 merge request 12",
        "info",
        "Alex Darrow changed the target of !12 Stop the pump when the tank is empty to main",
    ),
    "milestone.close": ("project 7003 milestone 5", "info", "The milestone Winter was closed"),
    "milestone.create": ("project 7003 milestone 5", "info", "The milestone Winter was created"),
    "note.commit": (
        "project 7003 commit 2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b",
        "info",
        "Mona Lisa commented on the commit 2b2b2b2 Stop the pump when the tank is empty: Is 50 ms enough on the long",
    ),
    "note.issue.edited": (
        "project 7003 issue 7",
        "info",
        "Nora Banks edited a comment on #7 The pump runs dry: It happens with the old float switch only.",
    ),
    "note.issue.internal": (
        "project 7003 issue 7",
        "info",
        "Nora Banks left an internal note on #7 The pump runs dry: The customer at the north station has ",
    ),
    "note.issue": (
        "project 7003 issue 7",
        "info",
        "Nora Banks commented on #7 The pump runs dry: It happens with the old float switch, too.",
    ),
    "note.merge_request": (
        "project 7003 merge request 12",
        "info",
        "Mona Lisa commented on !12 Stop the pump when the tank is empty: Could this wait for the bench t",
    ),
    "note.merge_request.line": (
        "project 7003 merge request 12",
        "info",
        "Mona Lisa commented on !12 Stop the pump when the tank is empty at src/pump.c:48: 50 ms is too l",
    ),
    "note.snippet": (
        "project 7003 snippet 53",
        "info",
        "Nora Banks commented on $53 Read the float switch by hand: Thank you, that found it.",
    ),
    "package_published": ("project 7003 package_published 77", "info", "Package published: bus-tools"),
    "pipeline.canceled": ("project 7003 refs/heads/main", "info", "Pipeline #31 was canceled on main after 4 min 7 s"),
    "pipeline.failed": (
        "project 7003 merge request 12",
        "error",
        "Pipeline #31 failed on fix/dry-run for !12 Stop the pump when the tank is empty after 4 min 7 s",
    ),
    "pipeline.manual": (
        "project 7003 refs/heads/main",
        "info",
        "Pipeline #31 is waiting for a manual job on main, started by Alex Darrow: flash the pumps",
    ),
    "pipeline.success": ("project 7003 refs/heads/main", "success", "Pipeline #31 succeeded on main after 4 min 7 s"),
    "pipeline.tag": ("project 7003 refs/tags/v2.4.0", "success", "Pipeline #31 succeeded on v2.4.0 after 4 min 7 s"),
    "pipeline.warnings": (
        "project 7003 refs/heads/main",
        "warning",
        "Pipeline #31 succeeded with warnings on main after 4 min 7 s, started by Alex Darrow: spelling",
    ),
    "project_create": ("project 7003 itself", "info", "The project pump/firmware was created"),
    "project_destroy": ("project 7003 itself", "warning", "The project pump/firmware was deleted"),
    "project_rename": ("project 7003 itself", "info", "The project pump/controller is now pump/firmware"),
    "project_transfer": ("project 7003 itself", "info", "The project lab/firmware was moved to pump/firmware"),
    "push.branch_created": (
        "project 7003 refs/heads/fix/dry-run",
        "info",
        "Alex Darrow created the branch fix/dry-run with 1 commit",
    ),
    "push.branch_deleted": (
        "project 7003 refs/heads/fix/dry-run",
        "info",
        "Alex Darrow deleted the branch fix/dry-run",
    ),
    "push": (
        "project 7003 refs/heads/main",
        "info",
        "Alex Darrow pushed 3 commits to main: Test the dry run on the bench",
    ),
    "push.many": (
        "project 7003 refs/heads/main",
        "info",
        "Alex Darrow pushed 34 commits to main: Release the pump on a reset",
    ),
    "push.moved": (
        "project 7003 refs/heads/fix/dry-run",
        "info",
        "Alex Darrow moved the branch fix/dry-run from 3c3c3c3 to 1a1a1a1",
    ),
    "release.create": ("project 7003 release v2.4.0", "info", "The release Firmware 2.4 is out"),
    "release.delete": ("project 7003 release v2.4.0", "info", "The release Firmware 2.4 was deleted"),
    "release.update": ("project 7003 release v2.4.0", "info", "The release Firmware 2.4 was edited"),
    "repository_update": (
        "project 7003 itself",
        "info",
        "The repository of pump/firmware was updated by Alex Darrow: main",
    ),
    "subgroup_create": ("group 36 itself", "info", "The subgroup pump/field was created"),
    "tag_push.deleted": ("project 7003 refs/tags/v2.4.0-rc1", "info", "Mona Lisa deleted the tag v2.4.0-rc1"),
    "tag_push": ("project 7003 refs/tags/v2.4.0", "info", "Mona Lisa created the tag v2.4.0"),
    "user_access_request_denied_for_group": (
        "group 35 member 43",
        "info",
        "Nora Banks (norab) was refused access to pump",
    ),
    "user_access_request_to_group": ("group 35 member 43", "warning", "Nora Banks (norab) requested access to pump"),
    "user_add_to_group": ("group 35 member 43", "info", "Nora Banks (norab) was added to pump as Developer"),
    "user_add_to_team": (
        "project 7003 member 43",
        "info",
        "Nora Banks (norab) was added to pump/firmware as Developer",
    ),
    "user_create": ("user 43", "info", "Nora Banks (norab) has an account now"),
    "user_failed_login": ("user 43", "warning", "Nora Banks (norab) failed to sign in; the account is blocked"),
    "user_remove_from_group": ("group 35 member 43", "info", "Nora Banks (norab) was removed from pump"),
    "user_rename": ("user 43", "info", "norab is now Nora Banks (nora)"),
    "user_update_for_group": (
        "group 35 member 43",
        "info",
        "The membership of Nora Banks (norab) in pump was changed: the role is Maintainer now",
    ),
    "vulnerability.detected": (
        "project 7003 vulnerability 81",
        "critical",
        "The vulnerability Bus parser reads past its buffer was found",
    ),
    "vulnerability.resolved": (
        "project 7003 vulnerability 81",
        "success",
        "The vulnerability Bus parser reads past its buffer is resolved",
    ),
    "wiki_page.create": (
        "project 7003 wiki How-to-fill-the-tank",
        "info",
        "Mona Lisa created the wiki page “How to fill the tank”",
    ),
    "wiki_page.delete": (
        "project 7003 wiki How-to-fill-the-tank",
        "info",
        "Mona Lisa deleted the wiki page “How to fill the tank”",
    ),
    "wiki_page.update": (
        "project 7003 wiki How-to-fill-the-tank",
        "info",
        "Mona Lisa edited the wiki page “How to fill the tank”: say which valve",
    ),
    "work_item.open": ("project 7003 issue 10", "info", "Alex Darrow opened #10 Measure the switch on the bench"),
}
# What is ignored, by the end of the reason.
IGNORED = {
    "deployment.running": "a deployment that has not ended yet.",
    "build.running": "a job that has not ended yet.",
    "merge_request.update.empty": "update changes nothing worth reading.",
    "pipeline.running": "a pipeline that has not ended yet.",
}


def test_every_sample_is_in_a_table():
    assert {path.stem for path in SAMPLES.glob("*.json")} == {*TABLE, *IGNORED}


@pytest.mark.parametrize("name", TABLE)
def test_sample(name):
    event = read(sample(name))
    thread, severity, line = TABLE[name]
    assert (event.correlation_key, event.severity) == (thread, severity)
    assert summary(event).startswith(line)
    assert event.occurred in {None, datetime(2026, 11, 23, 14, 3, 11, tzinfo=UTC)}


@pytest.mark.parametrize("name", IGNORED)
def test_what_says_nothing_is_ignored_with_its_reason(name):
    answer = GITLAB.read(Webhook({}, (SAMPLES / f"{name}.json").read_bytes()))
    assert isinstance(answer, Ignored)
    assert answer.reason.endswith(IGNORED[name])


def test_every_event_has_every_attribute():
    assert len({frozenset(read(sample(name)).attributes) for name in TABLE}) == 1


def test_routes_can_ask_for_these():
    opened = read(sample("merge_request.open.draft")).attributes
    assert {name: opened[name] for name in ("project", "branch", "source_branch", "labels", "draft", "bot")} == {
        "project": "pump/firmware",
        "branch": "main",
        "source_branch": "fix/dry-run",
        "labels": ["safety"],
        "draft": True,
        "bot": False,
    }
    assert (opened["author"], opened["sender"], opened["reviewers"]) == ("alexd", "alexd", ["mona"])
    assert read(sample("merge_request.merge")).attributes["author"] == ""
    assert read(sample("pipeline.failed")).attributes["status"] == "failed"
    assert read(sample("pipeline.failed")).attributes["branch"] == "fix/dry-run"
    assert read(sample("deployment.failed")).attributes["environment"] == "production"
    assert read(sample("push")).attributes["paths"] == ["src/pump.c", "src/float.c", "tests/dry_run.c"]


def test_what_is_confidential_says_so():
    for name in ("issue.open.confidential", "note.issue.internal", "issue.update.confidential"):
        assert read(sample(name)).attributes["confidential"], name
    assert not read(sample("issue.open")).attributes["confidential"]
    assert "opened this confidential issue" in " ".join(lines(read(sample("issue.open.confidential"))))
    known_by_its_header = read(sample("issue.open"), X_Gitlab_Event="Confidential Issue Hook")
    assert summary(known_by_its_header).startswith("Mona Lisa opened confidential issue #7")


def test_a_delivery_is_known_by_its_signed_id_else_by_its_body():
    def key_of(payload, **headers):
        event = read(payload, **headers)
        return content_of(event, 0, 900.0, None).hash or entry_id(event, 0, "g")

    created = sample("push.branch_created")
    first = key_of(created, Idempotency_Key="1")
    assert first == key_of(created, Idempotency_Key="2") == key_of(created, webhook_id="3")
    assert first != key_of(sample("push"), Idempotency_Key="1")
    signed = {"webhook_signature": "v1,abc", "Idempotency_Key": "1"}
    assert key_of(created, webhook_id="4", **signed) != key_of(created, webhook_id="5", **signed)
    assert read(created, webhook_id="signed", **signed).delivery == "signed"
    assert read(created, X_Gitlab_Event_UUID="3").delivery == "3"
    assert key_of(created) == key_of(created) != key_of(sample("push"))


def test_a_long_push_lists_ten_commits_the_newest_first_and_how_many_more():
    newest = [f"{commit['id'][:7]} {commit['title']}" for commit in reversed(sample("push.many")["commits"])]
    shown = lines(read(sample("push.many")))
    assert [line for line in shown if line in newest] == newest[:10]
    assert "and 24 more" in shown


def test_a_push_leads_to_its_changes_and_a_new_branch_to_its_files():
    assert read(sample("push")).url == f"{WEB}/-/compare/{'0a' * 20}...{'3c' * 20}"
    assert read(sample("push.branch_created")).url == f"{WEB}/-/tree/fix/dry-run"
    assert read(sample("tag_push")).url == f"{WEB}/-/tags/v2.4.0"
    assert read(sample("push.branch_deleted")).url == WEB


def test_a_forks_pipeline_is_posted_where_its_merge_request_is():
    pipeline = sample("pipeline.failed")
    pipeline["project"]["id"] = 9999
    pipeline["merge_request"]["source_project_id"] = 9999
    assert (
        read(pipeline).correlation_key
        == read(sample("merge_request.open")).correlation_key
        == "project 7003 merge request 12"
    )


def test_a_draft_that_gets_ready_keeps_its_topic():
    titles = {read(sample(name)).title for name in ("merge_request.open.draft", "merge_request.update.ready")}
    assert titles == {"Stop the pump when the tank is empty !12"}


def test_a_failed_pipeline_names_its_failed_jobs_with_their_pages():
    event = read(sample("pipeline.failed"))
    html = RENDERER.entry(event, "0" * 32, Target("g"), NOW).html
    assert f'href="{WEB}/-/jobs/402"' in html
    assert "bench: dry run test · runner system failure" in lines(event)
    assert "2 failed 1 succeeded 1 other 4 jobs" in lines(event)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"title": {"previous": "Stop", "current": "Stop the pump"}}, "renamed"),
        ({"due_date": {"previous": None, "current": "2026-11-30"}}, "changed the due date of"),
        ({"milestone_id": {"previous": 4, "current": 5}}, "changed the milestone of"),
        ({"discussion_locked": {"previous": None, "current": True}}, "locked the conversation on"),
        ({"assignees": {"previous": [{"name": "Nora Banks"}], "current": []}}, "unassigned Nora Banks from"),
        ({"reviewers": {"previous": [{"name": "Nora Banks"}], "current": []}}, "withdrew the request for a review of"),
        (
            {
                "reviewers": {
                    "previous": [{"name": "Nora Banks", "state": "reviewed"}],
                    "current": [{"name": "Nora Banks", "state": "unreviewed", "re_requested": True}],
                }
            },
            "requested a review of",
        ),
        ({"time_estimate": {"previous": 3600, "current": 5400}}, "changed the estimate of"),
        ({"title": 7, "labels": None, "unheard_of": {"previous": "a", "current": "b"}}, "changed the unheard of of"),
    ],
)
def test_an_update_of_one_field_has_its_own_words(changes, line):
    event = read(sample("merge_request.update.edited") | {"changes": changes})
    assert summary(event).startswith(
        f"Mona Lisa {line} !12" if event.actor == "Mona Lisa" else f"Alex Darrow {line} !12"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"labels": {"previous": [{"title": "drive", "color": "#1"}], "current": [{"title": "drive", "color": "#2"}]}},
        {"total_time_spent": {"previous": None, "current": 0}},
        {"relative_position": {"previous": 1, "current": 2}},
        {"weight": {"previous": None, "current": 0}},
        {"labels": {"previous": [{"title": "a"}, {"title": "b"}], "current": [{"title": "b"}, {"title": "a"}]}},
        {"assignees": {"previous": [{"name": "A"}, {"name": "B"}], "current": [{"name": "B"}, {"name": "A"}]}},
    ],
)
def test_an_update_that_changes_nothing_to_read_is_ignored(changes):
    payload = json.dumps(sample("issue.update.edited") | {"changes": changes}).encode()
    assert isinstance(GITLAB.read(Webhook({}, payload)), Ignored)


def test_hooks_of_old_say_less_and_still_find_their_thread():
    bare = {"object_kind": "merge_request", "object_attributes": {"state": "merged", "url": f"{WEB}/merge_requests/12"}}
    event = read(bare | {"project": {"id": 7003}})
    assert event.correlation_key == "project 7003 merge request 12"
    assert summary(event) == "The merge request !12 was merged"
    without_ref = [read({"object_kind": "push", "project_id": 7003, "after": after}) for after in "ab"]
    assert without_ref[0].correlation_key != without_ref[1].correlation_key
    assert summary(read({"event_name": "something_new", "name": "x"})) == "Something new: x"


@pytest.mark.parametrize(
    ("name", "bot"),
    [
        ("project_7003_bot_3f2a", True),
        ("group_35_bot1", True),
        ("renovate-bot", True),
        ("dependabot[bot]", True),
        ("abbott", False),
        ("botanic", False),
        ("alexd", False),
    ],
)
def test_programs_are_known_by_their_names(name, bot):
    assert is_bot(name) is bot
    assert read(sample("push") | {"user_username": name}).attributes["bot"] is bot


@pytest.mark.parametrize(
    "text",
    ["2026-11-23 14:03:11 UTC", "2026-11-23 16:03:11 +0200", "2026-11-23T14:03:11Z", "2026-11-23T14:03:11+00:00"],
)
def test_gitlab_writes_times_in_four_ways(text):
    assert moment({"at": text}, "missing", "at") == datetime(2026, 11, 23, 14, 3, 11, tzinfo=UTC)


def test_a_long_branch_is_still_a_thread_of_its_own():
    threads = {read(sample("push") | {"ref": f"refs/heads/{'x' * 400}{end}"}).correlation_key for end in "ab"}
    assert len(threads) == 2
    assert max(map(len, threads)) <= 255
