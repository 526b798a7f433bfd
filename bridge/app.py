"""The Bridge: every part, built from the configuration. The only place where parts meet."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from datetime import UTC, datetime
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from bridge.errors import BadWebhook, TooLarge
from bridge.fields import form_fields
from bridge.limits import MAX_CALLBACK, in_units
from bridge.outbox import is_configured
from bridge.payloads import CONTAINER
from bridge.receiving.receiver import Receiver
from bridge.receiving.records import DeliveryRecords
from bridge.receiving.sightings import Sightings
from bridge.recent_faults import RecentFaults
from bridge.rendering.renderer import Renderer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.configuration import Configuration
    from bridge.outbox.base import Outbox, Queue
    from bridge.outbox.payloads import Payloads
    from bridge.publishing.delivery import Delivery
    from bridge.publishing.publisher import Publisher
    from bridge.settings import Settings

_FRESH = 5.0  # seconds for which an answer about health is good

_logger = logging.getLogger(__name__)


class Bridge:
    """Both wings for one configuration.

    publisher: in place of the one that the settings describe. unsaved: texts of templates that are used in place of the
    user's files, by their names.
    """

    def __init__(
        self,
        configuration: Configuration,
        publisher: Publisher | None = None,
        unsaved: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        settings = configuration.settings
        self.configuration = configuration
        self.faults = RecentFaults()
        self.renderer = Renderer(
            settings.templates,
            configuration.titles,
            settings.time_zone,
            configuration.extended,
            configuration.replaced,
            unsaved,
        )
        self.records = DeliveryRecords(
            configuration.sources,
            configuration.authentications,
            (*chain.from_iterable(settings.secrets.values()), *filter(None, (settings.github_token,))),
            keeps_payloads=settings.keep_payloads_hours > 0,
        )
        self.receiver = Receiver(
            sources=configuration.sources,
            authentications=configuration.authentications,
            routes=configuration.routes,
            renderer=self.renderer,
            clock=lambda: datetime.now(UTC),
            networks=configuration.networks,
            faults=self.faults,
            records=self.records,
            people=configuration.people,
            sightings=Sightings(configuration.expectations),
        )
        self._publisher = publisher
        self._delivery: Delivery | None = None
        self._building = threading.Lock()
        self._asking = threading.Lock()
        self._well = (-math.inf, True)

    @property
    def publisher(self) -> Publisher:
        """The publisher of entries."""
        return self._publisher or self.delivery.publisher

    def stop(self) -> None:
        """Lets what is being delivered end after the requests to Graph that are on their way."""
        if self._publisher or self._delivery:
            self.publisher.stop()

    def sweep(self) -> None:
        """Does what is due every five minutes, whether or not anything comes in."""
        self.receiver.refusals.flush()
        (self._publisher or self.delivery).sweep()
        # Last: nothing about records may keep the sweep.
        self.publisher.note(self.records.counted(datetime.now(UTC)))
        self._purge_payloads()

    def recover_github(self) -> None:
        """Has GitHub deliver again what it could not deliver, if the settings have a token for that."""
        settings = self.configuration.settings
        if settings.recovers_github:
            from bridge.github_deliveries.recovery import recover  # noqa: PLC0415

            recover(settings, self.delivery.outbox)

    def _purge_payloads(self) -> None:
        """Deletes old payloads on this machine; those in a storage account have a rule there that does."""
        if not is_configured(os.environ):
            from bridge.outbox.payloads import PayloadFiles, folder_beside  # noqa: PLC0415

            settings = self.configuration.settings
            PayloadFiles(folder_beside(settings.outbox)).purge(time.time() - settings.keep_payloads_hours * 3600)

    def finish_sign_in(self, body: bytes) -> str:
        """Redeems the form with which Entra sends the browser back, and returns the account's name.

        WebhookError or UnknownSignIn where anyone could be asking; another BridgeError where it is the person at the
        browser.
        """
        if len(body) > MAX_CALLBACK:
            raise TooLarge(f"The body is longer than {in_units(MAX_CALLBACK)}.")
        try:
            fields = form_fields(body)
        except ValueError:
            raise BadWebhook("The form has too many fields.") from None
        return self.delivery.finish_sign_in(fields)

    def is_well(self) -> bool:
        """Whether nothing needs a person, as it was a few seconds ago at the most: anyone may ask, and often."""
        with self._asking:
            asked, well = self._well
            if time.monotonic() < asked + _FRESH:
                return well
            return self._remember(not self._problems().get("problems"))

    def health(self) -> Mapping[str, object]:
        """How the app is doing: `ok` unless something needs a person, `problems` in a sentence each, and the counts."""
        report = self._problems(details=True)
        ok = self._remember(not (report.get("problems") or report.get("held")))
        # A payload can make a route fail, so that is no reason to say that the app is not well.
        failing = self.configuration.routes.failing.report()
        return {"ok": ok, **report, **({"failing_routes": failing} if failing else {})}

    def _problems(self, *, details: bool = False) -> Mapping[str, object]:
        recent = [f"{text} ({count} in the last minutes)" for text, count in self.faults.report().items()]
        wrong = self.configuration.problems
        try:
            condition = self.publisher.condition()
            counts = self.publisher.health() if details else {}
            github = self._github()
        except Exception as error:  # whatever it is, it is what the caller asks about
            _logger.exception("The outbox cannot be read")
            return {"problems": [f"The outbox cannot be read: {type(error).__name__}.", *wrong, *recent]}
        reported = [*cast("list[str]", condition["problems"]), *cast("list[str]", github.get("problems", []))]
        more = {"github": github} if github and details else {}
        return {**counts, **condition, **more, "problems": [*reported, *wrong, *recent]}

    def _github(self) -> Mapping[str, object]:
        """What was found at GitHub; nothing where it is not asked."""
        if not self.configuration.settings.recovers_github:
            return {}
        from bridge.github_deliveries.recovery import report  # noqa: PLC0415

        return report(self.configuration.settings, self.delivery.outbox)

    def _remember(self, well: bool) -> bool:
        self._well = (time.monotonic(), well)
        return well

    @property
    def delivery(self) -> Delivery:
        """The publishing wing, one for the process, built when it is first needed."""
        with self._building:
            if self._delivery is None:
                # Imported here, as a worker that only receives starts without it.
                from bridge.publishing.delivery import Delivery  # noqa: PLC0415
                from bridge.publishing.own_posts import Own  # noqa: PLC0415

                configuration = self.configuration
                outbox, queue = open_storage(configuration.settings, os.environ)
                self._delivery = Delivery(
                    configuration.settings,
                    configuration.groups,
                    configuration.titles,
                    outbox,
                    queue,
                    hours=configuration.hours,
                    own=Own(self.renderer.entry, configuration.expectations, configuration.summaries),
                    maintenance=configuration.maintenance,
                    home=configuration.routes.default,
                )
            return self._delivery


def open_payloads(settings: Settings, env: Mapping[str, str]) -> Payloads:
    """The kept payloads, in the same storage account or on the same machine as the outbox."""
    from bridge.outbox.payloads import PayloadBlobs, PayloadFiles, folder_beside  # noqa: PLC0415

    if not is_configured(env):
        return PayloadFiles(folder_beside(settings.outbox))
    from bridge.outbox.azure_storage import Account  # noqa: PLC0415

    return PayloadBlobs(Account.from_env(env).container(CONTAINER))


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
