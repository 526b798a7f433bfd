"""Draws where processor time goes: a box for each function, as wide as its time, above those that it calls.

An SVG without scripts; each box has a title with its share. Pictures of one file have one scale.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, LINE = 1200, 15  # of the picture, and the height of a box
NARROWEST = 2  # boxes that are less wide are left out
_LETTER = 5.6  # the width of a letter
_COLOURS = {"bridge": "#9cc9f5", "templates": "#b8e0b0", "jinja2": "#d5ecc9", "json": "#f3d9a4"}
_OTHERS = "#e4e4e4"
# They only pass a call on; their time counts for who called them.
_PASSING_ON = {
    "jinja2.runtime:call",
    "jinja2.runtime:__call__",
    "jinja2.runtime:_invoke",
    "threading:_bootstrap",
    "threading:_bootstrap_inner",
    "runpy:_run_module_as_main",
    "runpy:_run_code",
}


@dataclass
class Box:
    """A function as it was called from where it stands, with its time and what it called."""

    time: float = 0.0
    calls: dict[str, Box] = field(default_factory=dict)

    def add(self, stack: Sequence[str], time: float) -> None:
        """Add the time of a stack, outermost function first."""
        box = self
        box.time += time
        for name in stack:
            box = box.calls.setdefault(name, Box())
            box.time += time


@dataclass(frozen=True)
class Graph:
    """One picture. title: above it."""

    title: str
    root: Box


def folded(lines: Iterable[str], since: str, per: float) -> Box:
    """The box of stacks as the sampler writes them, in milliseconds, divided by how often it was done.

    since: the function with which stacks begin; others are left out. Empty: all stacks, from their beginning.
    """
    root = Box()
    for line in lines:
        stack, _, spent = line.rpartition(" ")
        names = [name for name in stack.split(";") if name not in _PASSING_ON]
        if since and since not in names:
            continue
        root.add([_short(name) for name in names[names.index(since) if since else 0 :]], int(spent) / 1000 / per)
    return root


def drawn(graphs: Sequence[Graph]) -> str:
    """The file."""
    scale = WIDTH / max(graph.root.time for graph in graphs)
    parts, top = [], 0
    for graph in graphs:
        boxes, depth = _boxes(graph, scale, top + 2 * LINE)
        parts += [f'<text x="4" y="{top + LINE + 4}" font-weight="bold">{escape(graph.title)}</text>', *boxes]
        top += (depth + 4) * LINE
    style = "text{font:10px sans-serif;fill:#222}rect{stroke:#fff;stroke-width:.5}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}">\n'
        f'<style>{style}</style>\n<rect width="{WIDTH}" height="{top}" fill="#fff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _boxes(graph: Graph, scale: float, top: int) -> tuple[list[str], int]:
    """The boxes, and how many lines they take."""
    parts: list[str] = []
    deepest = 0

    def draw(calls: Mapping[str, Box], left: float, line: int) -> None:
        nonlocal deepest
        for name, box in sorted(calls.items(), key=lambda item: -item[1].time):
            width = box.time * scale
            if width < NARROWEST:
                break
            deepest = max(deepest, line + 1)
            parts.append(_box(name, box, graph, left, top + line * LINE, width))
            draw(box.calls, left, line + 1)
            left += width

    draw(graph.root.calls, 0.0, 0)
    return parts, deepest


def _box(name: str, box: Box, graph: Graph, left: float, top: int, width: float) -> str:
    share = f"{name}: {box.time:.3g} ms, {box.time / graph.root.time:.0%}"
    shape = f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{LINE}" fill="{_colour(name)}"/>'
    letters = int((width - 4) / _LETTER)
    label = name if len(name) <= letters else name.rpartition(":")[2]
    text = f'<text x="{left + 2:.1f}" y="{top + 11}">{escape(label[:letters])}</text>' if letters > 2 else ""
    return f"<g><title>{escape(share)}</title>{shape}{text}</g>"


def _colour(name: str) -> str:
    return _COLOURS.get(name.partition(":")[0].partition(".")[0], _OTHERS)


def _short(name: str) -> str:
    """A module and a function without the path of the machine on which it ran."""
    module, _, function = name.rpartition(":")
    return f"templates:{function}" if "/" in module or "<" in module else f"{module}:{function}"
