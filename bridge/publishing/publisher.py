"""The publishing wing: records entries, drains a group when woken, and sweeps up what was missed."""

import logging
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from bridge.calendar.maintenance import Window
from bridge.deliveries import DeliveryRecord
from bridge.entries import Entry, Wake, at_once, from_message, records_in, to_message
from bridge.errors import LeaseLost
from bridge.graph.channel import Channel
from bridge.outbox.base import Message, Outbox, Queue
from bridge.outbox.group_state import CROWD, GroupState
from bridge.outbox.rows import SLOTS, WATCHDOG, DeadLetter
from bridge.publishing.batching import SKEW
from bridge.publishing.budget import Budget
from bridge.publishing.drain import Drain
from bridge.publishing.group_rows import GroupRows
from bridge.publishing.health import LATE, Health
from bridge.publishing.isolation import by_itself
from bridge.publishing.lanes import Lanes
from bridge.publishing.leases import SLOT_COUNT, GroupLease, acquire, held_until, new_owner
from bridge.publishing.own_posts import Own, OwnPosts
from bridge.publishing.policy import Policy
from bridge.publishing.recorder import Recorder, dead_letter, parsed
from bridge.publishing.slots import Rights, Share, Slots
from bridge.publishing.turns import Turns
from bridge.publishing.waiting import Waiting
from bridge.publishing.waker import Waker
from bridge.publishing.watchdog import WatchdogChannel, watchdog_entry
from bridge.publishing.windows import Windows
from bridge.steps import log_entry, log_step

OVERDUE = 60.0  # seconds
DRAIN, REQUESTS = 60.0, 50  # of a call: seconds, and requests in each lane
DAY = 86400.0  # seconds
LOST = TURNED_AWAY = 5.0  # seconds after which it is tried again when a lease was lost, or another holds it

# What a message causes that is at fault itself; what storage raises passes.
_OURS = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)

_logger = logging.getLogger(__name__)


def new_token() -> str:
    """A token for an attempt: 64 random bits, which nobody guesses by posting."""
    return secrets.token_hex(8)


class Publisher:
    """Publishes the entries of `outbox` through `channel`. Never sleeps: a wake on `queue` does the waiting.

    clock: seconds since 1970. rng: the order of slots, and how long to wait for one. new_token: as in `Drain`.
    authorise: gets an access token, for the watchdog. own: what the bridge itself has to post; None: nothing.
    Errors of storage are raised: the message at hand is to be handled again.
    """

    def __init__(
        self,
        outbox: Outbox,
        queue: Queue,
        channel: Channel,
        policy: Policy,
        *,
        clock: Callable[[], float] = time.time,
        rng: random.Random | None = None,
        new_token: Callable[[], str] = new_token,
        authorise: Callable[[], object] = lambda: None,
        own: Own | None = None,
    ) -> None:
        self._outbox = outbox
        self._queue = queue
        self._channel = channel
        self._policy = policy
        self._clock = clock
        # The system's: processes that are forked from one another must not draw the same owners.
        self._rng = rng or random.SystemRandom()
        self._new_token = new_token
        self._waker = Waker(outbox, queue, clock)
        self._watchdog = WatchdogChannel(outbox, authorise, clock)
        self._health = Health(outbox, policy, clock)
        self._waiting = Waiting(policy.hours, Windows(policy.maintenance, lambda: outbox.maintenance().text))
        self._recorder = Recorder(outbox, outbox, self._waker, policy.settle, clock, self._waiting, policy.zone)
        self._has_swept = False
        self._turns, self._lanes = Turns(clock), Lanes()
        self._stopped = threading.Event()
        self._own = OwnPosts(own, outbox, queue, self._recorder.record, clock) if own else None

    def handle(self, message: str | bytes) -> None:
        """Records the entry or the webhook of a queue message, or drains the group that its wake names.

        A message that cannot be read becomes a dead letter: it would be no more readable the next time.
        """
        match parsed(message, self._clock()):
            case Entry() as entry:
                is_due = self._admits(entry) and self._recorder.record_due(entry)
                self.note(records_in(message))
                if is_due:
                    self._drain(entry.group)
            case Wake(group):
                self._drain(group)
            case DeliveryRecord() as record:
                self.note([record])
            case DeadLetter() as letter:
                self._recorder.add_dead_letter(letter)

    def _admits(self, entry: Entry) -> bool:
        return self._own is None or self._own.admits(entry)

    def note(self, records: Iterable[DeliveryRecord]) -> None:
        """Keeps what is known of webhooks that left no message."""
        for record in records:
            self._recorder.note(record)
            if self._own:
                self._own.note(record)

    def stop(self) -> None:
        """Lets drains end after the requests that are on their way: the process is about to end. Their wakes go on."""
        self._stopped.set()

    def sweep(self) -> None:
        """Wakes groups with overdue entries, takes back poisoned messages, forgets what is old, and sums it all up."""
        now = self._clock()
        for group in set(self._outbox.overdue(now - OVERDUE)) - self._policy.paused:
            with by_itself(f"The group {group} could not be woken"):
                self._wake_late(group, now)
        self._look_at_hours(now)
        for window in self.windows():
            with by_itself("A maintenance window could not be announced, and is tried again"):
                self.announce(window)
        for poisoned in self._queue.poisoned():
            with by_itself("A message of the poison queue could not be taken back, and is tried again"):
                self._take_back(poisoned)
        self._purge(now)
        self._send_watchdog(now)
        if self._own:
            self._own.look(now, self._health.outage(now))
        self.summarise()

    def summarise(self) -> None:
        """Writes the summary of all groups, from which health is read."""
        self._health.note_sweep(self._queue.poison_count())

    def windows(self) -> Sequence[Window]:
        """The maintenance windows of now."""
        return self._waiting.windows.active(self._clock())

    def announce(self, window: Window) -> None:
        """Records the posts about a maintenance window, for the groups that are informed whatever happens."""
        self._recorder.announce(window, window.groups or filter(None, [self._policy.home]))

    def _look_at_hours(self, now: float) -> None:
        """Drains what waits for hours, once in each process: with it, the configuration may have changed."""
        if not self._has_swept:
            for group in set(self._outbox.waiting(now)) - self._policy.paused:
                self._waker.wake(group)
            self._has_swept = True

    def _wake_late(self, group: str, now: float) -> None:
        log_step("late", logging.WARNING, group=group)
        wait = self._outbox.wait_of(group)
        if wait is None or wait.until < now - OVERDUE:
            # Whatever the wake row says: the wake that it promises has not come.
            self._waker.wake(group)

    def _take_back(self, poisoned: Message) -> None:
        now = self._clock()
        try:
            match parsed(poisoned.body, now):
                case Entry() as entry:
                    if self._admits(entry):
                        self._recorder.record(entry)
                    self.note(records_in(poisoned.body))
                case Wake(group):
                    self._waker.wake(group)
                case DeliveryRecord() as record:
                    self.note([record])
                case DeadLetter() as letter:
                    self._recorder.add_dead_letter(letter)
        except _OURS as error:
            reason = f"It could not be recorded: {type(error).__name__}."
            self._recorder.add_dead_letter(dead_letter(poisoned.body, reason, now))
        self._queue.discard(poisoned)

    def dead_letters(self) -> Sequence[DeadLetter]:
        """All dead letters, the oldest first."""
        return self._outbox.dead_letters()

    def requeue(self, letter: DeadLetter, rendered: Entry | None = None) -> None:
        """Opens the entry of a dead letter again. MessageError when it cannot be read even now.

        rendered: the same entry as it is rendered today, perhaps for another group; None: it is as it was.
        """
        item = from_message(letter.message)
        if isinstance(item, DeliveryRecord):
            # An earlier version could not read it.
            self._outbox.note_delivery(item)
            self._outbox.remove_dead_letter(letter)
        elif isinstance(item, Entry):
            # A person wants it posted, whatever was posted since.
            item, now = at_once(replace(rendered or item, content="", place="")), self._clock()
            self._outbox.requeue(letter, item, now)
            log_entry("requeued", item)
            self._waker.ask(item.group, now)

    def health(self) -> Mapping[str, object]:
        """How the delivery is doing, as `Health.counts` has it."""
        return self._health.counts(self._own.missing() if self._own else {})

    def condition(self) -> Mapping[str, object]:
        """What is wrong with the delivery, from its summary, as `Health.report` has it."""
        return self._health.report()

    def _send_watchdog(self, now: float) -> None:
        """Sends a watchdog when one is due, unless the last one is still on its way."""
        owner, every = new_owner(self._rng), self._policy.watchdog
        if not every or self._outbox.open_entries(WATCHDOG):
            return
        # The timer may come a little early.
        if acquire(self._outbox, SLOTS, "watchdog", owner, now, now + every - LATE / 5).owner == owner:
            self._queue.put(to_message(watchdog_entry(now)))

    def _purge(self, now: float) -> None:
        """Once a day, by the first who comes: it may be a walk through all of the history."""
        owner = new_owner(self._rng)
        if acquire(self._outbox, SLOTS, "purge", owner, now, now + DAY).owner == owner:
            self._outbox.purge(now - self._policy.history, now - self._policy.rules.idle)

    def _drain(self, group: str) -> None:
        """Drains the group as often as there is more to do, within the budget of one call."""
        if group in self._policy.paused:
            return
        if not self._turns.begin(group):
            # If it fails there, the wake is what is left.
            self._waker.ask(group, self._clock() + TURNED_AWAY)
            return
        try:
            requests = REQUESTS * (self._policy.lanes or SLOT_COUNT)
            budget = Budget(self._clock() + DRAIN, requests, self._stopped.is_set)
            while self._drain_once(group, budget) or self._turns.goes_on(group):
                if budget.is_spent(self._clock()):
                    self._waker.wake(group)
                    return
        finally:
            self._turns.end(group)

    def _drain_once(self, group: str, budget: Budget) -> bool:
        """True when there is more to do at once."""
        state, now = self._outbox.read_group(group, self._clock(), CROWD), self._clock()
        held = held_until(self._outbox, state.lease, now)
        if held is not None:
            self._waker.ask(group, min(held + 2 * SKEW, now + TURNED_AWAY))
            return False
        if state.wait and state.wait.until > now:
            self._waker.ask(group, state.wait.until)
            return False
        if state.is_empty:
            self._health.note_drain(state, 0, None, state.wait)
            return False
        lease = GroupLease(self._outbox, state.lease, new_owner(self._rng), self._clock)
        try:
            return self._drain_with(lease, state, budget)
        except LeaseLost:
            self._waker.ask(group, self._clock() + LOST)
            return False
        finally:
            lease.release()

    def _drain_with(self, lease: GroupLease, state: GroupState, budget: Budget) -> bool:
        """Drains with slots if they are needed; True when there is more to do at once."""
        group, lanes = lease.lease.partition, self._policy.lanes
        if lanes or group == WATCHDOG:
            return self._drain_by(lease, Share(lanes or 1), state, budget)
        slots = Slots(self._outbox, self._outbox, self._clock, self._rng)
        if not slots.begin():
            self._waker.ask(group, self._clock() + self._rng.uniform(2, 5))
            return False
        try:
            return self._drain_by(lease, slots, state, budget)
        finally:
            slots.end()

    def _drain_by(self, lease: GroupLease, rights: Rights, state: GroupState, budget: Budget) -> bool:
        group = lease.lease.partition
        rows = GroupRows(self._outbox, self._outbox, lease, self._clock, self._policy.rules, self._waiting, CROWD)
        channel, ask = self._watchdog if group == WATCHDOG else self._channel, partial(self._waker.ask, group)
        drain = Drain(
            rows, channel, lease, rights, self._lanes, budget, self._policy, self._clock, self._new_token, ask
        )
        due = drain.run(state)
        self._health.note_drain(state, len(rows.open) + rows.unread.count, due, rows.wait)
        goes_on = due is not None and due <= self._clock()
        if state.is_crowded and not goes_on:
            self._turns.rest(group)
        return goes_on
