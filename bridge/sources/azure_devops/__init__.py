"""Azure DevOps' service hooks: https://learn.microsoft.com/azure/devops/service-hooks/services/webhooks."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.fields import Payload, dig, moment
from bridge.rendering.text import is_id, one_line
from bridge.sources.azure_devops import code, messages
from bridge.sources.azure_devops.pipelines import approval, build, run
from bridge.sources.azure_devops.releases import release
from bridge.sources.azure_devops.words import MAX_TITLE, number
from bridge.sources.azure_devops.work_items import work_item
from bridge.sources.base import Source, decode_json, identifier, thread_key
from bridge.verification.signatures import AnyOf, Basic, Token

# What tells an event, by the beginning of its type; what is not here is told by its message.
_TELLERS: Mapping[str, Callable[[Event], Event]] = {
    "git.push": code.push,
    "git.pullrequest.": code.pull_request,
    "ms.vss-code.git-pullrequest-comment-event": code.comment,
    "git.repo.": code.repository,
    "tfvc.checkin": code.check_in,
    "workitem.": work_item,
    "build.complete": build,
    "ms.vss-pipelines.": run,
    "ms.vss-pipelinechecks-events.approval-": approval,
    "ms.vss-release.": release,
}
# Every attribute that a route may ask for, so that no route's condition fails on it.
_TEXTS = (
    "organization", "collection", "project", "repository", "branch", "author", "state", "type", "assigned_to", "area",
    "pipeline", "stage", "environment", "conclusion",
)  # fmt: skip
_ATTRIBUTES: Mapping[str, Any] = {**dict.fromkeys(_TEXTS, ""), "labels": [], "draft": False}
# The Test button of a service hook sends the same id each time, for this subscription.
_TEST = "00000000-0000-0000-0000-000000000000"


def read(webhook: Webhook) -> Sequence[Event]:
    """The one event of a service hook; BadWebhook for a body without an eventType."""
    payload = decode_json(webhook.body)
    name = identifier(dig(payload, "eventType")).replace("ms.azure-devops-", "ms.vss-")
    if not name:
        raise BadWebhook("The body has no eventType: is this a service hook of Azure DevOps?")
    told = messages.sentence(payload)
    link = messages.link(payload)
    event = Event(
        source="azure_devops",
        kind=name,
        delivery=_delivery(payload, webhook.body),
        correlation_key=f"link {link}" if link else f"event {number(payload, 'id', 'notificationId')}",
        title=one_line(told, MAX_TITLE) or f"Azure DevOps: {name}",
        payload=payload,
        scope=_project(link) or _organization(payload),
        actor=messages.actor(payload),
        url=link,
        occurred=moment(payload, "createdDate"),
        attributes={
            **_ATTRIBUTES,
            "organization": _organization(payload),
            "collection": number(payload, "resourceContainers.collection.id"),
        },
        details={"sentence": told, "text": messages.text(payload)},
    )
    teller = next((teller for start, teller in _TELLERS.items() if name.startswith(start)), None)
    event = teller(event) if teller else event
    return (replace(event, correlation_key=thread_key(event.correlation_key)),)


def _delivery(payload: Payload, body: bytes) -> str:
    """The event's id, which is the same in every subscription that it goes to."""
    ident = number(payload, "id")
    if ident and dig(payload, "subscriptionId") == _TEST:
        return f"{ident} {dig(payload, 'createdDate')}"
    return ident or hashlib.sha256(body).hexdigest()


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
)
