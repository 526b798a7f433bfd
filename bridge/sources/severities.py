"""The words by which services say how bad something is, or how it ended."""

from collections.abc import Mapping

from bridge.events import Severity

_WORDS: Mapping[str, Severity] = {
    **{severity.value: severity for severity in Severity},
    **dict.fromkeys(("fatal", "emergency", "disaster", "page", "p1", "sev0", "blocker"), Severity.CRITICAL),
    **dict.fromkeys(("high", "failure", "failed", "down", "major", "p2", "sev1"), Severity.ERROR),
    **dict.fromkeys(("warn", "medium", "moderate", "average", "minor", "p3", "sev2"), Severity.WARNING),
    **dict.fromkeys(("ok", "up", "successful", "passed", "resolved", "recovered", "closed"), Severity.SUCCESS),
}


def severity_of(word: str, default: Severity = Severity.INFO) -> Severity:
    """The severity that the word means, in whatever case."""
    return _WORDS.get(word.strip().lower(), default)
