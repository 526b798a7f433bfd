"""One drain of a group: settle what is in doubt, post what is ready, and mark every step before it is taken."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from itertools import chain, groupby
from typing import TypeVar

from bridge.entries import to_message
from bridge.errors import AccessRefused, Conflict, ContentRefused, GraphError, LeaseLost, NotSent, ThreadGone
from bridge.graph.channel import Channel, Post
from bridge.outbox.base import BATCH, DeadLetter, OpenEntry, Outbox, Pause, State, ThreadRow
from bridge.publishing.batching import SKEW, Batch, Rules, ended_after, next_due, plan
from bridge.publishing.digests import digest_html, digest_topic
from bridge.publishing.leases import HeldLease
from bridge.rendering.renderer import post_html
from bridge.steps import log_step

# All in seconds.
REQUEST = 65.0  # the longest that a request takes
LATE = 20.0  # Graph may carry it out that long after it has stopped answering
LAG = 5.0  # what was carried out becomes visible within
START, SLACK = 10.0, 5.0  # from the claim to the door, from the door to the wire
GUARD = START + SLACK + REQUEST + LATE + LAG
RENEW_BELOW = START + SLACK + REQUEST + 15
SETTLED_THREAD = 60.0  # a thread of that age that is not there is gone, and not late
LONGEST_RETRY_AFTER = 3600.0
UNREADABLE = 3600.0  # a group whose threads may not be read is asked so long

_Row = TypeVar("_Row", OpenEntry, ThreadRow)

_REFUSED_CONTENT = "Look at the event's template and payload; correct the template, then replay the dead letter."
_REFUSED_ACCESS = "Give the identity access to the group, or route its events elsewhere; then replay the dead letter."
_MAYBE = "It may have been posted."
_NEVER_KNOWN = "Look into the group whether the post is there; if it is not, replay the dead letter."


@dataclass
class Budget:
    """What one call of the queue function may spend: requests, and time until `ends`."""

    ends: float
    requests: int = 50

    def is_spent(self, now: float) -> bool:
        """Whether no further request may be made."""
        return self.requests <= 0 or now >= self.ends


@dataclass(frozen=True)
class Policy:
    """What a person may decide about the delivery. Times are in seconds.

    rules: when threads end, and when they become a digest.
    settle: how long an entry waits for others of its thread; a critical one does not wait.
    give_up: how long a refused group, or a search without an answer, is tried again.
    history: how long repeats are recognised.
    paused: the groups that are left alone. titles: the names of sources for people.
    zone: of the times that posts show.
    """

    rules: Rules = field(default_factory=Rules)
    settle: float = 5.0
    give_up: float = 86400.0
    history: float = 30 * 86400.0
    paused: frozenset[str] = frozenset()
    titles: Mapping[str, str] = field(default_factory=dict)
    zone: tzinfo = UTC


class Drain:
    """The drain of one group by the holder of its lease and of a slot."""

    def __init__(
        self,
        outbox: Outbox,
        channel: Channel,
        lease: HeldLease,
        slot: HeldLease,
        budget: Budget,
        policy: Policy,
        clock: Callable[[], float],
    ) -> None:
        self._outbox, self._channel = outbox, channel
        self._lease, self._slot = lease, slot
        self._budget, self._policy, self._clock = budget, policy, clock
        self._group = lease.lease.partition
        self._open: dict[str, OpenEntry] = {}
        self._threads: dict[str, ThreadRow] = {}
        self._pause: Pause | None = None

    def run(self) -> float | None:
        """Does what can be done now; returns when there will be more to do, None when nothing is open.

        LeaseLost when another drain may be at work: nothing of the group may be touched any more.
        """
        try:
            self._read()
            self._settle_doubts()
            self._send_ready()
        except Conflict:
            raise LeaseLost(f"Rows of the group {self._group} were written by another drain.") from None
        due = next_due(list(self._open.values()), self._clock())
        return due if due is None or self._pause is None else max(due, self._pause.until)

    def _read(self) -> None:
        # In this order: a thread's row is written together with the end of its entries, so what is open here and now
        # cannot belong to a thread that is younger than what is read next.
        rows = self._outbox.open_entries(self._group)
        self._open = {row.entry.id: row for row in rows}
        self._threads = dict(self._outbox.threads(self._group, {row.entry.key for row in rows}))
        self._pause = self._outbox.pause(self._group)

    def _may_go_on(self) -> bool:
        now = self._clock()
        return not self._budget.is_spent(now) and (self._pause is None or self._pause.until <= now)

    # What is in doubt.

    def _settle_doubts(self) -> None:
        doubtful = sorted(
            (row for row in self._open.values() if row.state is State.SENDING), key=lambda row: row.attempt
        )
        for _, members in groupby(doubtful, key=lambda row: row.attempt):
            rows = list(members)
            if self._may_go_on() and all(row.due <= self._clock() for row in rows):
                self._settle(rows)

    def _settle(self, rows: list[OpenEntry]) -> None:
        """Looks whether the post of an attempt is in the group."""
        self._keep()
        self._budget.requests -= 1
        asked, first = self._clock(), rows[0]
        since = datetime.fromtimestamp(first.claimed, UTC)
        try:
            found = self._channel.find(self._group, [row.entry.reference for row in rows], since, first.thread)
        except GraphError as error:
            self._not_found_out(rows, error)
            return
        for thread in dict.fromkeys(found.values()):
            self._finish([row for row in rows if found.get(row.entry.reference) == thread], thread)
        missing = [row for row in rows if row.entry.reference not in found]
        if asked > max(row.until for row in rows) + SKEW:
            self._change(missing, "deferred", state=State.PENDING, reason="It is not in the group: it is sent again.")
        else:
            self._change(missing, "", due=max(row.until for row in rows) + 2 * SKEW)

    def _not_found_out(self, rows: list[OpenEntry], error: GraphError) -> None:
        now, tries = self._clock(), rows[0].tries
        # Who may not read the group may still post there: it is not held for that.
        patience = UNREADABLE if isinstance(error, AccessRefused) else self._policy.give_up
        if now > rows[0].claimed + patience:
            for row in rows:
                self._bury(row, f"{_MAYBE} Whether it was could not be found out: {error}", _NEVER_KNOWN)
        else:
            wait = self._wait(error, tries)
            self._change(rows, "deferred", due=now + wait, tries=tries + 1, reason=str(error))

    # What is ready.

    def _send_ready(self) -> None:
        thread = ""
        for batch in plan(list(self._open.values()), self._threads, self._clock(), self._policy.rules):
            if batch.follows and not thread:
                continue
            if not self._may_go_on():
                return
            thread = self._send(batch, batch.target or (thread if batch.follows else ""))

    def _send(self, batch: Batch, target: str) -> str:
        """One post to Graph, marked before and after. Returns the thread, or nothing when Graph has not got it."""
        self._log("planned", batch.rows)
        self._keep()
        try:
            post = self._channel.prepare(self._post(batch), target)
        except GraphError as error:
            self._failed(batch.rows, error)
            return ""
        self._budget.requests -= 1 if post.draft else 0
        self._keep()
        claimed = self._claim(batch.rows, post.draft or target)
        self._budget.requests -= 1
        try:
            thread = self._channel.reply(target, post) if target else self._channel.start(post)
        except GraphError as error:
            self._failed(claimed, error)
            return ""
        self._finish(claimed, thread)
        if self._pause:
            self._set_pause(None)
        return thread

    def _post(self, batch: Batch) -> Post:
        entries = [row.entry for row in batch.rows]
        participants = dict.fromkeys(chain.from_iterable(entry.participants for entry in entries))
        return Post(
            group=self._group,
            topic=digest_topic(entries, self._policy.titles) if batch.digest else entries[0].topic,
            html=digest_html(entries, self._policy.titles, self._policy.zone) if batch.digest else post_html(entries),
            references=tuple(entry.reference for entry in entries),
            participants=tuple(participants),
            conversation=entries[0].conversation,
            abandoned=tuple(dict.fromkeys(row.thread for row in batch.rows if row.thread)),
        )

    def _claim(self, batch: Sequence[OpenEntry], where: str) -> Sequence[OpenEntry]:
        """Marks the entries as sending; LeaseLost, with nothing sent, when that took too long."""
        now = self._clock()
        lease, attempt = self._lease.prolonged(), f"{self._lease.lease.owner}.{self._budget.requests}"
        doubt = {"due": now + GUARD, "until": now + GUARD, "claimed": now, "attempt": attempt, "thread": where}
        claimed: list[OpenEntry] = []
        for part in _parts(batch):
            rows = [replace(row, state=State.SENDING, **doubt) for row in part]  # type: ignore[arg-type]
            self._lease.lease, written = self._outbox.claim(lease, rows)
            lease = self._lease.lease
            claimed += written
        self._open |= {row.entry.id: row for row in claimed}
        if self._clock() > now + START or min(self._lease.left(), self._slot.left()) < REQUEST + SLACK + SKEW:
            self._change(claimed, "", state=State.PENDING, due=now)
            raise LeaseLost("Claiming the entries took too long to send them safely.")
        return claimed

    def _keep(self) -> None:
        self._lease.keep(RENEW_BELOW)
        self._slot.keep(RENEW_BELOW)

    # What Graph said.

    def _finish(self, rows: Sequence[OpenEntry], thread: str) -> None:
        now = self._clock()
        for part in _parts(rows):
            keys: dict[str, list[OpenEntry]] = {}
            for row in part:
                keys.setdefault(row.entry.key, []).append(row)
            threads = [thread_row(self._threads.get(key), members, thread, now) for key, members in keys.items()]
            self._threads |= {row.key: row for row in self._outbox.finish(part, threads)}
            self._forget(part)
        self._log("sent", rows, thread=thread)

    def _failed(self, rows: Sequence[OpenEntry], error: GraphError) -> None:
        now = self._clock()
        match error:
            case NotSent():
                tries = rows[0].tries
                due = now + self._wait(error, tries)
                self._change(rows, "deferred", state=State.DEFERRED, due=due, tries=tries + 1, reason=str(error))
            case ThreadGone():
                self._gone(rows, error)
            case ContentRefused():
                self._content_refused(rows, error)
            case AccessRefused():
                self._change(rows, "", state=State.PENDING, due=now)
                self._hold(error)
            case _:
                doubt = {"due": now + LAG + SKEW, "until": now + LATE + LAG + SKEW}
                self._change(rows, "deferred", reason=str(error), **doubt)

    def _wait(self, error: GraphError, tries: int) -> float:
        """Seconds until the next try. What Graph asks for is asked of the whole group."""
        retry_after = error.retry_after if isinstance(error, NotSent) else None
        if not retry_after:
            return float(min(300, 5 * 2 ** min(tries, 10)))
        wait = min(retry_after, LONGEST_RETRY_AFTER)
        self._set_pause(replace(self._pause or Pause(0.0), until=self._clock() + wait))
        return wait

    def _gone(self, rows: Sequence[OpenEntry], error: ThreadGone) -> None:
        now = self._clock()
        if rows[0].missing:
            # A key has one row, however many of its entries were in the post.
            threads = {row.entry.key: self._threads[row.entry.key] for row in rows if row.entry.key in self._threads}
            gone = [row for row in threads.values() if row.thread and row.created + SETTLED_THREAD < now]
            lost = [replace(row, thread="", ended=None) for row in gone]
            for part in _parts(lost):
                self._threads |= {row.key: row for row in self._outbox.lose_threads(self._group, part)}
        missing = rows[0].missing + 1
        self._change(rows, "deferred", state=State.DEFERRED, due=now + LAG + SKEW, missing=missing, reason=str(error))

    def _content_refused(self, rows: Sequence[OpenEntry], error: ContentRefused) -> None:
        if len(rows) == 1:
            self._bury(rows[0], str(error), _REFUSED_CONTENT)
            return
        # One bad entry must not take the others with it.
        self._change(rows, "deferred", state=State.PENDING, due=self._clock(), alone=True, reason=str(error))

    def _hold(self, error: AccessRefused) -> None:
        """Leaves the group alone for a while, with the reason; what has waited too long dies."""
        now, known = self._clock(), self._pause
        since, tries = (known.since, known.tries + 1) if known and known.reason else (now, 0)
        self._set_pause(Pause(now + min(1800, 30 * 2 ** min(tries, 10)), str(error), since, tries))
        self._log("held", list(self._open.values()), reason=str(error))
        for row in list(self._open.values()):
            if now >= max(since, row.recorded) + self._policy.give_up:
                in_doubt = row.state is State.SENDING
                self._bury(row, f"{_MAYBE} {error}" if in_doubt else str(error), _REFUSED_ACCESS)

    # The rows.

    def _set_pause(self, pause: Pause | None) -> None:
        self._outbox.set_pause(self._group, pause)
        self._pause = pause

    def _bury(self, row: OpenEntry, reason: str, advice: str) -> None:
        message, now = to_message(row.entry), self._clock()
        letter = DeadLetter(row.entry.id, self._group, message, reason, advice, now, row.tries)
        self._outbox.bury(row, letter)
        self._forget([row])
        self._log("dead", [row], logging.ERROR, reason=reason)

    def _change(self, rows: Sequence[OpenEntry], step: str, reason: str = "", **changes: object) -> None:
        for part in _parts(rows):
            written = self._outbox.change([replace(row, **changes) for row in part])  # type: ignore[arg-type]
            self._open |= {row.entry.id: row for row in written}
            if step:
                self._log(step, written, logging.WARNING, due=written[0].due, reason=reason)

    def _forget(self, rows: Sequence[OpenEntry]) -> None:
        for row in rows:
            del self._open[row.entry.id]

    def _log(self, step: str, rows: Sequence[OpenEntry], level: int = logging.INFO, **more: object) -> None:
        for row in rows:
            entry = row.entry
            ids = {"group": entry.group, "source": entry.source, "delivery": entry.delivery}
            log_step(step, level, **{"entry": entry.id, **ids, "thread": row.thread or entry.correlation_key, **more})


def thread_row(known: ThreadRow | None, rows: Sequence[OpenEntry], thread: str, now: float) -> ThreadRow:
    """The thread's row after these entries of its key went into `thread`."""
    if known is None or known.thread not in {thread, rows[0].thread} or not known.thread:
        known = ThreadRow(rows[0].entry.key, "", now, now, version=known.version if known else "")
    return replace(known, thread=thread, posted=now, ended=ended_after(known.ended, rows))


def _parts(rows: Sequence[_Row]) -> Iterator[Sequence[_Row]]:
    """The rows in batches of storage."""
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]
