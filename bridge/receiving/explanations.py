"""What happens to a webhook and why, for people who ask before it comes."""

from bridge.deliveries import RouteTrial
from bridge.values import dataclass


@dataclass(frozen=True)
class EventExplanation:
    """What happens to one event. templates: from special to general; template: the one that renders it.

    trials: all routes, with their answers. participants: who is invited. unknown: whom `[people]` does not name.
    waiting: until when it waits for the hours of a route, in words.
    """

    kind: str
    correlation_key: str
    title: str
    severity: str
    templates: tuple[str, ...]
    template: str
    route: str
    groups: tuple[str, ...]
    trials: tuple[RouteTrial, ...] = ()
    participants: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """What the bridge makes of a webhook. authentication: by what. ignored: why there are no events, or empty.

    expected: the names of the expectations that it meets.
    """

    authentication: str
    steps: tuple[EventExplanation, ...] = ()
    ignored: str = ""
    expected: tuple[str, ...] = ()
