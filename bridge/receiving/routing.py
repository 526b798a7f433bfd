"""Which groups receive an event: routes in order, each a sandboxed Jinja expression over the event.

A route whose expression fails does not match, unless it drops events: what must not be posted is then not posted.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import field, fields
from typing import TYPE_CHECKING

from bridge.deliveries import RouteTrial
from bridge.entries import Target
from bridge.errors import BadWebhook
from bridge.events import Event, Severity
from bridge.receiving.trials import trial
from bridge.rendering.expressions import Expression, Names
from bridge.rendering.text import one_line
from bridge.spelling import meant
from bridge.values import dataclass

if TYPE_CHECKING:
    from bridge.calendar.hours import Hours

# What an expression may use; `thread` is the former name of the correlation key.
NAMES = frozenset({one.name for one in fields(Event)} | {"thread"})

_logger = logging.getLogger(__name__)
_MAX_REASON = 200  # characters


@dataclass(frozen=True)
class Route:
    """One `[[route]]`. groups: object ids; without any, the route drops the events that match.

    conversation: the id of the conversation in which its threads are started. line: where it stands in BRIDGE_CONFIG.
    hours: what comes outside of them waits until they begin, unless it is critical or `unless` matches it.
    """

    when: str
    matches: Expression
    groups: tuple[str, ...]
    goes_on: bool = False
    participants: tuple[str, ...] = ()
    conversation: str = ""
    line: int = 0
    hours: Hours | None = None
    unless: Expression | None = None


@dataclass(frozen=True)
class Decision:
    """Where an event goes, and the reason; without targets it is dropped. answers: of the routes that were tried."""

    targets: tuple[Target, ...]
    reason: str
    answers: tuple[str, ...] = ()


class FailingRoutes:
    """The routes whose expressions have failed since the process started, by their numbers."""

    def __init__(self) -> None:
        self._failures: dict[int, tuple[str, int, str]] = {}
        self._changing = threading.Lock()

    def add(self, number: int, route: Route, error: Exception, effect: str) -> None:
        """Counts a failure; the first of a route is logged, with what follows from it."""
        reason = one_line(f"{type(error).__name__}: {error}", _MAX_REASON)
        with self._changing:
            _, count, _ = self._failures.get(number, ("", 0, ""))
            self._failures[number] = (route.when, count + 1, reason)
        if not count:
            _logger.warning(
                "Route %d of BRIDGE_CONFIG failed and %s: `%s`: %s. /api/health/details counts what follows.",
                number, effect, route.when, reason,
            )  # fmt: skip

    def report(self) -> list[Mapping[str, object]]:
        """Which routes failed, how often, and why the last time."""
        with self._changing:
            failures = sorted(self._failures.items())
        return [
            {"route": number, "when": when, "failures": count, "reason": reason}
            for number, (when, count, reason) in failures
        ]


@dataclass(frozen=True)
class Routes:
    """The routes in their order.

    default: the group for events that no route matches, or empty. names: the object ids of groups by their names.
    """

    default: str
    names: Mapping[str, str]
    routes: tuple[Route, ...]
    failing: FailingRoutes = field(default_factory=FailingRoutes, repr=False, compare=False)

    def decide(self, event: Event, requested: str = "") -> Decision:
        """Where the event goes.

        requested: the group that the webhook's URL names. It replaces the groups of the route that matches, except that
            a drop remains a drop; BadWebhook when there is no such group.
        """
        chosen = (self._named(requested),) if requested else ()
        targets: dict[str, Target] = {}
        matched: list[str] = []
        answers: list[str] = []
        names = names_of(event)
        for number, route in enumerate(self.routes, 1):
            effect, answer = self._effect(number, route, names)
            answers.append(answer)
            if not effect:
                continue
            matched.append(f"route {number} {effect}: {route.when}")
            for group in (chosen or route.groups) if route.groups else ():
                hours = self._hours(number, route, event, names)
                targets.setdefault(group, Target(group, route.participants, route.conversation, hours))
            if not route.goes_on:
                break
        if matched:
            return Decision(tuple(targets.values()), "; ".join(matched), tuple(answers))
        default = chosen or ((self.default,) if self.default else ())
        rest = ", so it goes to BRIDGE_GROUP" if default else " and BRIDGE_GROUP is not set"
        reason = f"no route matches it{rest}"
        targets_by_default = tuple(Target(group) for group in default)
        return Decision(targets_by_default, "?group= in the URL" if chosen else reason, tuple(answers))

    def trials(self, event: Event, decision: Decision) -> tuple[RouteTrial, ...]:
        """The routes that were tried for a decision about the event, with what they answered and why."""
        pairs = zip(self.routes, decision.answers, strict=False)
        return tuple([trial(number, route.when, answer, event) for number, (route, answer) in enumerate(pairs, 1)])

    def untried(self, decision: Decision) -> tuple[RouteTrial, ...]:
        """The routes that a decision did not need."""
        tried = len(decision.answers)
        return tuple(
            trial(number, route.when, f"not tried: route {tried} decides", None)
            for number, route in enumerate(self.routes[tried:], tried + 1)
        )

    def _effect(self, number: int, route: Route, names: Names) -> tuple[str, str]:
        """What the route does with the event, or nothing; and its answer for people."""
        try:
            matches = bool(route.matches.over(names))
        except Exception as error:  # noqa: BLE001  whatever a user's expression raises must not cost the event
            effect = "does not match" if route.groups else "drops the event"
            self.failing.add(number, route, error, effect)
            reason = one_line(f"failed: {error}", _MAX_REASON)
            return ("", reason) if route.groups else ("failed and drops it", f"{reason}; it drops the event")
        effect = "" if not matches else "matches" if route.groups else "drops it"
        return effect, effect or "does not match"

    def _hours(self, number: int, route: Route, event: Event, names: Names) -> Hours | None:
        """The hours for which the event has to wait; None where it comes at once."""
        if route.hours is None or event.severity is Severity.CRITICAL:
            return None
        try:
            is_urgent = route.unless is not None and bool(route.unless.over(names))
        except Exception as error:  # noqa: BLE001  whatever a user's expression raises must not cost the event
            self.failing.add(number, route, error, "does not make the event wait")
            is_urgent = True
        return None if is_urgent else route.hours

    def _named(self, name: str) -> str:
        if name in self.names:
            return self.names[name]
        if name in (self.default, *self.names.values()):
            return name
        like = meant(name, self.names)
        which = f"did you mean {like}?" if like else "name one of [groups] in BRIDGE_CONFIG."
        raise BadWebhook(f"The URL's ?group= is not a group of the settings: {which}")


def names_of(event: Event) -> Names:
    """What an expression may use of the event: NAMES."""
    return Names({**vars(event), "thread": event.thread})
