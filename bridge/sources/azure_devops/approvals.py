"""Approvals of what pipelines and releases deploy: who was asked, and who acted."""

import re
from collections.abc import Iterable
from dataclasses import replace

from bridge.events import Event, Severity
from bridge.fields import Payload, at, dig, first, objects, part
from bridge.rendering.text import in_words
from bridge.sources import forge, kit
from bridge.sources.azure_devops import messages
from bridge.sources.azure_devops.names import branch, outcome, person, with_names
from bridge.sources.azure_devops.pipelines import Place, located

_DEPLOYMENT = re.compile(r"Approval \w+ for deployment of pipeline (.+?)\.?")
_SEVERITIES = {**forge.OUTCOMES, "approved": Severity.SUCCESS}
_DECIDED = {"approved", "rejected"}


def approval(event: Event) -> Event:
    """An approval of a run's stage that is needed or was given; the run itself is often only in the message."""
    resource, given = part(event.payload, "resource"), part(event.payload, "resource.approval")
    what, where = _deployment(event, resource)
    if not what:
        return event
    state = dig(given, "status") or ("pending" if event.kind.endswith("pending") else "")
    pending = outcome(state) == "waiting_for_approval"
    steps = objects(given, "steps")
    asked = kit.listed(person(at(step, "assignedApprover")) for step in steps)
    needed = kit.id_at(given, "minRequiredApprovers") if pending and len(steps) > 1 else ""
    kind, name = in_words(dig(resource, "resource.type")), dig(resource, "resource.name")
    acted = [person(at(step, "actualApprover")) for step in steps if dig(step, "status") == state]
    people = [person(at(step, "assignedApprover")) for step in steps] if pending else acted
    about = replace(
        _located(event, resource, what, where, state),
        url=dig(resource, "run._links.web.href") or event.url,
        facts=kit.facts(
            Resource=f"{kind} {name}" if name and name != where else "",
            # Where the sentence does not name just them.
            Approvers=asked if asked != kit.listed(people, most=5) else "",
            Approvals_needed=f"{needed} of {len(steps)}" if needed else "",
        ),
    )
    text = dig(given, "instructions") if pending else "\n\n".join(filter(None, map(_remark, steps)))
    return decided(
        about,
        state,
        people,
        what=what,
        where=where,
        text=with_names(text, event.payload),
    )


def decided(event: Event, state: str, people: Iterable[str], **details: object) -> Event:
    """The event as an approval of the deployment of `what` to `where`.

    people: who acted, or who is asked while nobody has.
    """
    names = list(dict.fromkeys(filter(None, people)))
    action = outcome(state) or "completed"
    return replace(
        event,
        severity=_SEVERITIES.get(action, Severity.INFO),
        # A time-out is nobody's act.
        actor=kit.listed(names) if action in _DECIDED else "",
        details={**event.details, **details, "action": action, "people": names},
    )


def _deployment(event: Event, resource: Payload) -> tuple[str, str]:
    """What is deployed, and to which environment; by the message where the resource does not say and it is clear."""
    pipeline = dig(resource, "pipeline.name")
    what = " ".join(filter(None, (pipeline, dig(resource, "run.name"))))
    where = dig(resource, "resource.name") if dig(resource, "resource.type") in {"environment", ""} else ""
    if what and part(resource, "resource"):
        return what, where
    match = _DEPLOYMENT.fullmatch(messages.line(event.payload))
    name, _, environment = match[1].partition(" to environment ") if match else ("", "", "")
    is_clear = bool(environment) and " to environment " not in environment
    return what or (name if is_clear else ""), where or (environment if is_clear else "")


def _located(event: Event, resource: Payload, what: str, where: str, state: str) -> Event:
    """The event with its key, title and attributes."""
    pipeline = part(resource, "pipeline")
    if not pipeline:
        key = kit.key("approval", kit.id_at(resource, "approval.id")) if not event.url else ""
        return replace(event, title=kit.title(f"Approval of {what}"), correlation_key=key or event.correlation_key)
    self = part(resource, "run.resources.repositories.self")
    ref = dig(self, "refName")
    place = Place(pipeline, part(self, "repository"), ref, branch(ref))
    stage = first(resource, ("stage.displayName", "stage.name", "stageName"))
    return replace(event, **located(event, place, stage=stage, environment=where, conclusion=state.lower()))


def _remark(step: Payload) -> str:
    """What an approver wrote, with their name."""
    return kit.remark(person(at(step, "actualApprover")), dig(step, "comment"))
