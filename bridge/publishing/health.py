"""Health: how the delivery is doing, from a summary that drains and sweeps write, however much the outbox holds."""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from bridge.outbox.base import Outbox
from bridge.outbox.group_state import GroupState
from bridge.outbox.rows import PASSED, SWEEP, Backoff, Hold, Summary, Wait
from bridge.publishing.backlog import next_due
from bridge.publishing.batching import SKEW
from bridge.publishing.policy import Policy

SWEEP_EVERY = 300.0  # seconds
# An entry whose wake was lost is found by the next sweep, and delivered then.
LATE = SWEEP_EVERY
DEAD_SWEEP = 3 * SWEEP_EVERY
_NO_GROUPS = {SWEEP, PASSED}

_logger = logging.getLogger(__name__)


class Health:
    """Keeps the summary of the outbox, and reads from it what is wrong. clock: seconds since 1970."""

    def __init__(self, outbox: Outbox, policy: Policy, clock: Callable[[], float]) -> None:
        self._outbox, self._policy, self._clock = outbox, policy, clock
        self._started = clock()
        self._clear: frozenset[str] = frozenset()  # the groups of which this process has noted last that all is well

    def note_drain(self, state: GroupState, count: int, due: float | None, wait: Wait | None) -> None:
        """Notes how a drain leaves its group: with so many open entries, the next of them due then.

        state: as the drain found it. Where nothing was wrong with it, and nothing is, the note is known to be there; a
        note of another instance stands until the next sweep.
        """
        group = state.lease.partition
        row = Summary(group, self._clock(), count, due, isinstance(wait, Hold))
        is_usual = row.is_clear and state.wait is None and not any(row.attempt or row.tries for row in state.entries)
        if is_usual and group in self._clear:
            return
        self._outbox.note(row)
        self._clear = self._clear | {group} if row.is_clear else self._clear - {group}

    def outage(self, now: float) -> float | None:
        """When the last sweep was, if others should have come since then; else None."""
        last = next((row.at for row in self._outbox.summaries() if row.name == SWEEP), now)
        return last if now > last + DEAD_SWEEP else None

    def note_sweep(self, poisoned: int) -> None:
        """Notes all groups again, and that the sweep was here. poisoned: the messages that it had to leave."""
        now = self._clock()
        known = {row.name: row for row in self._outbox.summaries()}
        tally, waits = self._outbox.tally(), self._outbox.waits()
        for group in sorted({*known, *tally, *waits} - _NO_GROUPS):
            count, first = tally.get(group, (0, None))
            wait = waits.get(group)
            row = Summary(group, now, count, self._due(group, first, wait, now), isinstance(wait, Hold))
            if row.is_clear and (group not in known or known[group].is_clear):
                continue
            self._outbox.note(row)
        self._outbox.note(Summary(SWEEP, now, poisoned))

    def _due(self, group: str, first: float | None, wait: Wait | None, now: float) -> float | None:
        """When something of the group is due next. first: when the first of its rows is, which may have to wait."""
        if first is not None and first + LATE < now:
            first = next_due(self._outbox.heads(group), now)
        return first if first is None or wait is None else max(first, wait.until)

    def counts(self, missing: Mapping[str, float]) -> Mapping[str, object]:
        """How the delivery is doing, in plain values for JSON.

        open, dead: how many entries are open, and how many dead letters there are.
        held: each group that needs a person, with the reason, since when, and when it is probed next.
        backoff: each group of which Graph asked for patience (Retry-After), with when that is over.
        paused: the groups that get nothing for now, by choice.
        waiting: each group with entries that wait for the hours of their routes: how many, and until when the first.
        missing: each expectation that did not come, with when it was due: what is given.
        """
        counts, waits, now = self._outbox.counts(), self._outbox.waits(), self._clock()
        return {
            "open": counts.open,
            "dead": counts.dead,
            "held": {
                group: {"reason": wait.reason, "since": iso(wait.since), "until": iso(wait.until)}
                for group, wait in waits.items()
                if isinstance(wait, Hold)
            },
            "backoff": {
                group: {"until": iso(wait.until)}
                for group, wait in waits.items()
                if isinstance(wait, Backoff) and wait.until > now
            },
            "paused": sorted(self._policy.paused),
            "waiting": {
                group: {"entries": count, "until": iso(first)}
                for group, (count, first) in self._outbox.waiting(now + self._policy.settle + SKEW).items()
            },
            **({"missing": {name: {"due": iso(due)} for name, due in missing.items()}} if missing else {}),
        }

    def report(self) -> Mapping[str, object]:
        """What the summary says, in plain values for JSON.

        overdue: the groups whose entries should have been posted five minutes ago or more, with how many are open and
        since when the first is due. sweep: when it was last done, and its age in seconds. poison: the messages
        that it could not take back from the poison queue. watchdog: likewise, if there is one.
        problems: all that needs a person, a sentence each.
        """
        now, problems = self._clock(), list(self._unwritable())
        rows = {row.name: row for row in self._outbox.summaries()}
        groups = {name: row for name, row in rows.items() if name not in _NO_GROUPS}
        # What is not as it should be is looked at: meanwhile a drain may have come, which need not note that.
        overdue = {name: row for name, row in groups.items() if self._is_late(row, now) and self._has_late(name, now)}
        held = [name for name, row in groups.items() if row.held and isinstance(self._outbox.wait_of(name), Hold)]
        problems += [f"The group {name} is on hold." for name in held]
        problems += [
            f"{row.count} entries of the group {name} wait longer than they should." for name, row in overdue.items()
        ]
        sweep, poisoned = rows.get(SWEEP), rows[SWEEP].count if SWEEP in rows else 0
        problems += self._late_sweep(sweep, now)
        if poisoned:
            problems.append(f"{poisoned} messages of the poison queue could not be taken back.")
        problems += self._late_watchdog(rows.get(PASSED), now)
        report = {
            "overdue": {name: {"open": row.count, "since": iso(row.due or 0.0)} for name, row in overdue.items()},
            "sweep": _last(sweep, now),
            "poison": poisoned,
            "problems": problems,
        }
        return report | ({"watchdog": _last(rows.get(PASSED), now)} if self._policy.watchdog else {})

    def _is_late(self, row: Summary, now: float) -> bool:
        return row.due is not None and row.due + LATE < now and row.name not in self._policy.paused

    def _has_late(self, group: str, now: float) -> bool:
        due, wait = next_due(self._outbox.heads(group), now), self._outbox.wait_of(group)
        return due is not None and max(due, wait.until if wait else due) + LATE < now

    def _unwritable(self) -> Iterator[str]:
        try:
            self._outbox.probe(self._clock())
        except Exception as error:  # whatever it is, it is what the caller asks about
            _logger.exception("The outbox cannot be written")
            yield f"The outbox cannot be written: {type(error).__name__}."

    def _late_sweep(self, row: Summary | None, now: float) -> Iterator[str]:
        # A new app has had none yet.
        age = now - (row.at if row else self._started)
        if age > DEAD_SWEEP:
            yield f"There was no sweep for {age / 60:.0f} minutes: it is due every five."

    def _late_watchdog(self, row: Summary | None, now: float) -> Iterator[str]:
        age, every = now - (row.at if row else self._started), self._policy.watchdog
        if every and age > 2 * every + LATE:
            yield f"The watchdog has not come through for {age / 60:.0f} minutes: it is sent every {every / 60:.0f}."


def _last(row: Summary | None, now: float) -> Mapping[str, object]:
    return {"at": iso(row.at), "age": round(now - row.at)} if row else {"at": None, "age": None}


def iso(seconds: float) -> str:
    """A moment as JSON shows it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
