"""What a drain knows of its group: the rows as they were read, and every change written before it counts."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from bridge.entries import to_message
from bridge.errors import RowRefused
from bridge.outbox.base import Entries, Wakes
from bridge.outbox.group_state import CROWD, GroupState, with_rows
from bridge.outbox.heads import head_of
from bridge.outbox.rows import (
    BATCH,
    DIGEST,
    DeadLetter,
    LeftOut,
    Newest,
    OpenEntry,
    State,
    ThreadRow,
    UnreadableRow,
    Wait,
)
from bridge.publishing import backlog
from bridge.publishing.backlog import Unread
from bridge.publishing.batching import SOURCES, Rules, is_held, occurrence, target_of
from bridge.publishing.leases import GroupLease
from bridge.publishing.memory import invited, placed
from bridge.publishing.recorder import UNREADABLE, log_dead
from bridge.publishing.repeats import received, repeats, repeats_one_of, was_wrong
from bridge.publishing.transitions import held, thread_after, thread_lost, thread_without
from bridge.publishing.waiting import NOT_WAITING, Waiting
from bridge.steps import Step, log_entry

_POSTED = "Nothing needs to be posted again: delete the dead letter, or let it expire with the history."

_RULES = Rules()
_LONGEST_ANSWER = 500  # characters

_Row = TypeVar("_Row", OpenEntry, ThreadRow)


class GroupRows:
    """The open entries, threads and wait of one group, for the holder of its lease, which the first write takes.

    open: by the ids of the entries. threads: by their keys. clock: seconds since 1970. rules: when a thread is over.
    waiting: says until when entries wait for hours. most: of a crowded group, about so many entries are read.
    unread: the others.
    A write raises Conflict when another drain was faster.
    """

    def __init__(
        self,
        entries: Entries,
        wakes: Wakes,
        lease: GroupLease,
        clock: Callable[[], float],
        rules: Rules = _RULES,
        waiting: Waiting = NOT_WAITING,
        most: int = CROWD,
    ) -> None:
        self.group, self._lease, self._rules, self._waiting = lease.lease.partition, lease, rules, waiting
        self.open: dict[str, OpenEntry] = {}
        self.threads: dict[str, ThreadRow] = {}
        self.wait: Wait | None = None
        self.unread, self._most, self._restored = Unread(), most, set[str]()
        self._entries, self._wakes, self._clock = entries, wakes, clock

    def read(self, state: GroupState) -> None:
        """Reads the threads of the entries of the group; of a crowded one, the entries that can be used as well."""
        if state.is_crowded:
            state = self._part_of(state)
        self.open, self.wait = {row.entry.id: row for row in state.entries}, state.wait
        for one in state.unreadable:
            self._set_aside(one)
        # After the entries: a thread's row is written together with the end of its entries, so an entry that was open
        # cannot belong to a thread that is younger than those that are read now.
        keys = {row.entry.key for row in state.entries}
        had_digest = state.lease.has_digest is not False
        self.threads = dict(self._entries.threads(self.group, {*keys, DIGEST} if had_digest else keys))
        # The post of an entry that is on its way may have been a digest.
        was_tried = self.unread.has_tried or any(row.state is not State.PENDING for row in state.entries)
        self._lease.note_digest(exists=DIGEST in self.threads or (had_digest and was_tried))

    def _part_of(self, state: GroupState) -> GroupState:
        now, heads = self._clock(), self._entries.heads(self.group)
        if any(head.window for head in heads if backlog.is_held(head, now)):
            self._waiting.windows.refresh()
        ids, self.unread = backlog.choose(heads, now, self._most, self._rules.digest_over, self._waiting.until)
        return with_rows(state, self._entries.read_open(self.group, ids))

    def next_due(self, without: Sequence[OpenEntry] = ()) -> float | None:
        """When something can be done next, except for these entries; None when nothing is open."""
        gone = {row.entry.id for row in without}
        heads = (head_of(row) for row in self.open.values() if row.entry.id not in gone)
        return backlog.next_due(heads, self._clock(), self.unread.keys)

    def wait_for_hours(self) -> None:
        """Has what waits for hours wait for those that are configured now; what waited for others may be posted."""
        now = self._clock()
        waiting = [row.entry for row in self.open.values() if is_held(row, now)]
        if any(entry.window for entry in waiting):
            # A person who ends a window does not want to wait.
            self._waiting.windows.refresh()
        until = {entry.id: self._waiting.until(entry, now) for entry in waiting}
        moved = [row for row in self.open.values() if until.get(row.entry.id, row.due) != row.due]
        self.change(moved, lambda row: held(row, until[row.entry.id]))

    def waits(self) -> bool:
        """Whether nothing may be sent to the group now."""
        return self.wait is not None and self.wait.until > self._clock()

    def set_wait(self, wait: Wait | None) -> None:
        """Writes the group's wait; None ends it."""
        self._wakes.set_wait(self.group, wait)
        self.wait = wait

    def claim(self, rows: Sequence[OpenEntry]) -> Sequence[OpenEntry]:
        """Writes claimed entries together with the lease, which is taken or prolonged by that."""
        claimed: list[OpenEntry] = []
        if len({row.entry.key for row in rows}) > 1:
            self._lease.note_digest(exists=True)
        prolonged = self._lease.prolonged()
        for part in _parts(rows):
            prolonged, written = self._entries.claim(prolonged, part)
            self._lease.claimed(prolonged)
            claimed += written
        self._keep(claimed)
        return claimed

    def change(self, rows: Sequence[OpenEntry], transition: Callable[[OpenEntry], OpenEntry]) -> Sequence[OpenEntry]:
        """Writes what the transition makes of the entries."""
        changed: list[OpenEntry] = []
        if rows:
            self._lease.take()
        for part in _parts(rows):
            written = self._entries.change([transition(row) for row in part])
            self._keep(written)
            changed += written
        return changed

    def put_off(
        self, step: Step, rows: Sequence[OpenEntry], transition: Callable[[OpenEntry], OpenEntry], reason: object
    ) -> None:
        """Changes entries that are not delivered yet, and keeps and logs why."""

        def with_answer(row: OpenEntry) -> OpenEntry:
            return replace(transition(row), answer=str(reason)[:_LONGEST_ANSWER])

        for row in self.change(rows, with_answer):
            token = {"token": row.mark} if row.state is State.SENDING else {}
            log_entry(step, row.entry, logging.WARNING, row.thread, due=row.due, reason=str(reason), **token)

    def leave_out_repeats(self) -> None:
        """Ends the entries that only repeat the event before them, and opens again what was wrongly left out."""
        keys: dict[str, list[OpenEntry]] = {}
        for row in self.open.values():
            keys.setdefault(row.entry.key, []).append(row)
        for key, members in keys.items():
            for row, of in self._repeats(key, members):
                self._leave_out(row, of)
            if key in self._restored and key in self.unread.keys:
                # It may come after entries that were not read: the next drain looks.
                self._unread([row for row in self.open.values() if row.entry.key == key])

    def _repeats(self, key: str, members: Sequence[OpenEntry]) -> list[tuple[OpenEntry, Newest]]:
        """The entries of the key that are repeats, after what was left out too early is open again."""
        thread, rows = self.threads.get(key) or ThreadRow(key, "", 0.0, 0.0), [*members]
        if any(received(row) <= thread.left_out for row in members):
            rows += self._restore(key, partial(was_wrong, members=members))
        found = repeats(rows, thread.newest)
        if any(received(row) < thread.left_out for row, _ in found):
            rows += self._restore(key, partial(repeats_one_of, rows=[row for row, _ in found]))
            found = repeats(rows, thread.newest)
        return found

    def _leave_out(self, row: OpenEntry, of: Newest) -> None:
        key = row.entry.key
        known = thread_without(self.threads.get(key), row, self._clock())
        self._lease.take()
        self.threads[key] = self._entries.leave_out(row, of, known)
        self._forget([row])
        log_entry("repeat", row.entry, repeat_of=of.id)

    def _restore(self, key: str, is_wrong: Callable[[LeftOut], bool]) -> list[OpenEntry]:
        wrong = [left for left in self._entries.left_out(self.group, key) if is_wrong(left)]
        now = self._clock()
        if wrong:
            self._lease.take()
        restored = [self._entries.restore(left, self._waiting.first_until(left.entry, now)) for left in wrong]
        self._keep(restored)
        self._restored |= {key} if restored else set()
        for row in restored:
            log_entry("recorded", row.entry, reason="An event before it was recorded late.")
        return restored

    def finish(self, rows: Sequence[OpenEntry], thread: str, *, gives_back: bool = False) -> None:
        """Ends entries that were delivered into the thread by one post; the lease may be given back with that."""
        now = self._clock()
        if len({row.entry.key for row in rows}) > 1 or self._is_digest(thread):
            self._note_digest(rows, thread, now)
        parts = list(_parts(rows))
        for part in parts:
            keys: dict[str, list[OpenEntry]] = {}
            lease = self._lease.given_back() if gives_back and part is parts[-1] else None
            for row in part:
                keys.setdefault(row.entry.key, []).append(row)
            threads = [self._thread_after(key, members, thread, now) for key, members in keys.items()]
            threads = [replace(row, memory=placed(row.memory, in_digest=self._is_digest(thread))) for row in threads]
            try:
                self.threads |= {row.key: row for row in self._entries.finish(part, threads, lease)}
            except RowRefused as error:
                self._finish_each(part, thread, error)
                continue
            if lease:
                self._lease.note_given_back()
            self._forget(part)
            for row in part:
                log_entry("delivered", row.entry, thread=thread, token=row.mark)

    def _thread_after(self, key: str, members: Sequence[OpenEntry], thread: str, now: float) -> ThreadRow:
        known = self.threads.get(key)
        goes_on = target_of(known, occurrence(members[0]), self._rules) != ""
        return thread_after(known, members, thread, now, goes_on=goes_on)

    def _is_digest(self, thread: str) -> bool:
        known = self.threads.get(DIGEST)
        return known is not None and known.thread == thread

    def _note_digest(self, rows: Sequence[OpenEntry], thread: str, now: float) -> None:
        """Writes what a storm is recognised by: its thread, when it began and was last posted, and its sources."""
        known = self.threads.get(DIGEST)
        version = known.version if known else ""
        if known is None or known.thread != thread:
            known = ThreadRow(DIGEST, thread, created=now, posted=now, version=version)
        # What has waited is no storm, to which the next events would belong.
        stormy = (row.entry.source for row in rows if row.entry.not_before is None)
        sources = dict.fromkeys((*known.memory.get(SOURCES, ()), *stormy))
        memory = invited(known.memory, (one for row in rows for one in row.entry.participants))
        noted = replace(known, posted=now, memory={**memory, SOURCES: tuple(sources)})
        self.threads |= {row.key: row for row in self._entries.write_threads(self.group, [noted])}

    def _finish_each(self, rows: Sequence[OpenEntry], thread: str, error: RowRefused) -> None:
        """Ends entries one by one, as storage refuses a row of one of them; that one becomes a dead letter."""
        if len(rows) == 1:
            self.move_to_dead_letters(rows[0], f"It was posted, but not noted as delivered. {error}", _POSTED)
            return
        for row in rows:
            self.finish([row], thread)

    def lose_threads(self, threads: Sequence[ThreadRow]) -> None:
        """Writes that these threads are gone: the next entry of each key starts another one."""
        for part in _parts([thread_lost(thread) for thread in threads]):
            self.threads |= {row.key: row for row in self._entries.write_threads(self.group, part)}

    def move_to_dead_letters(self, row: OpenEntry, reason: str, advice: str) -> None:
        """Turns an entry into a dead letter."""
        message, now = to_message(row.entry), self._clock()
        self._lease.take()
        letter = DeadLetter(row.entry.id, self.group, message, reason, advice, now, row.tries)
        self._entries.move_to_dead_letters(row, letter)
        self._forget([row])
        log_entry("dead", row.entry, logging.ERROR, row.thread, reason=reason)

    def _set_aside(self, row: UnreadableRow) -> None:
        """Turns a row that cannot be read into a dead letter: the others of the group go on."""
        reason = f"Its row in the outbox cannot be read. {row.reason}"
        letter = DeadLetter(row.id, self.group, row.message, reason, UNREADABLE, self._clock())
        self._lease.take()
        self._entries.set_aside(row, letter)
        log_dead(letter)

    def _unread(self, rows: Sequence[OpenEntry]) -> None:
        """Leaves entries of one key to the next drain, as if they had not been read."""
        if rows:
            self._forget(rows)
            self.unread.add([head_of(row) for row in rows])

    def _keep(self, rows: Sequence[OpenEntry]) -> None:
        self.open |= {row.entry.id: row for row in rows}

    def _forget(self, rows: Sequence[OpenEntry]) -> None:
        for row in rows:
            del self.open[row.entry.id]


def _parts(rows: Sequence[_Row]) -> Iterator[Sequence[_Row]]:
    """The rows in batches of storage."""
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]
