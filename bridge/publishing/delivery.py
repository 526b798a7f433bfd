"""The publishing wing, built from the settings. A worker that only receives does not import it: that takes 0.5 s."""

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType

from bridge.calendar.hours import Hours
from bridge.calendar.maintenance import Plan
from bridge.errors import AccessRefused, GraphError
from bridge.events import Severity
from bridge.graph import credentials, federation
from bridge.graph.channel import Channel
from bridge.graph.client import GraphClient
from bridge.graph.mail import MailToGroups
from bridge.graph.threads import GroupThreads
from bridge.graph.tokens import Identity
from bridge.outbox.base import Outbox, Queue
from bridge.outbox.rows import IDENTITY, SLOTS, Hold
from bridge.publishing.batching import Rules
from bridge.publishing.leases import RateLimiter, acquire, app_lock, lanes_of, new_owner
from bridge.publishing.own_posts import Own
from bridge.publishing.policy import Policy
from bridge.publishing.publisher import Publisher
from bridge.publishing.waker import Waker
from bridge.settings import Group, Settings
from bridge.sign_in import SignIn

_DAY = 86400.0  # seconds
# https://learn.microsoft.com/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits
_MESSAGES, _MINUTE = 30, 60.0

_logger = logging.getLogger(__name__)


class Delivery:
    """Everything that stands between the queue and Microsoft Graph.

    groups: by their object ids. titles: the names of sources for people. clock: seconds since 1970. own: as in
    `Publisher`. hours: by their names. maintenance: what is planned. home: the default group, or empty.
    """

    def __init__(
        self,
        settings: Settings,
        groups: Mapping[str, Group],
        titles: Mapping[str, str],
        outbox: Outbox,
        queue: Queue,
        clock: Callable[[], float] = time.time,
        hours: Mapping[str, Hours] = MappingProxyType({}),
        own: Own | None = None,
        maintenance: Sequence[Plan] = (),
        home: str = "",
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._rng = random.SystemRandom()
        self.outbox = outbox
        self.queue = queue
        self.waker = Waker(outbox, queue, clock)
        self.identity = token_source(settings)
        self.client = GraphClient(settings.graph_base, self.identity)
        self.channel = self._channel(groups)
        policy = replace(_policy(settings, groups, titles), hours=hours, maintenance=maintenance, home=home)
        self.publisher = Publisher(
            outbox,
            queue,
            self._illustrated(self.channel),
            policy,
            clock=clock,
            authorise=self.identity.token,
            own=own,
        )

    def sweep(self) -> None:
        """Does what is due every five minutes, and renews the service account's sign-in once a day."""
        try:
            if self._settings.identity == "service-account":
                self._renew()
            elif self.outbox.wait_of(IDENTITY):
                # A hold of a service account that was given up.
                self.outbox.set_wait(IDENTITY, None)
        finally:
            # It ends with the summary, in which the hold is, too.
            self.publisher.sweep()

    def begin_sign_in(self) -> str:
        """Begins the service account's sign-in, as `SignIn` does; SignInError when there is no such account."""
        return self._sign_in.begin()

    def finish_sign_in(self, answer: Mapping[str, str]) -> str:
        """Finishes the sign-in, as `SignIn` does, and tries the groups that were on hold again at once."""
        name = self._sign_in.finish(answer)
        for group, wait in self.outbox.waits().items():
            if isinstance(wait, Hold):
                self.outbox.set_wait(group, None)
                if group != IDENTITY:
                    self.waker.wake(group)
        self.publisher.summarise()
        return name

    @cached_property
    def _sign_in(self) -> SignIn:
        return SignIn(self._settings, lambda: app_lock(self.outbox, "account", self._clock, self._rng))

    def _illustrated(self, channel: Channel) -> Channel:
        if not self._settings.has_pictures:
            return channel
        # Imported here: most apps show none.
        from bridge.publishing.pictures.channel import IllustratedChannel  # noqa: PLC0415
        from bridge.publishing.pictures.fetching import Fetcher  # noqa: PLC0415

        return IllustratedChannel(channel, Fetcher(self._settings.image_hosts), self._clock)

    def _channel(self, groups: Mapping[str, Group]) -> Channel:
        if self._settings.channel == "mail":
            addresses = {group: known.mail for group, known in groups.items() if known.mail}
            limiter = RateLimiter(self.outbox, "mail", _MESSAGES, _MINUTE, self._clock, self._rng)
            return MailToGroups(self.client, self._settings.mail_from, addresses, limiter.take)
        seeds = {group: known.thread for group, known in groups.items() if known.thread}
        return GroupThreads(self.client, seeds, to_posts=self._settings.identity == "managed-identity")

    def _renew(self) -> None:
        owner, now = new_owner(self._rng), self._clock()
        due = acquire(self.outbox, SLOTS, "renewal", owner, now, now + _DAY)
        if due.owner != owner:
            return
        try:
            with app_lock(self.outbox, "account", self._clock, self._rng) as locked:
                if not locked:
                    # A sign-in is being finished. The next sweep tries again.
                    self.outbox.renew(replace(due, owner="", expires=0.0))
                    return
                federation.Account(self._settings).refresh()
        except GraphError as error:
            # The next sweep tries again.
            self.outbox.renew(replace(due, owner="", expires=0.0))
            _logger.error("The service account's sign-in was not renewed. %s", error)  # noqa: TRY400  it says it all
            if isinstance(error, AccessRefused):
                self.outbox.set_wait(IDENTITY, Hold(now + 300, str(error), now))
        else:
            self.outbox.set_wait(IDENTITY, None)


def token_source(settings: Settings) -> Identity:
    """The identity that the settings name, for the Graph of their cloud."""
    makers: dict[str, Callable[[Settings], Identity]] = {
        "managed-identity": lambda settings: credentials.managed_identity(settings, settings.cloud.graph_scope),
        "agent-user": federation.agent_user,
        "service-account": federation.service_account,
        "developer": lambda settings: credentials.developer(settings.cloud.graph_scope),
    }
    return makers[settings.identity](settings)


def _policy(settings: Settings, groups: Mapping[str, Group], titles: Mapping[str, str]) -> Policy:
    return Policy(
        rules=Rules(settings.reopen_minutes * 60, settings.thread_days * 86400, int(settings.digest_over)),
        settle=settings.settle_seconds,
        give_up=settings.give_up_hours * 3600,
        history=settings.history_days * 86400,
        paused=frozenset(group for group, known in groups.items() if known.paused),
        titles=titles,
        zone=settings.time_zone,
        watchdog=settings.watchdog_minutes * 60,
        important=None if settings.mail_importance == "never" else Severity(settings.mail_importance),
        pictures=settings.has_pictures,
        prepares=settings.channel == "mail" or settings.has_pictures,
        lanes=lanes_of(len(groups)),
    )
