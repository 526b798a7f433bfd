"""What runs: builds, and runs of pipelines with their stages, jobs and approvals."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bridge.events import Event
from bridge.fields import Payload, at, dig, first, moment, objects, part
from bridge.rendering.filters import between
from bridge.rendering.text import one_line
from bridge.sources.azure_devops.messages import sentence
from bridge.sources.azure_devops.words import (
    branch,
    found,
    number,
    outcome,
    person,
    place,
    pull_request,
    titled,
    with_attributes,
)


def build(event: Event) -> Event:
    """A build that came to its end."""
    resource = part(event.payload, "resource")
    definition = part(resource, "definition")
    if not definition:
        return event
    # XAML builds of old have the result as their status, and `LG:refs/heads/main:<commit>` as their version.
    _, old_ref, old_commit = [*dig(resource, "sourceGetVersion").split(":"), "", "", ""][:3]
    ref, commit = dig(resource, "sourceBranch") or old_ref, dig(resource, "sourceVersion") or old_commit
    trigger = part(resource, "triggerInfo")
    change = dig({"text": trigger.get("pr.title") or trigger.get("ci.message")}, "text")
    problems = [
        dig(each, "message") for each in objects(resource, "validationResults") if dig(each, "result") == "error"
    ]
    requests = [at(each, "requestedFor") for each in objects(resource, "requests")]
    told = _result(
        event,
        first(resource, ("result", "status")),
        what=dig(definition, "name") or "Build",
        number=dig(resource, "buildNumber").removeprefix(f"{dig(definition, 'name')}_"),
        took=between(moment(resource, "startTime"), moment(resource, "finishTime")),
        text="\n\n".join(problems[:3]),
    )
    return replace(
        told,
        actor=person(next(filter(None, [at(resource, "requestedFor"), *requests]), "")),
        url=dig(resource, "_links.web.href") or event.url,
        facts=found(Commit=commit[:7], Change=one_line(change, 120)),
        **_of_pipeline(told, definition, ref, part(resource, "repository"), title=change),
    )


def run(event: Event) -> Event:
    """A run of a pipeline, or a stage or a job of one, whose state has changed."""
    resource = part(event.payload, "resource")
    thing = next((name for name in ("job", "stage", "run") if dig(resource, name, {})), "")
    if not thing:
        return event
    subject, whole = part(resource, thing), part(resource, "run")
    pipeline = part(resource, "pipeline") or part(whole, "pipeline")
    home = part(whole, "resources.repositories.self")
    ref = dig(home, "refName")
    changes = [part(each, "change") for each in objects(resource, "repositories")]
    change = next(filter(None, changes), {})
    name = first(subject, ("displayName", "name"))
    # A pipeline without stages has one all the same, of this name.
    prefix = "" if thing == "run" or name == "__default" else f"{name} of "
    start, end = ("createdDate", "finishedDate") if thing == "run" else ("startTime", "finishTime")
    told = _result(
        event,
        first(subject, ("result", "state")),
        what=prefix + (dig(pipeline, "name") or "Pipeline"),
        number=dig(whole, "name"),
        took=between(moment(subject, start), moment(subject, end)) if dig(subject, "result") else "",
    )
    return replace(
        told,
        actor="",
        url=dig(subject, "_links.web.href") or dig(whole, "_links.web.href") or event.url,
        facts=found(
            Commit=dig(home, "version")[:7],
            Change=one_line(dig(change, "message"), 120),
            Author=dig(change, "author.name"),
        ),
        **_of_pipeline(told, pipeline, ref, part(home, "repository"), stage=name if thing == "stage" else ""),
    )


def approval(event: Event) -> Event:
    """An approval of a run's stage that is needed or was given; the run itself is often only in the message."""
    resource, given = part(event.payload, "resource"), part(event.payload, "resource.approval")
    names = re.search(r"pipeline (.+?) to environment (.+)", sentence(event.payload)) or ("", "", "")
    pipeline, name = part(resource, "pipeline"), dig(resource, "run.name")
    what = " ".join(filter(None, (dig(pipeline, "name"), name))) or names[1] or "a run"
    where = names[2] or first(resource, ("resource.name", "stage.displayName", "stage.name", "stageName"))
    steps = objects(given, "steps")
    people = [person(at(step, "actualApprover")) or person(at(step, "assignedApprover")) for step in steps]
    state = dig(given, "status") or ("pending" if event.kind.endswith("pending") else "")
    word, verb, tone, severity = outcome(state)
    remarks = [remark for step in steps if (remark := dig(step, "comment"))]
    told = replace(
        event,
        severity=severity,
        actor="" if state == "pending" else next(filter(None, people), ""),
        url=dig(resource, "run._links.web.href") or event.url,
        facts=found(
            Approvers=", ".join(filter(None, people)),
            Approvals_needed=number(given, "minRequiredApprovers") if state == "pending" and len(people) > 1 else "",
        ),
        details={
            **event.details,
            "word": word,
            "verb": verb,
            "tone": tone,
            "what": what,
            "where": where,
            "pending": state == "pending",
            "text": dig(given, "instructions") if state == "pending" else "\n\n".join(remarks),
        },
    )
    ref = dig(resource, "run.resources.repositories.self.refName")
    if not pipeline:
        return replace(
            told, title=titled("Approval of", what), correlation_key=_of_link(told, f"approval {number(given, 'id')}")
        )
    return replace(told, **_of_pipeline(told, pipeline, ref, {}, environment=where))


def _result(event: Event, result: str, **details: Any) -> Event:
    """What came of it, with details for the template."""
    word, verb, tone, severity = outcome(result)
    details = {"text": "", **details, "word": word, "verb": verb, "tone": tone}
    return replace(
        event,
        severity=severity,
        details={**event.details, **details},
        attributes=with_attributes(event, conclusion=result.lower()),
    )


def _of_pipeline(
    event: Event, pipeline: Payload, ref: str, repo: Payload, title: str = "", **attributes: Any
) -> Mapping[str, Any]:
    """Thread, title, scope and attributes of what a pipeline does: its pull request, else its branch."""
    pull, home = pull_request(ref), number(repo, "id")
    project = first(event.payload, ("resource.project.name", "resource.definition.project.name"))
    name = dig(pipeline, "name") or "Pipeline"
    ident = f"pipeline {event.attributes['collection']} {number(pipeline, 'id') or name} {branch(ref)}"
    return {
        "correlation_key": f"repo {home} pull request {pull}" if pull and home else ident.rstrip(),
        "title": titled("PR", pull, title) if pull and home else titled(name, f"on {branch(ref)}" if ref else ""),
        "scope": place(project, dig(repo, "name")) or event.scope,
        "attributes": with_attributes(
            event, project=project, repository=dig(repo, "name"), branch=branch(ref), pipeline=name, **attributes
        ),
    }


def _of_link(event: Event, otherwise: str) -> str:
    return f"link {event.url}" if event.url else otherwise
