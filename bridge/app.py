"""The Bridge: every part, built from the settings. The only place where parts meet."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bridge.receiver import Receiver
from bridge.rendering import Renderer
from bridge.routing import Routes
from bridge.sources import SOURCES

if TYPE_CHECKING:
    from bridge.publisher import Publisher
    from bridge.settings import Settings


class Bridge:
    """Both wings for one set of settings; SettingsError when BRIDGE_GROUP or BRIDGE_CONFIG cannot be used."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.routes = Routes.from_settings(settings.group, settings.config)
        self.renderer = Renderer(settings.templates, {source.name: source.title for source in SOURCES.values()})
        self.receiver = Receiver(SOURCES, settings.secrets, self.routes, self.renderer, lambda: datetime.now(UTC))
        self._publisher: Publisher | None = None
        self._building = threading.Lock()

    @property
    def publisher(self) -> Publisher:
        """The delivering wing, one for the process, built when it is first needed."""
        with self._building:
            if self._publisher is None:
                self._publisher = _publisher(self.settings)
            return self._publisher


def _publisher(settings: Settings) -> Publisher:
    # Imported here, so that a worker that only receives starts without them.
    from bridge.graph.client import GraphClient  # noqa: PLC0415
    from bridge.graph.identities import token_source  # noqa: PLC0415
    from bridge.graph.threads import GroupThreads  # noqa: PLC0415
    from bridge.outbox.sqlite import SqliteOutbox  # noqa: PLC0415
    from bridge.publisher import Publisher  # noqa: PLC0415

    identity = token_source(settings.identity, settings.client_id, settings.graph_url)
    return Publisher(
        SqliteOutbox(settings.outbox),
        GroupThreads(GraphClient(settings.graph_url, identity)),
        settle_seconds=settings.settle_seconds,
        give_up_hours=settings.give_up_hours,
        history_days=settings.history_days,
    )
