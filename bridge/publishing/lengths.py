"""Moments and lengths of time in the bridge's own posts."""

from datetime import UTC, datetime

from bridge.rendering.filters import duration


def moment(at: float) -> datetime:
    """A moment with its zone."""
    return datetime.fromtimestamp(at, UTC)


def length(seconds: float) -> str:
    """How long, as people say it: to the minute up to two hours, to the hour up to two days."""
    hours = seconds / 3600
    if hours < 2:
        return duration(max(60, 60 * round(seconds / 60)))
    if hours < 48:
        return f"{hours:.0f} h"
    return duration(3600 * round(hours))
