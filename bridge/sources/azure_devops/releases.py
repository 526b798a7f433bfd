"""Classic releases: created, abandoned, deployed, and approved."""

import re
from dataclasses import replace

from bridge.events import Event
from bridge.fields import Payload, at, dig, first, moment, objects, part
from bridge.rendering.filters import between, duration
from bridge.sources.azure_devops.words import found, number, outcome, person, titled, with_attributes

_NAMES = ("resource.release.name", "resource.environment.release.name", "resource.approval.release.name")
_IDS = ("resource.release.id", "resource.environment.release.id", "resource.approval.release.id")
_DEFINITIONS = (
    "resource.release.releaseDefinition.name",
    "resource.environment.releaseDefinition.name",
    "resource.approval.releaseDefinition.name",
    "resource.deployment.releaseDefinition.name",
)
_STAGES = ("resource.environment.name", "resource.approval.releaseEnvironment.name", "resource.stageName")
_URLS = (
    "resource.release._links.web.href",
    "resource.environment.release._links.web.href",
    "resource.deployment.release._links.web.href",
)


def release(event: Event) -> Event:
    """A release, or a deployment or an approval of it."""
    ident, name = number(event.payload, *_IDS), first(event.payload, _NAMES)
    if not (ident and name):
        return event
    action = event.kind.rpartition(".")[2].removesuffix("-event")
    state = _state(event.payload, action)
    word, verb, tone, severity = outcome(state)
    if action == "release-created":
        word, verb, tone = "created", "created", "info"
    resource = part(event.payload, "resource")
    project = dig(resource, "project.name")
    definition, stage = first(event.payload, _DEFINITIONS), first(event.payload, _STAGES)
    approver = at(resource, "approval.approvedBy") or at(resource, "approval.approver")
    made_by = at(resource, "release.modifiedBy") or at(resource, "release.createdBy")
    return replace(
        event,
        correlation_key=f"release {number(resource, 'project.id')} {ident}",
        title=titled(name, f"of {definition}" if definition else ""),
        severity=severity,
        scope=project or event.scope,
        actor=person(approver or (made_by if action.startswith("release") else "")),
        url=next((url for url in (first(event.payload, _URLS), event.url) if url), ""),
        facts=found(
            Artifacts=", ".join(_artifact(each) for each in objects(resource, "release.artifacts")),
            Reason=_reason(first(resource, ("release.reason", "deployment.reason"))),
        ),
        attributes=with_attributes(
            event, project=project, pipeline=definition, environment=stage, stage=stage, conclusion=state.lower()
        ),
        details={
            **event.details,
            "action": action,
            "name": name,
            "definition": definition,
            "stage": stage,
            "when": "after" if dig(resource, "approval.approvalType") == "postDeploy" else "before",
            "took": _took(event.payload) if action == "deployment-completed" else "",
            "word": word,
            "verb": verb,
            "tone": tone,
            "text": dig(resource, "approval.comments") or dig(resource, "release.description"),
        },
    )


def _state(payload: Payload, action: str) -> str:
    if action == "release-created":
        return "created"
    if action == "release-abandoned":
        return "abandoned"
    if action == "deployment-started":
        return "inProgress"
    if action.startswith("deployment-approval"):
        return dig(payload, "resource.approval.status") or ("pending" if action.endswith("pending") else "")
    # A stage that failed counts as rejected, which is a word for approvals elsewhere.
    state = first(payload, ("resource.environment.status", "resource.deployment.deploymentStatus"))
    return "failed" if state == "rejected" else state


def _took(payload: Payload) -> str:
    """How long a deployment took: by its times, else in minutes by the environment or the message."""
    times = [moment(payload, f"resource.deployment.{name}") for name in ("startedOn", "completedOn")]
    if took := between(*times):
        return took
    minutes = dig(payload, "resource.environment.timeToDeploy", 0.0)
    match = re.search(r"Time to deploy: (\d+(?:\.\d+)?) min", dig(payload, "detailedMessage.text"))
    seconds = 60 * (minutes or (float(match[1]) if match else 0))
    return duration(seconds) if seconds >= 1 else ""


def _artifact(artifact: Payload) -> str:
    version = dig(artifact, "definitionReference.version.name")
    return " ".join(filter(None, (dig(artifact, "alias"), version)))


def _reason(reason: str) -> str:
    """`continuous integration` of continuousIntegration; `none` says nothing."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", reason).lower()
    return "" if words in {"none", "undefined"} else words
