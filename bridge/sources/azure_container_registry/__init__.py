"""Azure Container Registry: https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bridge.errors import BadWebhook
from bridge.events import Event, Severity, Webhook
from bridge.fields import Payload, dig, first, moment
from bridge.rendering.text import one_line
from bridge.sources.base import Ignored, Source, decode_json, identifier, thread_key
from bridge.verification.signatures import Token

# What was done, its word, its tone and how much it matters.
_DEEDS: Mapping[str, tuple[str, str, str, Severity]] = {
    "push": ("was pushed to", "pushed", "success", Severity.INFO),
    "delete": ("was deleted from", "deleted", "quiet", Severity.INFO),
    "quarantine": ("is quarantined in", "quarantined", "warning", Severity.WARNING),
    "chart_push": ("was pushed to", "chart pushed", "success", Severity.INFO),
    "chart_delete": ("was deleted from", "chart deleted", "quiet", Severity.INFO),
}


def read(webhook: Webhook) -> Sequence[Event] | Ignored:
    """The one event of a delivery, or nothing for a ping; BadWebhook for a body without an action."""
    payload = decode_json(webhook.body)
    action = identifier(dig(payload, "action"))
    if not action:
        raise BadWebhook("The body has no action: is this the webhook of an Azure container registry?")
    if action == "ping":
        return Ignored("The registry's ping: the webhook is set up.")
    event = Event(
        source="azure_container_registry",
        kind=action,
        delivery=dig(payload, "id") or hashlib.sha256(webhook.body).hexdigest(),
        correlation_key="",
        title="",
        payload=payload,
        occurred=moment(payload, "timestamp"),
    )
    return (image(event, payload),)


def image(event: Event, payload: Payload) -> Event:
    """The event with what the registry says of an image or a chart; Event Grid brings the same as its data."""
    host, repository = dig(payload, "request.host"), dig(payload, "target.repository")
    tag = first(payload, ("target.version", "target.tag"))
    digest = dig(payload, "target.digest")
    chart = dig(payload, "target.name")
    name = f"{chart} {tag}".strip() if chart else f"{repository or 'an image'}{f':{tag}' if tag else ''}"
    action = identifier(dig(payload, "action"))
    verb, word, tone, severity = _DEEDS.get(action, ("was changed in", action.replace("_", " "), "info", Severity.INFO))
    thing = "chart" if action.startswith("chart") else "image"
    return replace(
        event,
        correlation_key=thread_key(f"{host} {repository}".strip() or event.correlation_key or "registry"),
        title=one_line(repository, 200) or "Container registry",
        severity=severity,
        scope=host or event.scope,
        facts=_facts(host, name if tag and not chart else "", digest, dig(payload, "request.useragent")),
        attributes={
            **event.attributes,
            "registry": host,
            "repository": repository,
            "tag": tag,
            "action": action,
        },
        details={
            "before": f"The {thing}",
            "what": name,
            "after": f"{verb} {host or 'the registry'}",
            "word": word,
            "tone": tone,
        },
    )


def _facts(host: str, name: str, digest: str, agent: str) -> tuple[tuple[str, str], ...]:
    algorithm, _, value = digest.partition(":")
    facts = {
        "Image": f"{host}/{name}" if host and name else "",
        "Digest": f"{algorithm}:{value[:12]}" if value else digest[:40],
        # The first word of `docker/27.3.1 go/go1.22.7 git-commit/41ca978 os/linux` says enough.
        "Client": re.split(r"[ (]", agent, maxsplit=1)[0],
    }
    return tuple((label, one_line(value, 120)) for label, value in facts.items() if value)


AZURE_CONTAINER_REGISTRY = Source(
    name="azure_container_registry",
    title="Azure Container Registry",
    # Custom headers: https://learn.microsoft.com/azure/container-registry/container-registry-webhook
    verifier=Token("X-Bridge-Secret"),
    read=read,
    delivery_field="id",
)
