"""Where a card may show a picture: a mark around what stands there otherwise, with what to draw or to fetch.

A mark is a comment, which no payload can write: everything from a payload is escaped. The publishing wing puts a
picture in its place or removes it; what is between the marks, such as the table cells of a chart, stays where there is
none.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from bridge.values import dataclass

KINDS = ("series", "gauge", "columns", "image")

_MARK = r"<!--picture ([A-Za-z0-9+/=]+)-->(.*?)<!--/picture-->"
_LEFT_OVER = r"<!--/?picture[^>]*-->"
_DIGITS = 7  # of a value: more is not visible


@dataclass(frozen=True)
class Wanted:
    """A picture that a card may show. kind: one of KINDS. alt: what it shows, in words. values: what to draw."""

    kind: str
    alt: str
    values: Mapping[str, Any]


def picture(kind: str, alt: str, **values: Any) -> Markup:
    """The mark at which a picture may begin; `<!--/picture-->` ends what it stands for.

    series: points, pairs of seconds and value; limit and above, or None; colour. gauge: value, limit, colour.
    columns: rows of pairs of colour and height. image: url.
    """
    text = json.dumps({"kind": kind, "alt": str(alt), **values}, separators=(",", ":"), default=str)
    return Markup(f"<!--picture {base64.b64encode(text.encode('utf-8', 'replace')).decode()}-->")  # noqa: S704  base64


def series(found: Any, colour: str) -> Markup:
    """The mark of a `measures.History`."""
    points = [(round(time, 1), _short(value)) for time, value in found.points]
    return picture("series", found.said, points=points, limit=found.limit, above=found.above, colour=colour)


def gauge(value: float, limit: float, alt: str, colour: str) -> Markup:
    """The mark of a value beside its limit."""
    return picture("gauge", alt, value=_short(value), limit=_short(limit), colour=colour)


def columns(
    rows: Sequence[Sequence[tuple[str, int]]], alt: str, tones: Mapping[str, Mapping[str, str]], width: int
) -> Markup:
    """The mark of a digest's chart: columns of blocks, each a severity and a height, from the top down."""
    coloured = [[(tones[severity]["bar"], height) for severity, height in blocks] for blocks in rows]
    return picture("columns", alt, columns=coloured, width=width)


def image(url: str, name: str) -> Markup:
    """The mark of an image that the payload names."""
    return picture("image", name, url=url.strip())


# What templates/parts.html writes them with.
FILTERS = {"series_picture": series, "gauge_picture": gauge, "columns_picture": columns, "image_picture": image}


def without_marks(html: str) -> str:
    """The HTML with what stands there where no picture is shown."""
    return re.sub(_LEFT_OVER, "", html)


def with_pictures(html: str, shown: Callable[[Wanted], str]) -> str:
    """The HTML with pictures in the places that are marked. shown: the HTML of one; empty: what stands there stays."""
    return without_marks(re.sub(_MARK, lambda found: _instead(found, shown), html, flags=re.DOTALL))


def _instead(found: re.Match[str], shown: Callable[[Wanted], str]) -> str:
    wanted = _wanted(found[1])
    return (shown(wanted) if wanted else "") or found[2]


def _wanted(text: str) -> Wanted | None:
    """What a mark asks for; None for one that cannot be read, as a template of the user's may write it."""
    try:
        values = json.loads(base64.b64decode(text))
        return Wanted(values.pop("kind"), str(values.pop("alt")), values)
    except (ValueError, KeyError, AttributeError, TypeError):
        return None


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
