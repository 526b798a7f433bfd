"""What every alert brings, and what its signal adds to it."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any

from bridge.events import Severity
from bridge.fields import Payload
from bridge.rendering.measures import History
from bridge.sources.azure_resources import Resource
from bridge.values import dataclass


@dataclass(frozen=True)
class Alert:
    """What the common schema says of every alert.

    state: `firing`, `resolved`, or the condition of the alert in words where it is neither. resource: the first that it
    is about; resources: all of them. took: how long it fired, once it is resolved.
    """

    rule: str
    state: str
    description: str
    resource: Resource
    resources: Sequence[Resource]
    took: str
    essentials: Payload
    context: Payload

    @property
    def is_resolved(self) -> bool:
        """Whether it is over."""
        return self.state == "resolved"


@dataclass(frozen=True)
class Report:
    """What a signal says. What is empty is as it is for all alerts.

    action: the block of the template that words it; details: the values that it uses. what: the name of what it is
    about, with its address `link`; without one it is the resource of the alert.
    meters: bars of value, threshold and text. history: what the value was before. table: columns and rows.
    series: what distinguishes the alerts of one rule on one resource; correlation_key: what the conversation is about,
    where it is not these three. is_over: it is settled; goes_on: more may be said of it even then.
    """

    action: str = "state"
    details: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    scope: str = ""
    actor: str = ""
    what: str = ""
    link: str = ""
    word: str = ""
    text: str = ""
    url: str = ""
    series: str = ""
    correlation_key: str = ""
    stage: str = ""
    severity: Severity | None = None
    occurred: datetime | None = None
    is_over: bool = False
    goes_on: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    meters: Sequence[tuple[float, float, str]] = ()
    history: History | None = None
    table: tuple[Sequence[str], Sequence[Sequence[str]]] = ((), ())
    buttons: Sequence[tuple[str, str]] = ()
