"""What the page shows of the outbox: each entry on its way, where it stands, and what it waits for."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace

from bridge.entries import Entry, from_message
from bridge.errors import MessageError
from bridge.local.page.mail import Labels, label
from bridge.local.page.webhooks import WebhookLog
from bridge.outbox.base import DeadLetter, OpenEntry, Outbox, Pause, State

_MOST = 100
_FAR = 10 * 365 * 86400.0  # seconds: nothing is due later


@dataclass(frozen=True)
class Row:
    """An entry as it is shown.

    state: queued, settling, pending, sending, deferred, sent or dead. until: when something happens next, where it
    waits; else 0. at: when it came. thread: where it was told.
    """

    id: str
    state: str
    topic: str
    summary: str
    source: str
    kind: str
    group: str
    severity: str
    at: float
    until: float = 0.0
    tries: int = 0
    reason: str = ""
    advice: str = ""
    thread: str = ""


class OutboxView:
    """Reads the outbox for the page. outbox: gives it, when it is first needed. webhooks: what came in lately."""

    def __init__(
        self,
        outbox: Callable[[], Outbox],
        webhooks: WebhookLog,
        labels: Labels,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._outbox = outbox
        self._webhooks = webhooks
        self._labels = labels
        self._clock = clock
        self._sent: dict[str, str] = {}  # by ids, the threads of those that need not be looked for any more

    def look(self) -> Mapping[str, object]:
        """The newest rows, the last that came first, and how many there are in each state, in plain values for JSON."""
        outbox, now = self._outbox(), self._clock()
        came = self._webhooks.entries()
        self._sent = {ident: thread for ident, thread in self._sent.items() if ident in came}
        pauses = outbox.pauses()
        groups = outbox.overdue(now + _FAR)
        rows = {row.entry.id: self._open(row, pauses, now) for group in groups for row in outbox.open_entries(group)}
        letters = outbox.dead_letters()
        rows |= {letter.id: self._dead(letter) for letter in letters[-_MOST:]}
        rows |= {ident: self._past(outbox, *known) for ident, known in came.items() if ident not in rows}
        newest = sorted(rows.values(), key=lambda row: (-row.at, row.id))
        counts = Counter(row.state for row in newest) | Counter(dead=len(letters))
        return {"counts": counts, "rows": [asdict(row) for row in newest[:_MOST]]}

    def _open(self, row: OpenEntry, pauses: Mapping[str, Pause], now: float) -> Row:
        pause = pauses.get(row.entry.group, Pause(0.0))
        until = max(row.due, pause.until)
        state = str(row.state)
        if row.state is State.PENDING and until > now:
            state = "deferred" if pause.until > now else "settling"
        shown = self._entry(row.entry, row.recorded)
        reason = pause.reason if pause.until > now else ""
        return replace(shown, state=state, until=until if until > now else 0.0, tries=row.tries, reason=reason)

    def _dead(self, letter: DeadLetter) -> Row:
        try:
            item = from_message(letter.message)
        except MessageError:
            item = None
        if isinstance(item, Entry):
            shown = self._entry(item, item.received.timestamp())
        else:
            topic = "A message that cannot be read"
            shown = Row(letter.id, "dead", topic, "", "", "", label(self._labels, letter.group), "error", letter.at)
        return replace(shown, state="dead", tries=letter.tries, reason=letter.reason, advice=letter.advice)

    def _past(self, outbox: Outbox, at: float, entry: Entry) -> Row:
        """An entry that is neither open nor dead: told, or not recorded yet."""
        if entry.id not in self._sent:
            told = {told.id: told.thread for told in outbox.history(entry.delivery)}
            if not told.get(entry.id):
                return replace(self._entry(entry, at), state="sending" if entry.id in told else "queued")
            self._sent[entry.id] = told[entry.id]
        return replace(self._entry(entry, at), state="sent", thread=self._sent[entry.id])

    def _entry(self, entry: Entry, at: float) -> Row:
        return Row(
            entry.id,
            "",
            entry.topic,
            entry.summary,
            entry.source,
            entry.kind,
            label(self._labels, entry.group),
            str(entry.severity),
            at,
        )
