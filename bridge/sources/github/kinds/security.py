"""Alerts, advisories, and what protects a repository."""

from collections.abc import Mapping

from bridge.events import Severity
from bridge.fields import Payload, dig
from bridge.rendering.text import one_line
from bridge.sources.github.kind import Kind
from bridge.sources.github.words import MAX_TITLE, alert_title, by_action, called, grade, named, times

_GONE = by_action(deleted=Severity.WARNING, disabled=Severity.WARNING)


def _advisory(thing: str) -> Kind:
    return Kind(
        title=lambda payload: one_line(
            f"{dig(payload, f'{thing}.summary') or 'Advisory'} ({dig(payload, f'{thing}.ghsa_id')})", MAX_TITLE
        ).removesuffix(" ()"),
        urls=(f"{thing}.html_url",),
        times=times(thing),
        severity=grade,
        labels=(
            ("Severity", f"{thing}.severity"),
            ("CVSS", f"{thing}.cvss.score"),
            ("CVE", f"{thing}.cve_id"),
            ("Weakness", f"{thing}.cwes"),
            ("Withdrawn", f"{thing}.withdrawn_at"),
        ),
    )


def _secret(payload: Payload) -> Severity:
    """A secret that anybody can read is worse than one that colleagues can."""
    if dig(payload, "action") == "resolved" or dig(payload, "alert.state") == "resolved":
        return Severity.SUCCESS
    leaked = dig(payload, "action") == "publicly_leaked" or dig(payload, "alert.publicly_leaked", False)
    return Severity.CRITICAL if leaked else Severity.ERROR


_SECRET = Kind(
    title=alert_title("Secret", "alert.secret_type_display_name", "alert.secret_type"),
    urls=("alert.html_url",),
    times=times("alert"),
    severity=_secret,
    labels=(
        ("Validity", "alert.validity"),
        ("File", "location.details.path"),
        ("Place", "location.type"),
        ("Commit", "location.details.commit_sha"),
        ("Pushed anyway", "alert.push_protection_bypassed"),
    ),
)

SECURITY: Mapping[str, Kind] = {
    "dependabot_alert": Kind(
        title=alert_title("Vulnerable dependency", "alert.security_advisory.summary", "alert.dependency.package.name"),
        times=times("alert"),
        urls=("alert.html_url",),
        severity=grade,
        labels=(
            ("Reason", "alert.dismissed_reason"),
            ("File", "alert.dependency.manifest_path"),
            ("Affected", "alert.security_vulnerability.vulnerable_version_range"),
            ("Fixed in", "alert.security_vulnerability.first_patched_version.identifier"),
            ("CVSS", "alert.security_advisory.cvss.score"),
            ("Advisory", "alert.security_advisory.ghsa_id"),
            ("CVE", "alert.security_advisory.cve_id"),
        ),
    ),
    "repository_vulnerability_alert": Kind(
        title=alert_title("Vulnerable dependency", "alert.affected_package_name"),
        times=times("alert"),
        urls=("alert.external_reference",),
        severity=grade,
        labels=(
            ("Reason", "alert.dismiss_reason"),
            ("Affected", "alert.affected_range"),
            ("Fixed in", "alert.fixed_in"),
            ("Advisory", "alert.ghsa_id"),
            ("CVE", "alert.external_identifier"),
        ),
    ),
    "code_scanning_alert": Kind(
        title=alert_title("Weak code", "alert.rule.description", "alert.rule.name", "alert.rule.id"),
        times=("alert.updated_at", "alert.fixed_at", "alert.dismissed_at", "alert.created_at"),
        urls=("alert.html_url",),
        severity=grade,
        labels=(
            ("Reason", "alert.dismissed_reason"),
            ("Line", "alert.most_recent_instance.location.start_line"),
            ("Branch", "ref"),
            ("Commit", "commit_oid"),
            ("Rule", "alert.rule.id"),
            ("Tool", "alert.tool.name"),
        ),
    ),
    "secret_scanning_alert": _SECRET,
    "secret_scanning_alert_location": _SECRET,
    "secret_scanning_scan": Kind(
        title=called("Secret scanning"),
        times=("completed_at", "started_at"),
        labels=(
            ("Scan", "type"),
            ("Of", "source"),
            ("Pattern", "custom_pattern_name"),
            ("Secrets", "secret_types"),
        ),
    ),
    "security_advisory": _advisory("security_advisory"),
    "repository_advisory": _advisory("repository_advisory"),
    "security_and_analysis": Kind(title=called("Security features")),
    "branch_protection_configuration": Kind(title=called("Branch protection"), severity=_GONE),
    "branch_protection_rule": Kind(
        title=named("Protection of", "rule.name"),
        times=times("rule"),
        severity=_GONE,
        labels=(
            ("Approvals", "rule.required_approving_review_count"),
            ("Checks", "rule.required_status_checks"),
            ("Forced pushes", "rule.allow_force_pushes_enforcement_level"),
        ),
        thing="rule",
    ),
    "repository_ruleset": Kind(
        title=named("Ruleset", "repository_ruleset.name"),
        urls=("repository_ruleset._links.html.href",),
        times=times("repository_ruleset"),
        severity=_GONE,
        labels=(
            ("Enforcement", "repository_ruleset.enforcement"),
            ("Of", "repository_ruleset.target"),
            ("For", "repository_ruleset.conditions.ref_name.include"),
            ("Rules added", "changes.rules.added"),
            ("Rules removed", "changes.rules.deleted"),
        ),
        thing="repository_ruleset",
    ),
    "deploy_key": Kind(
        title=named("Deploy key", "key.title"),
        times=times("key"),
        severity=by_action(created=Severity.WARNING),
        labels=(("Read only", "key.read_only"),),
    ),
    "personal_access_token_request": Kind(
        title=lambda payload: (
            f"Access token {dig(payload, 'personal_access_token_request.token_name')} of "
            f"{dig(payload, 'personal_access_token_request.owner.login') or 'somebody'}"
        ),
        urls=("organization.html_url",),
        times=times("personal_access_token_request"),
        severity=by_action(created=Severity.WARNING),
        labels=(
            ("Repositories", "personal_access_token_request.repositories"),
            ("Which", "personal_access_token_request.repository_selection"),
            ("Expires", "personal_access_token_request.token_expires_at"),
        ),
    ),
}
