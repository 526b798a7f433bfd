"""What Azure's services say of their own things: key vaults, storage, registries, machine learning."""

import re
from dataclasses import replace

from bridge.events import Event, Severity
from bridge.fields import Payload, as_time, at, dig, part
from bridge.rendering.filters import between
from bridge.rendering.text import one_line
from bridge.sources.azure_container_registry import image
from bridge.sources.azure_resources import spaced
from bridge.sources.event_grid.words import any_event, day, last_word, shown, size, told

# What became of a secret, a key or a certificate: how much it matters, its word, and what is said.
_EXPIRIES = {
    "nearexpiry": (Severity.WARNING, "near expiry", "expires soon"),
    "expired": (Severity.ERROR, "expired", "has expired"),
    "newversioncreated": (Severity.INFO, "new version", "has a new version"),
    "accesspolicychanged": (Severity.INFO, "access policy", "has another access policy"),
}
_BLOBS = {
    "created": ("was written to", "success"),
    "deleted": ("was deleted from", "quiet"),
    "renamed": ("was renamed in", "info"),
    "tier changed": ("changed its tier in", "info"),
}


def key_vault(event: Event, data: Payload) -> Event:
    """A secret, key or certificate that nears its end or is past it, or has a new version; a changed access policy."""
    vault, noun, name = dig(data, "VaultName"), dig(data, "ObjectType").lower(), dig(data, "ObjectName")
    if not (vault and noun and name):
        return any_event(event, data)
    deed = event.kind.rpartition(".")[2].removeprefix(noun)
    severity, word, after = _EXPIRIES.get(deed, (Severity.INFO, spaced(deed), "was changed"))
    end = as_time(at(data, "EXP"))
    left = between(event.occurred, end) if deed == "nearexpiry" else ""
    return replace(
        told(
            event,
            severity=severity,
            word=word,
            before=f"The {noun}",
            what=name,
            after=f"expires in {left}" if left else after,
            facts={
                "Expired" if deed == "expired" else "Expires": day(end),
                "Version": dig(data, "Version"),
            },
            button=("Open the vault", event.url) if severity >= "warning" else (),
        ),
        scope=vault,
        title=one_line(f"{noun.capitalize()} {name}", 200),
        correlation_key=f"vault {vault} {noun} {name}".lower(),
    )


def storage(event: Event, data: Payload) -> Event:
    """A blob or a directory that was created, changed or removed."""
    place = re.search(r"/containers/([^/]+)/blobs/(.+)", dig(event.payload, "subject"))
    happened = re.fullmatch(r"(?:.*\.)?(Blob|Directory)([A-Za-z]+)", event.details["type"])
    if not (place and happened):
        return any_event(event, data)
    container, name = place[1], place[2]
    noun, deed = happened[1].lower(), spaced(happened[2])
    done, tone = _BLOBS.get(deed, (f"({deed}) is in", "info"))
    return replace(
        told(
            event,
            word=f"{noun} {deed}",
            tone=tone,
            before=f"The {noun}",
            what=name.rpartition("/")[2],
            after=f"{done} {container}",
            facts={
                "From": dig(data, "sourceUrl"),
                "Type": dig(data, "contentType"),
                "Size": size(dig(data, "contentLength", 0)),
                "Tier": dig(data, "accessTier"),
                "By": dig(data, "api"),
            },
        ),
        title=one_line(f"{noun.capitalize()} {container}/{name}", 200),
    )


def registry(event: Event, data: Payload) -> Event:
    """An image or a chart that was pushed or deleted, as the registry's own webhook tells it."""
    return replace(image(event, data), url=event.url)


def model_registered(event: Event, data: Payload) -> Event:
    """A new model, or a new version of one."""
    version = shown(at(data, "ModelVersion"))
    return _learning(
        event,
        what=dig(data, "ModelName"),
        before="The model",
        after=f"was registered as version {version}" if version else "was registered",
        facts={str(tag): shown(value) for tag, value in part(data, "ModelTags").items()},
    )


def model_deployed(event: Event, data: Payload) -> Event:
    """Models that a service has from now on."""
    models = dig(data, "ModelIds").replace(",", ", ")
    return _learning(
        event,
        what=dig(data, "ServiceName"),
        before="The service",
        after="has new models",
        severity=Severity.SUCCESS,
        facts={"Models": models, "Runs on": dig(data, "ServiceComputeType")},
    )


def run(event: Event, data: Payload) -> Event:
    """A run of an experiment, which has another state now."""
    status = dig(data, "runStatus").lower() or "completed"
    ended = status in {"completed", "failed", "canceled"}
    return _learning(
        event,
        what=dig(data, "runId"),
        before="The run",
        after={"canceled": "was canceled"}.get(status, status if ended else f"is {status}"),
        severity={"failed": Severity.ERROR, "completed": Severity.SUCCESS}.get(status, Severity.INFO),
        word=status,
        facts={"Experiment": dig(data, "experimentName")},
    )


def drift(event: Event, data: Payload) -> Event:
    """Data that has moved away from what a model was made with."""
    amount = at(data, "DriftCoefficient")
    return _learning(
        event,
        what=dig(data, "DataDriftName"),
        before="The monitor",
        after=f"found a drift of {amount:.0%}" if isinstance(amount, float) else "found a drift",
        severity=Severity.WARNING,
        facts={"From": day(as_time(at(data, "StartTime"))), "To": day(as_time(at(data, "EndTime")))},
    )


def _learning(
    event: Event,
    what: str,
    before: str,
    after: str,
    facts: dict[str, str],
    severity: Severity = Severity.INFO,
    word: str = "",
) -> Event:
    if not what:
        return any_event(event, part(event.payload, "data"))
    title = one_line(f"{before.removeprefix('The ').capitalize()} {what}", 200)
    word = word or last_word(event)
    return replace(told(event, severity, word, before=before, what=what, after=after, facts=facts), title=title)
