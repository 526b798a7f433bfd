"""What is kept of an expectation: when it came last, and whether it is missing. Pure, but for reading and writing JSON.

Times are seconds since 1970.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from bridge.calendar.expectations import Expectation
from bridge.outbox.memos import Memo

KIND = "expectation"
PATIENCE = 900.0  # seconds after an outage of the bridge in which senders try again
AHEAD = 60.0  # seconds; what is written further in the future was written by a clock that was wrong


@dataclass(frozen=True)
class Known:
    """What is known of an expectation.

    known: since when it is expected by this rule. seen: when it came last; 0: never. missing: when it was due, while it
    is missing; else 0. groups: those that were informed of that. held: its silence is no news before then, because the
    bridge itself did not run: from and until `down`. ahead: what the clock said that `seen` or `known` were, while they
    lie in its future: either it was wrong then, or it is now.
    """

    name: str
    rule: str
    known: float
    seen: float = 0.0
    missing: float = 0.0
    groups: tuple[str, ...] = ()
    held: float = 0.0
    down: tuple[float, ...] = ()
    ahead: float = 0.0
    version: str = ""

    def due(self, expectation: Expectation) -> float:
        """When its silence is news, or since when it is."""
        return self.missing or max(expectation.due_after(max(self.seen, self.known)), self.held)


def from_memo(memo: Memo) -> Known:
    """What a memo holds; of one that this version cannot read, nothing but its version, to write over it."""
    try:
        fields: Mapping[str, Any] = json.loads(memo.text)
        known = {name: fields[name] for name in Known.__dataclass_fields__ if name in fields}
        lists = {name: tuple(fields.get(name, ())) for name in ("groups", "down")}
        return Known(**known | lists | {"name": memo.name, "version": memo.version})
    except (ValueError, TypeError, KeyError, AttributeError):
        return Known(memo.name, "", 0.0, version=memo.version)


def to_memo(known: Known) -> Memo:
    """The memo of what is known."""
    fields = {name: value for name, value in asdict(known).items() if value and name not in ("name", "version")}
    return Memo(KIND, known.name, json.dumps(fields), known.version)


def looked_at(known: Known | None, expectation: Expectation, now: float, last_look: float | None) -> Known:
    """What is known after a look at the clock, which may be wrong, and which may have stood still.

    last_look: when the bridge looked last, if more time has passed since than should have; else None.
    """
    if known is None:
        return Known(expectation.name, expectation.rule, now)
    if known.rule != expectation.rule:
        known = replace(known, rule=expectation.rule, known=now, held=0.0, down=())
    known = _by_this_clock(known, now)
    if known.held > now + PATIENCE + AHEAD:
        known = replace(known, held=0.0, down=())
    if last_look is not None and not known.missing and known.due(expectation) < now + PATIENCE:
        known = replace(known, held=now + PATIENCE, down=(last_look, now))
    return known


def _by_this_clock(known: Known, now: float) -> Known:
    """What is known by a clock that may have been put back: nothing waits for what another time wrote.

    If it is put forward again, the times that were written before count again.
    """
    latest = max(known.seen, known.known)
    if latest > now + AHEAD:
        return replace(known, seen=min(known.seen, now), known=min(known.known, now), ahead=latest)
    if known.ahead and known.ahead <= now:
        return replace(known, known=max(known.known, known.ahead), ahead=0.0)
    return known
