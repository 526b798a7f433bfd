"""What a thread remembers of its earlier events for a later post: who approved, which jobs failed, since when.

Pure: the memory is a value of the thread's row, names with their values, oldest first.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bridge.entries import Entry
from bridge.rendering.filters import duration

Memory = Mapping[str, tuple[str, ...]]

_VALUES = 10  # of a name
_NAMES = 20
# What is said once, at the first or at the most extreme event, with the order that decides.
_FIRST = "since"
_EXTREMES = {"highest": max, "lowest": min}


def remembered(memory: Memory, entries: Sequence[Entry]) -> Memory:
    """The memory after these entries of the thread, in their order. A name that begins with `-` forgets its value."""
    known = dict(memory)
    for entry in entries:
        for name, value in entry.notes:
            if name.startswith("-"):
                left = known.get(name[1:], ())
                known[name[1:]] = tuple(each for each in left if value and each != value)
            elif name == _FIRST:
                known.setdefault(name, (value,))
            elif name in _EXTREMES:
                known[name] = (_EXTREMES[name]((*known.get(name, ()), value), key=_number),)
            elif value not in known.get(name, ()):
                known[name] = (*known.get(name, ()), value)[-_VALUES:]
        if entry.ends_thread:
            known = {name: values for name, values in known.items() if name not in {_FIRST, *_EXTREMES}}
    return dict(list(known.items())[-_NAMES:])


def recalled(memory: Memory, entry: Entry) -> list[tuple[str, str]]:
    """What the entry's post adds of the memory before it: labels with texts."""
    found = [(label, _text(name, memory[name], entry)) for name, label in entry.asks if memory.get(name)]
    return [(label, text) for label, text in found if text]


def _text(name: str, values: Sequence[str], entry: Entry) -> str:
    if name == _FIRST:
        seconds = (entry.occurred - datetime.fromisoformat(values[0])).total_seconds()
        return duration(seconds) if seconds >= 1 else ""
    if name in _EXTREMES:
        return values[0].partition(" ")[2]
    return ", ".join(values)


def _number(value: str) -> float:
    return float(value.partition(" ")[0])
