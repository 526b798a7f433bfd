"""One look at one webhook: what GitHub could not deliver since the last one is asked for again.

Deliveries are read from the newest down to where the last pass began, in as many runs as it takes. While the newest
delivery has failed, the bridge may still not answer: then one delivery is asked for, ever less often, and the others
only after it came through.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from bridge.deliveries import DeliveryRecord, Outcome, record_id
from bridge.github_deliveries.client import GithubClient, GithubError, Limited, NotThere, TokenRefused
from bridge.github_deliveries.deliveries import KEPT, Delivery, deliveries, newest_ended
from bridge.github_deliveries.state import Failing, Hook, HookState, State
from bridge.outbox.base import Deliveries
from bridge.steps import log_step

SOURCE = "github"
# A run's requests, of five thousand in an hour; those that change something are a minute's:
# https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api
READS, ASKS = 40, 60
_FIRST_PROBE, _LONGEST_PROBE = 120.0, 7200.0  # seconds between single deliveries while the bridge does not answer
_WORRYING = 3  # probes without an answer
_AGAIN = (900.0, 3600.0, 4 * 3600.0, 12 * 3600.0)  # seconds until an event whose redelivery failed is asked for again


@dataclass
class Budget:
    """What is left of a run: requests that read, redeliveries, and time until `ends` of a clock that only passes."""

    ends: float
    reads: int = READS
    asks: int = ASKS

    def is_spent(self) -> bool:
        """Whether nothing more can be done."""
        return self.reads <= 0 or self.asks <= 0 or time.monotonic() >= self.ends


class Look:
    """One look at one webhook, from where the last one stopped. What it has done is kept after every page."""

    def __init__(
        self,
        hook: Hook,
        client: GithubClient,
        state: State,
        budget: Budget,
        known: Deliveries,
        clock: Callable[[], float],
    ) -> None:
        self._hook, self._client, self._state, self._budget = hook, client, state, budget
        self._known, self._clock = known, clock
        self._delivered: set[str] = set()

    def run(self) -> None:
        """Reads what is new, and asks for what failed."""
        found, following = self._page(self._first)
        newest = newest_ended(found, self._clock(), self._now.failing)
        while newest and newest.again and not newest.is_settled:
            # It was asked for before: others say whether the bridge answers.
            self._wait_for(newest)
            newest = newest_ended(found, self._clock(), self._now.failing)
        if newest and not newest.is_settled:
            self._probe(newest)
            return
        self._pass(found, following)
        self._ask_waiting()
        self._keep(at=self._clock(), probes=0, probe_due=0.0, faults=0, problem="")

    @property
    def _now(self) -> HookState:
        return self._state.of(self._hook)

    def _keep(self, **changes: object) -> None:
        self._state.keep_hook(self._hook, replace(self._now, **changes))  # type: ignore[arg-type]

    @property
    def _first(self) -> str:
        return f"{self._hook.path}/deliveries?per_page=100"

    def _page(self, path: str) -> tuple[list[Delivery], str]:
        self._budget.reads -= 1
        page = self._client.get(path)
        return deliveries(page.content), page.following

    def _probe(self, newest: Delivery) -> None:
        """Asks for the newest delivery alone."""
        state, now = self._now, self._clock()
        if state.probe_due <= now and not self._is_delivered(newest):
            self._ask(newest)
            wait = min(_FIRST_PROBE * 2 ** min(state.probes, 10), _LONGEST_PROBE)
            self._keep(probes=state.probes + 1, probe_due=now + wait)
        self._keep(at=now, faults=0, problem="")
        if self._now.probes >= _WORRYING:
            answer = f"gets {newest.status}" if newest.status else newest.text or "gets no answer"
            self._keep(problem=f"GitHub cannot deliver the webhooks of {self._hook.name}: it {answer}. {_HELPS}")

    def _pass(self, found: list[Delivery], following: str) -> None:
        """Goes through the deliveries down to where the last pass began, or on with the one that is under way."""
        state = self._now
        if not state.top:
            if not found or found[0].id <= state.done:
                return
            self._keep(top=found[0].id, low=found[0].id + 1, cursor="")
        elif state.cursor:
            found, following = self._continued(state.cursor, found, following)
        path = ""
        while True:
            if not self._through(found):
                self._keep(cursor=path or self._now.cursor)
                return
            oldest = found[-1] if found else None
            if oldest is None or oldest.id <= self._now.done or not following or oldest.at < self._clock() - KEPT:
                self._keep(done=self._now.top, top=0, low=0, cursor="")
                return
            if self._budget.is_spent():
                self._keep(cursor=following)
                return
            path = following
            found, following = self._page(path)

    def _continued(self, cursor: str, found: list[Delivery], following: str) -> tuple[list[Delivery], str]:
        """The page at which the pass stopped; where GitHub does not know it any more, the first one."""
        try:
            return self._page(cursor)
        except NotThere:
            raise
        except GithubError as error:
            if error.status not in (400, 422):
                raise
            return found, following

    def _through(self, found: list[Delivery]) -> bool:
        """Looks at the deliveries of a page, in their order; False when the budget is spent before its end."""
        for each in found:
            state = self._now
            if each.succeeded:
                self._delivered.add(each.guid)
            if not state.done < each.id < state.low:
                continue
            if each.has_failed(self._clock()) and each.at > self._clock() - KEPT:
                if self._budget.is_spent():
                    return False
                self._failed(each)
            self._keep_low(each.id)
        return True

    def _keep_low(self, low: int) -> None:
        # In memory only: it is written with the next change, and at the end of the page.
        self._state.remember(self._hook, replace(self._now, low=low))

    def _failed(self, each: Delivery) -> None:
        state = self._now
        if self._is_delivered(each) or each.guid in state.failing:
            return
        if each.again:
            self._wait_for(each)
        else:
            self._ask(each)
            self._keep(low=each.id)

    def _wait_for(self, each: Delivery) -> None:
        """Leaves an event whose redelivery failed for later."""
        state, waiting = self._now, Failing(each.id, 1, each.at, self._clock() + _AGAIN[0])
        self._state.keep_hook(self._hook, state.with_failing({**state.failing, each.guid: waiting}))

    def _ask_waiting(self) -> None:
        """Asks again for events whose redelivery failed, each a few times."""
        kept: dict[str, Failing] = {}
        for guid, each in self._now.failing.items():
            now = self._clock()
            if each.at < now - KEPT or guid in self._delivered or self._is_known(guid):
                continue
            kept[guid] = each
            if each.due is not None and each.due <= now and not self._budget.is_spent():
                self._ask(Delivery(each.id, guid, each.at, 0, "", "", again=True))
                due = now + _AGAIN[each.tries] if each.tries < len(_AGAIN) else None
                kept[guid] = replace(each, tries=each.tries + 1, due=due)
        if kept != self._now.failing:
            self._state.keep_hook(self._hook, self._now.with_failing(kept))

    def _ask(self, each: Delivery) -> None:
        """Asks GitHub to deliver an event again, and notes that: https://docs.github.com/rest/repos/webhooks."""
        self._budget.asks -= 1
        try:
            self._client.post(f"{self._hook.path}/deliveries/{each.id}/attempts")
        except (Limited, TokenRefused):
            raise
        except GithubError as error:
            if error.status not in (400, 404, 422):
                raise
            # It is too old by now: nothing else can be done for it.
            log_step("redelivery", logging.WARNING, source=SOURCE, delivery=each.guid, reason=str(error))
            return
        self._delivered.add(each.guid)
        reason = f"GitHub could not deliver it ({each.status or each.text or 'no answer'}), and is asked to try again."
        log_step("redelivery", source=SOURCE, kind=each.event, delivery=each.guid, status=each.status, reason=reason)
        self._note(each, reason)
        self._state.remember(self._hook, replace(self._now, asked=self._now.asked + 1))

    def _note(self, each: Delivery, reason: str) -> None:
        """Makes the webhook one that can be found, although it never came."""
        record = DeliveryRecord(
            id=record_id(each.at, f"{each.id:05x}"[-5:]),
            at=each.at,
            source=SOURCE,
            outcome=Outcome.REFUSED,
            status=each.status,
            reason=f"{reason} ({self._hook.name})",
            delivery=each.guid,
            event=each.event,
            kind=each.event,
        )
        self._known.note_delivery(record)

    def _is_delivered(self, each: Delivery) -> bool:
        """Whether the event came meanwhile, or was asked for in this run."""
        return each.guid in self._delivered or self._is_known(each.guid)

    def _is_known(self, guid: str) -> bool:
        return any(record.outcome is not Outcome.REFUSED for record in self._known.find_deliveries(guid))


_HELPS = "Look at the webhook's Recent Deliveries, and whether URL and secret are those of this bridge."
