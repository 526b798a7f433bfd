"""Silence is news: notices what was expected and did not come, and when it comes again.

A sweep that finds an expectation overdue puts the post about it on the queue, behind all that came before. When the
post is taken from there, what came is known; only then the expectation becomes missing and the post is recorded, under
an id made of the expectation and the time when it was due: however often and by however many hosts, it is one post.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bridge.calendar.expectations import Expectation
from bridge.entries import Entry, Target, entry_id, to_message
from bridge.errors import Conflict
from bridge.events import OWN, Event
from bridge.outbox.base import Queue
from bridge.outbox.memos import Memos
from bridge.publishing import expectation_events as events
from bridge.publishing.expectation_rows import KIND, Known, from_memo, looked_at, to_memo
from bridge.publishing.lengths import moment

Compose = Callable[[Event, str, Target, datetime], Entry]
"""Makes the entry of an event: its id, where it goes, and when it was received."""

_DELAY = 60.0  # seconds in which what is being handled is handled
_TRIES = 5

_logger = logging.getLogger(__name__)


class ExpectationWatch:
    """Keeps when each expectation came last, and posts about those that are missing.

    record: records an entry, once however often. compose: as the renderer does. clock: seconds since 1970.
    """

    def __init__(
        self,
        expectations: Sequence[Expectation],
        memos: Memos,
        queue: Queue,
        record: Callable[[Entry], None],
        compose: Compose,
        clock: Callable[[], float],
    ) -> None:
        self._expectations = {each.name: each for each in expectations}
        self._memos, self._queue = memos, queue
        self._record, self._compose, self._clock = record, compose, clock
        self._latest: dict[str, float] = {}  # when each came last, as far as it is written

    def note(self, names: Iterable[str], at: float) -> None:
        """Notes that these came. Of what comes all the time, most is neither read nor written."""
        at = min(at, self._clock())
        for name in names:
            expectation = self._expectations.get(name)
            if expectation and not expectation.is_known(at, self._latest.get(name, 0.0)):
                self._note(expectation, at)

    def _note(self, expectation: Expectation, at: float) -> None:
        for _ in range(_TRIES):
            known = self._rows().get(expectation.name) or Known(expectation.name, expectation.rule, at)
            if known.missing and at > known.seen:
                self._end(expectation, known, at)
            elif expectation.is_known(at, known.seen):
                self._latest[expectation.name] = known.seen
                return
            try:
                self._write(replace(known, seen=max(at, known.seen), missing=0.0, groups=(), held=0.0, down=()))
            except Conflict:
                continue
            return
        raise Conflict(f"The expectation {expectation.name} is written by others all the time.")

    def _end(self, expectation: Expectation, known: Known, at: float) -> None:
        """Posts that it came again; and before that, if nobody has yet, that it was missing."""
        for group in known.groups:
            self._record(self._missing(expectation, known, known.missing, group))
            self._record(self._entry(events.back(known.name, known.missing, at), group))

    def look(self, now: float, last_look: float | None) -> None:
        """Looks which are overdue. last_look: as in `looked_at`."""
        rows = self._rows()
        for known in rows.values():
            if known.name not in self._expectations:
                self._forget(known, now)
        for expectation in self._expectations.values():
            before = rows.get(expectation.name)
            known = looked_at(before, expectation, now, last_look)
            try:
                if known != before:
                    self._write(known)
            except Conflict:
                continue  # another host has just written it
            due = known.due(expectation)
            if not known.missing and due <= now:
                for group in expectation.groups:
                    self._queue.put(to_message(self._missing(expectation, known, due, group)), _DELAY)

    def admits(self, entry: Entry) -> bool:
        """Whether an entry that comes from the queue is to be recorded: all are, but for news of silence that is none.

        Marks its expectation as missing.
        """
        if (entry.source, entry.kind) != (OWN, events.MISSING):
            return True
        for known in self._rows().values():
            expectation = self._expectations.get(known.name)
            due = known.due(expectation) if expectation else 0.0
            if expectation and entry.id == self._missing(expectation, known, due, entry.group).id:
                if not known.missing and due <= self._clock():
                    self._write(replace(known, missing=due, groups=expectation.groups))
                return known.missing > 0 or due <= self._clock()
        return False

    def missing(self) -> Mapping[str, float]:
        """Those that are missing, and since when."""
        return {name: row.missing for name, row in sorted(self._rows().items()) if row.missing}

    def _forget(self, known: Known, now: float) -> None:
        for group in known.groups if known.missing else ():
            self._record(self._entry(events.dropped(known.name, known.missing, now), group))
        try:
            self._memos.remove_memo(to_memo(known))
        except Conflict:
            return  # it is looked at again with the next sweep

    def _missing(self, expectation: Expectation, known: Known, due: float, group: str) -> Entry:
        return self._entry(events.missing(expectation, known, due, self._clock()), group)

    def _entry(self, event: Event, group: str) -> Entry:
        return self._compose(event, entry_id(event, 0, group), Target(group), moment(self._clock()))

    def _rows(self) -> Mapping[str, Known]:
        return {memo.name: from_memo(memo) for memo in self._memos.memos(KIND)}

    def _write(self, known: Known) -> None:
        self._memos.write_memo(to_memo(known))
        self._latest[known.name] = known.seen
