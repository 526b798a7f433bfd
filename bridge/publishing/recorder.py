"""Records entries: each once, none that is a replay, and what cannot be recorded is set aside as a dead letter."""

import hashlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, tzinfo

from bridge.calendar.maintenance import Window
from bridge.deliveries import DeliveryRecord
from bridge.entries import Entry, Wake, from_message, to_message
from bridge.errors import Conflict, MessageError, RowRefused
from bridge.events import Severity
from bridge.outbox.base import Deliveries, Entries
from bridge.outbox.rows import ContentRow, DeadLetter, Recorded
from bridge.publishing.announcements import announcements
from bridge.publishing.waiting import NOT_WAITING, Waiting
from bridge.publishing.waker import NEAR, Waker
from bridge.steps import log_entry, log_step

UNREADABLE = "Look at the message: if a newer version of the bridge wrote it, upgrade, then requeue the dead letter."

_logger = logging.getLogger(__name__)
_REFUSED = "Look at the message for what storage cannot hold; it cannot be requeued as it is."
_TRIES = 5


class Recorder:
    """Puts entries into the outbox, and asks for the wakes of their groups.

    settle: as in `Policy`, in seconds. waiting: says until when entries wait. zone: of the times that
    posts about maintenance show.
    """

    def __init__(
        self,
        entries: Entries,
        deliveries: Deliveries,
        waker: Waker,
        settle: float,
        clock: Callable[[], float],
        waiting: Waiting = NOT_WAITING,
        zone: tzinfo = UTC,
    ) -> None:
        self._entries, self._deliveries = entries, deliveries
        self._waker, self._settle, self._clock, self._waiting = waker, settle, clock, waiting
        self._zone, self._announced = zone, set[tuple[str, str]]()

    def record(self, entry: Entry) -> None:
        """Records the entry and has its group drained when that is due."""
        if self.record_due(entry):
            self._waker.ask(entry.group, self._clock())

    def record_due(self, entry: Entry) -> bool:
        """Does as `record`, but leaves a drain that is due at once to the caller; returns whether it is.

        An entry that storage refuses becomes a dead letter, because it always will.
        """
        try:
            return self._record(self._collected(entry))
        except RowRefused as error:
            reason, now = str(error), self._clock()
            self.add_dead_letter(DeadLetter(entry.id, entry.group, to_message(entry), reason, _REFUSED, now))
            return False

    def announce(self, window: Window, groups: Iterable[str]) -> None:
        """Records the posts at the beginning and at the end of a maintenance window, once for each group."""
        for group in groups:
            if (window.id, group) in self._announced:
                continue
            for entry in announcements(window, group, self._zone, self._clock()):
                if self._record(entry):
                    self._waker.ask(group, self._clock())
            self._announced.add((window.id, group))

    def _collected(self, entry: Entry) -> Entry:
        """The entry as one that waits for the end of the maintenance window that it matches."""
        window = self._waiting.windows.of(entry, self._clock())
        if window is None:
            return entry
        # First the post that will have it: nothing must wait for an end that never comes.
        self.announce(window, [entry.group])
        return replace(entry, hours="", window=window.id, not_before=datetime.fromtimestamp(window.end, UTC))

    def add_dead_letter(self, letter: DeadLetter) -> None:
        """Keeps a dead letter of what is not in the outbox."""
        try:
            self._entries.add_dead_letter(letter)
        except RowRefused as error:
            # Then it is the message or the group that cannot be stored.
            bare = replace(letter, group="", message="", reason=f"{letter.reason} {error}")
            self._entries.add_dead_letter(bare)
        log_dead(letter)

    def note(self, record: DeliveryRecord) -> None:
        """Keeps what is known of a webhook; what storage will never take is left out, and logged."""
        try:
            self._deliveries.note_delivery(record)
        except RowRefused as error:
            _logger.warning("The record of a webhook of %s cannot be kept: %s", record.source, error)

    def _record(self, entry: Entry) -> bool:
        now = self._clock()
        if of := self._replay_of(entry):
            self._entries.record_repeat(entry, of, now)
            log_entry("repeat", entry, repeat_of=of)
            return False
        due = now if entry.severity is Severity.CRITICAL else now + self._settle
        until = self._waiting.first_until(entry, now)
        due = until if until > now else due
        if due <= now:
            # It needs no wake: its message comes again unless it is drained.
            return self._recorded(entry, now, due) is not Recorded.DELIVERED
        if due > now + NEAR:
            # Such wakes are noted in a row of their own, after what others of their group are noted in.
            if self._recorded(entry, now, due) is not Recorded.DELIVERED:
                self._waker.ask(entry.group, due)
            return False
        promise = self._waker.promise(entry.group, due)
        recorded = self._recorded(entry, now, due, promise.due if promise.row else None)
        # The drain of that wake may have read the group before the entry was there.
        if recorded is not Recorded.DELIVERED and not promise.is_to_come(self._clock()):
            self._waker.ask(entry.group, due)
        return False

    def _recorded(self, entry: Entry, now: float, due: float, wake: float | None = None) -> Recorded:
        recorded = self._entries.record(entry, now, due, wake)
        # A repeat of an open entry has to be drained, too: the first try may have died before it came to that.
        log_entry("recorded" if recorded is Recorded.NEW else "repeat", entry)
        return recorded

    def _replay_of(self, entry: Entry) -> str:
        """The entry of which this is a replay: the same signed body, sent to another place within the window.

        The place that a body went to first keeps it: what is sent elsewhere must not silence it.
        """
        if not entry.place:
            return ""
        received, window = entry.received.timestamp(), entry.place_window
        wanted = ContentRow(entry.content, entry.id, entry.place, received, received)
        for _ in range(_TRIES):
            known = self._entries.claim_content(wanted)
            if known.place != entry.place:
                return known.entry if known.since <= received <= known.received + window else ""
            if known.received >= received:
                return ""
            since = known.since if received - known.received <= window else received
            try:
                self._entries.write_content(replace(wanted, since=since, version=known.version))
            except Conflict:
                continue
            return ""
        raise Conflict(f"The content of the entry {entry.id} is written by others all the time.")


def parsed(message: str | bytes, now: float) -> Entry | Wake | DeliveryRecord | DeadLetter:
    """What a queue message holds: an entry, a wake, a record, or nothing that can be read, which is a dead letter."""
    try:
        return from_message(message)
    except MessageError as error:
        return dead_letter(message, str(error), now)


def dead_letter(message: str | bytes, reason: str, now: float) -> DeadLetter:
    """The dead letter of a message that is not in the outbox."""
    text = message if isinstance(message, str) else message.decode("utf-8", "replace")
    letter_id = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
    return DeadLetter(letter_id, "", text, reason, UNREADABLE, now)


def log_dead(letter: DeadLetter) -> None:
    """Logs a dead letter of which there is no entry that could be read."""
    unknown = dict.fromkeys(("source", "kind", "delivery", "correlation_key"), "")
    log_step("dead", logging.ERROR, entry=letter.id, group=letter.group, **unknown, reason=letter.reason)
