"""Records of webhooks that authenticated nobody: up to a rate each has its own, beyond it they are counted.

Anybody can send them, and each costs a message and a row.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from bridge.deliveries import DeliveryRecord, within_limits

MOST_OF_SOURCE, MOST = 10, 30  # records in a minute, on one instance
_MINUTE = 60.0  # seconds


@dataclass
class _Minute:
    """The webhooks of one source since `began`: how many were kept, and the last that was only counted."""

    began: float
    kept: int = 0
    counted: int = 0
    last: DeliveryRecord | None = None


@dataclass
class Unauthenticated:
    """The records of webhooks that authenticated nobody, minute by minute and by source; thread-safe."""

    minutes: dict[str, _Minute] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, record: DeliveryRecord) -> Iterator[DeliveryRecord]:
        """The record, if it is kept, and what was only counted before."""
        yield from self.over(record.at)
        with self.lock:
            minute = self.minutes.setdefault(record.source, _Minute(record.at))
            if minute.kept < MOST_OF_SOURCE and sum(each.kept for each in self.minutes.values()) < MOST:
                minute.kept += 1
                is_kept = True
            else:
                minute.counted += 1
                minute.last, is_kept = record, False
        if is_kept:
            yield record

    def over(self, now: float) -> Iterator[DeliveryRecord]:
        """A record for each source with counted webhooks whose minute is over."""
        if not self.minutes:
            return
        with self.lock:
            over = [name for name, minute in self.minutes.items() if now - minute.began >= _MINUTE]
            ended = [self.minutes.pop(name) for name in over]
        for minute in ended:
            if last := minute.last:
                since = datetime.fromtimestamp(minute.began, UTC)
                reason = f"{minute.counted} more were refused in the minute from {since:%H:%M:%S} UTC; the last: "
                yield within_limits(
                    replace(last, reason=reason + last.reason, count=minute.counted, headers=(), delivery="", took=0.0)
                )
