"""The words by which services say how bad something is, or how it ended."""

from collections.abc import Mapping

from bridge.events import Severity

_WORDS: Mapping[str, Severity] = {
    word: severity
    for severity, words in {
        Severity.CRITICAL: "critical fatal emergency emerg panic alert disaster page p1 sev0 blocker",
        Severity.ERROR: "error err severe high failure failed down unavailable unhealthy alarm major p2 sev1",
        Severity.WARNING: "warning warn medium moderate average minor degraded firing alerting triggered p3 sev2",
        Severity.INFO: "info low none notice information informational debug verbose trace p4 p5 sev3 sev4",
        Severity.SUCCESS: "success ok up successful succeeded passed resolved recovered closed healthy available",
    }.items()
    for word in words.split()
}

# The states that are the end of a problem.
OVER = frozenset({"resolved", "recovered", "closed", "ok", "up", "normal", "cleared"})


def severity_of(word: str, default: Severity = Severity.INFO) -> Severity:
    """Look the word up, in whatever case."""
    return known_severity(word) or default


def known_severity(word: str) -> Severity | None:
    """Look the word up, in whatever case; None for a word that is not known."""
    return _WORDS.get(word) or _WORDS.get(word.strip().lower().replace(" ", "").replace("-", ""))
