"""The values of a payload, from which a reader takes each for what its name says it is."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.fields import as_time
from bridge.rendering.text import in_words
from bridge.sources import reading_names as names
from bridge.sources.reading_values import Leaf, is_page

ANY_DEPTH = 99
_MAX_BUTTONS = 3


class Search:
    """The values of a payload, from which each is taken once for what its name says it is; `left` are the others."""

    def __init__(self, found: Iterable[Leaf]) -> None:
        self.left = list(found)

    def take(self, wanted: Sequence[str], fits: Callable[[str], Any], depth: int = 0) -> str:
        """The fitting text of the most specific name.

        depth: 0 for what the event says of itself: the state of a user in it is not the event's.
        """
        ranked = [
            (wanted.index(leaf.name), leaf.depth, place)
            for place, leaf in enumerate(self.left)
            if leaf.name in wanted and leaf.depth <= depth and isinstance(leaf.value, str) and fits(leaf.value.strip())
        ]
        return str(self.left.pop(min(ranked)[2]).value).strip() if ranked else ""

    def take_url(self, wanted: Sequence[str]) -> str:
        """The address of a page."""
        return self.take(wanted, is_page, ANY_DEPTH)

    def take_time(self) -> datetime | None:
        """When it happened, by the outermost of the names that say so."""
        ranked = [
            (leaf.depth, names.OCCURRED.index(leaf.name), place)
            for place, leaf in enumerate(self.left)
            if leaf.name in names.OCCURRED and as_time(leaf.value)
        ]
        return as_time(self.left.pop(min(ranked)[2]).value) if ranked else None


def pages(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The addresses among labels, annotations or properties as buttons, runbooks first."""
    texts = {str(name): value for name, value in values.items() if isinstance(value, str) and ":" in value}
    found = Search(Leaf(names.normal(name), in_words(name), value, 0) for name, value in texts.items())
    return list(buttons(found))


def buttons(found: Search) -> Iterator[tuple[str, str]]:
    """Where to go, runbooks first; an address of no known kind by its own name."""
    pairs = [(text, url) for text, wanted in names.LINKS.items() if (url := found.take_url(wanted))]
    for leaf in list(found.left):
        if isinstance(leaf.value, str) and is_page(leaf.value) and (text := names.button(leaf.label)):
            found.left.remove(leaf)
            pairs.append((text, leaf.value.strip()))
    yield from sorted(pairs, key=lambda pair: names.BUTTONS.index(pair[0]) if pair[0] in names.BUTTONS else 99)[
        :_MAX_BUTTONS
    ]


def meters(found: Search) -> Iterator[tuple[float, float, str]]:
    """A value beside its limit, where one of the numbers of an object is called a limit and one is what it limits."""
    numbers = [leaf for leaf in found.left if isinstance(leaf.value, int | float) and not isinstance(leaf.value, bool)]
    for limit in [leaf for leaf in numbers if leaf.name in names.LIMITS]:
        others = [leaf for leaf in numbers if leaf.holder == limit.holder and leaf.name not in names.LIMITS]
        values = [leaf for leaf in others if leaf.name in names.VALUES] or others
        if len(values) == 1 and min(float(values[0].value), float(limit.value)) >= 0:
            found.left.remove(values[0])
            found.left.remove(limit)
            text = f"{values[0].label} {values[0].shown()}, {in_words(limit.name)} {limit.shown()}"
            yield float(values[0].value), float(limit.value), text
