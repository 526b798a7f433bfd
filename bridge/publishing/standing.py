"""What stands open in a thread after its events: pure."""

from collections.abc import Sequence

from bridge.entries import OVER, Entry
from bridge.outbox.standing import Standing


def standing_after(known: Standing | None, entries: Sequence[Entry]) -> Standing | None:
    """What stands open after these entries of the thread, in their order."""
    for entry in entries:
        if entry.standing == OVER or entry.ends_thread:
            known = None
        elif entry.standing:
            is_same = known is not None and known.category == entry.standing
            known = Standing(
                category=entry.standing,
                title=entry.topic,
                url=entry.url,
                state=entry.word,
                severity=entry.severity,
                scope=entry.scope,
                source=entry.source,
                kind=entry.kind,
                since=known.since if known and is_same else entry.occurred.timestamp(),
            )
    return known
