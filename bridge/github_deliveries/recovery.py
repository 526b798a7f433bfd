"""The regular task: finds the webhooks that lead to this bridge, and looks at each as far as a run's budget goes."""

import hashlib
import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from bridge.github_deliveries.client import GithubClient, GithubError, Limited, NotThere, TokenRefused
from bridge.github_deliveries.hooks import APP, Found, app_hook, find_hooks
from bridge.github_deliveries.look import Budget, Look
from bridge.github_deliveries.state import Hook, State, Whole
from bridge.outbox.base import Deliveries, Outbox
from bridge.outbox.memos import Memos
from bridge.publishing.health import iso
from bridge.publishing.leases import app_lock
from bridge.settings import Settings

_FIND_EVERY, _FIND_AGAIN = 3600.0, 900.0  # seconds; the second where something was wrong
_WORRYING = 3  # looks in a row that failed
_RUN = 80.0  # seconds: less than the lock is held for

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Access:
    """One way to GitHub's API. find: finds the webhooks for which it is. owns: whether a webhook is one of them."""

    client: GithubClient
    find: Callable[[GithubClient], Found]
    owns: Callable[[Hook], bool]


class Recovery:
    """Recovers failed deliveries. wanted: the settings by which webhooks are found. clock: seconds since 1970.

    deliveries: what is known of every webhook, also of those that came while this task was away.
    """

    def __init__(
        self,
        accesses: Iterable[Access],
        memos: Memos,
        known: Deliveries,
        wanted: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._accesses = tuple(accesses)
        self._memos, self._known = memos, known
        self._wanted, self._clock = wanted, clock

    def run(self) -> None:
        """One look at all webhooks, as far as the budget goes; never raises for what GitHub says."""
        state, now = State(self._memos), self._clock()
        if state.whole.limited_until > now and state.whole.wanted == self._wanted:
            return
        budget = Budget(time.monotonic() + _RUN)
        try:
            self._find(state, now)
            for hook in sorted(state.whole.hooks, key=lambda hook: state.of(hook).at):
                if budget.is_spent():
                    break
                self._look(hook, state, budget)
            state.keep(replace(state.whole, at=now, limits=0, limited_until=0.0))
        except Limited as error:
            wait = 2 ** min(state.whole.limits, 5)
            # Ever longer: to go on asking can get a token banned.
            until = max(error.until, now + 60.0 * wait)
            limits = state.whole.limits + 1
            state.keep(replace(state.whole, wanted=self._wanted, at=now, limits=limits, limited_until=until))
            _logger.warning("GitHub is not asked for %.0f s: %s", until - now, error)
        except TokenRefused as error:
            _logger.error("%s", error)  # noqa: TRY400  it says it all
            problem = f"{error} {_EXPIRED}"
            state.keep(
                replace(state.whole, wanted=self._wanted, at=now, limited_until=now + 900.0, problems=(problem,))
            )

    def _find(self, state: State, now: float) -> None:
        """Finds the webhooks, once an hour or when the settings are others."""
        whole = state.whole
        every = _FIND_AGAIN if whole.problems else _FIND_EVERY
        if whole.wanted == self._wanted and whole.found_at + every > now:
            return
        found = [access.find(access.client) for access in self._accesses]
        # What GitHub could not say now is as it was.
        unsure = {owner for each in found for owner in each.unsure}
        kept = (hook for hook in whole.hooks if hook.name in unsure)
        hooks = tuple(dict.fromkeys((*(hook for each in found for hook in each.hooks), *kept)))
        problems = tuple(problem for each in found for problem in each.problems)
        for problem in problems:
            _logger.warning("%s", problem)
        state.keep(Whole(self._wanted, hooks, now, limits=whole.limits, at=now, problems=problems))

    def _look(self, hook: Hook, state: State, budget: Budget) -> None:
        client = next((access.client for access in self._accesses if access.owns(hook)), None)
        if client is None:
            return
        look = Look(hook, client, state, budget, self._known, self._clock)
        try:
            look.run()
        except NotThere as error:
            problem = f"{error} The webhook of {hook.name} is gone, or the token may not see it any more."
            _logger.warning("%s", problem)
            state.keep_hook(hook, replace(state.of(hook), at=self._clock(), problem=problem))
        except (Limited, TokenRefused):
            raise
        except GithubError as error:
            # The next run tries again.
            _logger.warning("%s", error)
            known = state.of(hook)
            problem = str(error) if known.faults + 1 >= _WORRYING else known.problem
            state.keep_hook(hook, replace(known, at=self._clock(), faults=known.faults + 1, problem=problem))


_EXPIRED = (
    "The token, or the key of the GitHub App, has expired or was revoked: make a new one, and set BRIDGE_GITHUB_TOKEN, "
    "or BRIDGE_GITHUB_APP_ID and BRIDGE_GITHUB_APP_KEY."
)


def recover(settings: Settings, outbox: Outbox, clock: Callable[[], float] = time.time) -> None:
    """One run, unless another instance is at one."""
    with app_lock(outbox, "github", clock, random.SystemRandom()) as locked:
        if not locked:
            return
        accesses = _accesses(settings, clock)
        try:
            Recovery(accesses, outbox, outbox, _wanted(settings), clock).run()
        finally:
            for access in accesses:
                access.client.close()


def _accesses(settings: Settings, clock: Callable[[], float]) -> list[Access]:
    found: list[Access] = []
    if settings.github_token:
        client = GithubClient(settings.github_api_url, lambda: settings.github_token, clock)
        found.append(Access(client, partial(_hooks, settings), lambda hook: hook != APP))
    if settings.github_app_id:
        # Imported here: with its library it costs a tenth of a second.
        from bridge.github_deliveries.app_token import app_token  # noqa: PLC0415

        token = app_token(settings.github_app_id, settings.github_app_key)
        client = GithubClient(settings.github_api_url, token, clock)
        found.append(Access(client, lambda client: app_hook(client, settings.public_url), lambda hook: hook == APP))
    return found


def _hooks(settings: Settings, client: GithubClient) -> Found:
    return find_hooks(client, settings.github_hooks, settings.public_url)


def _wanted(settings: Settings) -> str:
    """By what it is seen that the settings are others than at the last look; it holds no secret."""
    texts = (
        settings.github_token, settings.github_app_id, settings.github_app_key,
        *settings.github_hooks, settings.github_api_url, settings.public_url,
    )  # fmt: skip
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def report(memos: Memos) -> Mapping[str, object]:
    """What health says: `problems` in a sentence each, when the last look was, and how much there was to recover.

    webhooks: how many are looked after. redeliveries: how many were asked for since these are. failing: events whose
    redelivery failed, too. waiting: until when GitHub is not asked, if it said so.
    """
    state = State(memos)
    whole, hooks = state.whole, [state.of(hook) for hook in state.whole.hooks]
    return {
        "webhooks": len(hooks),
        "at": iso(whole.at) if whole.at else None,
        "redeliveries": sum(hook.asked for hook in hooks),
        "failing": sum(len(hook.failing) for hook in hooks),
        **({"waiting": iso(whole.limited_until)} if whole.limited_until else {}),
        "problems": [*whole.problems, *(hook.problem for hook in hooks if hook.problem)],
    }
