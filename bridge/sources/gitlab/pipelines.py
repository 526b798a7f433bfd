"""What runs: pipelines, their jobs, and deployments."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bridge.events import Event, Severity
from bridge.fields import Payload, at, dig, first, objects, part
from bridge.rendering.filters import between, duration
from bridge.rendering.text import one_line
from bridge.sources.gitlab import code
from bridge.sources.gitlab.items import merge_request_thread
from bridge.sources.gitlab.words import (
    commit_fact,
    found,
    home,
    iid,
    merge_request_of,
    moment,
    number,
    page,
    ref_name,
    spoken,
    titled,
    undrafted,
    with_attributes,
)

# How something ends or stands: its word, its verb, its tone and how much it matters.
# https://docs.gitlab.com/api/pipelines/#list-project-pipelines
_OUTCOMES: Mapping[str, tuple[str, str, str, Severity]] = {
    "success": ("passed", "passed", "success", Severity.SUCCESS),
    "failed": ("failed", "failed", "error", Severity.ERROR),
    "canceled": ("canceled", "was canceled", "quiet", Severity.INFO),
    "skipped": ("skipped", "was skipped", "quiet", Severity.INFO),
    "manual": ("blocked", "waits for a manual job", "info", Severity.INFO),
}
_TOLERATED = ("failed, allowed to", "failed", "warning", Severity.WARNING)
_WITH_WARNINGS = ("passed with warnings", "passed with warnings", "warning", Severity.WARNING)
_DEPLOYMENTS: Mapping[str, tuple[str, str, str, Severity]] = {
    "success": ("deployed", "deployed", "success", Severity.SUCCESS),
    "running": ("deploying", "started to deploy", "info", Severity.INFO),
    "blocked": ("approval needed", "wants to deploy", "warning", Severity.WARNING),
    "approved": ("approved", "approved the deployment of", "success", Severity.SUCCESS),
    "rejected": ("rejected", "rejected the deployment of", "error", Severity.ERROR),
}
# Nobody means these: the deployment itself is told to be so.
_ENDED: Mapping[str, tuple[str, str, str, Severity]] = {
    "failed": ("failed", "failed", "error", Severity.ERROR),
    "canceled": ("canceled", "was canceled", "quiet", Severity.INFO),
    "skipped": ("skipped", "was skipped", "quiet", Severity.INFO),
}
_UNKNOWN_DEPLOYMENT = ("deployment", "changed the deployment of", "info", Severity.INFO)
# What a pipeline or a job is in before it comes to an end: nobody reads it.
UNFINISHED = {
    "created", "waiting_for_resource", "waiting_for_callback", "preparing", "pending", "running", "canceling",
    "scheduled",
}  # fmt: skip
_UNSAID = {"", "unknown_failure"}


def pipeline(event: Event) -> Event:
    """A pipeline that came to its end, or to a job that somebody has to start."""
    payload = event.payload
    run = part(payload, "object_attributes")
    status = dig(run, "status")
    builds = objects(payload, "builds")
    states = [dig(build, "status") for build in builds]
    failed = states.count("failed")
    outcome = _outcome(status)
    if status == "success" and (failed or "warning" in dig(run, "detailed_status")):
        outcome = _WITH_WARNINGS
    ident = number(run, "id")
    took = between(moment(run, "created_at"), moment(run, "finished_at"))
    spent = at(run, "duration")
    return _run(
        event,
        outcome,
        ref=_ref(dig(run, "ref"), dig(run, "tag", False)),
        status=status,
        name=f"Pipeline #{ident}" if ident else "A pipeline",
        reference=one_line(dig(run, "name"), 80),
        took=duration(spent) if isinstance(spent, int | float) and spent >= 1 else took,
        url=dig(run, "url") or _below(payload, "pipelines", ident),
        occurred=moment(run, "finished_at"),
        jobs=[_job(payload, build) for build in builds if dig(build, "status") == ("failed" if failed else status)]
        if failed or status == "manual"
        else [],
        failed=failed,
        passed=states.count("success"),
        others=len(states) - failed - states.count("success"),
        facts=found(
            Commit=commit_fact(dig(run, "sha"), part(payload, "commit")),
            Trigger=spoken(dig(run, "source")).replace(" event", ""),
            Upstream=dig(payload, "source_pipeline.project.path_with_namespace"),
        ),
    )


def job(event: Event) -> Event:
    """A job that came to its end."""
    payload = event.payload
    status = dig(payload, "build_status")
    tolerated = status == "failed" and dig(payload, "build_allow_failure", False)
    spent = at(payload, "build_duration")
    name, stage = dig(payload, "build_name"), dig(payload, "build_stage")
    reason = dig(payload, "build_failure_reason") if status == "failed" else ""
    retries = number(payload, "retries_count")
    return _run(
        event,
        _TOLERATED if tolerated else _outcome(status),
        ref=_ref(dig(payload, "ref"), dig(payload, "tag", False)),
        status=status,
        name=f"Job {name}" if name else "A job",
        reference="",
        took=duration(spent) if isinstance(spent, int | float) and spent >= 1 else "",
        url=_below(payload, "jobs", number(payload, "build_id")),
        occurred=moment(payload, "build_finished_at"),
        environment=first(payload, ("environment.name", "environment")),
        facts=found(
            Stage=stage,
            Reason="" if reason in _UNSAID else spoken(reason),
            Commit=commit_fact(dig(payload, "sha"), part(payload, "commit")),
            Retries=retries,
            Runner=dig(payload, "runner.description"),
        ),
    )


def deployment(event: Event) -> Event:
    """A deployment that started, waits, or came to its end."""
    payload = event.payload
    status = dig(payload, "status")
    word, verb, tone, severity = {**_DEPLOYMENTS, **_ENDED}.get(status, _UNKNOWN_DEPLOYMENT)
    place = dig(payload, "environment")
    sha = first(payload, ("short_sha", "commit_url"))
    return replace(
        event,
        correlation_key=f"{home(payload)} environment {place}",
        title=titled(f"Deployments to {place}" if place else "Deployments"),
        severity=severity,
        url=first(payload, ("deployable_url", "commit_url")) or event.url,
        occurred=moment(payload, "status_changed_at"),
        facts=found(
            Commit=dig(payload, "commit_title"),
            Branch=ref_name(dig(payload, "ref")),
            Tier=dig(payload, "environment_tier"),
        ),
        attributes=with_attributes(event, status=status, environment=place, branch=ref_name(dig(payload, "ref"))),
        details={
            "word": word,
            "verb": verb,
            "tone": tone,
            "ended": status in _ENDED,
            "place": place,
            "commit": sha.rpartition("/")[2][:7],
            "commit_url": dig(payload, "commit_url"),
            "site": dig(payload, "environment_external_url") if status == "success" else "",
        },
    )


def _run(
    event: Event, outcome: tuple[str, str, str, Severity], ref: str, status: str, environment: str = "", **told: Any
) -> Event:
    """What a pipeline and a job have in common; it is told where its merge request is, else where its branch is."""
    payload = event.payload
    word, verb, tone, severity = outcome
    pull = part(payload, "merge_request")
    ident = iid(pull) or merge_request_of(ref)
    title = undrafted(dig(pull, "title"))
    return replace(
        event,
        correlation_key=merge_request_thread(payload, ident) if ident else code.thread(payload, ref),
        title=(titled(title, f"!{ident}") if title else f"Merge request !{ident}") if ident else code.ref_title(ref),
        severity=severity,
        url=told.pop("url") or event.url,
        occurred=told.pop("occurred"),
        facts=told.pop("facts"),
        attributes=with_attributes(
            event,
            branch=dig(pull, "source_branch") or ("" if ref.startswith("refs/tags/") else ref_name(ref)),
            target_branch=dig(pull, "target_branch"),
            tag=ref_name(ref) if ref.startswith("refs/tags/") else "",
            status=status,
            environment=environment,
        ),
        details={
            "word": word,
            "verb": verb,
            "tone": tone,
            "ref": dig(pull, "source_branch") or ("" if ident else ref_name(ref)),
            "pull": titled(f"!{ident} {title}".strip()) if ident else "",
            "pull_url": dig(pull, "url") or _below(payload, "merge_requests", ident),
            **told,
        },
    )


def _outcome(status: str) -> tuple[str, str, str, Severity]:
    return _OUTCOMES.get(status, (spoken(status) or "run", f"is {spoken(status) or 'there'}", "info", Severity.INFO))


def _ref(ref: str, is_tag: bool) -> str:
    """The whole name of a ref, of which pipelines and jobs give the last part."""
    return ref if not ref or ref.startswith("refs/") else f"refs/{'tags' if is_tag else 'heads'}/{ref}"


def _below(payload: Payload, what: str, ident: str) -> str:
    home_page = page(payload)
    return f"{home_page}/-/{what}/{ident}" if home_page and ident else ""


def _job(payload: Payload, build: Payload) -> dict[str, str]:
    reason = dig(build, "failure_reason")
    notes = (
        spoken(reason) if reason not in _UNSAID else "",
        "allowed to fail" if dig(build, "allow_failure", False) else "",
    )
    return {
        "name": dig(build, "name"),
        "stage": dig(build, "stage"),
        "reason": ", ".join(filter(None, notes)),
        "url": _below(payload, "jobs", number(build, "id")),
    }
