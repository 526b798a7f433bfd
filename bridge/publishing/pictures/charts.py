"""The charts of posts as pictures: a series, a value beside its limit, and the events of a digest over time.

They have two pixels for each that is shown, no background and no text: a post says in words what they show.
"""

import colorsys
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.publishing.pictures.png import Canvas, Colour

DENSITY = 2
_WIDTH, _HEIGHT = 540, 96  # of a series, in pixels that are shown
_GAUGE, _THICK = 300, 12
_COLUMNS = 48
_MOST_POINTS, _MOST_COLUMNS = 500, 60
_GREY: Colour = (138, 136, 134, 255)  # seen on white and on black
_DARKEST = 0.17  # luminance of what is seen on a dark post: contrast 3 to #292929
_LIGHTEST = 0.29  # ... and on a white one
_LINE, _DOT, _DASH = 5, 9, 14  # pixels


@dataclass(frozen=True)
class Drawing:
    """A picture as a PNG file, and its size in pixels that are shown."""

    png: bytes
    width: int
    height: int


def drawn(kind: str, values: Mapping[str, Any]) -> Drawing | None:
    """The picture of a kind; None where the values make none, whatever they are."""
    draw = _KINDS.get(kind)
    try:
        canvas = draw(values) if draw else None
    except (TypeError, ValueError, KeyError, LookupError, ArithmeticError):
        return None
    return Drawing(canvas.png(), canvas.width // DENSITY, canvas.height // DENSITY) if canvas else None


def visible_colour(text: str, opaque: int = 255) -> Colour:
    """A colour `#c4314b`, made lighter or darker until it is seen on a white post and on a dark one."""
    parts = [int(text.lstrip("#")[place : place + 2], 16) for place in (0, 2, 4)]
    hue, lightness, saturation = colorsys.rgb_to_hls(*(part / 255 for part in parts))
    step = 0.01 if luminance(parts) < _DARKEST else -0.01
    while not _DARKEST <= luminance(parts) <= _LIGHTEST:
        lightness += step
        parts = [round(255 * part) for part in colorsys.hls_to_rgb(hue, lightness, saturation)]
    return parts[0], parts[1], parts[2], opaque


def luminance(parts: Sequence[int]) -> float:
    """How light a colour is: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    red, green, blue = (
        part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in parts[:3]
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _series(values: Mapping[str, Any]) -> Canvas | None:
    """A line on a scale of time and from zero on, the area below it, its limit dashed, and its last value as a dot."""
    points = sorted((_finite(time), _finite(value)) for time, value in values["points"][-_MOST_POINTS:])
    if len(points) < 2:
        return None
    limit = None if values.get("limit") is None else _finite(values["limit"])
    shown = [value for _, value in points] + ([] if limit is None else [limit])
    low, high = min(0.0, *shown), max(0.0, *shown)
    canvas = Canvas(_WIDTH * DENSITY, _HEIGHT * DENSITY)
    across = _scale(points[0][0], points[-1][0], _DOT, canvas.width - _DOT)
    down = _scale(high, low, _DOT, canvas.height - _DOT)
    colour, base = visible_colour(str(values["colour"])), down(0.0)
    places = [(across(time), down(value)) for time, value in points]
    heights = _heights(places, canvas.width)
    is_beyond = _beyond(None if limit is None else down(limit), is_above=bool(values.get("above", True)))
    for x, (top, bottom) in heights.items():
        middle = (top + bottom) / 2
        area = colour if is_beyond(middle) else _GREY
        canvas.stroke(x, min(middle, base), max(middle, base), (*area[:3], 48))
    canvas.box(0, base - 1, canvas.width, base + 1, (*_GREY[:3], 160))
    if limit is not None:
        for left in range(0, canvas.width, 2 * _DASH):
            canvas.box(left, down(limit) - 1, left + _DASH, down(limit) + 1, colour)
    for x, (top, bottom) in heights.items():
        line = colour if is_beyond((top + bottom) / 2) else _GREY
        # A steep line is as thick as a flat one, and has no gaps.
        middle, half = (top + bottom) / 2, max(_LINE / 2 * math.hypot(1, min(bottom - top, 3)), (bottom - top) / 2)
        canvas.stroke(x, middle - half, middle + half, line)
    canvas.disc(*places[-1], _DOT - 1, colour if is_beyond(places[-1][1]) else _GREY)
    return canvas


def _beyond(limit: float | None, *, is_above: bool) -> Callable[[float], bool]:
    """Whether a place on the canvas, which counts from the top down, is beyond the limit's."""
    if limit is None:
        return lambda _: False
    return (lambda y: y < limit) if is_above else (lambda y: y > limit)


def _heights(places: Sequence[tuple[float, float]], width: int) -> dict[int, tuple[float, float]]:
    """Of each column of pixels, between which heights the line runs in it."""
    found: dict[int, tuple[float, float]] = {}
    for (left, begin), (right, end) in itertools.pairwise(places):
        for x in range(max(int(left), 0), min(int(right), width - 1) + 1):
            here, there = (_between(edge, left, right, begin, end) for edge in (max(x, left), min(x + 1, right)))
            top, bottom = found.get(x, (here, here))
            found[x] = min(top, here, there), max(bottom, here, there)
    return found


def _between(x: float, left: float, right: float, begin: float, end: float) -> float:
    return end if right <= left else begin + (end - begin) * (x - left) / (right - left)


def _scale(begin: float, end: float, first: float, last: float) -> Callable[[float], float]:
    """From values to places on the canvas; where all values are the same, in the middle."""
    whole = end / 2 - begin / 2  # the difference of the largest numbers is none
    if not whole:
        return lambda _: (first + last) / 2
    return lambda value: first + (last - first) * ((value / 2 - begin / 2) / whole)


def _gauge(values: Mapping[str, Any]) -> Canvas | None:
    """A bar of the value; a line marks the limit, and what is missing to it or beyond it is seen."""
    value, limit = _finite(values["value"]), _finite(values["limit"])
    if min(value, limit) < 0 or not max(value, limit):
        return None
    canvas = Canvas(_GAUGE * DENSITY, _THICK * DENSITY)
    colour, across = visible_colour(str(values["colour"])), _scale(0.0, max(value, limit), 0.0, canvas.width / 1.1)
    inside = canvas.height / 6
    canvas.box(0, inside, canvas.width, canvas.height - inside, (*_GREY[:3], 64))
    canvas.box(0, inside, min(across(value), across(limit)), canvas.height - inside, (*colour[:3], 160))
    canvas.box(across(limit), inside, across(value), canvas.height - inside, colour)
    canvas.box(across(limit) - 2, 0, across(limit) + 2, canvas.height, _GREY)
    return canvas


def _columns(values: Mapping[str, Any]) -> Canvas | None:
    """Columns of blocks on a base line, each block with its colour and height, from the top down."""
    columns = values["columns"][:_MOST_COLUMNS]
    width = min(max(int(values["width"]), len(columns)), _WIDTH)
    if not columns:
        return None
    canvas = Canvas(width * DENSITY, (_COLUMNS + 1) * DENSITY)
    pitch, base = canvas.width / len(columns), _COLUMNS * DENSITY
    for place, blocks in enumerate(columns):
        bottom = float(base)
        for colour, height in reversed(blocks):
            top = bottom - max(_finite(height), 0.0) * DENSITY
            canvas.box(place * pitch, top, (place + 1) * pitch - 2 * DENSITY, bottom, visible_colour(colour))
            bottom = top
    canvas.box(0, base, canvas.width, canvas.height, (*_GREY[:3], 160))
    return canvas


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("no number that can be drawn")
    return number


_KINDS: Mapping[str, Callable[[Mapping[str, Any]], Canvas | None]] = {
    "series": _series,
    "gauge": _gauge,
    "columns": _columns,
}
