"""What a thread remembers of its earlier events for a later post: who approved, which jobs failed, since when.

It also remembers who was invited, so nobody is invited to one thread twice.

Pure: the memory is a value of the thread's row, names with their values, oldest first.
"""

import hashlib
from collections.abc import Iterable, Sequence
from email.utils import parseaddr

from bridge.entries import Entry
from bridge.outbox.rows import Memory

_VALUES = 10  # of a name
_NAMES = 20
# Of these only one value is kept: the first, and the most extreme.
FIRST = "since"
EXTREMES = {"highest": max, "lowest": min}
IN_DIGEST = "in digest"
INVITED = "invited"
_MOST_INVITED = 200


def remembered(memory: Memory, entries: Sequence[Entry]) -> Memory:
    """The memory after these entries of the thread, in their order. A name that begins with `-` forgets its value."""
    known = {name: values for name, values in memory.items() if name != INVITED}
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
    kept = dict(list(known.items())[-_NAMES:])
    return invited(kept | {INVITED: memory.get(INVITED, ())}, [one for entry in entries for one in entry.participants])


def invited(memory: Memory, participants: Iterable[str]) -> Memory:
    """The memory after these were invited. Of each only a hash of the address is kept."""
    marks = dict.fromkeys((*memory.get(INVITED, ()), *map(_mark, participants)))
    others = {name: values for name, values in memory.items() if name != INVITED}
    return others | ({INVITED: tuple(marks)[-_MOST_INVITED:]} if marks else {})


def uninvited(memories: Iterable[Memory], participants: Iterable[str]) -> list[str]:
    """Those of the participants whom none of these memories has as invited, each address once."""
    known = {mark for memory in memories for mark in memory.get(INVITED, ())}
    return list({mark: one for one in participants if (mark := _mark(one)) not in known}.values())


def without_invited(memory: Memory) -> Memory:
    """The memory for a new thread, to which nobody was invited yet."""
    return {name: values for name, values in memory.items() if name != INVITED}


def _mark(participant: str) -> str:
    return hashlib.sha256(parseaddr(participant)[1].lower().encode("utf-8", "replace")).hexdigest()[:12]


def placed(memory: Memory, *, in_digest: bool) -> Memory:
    """The memory of an object that is now in a digest's thread, whose topic does not name it, or in one of its own."""
    own = {name: values for name, values in memory.items() if name != IN_DIGEST}
    return {**own, IN_DIGEST: ("yes",)} if in_digest else own


def _number(value: str) -> float:
    return float(value.partition(" ")[0])
