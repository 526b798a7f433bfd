"""Opening hours: whether they are open at a moment, when they open next, and since when they are closed. Pure."""

from collections.abc import Iterator
from dataclasses import field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from bridge.values import dataclass

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Hours:
    """Hours that begin on some days of the week, on the clock of a zone.

    days: 0 for Monday. begin, end: an end that is not after the beginning is on the next day. closed: the dates on
    which they do not begin.

    An hour that a clock skips counts as the same time after it: what begins at 02:30 begins at 03:30. Of an hour that
    a clock shows twice, the hours begin with the first and end with the second.
    """

    name: str
    days: frozenset[int]
    begin: time
    end: time
    zone: tzinfo
    closed: frozenset[date] = field(default_factory=frozenset)

    def are_open(self, at: datetime) -> bool:
        """Whether the moment is within them."""
        return self.open_from(at) <= at

    def open_from(self, at: datetime) -> datetime:
        """The moment itself where they are open, else when they begin next."""
        first, at = at.astimezone(self.zone).date() - _DAY, at.astimezone(UTC)
        return next(max(begin, at) for begin, end in self._periods(first) if end > at)

    def period(self, at: datetime) -> tuple[datetime, datetime] | None:
        """From when until when they are open, at a moment within them."""
        first, at = at.astimezone(self.zone).date() - _DAY, at.astimezone(UTC)
        found = self._periods(first, first + 2 * _DAY)
        return next(((begin, end) for begin, end in found if begin <= at < end), None)

    def closed_since(self, at: datetime) -> datetime | None:
        """When they last ended before the moment; None where they are open, or did not end in the two months before."""
        if self.are_open(at):
            return None
        last = at.astimezone(self.zone).date()
        for days in range(62):
            for _, end in self._periods(last - days * _DAY, last - days * _DAY):
                if end <= at:
                    return end
        return None

    def _periods(self, first: date, last: date | None = None) -> Iterator[tuple[datetime, datetime]]:
        """Beginnings and ends, by the days of the beginnings, from the first on."""
        day = first
        while last is None or day <= last:
            if day.weekday() in self.days and day not in self.closed:
                begin = self._moment(day, self.begin, fold=0)
                end = self._moment(day if self.end > self.begin else day + _DAY, self.end, fold=1)
                if begin < end:
                    yield begin, end
            day += _DAY

    def _moment(self, day: date, at: time, fold: int) -> datetime:
        """The moment at which the zone's clock shows a time. fold: which of two; there is one where it is skipped."""
        local = datetime.combine(day, at, self.zone)
        first, second = (local.replace(fold=each).astimezone(UTC) for each in (0, 1))
        is_shown_twice = first < second
        return second if is_shown_twice and fold else first
