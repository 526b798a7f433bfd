"""What holds for every event of Bitbucket and GitLab: only what the payload says is posted, and nothing is guessed."""

import copy
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.entries import Target
from bridge.events import Event, Severity, Webhook
from bridge.local.sending import event_name
from bridge.rendering.renderer import Renderer
from bridge.sources import SOURCES
from bridge.sources.base import Ignored
from tests.look import parse

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
RENDERER = Renderer()
NAMES = ("bitbucket", "bitbucket_server", "gitlab")
SAMPLES = [
    pytest.param(name, path.stem, id=f"{name} {path.stem}")
    for name in NAMES
    for path in sorted(SOURCES[name].samples.glob("*.json"))
]


def sample(source: str, name: str) -> Any:
    return json.loads((SOURCES[source].samples / f"{name}.json").read_text())


def events(source: str, name: str, payload: object, **headers: str) -> list[Event]:
    """What the source reads of a payload, which the service sends by the sample's event; none where it is ignored."""
    sent = SOURCES[source].headers(event_name(name, SOURCES[source].event_parts), "d-1")
    found = SOURCES[source].read(Webhook({**sent, **headers}, json.dumps(payload).encode()))
    return [] if isinstance(found, Ignored) else list(found)


def summary(event: Event) -> str:
    return RENDERER.entry(event, "0" * 32, Target("g"), NOW).summary


def card(event: Event) -> str:
    return " ".join(parse(RENDERER.entry(event, "0" * 32, Target("g"), NOW).html).shown)


def put(payload: Any, path: str, value: object) -> Any:
    """The payload with a value at a path; a number is a place in a list."""
    changed = copy.deepcopy(payload)
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
    place = changed
    for part in parents:
        place = place[part]
    place[last] = value
    return changed


# Values that no service has today, where the name of a field does not say that it has one of a list.
UNSEEN = [
    ("bitbucket", "issue.updated.state", "changes.status.new", "in_orbit", "in orbit"),
    ("bitbucket_server", "pr.opened", "eventKey", "pr:sent_to_orbit", "sent to orbit"),
    ("bitbucket_server", "pr.opened", "eventKey", "pr:reviewer:sent_to_orbit", "sent to orbit"),
    ("bitbucket_server", "pr.comment.added", "eventKey", "pr:comment:sent_to_orbit", "sent to orbit"),
    ("bitbucket_server", "repo.comment.added", "eventKey", "repo:comment:sent_to_orbit", "sent to orbit"),
    ("bitbucket_server", "repo.forked", "eventKey", "repo:sent_to_orbit", "sent to orbit"),
    ("gitlab", "pipeline.success", "object_attributes.source", "moon_phase", "started by moon phase"),
    ("gitlab", "user_add_to_group", "group_access", "Astronaut", "as Astronaut"),
    ("gitlab", "project_create", "event_name", "project_sent_to_orbit", "sent to orbit"),
]


@pytest.mark.parametrize(("source", "name", "path", "value", "shown"), UNSEEN)
def test_an_unseen_value_is_shown_in_plain_words_and_judged_by_nobody(source, name, path, value, shown):
    (event,) = events(source, name, put(sample(source, name), path, value))
    assert shown in summary(event)
    assert "source" in path or event.severity is Severity.INFO


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("pullrequest.created", "pullrequest.sent_to_orbit"),
        ("pullrequest.comment_created", "pullrequest.comment_sent_to_orbit"),
        ("issue.created", "issue.sent_to_orbit"),
        ("issue.comment_created", "issue.comment_sent_to_orbit"),
        ("repo.commit_comment_created", "repo.commit_comment_sent_to_orbit"),
        ("repo.fork", "repo.sent_to_orbit"),
        ("project.updated", "project.sent_to_orbit"),
        ("project.updated", "pipeline.sent_to_orbit"),
    ],
)
def test_an_unseen_event_of_bitbucket_is_posted_in_plain_words(name, event):
    (found,) = events("bitbucket", event, sample("bitbucket", name))
    # The name of a comment's event ends in what was done.
    assert re.search("(sent to )?orbit", summary(found))
    assert found.severity is Severity.INFO


# Samples, and the ids of which each can be a part of their correlation keys.
KEYS = [
    ("bitbucket", "repo.commit_status_updated.stopped", "commit_status.commit commit_status.links"),
    ("bitbucket", "repo.push", "repository.uuid repository.full_name"),
    ("bitbucket", "project.updated", "project.uuid project.key"),
    ("bitbucket_server", "repo.refs_changed", "repository.id repository.slug repository.name"),
    ("gitlab", "push", "project project_id repository"),
    ("gitlab", "merge_request.open", "object_attributes.iid object_attributes.url object_attributes.id"),
    ("gitlab", "issue.open", "object_attributes.iid object_attributes.url object_attributes.id"),
    ("gitlab", "note.issue", "issue.iid issue.url issue.id"),
    ("gitlab", "note.snippet", "snippet object_attributes.noteable_id"),
    ("gitlab", "emoji.award", "issue object_attributes.awardable_id"),
    ("gitlab", "release.create", "tag name"),
    ("gitlab", "wiki_page.create", "object_attributes.slug object_attributes.title"),
    ("gitlab", "milestone.create", "object_attributes.id object_attributes.title"),
    ("gitlab", "feature_flag.on", "object_attributes.id object_attributes.name"),
    ("gitlab", "access_token.project", "object_attributes.id object_attributes.name"),
    ("gitlab", "vulnerability.detected", "object_attributes.url object_attributes.title"),
    ("gitlab", "user_add_to_group", "group_id group_path group_name"),
    ("gitlab", "key_create", "username id"),
]


def without(payload: Any, paths: str) -> Iterator[Any]:
    """The payload without what is at the paths, twice: with a mark by which one differs from the other."""
    for mark in "ab":
        changed = copy.deepcopy(payload)
        for path in paths.split():
            *parents, last = path.split(".")
            place = changed
            for part in parents:
                place = place.get(part) if isinstance(place, dict) else None
            if isinstance(place, dict):
                place.pop(last, None)
        yield {**changed, "mark": mark}


@pytest.mark.parametrize(("source", "name", "paths"), KEYS)
def test_a_key_with_a_part_missing_joins_nothing(source, name, paths):
    one, other = (events(source, name, payload) for payload in without(sample(source, name), paths))
    (left,), (right,) = one, other
    assert left.correlation_key
    assert left.correlation_key != right.correlation_key


def test_an_id_is_not_taken_for_a_number():
    payload = sample("gitlab", "emoji.revoke")
    number = payload["object_attributes"]["awardable_id"]
    del payload["merge_request"]
    (event,) = events("gitlab", "x", payload)
    assert event.correlation_key == f"project 7003 merge request id {number}"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("bitbucket", "pullrequest.updated"),
        ("bitbucket_server", "pr.from_ref_updated"),
        ("bitbucket_server", "pr.modified"),
        ("bitbucket_server", "pr.reviewer.updated"),
        ("gitlab", "merge_request.update.push"),
        ("gitlab", "merge_request.update.ready"),
        ("gitlab", "merge_request.reopen"),
        ("gitlab", "issue.update.labels"),
    ],
)
def test_a_description_is_not_repeated_at_every_update(source, name):
    (event,) = events(source, name, sample(source, name))
    assert not re.search("kept running|takes the controller", card(event))


def bitbucket_fork(payload: Any) -> Any:
    return put(payload, "pullrequest.source.repository", {"uuid": "{f}", "full_name": "stranger/firmware"})


def server_fork(payload: Any) -> Any:
    fork = {"id": 99, "slug": "firmware", "project": {"key": "~stranger"}}
    return put(payload, "pullRequest.fromRef.repository", fork)


def gitlab_fork(payload: Any) -> Any:
    fork = {"path_with_namespace": "stranger/firmware"}
    of_fork = put(payload, "object_attributes.source_project_id", 9999)
    return put(of_fork, "object_attributes.source", fork)


@pytest.mark.parametrize(
    ("source", "name", "fork", "branch"),
    [
        ("bitbucket", "pullrequest.created", bitbucket_fork, "stranger:fix/dry-run"),
        ("bitbucket_server", "pr.opened", server_fork, "~stranger:fix/dry-run"),
        ("gitlab", "merge_request.open", gitlab_fork, "stranger:fix/dry-run"),
    ],
)
def test_the_branch_of_a_fork_is_not_ours(source, name, fork, branch):
    payload = sample(source, name)
    (ours,), (theirs,) = events(source, name, payload), events(source, name, fork(payload))
    assert ours.attributes["source_branch"] == "fix/dry-run"
    assert ours.attributes["fork"] is False
    assert theirs.attributes["source_branch"] == branch
    assert theirs.attributes["fork"] is True
    assert f"{branch} → main" in card(theirs)
    assert ours.correlation_key == theirs.correlation_key  # it is for our repository, and reviewed there


def test_a_fork_that_is_gone_or_has_our_owner_is_not_ours_either():
    payload = sample("bitbucket", "pullrequest.created")
    (gone,) = events("bitbucket", "pullrequest.created", put(payload, "pullrequest.source.repository", None))
    assert gone.attributes["source_branch"] == "deleted fork:fix/dry-run"
    copied = put(payload, "pullrequest.source.repository", {"uuid": "{f}", "full_name": "contoso/firmware-2"})
    (ours,) = events("bitbucket", "pullrequest.created", copied)
    assert ours.attributes["source_branch"] == "contoso/firmware-2:fix/dry-run"


def test_the_build_of_a_forks_commit_is_not_on_our_branch():
    payload = sample("bitbucket", "repo.commit_status_updated.failed")
    (ours,) = events("bitbucket", "repo.commit_status_updated", payload)
    fork = {"uuid": "{f}", "full_name": "stranger/firmware"}
    (theirs,) = events("bitbucket", "repo.commit_status_updated", put(payload, "commit_status.repository", fork))
    assert (ours.attributes["branch"], theirs.attributes["branch"]) == ("main", "stranger:main")
    assert theirs.correlation_key == "repo f refs/heads/main" != ours.correlation_key
    assert "failed on stranger:main" in summary(theirs)


@pytest.mark.parametrize(("project", "branch"), [(9999, "stranger:fix/dry-run"), (7003, "fork:fix/dry-run")])
def test_a_pipeline_of_a_forks_merge_request_names_the_fork(project, branch):
    payload = put(sample("gitlab", "pipeline.failed"), "merge_request.source_project_id", 9999)
    payload = put(payload, "project.id", project)
    if project == 9999:
        payload = put(payload, "project.path_with_namespace", "stranger/firmware")
    (event,) = events("gitlab", "pipeline.failed", payload)
    assert event.attributes["branch"] == branch
    assert event.attributes["fork"] is True
    assert f"failed on {branch} for !12" in summary(event)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("push", "started by Alex Darrow"),
        ("web", "started by Alex Darrow"),
        ("schedule", "started by its schedule"),
        ("trigger", "started by a trigger token"),
        ("pipeline", "started by another pipeline"),
        ("security_orchestration_policy", "started by a security policy"),
    ],
)
def test_machines_and_schedules_are_not_people(source, words):
    payload = put(sample("gitlab", "pipeline.success"), "object_attributes.source", source)
    (event,) = events("gitlab", "pipeline.success", payload)
    assert summary(event).endswith(words)
    assert ("Alex Darrow" in card(event)) == ("Alex" in words)


@pytest.mark.parametrize("status", ["approved", "rejected"])
def test_who_approves_a_deployment_is_named_and_not_who_started_it(status):
    payload = put(sample("gitlab", "deployment.failed"), "status", status)
    voted = {**payload, "approver": {"name": "Olga Ops", "username": "olga"}, "approval": {"comment": "Not today"}}
    (event,) = events("gitlab", "deployment.failed", voted)
    assert summary(event) == f"Olga Ops {status} the deployment of 3c3c3c3 to production: Not today"
    (unknown,) = events("gitlab", "deployment.failed", payload)
    assert summary(unknown) == f"The deployment of 3c3c3c3 to production was {status}"


def test_a_reviewer_whose_state_another_changed_did_nothing():
    payload = sample("gitlab", "merge_request.update.requested_changes")
    (event,) = events("gitlab", "x", put(payload, "user", {"name": "Alex Darrow", "username": "alexd", "id": 41}))
    assert summary(event).startswith("Alex Darrow changed the reviewers of !12")
    assert "Mona Lisa (review started) → Mona Lisa (requested changes)" in card(event)


def test_reviewers_come_as_two_lists_too():
    payload = sample("gitlab", "merge_request.update.requested_changes")
    change = payload["changes"]["reviewers"]
    payload["changes"]["reviewers"] = [change["previous"], change["current"]]
    (event,) = events("gitlab", "x", payload)
    assert summary(event).startswith("Mona Lisa requested changes to !12")


def test_a_commit_is_written_by_its_author_and_pushed_by_another():
    payload = sample("gitlab", "push")
    for commit in payload["commits"]:
        commit["author"]["name"] = "Nora Banks"
    (event,) = events("gitlab", "push", payload)
    assert "Alex Darrow pushed 3 commits to main, written by Nora Banks" in card(event)


def test_a_deploy_token_expires_and_a_feature_flag_without_a_state_is_neither_on_nor_off():
    payload = sample("gitlab", "access_token.project") | {"object_kind": "deploy_token"}
    (token,) = events("gitlab", "x", payload)
    assert summary(token) == "The deploy token bench-deploy of pump/firmware expires on 30 November 2026"
    assert token.severity is Severity.WARNING
    flag = sample("gitlab", "feature_flag.on")
    del flag["object_attributes"]["active"]
    (event,) = events("gitlab", "x", flag)
    assert summary(event) == "Nora Banks changed the feature flag fast-float-switch"
    assert event.attributes["status"] == ""


def test_a_task_of_bitbucket_is_resolved_where_only_its_state_was_edited():
    payload = put(sample("bitbucket_server", "pr.comment.edited"), "comment.severity", "BLOCKER")
    payload = put(payload, "previousComment", payload["comment"]["text"])
    (event,) = events("bitbucket_server", "x", put(payload, "comment.state", "RESOLVED"))
    assert summary(event).startswith("Mona Lisa resolved a task on #12")
    (event,) = events("bitbucket_server", "x", put(payload, "comment.state", "OPEN"))
    assert summary(event).startswith("Mona Lisa edited a task on #12")


def test_a_form_has_its_payload_in_a_field():
    body = sample("bitbucket", "pullrequest.created")
    form = f"payload={json.dumps(body)}".replace("%", "%25").replace("&", "%26").replace("+", "%2B").encode()
    headers = {"X-Event-Key": "pullrequest:created", "Content-Type": "application/x-www-form-urlencoded"}
    (event,) = SOURCES["bitbucket"].read(Webhook(headers, form))
    assert summary(event).startswith("Alex Darrow opened #12")
