"""Classic releases: created, abandoned, deployed, and approved."""

import re
from dataclasses import replace

from bridge.events import Event
from bridge.fields import Payload, at, dig, first, moment, objects, part
from bridge.rendering.filters import between, duration
from bridge.rendering.text import in_words
from bridge.sources import forge, kit
from bridge.sources.azure_devops.approvals import decided
from bridge.sources.azure_devops.names import is_service, outcome, person
from bridge.sources.base import Ignored

_RELEASES = (
    "resource.release",
    "resource.environment.release",
    "resource.approval.release",
    "resource.deployment.release",
)
_DEFINITIONS = (
    "resource.release.releaseDefinition.name",
    "resource.environment.releaseDefinition.name",
    "resource.approval.releaseDefinition.name",
    "resource.deployment.releaseDefinition.name",
    "resource.deployment.release.releaseDefinition.name",
)
_STAGES = (
    "resource.environment.name",
    "resource.approval.releaseEnvironment.name",
    "resource.deployment.environment.name",
    "resource.deployment.releaseEnvironment.name",
    "resource.stageName",
)
_PROJECTS = ("resource.project", "resource.release.project", "resource.deployment.release.project")
# A stage says `rejected` of a deployment that failed as well as of one that was not approved: the deployment itself
# comes first. https://learn.microsoft.com/rest/api/azure/devops/release/deployments/list#deploymentstatus
_STATES = ("resource.deployment.deploymentStatus", "resource.deployment.status", "resource.environment.status")


def release(event: Event) -> Event | Ignored:
    """A release, or a deployment or an approval of it."""
    release_id, name = kit.id_at(event.payload, *(f"{path}.id" for path in _RELEASES)), _name(event.payload, _RELEASES)
    if not (release_id and name):
        return event
    action = event.kind.rpartition(".")[2].removesuffix("-event")
    about = _about(event, release_id, name)
    if action == "deployment-started":
        return Ignored("It has not ended yet; its end is posted.")
    if action.startswith("deployment-approval"):
        return _approval(about, name, pending=action.endswith("pending"))
    if action == "deployment-completed":
        return _deployment(about, name)
    return _release(about, name, action.removeprefix("release-"))


def _about(event: Event, release_id: str, name: str) -> Event:
    """What every event of a release says of it."""
    project = kit.id_at(event.payload, *(f"{path}.id" for path in (*_PROJECTS, "resourceContainers.project")))
    definition, stage = first(event.payload, _DEFINITIONS), first(event.payload, _STAGES)
    resource = part(event.payload, "resource")
    links = [first(event.payload, (f"{path}._links.web.href",)) for path in _RELEASES]
    return replace(
        event,
        correlation_key=kit.key("release", project, release_id) or event.correlation_key,
        title=kit.title(name, f"of {definition}" if definition else ""),
        scope=_name(event.payload, _PROJECTS) or event.scope,
        url=next(filter(None, links), "") or event.url,
        facts=kit.facts(
            Artifacts=kit.listed(_artifact(each) for each in objects(resource, "release.artifacts")),
            Reason=_reason(first(resource, ("release.reason", "deployment.reason"))),
        ),
        attributes=kit.with_attributes(
            event, project=_name(event.payload, _PROJECTS), pipeline=definition, environment=stage, stage=stage
        ),
        details={**event.details, "definition": definition},
    )


def _release(event: Event, name: str, action: str) -> Event:
    """A release that was created or abandoned."""
    made, changed = (at(event.payload, f"resource.release.{field}") for field in ("createdBy", "modifiedBy"))
    who = made if action == "created" else changed
    by_schedule = dig(event.payload, "resource.release.reason") == "schedule" and is_service(who)
    return replace(
        event,
        actor="" if by_schedule else person(who),
        attributes=kit.with_attributes(event, conclusion=action),
        details={
            **event.details,
            "action": action,
            "noun": "release",
            "name": name,
            "by_schedule": by_schedule,
            "text": dig(event.payload, "resource.release.description") if action == "created" else "",
        },
    )


def _deployment(event: Event, name: str) -> Event | Ignored:
    """A deployment to a stage that came to its end."""
    state, stage = first(event.payload, _STATES), event.attributes["stage"]
    about = replace(event, actor="", attributes=kit.with_attributes(event, conclusion=state.lower()))
    what = f"Deployment of {name}" + (f" to {stage}" if stage else "")
    return forge.ran(
        about,
        forge.Run(name=what, outcome=outcome(state) or "neutral", took=_took(event.payload), noun="release"),
        text="",
    )


def _approval(event: Event, name: str, *, pending: bool) -> Event:
    """An approval before or after a deployment. `approver` was asked, `approvedBy` has acted."""
    given = part(event.payload, "resource.approval")
    state = dig(given, "status") or ("pending" if pending else "")
    asked, acted = person(at(given, "approver")), person(at(given, "approvedBy"))
    is_pending = outcome(state) == "waiting_for_approval"
    return decided(
        replace(
            event,
            facts=(*(() if is_pending or asked == acted else kit.facts(Approver=asked)), *event.facts),
            attributes=kit.with_attributes(event, conclusion=state.lower()),
        ),
        state,
        [asked if is_pending else acted],
        what=name,
        where=event.attributes["stage"],
        after=dig(given, "approvalType") == "postDeploy",
        automatic=dig(given, "isAutomated", False),
        text=kit.remark("" if is_pending else acted, dig(given, "comments")),
    )


def _name(payload: Payload, paths: tuple[str, ...]) -> str:
    return first(payload, tuple(f"{path}.name" for path in paths))


def _took(payload: Payload) -> str:
    """How long a deployment took: by its times, else in minutes by the environment or the message."""
    times = [moment(payload, f"resource.deployment.{name}") for name in ("startedOn", "completedOn")]
    if took := between(*times):
        return took
    minutes = dig(payload, "resource.environment.timeToDeploy", 0.0)
    match = re.search(
        r" Time to deploy: (\d{1,6}(?:\.\d{1,6})?) minutes\.?$", dig(payload, "detailedMessage.text")[:2000]
    )
    seconds = 60 * (minutes or (float(match[1]) if match else 0))
    return duration(seconds) if seconds >= 1 else ""


def _artifact(artifact: Payload) -> str:
    version = dig(artifact, "definitionReference.version.name")
    return " ".join(filter(None, (dig(artifact, "alias"), version)))


def _reason(reason: str) -> str:
    """`continuous integration` of continuousIntegration; `none` says nothing."""
    return "" if reason in {"none", "undefined"} else in_words(reason)
