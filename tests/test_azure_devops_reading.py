"""bridge/sources/azure_devops: a post says what the payload says, whatever names, titles and new values there are."""

import copy
import itertools
import random

import pytest

from bridge.events import Severity
from bridge.sources.base import Ignored
from tests.test_azure_devops import COLLECTION, MAIN, NAME, PULL, answer, lines, read, sample, summary

TITLE = "Stop the pump when the tank is empty"
# Names and titles full of the words by which the service says what was done.
HOSTILE = (
    "Mona Approved",
    "Paint by Numbers",
    "approved-vendors",
    "Rejected Updated",
    "The vote is waiting",
    "Nora rejected pull request 9 (Revert) in firmware",
    "completed by Eve",
    "abandoned (draft) published",
)
PHRASES = {
    "approved": "approved",
    "approved and left suggestions on": "approved_with_suggestions",
    "is waiting for the author on": "waiting",
    "is waiting for the author of": "waiting",
    "rejected": "rejected",
    "updated the source branch of": "pushed",
    "changed the reviewer list on": "reviewers_changed",
    "changed the reviewer list for": "reviewers_changed",
    "completed": "merged",
    "abandoned": "abandoned",
    "reactivated": "reopened",
    "published": "ready",
    "set auto-complete on": "auto_complete_set",
    "reset their vote on": "vote_reset",
}


def changed(name: str, **values: object) -> dict:
    """A sample with other values at dotted paths, with `__` for the dot; None takes the field away."""
    payload = sample(name)
    for path, value in values.items():
        *above, last = path.split("__")
        place = payload
        for step in above:
            place = place[step]
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return payload


def updated(line: str, **values: object) -> dict:
    """A pull request's update with that message."""
    return changed("git.pullrequest.updated.push", message={"text": line}, detailedMessage={}, **values)


def reviewers(*votes: tuple[str, int]) -> list[dict]:
    return [{"displayName": name, "id": f"id of {name}", "vote": vote} for name, vote in votes]


@pytest.mark.parametrize("has", ["", "has "])
@pytest.mark.parametrize("phrase", PHRASES)
def test_the_phrase_of_an_update_says_what_was_done_and_by_whom(phrase, has):
    event = read(updated(f"Nora Banks {has}{phrase} pull request 12 ({TITLE}) in firmware"))
    assert (event.details["action"], event.actor) == (PHRASES[phrase], "Nora Banks")


@pytest.mark.parametrize(
    ("line", "action"),
    [
        ("Nora Banks published the pull request", "ready"),
        ("Nora Banks marked the pull request as a draft", "drafted"),
        ("Nora Banks marked the pull request as completed", "merged"),
        ("Nora Banks has marked the pull request as abandoned", "abandoned"),
    ],
)
def test_some_updates_name_no_number(line, action):
    event = read(updated(line))
    assert (event.details["action"], event.actor) == (action, "Nora Banks")


@pytest.mark.parametrize("phrase", PHRASES)
@pytest.mark.parametrize("words", HOSTILE)
def test_no_name_and_no_title_says_what_was_done(words, phrase):
    line = f"{{}} {phrase} pull request 12 ({words}) in {words}"
    for resource in ({"title": words}, {"title": words, "createdBy": {"displayName": words, "id": "1"}}):
        whole = updated(line.format("Alex Darrow"))
        whole["resource"] |= {**resource, "reviewers": reviewers((words, 0))}
        whole["resource"]["repository"]["name"] = words
        event = read(whole)
        assert (event.details["action"], event.actor) == (PHRASES[phrase], "Alex Darrow")
    minimal = read(updated(line.format("Alex Darrow"), resource={"url": "x"}))
    assert (minimal.details["action"], minimal.actor) == (PHRASES[phrase], "Alex Darrow")
    if "pull request" not in words:
        known = updated(line.format(words), resource__reviewers=reviewers((words, 0)))
        assert (read(known).details["action"], read(known).actor) == (PHRASES[phrase], words)


def test_a_phrase_that_is_not_known_is_shown_as_it_came():
    for start in ("Nora Banks un-approved", "Nora Banks no longer approved", "Zoe Approved has not yet rejected"):
        line = f"{start} pull request 12 (Nora rejected pull request 12 (x) in y) in firmware"
        event = read(updated(line))
        assert (event.details["action"], event.severity, event.actor) == ("updated", Severity.INFO, "")
        assert summary(event) == line
    service = f"Microsoft.VisualStudio.Services.TFS froze pull request 12 ({TITLE}) in firmware"
    assert summary(read(updated(service))) == f"Azure DevOps froze pull request 12 ({TITLE}) in firmware"


@pytest.mark.parametrize("actor", ["Nora", "Nora Banks", "Nora Banks Jr", "octocat", "Jan van der Berg", "Łukasz Żak"])
def test_a_name_that_begins_like_anothers_is_whole(actor):
    event = read(updated(f"{actor} approved pull request 12 ({TITLE}) in firmware"))
    assert (event.details["action"], event.actor) == ("approved", actor)


def test_a_message_about_another_pull_request_decides_nothing():
    event = read(updated(f"Nora Banks rejected pull request 13 ({TITLE}) in firmware"))
    assert (event.details["action"], event.actor) == ("updated", "")


def test_a_long_name_is_read_before_it_is_cut():
    event = read(updated(f"{'N' * 400} approved pull request 12 ({'x' * 4000}) in firmware", resource={}))
    assert event.details["action"] == "approved"
    assert event.actor.startswith("NNN")


@pytest.mark.parametrize("phrase", ["voted on", "approved"])
@pytest.mark.parametrize(
    ("vote", "words"),
    [
        (10, f"Nora Banks approved {NAME}"),
        (5, f"Nora Banks approved {NAME} with suggestions"),
        (-5, f"Nora Banks is waiting for the author of {NAME}"),
        (-10, f"Nora Banks rejected {NAME}"),
    ],
)
def test_a_vote_is_what_the_payload_says(phrase, vote, words):
    others = [("Nora Banks", vote), ("Mona Lisa", -10), ("Alex Darrow", 0)]
    for order in itertools.permutations(others):
        event = read(
            updated(f"Nora Banks {phrase} pull request 12 ({TITLE}) in firmware", resource__reviewers=reviewers(*order))
        )
        assert summary(event) == words


@pytest.mark.parametrize(
    ("votes", "words"),
    [
        ([("Nora Banks", 0)], f"Nora Banks reset their vote on {NAME}"),
        ([("Nora Banks", 7)], f"Nora Banks voted on {NAME}"),
        ([("Mona Lisa", 10)], f"Nora Banks voted on {NAME}"),
        ([("Nora Banks", 10), ("Nora Banks", -10)], f"Nora Banks voted on {NAME}"),
        ([], f"Nora Banks voted on {NAME}"),
    ],
)
def test_a_vote_that_the_payload_does_not_have_is_only_a_vote(votes, words):
    line = f"Nora Banks voted on pull request 12 ({TITLE}) in firmware"
    assert summary(read(updated(line, resource__reviewers=reviewers(*votes)))) == words


@pytest.mark.parametrize(
    ("status", "action", "severity"),
    [
        ("succeeded", "mergeable", "info"),
        ("conflicts", "conflicts", "warning"),
        ("rejectedByPolicy", "merge_rejected", "warning"),
        ("failure", "merge_failed", "warning"),
        ("almostThere", "almost_there", "info"),
        (None, "updated", "info"),
    ],
)
def test_a_merge_attempt_is_what_its_status_says(status, action, severity):
    event = read(changed("git.pullrequest.merged", resource__mergeStatus=status))
    assert (event.details["action"], event.severity, event.actor) == (action, severity, "")
    assert NAME in summary(event) or "Merge attempted" in summary(event)
    assert isinstance(answer(changed("git.pullrequest.merged", resource__mergeStatus="queued")), Ignored)


def test_who_set_it_to_complete_has_merged_it_and_the_service_is_no_person():
    service = {"displayName": "Microsoft.VisualStudio.Services.TFS", "id": "1", "descriptor": "s2s.abc"}
    line = f"Microsoft.VisualStudio.Services.TFS completed pull request 12 ({TITLE}) in firmware"
    status = {"resource__status": "completed"}
    closed = updated(line, **status, resource__closedBy={"displayName": "Nora Banks", "id": "2"})
    assert summary(read(closed)).startswith(f"Nora Banks merged {NAME}")
    for event in (read(updated(line, **status)), read(updated(line, **status, resource__closedBy=service))):
        assert summary(event).startswith(f"Azure DevOps merged {NAME}")
        assert "Microsoft.VisualStudio" not in " ".join(lines(event))


def test_a_branch_of_a_fork_is_not_ours():
    fork = {
        "name": "refs/heads/main",
        "repository": {"id": "f", "name": "firmware-lab", "project": {"name": "Guests"}},
    }
    created = changed("git.pullrequest.created", resource__forkSource=fork)
    created["resource"]["sourceRefName"] = "refs/pull/12/source"
    assert read(created).details["source"] == "Guests:main"
    fork["repository"]["project"]["name"] = "Pump"
    assert (
        read(changed("git.pullrequest.created", resource__forkSource=fork)).details["source"]
        == "Pump/firmware-lab:main"
    )


COMMENT = "ms.vss-code.git-pullrequest-comment-event"


@pytest.mark.parametrize(
    ("phrase", "line"),
    [
        ("commented on a pull request", f"Mona Lisa commented on {NAME}"),
        ("replied to a pull request comment", f"Mona Lisa replied to a comment on {NAME}"),
        ("edited a pull request comment", f"Mona Lisa edited a comment on {NAME}"),
        ("deleted a pull request comment", f"Mona Lisa deleted a comment on {NAME}"),
        ("pinned a pull request comment", f"Mona Lisa commented on {NAME}"),
    ],
)
def test_the_phrase_of_a_comment_is_the_whole_line(phrase, line):
    message = {"text": f"Mona Lisa has {phrase}\r\nand was edited, deleted"}
    hostile = "I has edited a pull request comment, and deleted it"
    event = read(changed(COMMENT, message=message, resource__comment__content=hostile))
    assert summary(event).startswith(line)


def test_without_a_message_its_times_say_that_a_comment_was_edited():
    times = {"publishedDate": "2026-11-23T13:41:00Z", "lastContentUpdatedDate": "2026-11-23T13:45:00Z"}
    payload = changed(COMMENT, message=None, detailedMessage=None)
    assert summary(read(payload)).startswith(f"Mona Lisa commented on {NAME}")
    payload["resource"]["comment"] |= times
    assert summary(read(payload)).startswith(f"Mona Lisa edited a comment on {NAME}")
    payload["resource"]["comment"]["isDeleted"] = True
    assert read(payload).actor == ""


def test_comments_without_their_pull_request_still_find_its_thread():
    payload = changed(COMMENT, resource__pullRequest=None)
    repo = PULL.split()[1]
    address = f"https://dev.azure.com/contoso/_apis/git/repositories/{repo}/pullRequests/12/threads/5/comments/2"
    payload["resource"]["comment"]["_links"] = {"self": {"href": address}}
    event = read(payload)
    assert event.correlation_key == PULL
    assert summary(event).startswith("Mona Lisa commented on PR 12: Could this wait")
    where = address.partition("/pullRequests")[0]
    payload["resource"]["comment"]["_links"] = {"repository": {"href": where}}
    assert read(payload).correlation_key == PULL  # by the message's link
    first_version = payload | {"resource": payload["resource"]["comment"]}
    assert (read(first_version).correlation_key, summary(read(first_version))) == (PULL, summary(event))


def test_mentions_show_names():
    content = "@<00000003-0000-4000-8000-0000000000A0> and @<00000009-0000-4000-8000-0000000000a0>, see !7"
    event = read(changed(COMMENT, resource__comment__content=content))
    assert "@Nora Banks and @someone, see !7" in lines(event)
    created = read(changed("git.pullrequest.created", resource__description=content))
    assert "@Nora Banks and @someone, see !7" in lines(created)


APPROVAL = "ms.vss-pipelinechecks-events.approval-completed"
WHAT = "the deployment of firmware-ci 20261123.4 to production"


def step(asked: str, status: str, acted: str = "", comment: str = "") -> dict:
    return {
        "assignedApprover": {"displayName": asked},
        **({"actualApprover": {"displayName": acted}} if acted else {}),
        "status": status,
        "comment": comment,
    }


def approval(status: str | None, *steps: dict) -> dict:
    return changed(APPROVAL, resource__approval__status=status, resource__approval__steps=list(steps))


@pytest.mark.parametrize(
    ("status", "steps", "line", "severity"),
    [
        ("approved", [step("N", "approved", "Nora")], f"Nora approved {WHAT}", "success"),
        ("approved", [step("[Pump]\\Field", "approved", "Nora")], f"Nora approved {WHAT}", "success"),
        ("approved", [step("Nora", "approved")], f"T{WHAT[1:]} was approved", "success"),
        (
            "rejected",
            [step("N", "approved", "Nora"), step("A", "rejected", "Alex"), step("M", "pending")],
            f"Alex rejected {WHAT}",
            "error",
        ),
        (
            "timedOut",
            [step("Nora", "timedOut"), step("M", "approved", "Mona")],
            f"The approval of {WHAT} timed out",
            "error",
        ),
        ("canceled", [step("Nora", "canceled")], f"The approval of {WHAT} was canceled", "info"),
        ("skipped", [step("Nora", "skipped")], f"The approval of {WHAT} was skipped", "info"),
        ("heldBack", [step("Nora", "heldBack", "Nora")], f"The approval of {WHAT} is now “held back”", "info"),
        (None, [step("Nora", "")], f"The approval of {WHAT} was completed", "info"),
        ("pending", [step("Nora", "pending")], f"T{WHAT[1:]} is waiting for approval by Nora", "warning"),
    ],
)
def test_who_acted_decides_an_approval_not_who_was_asked(status, steps, line, severity):
    for order in itertools.permutations(steps):
        event = read(approval(status, *copy.deepcopy(order)))
        assert (summary(event), event.severity) == (line, severity)
        assert event.actor in {"Nora", "Alex", ""}


def test_all_who_approved_are_named_and_remarks_have_their_authors():
    event = read(approval("approved", step("N", "approved", "Nora", "Fine"), step("A", "approved", "A_l_ex", "Go")))
    assert summary(event) == f"Nora and A_l_ex approved {WHAT}"
    assert {"Nora: Fine", "A_l_ex: Go"} <= set(lines(event))
    assert dict(event.facts)["Approvers"] == "N, A"


def test_the_environment_is_what_the_payload_says():
    payload = sample(APPROVAL)
    payload["resource"]["pipeline"]["name"] = "build to environment test"
    payload["resource"]["resource"]["name"] = "to environment zero"
    payload["message"] = {"text": "Approval completed for deployment of pipeline x to environment y."}
    event = read(payload)
    assert event.attributes["environment"] == "to environment zero"
    assert "the deployment of build to environment test 20261123.4 to to environment zero" in summary(event)
    unclear = changed(f"{APPROVAL}.minimal")
    unclear["message"] = {"text": "Approval completed for deployment of pipeline a to environment b to environment c."}
    assert summary(read(unclear)) == unclear["message"]["text"][:-1]


def test_an_approval_of_a_service_connection_is_for_a_stage():
    event = read(changed(APPROVAL, resource__resource={"type": "endpoint", "name": "prod-azure"}))
    assert summary(event) == "Nora Banks approved the deployment of firmware-ci 20261123.4 in stage Deploy"
    assert dict(event.facts)["Resource"] == "endpoint prod-azure"
    assert event.attributes["environment"] == ""


RELEASED = "ms.vss-release.deployment-approval-completed-event"


def test_the_approver_of_a_release_has_only_been_asked():
    asked = changed(RELEASED, resource__approval__approvedBy=None)
    event = read(asked)
    assert (summary(event), event.actor) == ("The deployment of Release-21 to Production was approved", "")
    assert dict(event.facts)["Approver"] == "Nora Banks"
    asked["resource"]["approval"]["isAutomated"] = True
    assert summary(read(asked)) == "The deployment of Release-21 to Production was approved automatically"
    acted = changed(RELEASED, resource__approval__approvedBy={"displayName": "Mona Lisa"})
    assert summary(read(acted)) == "Mona Lisa approved the deployment of Release-21 to Production"
    assert read(sample("ms.vss-release.deployment-approval-pending-event")).actor == ""


@pytest.mark.parametrize(
    ("status", "line", "severity"),
    [
        ("rejected", "Nora Banks rejected the deployment of Release-21 to Production", "error"),
        ("reassigned", "The approval of the deployment of Release-21 to Production was reassigned", "info"),
        (
            "postponedByFog",
            "The approval of the deployment of Release-21 to Production is now “postponed by fog”",
            "info",
        ),
    ],
)
def test_every_status_of_a_releases_approval_is_said(status, line, severity):
    event = read(changed(RELEASED, resource__approval__status=status))
    assert (summary(event), event.severity) == (line, severity)


def test_an_approval_after_a_deployment_says_so():
    event = read(changed(RELEASED, resource__approval__approvalType="postDeploy"))
    assert summary(event) == "Nora Banks approved the finished deployment of Release-21 to Production"


DEPLOYED = "ms.vss-release.deployment-completed-event"


@pytest.mark.parametrize(
    ("deployment", "environment", "words", "severity"),
    [
        ("failed", "rejected", "failed", "error"),
        ("succeeded", "succeeded", "succeeded", "success"),
        ("partiallySucceeded", "partiallySucceeded", "succeeded in part", "warning"),
        (None, "rejected", "was rejected", "error"),
        (None, "canceled", "was canceled", "info"),
        (None, "swallowed", "is now “swallowed”", "info"),
        (None, None, "finished", "info"),
    ],
)
def test_a_deployment_is_what_its_status_says(deployment, environment, words, severity):
    payload = changed(DEPLOYED, resource__environment__status=environment)
    payload["resource"]["deployment"] = {"deploymentStatus": deployment} if deployment else {}
    event = read(payload)
    assert summary(event).startswith(f"Deployment of Release-21 to Production {words}")
    assert (event.severity, event.actor) == (severity, "")


def test_a_release_that_its_schedule_creates_is_nobodys():
    created = changed("ms.vss-release.release-created-event", resource__release__reason="schedule")
    created["resource"]["release"]["createdBy"] = {"displayName": "Microsoft.VisualStudio.Services.ReleaseManagement"}
    assert summary(read(created)) == "Release-21 of firmware-cd was created by its schedule"
    assert read(created).actor == ""


BUILD = "build.complete"


@pytest.mark.parametrize(
    ("result", "words", "severity"),
    [
        ("succeeded", "succeeded", "success"),
        ("partiallySucceeded", "succeeded in part", "warning"),
        ("failed", "failed", "error"),
        ("canceled", "was canceled", "info"),
        ("abandonedByAliens", "is now “abandoned by aliens”", "info"),
        ("none", "finished", "info"),
    ],
)
def test_a_build_is_what_its_result_says(result, words, severity):
    event = read(changed(BUILD, resource__result=result))
    assert summary(event).startswith(f"firmware-ci 20261123.4 {words} on main")
    assert (event.severity, event.attributes["conclusion"]) == (severity, result.lower())


@pytest.mark.parametrize(
    ("reason", "requested", "end"),
    [
        ("manual", "Alex Darrow", ", started by Alex Darrow"),
        ("individualCI", "Microsoft.VisualStudio.Services.TFS", "4 min 7 s"),
        ("schedule", "Microsoft.VisualStudio.Services.TFS", ", started by its schedule"),
        ("schedule", "Alex Darrow", ", started by its schedule"),
        ("buildCompletion", "Alex Darrow", ", started by another pipeline"),
        ("somethingNew", "Alex Darrow", ", started by something new"),
    ],
)
def test_who_or_what_started_a_build(reason, requested, end):
    payload = changed(BUILD, resource__reason=reason, resource__requestedFor={"displayName": requested})
    payload["resource"]["requestedBy"] = {"displayName": "Mona Lisa"}
    payload["resource"]["lastChangedBy"] = {"displayName": "Mona Lisa"}
    event = read(payload)
    assert summary(event).endswith(end)
    assert "Microsoft.VisualStudio" not in " ".join(lines(event))


def test_a_build_of_a_forks_branch_is_not_ours():
    trigger = {"pr.isFork": "True", "pr.sender.name": "stranger", "pr.sourceBranch": "main", "pr.number": "12"}
    ours, theirs = (changed(BUILD, resource__triggerInfo=each) for each in ({}, trigger))
    event = read(theirs)
    assert event.correlation_key != read(ours).correlation_key == MAIN
    assert (event.attributes["branch"], event.attributes["fork"]) == ("stranger:main", True)
    assert "on stranger:main" in summary(event)
    theirs["resource"]["sourceBranch"] = "refs/pull/12/merge"
    assert read(theirs).correlation_key == PULL
    assert "on stranger:main for PR 12" in summary(read(theirs))
    del trigger["pr.sender.name"]
    assert read(changed(BUILD, resource__triggerInfo=trigger)).attributes["branch"] == "fork:main"


@pytest.mark.parametrize(
    ("event", "state", "ignored"),
    [
        ("run", "inProgress", True),
        ("run", "canceling", True),
        ("stage", "notStarted", True),
        ("stage", "running", True),
        ("stage", "waiting", False),
        ("job", "waiting", True),
        ("job", "running", True),
        ("stage", "dreaming", False),
    ],
)
def test_only_an_end_and_a_wait_for_somebody_are_posted(event, state, ignored):
    payload = sample(f"ms.vss-pipelines.{event}-state-changed-event")
    payload["resource"][event] |= {"state": state, "result": None}
    assert isinstance(answer(payload), Ignored) is ignored
    if not ignored:
        assert read(payload).severity == Severity.INFO
        assert ("is waiting for an approval or a check" if state == "waiting" else "is now “dreaming”") in summary(
            read(payload)
        )


def test_jobs_name_their_stage_and_changes_their_repository():
    job = sample("ms.vss-pipelines.job-state-changed-event")
    job["resource"]["stage"] |= {"displayName": None, "name": "__default"}
    assert summary(read(job)).startswith("Compile of firmware-ci")
    job["resource"]["job"]["name"] = "__default"
    assert summary(read(job)).startswith("firmware-ci 20261123.4 failed")
    other = {"change": {"message": "Bump", "author": {"name": "Zoe"}}, "url": "https://github.com/contoso/lib"}
    job["resource"]["repositories"].append(other)
    assert dict(read(job).facts) == {
        "Change in firmware": f"{TITLE}, by Alex Darrow",
        "Change in lib": "Bump, by Zoe",
    }


@pytest.mark.parametrize(
    ("kind", "line", "severity"),
    [
        (BUILD, "Build 20261123.4 failed", "error"),
        (BUILD, "Build succeeded 7 failed", "error"),
        (BUILD, "Build 20261123.4 dreamed", "info"),
        ("ms.vss-pipelines.run-state-changed-event", "Run 20261123.4 stage failed job Compile succeeded.", "success"),
    ],
)
def test_of_a_build_without_its_resource_the_last_word_is_the_outcome(kind, line, severity):
    event = read(sample(kind) | {"message": {"text": line}, "resource": {"id": 312}})
    assert (summary(event), event.severity) == (line.rstrip("."), severity)


ITEM_UPDATE = "workitem.updated.assigned"


def moved(fields: dict, relations: dict | None = None) -> dict:
    payload = sample(ITEM_UPDATE)
    payload["resource"]["fields"] = {"System.Rev": {"oldValue": 1, "newValue": 2}, **fields}
    payload["resource"]["relations"] = relations or {}
    return payload


def link(name: str, url: str) -> dict:
    return {"rel": "x", "url": url, "attributes": {"name": name}}


BUG = "Bug 7 The pump runs dry"
PARENT = link("Parent", "https://dev.azure.com/contoso/_apis/wit/workItems/5")
PULL_LINK = link("Pull Request", "vstfs:///Git/PullRequestId/0001%2F0002%2F12")


@pytest.mark.parametrize(
    ("relations", "line"),
    [
        ({"added": [PARENT]}, f"Alex Darrow added link Parent 5 to {BUG}"),
        ({"removed": [PARENT]}, f"Alex Darrow removed link Parent 5 from {BUG}"),
        ({"added": [PARENT, PULL_LINK]}, f"Alex Darrow added links Parent 5 and Pull Request 12 to {BUG}"),
        ({"added": [PARENT], "removed": [PULL_LINK]}, f"Alex Darrow changed the links of {BUG}"),
        (
            {"added": [link("pump.csv", "https://x/_apis/wit/attachments/1")]},
            f"Alex Darrow added link pump.csv to {BUG}",
        ),
        ({"added": [{"url": "https://logs.example/7"}]}, f"Alex Darrow added link logs.example/7 to {BUG}"),
    ],
)
def test_links_of_work_items_say_so(relations, line):
    assert summary(read(moved({}, relations))) == line


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"System.BoardColumn": ("New", "Review")}, f"Alex Darrow moved {BUG} on the board to Review"),
        ({"System.BoardLane": ("", "Expedite")}, f"Alex Darrow moved {BUG} on the board to Expedite"),
        ({"Microsoft.VSTS.Common.Priority": (1, 2)}, f"Alex Darrow changed the priority of {BUG} from 1 to 2"),
        (
            {"Microsoft.VSTS.Common.Priority": (1, 2), "System.Title": ("a", "b")},
            f"Alex Darrow changed {BUG}: priority and title",
        ),
        (
            {"System.State": ("New", "Done"), "System.BoardColumn": ("New", "Done")},
            f"Alex Darrow moved {BUG} from New to Done",
        ),
        ({"System.AssignedTo": ("Nora <n@x.example>", "")}, f"Alex Darrow unassigned Nora from {BUG}"),
        ({"System.AssignedTo": ("", "Alex Darrow <a@x.example>")}, f"Alex Darrow assigned {BUG} to themselves"),
        ({"Custom.TeamProject": ("Pump", "Tank")}, f"Alex Darrow changed the project of {BUG} from Pump to Tank"),
    ],
)
def test_changes_of_work_items_say_what_they_change(fields, line):
    event = read(moved({name: {"oldValue": old, "newValue": new} for name, (old, new) in fields.items()}))
    assert summary(event) == line
    assert "Board column" not in dict(event.facts) or "on the board" in line


@pytest.mark.parametrize("name", ["Microsoft.VSTS.Common.StackRank", "WEF_EB32_Kanban.Column", "System.Watermark"])
def test_a_place_in_a_backlog_is_ignored(name):
    assert isinstance(answer(moved({name: {"oldValue": 1, "newValue": 2}})), Ignored)


def test_the_message_of_a_work_item_is_read_from_its_end():
    for action in ("updated", "deleted", "restored", "commented"):
        phrase = "commented on" if action == "commented" else action
        title = "It was updated by Eve (deleted by Eve) updated by Eve"
        payload = sample(f"workitem.{action}" if action != "updated" else "workitem.updated.no_details")
        payload |= {"message": {"text": f"Bug #7 ({title}) {phrase} by Zoe Field.\r\n"}, "resource": None}
        event = read(payload)
        assert (event.actor, event.details["name"]) == ("Zoe Field", title)
        assert event.correlation_key == f"work item {COLLECTION} 7"


def test_who_changed_a_work_item_last_has_not_deleted_it():
    payload = sample("workitem.deleted")
    payload["resource"]["fields"]["System.ChangedBy"] = "Zoe <zoe@contoso.com>"
    assert read(payload).actor == "Mona Lisa"
    assert read(payload | {"message": None, "detailedMessage": None}).actor == ""


@pytest.mark.parametrize(
    ("disabled", "action", "severity"),
    [
        (True, "disabled", "warning"),
        (False, "enabled", "info"),
        (None, "statuschanged", "info"),
        ("x", "statuschanged", "info"),
    ],
)
def test_a_repository_is_disabled_only_if_the_payload_says_so(disabled, action, severity):
    event = read(changed("git.repo.statuschanged", resource__disabled=disabled))
    assert (event.details["action"], event.severity) == (action, severity)


def test_commits_beyond_the_list_are_counted_by_the_message_of_that_very_push():
    payload = changed("git.push", detailedMessage={"text": "Alex Darrow pushed 50 commits to firmware:main\n - x"})
    assert "pushed 50 commits to main" in summary(read(payload))
    assert "and 48 more" in lines(read(payload))
    other = changed("git.push", detailedMessage={"text": "Alex Darrow pushed 50 commits to firmware:main 2\n - x"})
    assert "pushed 2 commits to main" in summary(read(other))


def test_each_key_needs_all_of_its_parts():
    """Where a part is missing, the thread is the event's own, and never that of another object."""
    for name, paths in {
        "git.push": ["resource__repository__id"],
        "git.pullrequest.created": ["resource__repository__id", "resource__pullRequestId"],
        "tfvc.checkin": ["resourceContainers__collection__id"],
        "workitem.created": ["resourceContainers__collection__id"],
        "build.complete": ["resourceContainers__collection__id", "resource__definition__id"],
        "ms.vss-release.release-created-event": ["resource__release__id"],
    }.items():
        for path in paths:
            gone = {path: None, "resource__url": None}
            one, other = (
                changed(name, **gone) | {"id": event_id, "message": {}, "detailedMessage": {}}
                for event_id in ("a", "b")
            )
            first, second = read(one), read(other)
            assert first.correlation_key, (name, path)
            shared = first.correlation_key == second.correlation_key
            assert not shared or first.correlation_key.startswith(("link ", "repo https")), (
                name,
                path,
                first.correlation_key,
            )
            assert "  " not in first.correlation_key


def test_lists_of_people_say_the_same_in_any_order():
    order = random.Random(7)
    for name, path in (
        ("git.pullrequest.updated.approved", "reviewers"),
        ("git.pullrequest.updated.waiting", "reviewers"),
    ):
        payload = sample(name)
        before = summary(read(payload))
        order.shuffle(payload["resource"][path])
        assert summary(read(payload)) == before


@pytest.mark.parametrize("kind", ["manualintervention.pending", "elasticagentpool.resized", "x"])
def test_an_event_that_is_not_known_is_a_plain_post(kind):
    for payload in ({"eventType": kind}, {"eventId": kind, "resource": {"any": {"name": "Sample"}}}):
        event = read(payload)
        assert (event.severity, bool(event.correlation_key)) == (Severity.INFO, True)
        assert kind.replace(".", " ") in summary(event).lower()
    assert summary(event).endswith(": Sample")
    assert summary(read({"resource": {}})) == summary(read({})) == "Azure DevOps: event"
