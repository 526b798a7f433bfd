"""Deployments: their start, how they end, and the reviews that they wait for."""

from collections.abc import Mapping
from dataclasses import replace

from bridge.events import Event, Severity
from bridge.fields import Payload, at, dig, first, objects
from bridge.sources import forge, kit
from bridge.sources.github.heads import head_of, started_by
from bridge.sources.github.kind import Kind, with_details
from bridge.sources.github.kinds.runs import ran
from bridge.sources.github.severities import by_action
from bridge.sources.github.titles import deployment_title, environment, run_title


def _deployed(payload: Payload) -> str:
    """What is deployed and where, as a name: `Deployment of v2.4.0 to production`."""
    branch, place = head_of("deployment", payload).branch, environment(payload)
    return f"Deployment{f' of {branch[:60]}' if branch else ''}{f' to {place}' if place else ''}"


def _deployment(event: Event) -> Event:
    """A deployment's start, and what waits for its rules; both are the run's doing where a workflow deploys."""
    payload = event.payload
    trigger = started_by(payload, "workflow_run")[2]
    return with_details(
        replace(event, actor="" if trigger else event.actor),
        machine=trigger or event.details["machine"],
        branch=head_of("deployment", payload).branch,
        where=environment(payload),
        text=dig(payload, "deployment.description"),
    )


def _deployment_status(event: Event) -> Event:
    payload = event.payload
    who, who_url, trigger = started_by(payload, "workflow_run")
    if not who and not trigger:
        who, who_url = dig(payload, "deployment.creator.login"), dig(payload, "deployment.creator.html_url")
    run = forge.Run(_deployed(payload), dig(payload, "deployment_status.state"), trigger=trigger, noun="deployment")
    log = first(payload, ("deployment_status.log_url", "deployment_status.target_url"))
    site = ("Open the site", dig(payload, "deployment_status.environment_url"))
    # Of what failed, the log comes before a site that may be as it was. The name has the branch already.
    return ran(
        replace(event, actor=who),
        run,
        replace(head_of("deployment_status", payload), branch=""),
        actor_url=who_url,
        text=dig(payload, "deployment_status.description"),
        log_url="" if run.outcome == "success" else log,
        buttons=[site, ("See the log", log)] if run.outcome == "success" else [site],
    )


def _deployment_review(event: Event) -> Event:
    """Who approved or rejected it; for a request, who was asked."""
    payload, done = event.payload, dig(event.payload, "action")
    reviewers = [at(reviewer, "reviewer") for reviewer in objects(payload, "reviewers")]
    environments = [dig(job, "environment") for job in objects(payload, "workflow_job_runs")]
    number = dig(payload, "workflow_run.run_number", 0)
    who, who_url = event.actor, dig(payload, "sender.html_url")
    if approver := dig(payload, "approver.login"):
        who, who_url = approver, dig(payload, "approver.html_url")
    return with_details(
        replace(
            event,
            actor="" if done == "requested" else who,
            facts=(*event.facts, *kit.facts(Started_by=started_by(payload, "workflow_run")[0])),
        ),
        actor_url=who_url,
        name=f"{dig(payload, 'workflow_run.name') or 'A workflow'}{f' #{number}' if number else ''}",
        branch=head_of("deployment_review", payload).branch,
        where=kit.listed(environments) or environment(payload) or dig(payload, "workflow_job_run.environment"),
        people=[name for reviewer in reviewers if (name := first(reviewer, ("login", "name")))],
        text=dig(payload, "comment"),
        quoted=True,
    )


_LABELS = (
    ("Commit", "deployment.sha"),
    ("Change", "workflow_run.display_title"),
    ("Workflow", "workflow_run.name"),
)

DEPLOYMENTS: Mapping[str, Kind] = {
    "deployment": Kind(
        noun="deployment",
        thing="deployment",
        title=deployment_title,
        urls=("workflow_run.html_url",),
        labels=_LABELS,
        actions={"": "deployment_started", "created": "deployment_started"},
        read=_deployment,
    ),
    "deployment_status": Kind(
        noun="deployment",
        thing="deployment_status",
        title=deployment_title,
        urls=("deployment_status.environment_url", "deployment_status.log_url", "deployment_status.target_url"),
        labels=_LABELS[1:],
        read=_deployment_status,
    ),
    "deployment_review": Kind(
        noun="deployment",
        thing="workflow_run",
        title=run_title("deployment_review", "workflow_run.name"),
        times=("since", "workflow_run.updated_at"),
        severity=by_action(requested=Severity.WARNING, rejected=Severity.WARNING, approved=Severity.SUCCESS),
        labels=(("Commit", "workflow_run.head_sha"), ("Change", "workflow_run.display_title")),
        read=_deployment_review,
    ),
    "deployment_protection_rule": Kind(
        noun="deployment",
        thing="deployment",
        title=deployment_title,
        severity=by_action(requested=Severity.WARNING),
        labels=_LABELS,
        actions={"requested": "rules_requested"},
        read=_deployment,
    ),
}
