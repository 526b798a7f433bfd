"""How an open entry and a thread change with each step of the delivery: pure, a function for each transition.

    pending            held                                               pending
    pending, deferred  claimed                                            sending
    sending            outcome_unknown, looked_up_again, lookup_deferred  sending
    sending            released, isolated, not_delivered                  pending
    sending            deferred, thread_not_found                         deferred

An entry that is delivered or a dead letter is not open any more.
"""

from collections.abc import Sequence
from dataclasses import replace

from bridge.outbox.rows import OpenEntry, State, ThreadRow
from bridge.publishing.batching import SKEW, ended_after
from bridge.publishing.memory import remembered, without_invited
from bridge.publishing.repeats import newest_of, received
from bridge.publishing.standing import standing_after

# All in seconds.
REQUEST = 65.0  # the longest that a request takes
LATE = 20.0  # Graph may carry it out that long after it has stopped answering
LAG = 5.0  # what was carried out becomes visible within
START, SLACK = 10.0, 5.0  # from the claim to the last look at the clock, from there to the wire
GUARD = START + SLACK + REQUEST + LATE + LAG


def claimed(row: OpenEntry, now: float, token: str, where: str) -> OpenEntry:
    """Before its request leaves. where: the draft that is sent, or the thread that is replied to; else empty."""
    until = now + GUARD
    return replace(row, state=State.SENDING, due=until, guard_until=until, claimed=now, attempt=token, thread=where)


def released(row: OpenEntry, now: float) -> OpenEntry:
    """It was claimed, and its request surely did nothing: it is sent as if nothing had been."""
    return replace(row, state=State.PENDING, due=now)


def held(row: OpenEntry, until: float) -> OpenEntry:
    """It waits for the hours of its route until then."""
    return replace(row, due=until)


def isolated(row: OpenEntry, now: float) -> OpenEntry:
    """A post of it and others was refused: it is sent by itself."""
    return replace(released(row, now), isolated=True)


def deferred(row: OpenEntry, due: float, tries: int) -> OpenEntry:
    """It was surely not sent, and is tried again later."""
    return replace(row, state=State.DEFERRED, due=due, tries=tries)


def thread_not_found(row: OpenEntry, now: float, count: int) -> OpenEntry:
    """Its thread was not there: it may not be visible yet."""
    return replace(row, state=State.DEFERRED, due=now + LAG + SKEW, not_found_count=count)


def outcome_unknown(row: OpenEntry, now: float) -> OpenEntry:
    """The request left and no answer says whether it was carried out: it is looked up soon."""
    return replace(row, due=now + LAG + SKEW, guard_until=now + LATE + LAG + SKEW)


def looked_up_again(row: OpenEntry, guard_until: float) -> OpenEntry:
    """It was not found, which shows nothing before the guard time is over."""
    return replace(row, due=guard_until + 2 * SKEW)


def lookup_deferred(row: OpenEntry, due: float, tries: int) -> OpenEntry:
    """It could not be looked up, and is looked up later."""
    return replace(row, due=due, tries=tries)


def not_delivered(row: OpenEntry) -> OpenEntry:
    """It was not found after the guard time: it is sent again."""
    return replace(row, state=State.PENDING)


def thread_after(
    known: ThreadRow | None, rows: Sequence[OpenEntry], thread: str, now: float, *, goes_on: bool = False
) -> ThreadRow:
    """The row of a key's thread after these entries of the key were posted into `thread`.

    goes_on: they replied to the thread that the key had, also where that is known by its newest message.
    """
    if known is None:
        known = ThreadRow(rows[0].entry.key, "", now, now)
    elif known.thread not in {thread, rows[0].thread} or not known.thread:
        memory = known.memory if goes_on else without_invited(known.memory)
        known = replace(known, created=now, ended=None, memory=memory)
    return replace(
        known,
        thread=thread,
        posted=now,
        ended=ended_after(known.ended, rows),
        newest=newest_of(rows, known.newest),
        memory=remembered(known.memory, [row.entry for row in rows]),
        standing=standing_after(known.standing, [row.entry for row in rows]),
    )


def thread_without(known: ThreadRow | None, row: OpenEntry, now: float) -> ThreadRow:
    """The row of a key's thread after this entry of the key was left out as a repeat."""
    known = known or ThreadRow(row.entry.key, "", now, now)
    return replace(known, left_out=max(known.left_out, received(row)))


def thread_lost(known: ThreadRow) -> ThreadRow:
    """The row of a key whose thread is gone: its next entry starts another one."""
    return replace(known, thread="", ended=None)


def retry_delay(tries: int) -> float:
    """Seconds until the next try: five, then ever more, down to one try in five minutes."""
    return float(min(300, 5 * 2 ** min(tries, 10)))


def probe_delay(tries: int) -> float:
    """Seconds until a held group is probed next: half a minute, then ever more, up to half an hour."""
    return float(min(1800, 30 * 2 ** min(tries, 10)))
