"""The ways in which the stand-in Graph can be made to fail. The real one has been observed to fail in each of them."""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Refusal = tuple[int, str, str]


@dataclass(frozen=True)
class Effect:
    """What a kind of fault does to a request.

    about: one line for people. acts: whether the request is carried out. answer: status, code and message of the error
    that is sent instead of the real answer. drops: no answer at all.
    """

    about: str
    acts: bool
    answer: Refusal | None = None
    drops: bool = False


EFFECTS: Mapping[str, Effect] = {
    "429": Effect(
        "Throttles requests", False, (429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.")
    ),
    "503": Effect("Is unavailable", False, (503, "serviceNotAvailable", "The service is unavailable.")),
    "500": Effect("Reports an internal error", False, (500, "generalException", "An unspecified error has occurred.")),
    "400": Effect(
        "Rejects the post", False, (400, "ErrorInvalidRequest", "The request is malformed or incorrect: its body.")
    ),
    "app-only-refused": Effect(
        "Denies access",
        False,
        (403, "ErrorAccessDenied", "Access is denied. Check credentials and try again."),
    ),
    "drop-before": Effect("Hangs up before posting", False, drops=True),
    "drop-after": Effect("Hangs up after posting", True, drops=True),
    "created-but-504": Effect("Posts, but answers 504", True, (504, "UnknownError", "")),
    "late": Effect("Answers 504, posts later", True, (504, "UnknownError", "")),  # posts `seconds` after the answer
    "late-visible": Effect("Shows new threads late", True),  # a new thread can be neither listed nor read for `seconds`
    "slow": Effect("Answers slowly", True),  # the answer takes `seconds`
}
_NO_EFFECT = Effect("Works", True)
_WITH_RETRY_AFTER = ("429", "503")
_LONGEST = 24 * 3600


@dataclass(frozen=True)
class Fault:
    """One failure of one request.

    seconds: the value of Retry-After for 429 and 503 (None leaves it out), or the delay for the late and slow kinds, by
    the clock of the stand-in; only `slow` uses real time. method: of the requests that the fault applies to.
    """

    kind: str
    seconds: float | None = None
    method: str = "POST"

    @property
    def effect(self) -> Effect:
        """What the fault does."""
        return EFFECTS.get(self.kind, _NO_EFFECT)

    @property
    def retry_after(self) -> Mapping[str, str]:
        """The Retry-After header, if the fault has one."""
        if self.kind not in _WITH_RETRY_AFTER or self.seconds is None:
            return {}
        return {"Retry-After": f"{self.seconds:g}"}

    def delay(self, kind: str) -> float:
        """The seconds of the fault (2 by default) if it is of that kind, else 0."""
        if self.kind != kind:
            return 0.0
        return 2.0 if self.seconds is None else self.seconds

    @staticmethod
    def from_json(value: object) -> "Fault":
        """Read `"500"` or `{"kind": "429", "seconds": 3, "method": "GET"}`; ValueError if it is neither."""
        fields = {"kind": value} if isinstance(value, str) else value
        if not isinstance(fields, dict) or not _is_fault(fields):
            raise ValueError(f"a fault must be one of {', '.join(EFFECTS)}, or an object with kind, seconds and method")
        return Fault(**fields)


def _is_fault(fields: Mapping[str, object]) -> bool:
    types = {"kind": str, "seconds": int | float, "method": str}
    known = all(isinstance(value, types.get(name, ())) for name, value in fields.items())
    seconds = fields.get("seconds", 0)
    return known and fields.get("kind") in EFFECTS and isinstance(seconds, int | float) and 0 <= seconds <= _LONGEST


NO_FAULT = Fault("")


class Faults:
    """The faults to come: some for one request each, some for every request until switched off; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._once: deque[Fault] = deque()
        self._permanent: deque[Fault] = deque()

    @property
    def permanent(self) -> Sequence[Fault]:
        """The faults that apply to every request; several of them take turns."""
        with self._lock:
            return sorted(self._permanent, key=lambda fault: fault.kind)

    @property
    def once(self) -> Sequence[Fault]:
        """The faults that apply to one request each; the next one comes first."""
        with self._lock:
            return tuple(self._once)

    def set_permanent(self, *faults: Fault) -> None:
        """Replace the faults that apply to every request."""
        with self._lock:
            self._permanent = deque(faults)

    def add(self, *faults: Fault) -> None:
        """Add faults for one request each, after those that wait already."""
        with self._lock:
            self._once.extend(faults)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._once.clear()
            self._permanent.clear()

    def take(self, method: str) -> Fault:
        """The next fault for that method, which is removed if it was for one request; NO_FAULT if there is none."""
        with self._lock:
            for faults in (self._once, self._permanent):
                for fault in faults:
                    if fault.method == method:
                        faults.remove(fault)
                        if faults is self._permanent:
                            faults.append(fault)
                        return fault
            return NO_FAULT
