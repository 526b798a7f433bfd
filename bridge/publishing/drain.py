"""One drain of a group: settle unknown outcomes, post what is ready, and mark every step before it is taken."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import groupby

from bridge.errors import AccessRefused, Conflict, ContentRefused, GraphError, LeaseLost
from bridge.graph.channel import Channel, Post, blamed
from bridge.outbox.group_state import GroupState
from bridge.outbox.rows import OpenEntry, State
from bridge.publishing import transitions
from bridge.publishing.batching import SKEW, Batch, plan
from bridge.publishing.budget import Budget
from bridge.publishing.composing import composed
from bridge.publishing.failures import MAYBE, Failures
from bridge.publishing.group_rows import GroupRows
from bridge.publishing.lanes import Lanes, Sending, Work, chained
from bridge.publishing.leases import GroupLease, HeldLease
from bridge.publishing.policy import Policy
from bridge.publishing.slots import Rights
from bridge.publishing.transitions import REQUEST, SLACK, START
from bridge.steps import log_entry

# All in seconds.
RENEW_BELOW = START + SLACK + REQUEST + 15
UNREADABLE = 3600.0  # how long an outcome is looked up in a group that the identity may not read

_NEVER_KNOWN = "Look into the group whether the post is there; if it is not, requeue the dead letter."


@dataclass(frozen=True)
class _Attempt:
    """One post. target: the thread that it replies to. left_out: the participants without whom it is sent.

    is_last: no other follows, if nothing goes wrong.
    """

    batch: Batch
    target: str
    slot: HeldLease | None
    is_last: bool
    left_out: tuple[str, ...] = ()

    def of(self, rows: Sequence[OpenEntry]) -> "_Attempt":
        """The same with the rows as they have been written."""
        return replace(self, batch=replace(self.batch, rows=tuple(rows)))


class Drain:
    """The drain of one group: its first claim takes the lease, and each post needs its right to be on its way.

    new_token: returns a text that nobody can guess and that no other attempt has. ask: has the group drained then.
    """

    def __init__(
        self,
        rows: GroupRows,
        channel: Channel,
        lease: GroupLease,
        rights: Rights,
        lanes: Lanes,
        budget: Budget,
        policy: Policy,
        clock: Callable[[], float],
        new_token: Callable[[], str],
        ask: Callable[[float], None],
    ) -> None:
        self._rows, self._channel = rows, channel
        self._lease, self._rights, self._lanes, self._ask = lease, rights, lanes, ask
        self._budget, self._policy = budget, policy
        self._clock, self._new_token = clock, new_token
        self._unfinished, self._is_lost = 0, False
        self._failures = Failures(rows, policy, clock)

    def run(self, state: GroupState) -> float | None:
        """Does what can be done now; returns when there will be more to do, None when nothing is open.

        A drain that is due later is asked for before the lease is given back.
        LeaseLost when another drain may be at work: nothing of the group may be touched any more.
        """
        try:
            self._rows.read(state)
            self._rows.wait_for_hours()
            self._reconcile_unknown_outcomes()
            self._rows.leave_out_repeats()
            self._send_ready()
        except Conflict:
            raise LeaseLost(f"Rows of the group {self._rows.group} were written by another drain.") from None
        due = self._next_due()
        if due is not None and due > self._clock() and not self._lease.is_given_back:
            self._ask(due)
        return due

    def _next_due(self, without: Sequence[OpenEntry] = ()) -> float | None:
        due = self._rows.next_due(without)
        return due if due is None or self._rows.wait is None else max(due, self._rows.wait.until)

    def _may_go_on(self) -> bool:
        return not self._budget.is_spent(self._clock()) and not self._rows.waits()

    # Unknown outcomes.

    def _reconcile_unknown_outcomes(self) -> None:
        """Looks up every attempt that is due: Graph has it, or it is sent again."""
        sending = sorted(
            (row for row in self._rows.open.values() if row.state is State.SENDING), key=lambda row: row.attempt
        )
        slot = self._rights.slot()
        try:
            for _, members in groupby(sending, key=lambda row: row.attempt):
                attempt = list(members)
                if self._may_go_on() and all(row.due <= self._clock() for row in attempt):
                    self._look_up(attempt, slot)
        finally:
            self._rights.give_back(slot)

    def _look_up(self, attempt: list[OpenEntry], slot: HeldLease | None) -> None:
        """Looks whether the post of an attempt is in the group."""
        self._lease.take()
        self._keep_leases(slot)
        self._budget.requests -= 1
        asked, first = self._clock(), attempt[0]
        since = datetime.fromtimestamp(first.claimed, UTC)
        tokens = list(dict.fromkeys(row.mark for row in attempt))
        try:
            found = self._channel.find(self._rows.group, tokens, since, first.thread)
        except GraphError as error:
            self._lookup_failed(attempt, error)
            return
        for thread in dict.fromkeys(found.values()):
            self._rows.finish([row for row in attempt if found.get(row.mark) == thread], thread)
        self._not_found([row for row in attempt if row.mark not in found], attempt, asked)

    def _not_found(self, rows: list[OpenEntry], attempt: list[OpenEntry], asked: float) -> None:
        guard_until = max(row.guard_until for row in attempt)
        if asked > guard_until + SKEW:
            reason = "It is not in the group: it is sent again."
            self._rows.put_off("deferred", rows, transitions.not_delivered, reason)
        else:
            self._rows.change(rows, partial(transitions.looked_up_again, guard_until=guard_until))

    def _lookup_failed(self, attempt: list[OpenEntry], error: GraphError) -> None:
        tries = attempt[0].tries
        # An identity that may not read the group may still post there: the group is not held for that.
        patience = UNREADABLE if isinstance(error, AccessRefused) else self._policy.give_up
        if self._clock() > attempt[0].claimed + patience:
            for row in attempt:
                reason = f"{MAYBE.format(row.mark)} Whether it was could not be found out: {error}"
                self._rows.move_to_dead_letters(row, reason, _NEVER_KNOWN)
        else:
            later = partial(transitions.lookup_deferred, due=self._failures.next_try(error, tries), tries=tries + 1)
            self._rows.put_off("unknown", attempt, later, error)

    # What is ready.

    def _send_ready(self) -> None:
        chains = chained(plan(list(self._rows.open.values()), self._rows.threads, self._clock(), self._policy.rules))
        self._unfinished = len(chains)
        # Where Graph refused the group, or asked for patience, one post shows whether that is over.
        works = [self._send_chain(chain) for chain in chains]
        self._lanes.run(works, 1 if self._rows.wait else self._rights.most, self._rights.allows)

    def _send_chain(self, chain: Sequence[Batch]) -> Work:
        """Posts what goes into one thread, in order."""
        thread, slot = "", self._rights.slot()
        try:
            for batch in chain:
                if batch.follows and not thread:
                    continue
                if self._is_lost or not self._may_go_on():
                    return
                is_last = batch is chain[-1] and self._unfinished == 1
                thread = yield from self._send(_Attempt(batch, batch.target or thread, slot, is_last))
        except Exception:
            # The others end what they have begun, and begin nothing more.
            self._is_lost = True
            raise
        finally:
            self._unfinished -= 1
            self._rights.give_back(slot)

    def _send(self, attempt: _Attempt) -> Sending:
        """One post to Graph, marked before and after. Returns the thread, or nothing when Graph has not got it."""
        rows: Sequence[OpenEntry] = attempt.batch.rows
        target = attempt.target
        if self._policy.prepares:
            self._lease.take()
        for row in rows:
            log_entry("planned", row.entry, thread=target)
        self._keep_leases(attempt.slot)
        ids, token = {row.entry.id for row in rows}, self._new_token()
        group, threads = self._rows.group, self._rows.threads
        post = composed(group, attempt.batch, target, token, threads, self._policy, attempt.left_out)
        self._failures.on_their_way |= ids
        try:
            prepare = partial(self._channel.prepare, post, target)
            post = (yield prepare) if self._policy.prepares else prepare()
            self._budget.requests -= 1 if post.draft else 0
            self._keep_leases(attempt.slot)
            rows = self._claim(attempt, token, post.draft or target)
            self._budget.requests -= 1
            thread = yield partial(self._channel.reply, target, post) if target else partial(self._channel.start, post)
        except GraphError as error:
            self._failures.on_their_way -= ids
            return (yield from self._refused(attempt.of(rows), post, error))
        self._failures.on_their_way -= ids
        self._finish(rows, thread, is_last=attempt.is_last)
        return str(thread)

    def _finish(self, rows: Sequence[OpenEntry], thread: str, *, is_last: bool) -> None:
        """Ends delivered entries, and the drain with them if it has nothing more to do for now."""
        if self._rows.wait:
            self._rows.finish(rows, thread)
            if not self._rows.waits():
                self._rows.set_wait(None)
            return
        due = self._next_due(without=rows) if is_last else None
        is_over = is_last and (due is None or due > self._clock())
        if is_over and due is not None:
            self._ask(due)
        self._rows.finish(rows, thread, gives_back=is_over)

    def _refused(self, attempt: _Attempt, post: Post, error: GraphError) -> Sending:
        """Sends a post again without the participants that Graph does not take; any other failure is noted."""
        rows = attempt.batch.rows
        if not (isinstance(error, ContentRefused) and post.participants):
            self._failures.note(rows, attempt.target, error)
            return ""
        # One after the other could take as many requests as there are people.
        refused = post.participants if attempt.left_out else blamed(post.participants, str(error))
        reason = f"It is posted without {', '.join(refused)}: {error}"
        self._rows.put_off("uninvited", rows, partial(transitions.released, now=self._clock()), reason)
        if self._is_lost or not self._may_go_on():
            return ""
        again = attempt.of([self._rows.open[row.entry.id] for row in rows])
        return (yield from self._send(replace(again, left_out=(*attempt.left_out, *refused))))

    def _claim(self, attempt: _Attempt, token: str, where: str) -> Sequence[OpenEntry]:
        """Marks the entries as sending; LeaseLost, with nothing sent, when that took too long."""
        now = self._clock()
        if self._is_lost:
            raise LeaseLost("Another post of this drain has lost the lease.")
        claimed = self._rows.claim([transitions.claimed(row, now, token, where) for row in attempt.batch.rows])
        left = min(held.left() for held in (self._lease, attempt.slot) if held)
        if self._clock() > now + START or left < REQUEST + SLACK + SKEW:
            self._rows.change(claimed, partial(transitions.released, now=now))
            raise LeaseLost("Claiming the entries took too long to send them safely.")
        return claimed

    def _keep_leases(self, slot: HeldLease | None) -> None:
        self._lease.keep(RENEW_BELOW)
        if slot:
            slot.keep(RENEW_BELOW)
