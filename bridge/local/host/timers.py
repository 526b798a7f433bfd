"""Run timer functions on their schedules: NCRONTAB expressions with six fields, in UTC."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from azure.functions.timer import TimerRequest
from starlette.concurrency import run_in_threadpool

from bridge.local.host.functions import TimerFunction, run

_logger = logging.getLogger(__name__)

# The values of second, minute, hour, day, month and day of the week (0 is Sunday).
_RANGES = (range(60), range(60), range(24), range(1, 32), range(1, 13), range(7))
_HORIZON = timedelta(days=366 * 8)  # until 29 February, at most


def next_run(schedule: str, after: datetime) -> datetime:
    """The first time after `after` that matches the schedule; ValueError if it is not a schedule or never matches.

    A field is `*`, `*/n`, a number, or a list of these.
    """
    fields = schedule.split()
    if len(fields) != len(_RANGES):
        raise ValueError(f"A schedule must have six fields: {schedule}")
    seconds, minutes, hours, days, months, weekdays = map(_values, fields, _RANGES)
    time = after.replace(microsecond=0) + timedelta(seconds=1)
    while time - after < _HORIZON:
        if time.month not in months or time.day not in days or time.isoweekday() % 7 not in weekdays:
            time = time.replace(hour=0, minute=0, second=0) + timedelta(days=1)
        elif time.hour not in hours:
            time = time.replace(minute=0, second=0) + timedelta(hours=1)
        elif time.minute not in minutes:
            time = time.replace(second=0) + timedelta(minutes=1)
        elif time.second not in seconds:
            time += timedelta(seconds=1)
        else:
            return time
    raise ValueError(f"The schedule never matches: {schedule}")


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
    """Run a timer function on its schedule until the task is cancelled. done: called after each run."""
    while True:
        now = datetime.now(UTC)
        await asyncio.sleep((next_run(function.schedule, now) - now).total_seconds())
        try:
            await run_in_threadpool(run, function.call, **{function.parameter: TimerRequest(past_due=False)})
        except Exception:
            _logger.exception("The function %s failed", function.name)
        done()
