"""What the bridge itself has to say of an expectation: that it did not come, and that it came again."""

from bridge.calendar.expectations import Expectation
from bridge.events import OWN, Event, Severity
from bridge.publishing.expectation_rows import Known
from bridge.publishing.lengths import length, moment

MISSING = "expectation.missing"


def missing(expectation: Expectation, known: Known, due: float, now: float) -> Event:
    """It did not come until it was due. The same however often it is made, but for how long ago it came last."""
    last = known.seen
    facts = [
        ("Expected", expectation.schedule.words),
        ("Last came", moment(last).isoformat() if last else f"never, since {_day(known.known)}"),
        ("Matches", expectation.when),
    ]
    return Event(
        source=OWN,
        kind=MISSING,
        delivery=f"{expectation.name}, due {_second(due)}",
        correlation_key=_key(expectation.name),
        title=expectation.name,
        payload={},
        severity=expectation.severity,
        occurred=moment(due),
        facts=tuple(facts),
        details={
            "last": length(now - last) if last else "",
            "down": [moment(each) for each in known.down] if known.down else None,
        },
        attributes={"expectation": expectation.name},
    )


def back(name: str, due: float, at: float) -> Event:
    """It came again."""
    in_time = at <= due
    return _end(
        "back",
        name,
        due,
        # After what it ends, whatever the clocks say.
        max(at, due + 1),
        {"took": "" if in_time else length(at - due), "in_time": in_time},
    )


def dropped(name: str, due: float, at: float) -> Event:
    """It is missing, and nobody expects it any more."""
    return _end("dropped", name, due, max(at, due + 1), {})


def _end(action: str, name: str, due: float, at: float, details: dict[str, object]) -> Event:
    return Event(
        source=OWN,
        kind=f"expectation.{action}",
        delivery=f"{name}, end of {_second(due)}",
        correlation_key=_key(name),
        title=name,
        payload={},
        severity=Severity.INFO if action == "dropped" else Severity.SUCCESS,
        occurred=moment(at),
        ends_thread=True,
        details=details,
        attributes={"expectation": name},
    )


def _key(name: str) -> str:
    return f"expectation {name}"


def _second(at: float) -> str:
    return f"{moment(at):%Y-%m-%d %H:%M:%S} UTC"


def _day(at: float) -> str:
    return f"{moment(at):%-d %b %Y}"
