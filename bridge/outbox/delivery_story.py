"""The whole story of a webhook: its record, joined with what became of its entries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.deliveries import DeliveryRecord
from bridge.outbox.base import Outbox
from bridge.outbox.rows import DeadLetter, HistoryRecord, Hold, OpenEntry, State


@dataclass(frozen=True)
class EntryStory:
    """What became of an entry.

    state: `delivered`, `pending`, `waiting` (for hours, or the end of a maintenance), `sending`, `deferred`,
    `dead letter`, `repeat`, `queued`: on the queue or forgotten.
    thread, posted, token: the post that has it. tries: how often it was surely not sent. answer: why not, as Graph or
    the bridge put it; of a dead letter, too. advice: what helps. due: when the next action is due. repeat_of: the entry
    that it repeats. hold: why nothing is sent to its group now.
    """

    id: str
    group: str
    state: str
    thread: str = ""
    posted: float = 0.0
    token: str = ""
    tries: int = 0
    answer: str = ""
    advice: str = ""
    due: float = 0.0
    repeat_of: str = ""
    hold: str = ""

    @property
    def is_delivered(self) -> bool:
        """Whether Graph has it."""
        return self.state == "delivered"


@dataclass(frozen=True)
class DeliveryStory:
    """A webhook with its entries, in their order."""

    record: DeliveryRecord
    entries: tuple[EntryStory, ...] = ()


def stories(outbox: Outbox, records: Sequence[DeliveryRecord]) -> list[DeliveryStory]:
    """The stories of some webhooks: a few, as each entry is looked up."""
    groups = {entry: group for record in records for entry, group in record.entry_groups.items()}
    if not groups:
        return [DeliveryStory(record) for record in records]
    rows = outbox.rows_of(groups)
    unfinished = [entry for entry in groups if not (entry in rows and (rows[entry].thread or rows[entry].repeat_of))]
    of_groups = {groups[entry] for entry in unfinished}
    open_rows = {row.entry.id: row for group in of_groups for row in outbox.open_entries(group)}
    dead = {letter.id: letter for letter in outbox.dead_letters()} if unfinished else {}
    holds = {group: _hold(outbox, group) for group in of_groups}
    found = {entry: _entry(entry, group, rows, open_rows, dead, holds) for entry, group in groups.items()}
    return [DeliveryStory(record, tuple(found[entry] for entry in record.entry_groups)) for record in records]


def find(outbox: Outbox, asked: str) -> list[DeliveryStory]:
    """The stories of the webhooks that a person means, oldest first.

    asked: an id of a record, of a sender's delivery or of an entry, or the token in the last line of a post.
    """
    records = outbox.find_deliveries(asked)
    if not records:
        entries = [row.id for row in outbox.history(asked)]
        by_id = {record.id: record for entry in entries for record in outbox.find_deliveries(entry)}
        records = sorted(by_id.values(), key=lambda record: record.at)
    return stories(outbox, records)


def _hold(outbox: Outbox, group: str) -> str:
    wait = outbox.wait_of(group)
    return wait.reason if isinstance(wait, Hold) else ""


def _entry(
    entry: str,
    group: str,
    rows: Mapping[str, HistoryRecord],
    open_rows: Mapping[str, OpenEntry],
    dead: Mapping[str, DeadLetter],
    holds: Mapping[str, str],
) -> EntryStory:
    row, opened, letter = rows.get(entry), open_rows.get(entry), dead.get(entry)
    if letter:
        return EntryStory(entry, group, "dead letter", tries=letter.tries, answer=letter.reason, advice=letter.advice)
    if opened:
        token = opened.mark if opened.state == "sending" else ""
        return EntryStory(
            entry,
            group,
            "waiting" if opened.entry.not_before and opened.state is State.PENDING else opened.state.value,
            thread=opened.thread,
            token=token,
            tries=opened.tries,
            answer=opened.answer,
            due=opened.due,
            hold=holds.get(group, ""),
        )
    if row is None:
        return EntryStory(entry, group, "queued")
    state = "delivered" if row.thread else "repeat" if row.repeat_of else "queued"
    return EntryStory(
        entry,
        group,
        state,
        thread=row.thread,
        posted=row.posted,
        token=row.token,
        tries=row.tries,
        answer=row.answer,
        repeat_of=row.repeat_of,
    )
