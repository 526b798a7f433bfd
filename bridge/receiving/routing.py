"""Which groups receive an event: routes in order, each a sandboxed Jinja expression over the event."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields

from bridge.entries import Target
from bridge.errors import BadWebhook
from bridge.events import Event
from bridge.rendering.expressions import Expression

# What an expression may use; `thread` is the former name of the correlation key.
NAMES = frozenset({one.name for one in fields(Event)} | {"thread"})

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Route:
    """One `[[route]]`. groups: object ids; without any, the route drops the events that match.

    conversation: the id of the conversation in which its threads are started.
    """

    when: str
    matches: Expression
    groups: tuple[str, ...]
    goes_on: bool = False
    participants: tuple[str, ...] = ()
    conversation: str = ""


@dataclass(frozen=True)
class Decision:
    """Where an event goes, and the reason; without targets it is dropped."""

    targets: tuple[Target, ...]
    reason: str


@dataclass(frozen=True)
class Routes:
    """The routes in their order.

    default: the group for events that no route matches, or empty. names: the object ids of groups by their names.
    """

    default: str
    names: Mapping[str, str]
    routes: tuple[Route, ...]

    def decide(self, event: Event, requested: str = "") -> Decision:
        """Where the event goes.

        requested: the group that the webhook's URL names. It replaces the groups of the route that matches, except that
            a drop remains a drop; BadWebhook when there is no such group.
        """
        chosen = (self._named(requested),) if requested else ()
        targets: dict[str, Target] = {}
        matched: list[str] = []
        for number, route in enumerate(self.routes, 1):
            if not _matches(route, event):
                continue
            effect = "matches" if route.groups else "drops it"
            matched.append(f"route {number} {effect}: {route.when}")
            for group in (chosen or route.groups) if route.groups else ():
                targets.setdefault(group, Target(group, route.participants, route.conversation))
            if not route.goes_on:
                break
        if matched:
            return Decision(tuple(targets.values()), "; ".join(matched))
        default = chosen or ((self.default,) if self.default else ())
        reason = "no route matches it: BRIDGE_GROUP" if default else "no route matches it and BRIDGE_GROUP is not set"
        return Decision(tuple(Target(group) for group in default), "?group= in the URL" if chosen else reason)

    def _named(self, name: str) -> str:
        if name in self.names:
            return self.names[name]
        if name in (self.default, *self.names.values()):
            return name
        raise BadWebhook("The URL's ?group= is not a group of the settings: name one of [groups] in BRIDGE_CONFIG.")


def _matches(route: Route, event: Event) -> bool:
    try:
        return bool(route.matches(**{name: getattr(event, name) for name in NAMES}))
    except Exception as error:  # noqa: BLE001  whatever a user's expression raises must not cost the event
        _logger.warning("The route `%s` failed and does not match: %s: %s", route.when, type(error).__name__, error)
        return False
