"""The delivering wing, built from the settings. Whoever only receives does not import it: it takes half a second."""

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from bridge.errors import AccessRefused, GraphError
from bridge.graph import agent_user, credentials, service_account
from bridge.graph.channel import Channel
from bridge.graph.client import GraphClient
from bridge.graph.identities import Identity
from bridge.graph.mail import MailToGroups
from bridge.graph.threads import GroupThreads
from bridge.outbox.base import SLOTS, Outbox, Pause
from bridge.publishing.batching import Rules
from bridge.publishing.drain import Policy
from bridge.publishing.leases import RateLimiter, app_lock
from bridge.publishing.publisher import Publisher
from bridge.receiving.routing import Routes
from bridge.settings import Settings
from bridge.sign_in import SignIn

IDENTITY = "identity"  # in place of a group, in health: what is held is not one group but all of them
_DAY = 86400.0  # seconds
# https://learn.microsoft.com/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits
_MESSAGES, _MINUTE = 30, 60.0

_logger = logging.getLogger(__name__)


class Delivery:
    """Everything that stands between the queue and Microsoft Graph.

    titles: the names of sources for people. clock: seconds since 1970.
    """

    def __init__(
        self,
        settings: Settings,
        routes: Routes,
        titles: Mapping[str, str],
        outbox: Outbox,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._chance = random.SystemRandom()
        self.outbox = outbox
        self.identity = token_source(settings)
        self.client = GraphClient(settings.graph_base, self.identity)
        self.channel = self._channel(routes)
        self.publisher = Publisher(outbox, self.channel, _policy(settings, routes, titles), clock=clock)

    def sweep(self) -> None:
        """What is done every five minutes; the service account's sign-in is renewed once a day."""
        self.publisher.sweep()
        if self._settings.identity == "service-account":
            self._renew()
        elif self.outbox.pause(IDENTITY):
            # Of a service account that was given up.
            self.outbox.set_pause(IDENTITY, None)

    def begin_sign_in(self) -> str:
        """See `SignIn.begin`; SignInError when there is no service account."""
        return self._sign_in().begin()

    def finish_sign_in(self, answer: Mapping[str, str]) -> str:
        """See `SignIn.finish`; the groups that were on hold are tried again at once."""
        name = self._sign_in().finish(answer)
        for held, pause in self.outbox.pauses().items():
            if pause.reason:
                self.outbox.set_pause(held, None)
                if held != IDENTITY:
                    self.outbox.put_wake(held, self._clock())
        return name

    def _sign_in(self) -> SignIn:
        return SignIn(self._settings, lambda: app_lock(self.outbox, "account", self._clock, self._chance))

    def _channel(self, routes: Routes) -> Channel:
        if self._settings.channel == "mail":
            addresses = {group: known.mail for group, known in routes.groups.items() if known.mail}
            permits = RateLimiter(self.outbox, "mail", _MESSAGES, _MINUTE, self._clock, self._chance)
            return MailToGroups(self.client, self._settings.mail_from, addresses, permits.take)
        seeds = {group: known.thread for group, known in routes.groups.items() if known.thread}
        return GroupThreads(self.client, seeds, to_posts=self._settings.identity == "managed-identity")

    def _renew(self) -> None:
        owner, now = f"{self._chance.getrandbits(64):016x}", self._clock()
        due = self.outbox.acquire(SLOTS, "renewal", owner, now, now + _DAY)
        if due.owner != owner:
            return
        try:
            with app_lock(self.outbox, "account", self._clock, self._chance) as alone:
                if alone:
                    service_account.Account(self._settings).refresh()
        except GraphError as error:
            # The next sweep tries again.
            self.outbox.renew(replace(due, owner="", expires=0.0))
            _logger.error("The service account's sign-in was not renewed. %s", error)  # noqa: TRY400  it says it all
            if isinstance(error, AccessRefused):
                self.outbox.set_pause(IDENTITY, Pause(now + 300, str(error), now))
        else:
            self.outbox.set_pause(IDENTITY, None)


def token_source(settings: Settings) -> Identity:
    """The identity that the settings name, for the Graph of their cloud."""
    makers: dict[str, Callable[[Settings], Identity]] = {
        "managed-identity": lambda settings: credentials.managed_identity(settings, settings.cloud.graph_scope),
        "agent-user": agent_user.agent_user,
        "service-account": service_account.service_account,
        "developer": lambda settings: credentials.developer(settings.cloud.graph_scope),
    }
    return makers[settings.identity](settings)


def _policy(settings: Settings, routes: Routes, titles: Mapping[str, str]) -> Policy:
    return Policy(
        rules=Rules(settings.reopen_minutes * 60, settings.thread_days * 86400, int(settings.digest_over)),
        settle=settings.settle_seconds,
        give_up=settings.give_up_hours * 3600,
        history=settings.history_days * 86400,
        paused=frozenset(group for group, known in routes.groups.items() if known.paused),
        titles=titles,
        zone=settings.time_zone,
    )
