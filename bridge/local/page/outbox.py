"""The outbox as the page shows it: the state of each entry, and what the entry waits for."""

import heapq
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from bridge.entries import Entry, from_message
from bridge.errors import MessageError
from bridge.local.page.group_names import Labels, label, with_names
from bridge.local.page.webhooks import WebhookLog
from bridge.outbox.base import Outbox
from bridge.outbox.heads import Head, head_of
from bridge.outbox.rows import Backoff, DeadLetter, Hold, OpenEntry, State, Wait
from bridge.publishing.backlog import is_held
from bridge.publishing.releasing import waits_for

_MOST = 100
_MOST_POSTS = 1000
_WAITING = "waiting"
_NO_WAIT = Backoff(0.0)
_FAR_FUTURE = 10 * 365 * 86400.0  # seconds; nothing is due later


@dataclass(frozen=True)
class Row:
    """A row of the list.

    state: queued, settling, waiting, pending, sending, deferred, sent or dead; what is waiting does so for the hours of
    its route, or the end of a maintenance. until: the time until which the entry waits, else 0. at: when the webhook
    came. thread: the thread with the post, once it is sent.
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
    """Reads the outbox for the page. outbox: returns it when it is first needed. webhooks: the recent ones."""

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
        self._sent: dict[str, str] = {}  # the threads of sent entries by entry id, which need not be looked up again
        self._posts: dict[str, Sequence[str]] = {}  # the entries of posts, by the tokens of these

    def show(self) -> Mapping[str, object]:
        """The newest rows, most recent first, and the number of entries in each state, ready for JSON."""
        outbox, now = self._outbox(), self._clock()
        recent = self._webhooks.entries()
        self._sent = {entry: thread for entry, thread in self._sent.items() if entry in recent}
        waits = outbox.waits()
        found = {head.id: (group, head) for group in outbox.overdue(now + _FAR_FUTURE) for head in outbox.heads(group)}
        letters = outbox.dead_letters()
        dead = {letter.id for letter in letters}
        heads = [each for entry, each in found.items() if entry not in dead]
        states = Counter(_state(head, waits.get(group, _NO_WAIT), now) for group, head in heads)
        rows = [self._open(row, waits, now) for row in _newest(outbox, heads)]
        rows += [self._dead(letter) for letter in letters[-_MOST:]]
        past = self._past(
            outbox, {entry: recent[entry] for entry in recent if entry not in found and entry not in dead}
        )
        counts = states + Counter(row.state for row in past) + Counter(dead=len(letters))
        return {"counts": counts, "rows": [asdict(row) for row in sorted([*rows, *past], key=_age)[:_MOST]]}

    def webhooks_of(self, token: str) -> Sequence[str]:
        """The entries of the post with that token whose webhook can be shown."""
        if not self._posts.get(token):
            if len(self._posts) >= _MOST_POSTS:
                self._posts.clear()
            self._posts[token] = [record.id for record in self._outbox().history(token)]
        return [entry for entry in self._posts[token] if self._webhooks.has(entry)]

    def _open(self, row: OpenEntry, waits: Mapping[str, Wait], now: float) -> Row:
        wait = waits.get(row.entry.group, _NO_WAIT)
        state, until, hold = _state(head_of(row), wait, now), max(row.due, wait.until), _hold(wait, now)
        reason = with_names(self._labels, hold.reason) if hold else ""
        return replace(
            self._entry(row.entry, row.recorded),
            state=state,
            until=until if until > now else 0.0,
            tries=row.tries,
            reason=waits_for(row.entry) if state == _WAITING else reason,
        )

    def _dead(self, letter: DeadLetter) -> Row:
        try:
            item = from_message(letter.message)
        except MessageError:
            item = None
        if isinstance(item, Entry):
            shown = self._entry(item, item.received.timestamp())
        else:
            topic = "Unreadable message"
            shown = Row(letter.id, "dead", topic, "", "", "", label(self._labels, letter.group), "error", letter.at)
        reason, advice = (with_names(self._labels, text) for text in (letter.reason, letter.advice))
        return replace(shown, state="dead", tries=letter.tries, reason=reason, advice=advice)

    def _past(self, outbox: Outbox, recent: Mapping[str, tuple[float, Entry]]) -> list[Row]:
        """Entries that are neither open nor dead: sent, or not recorded yet. recent: when the webhook of each came."""
        asked = {each: entry.group for each, (_, entry) in recent.items() if each not in self._sent}
        records = outbox.rows_of(asked)
        self._sent |= {each: record.thread for each, record in records.items() if record.thread}
        states = {each: "sent" if each in self._sent else "sending" if each in records else "queued" for each in recent}
        return [
            replace(self._entry(entry, at), state=states[each], thread=self._sent.get(each, ""))
            for each, (at, entry) in recent.items()
        ]

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


def _state(head: Head, wait: Wait, now: float) -> str:
    """The state of an open entry, as in `Row`. wait: that of its group."""
    if is_held(head, now) and not head.is_ending and not _hold(wait, now):
        return _WAITING
    if head.state != State.PENDING or max(head.due, wait.until) <= now:
        return str(head.state)
    return "deferred" if wait.until > now else "settling"


def _hold(wait: Wait, now: float) -> Hold | None:
    """What keeps the whole group until a person does something."""
    return wait if isinstance(wait, Hold) and wait.until > now else None


def _newest(outbox: Outbox, heads: Sequence[tuple[str, Head]]) -> Iterator[OpenEntry]:
    """The newest open entries that can be read: of a crowd, no others are. heads: each with its group."""
    groups: dict[str, list[str]] = {}
    for group, head in heapq.nlargest(_MOST, heads, key=lambda each: each[1].recorded):
        groups.setdefault(group, []).append(head.id)
    for group, ids in groups.items():
        yield from (row for row in outbox.read_open(group, ids) if isinstance(row, OpenEntry))


def _age(row: Row) -> tuple[float, str]:
    return (-row.at, row.id)
