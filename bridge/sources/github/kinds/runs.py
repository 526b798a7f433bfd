"""What runs and ends: workflows, checks, statuses, deployments, the merge queue and Pages."""

from collections.abc import Mapping

from bridge.events import Severity
from bridge.fields import Payload
from bridge.sources.github.kind import Kind
from bridge.sources.github.threads import queued_pull_request
from bridge.sources.github.words import (
    always,
    by_action,
    called,
    deployment_title,
    named,
    outcome_of,
    run_title,
    status_title,
    times,
)


def _queued(payload: Payload) -> str:
    number = queued_pull_request(payload)
    return f"Pull request #{number}" if number else named("Merge queue of", "merge_group.base_ref")(payload)


_DEPLOYMENT = (
    ("Commit", "deployment.sha"),
    ("Change", "workflow_run.display_title"),
    ("Workflow", "workflow_run.name"),
)

RUNS: Mapping[str, Kind] = {
    "workflow_run": Kind(
        title=run_title("workflow_run.head_branch", "workflow_run.name", "workflow.name"),
        times=times("workflow_run"),
        urls=("workflow_run.html_url",),
        severity=outcome_of("workflow_run"),
        labels=(
            ("Commit", "workflow_run.head_sha"),
            ("Change", "workflow_run.display_title"),
            ("Trigger", "workflow_run.event"),
        ),
    ),
    "workflow_job": Kind(
        title=run_title("workflow_job.head_branch", "workflow_job.workflow_name"),
        urls=("workflow_job.html_url",),
        times=("workflow_job.completed_at", "workflow_job.started_at", "workflow_job.created_at"),
        severity=outcome_of("workflow_job"),
        labels=(("Commit", "workflow_job.head_sha"), ("Runner", "workflow_job.runner_name")),
    ),
    "check_suite": Kind(
        title=run_title("check_suite.head_branch", "check_suite.app.name"),
        times=times("check_suite"),
        severity=outcome_of("check_suite"),
        labels=(("Commit", "check_suite.head_sha"), ("Change", "check_suite.head_commit.message")),
    ),
    "check_run": Kind(
        title=run_title("check_run.check_suite.head_branch", "check_run.name"),
        times=times("check_run"),
        urls=("check_run.html_url", "check_run.details_url"),
        severity=outcome_of("check_run"),
        labels=(
            ("Commit", "check_run.head_sha"),
            ("Checked by", "check_run.app.name"),
            ("Result", "check_run.output.title"),
        ),
    ),
    "status": Kind(
        title=status_title,
        urls=("target_url", "commit.html_url"),
        times=("updated_at", "created_at"),
        severity=outcome_of("status"),
        labels=(("Commit", "sha"), ("Change", "commit.commit.message")),
    ),
    "deployment": Kind(
        title=deployment_title,
        urls=("workflow_run.html_url",),
        times=times("deployment"),
        labels=_DEPLOYMENT,
    ),
    "deployment_status": Kind(
        title=deployment_title,
        times=times("deployment_status"),
        urls=("deployment_status.environment_url", "deployment_status.log_url", "deployment_status.target_url"),
        severity=outcome_of("deployment_status"),
        labels=_DEPLOYMENT,
    ),
    "deployment_review": Kind(
        title=run_title("workflow_run.head_branch", "workflow_run.name"),
        urls=("workflow_run.html_url",),
        times=("since", "workflow_run.updated_at"),
        severity=by_action(requested=Severity.WARNING, rejected=Severity.WARNING, approved=Severity.SUCCESS),
        labels=(("Asked by", "requestor.login"), ("Commit", "workflow_run.head_sha")),
    ),
    "deployment_protection_rule": Kind(
        title=deployment_title,
        times=times("deployment"),
        severity=always(Severity.WARNING),
        labels=_DEPLOYMENT,
    ),
    "merge_group": Kind(
        title=_queued,
        times=("merge_group.head_commit.timestamp",),
        labels=(("Branch", "merge_group.base_ref"), ("Commit", "merge_group.head_sha")),
    ),
    "page_build": Kind(
        title=called("Pages"),
        times=times("build"),
        severity=outcome_of("build"),
        labels=(("Commit", "build.commit"), ("Pushed by", "build.pusher.login")),
    ),
}
