"""Where threads come from: the sources of their events and the severity of the newest, as the outbox remembers them."""

import itertools
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from bridge.deliveries import DeliveryFilter, DeliveryRecord
from bridge.outbox.base import Outbox

_MOST_RECORDS = 250  # that are read at once
_MOST_ENTRIES = 500  # whose threads are looked up at once
_SETTLED = 5.0  # seconds without a new post after which nothing is read
_PATIENCE = 86400.0  # seconds after which an entry without a thread is no longer looked up


class Origin(NamedTuple):
    """sources: the names of those that posted in a thread. severity: of its newest event. at: when that came."""

    sources: tuple[str, ...] = ()
    severity: str = ""
    at: float = 0.0

    def matches(self, source: str, severity: str) -> bool:
        """Whether it is of that source and severity; an empty one does not matter."""
        return (not source or source in self.sources) and severity in ("", self.severity)

    def with_event(self, event: "_Waiting") -> "Origin":
        """The origin of the thread after the event, which may be older than others."""
        severity = event.severity if event.at >= self.at else self.severity
        return Origin(tuple(sorted({*self.sources, event.source})), severity, max(event.at, self.at))


UNKNOWN = Origin()


class _Waiting(NamedTuple):
    """An entry whose thread is not known yet."""

    group: str
    source: str
    severity: str
    at: float


class Origins:
    """The origins of threads, read bit by bit from the outbox: each update has a bounded cost. Safe for threads."""

    def __init__(self, outbox: Callable[[], Outbox], clock: Callable[[], float] = time.time) -> None:
        self._outbox = outbox
        self._clock = clock
        self._lock = threading.Lock()
        self._read: set[str] = set()  # the ids of the records that were read
        self._gaps: list[str] = []  # places in the list of records behind which some were not read yet
        self._fresh: dict[str, _Waiting] = {}  # entries that were not looked up yet
        self._waiting: dict[str, _Waiting] = {}  # those whose thread was not known then
        self._state: object = None
        self._changed = 0.0
        self.by_thread: dict[str, Origin] = {}
        self.version = 0  # changes with by_thread

    def update(self, state: object) -> None:
        """Read the newest records, and some older ones. state: differs whenever there may be a new post."""
        with self._lock:
            now = self._clock()
            if state != self._state:
                self._state, self._changed = state, now
            # The outbox may take note of a post, and of its webhook, a little later than the group has the post.
            if self._gaps or self._fresh or now < self._changed + _SETTLED:
                self._read_page("")
                for place in self._gaps[-1:]:
                    self._read_page(place)
                    self._gaps.remove(place)
                self._look_up(now)

    def _read_page(self, place: str) -> None:
        page = self._outbox().deliveries(DeliveryFilter(), _MOST_RECORDS, place)
        is_at_known = any(record.id in self._read for record in page.records[-1:])
        for record in page.records:
            if record.id not in self._read:
                self._read.add(record.id)
                self._add(record)
        if page.following and not is_at_known:
            self._gaps.append(page.following)

    def _add(self, record: DeliveryRecord) -> None:
        for event in record.events:
            for entry, group in zip(event.entries, event.groups, strict=False):
                self._fresh[entry] = _Waiting(group, record.source, event.severity, record.at)

    def _look_up(self, now: float) -> None:
        asked = dict(itertools.islice(itertools.chain(self._fresh.items(), self._waiting.items()), _MOST_ENTRIES))
        if not asked:
            return
        found = self._outbox().rows_of({entry: waiting.group for entry, waiting in asked.items()})
        known = dict(self.by_thread)
        for entry, waiting in asked.items():
            self._fresh.pop(entry, None)
            self._waiting.pop(entry, None)
            thread = found[entry].thread if entry in found else ""
            if thread:
                known[thread] = known.get(thread, UNKNOWN).with_event(waiting)
            elif waiting.at > now - _PATIENCE:
                self._waiting[entry] = waiting  # behind the others
        if known != self.by_thread:
            # Others may be reading the former ones.
            self.by_thread, self.version = known, self.version + 1
