"""Values beside their limits, from what services write as text: `93.4 %`, `avg(last_5m):avg:tank.level{*} > 90`."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import ge, gt, le, lt

from bridge.values import dataclass

Meter = tuple[float, float, str]

_FEWEST_POINTS, _MOST_POINTS = 3, 30
_HEIGHT = 28  # pixels
_LONGEST = 2000  # characters of an expression
_NUMBER = r"[-+]?(?:\d{1,15}(?:\.\d{0,9})?|\.\d{1,9})(?:[eE][-+]?\d{1,3})?"
# A value with its unit. Numbers with a multiplier (`1.2k`, `3 GiB`) cannot be compared without knowing the limit's.
_VALUE = rf"\s*({_NUMBER})\s*([^\d\s.,]{{0,12}})\s*"
_MULTIPLIER = r"[kKMGTPEmuµn]i?([Bb]|bit|bps|B/s)?|[kKMGTm](Hz|W|A|V)"
_COMPARED = rf"(.*?)\s*(>=|<=|>|<)\s*({_NUMBER})\s*"
_OUTSIDE = r"\{[^{}]*\}|\"[^\"]*\"|'[^']*'"
_SEVERAL = r"[<>]|[=!]=|\b(?:and|or|unless|bool)\b"
_HOLDS: Mapping[str, Callable[[float, float], bool]] = {">": gt, ">=": ge, "<": lt, "<=": le}


def against(value: object, condition: object, name: str = "") -> Meter | tuple[()]:
    """The value beside the limit of a condition, for a bar: the two numbers, and both as text.

    value: a number, or a text that is one, with or without a unit. condition: the limit itself, or an expression that
    ends in the only comparison it makes; then a value for which it does not hold is not the one that was compared.
    Empty where either is missing, is below zero, or cannot be compared.
    """
    operator, limit = _limit(condition)
    number, unit = _value(value)
    if limit is None or number is None or min(number, limit) < 0 or not max(number, limit):
        return ()
    if operator:
        shares = _as_percent(str(condition), number, limit, _HOLDS[operator]) if unit == "%" else [limit]
        fitting = [each for each in shares if _HOLDS[operator](number, each)]
        if len(fitting) != 1:
            return ()
        limit = fitting[0]
    after = f" {unit}" if unit else ""
    text = f"{figure(number)}{after}, limit {figure(limit)}{after}"
    return number, limit, f"{name} {text}" if name else text


def explained(expression: object, shown: object = "") -> Meter | tuple[()]:
    """The meter of a comparison whose left side is the value already: `41.2>38`.

    shown: the same value as people read it, with its unit; another value is not shown.
    """
    found = re.fullmatch(_COMPARED, str(expression)[:_LONGEST].strip(" ()"))
    number = _value(found[1])[0] if found else None
    if number is None:
        return ()
    return against(shown if _value(shown)[0] == number else number, expression)


def figure(value: float) -> str:
    """A measured value to four digits: `93.4`, `12,400`."""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def _value(value: object) -> tuple[float | None, str]:
    if isinstance(value, bool):
        return None, ""
    if isinstance(value, int | float):
        return float(value), ""
    found = re.fullmatch(_VALUE, value[:40]) if isinstance(value, str) else None
    if not found or re.fullmatch(_MULTIPLIER, found[2]):
        return None, ""
    return float(found[1]), found[2]


@dataclass(frozen=True)
class History:
    """What a value was before: its newest points, each a height of 1 to 28 pixels, and whether it crossed the limit.

    points: the same as seconds since the first of them, and value. limit: that of the condition, if one is known.
    above: whether a value above it is beyond it.
    """

    bars: Sequence[tuple[int, bool]]
    text: str
    begin: datetime
    end: datetime
    points: Sequence[tuple[float, float]] = ()
    limit: float | None = None
    above: bool = True

    @property
    def said(self) -> str:
        """The series in words: `12 values, 3.1 to 96.4, the last 93.4, limit 90`."""
        last = f", the last {figure(self.points[-1][1])}" if self.points else ""
        return f"{self.text}{last}" + ("" if self.limit is None else f", limit {figure(self.limit)}")


def history(points: Sequence[tuple[datetime, float]], condition: str) -> History | None:
    """The points of a series as bars, oldest first; None for fewer than three, or for what is below zero.

    condition: the comparison that the rule makes, as `> 90`; empty where none is known.
    """
    newest = sorted(points)[-_MOST_POINTS:]
    values = [value for _, value in newest]
    if len(values) < _FEWEST_POINTS or min(values) < 0 or not max(values):
        return None
    operator, limit = _limit(condition)
    holds = [bool(operator) and limit is not None and _HOLDS[operator](value, limit) for value in values]
    heights = [max(round(_HEIGHT * value / max(values)), 1) for value in values]
    text = f"{len(values)} values, {figure(min(values))} to {figure(max(values))}"
    begin = newest[0][0]
    return History(
        bars=tuple(zip(heights, holds, strict=True)),
        text=text,
        begin=begin,
        end=newest[-1][0],
        points=tuple(((time - begin).total_seconds(), value) for time, value in newest),
        limit=limit if operator else None,
        above=not operator.startswith("<"),
    )


def _as_percent(expression: str, number: float, limit: float, holds: Callable[[float, float], bool]) -> list[float]:
    """The limits that may be meant where the value is in percent and the expression may compare shares of one."""
    if limit > 1 or re.search(r"100\s*\*|\*\s*100", expression):
        return [limit]
    if re.search(r"/|ratio|fraction", expression) and holds(number / 100, limit):
        return [limit * 100]
    return [limit, limit * 100]


def _limit(condition: object) -> tuple[str, float | None]:
    """The operator, which a mere limit has not, and the limit."""
    number, _ = _value(condition)
    if number is not None or not isinstance(condition, str):
        return "", number
    found = re.fullmatch(_COMPARED, re.sub(_OUTSIDE, "", condition[:_LONGEST]).strip(" ()\n"))
    if not found or re.search(_SEVERAL, found[1], re.IGNORECASE):
        return "", None
    return found[2], float(found[3])
