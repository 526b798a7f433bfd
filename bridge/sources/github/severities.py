"""How much GitHub's events matter. What GitHub says in a word that is not here yet is neither good nor bad."""

from collections.abc import Callable

from bridge.events import Severity
from bridge.fields import Payload, at, dig, first

Grade = Callable[[Payload], Severity]

# https://docs.github.com/rest/dependabot/alerts and https://docs.github.com/rest/code-scanning
_LEVELS = {
    "low": Severity.INFO,
    "note": Severity.INFO,
    "moderate": Severity.WARNING,
    "medium": Severity.WARNING,
    "warning": Severity.WARNING,
    "high": Severity.ERROR,
    "error": Severity.ERROR,
    "critical": Severity.CRITICAL,
}
_LEVEL_PATHS = (
    "alert.security_vulnerability.severity",
    "alert.security_advisory.severity",
    "alert.rule.security_severity_level",
    "alert.rule.severity",
    "alert.severity",
    "security_advisory.severity",
    "repository_advisory.severity",
)
# What is done to alerts and advisories, with which their state counts.
_DONE = {
    "",
    *("create", "created", "reintroduced", "reopen", "reopened", "auto_reopened", "reopened_by_user"),
    *("appeared_in_branch", "publicly_leaked", "published", "updated", "reported", "performed", "withdrawn"),
    *("fixed", "resolve", "resolved", "dismiss", "dismissed", "auto_dismissed", "closed_by_user", "revoked"),
    *("validated", "assigned", "unassigned"),
}
# States of alerts; an open one is as severe as its level.
_OPEN = {"", "open"}
_STATES = {"fixed": Severity.SUCCESS, "resolved": Severity.SUCCESS}
# Of the events that say no state: what was done.
_ACTIONS = {"resolve": "fixed", "dismiss": "dismissed"}


def plain(_: Payload) -> Severity:
    """What is neither good nor bad, whatever the payload says."""
    return Severity.INFO


def always(severity: Severity) -> Grade:
    """The same severity, whatever the payload says."""
    return lambda _: severity


def by_action(**severities: Severity) -> Grade:
    """As the action says."""
    return lambda payload: severities.get(dig(payload, "action"), Severity.INFO)


def of_alert(payload: Payload) -> Severity:
    """How much a security alert or advisory matters: as its author says while it is open."""
    if at(payload, "security_advisory.withdrawn_at") or dig(payload, "action") not in _DONE:
        return Severity.INFO
    state = dig(payload, "alert.state") or _ACTIONS.get(dig(payload, "action"), "")
    if state not in _OPEN:
        return _STATES.get(state, Severity.INFO)
    return _LEVELS.get(first(payload, _LEVEL_PATHS), Severity.INFO)


def of_secret(payload: Payload) -> Severity:
    """A secret that anybody can read is worse than one that colleagues can; only a revoked one is harmless."""
    state = dig(payload, "alert.state")
    if dig(payload, "action") not in _DONE:
        return Severity.INFO
    if dig(payload, "action") == "resolved" or state == "resolved":
        return Severity.SUCCESS if dig(payload, "alert.resolution") == "revoked" else Severity.INFO
    if state not in _OPEN:
        return Severity.INFO
    leaked = dig(payload, "action") == "publicly_leaked" or dig(payload, "alert.publicly_leaked", False)
    return Severity.CRITICAL if leaked else Severity.ERROR


def of_push(payload: Payload) -> Severity:
    """Rewriting the default branch may take commits from others."""
    default = f"refs/heads/{dig(payload, 'repository.default_branch')}"
    rewritten = dig(payload, "forced", False) and dig(payload, "ref") == default
    return Severity.WARNING if rewritten else Severity.INFO
