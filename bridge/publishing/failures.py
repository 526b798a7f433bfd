"""What becomes of entries whose post Graph has refused, or left open."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from bridge.errors import AccessRefused, ContentRefused, GraphError, NotSent, ThreadGone
from bridge.outbox.rows import DIGEST, Backoff, Hold, OpenEntry, State
from bridge.publishing import transitions
from bridge.publishing.batching import is_held
from bridge.publishing.group_rows import GroupRows
from bridge.publishing.policy import Policy
from bridge.publishing.transitions import probe_delay, retry_delay
from bridge.steps import log_entry

# All in seconds.
SETTLED_THREAD = 60.0  # a thread of that age that is not there is gone, and not late
LONGEST_RETRY_AFTER = 3600.0
AT_ONCE = 2.0  # until the next probe of a group with more entries that have waited too long

MAYBE = "It may have been posted, with {} in its footer."
_REFUSED_CONTENT = (
    "Correct the event's template, then requeue the dead letter: it is rendered again if its payload is kept."
)
_REFUSED_ACCESS = "Give the identity access to the group, or route its events elsewhere; then requeue the dead letter."


class Failures:
    """Notes the failures of a drain in its rows. clock: seconds since 1970.

    on_their_way: the ids of the entries whose posts are on their way now.
    """

    def __init__(self, rows: GroupRows, policy: Policy, clock: Callable[[], float]) -> None:
        self._rows, self._policy, self._clock = rows, policy, clock
        self.on_their_way: set[str] = set()

    def note(self, rows: Sequence[OpenEntry], target: str, error: GraphError) -> None:
        """Puts off what was not posted, or turns it into dead letters."""
        now, tries = self._clock(), rows[0].tries
        match error:
            case NotSent():
                later = partial(transitions.deferred, due=self.next_try(error, tries), tries=tries + 1)
                self._rows.put_off("deferred", rows, later, error)
            case ThreadGone():
                self._thread_gone(rows, target, error)
            case ContentRefused():
                self._content_refused(rows, error)
            case AccessRefused():
                self._rows.change(rows, partial(transitions.released, now=now))
                self._hold(error)
            case _:
                self._rows.put_off("unknown", rows, partial(transitions.outcome_unknown, now=now), error)

    def next_try(self, error: GraphError, tries: int) -> float:
        """When it is tried again. What Graph asks for (Retry-After) is asked of the whole group."""
        now, retry_after = self._clock(), error.retry_after if isinstance(error, NotSent) else None
        if not retry_after:
            return now + retry_delay(tries)
        until, known = now + min(retry_after, LONGEST_RETRY_AFTER), self._rows.wait
        self._rows.set_wait(replace(known, until=until) if isinstance(known, Hold) else Backoff(until))
        return until

    def _thread_gone(self, rows: Sequence[OpenEntry], target: str, error: ThreadGone) -> None:
        now, count = self._clock(), rows[0].not_found_count
        if count:
            # A key has one row, however many of its entries were in the post.
            keys = {DIGEST, *(row.entry.key for row in rows)}
            # The others have threads of their own, and would have replied to this one for the first time.
            gone = [row for key in keys if (row := self._rows.threads.get(key)) and row.thread == target != ""]
            self._rows.lose_threads([row for row in gone if row.created + SETTLED_THREAD < now])
        later = partial(transitions.thread_not_found, now=now, count=count + 1)
        self._rows.put_off("deferred", rows, later, error)

    def _content_refused(self, rows: Sequence[OpenEntry], error: ContentRefused) -> None:
        if len(rows) == 1:
            self._rows.move_to_dead_letters(rows[0], str(error), _REFUSED_CONTENT)
            return
        # One bad entry must not take the others with it.
        self._rows.put_off("deferred", rows, partial(transitions.isolated, now=self._clock()), error)

    def _hold(self, error: AccessRefused) -> None:
        """Holds the group, with the reason; entries that have waited too long become dead letters."""
        now, known = self._clock(), self._rows.wait
        since, tries = (known.since, known.tries + 1) if isinstance(known, Hold) else (now, 0)
        # What was not read may have waited too long as well: it is read at once.
        first = self._rows.unread.recorded
        is_late = first is not None and now >= max(since, first) + self._policy.give_up
        # Posts that were on their way at the same time were one probe.
        if not (isinstance(known, Hold) and self._rows.waits()):
            self._rows.set_wait(Hold(now + (AT_ONCE if is_late else probe_delay(tries)), str(error), since, tries))
        # What waits for the hours of its route was not refused, nor what is on its way at the same time.
        rows = [row for row in self._rows.open.values() if not (is_held(row, now) or row.entry.id in self.on_their_way)]
        for row in rows:
            log_entry("held", row.entry, thread=row.thread, reason=str(error))
        for row in rows:
            if now >= max(since, row.recorded) + self._policy.give_up:
                reason = f"{MAYBE.format(row.mark)} {error}" if row.state is State.SENDING else str(error)
                self._rows.move_to_dead_letters(row, reason, _REFUSED_ACCESS)
