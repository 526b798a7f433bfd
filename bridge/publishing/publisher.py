"""The delivering wing: records entries, drains a group's outbox when woken, and sweeps up what was overslept."""

import hashlib
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from bridge.entries import Entry, Wake, from_message
from bridge.errors import LeaseLost, MessageError
from bridge.events import Severity
from bridge.graph.channel import Channel
from bridge.outbox.base import SLOTS, DeadLetter, Outbox, Recorded
from bridge.publishing.batching import SKEW, next_due
from bridge.publishing.drain import Budget, Drain, Policy
from bridge.publishing.leases import HeldLease, take_lease, take_slot
from bridge.steps import log_step

OVERDUE = 60.0  # seconds
DRAIN = 60.0  # seconds
DAY = 86400.0  # seconds
LOST = 5.0  # seconds after which it is tried again when a lease was lost

_UNREADABLE = "Look at the message: if a newer version of the bridge wrote it, upgrade, then replay the dead letter."


class Publisher:
    """Publishes through `channel` what `outbox` keeps. Never sleeps: a wake on the queue does the waiting.

    clock: seconds since 1970. random: the order of slots, and how long to wait for one.
    Errors of storage are raised: the message at hand is to be handled again.
    """

    def __init__(
        self,
        outbox: Outbox,
        channel: Channel,
        policy: Policy,
        *,
        clock: Callable[[], float] = time.time,
        random: random.Random | None = None,
    ) -> None:
        self._outbox = outbox
        self._channel = channel
        self._policy = policy
        self._clock = clock
        self._random = random or _chance()

    def handle(self, message: str | bytes) -> None:
        """Records the entry of a queue message, or drains the group that its wake names.

        What cannot be read becomes a dead letter: it would be no more readable the next time.
        """
        self._take(message, self._woken)

    def sweep(self) -> None:
        """Wakes groups with overdue entries, takes back what was poisoned, and forgets what is old."""
        now = self._clock()
        for group in set(self._outbox.overdue(now - OVERDUE)) - self._policy.paused:
            log_step("late", logging.WARNING, group=group)
            pause = self._outbox.pause(group)
            if pause is None or pause.until < now - OVERDUE:
                # Whatever the wake row says: the wake that it promises has not come.
                self._outbox.put_wake(group, now)
        for poisoned in self._outbox.poisoned():
            self._take(poisoned.body, self._put_back)
            self._outbox.discard(poisoned)
        self._purge(now)

    def dead_letters(self) -> Sequence[DeadLetter]:
        """What was not told, the oldest first."""
        return self._outbox.dead_letters()

    def replay(self, letter: DeadLetter) -> None:
        """Tells a dead letter after all: its entry is open again. MessageError when it cannot be read even now."""
        item = from_message(letter.message)
        if isinstance(item, Entry):
            now = self._clock()
            self._outbox.revive(letter, item, now)
            log_step("replayed", entry=item.id, group=item.group, source=item.source, delivery=item.delivery)
            self._ask_wake(item.group, now)

    def health(self) -> Mapping[str, object]:
        """How the delivery is doing, in plain values for JSON.

        open, dead: how many entries wait, and how many dead letters there are.
        held: each group that needs a person, with the reason, since when, and when it is tried again.
        paused: the groups that are left alone by choice.
        """
        counts = self._outbox.counts()
        held = {
            group: {"reason": pause.reason, "since": _iso(pause.since), "until": _iso(pause.until)}
            for group, pause in self._outbox.pauses().items()
            if pause.reason
        }
        return {"open": counts.open, "dead": counts.dead, "held": held, "paused": sorted(self._policy.paused)}

    def _record(self, entry: Entry) -> None:
        now = self._clock()
        due = now if entry.severity is Severity.CRITICAL else now + self._policy.settle
        recorded = self._outbox.record(entry, now, due)
        step = "recorded" if recorded is Recorded.NEW else "repeat"
        log_step(
            step,
            entry=entry.id,
            group=entry.group,
            source=entry.source,
            delivery=entry.delivery,
            thread=entry.correlation_key,
        )
        # Also for a repeat of what is still open: the first try may have died before it asked.
        if recorded is not Recorded.DELIVERED:
            self._ask_wake(entry.group, due)

    def _ask_wake(self, group: str, due: float) -> None:
        """At `due`, or when the group's pause is over, or soon after it, somebody drains the group."""
        pause, now = self._outbox.pause(group), self._clock()
        due = max(due, pause.until if pause else now, now)
        coming = self._outbox.coming_wake(group)
        if coming is not None and now + SKEW <= coming <= due + SKEW:
            return
        self._outbox.put_wake(group, due)
        # After the message and never before it: a row without its message would silence all others.
        if due > now + SKEW:
            self._outbox.note_wake(group, due)

    def _purge(self, now: float) -> None:
        """Once a day, whoever comes first: it may be a walk through all of the history."""
        owner = f"{self._random.getrandbits(64):016x}"
        if self._outbox.acquire(SLOTS, "purge", owner, now, now + DAY).owner == owner:
            self._outbox.purge(now - self._policy.history, now - self._policy.rules.idle)

    def _woken(self, wake: Wake) -> None:
        if wake.group in self._policy.paused:
            return
        budget = Budget(self._clock() + DRAIN)
        while self._drain(wake.group, budget):
            if budget.is_spent(self._clock()):
                self._outbox.put_wake(wake.group, self._clock())
                return

    def _drain(self, group: str, budget: Budget) -> bool:
        """Drains the group once. True when there is more to do at once."""
        pause = self._outbox.pause(group)
        if pause and pause.until > self._clock():
            self._ask_wake(group, pause.until)
            return False
        owner = f"{self._random.getrandbits(64):016x}"
        lease = take_lease(self._outbox, group, owner, self._clock)
        if not isinstance(lease, HeldLease):
            self._ask_wake(group, lease + 2 * SKEW)
            return False
        return self._drain_as_holder(group, lease, budget) and self._is_due(group)

    def _drain_as_holder(self, group: str, lease: HeldLease, budget: Budget) -> bool:
        """False when the drain had to stop; the next wake is always asked for before the lease is given back."""
        try:
            slot = take_slot(self._outbox, lease.lease.owner, self._clock, self._random)
            if slot is None:
                self._ask_wake(group, self._clock() + self._random.uniform(2, 5))
                return False
            try:
                drain = Drain(self._outbox, self._channel, lease, slot, budget, self._policy, self._clock)
                due = drain.run()
                if due is not None:
                    self._ask_wake(group, due)
            except LeaseLost:
                self._ask_wake(group, self._clock() + LOST)
                return False
            finally:
                slot.release()
            return True
        finally:
            lease.release()

    def _is_due(self, group: str) -> bool:
        """Looks once more: what became due while the lease was held had its wake turned away."""
        now = self._clock()
        due = next_due(self._outbox.open_entries(group), now)
        pause = self._outbox.pause(group)
        return due is not None and max(due, pause.until if pause else due) <= now

    def _take(self, message: str | bytes, woken: Callable[[Wake], None]) -> None:
        try:
            item = from_message(message)
        except MessageError as error:
            self._bury(message, error)
            return
        if isinstance(item, Entry):
            self._record(item)
        else:
            woken(item)

    def _put_back(self, wake: Wake) -> None:
        self._outbox.put_wake(wake.group, self._clock())

    def _bury(self, message: str | bytes, error: MessageError) -> None:
        text = message if isinstance(message, str) else message.decode("utf-8", "replace")
        ident = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
        self._outbox.bury_message(DeadLetter(ident, "", text, str(error), _UNREADABLE, self._clock()))
        log_step("dead", logging.ERROR, entry=ident, group="", source="", delivery="", thread="", reason=str(error))


def _chance() -> random.Random:
    # The system's: processes that are forked from one another must not draw the same owners.
    return random.SystemRandom()


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
