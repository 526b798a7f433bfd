"""What runs: pipelines, their jobs, and deployments."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bridge.events import Event, Severity
from bridge.fields import Payload, at, dig, first, objects, part
from bridge.rendering.filters import between, duration
from bridge.rendering.text import in_words, one_line
from bridge.sources import forge, kit
from bridge.sources.gitlab import merge_requests
from bridge.sources.gitlab.code import ref_title
from bridge.sources.gitlab.places import (
    commit_fact,
    home,
    iid,
    merge_request_of,
    moment,
    page_below,
    person,
    ref_name,
    undrafted,
)

# https://docs.gitlab.com/api/pipelines/#list-project-pipelines
_OUTCOMES: Mapping[str, str] = {"success": "succeeded", "manual": "manual_job"}
_DEPLOYMENTS: Mapping[str, str] = {"success": "succeeded", "blocked": "action_required"}
# What forge.OUTCOMES does not have: the templates of pipelines and jobs word them.
_SEVERITIES = {"succeeded_with_warnings": Severity.WARNING, "failure_allowed": Severity.WARNING}
# What a pipeline, a job or a deployment is in before it comes to an end.
UNFINISHED = {
    "created", "waiting_for_resource", "waiting_for_callback", "preparing", "pending", "running", "canceling",
    "scheduled",
}  # fmt: skip
# What started a pipeline, where its user is not who did it but only whose rights it has.
# https://docs.gitlab.com/ci/jobs/job_rules/#ci_pipeline_source-predefined-variable
_TRIGGERS: Mapping[str, str] = {
    "schedule": "its schedule",
    "pipeline": "another pipeline",
    "parent_pipeline": "its parent pipeline",
    "trigger": "a trigger token",
    "external": "an external service",
    "security_orchestration_policy": "a security policy",
    "pipeline_execution_policy_schedule": "the schedule of a policy",
}
_PEOPLE = {
    "", "push", "web", "webide", "chat", "api", "merge_request_event", "external_pull_request_event",
    "ondemand_dast_scan", "ondemand_dast_validation",
}  # fmt: skip
_UNSAID = {"", "unknown_failure"}


def pipeline(event: Event) -> Event:
    """A pipeline that came to its end, or to a job that somebody has to start."""
    payload, run = event.payload, part(event.payload, "object_attributes")
    status, source, number = dig(run, "status"), dig(run, "source"), kit.id_at(run, "id")
    builds = objects(payload, "builds")
    states = [dig(build, "status") for build in builds]
    failed, passed = states.count("failed"), states.count("success")
    has_warnings = status == "success" and (failed or "warning" in dig(run, "detailed_status"))
    spent = at(run, "duration")
    took = between(moment(run, "created_at"), moment(run, "finished_at"))
    shown = "failed" if failed else status if status == "manual" else None
    jobs = [_job(payload, build) for build in builds if dig(build, "status") == shown]
    return _ran(
        replace(
            event,
            actor=event.actor if source in _PEOPLE else "",
            url=dig(run, "url") or page_below(payload, "pipelines", number) or event.url,
            occurred=moment(run, "finished_at"),
            facts=kit.facts(
                Name=dig(run, "name"),
                Commit=commit_fact(dig(run, "sha"), part(payload, "commit")),
                Source=in_words(source).removesuffix(" event"),
                Upstream=dig(payload, "source_pipeline.project.path_with_namespace"),
            ),
        ),
        outcome="succeeded_with_warnings" if has_warnings else _OUTCOMES.get(status, status),
        status=status,
        ref=_ref(dig(run, "ref"), dig(run, "tag", False)),
        name=f"Pipeline #{number}" if number else "",
        noun="pipeline",
        took=duration(spent) if isinstance(spent, int | float) and spent >= 1 else took,
        trigger="" if source in _PEOPLE else _TRIGGERS.get(source, in_words(source)),
        jobs=jobs,
        log_url=jobs[0][1] if jobs and status == "failed" else "",
        failed=failed,
        passed=passed,
        others=len(states) - failed - passed,
    )


def job(event: Event) -> Event:
    """A job that came to its end. Its user is whose rights it has, also where a schedule started it."""
    payload, status, name = event.payload, dig(event.payload, "build_status"), dig(event.payload, "build_name")
    is_allowed = status == "failed" and dig(payload, "build_allow_failure", False)
    reason = dig(payload, "build_failure_reason") if status == "failed" else ""
    spent = at(payload, "build_duration")
    return _ran(
        replace(
            event,
            actor="",
            url=page_below(payload, "jobs", kit.id_at(payload, "build_id")) or event.url,
            occurred=moment(payload, "build_finished_at"),
            facts=kit.facts(
                Reason="" if reason in _UNSAID else in_words(reason),
                Stage=dig(payload, "build_stage"),
                Commit=commit_fact(dig(payload, "sha"), part(payload, "commit")),
                Retries=kit.id_at(payload, "retries_count"),
                User=event.actor,
                Runner=dig(payload, "runner.description"),
            ),
        ),
        outcome="failure_allowed" if is_allowed else _OUTCOMES.get(status, status),
        status=status,
        ref=_ref(dig(payload, "ref"), dig(payload, "tag", False)),
        name=f"Job {name}" if name else "",
        noun="job",
        took=duration(spent) if isinstance(spent, int | float) and spent >= 1 else "",
        environment=first(payload, ("environment.name", "environment")),
    )


def deployment(event: Event) -> Event:
    """A deployment that waits, was approved or rejected, or came to its end."""
    payload, status, place = event.payload, dig(event.payload, "status"), dig(event.payload, "environment")
    sha = first(payload, ("short_sha", "commit_url")).rpartition("/")[2][:7]
    branch, site = ref_name(dig(payload, "ref")), dig(payload, "environment_external_url")
    approver = person(payload.get("approver"))
    is_vote = status in {"approved", "rejected"}
    of, to = f" of {sha}" if sha else "", f" to {place}" if place else ""
    run = forge.Run(name=f"Deployment{of}{to}", outcome=_DEPLOYMENTS.get(status, status), noun="deployment")
    ran = forge.ran(
        replace(
            event,
            correlation_key=kit.key(home(payload), "environment", place),
            title=kit.title(f"Deployments to {place}" if place else "Deployments"),
            # The user started the deployment: who approves it is another.
            actor=approver if is_vote else event.actor,
            url=first(payload, ("deployable_url", "commit_url")) or event.url,
            occurred=moment(payload, "status_changed_at"),
            facts=kit.facts(
                Commit=dig(payload, "commit_title"),
                Branch=branch,
                Started_by=event.actor if is_vote else "",
                Approval_rule=dig(payload, "approval.approval_rule.access_level_description"),
                Tier=dig(payload, "environment_tier") if dig(payload, "environment_tier") != place else "",
            ),
            attributes=kit.with_attributes(event, status=status, environment=place, branch=branch),
        ),
        run,
        text=dig(payload, "approval.comment"),
        quoted=True,
        site=site if status == "success" else "",
        commit=sha,
        environment=place,
    )
    return replace(ran, severity=Severity.SUCCESS) if status == "approved" else ran


def _ran(event: Event, *, ref: str, status: str, environment: str = "", **run: Any) -> Event:
    """What a pipeline and a job have in common: both belong to their merge request, else to their branch or tag."""
    payload, pull = event.payload, part(event.payload, "merge_request")
    number, title = iid(pull) or merge_request_of(ref), undrafted(dig(pull, "title"))
    reference = f"!{number}" if number else ""
    tag = ref_name(ref) if ref.startswith("refs/tags/") else ""
    is_fork = merge_requests.is_fork(pull)
    branch = merge_requests.source_branch(payload, pull) or ("" if number or tag else ref_name(ref))
    counts = {name: run.pop(name) for name in ("failed", "passed", "others", "log_url") if name in run}
    ran = forge.ran(
        replace(
            event,
            correlation_key=merge_requests.key(payload, number) if number or is_fork else kit.key(home(payload), ref),
            title=kit.title(title or "Merge request", reference) if number else ref_title(ref),
            attributes=kit.with_attributes(
                event,
                branch=branch,
                fork=is_fork,
                target_branch=dig(pull, "target_branch"),
                tag=tag,
                status=status,
                environment=environment,
            ),
        ),
        forge.Run(
            branch=branch or tag,
            reference=kit.first_line(f"{reference} {title}".strip()),
            reference_url=dig(pull, "url") or page_below(payload, "merge_requests", number),
            **run,
        ),
        **counts,
    )
    return replace(ran, severity=_SEVERITIES.get(run["outcome"], ran.severity))


def _ref(ref: str, is_tag: bool) -> str:
    """The whole name of a ref, of which pipelines and jobs give the last part."""
    return ref if not ref or ref.startswith("refs/") else f"refs/{'tags' if is_tag else 'heads'}/{ref}"


def _job(payload: Payload, build: Payload) -> tuple[str, str, str]:
    reason = dig(build, "failure_reason")
    notes = (
        one_line(dig(build, "stage"), 40),
        in_words(reason) if reason not in _UNSAID else "",
        "allowed to fail" if dig(build, "allow_failure", False) and dig(build, "status") == "failed" else "",
    )
    return dig(build, "name"), page_below(payload, "jobs", kit.id_at(build, "id")), " · ".join(filter(None, notes))
