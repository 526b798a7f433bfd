"""The Bridge: every part, built from the settings. The only place where parts meet."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bridge.outbox import is_configured
from bridge.receiving.receiver import Receiver
from bridge.receiving.routing import Routes
from bridge.rendering.renderer import Renderer
from bridge.sources import SOURCES, declared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.outbox.base import Outbox, Queue
    from bridge.publishing.delivery import Delivery
    from bridge.publishing.publisher import Publisher
    from bridge.settings import Settings
    from bridge.sources.base import Source


class Bridge:
    """Both wings for one set of settings; SettingsError when BRIDGE_GROUP or BRIDGE_CONFIG cannot be used.

    publisher: in place of the one that the settings describe.
    """

    def __init__(self, settings: Settings, publisher: Publisher | None = None) -> None:
        self.settings = settings
        self.routes = Routes.from_settings(settings.group, settings.config)
        self.sources = {**SOURCES, **declared(settings.config), **_by_keys(settings)}
        self.titles = {source.name: source.title for source in self.sources.values()}
        self.renderer = Renderer(settings.templates, self.titles, settings.time_zone)
        self.receiver = Receiver(
            self.sources, settings.credentials, self.routes, self.renderer, lambda: datetime.now(UTC)
        )
        self._publisher = publisher
        self._delivery: Delivery | None = None
        self._building = threading.Lock()

    @property
    def publisher(self) -> Publisher:
        """The one who delivers."""
        return self._publisher or self.delivery.publisher

    def sweep(self) -> None:
        """What is done every five minutes, whether or not anything comes in."""
        (self._publisher or self.delivery).sweep()

    @property
    def delivery(self) -> Delivery:
        """The delivering wing, one for the process, built when it is first needed."""
        with self._building:
            if self._delivery is None:
                # Imported here, so that a worker that only receives starts without it.
                from bridge.publishing.delivery import Delivery  # noqa: PLC0415

                outbox, queue = open_storage(self.settings, os.environ)
                self._delivery = Delivery(self.settings, self.routes.groups, self.titles, outbox, queue)
            return self._delivery


def _by_keys(settings: Settings) -> Mapping[str, Source]:
    """The sources that prove themselves by published keys, where the settings say for whom or of whom."""
    return {**_by_entra(settings), **_by_sns(settings)}


def _by_entra(settings: Settings) -> Mapping[str, Source]:
    if not settings.azure_monitor_audience:
        return {}
    # Imported here, as they and what they need cost a fifth of a second.
    from bridge.verification.entra_tokens import ACTION_GROUPS, ACTION_GROUPS_ROLE, EntraToken  # noqa: PLC0415
    from bridge.verification.public_keys import PublishedKeys  # noqa: PLC0415

    keys = PublishedKeys({settings.cloud.login})
    scheme = EntraToken(settings.cloud, settings.tenant_id, ACTION_GROUPS, ACTION_GROUPS_ROLE, keys)
    source = SOURCES["azure_monitor"]
    return {source.name: replace(source, verifier=scheme, setting="BRIDGE_AZURE_MONITOR_AUDIENCE")}


def _by_sns(settings: Settings) -> Mapping[str, Source]:
    if not settings.aws_sns_topics:
        return {}
    from bridge.verification.public_keys import PublishedKeys  # noqa: PLC0415
    from bridge.verification.sns_signatures import SnsSignature, host  # noqa: PLC0415

    scheme = SnsSignature(PublishedKeys({host(topic) for topic in settings.credentials["aws_sns"]}))
    return {"aws_sns": replace(SOURCES["aws_sns"], verifier=scheme, setting="BRIDGE_AWS_SNS_TOPICS")}


def open_storage(settings: Settings, env: Mapping[str, str]) -> tuple[Outbox, Queue]:
    """The outbox and its queue in the storage account that the environment names for the host, else in a file."""
    if not is_configured(env):
        from bridge.outbox.sqlite import SqliteOutbox  # noqa: PLC0415
        from bridge.outbox.sqlite_queue import SqliteQueue  # noqa: PLC0415

        return SqliteOutbox(settings.outbox), SqliteQueue(settings.outbox)
    from bridge.outbox.azure import AzureOutbox  # noqa: PLC0415
    from bridge.outbox.azure_queue import AzureQueue  # noqa: PLC0415
    from bridge.outbox.azure_storage import Account  # noqa: PLC0415

    account = Account.from_env(env)
    return AzureOutbox(account.table()), AzureQueue(account)
