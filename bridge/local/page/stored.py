"""The bridge whose storage the page shows: that of this process, or a deployed one."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

from bridge.again import RESENT
from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.deliveries import DeliveryRecord
from bridge.local.config import DEMO_GROUP, DEMO_NAME
from bridge.local.page.group_names import label
from bridge.local.secrecy import without
from bridge.outbox.base import Outbox
from bridge.outbox.delivery_story import EntryStory
from bridge.outbox.payloads import Payloads
from bridge.payloads import KeptPayload
from bridge.sources import SOURCES
from bridge.sources.base import Source


@dataclass(frozen=True)
class Stored:
    """What the views read.

    bridge: for names, routes and templates; None where its settings cannot be read. outbox, payloads: return them when
    they are first needed. clock: seconds since 1970. posted: the HTML of the post that has an entry; empty where posts
    cannot be read.
    """

    bridge: Bridge | None
    outbox: Callable[[], Outbox]
    payloads: Callable[[], Payloads]
    clock: Callable[[], float] = field(default=time.time, repr=False)
    posted: Callable[[EntryStory], str] = field(default=lambda _: "", repr=False)

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """The names of groups by their object ids."""
        return labels(self.bridge.configuration) if self.bridge else {}

    @property
    def sources(self) -> Mapping[str, Source]:
        """The sources by their names."""
        return self.bridge.configuration.sources if self.bridge else SOURCES

    def title(self, source: str) -> str:
        """The name of a source for people."""
        found = self.sources.get(source)
        return found.title if found else source

    def group(self, group: str) -> Mapping[str, str]:
        """A group for the page: its id, and its name."""
        return {"id": group, "name": label(self.labels, group)}

    def payload(self, record: DeliveryRecord) -> KeptPayload | None:
        """The payload of a webhook, if it is kept; of one that was sent again, that of the first."""
        if record.authentication.startswith(RESENT):
            first = record.authentication.removeprefix(RESENT)
            found = [one for one in self.outbox().find_deliveries(first) if one.id == first]
            return self.payloads().find(found[0]) if found else None
        return self.payloads().find(record)

    def without_secrets(self, text: str) -> str:
        """The text without the secrets of the settings."""
        values = self.bridge.configuration.settings.secrets.values() if self.bridge else ()
        return without(chain.from_iterable(values), text)


def labels(configuration: Configuration) -> Mapping[str, str]:
    """The names of the groups of a configuration by their object ids."""
    names = {group.id: group.name for group in configuration.groups.values() if group.name}
    default = configuration.routes.default
    return {default: DEMO_NAME if default == DEMO_GROUP else "Default group", **names}
