"""templates/github: every event of GitHub's reference in its own words."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.entries import Entry, Target, entry_id
from bridge.events import Event, Webhook
from bridge.rendering.renderer import Renderer
from bridge.sources.base import Ignored
from bridge.sources.github import GITHUB
from bridge.sources.github.kinds import KINDS
from tests.look import parse, remnants

SAMPLES = Path(__file__).parent.parent / "bridge/sources/github/samples"
FIXTURES = Path(__file__).parent.parent.parent / "shared" / "fixtures" / "github"
NOW = datetime(2026, 11, 23, 15, 5, tzinfo=UTC)
TARGET = Target("3c1d0d4e-0000-0000-0000-000000000000")
RENDERER = Renderer(titles={"github": "GitHub"})

# https://docs.github.com/webhooks/webhook-events-and-payloads: every event with its actions.
REFERENCE = """
branch_protection_configuration: disabled enabled
branch_protection_rule: created deleted edited
check_run: completed created requested_action rerequested
check_suite: completed requested rerequested
code_scanning_alert: appeared_in_branch closed_by_user created fixed reopened reopened_by_user
commit_comment: created
create:
custom_property: created deleted promote_to_enterprise updated
custom_property_values: updated
delete:
dependabot_alert: auto_dismissed auto_reopened created dismissed fixed reintroduced reopened
deploy_key: created deleted
deployment: created
deployment_protection_rule: requested
deployment_review: approved rejected requested
deployment_status: created
discussion: answered category_changed closed created deleted edited labeled locked pinned reopened transferred
discussion: unanswered unlabeled unlocked unpinned
discussion_comment: created deleted edited
fork:
github_app_authorization: revoked
gollum:
installation: created deleted new_permissions_accepted suspend unsuspend
installation_repositories: added removed
installation_target: renamed
issue_comment: created deleted edited
issue_dependencies: blocked_by_added blocked_by_removed blocking_added blocking_removed
issues: assigned closed deleted demilestoned edited labeled locked milestoned opened pinned reopened transferred typed
issues: unassigned unlabeled unlocked unpinned untyped
label: created deleted edited
marketplace_purchase: cancelled changed pending_change pending_change_cancelled purchased
member: added edited removed
membership: added removed
merge_group: checks_requested destroyed
meta: deleted
milestone: closed created deleted edited opened
org_block: blocked unblocked
organization: deleted member_added member_invited member_removed renamed
package: published updated
page_build:
personal_access_token_request: approved cancelled created denied
ping:
project: closed created deleted edited reopened
project_card: converted created deleted edited moved
project_column: created deleted edited moved
projects_v2: closed created deleted edited reopened
projects_v2_item: archived converted created deleted edited reordered restored
projects_v2_status_update: created deleted edited
public:
pull_request: assigned auto_merge_disabled auto_merge_enabled closed converted_to_draft demilestoned dequeued edited
pull_request: enqueued labeled locked milestoned opened ready_for_review reopened review_request_removed
pull_request: review_requested synchronize unassigned unlabeled unlocked
pull_request_review: dismissed edited submitted
pull_request_review_comment: created deleted edited
pull_request_review_thread: resolved unresolved
push:
registry_package: published updated
release: created deleted edited prereleased published released unpublished
repository: archived created deleted edited privatized publicized renamed transferred unarchived
repository_advisory: published reported
repository_dispatch: anything
repository_import:
repository_ruleset: created deleted edited
repository_vulnerability_alert: create dismiss reopen resolve
secret_scanning_alert: assigned created publicly_leaked reopened resolved unassigned validated
secret_scanning_alert_location: created
secret_scanning_scan: completed
security_advisory: published updated withdrawn
security_and_analysis:
sponsorship: cancelled created edited pending_cancellation pending_tier_change tier_changed
star: created deleted
status:
sub_issues: parent_issue_added parent_issue_removed sub_issue_added sub_issue_removed
team: added_to_repository created deleted edited removed_from_repository
team_add:
watch: started
workflow_dispatch:
workflow_job: completed in_progress queued waiting
workflow_run: completed in_progress requested
"""
ACTIONS = [
    (name, action)
    for name, _, actions in (line.partition(":") for line in REFERENCE.split("\n") if line)
    for action in actions.split() or [""]
]
NAMES = {name for name, _ in ACTIONS}
# Posts that depend on the state and not on the action.
BY_STATE = {"check_run", "check_suite", "page_build", "status", "deployment_status", "workflow_job", "workflow_run"}
IGNORED = {("ping", ""), ("check_suite", "requested"), ("deployment", "created"), ("merge_group", "checks_requested")}


def events(name: str, body: bytes) -> list[Event]:
    answer = GITHUB.read(Webhook(GITHUB.headers(name, "d-1"), body))
    return [] if isinstance(answer, Ignored) else list(answer)


def entry_of(event: Event) -> Entry:
    return RENDERER.entry(event, entry_id(event, 0, TARGET.group), TARGET, NOW)


def name_of(path: Path) -> str:
    return path.name.partition("__")[0].partition(".")[0]


def card_of(sample: str) -> str:
    (event,) = events(sample.partition(".")[0], (SAMPLES / f"{sample}.json").read_bytes())
    return parse(entry_of(event).html).text


def payloads() -> Iterator[tuple[Path, Event]]:
    for path in sorted([*SAMPLES.glob("*.json"), *FIXTURES.glob("*.json")]):
        for event in events(name_of(path), path.read_bytes()):
            yield path, event


def test_every_event_has_its_kind_and_a_sample() -> None:
    assert KINDS.keys() == NAMES - {"ping"}
    assert {name_of(path) for path in SAMPLES.glob("*.json")} == NAMES


@pytest.mark.parametrize("name", sorted({name for name, _ in ACTIONS}))
def test_every_action_has_a_sentence_of_its_own(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Also where the payload has nothing to say it with."""
    for action in (action for each, action in ACTIONS if each == name and (each, action) not in IGNORED):
        payload = {"sender": {"login": "octocat"}, **({"action": action} if action else {})}
        (event,) = events(name, json.dumps(payload).encode())
        entry = entry_of(event)
        assert not caplog.records, action
        assert remnants(entry.topic, entry.summary, entry.html, payload) == [], action
        # The name of an action is no sentence: `octocat ready for review #12`.
        assert "_" not in action or not entry.summary.startswith(f"octocat {action.replace('_', ' ')}"), action
        assert name in BY_STATE or len(entry.summary.split()) >= 3, action
        assert entry.summary != event.title, action
        assert not entry.summary.startswith(f"{event.title}: "), action


def test_the_plain_template_is_taken_for_none() -> None:
    for path, event in payloads():
        assert RENDERER.chosen(event).startswith("github/"), path
        assert entry_of(event).summary not in {event.title, f"{event.actor}: {event.title}"}, path


def test_threads_have_topics_of_their_own() -> None:
    """What is not one thread has not one topic: the object is in it."""
    threads: dict[str, set[str]] = {}
    for _, event in payloads():
        threads.setdefault(entry_of(event).topic, set()).add(event.correlation_key)
    # People give two things the same name; GitHub's own samples, two ids to one.
    assert {topic: found for topic, found in threads.items() if len(found) > 2} == {}


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        ("push.created", "monalisa created the branch fix/valve-noise with 12 commits"),
        ("push.created", "written by hubot and monalisa"),
        ("push.created", "4 files added 1 file changed 1 file removed"),
        ("push.created", "and 2 more"),
        ("push.deleted", "monalisa deleted the branch fix/dry-run, which was at c1dfd96"),
        ("push.forced", "force-pushed main from 902ba3c to 1b64538: commits that others have may be gone"),
        ("push.tag", "monalisa created the tag v2.4.0 at c1dfd96"),
        ("pull_request.opened", "+148"),
        ("pull_request.closed", "Merged"),
        ("pull_request.closed", "monalisa merged this pull request into main"),
        ("pull_request.dequeued", "removed this pull request from the merge queue: its checks failed"),
        ("pull_request.review_requested", "requested a review of this pull request from Hydraulics"),
        ("pull_request.auto_merge_enabled", "set this pull request to merge as soon as its checks pass"),
        ("pull_request_review_comment.created", "at src/controller.c:43"),
        ("pull_request_review_comment.created", "+static bool tank_empty;"),
        ("release.published", "pump-2.4.0.hex 48.2 kB"),
        ("workflow_job.completed", "simulator (arm64) of CI failed on main at c1dfd96 after 3 min 42 s at attempt 2"),
        ("workflow_run.completed", "CI #981 failed on main at c1dfd96 after 4 min 10 s, started by monalisa"),
        (
            "deployment_review.requested",
            "The deployment of Release #44 on main to production is waiting for a review by octocat or Hydraulics",
        ),
        ("deployment_review.approved", "octocat approved the deployment of Release #44 on main to production"),
        ("deployment_status.failure", "The valve on bench 3 did not answer within 30 s"),
        ("code_scanning_alert.created", "CodeQL found a vulnerability in src/modbus.c"),
        ("secret_scanning_alert.resolved", "octocat resolved the alert for a secret as revoked"),
        ("repository_advisory.published", "@contoso/pump-client < 2.4.0 fixed in 2.4.0"),
        ("repository_ruleset.edited", "Enforcement: evaluate → active"),
        ("repository.renamed", "octocat renamed this repository from pump-controller to pump"),
        ("custom_property_values.updated", "Safety-level: water → people"),
        ("security_and_analysis", "Secret scanning: disabled → enabled"),
        ("workflow_dispatch", "Bench: 3 Hours: 12"),
        ("gollum", "Spare parts created"),
        ("projects_v2_status_update.created", "octocat reported that a project is at risk"),
        ("star.created", "spacecat starred the repository"),
        ("merge_group.destroyed", "The merge queue starts again with this pull request"),
    ],
)
def test_a_card_says(sample: str, said: str) -> None:
    assert said in card_of(sample)


def test_no_post_shows_where_webhooks_go() -> None:
    """The URL of a webhook may hold the function key."""
    assert "a-key-that-no-post-may-show" not in card_of("meta.deleted")
