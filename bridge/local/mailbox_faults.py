"""How the stand-in Graph fails when it is told to: the ways in which the real one has been seen to."""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

Refusal = tuple[int, str, str]


@dataclass(frozen=True)
class Effect:
    """What a kind of fault does with a request.

    acts: it is carried out. answer: status, code and message in place of the true answer. drops: no answer at all.
    """

    acts: bool
    answer: Refusal | None = None
    drops: bool = False


EFFECTS: Mapping[str, Effect] = {
    "429": Effect(False, (429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.")),
    "503": Effect(False, (503, "serviceNotAvailable", "The service is unavailable.")),
    "500": Effect(False, (500, "generalException", "An unspecified error has occurred.")),
    "app-only-refused": Effect(False, (403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")),
    "drop-before": Effect(False, drops=True),
    "drop-after": Effect(True, drops=True),
    "created-but-504": Effect(True, (504, "UnknownError", "")),
    "late": Effect(True, (504, "UnknownError", "")),  # carried out `seconds` after the answer
    "late-visible": Effect(True),  # a new thread is neither listed nor found for `seconds`
    "slow": Effect(True),  # the answer takes `seconds`
}
_AS_ASKED = Effect(True)
_RETRY_LATER = ("429", "503")
_LONGEST = 24 * 3600


@dataclass(frozen=True)
class Fault:
    """One failure of one request.

    seconds: what Retry-After says (429, 503; without it they have none), or how late or slow; by the mailbox's clock,
    but for `slow`, which is real time. method: which requests it waits for.
    """

    kind: str
    seconds: float | None = None
    method: str = "POST"

    @property
    def effect(self) -> Effect:
        """What it does."""
        return EFFECTS.get(self.kind, _AS_ASKED)

    @property
    def retry_after(self) -> Mapping[str, str]:
        """The Retry-After header, if it has one."""
        if self.kind not in _RETRY_LATER or self.seconds is None:
            return {}
        return {"Retry-After": f"{self.seconds:g}"}

    def delay(self, kind: str) -> float:
        """Its seconds (2 unless it says), if it is of that kind; else 0."""
        if self.kind != kind:
            return 0.0
        return 2.0 if self.seconds is None else self.seconds

    @staticmethod
    def from_json(value: object) -> "Fault":
        """Reads `"500"` or `{"kind": "429", "seconds": 3, "method": "GET"}`; ValueError when it is neither."""
        fields = {"kind": value} if isinstance(value, str) else value
        if not isinstance(fields, dict) or not _is_fault(fields):
            raise ValueError(f"a fault is one of {', '.join(EFFECTS)}, or an object of kind, seconds and method")
        return Fault(**fields)


def _is_fault(fields: Mapping[str, object]) -> bool:
    types = {"kind": str, "seconds": int | float, "method": str}
    known = all(isinstance(value, types.get(name, ())) for name, value in fields.items())
    seconds = fields.get("seconds", 0)
    return known and fields.get("kind") in EFFECTS and isinstance(seconds, int | float) and 0 <= seconds <= _LONGEST


NO_FAULT = Fault("")


class Faults:
    """The faults to come, each for the next request of its method; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Fault] = deque()

    def add(self, *faults: Fault) -> None:
        """Puts faults behind those that wait already."""
        with self._lock:
            self._waiting.extend(faults)

    def clear(self) -> None:
        """Forgets all that wait."""
        with self._lock:
            self._waiting.clear()

    def take(self, method: str) -> Fault:
        """The first fault that waits for that method, which then waits no longer; NO_FAULT if none does."""
        with self._lock:
            for fault in self._waiting:
                if fault.method == method:
                    self._waiting.remove(fault)
                    return fault
            return NO_FAULT
