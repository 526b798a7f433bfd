"""What a change of routes or templates does to a webhook that came: pure, from the bridge before it and after it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bridge.app import Bridge
from bridge.local.collected_warnings import warnings_of
from bridge.local.page.today import EventToday, Today, today
from bridge.payloads import KeptPayload

_LOGGERS = ("bridge.rendering.renderer", "bridge.receiving.routing", "bridge.sources.form_expressions")


@dataclass(frozen=True)
class Result:
    """What becomes of a webhook. problems: what failed on the way."""

    today: Today
    problems: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """The object ids of all groups that get a post, each once."""
        return tuple(dict.fromkeys(group for event in self.today.events for group in event.groups))


@dataclass(frozen=True)
class Effect:
    """What a change does to one webhook."""

    before: Result
    after: Result

    @property
    def changes_groups(self) -> bool:
        """Whether it goes to other groups, or a single one of its events does."""
        return self._differs(lambda event: (event.kind, frozenset(event.groups)))

    @property
    def changes_people(self) -> bool:
        """Whether others are invited."""
        return self._differs(lambda event: frozenset(event.participants))

    @property
    def changes_post(self) -> bool:
        """Whether a post would look otherwise."""
        return self._differs(lambda event: (event.topic, event.summary, event.html))

    def _differs(self, part: Callable[[EventToday], object]) -> bool:
        before, after = self.before.today.events, self.after.today.events
        return [part(event) for event in before] != [part(event) for event in after]


def effect(old: Bridge, new: Bridge, payload: KeptPayload, at: datetime) -> Effect:
    """What a change does to a kept webhook. at: when it came."""
    return Effect(_result(old, payload, at), _result(new, payload, at))


def _result(bridge: Bridge, payload: KeptPayload, at: datetime) -> Result:
    with warnings_of(*_LOGGERS) as problems:
        found = today(bridge, payload, at)
    return Result(found, tuple(dict.fromkeys(problems)))
