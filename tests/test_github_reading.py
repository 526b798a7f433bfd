"""bridge/sources/github: a post says what is so. Each rule holds over every kind of event that can break it."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.entries import Target
from bridge.events import Event, Severity, Webhook
from bridge.rendering.renderer import Renderer
from bridge.sources.base import Ignored
from bridge.sources.github import GITHUB
from bridge.sources.github.kinds import KINDS
from tests.amounts import one_in
from tests.look import parse

SAMPLES = {
    path.name.removesuffix(".json"): json.loads(path.read_bytes())
    for path in sorted((Path(__file__).parent.parent / "bridge/sources/github/samples").glob("*.json"))
    if path.name not in {"ping.json", "deployment.created.json"}  # which are ignored
}
FIXTURES = Path(__file__).parent.parent.parent / "shared" / "fixtures" / "github"
TARGET = Target("3c1d0d4e-0000-0000-0000-000000000000")
RENDERER = Renderer(titles={"github": "GitHub"})
STRANGERS = {"id": 555, "full_name": "stranger/pump", "fork": True, "owner": {"login": "stranger"}}


def answer(name: str, payload: Mapping[str, Any]) -> Event | Ignored:
    found = GITHUB.read(Webhook(GITHUB.headers(name.partition(".")[0], "d-1"), json.dumps(payload).encode()))
    return found if isinstance(found, Ignored) else found[0]


def read(name: str, payload: Mapping[str, Any]) -> Event:
    event = answer(name, payload)
    assert isinstance(event, Event), event
    return event


def post(event: Event) -> str:
    """Everything that its post says."""
    entry = RENDERER.entry(event, "0" * 32, TARGET, datetime(2026, 11, 23, 15, tzinfo=UTC))
    return f"{entry.topic}\n{entry.summary}\n{parse(entry.html).text}"


def summary(event: Event) -> str:
    return RENDERER.entry(event, "0" * 32, TARGET, datetime(2026, 11, 23, 15, tzinfo=UTC)).summary


def changed(sample: str, **changes: Any) -> dict[str, Any]:
    """A sample with other values at some paths; `__` is a dot. A path whose value is ... is left out."""
    payload = copy.deepcopy(SAMPLES[sample])
    for path, value in changes.items():
        *outer, last = path.split("__")
        place = payload
        for name in outer:
            place = place[name]
        if value is ...:
            place.pop(last, None)
        else:
            place[last] = value
    return payload


# Every enumeration of GitHub's that decides something, by where a sample has it.
ENUMERATIONS = [
    *[(name, "action") for name, payload in SAMPLES.items() if "action" in payload],
    ("workflow_run.completed", "workflow_run__conclusion"),
    ("workflow_run.completed", "workflow_run__event"),
    ("workflow_job.completed", "workflow_job__conclusion"),
    ("check_run.completed", "check_run__conclusion"),
    ("check_suite.completed", "check_suite__conclusion"),
    ("deployment_status.created", "deployment_status__state"),
    ("status", "state"),
    ("page_build", "build__status"),
    ("repository_import", "status"),
    ("dependabot_alert.created", "alert__state"),
    ("dependabot_alert.created", "alert__security_vulnerability__severity"),
    ("code_scanning_alert.created", "alert__rule__security_severity_level"),
    ("secret_scanning_alert.created", "alert__state"),
    ("secret_scanning_alert.resolved", "alert__resolution"),
    ("security_advisory.published", "security_advisory__severity"),
    ("pull_request_review.submitted", "review__state"),
    ("issues.closed", "issue__state_reason"),
    ("merge_group.destroyed", "reason"),
    ("pull_request.dequeued", "reason"),
    ("projects_v2_item.edited", "projects_v2_item__content_type"),
    ("projects_v2_status_update.created", "projects_v2_status_update__status"),
    ("create", "ref_type"),
]
# Where what is shown is something else than the unseen word.
NOT_SHOWN = {"alert__state", "projects_v2_item__content_type"}
# An action that says nothing: what is sent is the action itself, or there is only one.
CONSTANT = {"repository_dispatch"}
BY_STATE = {"workflow_run", "workflow_job", "check_run", "check_suite", "deployment_status"}
OWN_SEVERITY = {"secret_scanning_alert", "secret_scanning_alert_location"}


@pytest.mark.parametrize(("sample", "path"), ENUMERATIONS)
def test_an_unseen_value_is_shown_in_plain_words_and_is_neutral(sample: str, path: str) -> None:
    event = read(sample, changed(sample, **{path: "Quite_New"}))
    name = sample.partition(".")[0]
    if path not in NOT_SHOWN and not (path == "action" and name in CONSTANT | BY_STATE):
        assert "quite new" in post(event).lower()
    by_state = path == "action" and name in BY_STATE
    by_level = path == "action" and name.endswith(("_alert", "_alert_location", "_advisory"))
    if path != "workflow_run__event" and name not in OWN_SEVERITY and not by_state and not by_level:
        assert event.severity is Severity.INFO
    lines = post(event).lower()
    if path.endswith(("conclusion", "state")) and not sample.startswith(("pull_request", "workflow_job")):
        assert not any(word in lines for word in (" failed", " succeeded", " was fixed"))


STATE_WORDS = "failed approved merged rejected deleted resolved critical, withdrew changes requested by octocat"
FREE = {
    *("title", "body", "name", "message", "description", "summary", "display_title", "text", "label", "note"),
    *("full_description", "dismissed_comment", "resolution_comment", "short_description", "context", "identifier"),
}


def filled(value: Any, text: str) -> Any:
    """The payload with this text in every name, title and comment."""
    if isinstance(value, dict):
        return {
            name: text if name in FREE and isinstance(item, str) else filled(item, text) for name, item in value.items()
        }
    return [filled(item, text) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("sample", SAMPLES)
def test_names_titles_and_comments_decide_nothing(sample: str) -> None:
    event, other = read(sample, SAMPLES[sample]), read(sample, filled(SAMPLES[sample], STATE_WORDS))
    assert (event.kind, event.severity, event.actor, event.details["action"]) == (
        other.kind,
        other.severity,
        other.actor,
        other.details["action"],
    )


def lists(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where a payload has lists of more than one object."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, list) and len(value) > 1 and all(isinstance(item, dict) for item in value):
        yield path
    for name, item in items:
        yield from lists(item, (*path, name))


def reversed_at(payload: Any, path: tuple[str | int, ...]) -> Any:
    found = copy.deepcopy(payload)
    place = found
    for name in path:
        place = place[name]
    place.reverse()
    return found


PEOPLE = [
    ("pull_request.opened", "pull_request__requested_reviewers", ["hubot", "octocat", "norab"]),
    ("pull_request.opened", "pull_request__assignees", ["hubot", "octocat", "norab"]),
    ("issues.closed", "issue__assignees", ["hubot", "octocat", "norab"]),
]


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_order_of_a_list_decides_nothing(sample: str) -> None:
    event = read(sample, SAMPLES[sample])
    for path in lists(SAMPLES[sample]):
        other = read(sample, reversed_at(SAMPLES[sample], path))
        assert (other.actor, other.severity, other.correlation_key) == (
            event.actor,
            event.severity,
            event.correlation_key,
        ), path
        assert other.details["action"] == event.details["action"], path


@pytest.mark.parametrize("order", [["octocat", "hubot"], ["hubot", "octocat"]])
def test_who_approved_is_named_and_not_who_was_asked_first(order: list[str]) -> None:
    reviewers = [{"type": "User", "reviewer": {"login": login}} for login in order]
    approved = read("deployment_review.approved", changed("deployment_review.approved", reviewers=reviewers))
    assert approved.actor == "octocat"
    assert summary(approved).startswith("octocat approved the deployment of Release #44")
    assert "hubot" not in post(approved)
    requested = read("deployment_review.requested", changed("deployment_review.requested", reviewers=reviewers))
    assert requested.actor == ""
    assert f"waiting for a review by {order[0]} or {order[1]}" in summary(requested)


def test_without_an_approver_the_sender_has_acted_and_without_a_sender_nobody_is_named() -> None:
    payload = changed("deployment_review.approved", approver=...)
    assert read("deployment_review.approved", payload).actor == "octocat"
    del payload["sender"]
    assert "octocat approved" not in post(read("deployment_review.approved", payload))


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, item in value.items():
        yield (*path, name)
        if isinstance(item, dict) and len(path) < 2:
            yield from leaves(item, (*path, name))


def of_home(key: str) -> list[str]:
    """The words of a key without its repository or organization: most ids are all of GitHub's."""
    return re.sub(r"^(repo|org|installation) \d+ |^github ", "", key).split()


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_key_with_a_part_missing_is_no_key(sample: str) -> None:
    """Whatever is left out: two deliveries still share a key only if it is a whole one, as of a run its branch."""
    key, text = read(sample, SAMPLES[sample]).correlation_key, json.dumps(SAMPLES[sample])
    for path in one_in(3, list(leaves(SAMPLES[sample])), len(sample)):
        without = changed(sample, **{"__".join(path): ...})
        first, second = answer(sample, without), answer(sample, without | {"another": "delivery"})
        if isinstance(first, Ignored) or isinstance(second, Ignored) or first.correlation_key == key:
            continue
        if first.correlation_key == second.correlation_key:
            *words, last = of_home(first.correlation_key)
            assert len(words) >= len(of_home(key)) - 1, path
            assert f'"{last}"' in text or f": {last}" in text or last == key.split()[-1], path


REPLAYED_AS = {
    "branch_protection_configuration": {"repository"},
    "public": {"repository"},
    "security_and_analysis": {"repository"},
    "watch": {"repository"},
    "team_add": {"team"},
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_replay_under_another_event_is_a_repeat_and_says_nothing_that_did_not_happen(sample: str) -> None:
    own, event = sample.partition(".")[0], read(sample, SAMPLES[sample])
    rendered = set()  # most replays are alike
    for name in one_in(4, [*KINDS, "invented"], len(sample)):
        replay = answer(name, SAMPLES[sample])
        if name == own or isinstance(replay, Ignored):
            continue
        assert replay.dedup_key == event.dedup_key
        if name in REPLAYED_AS.get(own, ()) or own == "github_app_authorization":
            continue
        assert replay.kind.partition(".")[0] == ("event" if name in KINDS else name)
        assert replay.severity is Severity.INFO
        if (replay.kind, replay.title) not in rendered:
            rendered.add((replay.kind, replay.title))
            assert summary(replay).startswith(replay.title)


def test_no_body_of_githubs_own_is_taken_for_one_of_another_event() -> None:
    for path in FIXTURES.glob("*.json"):
        name = path.name.partition("__")[0].partition(".")[0]
        found = answer(name, json.loads(path.read_bytes()))
        assert isinstance(found, Ignored) or found.kind.partition(".")[0] == name, path.name


UNDER_WAY = [
    *[("workflow_run.completed", "workflow_run", state) for state in ("requested", "queued", "pending", "in_progress")],
    *[("workflow_job.completed", "workflow_job", state) for state in ("queued", "pending", "in_progress")],
    *[("check_run.completed", "check_run", state) for state in ("queued", "pending", "in_progress")],
    *[("check_suite.completed", "check_suite", state) for state in ("queued", "in_progress")],
]


@pytest.mark.parametrize(("sample", "thing", "state"), UNDER_WAY)
def test_what_has_not_ended_is_ignored(sample: str, thing: str, state: str) -> None:
    payload = changed(sample, **{"action": state, f"{thing}__status": state, f"{thing}__conclusion": None})
    assert isinstance(answer(sample, payload), Ignored)
    waiting = read(sample, payload | {thing: payload[thing] | {"status": "waiting"}})
    assert waiting.severity is Severity.WARNING
    assert "waiting for approval" in summary(waiting)


@pytest.mark.parametrize("state", ["queued", "pending", "in_progress"])
def test_a_deployment_that_has_not_ended_is_ignored(state: str) -> None:
    sample = "deployment_status.created"
    assert isinstance(answer(sample, changed(sample, deployment_status__state=state)), Ignored)
    waiting = read(sample, changed(sample, deployment_status__state="waiting"))
    assert waiting.severity is Severity.WARNING


def test_a_status_and_a_build_of_pages_that_have_not_ended_are_ignored() -> None:
    assert isinstance(answer("status", changed("status", state="pending")), Ignored)
    assert isinstance(answer("page_build", changed("page_build", build__status="building")), Ignored)


def test_a_run_that_needs_somebody_is_posted_whatever_its_action() -> None:
    payload = changed("workflow_run.completed", action="requested", workflow_run__conclusion="action_required")
    event = read("workflow_run", payload)
    assert event.severity is Severity.WARNING
    assert "needs action" in summary(event)


FORKS = [
    ("workflow_run.completed", "workflow_run__head_repository", "repo 900100 workflow CI stranger:main"),
    ("workflow_job.completed", "workflow_job__head_repository", "repo 900100 workflow CI stranger:main"),
    ("check_suite.completed", "check_suite__head_repository", "repo 900100 checks github-actions stranger:main"),
    ("deployment_review.requested", "workflow_run__head_repository", "repo 900100 workflow Release stranger:main"),
    ("deployment_review.approved", "workflow_run__head_repository", "repo 900100 workflow Release stranger:main"),
]


@pytest.mark.parametrize(("sample", "path", "key"), FORKS)
def test_what_runs_of_a_fork_is_kept_apart_from_ours(sample: str, path: str, key: str) -> None:
    ours, theirs = read(sample, SAMPLES[sample]), read(sample, changed(sample, **{path: STRANGERS}))
    assert (ours.attributes["branch"], ours.attributes["fork"]) == ("main", False)
    assert (theirs.attributes["branch"], theirs.attributes["fork"]) == ("stranger:main", True)
    assert theirs.correlation_key == key != ours.correlation_key
    assert "stranger:main" in theirs.title
    assert "stranger:main" in summary(theirs)
    own = {"id": 900100, "full_name": "contoso/pump", "fork": True}
    assert read(sample, changed(sample, **{path: own})).correlation_key == ours.correlation_key


def test_a_fork_that_is_gone_is_not_ours() -> None:
    event = read("workflow_run", changed("workflow_run.completed", workflow_run__head_repository=None))
    assert event.attributes["branch"] == "deleted fork:main"
    assert event.correlation_key == "repo 900100 workflow CI deleted fork:main"


@pytest.mark.parametrize("sample", ["deployment_protection_rule.requested", "deployment_status.created"])
def test_what_is_deployed_of_a_fork_is_said(sample: str) -> None:
    payload = changed(sample, deployment__ref="main") | {"workflow_run": {"head_repository": STRANGERS}}
    event = read(sample, payload)
    assert event.title == "Deployment of stranger:main (c1dfd96) to production"
    assert (event.attributes["branch"], event.attributes["fork"]) == ("stranger:main", True)
    assert "stranger:main" in summary(event)


def test_a_rule_knows_a_fork_by_its_pull_request() -> None:
    sample = "deployment_protection_rule.requested"
    sha = SAMPLES[sample]["deployment"]["sha"]
    head = {"sha": sha, "ref": "main", "repo": {"id": 555, "url": "https://api.github.com/repos/stranger/pump"}}
    event = read(sample, changed(sample, deployment__ref="main", pull_requests=[{"number": 3, "head": head}]))
    assert event.attributes["branch"] == "stranger:main"
    assert "stranger:main" in summary(event)


def test_a_check_without_a_branch_is_of_its_commit() -> None:
    """As GitHub sends checks of forks."""
    payload = changed("check_run.completed", check_run__pull_requests=[])
    payload["check_run"]["check_suite"]["head_branch"] = None
    event = read("check_run", payload)
    sha = payload["check_run"]["head_sha"]
    assert event.correlation_key == f"repo 900100 check bench-test {sha}"
    assert event.title == f"bench-test on {sha[:7]}"
    assert event.attributes["branch"] == ""


def test_a_pull_request_of_a_fork_names_its_owner() -> None:
    payload = changed("pull_request.opened")
    payload["pull_request"]["head"] |= {"ref": "main", "repo": STRANGERS}
    event = read("pull_request", payload)
    assert (event.attributes["branch"], event.attributes["fork"]) == ("main", True)
    assert "stranger:main → main" in post(event)
    payload["pull_request"]["head"] |= {"repo": None, "label": "stranger:main"}
    assert "stranger:main → main" in post(read("pull_request", payload))


@pytest.mark.parametrize("order", [1, -1])
def test_a_status_is_of_the_branch_that_ends_with_its_commit(order: int) -> None:
    sha = SAMPLES["status"]["sha"]
    branches = [
        {"name": "fix/noise", "commit": {"sha": sha}},
        {"name": "ahead", "commit": {"sha": "f" * 40}},
        {"name": "main", "commit": {"sha": sha}},
    ]
    event = read("status", changed("status", branches=branches[::order]))
    assert event.attributes["branch"] == "main"
    assert event.correlation_key == "repo 900100 status bench/endurance main"
    event = read("status", changed("status", branches=branches[1::-order][:2] if order == 1 else branches[:2]))
    assert event.attributes["branch"] == "fix/noise"


SCHEDULED = [
    ("workflow_run.completed", "started by its schedule"),
    ("deployment_status.created", "started by its schedule"),
]


@pytest.mark.parametrize(("sample", "said"), SCHEDULED)
def test_a_schedule_is_nobody(sample: str, said: str) -> None:
    """GitHub names the author of the workflow's last change as the actor, and as the sender."""
    someone = {"login": "norab"}
    run = {"event": "schedule", "actor": someone, "triggering_actor": someone, "run_attempt": 1}
    payload = SAMPLES[sample] | {"sender": someone}
    payload["workflow_run"] = (SAMPLES[sample].get("workflow_run") or {}) | run
    event = read(sample, payload)
    assert said in summary(event)
    assert "norab" not in post(event)
    assert event.actor == ""


def test_who_runs_a_schedule_again_is_somebody() -> None:
    run = {"event": "schedule", "actor": {"login": "norab"}, "triggering_actor": {"login": "hubot"}, "run_attempt": 2}
    event = read("workflow_run", changed("workflow_run.completed", **{f"workflow_run__{k}": v for k, v in run.items()}))
    assert "at attempt 2, started by hubot" in summary(event)


@pytest.mark.parametrize("sample", ["deployment_review.requested", "deployment_review.approved"])
def test_a_schedule_that_waits_for_a_review_was_started_by_nobody(sample: str) -> None:
    event = read(sample, changed(sample, workflow_run__event="schedule"))
    assert "Started by" not in dict(event.facts)


QUEUE = {"login": "github-merge-queue[bot]", "type": "Bot"}


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        ("push", "The merge queue pushed 3 commits to main"),
        ("pull_request.closed", "The merge queue merged #12 Stop the pump when the tank is empty into main"),
        (
            "pull_request.dequeued",
            "The merge queue removed #12 Stop the pump when the tank is empty: its checks failed",
        ),
    ],
)
def test_the_merge_queue_is_nobody(sample: str, said: str) -> None:
    event = read(sample, SAMPLES[sample] | {"sender": QUEUE, "pusher": {"name": QUEUE["login"]}})
    assert summary(event).startswith(said)
    assert "[bot]" not in post(event)
    assert (event.actor, event.attributes["sender"]) == ("", QUEUE["login"])


def test_a_run_of_the_merge_queue_was_started_by_it() -> None:
    run = {"event": "merge_group", "actor": QUEUE, "triggering_actor": QUEUE}
    event = read("workflow_run", changed("workflow_run.completed", **{f"workflow_run__{k}": v for k, v in run.items()}))
    assert "started by the merge queue" in summary(event)


def test_commits_by_others_name_their_authors() -> None:
    commits = [
        {"id": "a" * 40, "message": "One", "author": {"name": "Nora Banks", "username": "norab"}},
        {"id": "b" * 40, "message": "Two", "author": {"name": "John Snow"}},
    ]
    assert "monalisa pushed 2 commits to main, written by John Snow and norab" in post(
        read("push", changed("push", commits=commits))
    )
    pusher = {"name": "monalisa", "email": "mona@example.com"}
    named = [commits[0] | {"author": {"name": "Mona Lisa", "email": "mona@example.com"}}]
    assert "written by" not in post(read("push", changed("push", commits=named, pusher=pusher)))
    mine = [commits[0] | {"author": {"username": "monalisa"}}]
    assert "written by" not in post(read("push", changed("push", commits=mine)))
    both = [*mine, commits[0]]
    assert "written by norab and monalisa" in post(read("push", changed("push", commits=both)))


ACTED = [
    ("pull_request.closed", {"pull_request__merged_by": {"login": "norab"}}, "norab merged #12"),
    ("pull_request.closed", {"pull_request__merged_by": None}, "#12 Stop the pump when the tank is empty was merged"),
    (
        "pull_request.closed",
        {"pull_request__merged_by": None, "pull_request__merged": False, "pull_request__merged_at": None},
        "#12 Stop the pump when the tank is empty was closed without merging",
    ),
    ("pull_request.opened", {}, "monalisa opened #12"),
    ("pull_request_review.submitted", {}, "hubot approved #12"),
    ("issue_comment.created", {}, "octocat commented on #7"),
    ("issues.labeled", {}, "Somebody added label bug to #7"),
]


@pytest.mark.parametrize(("sample", "changes", "said"), ACTED)
def test_without_a_sender_only_the_one_who_acted_is_named(sample: str, changes: dict[str, Any], said: str) -> None:
    assert summary(read(sample, changed(sample, sender=..., **changes))).startswith(said)


def test_a_closed_pull_request_is_unmerged_only_where_that_is_said() -> None:
    unmerged = {"pull_request__merged_at": None, "pull_request__merged": False}
    assert "without merging" in summary(read("pull_request", changed("pull_request.closed", **unmerged)))
    unknown = {"pull_request__merged_at": ..., "pull_request__merged": ...}
    assert "merg" not in summary(read("pull_request", changed("pull_request.closed", **unknown)))


@pytest.mark.parametrize("action", ["synchronize", "edited", "labeled", "review_requested", "closed", "reopened"])
def test_a_description_is_not_repeated(action: str) -> None:
    payload = changed("pull_request.opened", action=action, changes={"title": {"from": "Old"}})
    payload["pull_request"] |= {"body": "The controller kept running dry."}
    assert "kept running dry" not in post(read("pull_request", payload))


def test_of_an_edit_the_new_lines_are_shown() -> None:
    payload = changed("issue_comment.created", action="edited", changes={"body": {"from": "One\nTwo"}})
    payload["comment"]["body"] = "One\nTwo\nThree"
    event = read("issue_comment", payload)
    assert summary(event) == "octocat edited a comment on #7 The pump runs dry: Three"
    assert "Two" not in post(event)


def test_who_edits_a_comment_of_another_is_not_its_author() -> None:
    payload = changed(
        "issue_comment.created", action="edited", sender={"login": "hubot"}, changes={"body": {"from": ""}}
    )
    assert summary(read("issue_comment", payload)).startswith("hubot edited a comment by octocat on #7")


def test_what_is_deleted_is_not_quoted() -> None:
    payload = changed("issue_comment.created", action="deleted")
    payload["comment"]["body"] = "a password"
    assert "a password" not in post(read("issue_comment", payload))


def test_only_a_revoked_secret_is_harmless() -> None:
    for resolution in ("wont_fix", "false_positive", "used_in_tests", None):
        payload = changed("secret_scanning_alert.resolved", alert__resolution=resolution)
        assert read("secret_scanning_alert", payload).severity is Severity.INFO


def test_an_import_that_failed_is_not_one() -> None:
    event = read("repository_import", changed("repository_import", status="failure"))
    assert event.severity is Severity.ERROR
    assert "failed" in summary(event)


def test_an_id_of_any_length_is_a_key() -> None:
    for sample, path in [("workflow_run.completed", "workflow_run__name"), ("push", "ref")]:
        one, other = (
            read(sample, changed(sample, **{path: "refs/heads/" + "x" * 33_000 + end})).correlation_key
            for end in ("a", "b")
        )
        assert one != other
        assert len(one) <= 255
