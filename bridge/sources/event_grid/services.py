"""The events of Azure's services: key vaults, storage, registries, machine learning.

Each function returns None for an event that lacks what it is about.
"""

import re
from dataclasses import replace
from typing import Any

from bridge.events import Event, Severity
from bridge.fields import Payload, as_time, at, dig, part
from bridge.rendering.filters import between
from bridge.rendering.text import in_words
from bridge.sources import kit
from bridge.sources.azure_container_registry import image

_EXPIRIES = {"expires_soon": Severity.WARNING, "expired": Severity.ERROR}
_OF_VAULTS = {
    "nearexpiry": "expires_soon",
    "expired": "expired",
    "newversioncreated": "new_version",
    "accesspolicychanged": "policy_changed",
}
_RUNS = {"failed": Severity.ERROR, "completed": Severity.SUCCESS}
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def key_vault(event: Event, data: Payload) -> Event | None:
    """A secret, key or certificate that nears its end or is past it, or has a new version; a changed access policy."""
    vault, noun, name = dig(data, "VaultName"), in_words(dig(data, "ObjectType")), dig(data, "ObjectName")
    if not (vault and noun and name):
        return None
    happened = re.sub("^(secret|key|certificate|vault)", "", event.kind.rpartition(".")[2])
    action, end = _OF_VAULTS.get(happened, happened), as_time(at(data, "EXP"))
    severity = _EXPIRIES.get(action, Severity.INFO)
    ends = "Expired" if action == "expired" else "Expires"
    return replace(
        event,
        severity=severity,
        scope=vault,
        title=kit.title(f"{noun.capitalize()} {name}"),
        correlation_key=f"vault {vault} {noun} {name}".lower(),
        facts=kit.facts(**{ends: end.isoformat() if end else "", "Version": dig(data, "Version")}),
        details={
            "action": action,
            "noun": noun,
            "name": name,
            "word": "" if happened in _OF_VAULTS else _happened(event).removeprefix(noun).strip(),
            "left": between(event.occurred, end),
            "buttons": [("Open the vault", event.url)] if severity >= "warning" else [],
        },
    )


def storage(event: Event, data: Payload) -> Event | None:
    """A blob or a directory that was created, changed or removed."""
    place = re.search(r"/containers/([^/]+)/blobs/(.+)", dig(event.payload, "subject"))
    happened = re.fullmatch(r"(?:.*\.)?(Blob|Directory)([A-Za-z]+)", event.details["type"])
    if not (place and happened):
        return None
    container, name, noun = place[1], place[2], happened[1].lower()
    action = in_words(happened[2]).replace(" ", "_")
    return replace(
        event,
        title=kit.title(f"{noun.capitalize()} {container}/{name}"),
        facts=kit.facts(
            From=dig(data, "sourceUrl"),
            Type=dig(data, "contentType"),
            Size=size(dig(data, "contentLength", 0)),
            Tier=dig(data, "accessTier"),
            By=dig(data, "api"),
        ),
        details={"action": f"blob_{action}", "noun": noun, "name": name.rpartition("/")[2], "container": container,
                 "word": f"{noun} {in_words(happened[2])}"},
    )  # fmt: skip


def registry(event: Event, data: Payload) -> Event:
    """An image or a chart that was pushed or deleted, as the registry's own webhook says it."""
    return replace(image(event, data), url=event.url)


def model_registered(event: Event, data: Payload) -> Event | None:
    """A new model, or a new version of one."""
    tags = {str(tag): str(value) for tag, value in part(data, "ModelTags").items() if isinstance(value, str | int)}
    version = at(data, "ModelVersion")
    return _learning(
        event,
        "registered",
        "model",
        dig(data, "ModelName"),
        kit.facts(**tags),
        version=str(version) if isinstance(version, str | int) else "",
    )


def model_deployed(event: Event, data: Payload) -> Event | None:
    """Models that a service has from now on."""
    facts = kit.facts(Models=dig(data, "ModelIds").replace(",", ", "), Runs_on=dig(data, "ServiceComputeType"))
    return _learning(event, "deployed", "service", dig(data, "ServiceName"), facts, Severity.SUCCESS)


def run(event: Event, data: Payload) -> Event | None:
    """A run of an experiment, which has another state now."""
    status = in_words(dig(data, "runStatus")) or ("completed" if event.kind.endswith("runcompleted") else "")
    facts = kit.facts(Experiment=dig(data, "experimentName"))
    severity = _RUNS.get(status, Severity.INFO)
    return _learning(event, f"run_{status}", "run", dig(data, "runId"), facts, severity, word=status)


def drift(event: Event, data: Payload) -> Event | None:
    """Data that has moved away from what a model was made with."""
    amount, facts = at(data, "DriftCoefficient"), kit.facts(From=dig(data, "StartTime"), To=dig(data, "EndTime"))
    return _learning(
        event,
        "drifted",
        "monitor",
        dig(data, "DataDriftName"),
        facts,
        Severity.WARNING,
        amount=f"{amount:.0%}" if isinstance(amount, float) else "",
    )


def _learning(
    event: Event,
    action: str,
    noun: str,
    name: str,
    facts: kit.Facts,
    severity: Severity = Severity.INFO,
    **details: Any,
) -> Event | None:
    if not name:
        return None
    return replace(
        event,
        severity=severity,
        title=kit.title(f"{noun.capitalize()} {name}"),
        facts=facts,
        details={"action": action, "noun": noun, "name": name, "word": _happened(event), **details},
    )


def _happened(event: Event) -> str:
    """What the type ends with, in words: `model registered` of Microsoft.MachineLearningServices.ModelRegistered."""
    return in_words(re.split(r"[./]", str(event.details.get("type", "")))[-1])


def size(count: int) -> str:
    """A number of bytes in the largest unit that it fills."""
    amount, unit = float(count), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.3g} {_UNITS[unit]}" if count > 0 else ""
