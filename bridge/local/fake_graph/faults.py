"""How the stand-in Graph fails when it is told to: the ways in which the real one has been seen to."""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Refusal = tuple[int, str, str]


@dataclass(frozen=True)
class Effect:
    """What a kind of fault does with a request.

    about: one line for people. acts: it is carried out. answer: status, code and message in place of the true answer.
    drops: no answer at all.
    """

    about: str
    acts: bool
    answer: Refusal | None = None
    drops: bool = False


EFFECTS: Mapping[str, Effect] = {
    "429": Effect(
        "Asks for patience", False, (429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.")
    ),
    "503": Effect("Is not available", False, (503, "serviceNotAvailable", "The service is unavailable.")),
    "500": Effect("Fails", False, (500, "generalException", "An unspecified error has occurred.")),
    "400": Effect(
        "Refuses the post", False, (400, "ErrorInvalidRequest", "The request is malformed or incorrect: its body.")
    ),
    "app-only-refused": Effect(
        "Refuses the identity",
        False,
        (403, "ErrorAccessDenied", "Access is denied. Check credentials and try again."),
    ),
    "drop-before": Effect("Hangs up, nothing done", False, drops=True),
    "drop-after": Effect("Posts, then hangs up", True, drops=True),
    "created-but-504": Effect("Posts, then says 504", True, (504, "UnknownError", "")),
    "late": Effect("Says 504, posts later", True, (504, "UnknownError", "")),  # carried out `seconds` after the answer
    "late-visible": Effect("Shows new threads late", True),  # a new thread is neither listed nor found for `seconds`
    "slow": Effect("Answers slowly", True),  # the answer takes `seconds`
}
_AS_ASKED = Effect("Works", True)
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
    """The faults to come, each for the next request of its method, and those that stay; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Fault] = deque()
        self._staying: deque[Fault] = deque()

    @property
    def staying(self) -> Sequence[Fault]:
        """The faults that every request meets; several take turns."""
        with self._lock:
            return sorted(self._staying, key=lambda fault: fault.kind)

    @property
    def waiting(self) -> Sequence[Fault]:
        """Those for one request each, the next one first."""
        with self._lock:
            return tuple(self._waiting)

    def stay(self, *faults: Fault) -> None:
        """Lets every request meet these, and none that stayed before."""
        with self._lock:
            self._staying = deque(faults)

    def add(self, *faults: Fault) -> None:
        """Puts faults behind those that wait already."""
        with self._lock:
            self._waiting.extend(faults)

    def clear(self) -> None:
        """Forgets all of them."""
        with self._lock:
            self._waiting.clear()
            self._staying.clear()

    def take(self, method: str) -> Fault:
        """The first fault that waits for that method, which then waits no longer, or one that stays; else NO_FAULT."""
        with self._lock:
            for faults in (self._waiting, self._staying):
                for fault in faults:
                    if fault.method == method:
                        faults.remove(fault)
                        if faults is self._staying:
                            faults.append(fault)
                        return fault
            return NO_FAULT
