"""The Bridge: every part, built from the settings. The only place where parts meet."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bridge.outbox import is_configured
from bridge.receiver import Receiver
from bridge.rendering import Renderer
from bridge.routing import Routes
from bridge.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.outbox.base import Outbox
    from bridge.publisher import Publisher
    from bridge.settings import Settings


class Bridge:
    """Both wings for one set of settings; SettingsError when BRIDGE_GROUP or BRIDGE_CONFIG cannot be used.

    publisher: in place of the one that the settings describe.
    """

    def __init__(self, settings: Settings, publisher: Publisher | None = None) -> None:
        self.settings = settings
        self.routes = Routes.from_settings(settings.group, settings.config)
        self.titles = {source.name: source.title for source in SOURCES.values()}
        self.renderer = Renderer(settings.templates, self.titles)
        self.receiver = Receiver(SOURCES, settings.secrets, self.routes, self.renderer, lambda: datetime.now(UTC))
        self._publisher = publisher
        self._building = threading.Lock()

    @property
    def publisher(self) -> Publisher:
        """The delivering wing, one for the process, built when it is first needed."""
        with self._building:
            if self._publisher is None:
                self._publisher = _publisher(self.settings, self.routes.paused, self.titles)
            return self._publisher


def _publisher(settings: Settings, paused: frozenset[str], titles: Mapping[str, str]) -> Publisher:
    # Imported here, so that a worker that only receives starts without them.
    from bridge.batching import Rules  # noqa: PLC0415
    from bridge.drain import Policy  # noqa: PLC0415
    from bridge.graph.client import GraphClient  # noqa: PLC0415
    from bridge.graph.identities import token_source  # noqa: PLC0415
    from bridge.graph.threads import GroupThreads  # noqa: PLC0415
    from bridge.publisher import Publisher  # noqa: PLC0415

    identity = token_source(settings)
    rules = Rules(settings.reopen_minutes * 60, settings.thread_days * 86400, int(settings.digest_over))
    policy = Policy(
        rules=rules,
        settle=settings.settle_seconds,
        give_up=settings.give_up_hours * 3600,
        history=settings.history_days * 86400,
        paused=paused,
        titles=titles,
    )
    channel = GroupThreads(GraphClient(settings.graph_base, identity))
    return Publisher(open_outbox(settings, os.environ), channel, policy)


def open_outbox(settings: Settings, env: Mapping[str, str]) -> Outbox:
    """The outbox in the storage account that the environment names for the Functions host, else in a file."""
    if not is_configured(env):
        from bridge.outbox.sqlite import SqliteOutbox  # noqa: PLC0415

        return SqliteOutbox(settings.outbox)
    from bridge.outbox.azure import AzureOutbox  # noqa: PLC0415
    from bridge.outbox.azure_queue import AzureQueue  # noqa: PLC0415
    from bridge.outbox.azure_storage import Account  # noqa: PLC0415

    account = Account.from_env(env)
    return AzureOutbox(account.table(), AzureQueue(account))
