"""Azure Container Registry: https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference."""

import re
from collections.abc import Sequence
from dataclasses import replace

from bridge.events import Event, Severity, Webhook
from bridge.fields import Payload, dig, first, moment
from bridge.sources import kit, reading
from bridge.sources.base import Ignored, Source, as_action, identifier
from bridge.verification.shared_secrets import Token

# Images for several platforms: their manifest lists those of the platforms, which are pushed before it.
# https://github.com/opencontainers/image-spec/blob/main/image-index.md
_LISTS = ("manifest.list", "image.index")


def read(webhook: Webhook) -> Sequence[Event] | Ignored:
    """The one event of a delivery, or nothing for a ping or a part of an image; BadWebhook for what is no object."""
    payload = kit.json_object(webhook, "Azure Container Registry")
    action = identifier(dig(payload, "action"))
    if action == "ping":
        return Ignored("The registry's ping: the webhook is set up.")
    if is_part(payload):
        return Ignored("A part of an image that has no tag of its own.")
    delivery = kit.id_at(payload, "id") or webhook.fingerprint
    event = Event(
        source="azure_container_registry",
        kind=action or "event",
        delivery=delivery,
        dedup_key="" if kit.id_at(payload, "id") else delivery,
        correlation_key=f"event {delivery}",
        title="Container registry",
        payload=payload,
        occurred=moment(payload, "timestamp"),
        attributes=kit.no_attributes("registry repository tag action"),
    )
    return (image(event, payload) if action else reading.fill(event, reading.read(payload)),)


def is_part(payload: Payload) -> bool:
    """Whether it is a push without a tag: that of a platform of an image, whose tag comes with the list of them.

    Event Grid brings the same as its data.
    """
    tag = first(payload, ("target.version", "target.tag"))
    return identifier(dig(payload, "action")) == "push" and bool(dig(payload, "target.digest")) and not tag


def image(event: Event, payload: Payload) -> Event:
    """The event with what the registry says of an image or a chart; Event Grid brings the same as its data."""
    host, repository = dig(payload, "request.host"), dig(payload, "target.repository")
    chart, tag = dig(payload, "target.name"), first(payload, ("target.version", "target.tag"))
    digest, action = _short(dig(payload, "target.digest")), as_action(dig(payload, "action"))
    name = f"{chart} {tag}".strip() if chart else _reference(repository, tag, digest)
    return replace(
        event,
        # The webhook of a chart does not name the registry.
        correlation_key=kit.key(host, repository) or repository or event.correlation_key,
        title=kit.title(repository) or event.title or "Container registry",
        severity=Severity.WARNING if action == "quarantine" else Severity.INFO,
        scope=host or event.scope,
        facts=kit.facts(
            Image=f"{host}/{name}" if host and tag and not chart else "",
            Digest=digest,
            # The first word of `docker/27.3.1 go/go1.22.7 git-commit/41ca978 os/linux` says enough.
            Client=re.split(r"[ (]", dig(payload, "request.useragent"), maxsplit=1)[0],
        ),
        attributes=kit.with_attributes(event, registry=host, repository=repository, tag=tag, action=action),
        details={"action": action, "noun": _noun(payload, action), "name": name, "registry": host},
    )


def _reference(repository: str, tag: str, digest: str) -> str:
    """What is to be pulled: a tag, or the digest of what has none."""
    if not repository:
        return ""
    return f"{repository}:{tag}" if tag else f"{repository}@{digest}" if digest else repository


def _noun(payload: Payload, action: str) -> str:
    kind = " ".join(dig(payload, f"target.{name}") for name in ("mediaType", "artifactType"))
    if action.startswith("chart") or "helm" in kind:
        return "chart"
    return "multi-platform image" if any(name in kind for name in _LISTS) else "image"


def _short(digest: str) -> str:
    algorithm, _, value = digest.partition(":")
    return f"{algorithm}:{value[:12]}" if value else digest[:40]


AZURE_CONTAINER_REGISTRY = Source(
    name="azure_container_registry",
    title="Azure Container Registry",
    # Custom headers: https://learn.microsoft.com/azure/container-registry/container-registry-webhook
    verifier=Token("X-Bridge-Secret"),
    read=read,
    delivery_field="id",
)
