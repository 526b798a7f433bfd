"""Runs timer functions by their schedules: NCRONTAB expressions of six fields, in UTC."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from azure.functions.timer import TimerRequest

from bridge.local.host.functions import TimerFunction, run

_logger = logging.getLogger(__name__)

# second, minute, hour, day, month, day of the week (0 is Sunday): the least value and the one past the greatest
_RANGES = (range(60), range(60), range(24), range(1, 32), range(1, 13), range(7))
_HORIZON = timedelta(days=366 * 8)  # 29 February may be that far away


def next_run(schedule: str, after: datetime) -> datetime:
    """The first moment after `after` that a schedule names; ValueError when it is none or names no moment.

    A field is `*`, `*/n`, a number, or a list of these.
    """
    fields = schedule.split()
    if len(fields) != len(_RANGES):
        raise ValueError(f"A schedule has six fields; this one has not: {schedule}")
    seconds, minutes, hours, days, months, weekdays = map(_values, fields, _RANGES)
    moment = after.replace(microsecond=0) + timedelta(seconds=1)
    while moment - after < _HORIZON:
        if moment.month not in months or moment.day not in days or moment.isoweekday() % 7 not in weekdays:
            moment = moment.replace(hour=0, minute=0, second=0) + timedelta(days=1)
        elif moment.hour not in hours:
            moment = moment.replace(minute=0, second=0) + timedelta(hours=1)
        elif moment.minute not in minutes:
            moment = moment.replace(second=0) + timedelta(minutes=1)
        elif moment.second not in seconds:
            moment += timedelta(seconds=1)
        else:
            return moment
    raise ValueError(f"The schedule names no moment: {schedule}")


def _values(field: str, possible: range) -> set[int]:
    values: set[int] = set()
    for part in field.split(","):
        values.update(_part(part, possible))
    return values


def _part(part: str, possible: range) -> range:
    base, _, step = part.partition("/")
    if base == "*":
        return possible[:: int(step or 1)]
    if int(part) not in possible:
        raise ValueError(f"{part} is out of range in a schedule.")
    return range(int(part), int(part) + 1)


async def run_timer(function: TimerFunction, done: Callable[[], None]) -> None:
    """Runs a timer function at its times, until it is cancelled. done: is called after each run."""
    while True:
        now = datetime.now(UTC)
        await asyncio.sleep((next_run(function.schedule, now) - now).total_seconds())
        try:
            await run(function.call, **{function.parameter: TimerRequest(past_due=False)})
        except Exception:
            _logger.exception("The function %s failed", function.name)
        done()
