"""The regular task: finds the webhooks that lead to this bridge, and looks at each as far as a run's budget goes."""

import hashlib
import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from bridge.github_deliveries.client import GithubClient, GithubError, Limited, NotThere, TokenRefused
from bridge.github_deliveries.hooks import Found, app_hook, find_hooks
from bridge.github_deliveries.look import Budget, Look
from bridge.github_deliveries.state import APP, TOKEN, Hook, State, Whole
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
    """A way to GitHub's API: with the token, or as the app. kind: of its memos. find: finds its webhooks.

    wanted: a hash of the settings by which they are found.
    """

    kind: str
    client: GithubClient
    find: Callable[[GithubClient], Found]
    wanted: str


class Recovery:
    """Recovers failed deliveries with one access. clock: seconds since 1970.

    known: what is known of every webhook, also of those that came while this task was away.
    """

    def __init__(
        self, access: Access, memos: Memos, known: Deliveries, budget: Budget, clock: Callable[[], float] = time.time
    ) -> None:
        self._access, self._client = access, access.client
        self._memos, self._known = memos, known
        self._budget, self._clock = budget, clock

    def run(self) -> None:
        """One look at all webhooks, as far as the budget goes; never raises for what GitHub says."""
        state, now, wanted = State(self._memos, self._access.kind), self._clock(), self._access.wanted
        if state.whole.limited_until > now and state.whole.wanted == wanted:
            return
        try:
            self._find(state, now)
            for hook in sorted(state.whole.hooks, key=lambda hook: state.of(hook).at):
                if self._budget.is_spent():
                    break
                self._look(hook, state)
            state.keep(replace(state.whole, at=now, limits=0, limited_until=0.0))
        except Limited as error:
            wait = 2 ** min(state.whole.limits, 5)
            # Ever longer: to go on asking can get a token banned.
            until = max(error.until, now + 60.0 * wait)
            limits = state.whole.limits + 1
            state.keep(replace(state.whole, wanted=wanted, at=now, limits=limits, limited_until=until))
            _logger.warning("GitHub is not asked for %.0f s: %s", until - now, error)
        except TokenRefused as error:
            _logger.error("%s", error)  # noqa: TRY400  it says it all
            problem = f"{error} {_EXPIRED}"
            state.keep(replace(state.whole, wanted=wanted, at=now, limited_until=now + 900.0, problems=(problem,)))

    def _find(self, state: State, now: float) -> None:
        """Finds the webhooks, once an hour or when the settings are others."""
        whole, wanted = state.whole, self._access.wanted
        every = _FIND_AGAIN if whole.problems else _FIND_EVERY
        if whole.wanted == wanted and whole.found_at + every > now:
            return
        # What GitHub could not say now is as it was.
        try:
            found = self._access.find(self._client)
            kept = [hook for hook in whole.hooks if hook.name in found.unsure]
        except (Limited, TokenRefused):
            raise
        except GithubError as error:
            found, kept = Found(problems=(str(error),)), list(whole.hooks)
        hooks, problems = tuple(dict.fromkeys((*found.hooks, *kept))), found.problems
        for problem in problems:
            _logger.warning("%s", problem)
        state.keep(Whole(wanted, hooks, now, limits=whole.limits, at=now, problems=problems))

    def _look(self, hook: Hook, state: State) -> None:
        look = Look(hook, self._client, state, self._budget, self._known, self._clock)
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
        budget = Budget(time.monotonic() + _RUN)
        for access in _accesses(settings, clock):
            try:
                Recovery(access, outbox, outbox, budget, clock).run()
            finally:
                access.client.close()


def _accesses(settings: Settings, clock: Callable[[], float]) -> Iterator[Access]:
    if settings.github_token:
        client = GithubClient(settings.github_api_url, lambda: settings.github_token, clock)
        wanted = _hash(settings, settings.github_token, *settings.github_hooks)
        yield Access(TOKEN, client, partial(_hooks, settings), wanted)
    if settings.github_app_id:
        # Imported here: with its library it costs a tenth of a second.
        from bridge.github_deliveries.app_token import app_token  # noqa: PLC0415

        token = app_token(settings.github_app_id, settings.github_app_key)
        client = GithubClient(settings.github_api_url, token, clock)
        wanted = _hash(settings, settings.github_app_id, settings.github_app_key)
        yield Access(APP, client, lambda client: app_hook(client, settings.public_url), wanted)


def _hooks(settings: Settings, client: GithubClient) -> Found:
    return find_hooks(client, settings.github_hooks, settings.public_url)


def _hash(settings: Settings, *texts: str) -> str:
    """By what it is seen that the settings are others than at the last look; it holds no secret."""
    every = (*texts, settings.github_api_url, settings.public_url)
    return hashlib.sha256("\n".join(every).encode()).hexdigest()[:16]


def report(settings: Settings, memos: Memos) -> Mapping[str, object]:
    """What health says: `problems` in a sentence each, when the last look was, and how much there was to recover.

    webhooks: how many are looked after. redeliveries: how many were asked for since these are. failing: events whose
    redelivery failed, too. waiting: until when GitHub is not asked, if it said so.
    """
    kinds = [kind for kind, given in ((TOKEN, settings.github_token), (APP, settings.github_app_id)) if given]
    states = [State(memos, kind) for kind in kinds]
    hooks = [state.of(hook) for state in states for hook in state.whole.hooks]
    at, limited = (max(times, default=0.0) for times in (_times(states, "at"), _times(states, "limited_until")))
    return {
        "webhooks": len(hooks),
        "at": iso(at) if at else None,
        "redeliveries": sum(hook.asked for hook in hooks),
        "failing": sum(len(hook.failing) for hook in hooks),
        **({"waiting": iso(limited)} if limited else {}),
        "problems": [
            *(problem for state in states for problem in state.whole.problems),
            *(hook.problem for hook in hooks if hook.problem),
        ],
    }


def _times(states: Iterable[State], name: str) -> list[float]:
    return [getattr(state.whole, name) for state in states]
