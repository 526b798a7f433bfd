"""Count what happened in each of the last seconds."""

from collections.abc import Iterable


def per_second(times: Iterable[float], now: float, seconds: int = 60) -> list[int]:
    """The counts of the last seconds, the current one last. The times must be in descending order."""
    counts = [0] * seconds
    for time in times:
        ago = int(now) - int(time)
        if ago >= seconds:
            break
        if ago >= 0:
            counts[-1 - ago] += 1
    return counts
