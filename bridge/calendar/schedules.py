"""Periods and times of the calendar: when something is due again. Pure; moments are seconds since 1970.

Where the clocks are put forward, a time that does not exist counts as late as they were put; where they are put back, a
time that exists twice counts once, the first time.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from bridge.values import dataclass

_PERIOD = re.compile(r"(?:\d{1,4}\s*[smhdw]\s*)+")
_PART = re.compile(r"(\d{1,4})\s*([smhdw])")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKLY = re.compile(r"(?:([a-z,-]+)\s+)?(\d{1,2}):(\d{2})", re.IGNORECASE)
_YEARS = 9  # after which also a 29 February has come
_PERIOD_HELP = "is not a period: write one such as 90m, 26h, 7d or 1d 2h"
_CRON_HELP = "is not a cron line: it has five fields, such as `0 2 * * mon-fri` (minute, hour, day, month, weekday)"


@dataclass(frozen=True)
class Calendar:
    """Times of day on certain days, by the clocks of a zone: what a cron line says.

    text: as a person wrote it. days, weekdays: of the month, and of the week from Sunday, 0. Where both leave days out,
    one of them is enough, as in cron.
    """

    text: str
    zone: tzinfo
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def next_after(self, at: float) -> float:
        """The first of its times after that moment."""
        return next(filter(lambda moment: moment > at, self._from(at)))

    def last_until(self, at: float) -> float | None:
        """The latest of its times until that moment, within a year; None where there is none."""
        for back in (1, 7, 31, 366):
            known = [moment for moment in self._between(at - back * 86400.0, at) if moment <= at]
            if known:
                return max(known)
        return None

    def _between(self, first: float, last: float) -> Iterator[float]:
        for moment in self._from(first):
            if moment > last:
                return
            yield moment

    def _from(self, at: float) -> Iterator[float]:
        """Its times, in their order, from the day before that moment on."""
        first = datetime.fromtimestamp(at, UTC).astimezone(self.zone).date() - timedelta(days=1)
        for number in range(_YEARS * 366):
            day = first + timedelta(days=number)
            if self._is_on(day):
                yield from sorted(self._times(day))

    def _is_on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_day, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        is_either = len(self.days) < len(_DAYS_OF_MONTH) and len(self.weekdays) < len(_DAYS)
        return by_day or by_weekday if is_either else by_day and by_weekday

    def _times(self, day: date) -> Iterator[float]:
        for hour in self.hours:
            for minute in self.minutes:
                yield datetime.combine(day, time(hour, minute), self.zone).timestamp()


_DAYS_OF_MONTH = range(1, 32)


def period(text: str) -> float:
    """The seconds of `26h`, `7d` or `1d 2h`; ValueError where it is no period."""
    if not _PERIOD.fullmatch(text.strip().lower()):
        raise ValueError(_PERIOD_HELP)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text.lower()))
    if not seconds:
        raise ValueError(_PERIOD_HELP)
    return seconds


def cron(text: str, zone: tzinfo) -> Calendar:
    """The times of a cron line; ValueError where it is none, or never comes."""
    fields = text.lower().split()
    if len(fields) != 5:
        raise ValueError(_CRON_HELP)
    minutes, hours, days, months, weekdays = fields
    found = Calendar(
        text=text,
        zone=zone,
        minutes=_field(minutes, range(60)),
        hours=_field(hours, range(24)),
        days=_field(days, _DAYS_OF_MONTH),
        months=_field(months, range(1, 13), {name: number for number, name in enumerate(_MONTHS, 1)}),
        # Seven is Sunday, too.
        weekdays=frozenset(number % 7 for number in _field(weekdays, range(8), _WEEKDAYS)),
    )
    if next(found._from(0.0), None) is None:  # noqa: SLF001  of the class above
        raise ValueError("never comes: no month has such a day")
    return found


def weekly(text: str, zone: tzinfo) -> Calendar:
    """The times of `mon 09:00`, `mon-fri 08:30` or `09:00`, every day; ValueError where it is none of the kind."""
    match = _WEEKLY.fullmatch(text.strip())
    if not match:
        raise ValueError("is not a time of the week: write one such as `mon 09:00`, `mon-fri 08:30` or `09:00`")
    days = match[1] or "*"
    return Calendar(
        text=text.strip(),
        zone=zone,
        minutes=_field(match[3], range(60)),
        hours=_field(match[2], range(24)),
        days=frozenset(_DAYS_OF_MONTH),
        months=frozenset(range(1, 13)),
        weekdays=frozenset(number % 7 for number in _field(days.lower(), range(8), _WEEKDAYS)),
    )


_WEEKDAYS: Mapping[str, int] = {name: number for number, name in enumerate(_DAYS)}


def _field(text: str, values: Sequence[int], names: Mapping[str, int] | None = None) -> frozenset[int]:
    """The numbers of one field: `*`, `5`, `1-5`, `mon-fri`, `*/15`, and lists of those."""
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        if slash and not (step.isdecimal() and int(step)):
            raise ValueError(f"has a step that is not a number in {text!r}")
        if span == "*":
            low, high = values[0], values[-1]
        else:
            low = _number(first, values, names or {})
            high = _number(last, values, names or {}) if dash else values[-1] if slash else low
        # From Friday to Monday, and from 22 to 4, it goes on at the beginning.
        high = high if low <= high else high + len(values)
        found |= {values[(number - values[0]) % len(values)] for number in range(low, high + 1, int(step or 1))}
    return frozenset(found)


def _number(text: str, values: Sequence[int], names: Mapping[str, int]) -> int:
    number = names.get(text[:3] if text.isalpha() else text, int(text) if text.isdecimal() else -1)
    if number not in values:
        allowed = f"{values[0]} to {values[-1]}{f', or {next(iter(names))} and so on' if names else ''}"
        raise ValueError(f"has {text!r} where only {allowed} are possible")
    return number
