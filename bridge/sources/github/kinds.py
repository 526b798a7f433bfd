"""What is said of each kind of GitHub's events: its title, severity, link and facts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bridge.events import Severity
from bridge.fields import Payload, at, dig, first
from bridge.sources.github.words import (
    MAX_TITLE,
    advisory_title,
    grade,
    named,
    numbered,
    outcome_of,
    push_title,
    ref_title,
    run_title,
    shown,
    times,
)
from bridge.text import one_line

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Kind:
    """The words for one kind of event.

    title: the subject of its thread, the same over the thread's life.
    urls: paths of its link, best first.
    times: paths of when it happened, best first.
    severity: how much it matters.
    labels: the facts' names with the paths of their values.
    """

    title: Callable[[Payload], str]
    urls: tuple[str, ...]
    times: tuple[str, ...] = ()
    severity: Callable[[Payload], Severity] = lambda _: Severity.INFO
    labels: tuple[tuple[str, str], ...] = ()

    def facts(self, payload: Payload) -> Facts:
        """The facts that the payload has, as text."""
        found = ((label, shown(at(payload, path))) for label, path in self.labels)
        return tuple((label, value) for label, value in found if value)


def generic(name: str, payload: Payload) -> Kind:
    """The words for an event that has none of its own, from what GitHub's objects have in common."""
    thing = next((path for path in (name, *_THINGS.get(name, ()), "alert") if dig(payload, path, {})), name)
    return Kind(
        title=lambda payload: _name(name, thing, payload),
        urls=(f"{thing}.html_url", f"{thing}.target_url"),
        times=times(thing),
        severity=grade if thing in {"alert", "security_advisory"} else outcome_of(thing),
        labels=(("State", f"{thing}.state"), ("Description", f"{thing}.description")),
    )


def _name(name: str, thing: str, payload: Payload) -> str:
    noun = _NOUNS.get(name) or name.replace("_", " ").capitalize()
    number = dig(payload, f"{thing}.number", 0)
    own = first(payload, tuple(f"{thing}.{field}" for field in _NAMES)) or first(payload, _LOOSE_NAMES.get(name, ()))
    return one_line(" ".join(filter(None, (noun, own, f"#{number}" if number else ""))), MAX_TITLE)


# Where an object has its name, and where events without an object of their own have it.
_NAMES = ("title", "name", "login", "slug", "rule.description", "secret_type", "summary")
_LOOSE_NAMES: Mapping[str, tuple[str, ...]] = {
    "status": ("context",),
    "merge_group": ("merge_group.base_ref",),
    "workflow_dispatch": ("workflow",),
    "fork": ("forkee.full_name",),
    "membership": ("team.name",),
}
# What an event is about where its name says something else.
_NOUNS: Mapping[str, str] = {
    "discussion_comment": "Discussion",
    "gollum": "Wiki",
    "star": "Stars",
    "watch": "Stars",
    "team_add": "Team",
    "membership": "Team",
}
# Where an event calls its object by another name than its own.
_THINGS: Mapping[str, tuple[str, ...]] = {
    "commit_comment": ("comment",),
    "discussion_comment": ("discussion",),
    "fork": ("forkee",),
    "member": ("member",),
    "membership": ("team",),
    "team_add": ("team",),
    "branch_protection_rule": ("rule",),
    "deploy_key": ("key",),
    "page_build": ("build",),
}

_PULL_REQUEST = numbered("pull_request", "Pull request")
_ISSUE = numbered("issue", "Issue")

KINDS: Mapping[str, Kind] = {
    "push": Kind(
        title=push_title,
        urls=("compare",),
        times=("repository.pushed_at", "head_commit.timestamp"),
    ),
    "create": Kind(title=ref_title, urls=()),
    "delete": Kind(title=ref_title, urls=()),
    "issues": Kind(
        title=_ISSUE,
        times=times("issue"),
        urls=("issue.html_url",),
        labels=(("Labels", "issue.labels"), ("Assigned to", "issue.assignees"), ("Milestone", "issue.milestone.title")),
    ),
    "issue_comment": Kind(
        title=_ISSUE,
        times=times("comment"),
        urls=("comment.html_url", "issue.html_url"),
    ),
    "pull_request": Kind(
        title=_PULL_REQUEST,
        times=times("pull_request"),
        urls=("pull_request.html_url",),
        labels=(
            ("Labels", "pull_request.labels"),
            ("Assigned to", "pull_request.assignees"),
            ("Reviewers", "pull_request.requested_reviewers"),
            ("Milestone", "pull_request.milestone.title"),
        ),
    ),
    "pull_request_review": Kind(
        title=_PULL_REQUEST,
        times=times("review"),
        urls=("review.html_url", "pull_request.html_url"),
    ),
    "pull_request_review_comment": Kind(
        title=_PULL_REQUEST,
        times=times("comment"),
        urls=("comment.html_url", "pull_request.html_url"),
        labels=(("File", "comment.path"),),
    ),
    "pull_request_review_thread": Kind(
        title=_PULL_REQUEST,
        urls=("pull_request.html_url",),
        times=times("pull_request"),
    ),
    "release": Kind(
        title=named("Release", "release.name", "release.tag_name"),
        times=times("release"),
        urls=("release.html_url",),
        labels=(("Tag", "release.tag_name"), ("From", "release.target_commitish"), ("Files", "release.assets")),
    ),
    "workflow_run": Kind(
        title=run_title("workflow_run.head_branch", "workflow_run.name", "workflow.name"),
        times=times("workflow_run"),
        urls=("workflow_run.html_url",),
        severity=outcome_of("workflow_run"),
        labels=(
            ("Branch", "workflow_run.head_branch"),
            ("Commit", "workflow_run.head_sha"),
            ("Change", "workflow_run.display_title"),
            ("Run by", "workflow_run.triggering_actor.login"),
        ),
    ),
    "workflow_job": Kind(
        title=run_title("workflow_job.head_branch", "workflow_job.workflow_name"),
        urls=("workflow_job.html_url",),
        times=times("workflow_job"),
        severity=outcome_of("workflow_job"),
        labels=(("Job", "workflow_job.name"), ("Commit", "workflow_job.head_sha")),
    ),
    "check_suite": Kind(
        title=run_title("check_suite.head_branch", "check_suite.app.name"),
        urls=(),
        times=times("check_suite"),
        severity=outcome_of("check_suite"),
        labels=(("Commit", "check_suite.head_sha"),),
    ),
    "check_run": Kind(
        title=run_title("check_run.check_suite.head_branch", "check_run.name"),
        times=times("check_run"),
        urls=("check_run.html_url", "check_run.details_url"),
        severity=outcome_of("check_run"),
        labels=(
            ("Branch", "check_run.check_suite.head_branch"),
            ("Commit", "check_run.head_sha"),
            ("Checked by", "check_run.app.name"),
            ("Result", "check_run.output.title"),
        ),
    ),
    "deployment": Kind(
        title=named("Deployment to", "deployment.environment"),
        urls=(),
        times=times("deployment"),
        labels=(("From", "deployment.ref"), ("Commit", "deployment.sha")),
    ),
    "deployment_status": Kind(
        title=named("Deployment to", "deployment.environment", "deployment_status.environment"),
        times=times("deployment_status"),
        urls=(
            "deployment_status.environment_url",
            "deployment_status.log_url",
            "deployment_status.target_url",
        ),
        severity=outcome_of("deployment_status"),
        labels=(
            ("Environment", "deployment.environment"),
            ("From", "deployment.ref"),
            ("Commit", "deployment.sha"),
            ("Started by", "deployment.creator.login"),
        ),
    ),
    "dependabot_alert": Kind(
        title=advisory_title,
        times=times("alert"),
        urls=("alert.html_url",),
        severity=grade,
        labels=(
            ("Package", "alert.dependency.package.name"),
            ("File", "alert.dependency.manifest_path"),
            ("Affected", "alert.security_vulnerability.vulnerable_version_range"),
            ("Fixed in", "alert.security_vulnerability.first_patched_version.identifier"),
            ("Advisory", "alert.security_advisory.ghsa_id"),
            ("CVE", "alert.security_advisory.cve_id"),
        ),
    ),
}
