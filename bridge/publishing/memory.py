"""What a thread remembers of its earlier events for a later post: who approved, which jobs failed, since when.

Pure: the memory is a value of the thread's row, names with their values, oldest first.
"""

from collections.abc import Sequence

from bridge.entries import Entry
from bridge.outbox.rows import Memory

_VALUES = 10  # of a name
_NAMES = 20
# Of these only one value is kept: the first, and the most extreme.
FIRST = "since"
EXTREMES = {"highest": max, "lowest": min}
IN_DIGEST = "in digest"


def remembered(memory: Memory, entries: Sequence[Entry]) -> Memory:
    """The memory after these entries of the thread, in their order. A name that begins with `-` forgets its value."""
    known = dict(memory)
    for entry in entries:
        for name, value in entry.notes:
            if name.startswith("-"):
                left = known.get(name[1:], ())
                known[name[1:]] = tuple(each for each in left if value and each != value)
            elif name == FIRST:
                known.setdefault(name, (value,))
            elif name in EXTREMES:
                known[name] = (EXTREMES[name]((*known.get(name, ()), value), key=_number),)
            elif value not in known.get(name, ()):
                known[name] = (*known.get(name, ()), value)[-_VALUES:]
        if entry.ends_thread:
            known = {name: values for name, values in known.items() if name not in {FIRST, *EXTREMES}}
    return dict(list(known.items())[-_NAMES:])


def placed(memory: Memory, *, in_digest: bool) -> Memory:
    """The memory of an object that is now in a digest's thread, whose topic does not name it, or in one of its own."""
    own = {name: values for name, values in memory.items() if name != IN_DIGEST}
    return {**own, IN_DIGEST: ("yes",)} if in_digest else own


def _number(value: str) -> float:
    return float(value.partition(" ")[0])
