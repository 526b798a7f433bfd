"""Azure DevOps' service hooks: https://learn.microsoft.com/azure/devops/service-hooks/services/webhooks."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import unquote

from bridge.events import Event, Webhook
from bridge.fields import Payload, dig, first, moment, part
from bridge.rendering.text import done, in_words, is_id
from bridge.sources import kit, reading
from bridge.sources.azure_devops import code, messages, pulls
from bridge.sources.azure_devops.approvals import approval
from bridge.sources.azure_devops.pipelines import build, run
from bridge.sources.azure_devops.releases import release
from bridge.sources.azure_devops.work_items import work_item
from bridge.sources.base import Ignored, Source, identifier
from bridge.sources.people import PeopleAt
from bridge.verification.combinations import AnyOf
from bridge.verification.shared_secrets import Basic, Token

# What reads an event, by the beginning of its type; of all others the message is shown.
_READERS: Mapping[str, Callable[[Event], Event | Ignored]] = {
    "git.push": code.push,
    "git.pullrequest.": pulls.pull_request,
    "ms.vss-code.git-pullrequest-comment-event": pulls.comment,
    "git.repo.": code.repository,
    "tfvc.checkin": code.check_in,
    "workitem.": work_item,
    "build.complete": build,
    "ms.vss-pipelines.": run,
    "ms.vss-pipelinechecks-events.approval-": approval,
    "ms.vss-release.": release,
}
# Every attribute that a route may ask for, so that no route's condition fails on it.
_ATTRIBUTES = kit.no_attributes(
    "organization collection project repository branch source_branch tag author state type assigned_to area pipeline"
    " stage environment conclusion",
    lists="labels",
    flags="draft fork",
)
_UNNAMED = "event"
# The Test button of a service hook sends the same id each time, for this subscription.
_TEST = "00000000-0000-0000-0000-000000000000"


def read(webhook: Webhook) -> Sequence[Event] | Ignored:
    """The one event of a service hook, or nothing for what has not ended; BadWebhook for a body that is no object."""
    payload = kit.json_object(webhook, "Azure DevOps")
    # Some events have their type under another name.
    name = identifier(first(payload, ("eventType", "eventId"))).replace("ms.azure-devops-", "ms.vss-") or _UNNAMED
    sentence, link, delivery = messages.sentence(payload), messages.link(payload), _delivery(payload, webhook.body)
    event = Event(
        source="azure_devops",
        kind=name,
        delivery=delivery,
        dedup_key="" if kit.id_at(payload, "id") else delivery,
        correlation_key=f"link {link}" if link else f"event {delivery}",
        title=kit.title(sentence or f"Azure DevOps: {in_words(name)}"),
        payload=payload,
        scope=_project(link) or _organization(payload),
        url=link,
        occurred=moment(payload, "createdDate"),
        attributes={
            **_ATTRIBUTES,
            "organization": _organization(payload),
            "collection": kit.id_at(payload, "resourceContainers.collection.id"),
        },
        details={"sentence": sentence, "text": messages.text(payload)},
    )
    reader = next((reader for start, reader in _READERS.items() if name.startswith(start)), None)
    found = reader(event) if reader else _unknown(event)
    return found if isinstance(found, Ignored) else (found,)


def _unknown(event: Event) -> Event:
    """An event that is not known here: its message, and what its resource says."""
    resource = part(event.payload, "resource")
    # Some resources stand in an object by their name.
    inner = [value for value in resource.values() if isinstance(value, dict)] if len(resource) == 1 else []
    name = first(event.payload, ("eventType", "eventId")).removeprefix("ms.").removesuffix("-event")
    happened, word = in_words(name), done(name.rpartition(".")[2])
    found = reading.read(inner[0] if inner else resource or event.payload, happened)
    if not event.details["sentence"]:
        return reading.fill(event, found)
    return replace(
        event,
        severity=found.severity or event.severity,
        facts=tuple(pair for pair in found.facts if pair[0] == "Severity" or not event.details["text"]),
        details={**event.details, "buttons": found.buttons, "word": word},
    )


def _delivery(payload: Payload, body: bytes) -> str:
    """The event's id, which is the same in every subscription that it goes to."""
    event_id = kit.id_at(payload, "id")
    if event_id and dig(payload, "subscriptionId") == _TEST:
        return f"{event_id} {dig(payload, 'createdDate')}"
    return event_id or hashlib.sha256(body).hexdigest()


def _project(url: str) -> str:
    """`Pump` of https://dev.azure.com/contoso/Pump/_build/results; some have the project's id there."""
    before, found, _ = url.partition("/_")
    parts = before.partition("://")[2].split("/")[1 if ".visualstudio.com" in before else 2 :]
    return unquote(parts[0]) if found and len(parts) == 1 and not is_id(parts[0]) else ""


def _organization(payload: Payload) -> str:
    """`contoso` of https://dev.azure.com/contoso/ and of https://contoso.visualstudio.com/."""
    url = dig(payload, "resourceContainers.collection.baseUrl").rstrip("/")
    host, _, path = url.partition("://")[2].partition("/")
    return path.rpartition("/")[2] or host.removesuffix(".visualstudio.com")


AZURE_DEVOPS = Source(
    name="azure_devops",
    title="Azure DevOps",
    # https://learn.microsoft.com/azure/devops/service-hooks/services/webhooks
    verifier=AnyOf((Basic(), Token("X-Bridge-Secret"))),
    read=read,
    delivery_field="id",
    # Eight times, with up to a minute between them: https://learn.microsoft.com/azure/devops/service-hooks/troubleshoot
    retry_window=15 * 60.0,
    people=PeopleAt(
        actor=("resource/revisedBy", "resource/pushedBy", "resource/comment/author"),
        author=(
            *("resource/pullRequest/createdBy", "resource/createdBy", "resource/requestedFor", "resource/author"),
            *(
                "resource/fields/System.CreatedBy",
                "resource/revision/fields/System.CreatedBy",
                "resource/run/createdBy",
            ),
            *("resource/release/createdBy", "resource/deployment/requestedFor"),
        ),
        reviewers=(
            *("resource/reviewers", "resource/pullRequest/reviewers", "resource/approval/steps/assignedApprover"),
            "resource/approval/approver",
        ),
        assignees=("resource/fields/System.AssignedTo", "resource/revision/fields/System.AssignedTo"),
    ),
)
