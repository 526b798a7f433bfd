"""What a change of routes or templates does to webhooks that came: pure, from two setups and a payload."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from bridge.configuration import Configuration
from bridge.deliveries import RouteTrial
from bridge.entries import Target, entry_id
from bridge.errors import WebhookError
from bridge.events import Event, Webhook
from bridge.local.collected_warnings import warnings_of
from bridge.payloads import KeptPayload
from bridge.publishing.stories import post_html
from bridge.receiving.receiver import events_of
from bridge.rendering.renderer import Renderer
from bridge.sources.base import Ignored

_LOGGERS = ("bridge.rendering.renderer", "bridge.receiving.routing", "bridge.sources.form_expressions")


@dataclass(frozen=True)
class Setup:
    """By what webhooks are read, routed and rendered."""

    configuration: Configuration
    renderer: Renderer

    @staticmethod
    def of(configuration: Configuration, unsaved: Mapping[str, str] = MappingProxyType({})) -> "Setup":
        """That of a configuration. unsaved: texts of templates, in place of those in the files."""
        settings = configuration.settings
        renderer = Renderer(
            settings.templates,
            configuration.titles,
            settings.time_zone,
            configuration.extended,
            configuration.replaced,
            unsaved,
        )
        return Setup(configuration, renderer)


@dataclass(frozen=True)
class EventOutcome:
    """What becomes of one event. groups: their object ids; none: it is dropped. route: what decides.

    template: the one that renders it. html: the post.
    """

    kind: str
    title: str
    groups: tuple[str, ...]
    route: str
    trials: tuple[RouteTrial, ...]
    template: str
    topic: str
    summary: str
    html: str


@dataclass(frozen=True)
class WebhookOutcome:
    """What becomes of a webhook. reason: why it has no events, or nothing. problems: what failed on the way."""

    events: tuple[EventOutcome, ...] = ()
    reason: str = ""
    problems: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """All groups that get a post, each once."""
        return tuple(dict.fromkeys(group for event in self.events for group in event.groups))


@dataclass(frozen=True)
class Effect:
    """What a change does to one webhook."""

    before: WebhookOutcome
    after: WebhookOutcome

    @property
    def changes_groups(self) -> bool:
        """Whether it goes to other groups, or a single one of its events does."""
        return self._differs(lambda event: (event.kind, frozenset(event.groups)))

    @property
    def changes_post(self) -> bool:
        """Whether a post would look otherwise."""
        return self._differs(lambda event: (event.topic, event.summary, event.html))

    def _differs(self, part: Callable[[EventOutcome], object]) -> bool:
        return [part(event) for event in self.before.events] != [part(event) for event in self.after.events]


def effect(old: Setup, new: Setup, payload: KeptPayload, at: datetime) -> Effect:
    """What a change does to a kept webhook. at: when it came."""
    return Effect(outcome(old, payload, at), outcome(new, payload, at))


def outcome(setup: Setup, payload: KeptPayload, at: datetime) -> WebhookOutcome:
    """What a setup makes of a kept webhook; never raises."""
    source = setup.configuration.sources.get(payload.source)
    if source is None:
        return WebhookOutcome(reason=f"There is no source {payload.source}.")
    with warnings_of(*_LOGGERS) as problems:
        try:
            events = events_of(source, payload.webhook)
            if isinstance(events, Ignored):
                return WebhookOutcome(reason=f"It is ignored: {events.reason}")
            made = tuple(_outcomes(setup, events, payload.webhook, at))
        except (WebhookError, RecursionError) as error:
            return WebhookOutcome(reason=f"It is refused: {error}")
    return WebhookOutcome(made, problems=tuple(dict.fromkeys(problems)))


def _outcomes(setup: Setup, events: Sequence[Event], webhook: Webhook, at: datetime) -> Iterator[EventOutcome]:
    routes, renderer = setup.configuration.routes, setup.renderer
    for place, event in enumerate(events):
        decision = routes.decide(event, webhook.query.get("group", ""))
        entry = renderer.entry(event, entry_id(event, place, ""), Target(""), at)
        yield EventOutcome(
            kind=event.kind,
            title=event.title,
            groups=tuple(target.group for target in decision.targets),
            route=decision.reason,
            trials=(*routes.trials(event, decision), *routes.untried(decision)),
            template=renderer.chosen(event),
            topic=entry.topic,
            summary=entry.summary,
            html=post_html([entry], zone=setup.configuration.settings.time_zone),
        )
