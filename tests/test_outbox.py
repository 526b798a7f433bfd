import contextlib
import json
import multiprocessing
import os
import signal
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest

from bridge.calendar.maintenance import BRIDGE, ENDED
from bridge.entries import VERSION, Wake, from_message, to_message
from bridge.errors import Conflict, RowRefused
from bridge.outbox import azure_groups, azure_open
from bridge.outbox.azure import AzureOutbox
from bridge.outbox.azure_queue import AzureQueue
from bridge.outbox.azure_storage import Account
from bridge.outbox.group_state import GroupState, NextWake
from bridge.outbox.heads import head_of
from bridge.outbox.memos import Memo, StoredText
from bridge.outbox.rows import (
    BATCH,
    SWEEP,
    Backoff,
    ContentRow,
    Counts,
    DeadLetter,
    HistoryRecord,
    Hold,
    Lease,
    Newest,
    Recorded,
    State,
    Summary,
    ThreadRow,
)
from bridge.outbox.sqlite import SqliteOutbox
from bridge.outbox.sqlite_queue import SqliteQueue
from tests.azurite import needs_azurite
from tests.outbox_stand_ins import START, Clock, entry


def in_a_file(request, clock):
    path = request.getfixturevalue("tmp_path") / "new" / "outbox.sqlite"
    return SqliteOutbox(path), SqliteQueue(path, clock=clock)


def in_azure(request, clock):
    account = Account(request.getfixturevalue("storage").account())
    return AzureOutbox(account.table()), AzureQueue(account)


@pytest.fixture(params=[in_a_file, pytest.param(in_azure, marks=needs_azurite)])
def both(request):
    """An outbox and its queue."""
    outbox, queue = request.param(request, Clock())
    yield outbox, queue
    outbox.close()
    queue.close()


@pytest.fixture
def outbox(both):
    return both[0]


def recorded(outbox, number=1):
    outbox.record(entry(number), START, START + 5)
    return next(row for row in outbox.open_entries("g") if row.entry == entry(number))


def thread(key, thread="t", posted=START, ended=None):
    return ThreadRow(key, thread, START, posted, ended)


def lease(outbox, owner="me", now=START):
    return outbox.acquire("g", "lease", owner, now, now + 10)


def test_an_entry_is_recorded_once(outbox):
    assert outbox.record(entry(1), START, START + 5) is Recorded.NEW
    assert outbox.record(entry(1), START, START + 9) is Recorded.OPEN
    (row,) = outbox.open_entries("g")
    assert (row.entry, row.due, row.state) == (entry(1), START + 5, State.PENDING)
    assert outbox.open_entries("other") == []
    outbox.finish([row], [thread(row.entry.key)])
    assert outbox.record(entry(1), START, START) is Recorded.DELIVERED
    assert outbox.threads("g", [row.entry.key, "none"])[row.entry.key].thread == "t"


def test_an_open_entry_comes_back_as_it_was_written(outbox):
    row = recorded(outbox)
    changed = replace(
        row,
        due=1.5,
        state=State.SENDING,
        tries=1,
        not_found_count=2,
        isolated=True,
        attempt="a",
        claimed=3.0,
        guard_until=4.0,
        thread="t",
    )
    (written,) = outbox.change([changed])
    assert [written] == outbox.open_entries("g")
    assert replace(written, version=row.version) == changed


STALE = {
    "change": lambda outbox, row: outbox.change([row]),
    "claim": lambda outbox, row: outbox.claim(lease(outbox), [row]),
    "finish": lambda outbox, row: outbox.finish([row], [thread("k")]),
    "dead letter": lambda outbox, row: outbox.move_to_dead_letters(
        row, DeadLetter(row.entry.id, "g", "", "", "", START)
    ),
}


@pytest.mark.parametrize("write", STALE.values(), ids=STALE)
def test_a_write_with_an_old_version_is_a_conflict_and_changes_nothing(outbox, write):
    row = recorded(outbox)
    now = outbox.change([replace(row, tries=1)])
    with pytest.raises(Conflict):
        write(outbox, row)
    assert outbox.open_entries("g") == now
    assert outbox.threads("g", ["k"]) == {}
    assert outbox.counts() == Counts(open=1, dead=0)


def test_a_batch_is_written_as_a_whole_or_not_at_all(outbox):
    first, second = recorded(outbox, 1), recorded(outbox, 2)
    outbox.change([second])
    with pytest.raises(Conflict):
        outbox.change([replace(first, tries=7), second])
    assert [row.tries for row in outbox.open_entries("g")] == [0, 0]


def test_a_claim_fails_when_the_lease_was_taken_over(outbox):
    row, mine = recorded(outbox), lease(outbox)
    assert lease(outbox, "other", START + 9).owner == "me"
    assert lease(outbox, "other", START + 11).owner == "other"
    with pytest.raises(Conflict):
        outbox.claim(mine, [row])
    with pytest.raises(Conflict):
        outbox.renew(mine)


def test_claimed_entries_and_their_lease_can_be_written_again(outbox):
    rows, mine = [recorded(outbox, number) for number in (1, 2)], lease(outbox)
    prolonged = replace(mine, expires=START + 60)
    claimed_by, claimed = outbox.claim(prolonged, [replace(row, state=State.SENDING) for row in rows])
    assert replace(claimed_by, version="") == replace(prolonged, version="")
    assert [(row.entry, row.state) for row in claimed] == [(row.entry, State.SENDING) for row in rows]
    assert outbox.renew(claimed_by).expires == START + 60
    assert [row.tries for row in outbox.change([replace(row, tries=1) for row in claimed])] == [1, 1]
    with pytest.raises(Conflict):
        outbox.renew(claimed_by)


def test_one_of_many_gets_the_lease_and_all_learn_which(outbox):
    everybody = [f"owner-{number}" for number in range(8)]
    together = Barrier(len(everybody))

    def acquired(owner):
        together.wait()
        return lease(outbox, owner)

    with ThreadPoolExecutor(len(everybody)) as threads:
        leases = list(threads.map(acquired, everybody))
    (owner,) = {one.owner for one in leases}
    assert {(one.partition, one.name, one.expires) for one in leases} == {("g", "lease", START + 10)}
    (winner,) = [one for name, one in zip(everybody, leases, strict=True) if name == owner]
    assert outbox.renew(winner).owner == owner


def test_a_lease_is_renewed_and_given_back(outbox):
    mine = outbox.renew(replace(lease(outbox), expires=START + 99))
    assert lease(outbox, "other", START + 50).expires == START + 99
    outbox.renew(replace(mine, owner="", expires=0.0))
    assert lease(outbox, "other").owner == "other"


def test_a_thread_is_written_only_over_what_was_read(outbox):
    (written,) = outbox.write_threads("g", [thread("k")])
    with pytest.raises(Conflict):
        outbox.write_threads("g", [thread("k", thread="other")])
    outbox.write_threads("g", [replace(written, ended=START)])
    with pytest.raises(Conflict):
        outbox.write_threads("g", [written])
    assert outbox.threads("g", ["k"])["k"].ended == START


def test_waits_and_wakes_are_kept(outbox):
    hold = Hold(2.0, "403", 1.0, 3)
    assert (outbox.wait_of("g"), outbox.next_wake("g")) == (None, NextWake())
    outbox.set_wait("g", Backoff(1.0))
    assert outbox.wait_of("g") == Backoff(1.0)
    outbox.set_wait("g", hold)
    outbox.set_wait("h", Backoff(9.0))
    outbox.note_wake("g", 7.0)
    assert outbox.waits() == {"g": hold, "h": Backoff(9.0)}
    assert (outbox.wait_of("g"), outbox.next_wake("g")) == (hold, NextWake(7.0, hold))
    outbox.set_wait("g", None)
    assert (outbox.wait_of("g"), outbox.next_wake("g")) == (None, NextWake(7.0))


def test_a_wake_is_noted_with_the_entry_that_it_was_put_for(outbox):
    assert outbox.record(entry(1), START, START + 5, START + 5) is Recorded.NEW
    assert outbox.record(entry(2), START, START + 6) is Recorded.NEW
    assert outbox.next_wake("g") == NextWake(START + 5)
    assert outbox.record(entry(1), START, START + 9, START + 9) is Recorded.OPEN


def test_many_threads_record_at_once_each_its_own(outbox):
    numbers = [1, 2, 3, 4, 5, 6, 7, 8, 1, 2]
    together = Barrier(len(numbers))

    def record(number):
        together.wait()
        return outbox.record(entry(number), START, START + number, START + 5)

    with ThreadPoolExecutor(len(numbers)) as threads:
        found = list(threads.map(record, numbers))
    assert sorted(one.value for one in found) == ["new"] * 8 + ["open"] * 2
    dues = {row.entry.id: row.due for row in outbox.open_entries("g")}
    assert dues == {entry(number).id: START + number for number in range(1, 9)}
    assert outbox.next_wake("g") == NextWake(START + 5)


def test_a_drain_reads_its_group_at_once(outbox):
    nobody = Lease("g", "lease", "", 0.0, "")
    assert outbox.read_group("g", START) == GroupState(nobody)
    rows = [recorded(outbox, number) for number in (1, 2)]
    outbox.record(entry(3, group="h"), START, START)
    outbox.set_wait("g", Backoff(START))
    state = outbox.read_group("g", START)
    assert (state.lease, state.wait, state.unreadable) == (nobody, Backoff(START), ())
    assert sorted(state.entries, key=lambda row: row.entry.id) == rows
    mine = outbox.renew(replace(state.lease, owner="me", expires=START + 9))
    assert outbox.read_group("g", START) == GroupState(mine, Backoff(START))
    assert len(outbox.read_group("g", START + 9).entries) == 2
    outbox.set_wait("g", Hold(START + 20, "403", START))
    assert outbox.read_group("g", START + 9).entries == ()


def test_more_entries_than_a_page_are_read_but_not_while_the_group_waits(outbox):
    for number in range(130):
        outbox.record(entry(number), START, START)
    assert len(outbox.read_group("g", START).entries) == 130
    outbox.set_wait("g", Backoff(START + 9))
    assert outbox.read_group("g", START) == GroupState(Lease("g", "lease", "", 0.0, ""), Backoff(START + 9))
    assert len({row.entry.id for row in outbox.read_group("g", START + 9).entries}) == 130


def test_of_a_crowded_group_the_heads_are_read_and_some_entries(outbox):
    hours = {"hours": "office", "not_before": datetime.fromtimestamp(START + 900, UTC)}
    ending = {"source": BRIDGE, "kind": ENDED, "window": "w", "not_before": hours["not_before"]}
    entries = [entry(1), entry(2, "two"), entry(3, **hours), entry(4, **ending)]
    for each in entries:
        outbox.record(each, START, START + 5)
    rows = outbox.open_entries("g")
    (deferred,) = outbox.change([replace(rows[0], state=State.DEFERRED, due=START + 7)])
    rows = [deferred, *rows[1:]]
    assert not outbox.read_group("g", START, 4).is_crowded
    state = outbox.read_group("g", START, 3)
    assert (state.is_crowded, state.is_empty, state.entries, state.unreadable) == (True, False, (), ())
    assert sorted(outbox.heads("g")) == sorted(map(head_of, rows))
    assert outbox.read_open("g", [deferred.entry.id, "gone"]) == [deferred]
    outbox.finish(rows, [thread(row.entry.key) for row in {row.entry.key: row for row in rows}.values()])
    assert outbox.heads("g") == []


@pytest.mark.parametrize("dense", [0.1, 2])
def test_many_entries_of_a_crowded_group_are_read_by_pages_or_one_by_one(outbox, monkeypatch, dense):
    monkeypatch.setattr(azure_groups, "_DENSE", dense)
    for number in range(30):
        outbox.record(entry(number), START, START)
    rows = {row.entry.id: row for row in outbox.open_entries("g")}
    ids = sorted(rows)[2:28]
    assert {row.entry.id: row for row in outbox.read_open("g", ids)} == {each: rows[each] for each in ids}


def test_an_entry_that_an_earlier_version_has_recorded_has_a_head_too(outbox):
    rows = [recorded(outbox, number) for number in (1, 2, 3)]
    without_head(outbox, entry(1).id)
    assert sorted(outbox.heads("g")) == sorted(map(head_of, rows))
    without_head(outbox, entry(2).id)
    spoil(outbox, entry(2).id, "message", "?")
    (head,) = (head for head in outbox.heads("g") if head.id == entry(2).id)
    assert (head.due, head.state) == (0.0, State.PENDING)
    assert head.key not in {row.entry.key for row in rows}


def without_head(outbox, entry_id):
    """Makes the row of an open entry as earlier versions wrote it."""
    if isinstance(outbox, SqliteOutbox):
        with outbox._file.transaction() as file:
            file.execute("DELETE FROM head WHERE id = ?", (entry_id,))
    else:
        row = outbox._table.get_entity("g", f"open-{entry_id}")
        kept = {name: value for name, value in row.items() if name not in azure_open.FACTS}
        outbox._table.update_entity(kept, mode="replace")


def test_the_first_of_two_drains_takes_the_lease_with_its_claim(outbox):
    recorded(outbox)
    states = [outbox.read_group("g", START) for _ in range(2)]
    first, second = (
        (replace(state.lease, owner=owner, expires=START + 9), [replace(row, state=State.SENDING)])
        for owner, state in zip(("one", "other"), states, strict=True)
        for row in state.entries
    )
    mine, claimed = outbox.claim(*first)
    with pytest.raises(Conflict):
        outbox.claim(*second)
    with pytest.raises(Conflict):
        outbox.renew(second[0])
    renewed = outbox.renew(mine)
    with pytest.raises(Conflict):
        outbox.finish(claimed, [thread("one")], replace(mine, owner="", expires=0.0))
    assert outbox.read_group("g", START).lease == renewed
    outbox.finish(claimed, [thread("one")], replace(renewed, owner="", expires=0.0))
    state = outbox.read_group("g", START)
    assert (state.lease.owner, state.entries) == ("", ())
    outbox.renew(replace(state.lease, owner="other", expires=START + 9))


def test_groups_with_overdue_entries_are_found(outbox):
    recorded(outbox)
    assert (outbox.overdue(START + 5), outbox.overdue(START + 6)) == ([], ["g"])


def test_entries_that_wait_are_counted_by_their_groups_and_keep_until_when(outbox):
    waits = {"hours": "office", "not_before": datetime.fromtimestamp(START + 900, UTC)}
    for number, due in enumerate((5, 900, 700, 800)):
        outbox.record(replace(entry(number, group="gggh"[number]), **waits), START, START + due)
    (row,) = (row for row in outbox.open_entries("g") if row.entry.id == entry(1).id)
    assert (row.entry.hours, row.entry.not_before, row.due) == ("office", waits["not_before"], START + 900)
    assert outbox.waiting(START + 5) == {"g": (2, START + 700), "h": (1, START + 800)}
    outbox.change([replace(row, state=State.DEFERRED)])
    assert outbox.waiting(START + 700) == {"h": (1, START + 800)}
    assert outbox.waiting(START + 900) == {}


def test_maintenance_windows_are_one_text_that_nobody_overwrites_unseen(outbox):
    assert outbox.maintenance() == StoredText()
    outbox.write_maintenance(StoredText("one"))
    with pytest.raises(Conflict):
        outbox.write_maintenance(StoredText("another"))
    first = outbox.maintenance()
    outbox.write_maintenance(replace(first, text="two"))
    with pytest.raises(Conflict):
        outbox.write_maintenance(replace(first, text="three"))
    assert outbox.maintenance().text == "two"
    # They are no part of what health reads, nor of what expires.
    outbox.purge(START + 1e9, START + 1e9)
    assert (outbox.summaries(), outbox.maintenance().text) == ([], "two")


def test_dead_letters_are_kept_with_their_message(outbox):
    row = recorded(outbox)
    letter = DeadLetter(row.entry.id, "g", to_message(row.entry), "why", "what to do", START)
    outbox.move_to_dead_letters(row, letter)
    other = DeadLetter("x", "", "?", "unreadable", "look", START - 1)
    outbox.add_dead_letter(other)
    assert outbox.dead_letters() == [other, letter]
    assert outbox.counts() == Counts(open=0, dead=2)


def test_purging_keeps_open_entries_and_threads_that_go_on(outbox):
    delivered, _ = recorded(outbox, 1), recorded(outbox, 2)
    outbox.finish([delivered], [thread("goes on")])
    outbox.write_threads("g", [thread("ended", ended=START), thread("idle", posted=START - 9)])
    outbox.add_dead_letter(DeadLetter("x", "", "?", "", "", START))
    outbox.purge(START + 1, START - 8)
    assert outbox.record(entry(1), START, START) is Recorded.NEW
    assert outbox.record(entry(2), START, START) is Recorded.OPEN
    assert list(outbox.threads("g", ["goes on", "ended", "idle"])) == ["goes on"]
    assert outbox.counts().dead == 0
    # An entry that was open then is still known once it is delivered.
    outbox.finish([recorded(outbox, 2)], [thread("two")])
    assert outbox.record(entry(2), START, START) is Recorded.DELIVERED


def test_purging_keeps_younger_rows(outbox):
    outbox.finish([recorded(outbox)], [thread("goes on")])
    letter = DeadLetter("x", "", "?", "", "", START)
    outbox.add_dead_letter(letter)
    outbox.purge(START, START - 8)
    assert outbox.record(entry(1), START, START) is Recorded.DELIVERED
    assert outbox.dead_letters() == [letter]


def test_entries_of_many_keys_are_finished_together(outbox):
    rows = [recorded(outbox, number) for number in range(BATCH)]
    threads = outbox.finish(rows, [thread(str(number)) for number in range(BATCH)])
    assert outbox.open_entries("g") == []
    assert outbox.threads("g", [str(number) for number in range(BATCH)]) == {row.key: row for row in threads}


def test_the_history_says_what_became_of_a_delivery(outbox):
    row = recorded(outbox)
    known = HistoryRecord(row.entry.id, "g", "github", "push", "1", START, "")
    assert outbox.history("1") == [known]
    outbox.finish([row], [thread("k")])
    assert outbox.history("1") == [replace(known, thread="t", posted=START)]
    assert outbox.history("2") == []


def test_the_history_finds_entries_by_the_token_of_their_post_and_by_their_ids(outbox):
    other, *rows = (recorded(outbox, number) for number in (3, 1, 2))
    rows = outbox.change([replace(row, state=State.SENDING, attempt="a1b2c3d4e5f60718") for row in rows])
    ids = [row.entry.id for row in rows]
    # While the outcome is unknown, and afterwards.
    assert [record.id for record in outbox.history("a1b2c3d4e5f60718")] == ids
    outbox.finish(rows, [thread("k")])
    assert [(record.id, record.token) for record in outbox.history("a1b2c3d4e5f60718")] == [
        (entry_id, "a1b2c3d4e5f60718") for entry_id in ids
    ]
    assert [record.id for record in outbox.history(other.entry.id)] == [other.entry.id]
    assert [record.id for record in outbox.history(other.entry.id[:12])] == [other.entry.id]
    for nothing in ("a1b2c3d4", "0000000", "", "%", "g" * 8, "' or 1 = 1 --"):
        assert outbox.history(nothing) == []


def test_a_summary_is_written_over_the_one_of_its_name(outbox):
    assert outbox.summaries() == []
    summaries = [Summary("g", START, 3, START + 5.5, held=True), Summary(SWEEP, START), Summary("h", START, 0, None)]
    for one in (Summary("g", START - 9, 7, None), *summaries):
        outbox.note(one)
    assert sorted(outbox.summaries(), key=str) == sorted(summaries, key=str)
    assert [row.is_clear for row in summaries] == [False, True, True]


def test_the_open_entries_of_all_groups_are_tallied_and_room_is_probed_for(outbox):
    assert outbox.tally() == {}
    for number in range(5):
        outbox.record(entry(number, group="gh"[number % 2]), START, START + number)
    outbox.probe(START)
    outbox.probe(START + 1)
    assert outbox.tally() == {"g": (3, START), "h": (2, START + 1)}
    assert outbox.counts() == Counts(5, 0)
    assert outbox.summaries() == []


def test_the_poison_queue_is_counted(both):
    _, queue = both
    assert queue.poison_count() == 0
    for body in "ab":
        queue.put(body)
        queue.poison(queue.take(60))
    assert queue.poison_count() == 2


def test_the_history_is_in_the_order_of_recording(outbox):
    for number, second in ((1, 9), (2, 0), (3, 5)):
        outbox.record(entry(number, delivery="d"), START + second, START)
    assert [record.recorded - START for record in outbox.history("d")] == [0, 5, 9]


def test_a_dead_letter_is_requeued_once(outbox):
    row = recorded(outbox)
    letter = DeadLetter(row.entry.id, "g", to_message(row.entry), "why", "what to do", START, tries=3)
    outbox.move_to_dead_letters(row, letter)
    assert outbox.dead_letters() == [letter]
    outbox.requeue(letter, row.entry, START + 7)
    (requeued,) = outbox.open_entries("g")
    assert (requeued.entry, requeued.due, requeued.state, requeued.tries) == (row.entry, START + 7, State.PENDING, 0)
    assert outbox.counts() == Counts(open=1, dead=0)
    with pytest.raises(Conflict):
        outbox.requeue(letter, row.entry, START)


def test_a_message_that_has_become_readable_is_requeued_too(outbox):
    letter = DeadLetter("x", "", to_message(entry(1)), "why", "what to do", START)
    outbox.add_dead_letter(letter)
    outbox.requeue(letter, entry(1), START)
    assert [row.entry for row in outbox.open_entries("g")] == [entry(1)]
    assert outbox.record(entry(1), START, START) is Recorded.OPEN
    assert outbox.dead_letters() == []


def test_poison_of_the_queue_is_found_and_discarded(both):
    _, queue = both
    queue.put(to_message(Wake("g")))
    queue.poison(queue.take(1))
    (poisoned,) = queue.poisoned()
    assert from_message(poisoned.body) == Wake("g")
    queue.discard(poisoned)
    assert queue.poisoned() == []


def test_a_file_is_synchronised_with_the_disk_and_readers_wait_for_no_writer(tmp_path, durable):
    """https://www.sqlite.org/pragma.html#pragma_synchronous"""
    outbox = SqliteOutbox(tmp_path / "outbox.sqlite")
    connection = outbox._file.connection
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    outbox.close()


NEWER = json.dumps({**json.loads(to_message(entry(1))), "version": VERSION + 1})
UNREADABLE = {
    "another message": ("message", to_message(Wake("g")), "does not hold an entry"),
    "no message": ("message", "?", "not one of the bridge's"),
    "of a newer version": ("message", NEWER, "upgrade"),
    "an unknown state": ("state", "thinking", "ValueError"),
}


@pytest.mark.parametrize(("column", "value", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_an_open_row_that_cannot_be_read_is_set_aside_and_the_others_are_read(outbox, column, value, reason):
    recorded(outbox, 1)
    good = recorded(outbox, 2)
    spoil(outbox, entry(1).id, column, value)
    assert outbox.open_entries("g") == [good]
    state = outbox.read_group("g", START)
    (unreadable,) = state.unreadable
    assert (state.entries, unreadable.id, unreadable.group) == ((good,), entry(1).id, "g")
    assert reason in unreadable.reason
    letter = DeadLetter(unreadable.id, "g", unreadable.message, unreadable.reason, "look", START)
    outbox.set_aside(unreadable, letter)
    state = outbox.read_group("g", START)
    assert (state.entries, state.unreadable) == ((good,), ())
    assert outbox.dead_letters() == [letter]
    with pytest.raises(Conflict):
        outbox.set_aside(unreadable, letter)


def spoil(outbox, entry_id, column, value):
    """Writes something else into the row of an open entry."""
    if isinstance(outbox, SqliteOutbox):
        with outbox._file.transaction() as file:
            file.execute(f"UPDATE open SET {column} = ? WHERE id = ?", (value, entry_id))
    else:
        value = zlib.compress(value.encode()) if column == "message" else value
        outbox._table.update_entity({"PartitionKey": "g", "RowKey": f"open-{entry_id}", column: value})


def content(place, received=START, name="c", since=START):
    return ContentRow(name, "e", place, since, received)


def test_a_content_is_claimed_once_and_written_over_what_was_read(outbox):
    first = outbox.claim_content(content("here"))
    assert outbox.claim_content(content("there")) == first
    assert replace(first, version="") == content("here")
    second = outbox.write_content(replace(first, received=START + 9))
    assert outbox.claim_content(content("there")) == second
    with pytest.raises(Conflict):
        outbox.write_content(first)


def test_a_repeat_is_left_out_kept_and_restored(outbox):
    first, second = recorded(outbox, 1), recorded(outbox, 2)
    newest = Newest(first.entry.id, "c", START + 1)
    (known,) = outbox.finish([first], [replace(thread(first.entry.key), newest=newest)])
    assert outbox.threads("g", [first.entry.key])[first.entry.key] == known
    after = outbox.leave_out(second, newest, replace(known, left_out=START + 2))
    assert outbox.threads("g", [first.entry.key])[first.entry.key] == after
    assert outbox.open_entries("g") == []
    assert [record.repeat_of for record in outbox.history("2")] == [first.entry.id]
    assert outbox.record(second.entry, START, START) is Recorded.DELIVERED
    with pytest.raises(Conflict):
        outbox.leave_out(second, newest, after)
    assert outbox.left_out("g", "another key") == outbox.left_out("other", first.entry.key) == []
    (left,) = outbox.left_out("g", first.entry.key)
    assert (left.entry, left.of, left.since, left.recorded) == (second.entry, first.entry.id, START + 1, START)
    restored = outbox.restore(left, START + 7)
    assert outbox.open_entries("g") == [restored]
    assert (restored.entry, restored.due, restored.recorded) == (second.entry, START + 7, START)
    assert [record.repeat_of for record in outbox.history("2")] == [""]
    with pytest.raises(Conflict):
        outbox.restore(left, START + 8)


def test_a_replay_is_recorded_as_a_repeat_and_never_opened(outbox):
    for _ in range(2):
        outbox.record_repeat(entry(1), "first", START)
    assert outbox.open_entries("g") == outbox.left_out("g", entry(1).key) == []
    (record,) = outbox.history("1")
    assert (record.repeat_of, record.thread) == ("first", "")
    assert outbox.record(entry(1), START, START) is Recorded.DELIVERED


def test_purging_forgets_contents_and_repeats_with_the_history(outbox):
    for number in range(3):
        outbox.claim_content(content("here", name=f"{number}c", received=START + number))
    first, second = recorded(outbox, 1), recorded(outbox, 2)
    (known,) = outbox.finish([first], [thread(first.entry.key)])
    outbox.leave_out(second, Newest(first.entry.id, "c", START), known)
    outbox.purge(START + 2, START - 9)
    places = [outbox.claim_content(content("there", name=f"{number}c")).place for number in range(3)]
    assert places == ["there", "there", "here"]
    assert len(outbox.left_out("g", first.entry.key)) == 1
    outbox.purge(START + 3, START - 9)
    assert outbox.left_out("g", first.entry.key) == []
    assert outbox.history("2") == []


@needs_azurite
def test_a_row_that_azure_refuses_says_so(storage):
    account = Account(storage.account())
    with contextlib.closing(AzureOutbox(account.table())) as outbox:
        with pytest.raises(RowRefused):
            outbox.record(entry(1, delivery="x" * 70_000), START, START)
        assert outbox.counts() == Counts(open=0, dead=0)


def test_a_row_that_a_file_refuses_says_so(tmp_path):
    with contextlib.closing(SqliteOutbox(tmp_path / "outbox.sqlite")) as outbox:
        with pytest.raises(RowRefused):
            outbox.record(entry(1, delivery="\ud800"), START, START)
        assert outbox.counts() == Counts(open=0, dead=0)


def _record_all(path: Path, first: int, kill: bool) -> None:
    outbox = SqliteOutbox(path)
    news = [outbox.record(entry(number), START, START) for number in range(first, 60)]
    (path.parent / f"{os.getpid()}.new").write_text(str(news.count(Recorded.NEW)))
    if kill:
        os.kill(os.getpid(), signal.SIGKILL)
    outbox.close()


@pytest.mark.parametrize("kill", [False, True])
def test_processes_that_record_the_same_record_it_once_and_lose_nothing_when_killed(tmp_path, kill):
    context = multiprocessing.get_context("spawn")
    path = tmp_path / "outbox.sqlite"
    workers = [context.Process(target=_record_all, args=(path, 0, kill)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert sum(int(file.read_text()) for file in tmp_path.glob("*.new")) == 60
    outbox = SqliteOutbox(path)
    assert outbox.counts().open == 60
    outbox.close()


def test_memos_are_kept_by_kind_and_name_and_the_first_writer_wins(outbox):
    first = outbox.write_memo(Memo("expectation", "nightly backup/\u00fc", "{}"))
    with pytest.raises(Conflict):
        outbox.write_memo(Memo("expectation", "nightly backup/\u00fc", "other"))
    other = outbox.write_memo(Memo("summary", "weekly", "w"))
    assert outbox.memos("expectation") == [first]
    second = outbox.write_memo(replace(first, text="x" * 2000))
    assert outbox.memos("expectation") == [second]
    for late in (outbox.write_memo, outbox.remove_memo):
        with pytest.raises(Conflict):
            late(first)
    outbox.remove_memo(second)
    assert (outbox.memos("expectation"), outbox.memos("summary")) == ([], [other])
