"""Alerts, advisories, and what protects a repository."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from bridge.events import Event, Severity
from bridge.fields import Payload, at, dig, first, objects
from bridge.rendering.text import one_line
from bridge.sources import forge, kit
from bridge.sources.github.kind import Kind, values, with_details
from bridge.sources.github.severities import by_action, of_alert, of_secret
from bridge.sources.github.titles import named, times

_GONE = by_action(deleted=Severity.WARNING, disabled=Severity.WARNING)

# What GitHub's four kinds of alerts say in different words.
_ALERT_ACTIONS = {
    "created": "found",
    "create": "found",
    "reintroduced": "found_again",
    "appeared_in_branch": "found_on_branch",
    "publicly_leaked": "leaked",
    "resolve": "fixed",
    "dismiss": "dismissed",
    "closed_by_user": "dismissed",
    "reopened_by_user": "reopened",
    "reopen": "reopened",
}


def _by(event: Event, *paths: str) -> Event:
    """The event as the act of the one at these paths, if there is one: a sender can be GitHub."""
    path = next((path for path in paths if dig(event.payload, f"{path}.login")), "")
    if not path:
        return event
    named = replace(event, actor=dig(event.payload, f"{path}.login"))
    return with_details(named, machine="", actor_url=dig(event.payload, f"{path}.html_url"))


def _button(event: Event) -> list[tuple[str, str]]:
    return [("Open the alert", dig(event.payload, "alert.html_url"))]


def _alert(finder: str, *targets: str) -> Callable[[Event], Event]:
    """Reads an alert on a dependency or on code. finder: what finds such; targets: paths of what is vulnerable."""

    def read(event: Event) -> Event:
        payload, action = event.payload, event.details["action"]
        found = action.startswith("found")
        remark = dig(payload, "alert.dismissed_comment")
        if not remark and found:
            remark = first(payload, ("alert.security_advisory.description", *_MESSAGES))
        if action == "dismissed":
            event = _by(event, "alert.dismissed_by", "alert.dismisser")
        return with_details(
            event,
            finder=dig(payload, "alert.tool.name") or finder,
            target=first(payload, targets),
            is_vulnerability=_is_vulnerability(payload),
            text=remark,
            buttons=_button(event),
        )

    return read


_MESSAGES = ("alert.most_recent_instance.message.text", "alert.rule.full_description")


def _is_vulnerability(payload: Payload) -> bool:
    """Code scanning also finds what is merely unclean."""
    rule = at(payload, "alert.rule")
    tags = at(rule, "tags")
    return rule is None or bool(dig(rule, "security_severity_level")) or (isinstance(tags, list) and "security" in tags)


def _secret(event: Event) -> Event:
    payload, action = event.payload, event.details["action"]
    if action == "resolved":
        event = _by(event, "alert.resolved_by")
    place = at(payload, "location.details") or at(payload, "alert.first_location_detected")
    path, page = dig(place, "path").lstrip("/"), dig(place, "html_url")
    return with_details(
        event,
        finder="Secret scanning",
        people=list(filter(None, [dig(payload, "assignee.login")])),
        resolution=dig(payload, "alert.resolution"),
        validity=dig(payload, "alert.validity") if action.startswith("found") else "",
        bypasser=dig(payload, "alert.push_protection_bypassed_by.login"),
        bypasser_url=dig(payload, "alert.push_protection_bypassed_by.html_url"),
        where=forge.place(path, f"{line}" if (line := dig(place, "start_line", 0)) else ""),
        where_url=page,
        text=dig(payload, "alert.resolution_comment") if action == "resolved" else "",
        buttons=[*_button(event), ("See where it is", page)],
    )


def _secret_kind(**actions: str) -> Kind:
    return Kind(
        noun="secret",
        thing="alert",
        names=("alert.secret_type_display_name", "alert.secret_type"),
        number="alert.number",
        severity=of_secret,
        labels=(
            ("Place", "location.type"),
            ("Commit", "location.details.commit_sha"),
        ),
        actions={**_ALERT_ACTIONS, **actions},
        read=_secret,
    )


def _advisory(thing: str) -> Kind:
    def read(event: Event) -> Event:
        payload = event.payload
        packages = [
            (
                f"{dig(each, 'package.name')} {dig(each, 'vulnerable_version_range')}".strip(),
                first(each, ("first_patched_version.identifier", "patched_versions")),
            )
            for each in objects(payload, f"{thing}.vulnerabilities")
            if dig(each, "package.name")
        ]
        return with_details(
            event,
            machine=event.details["machine"] or ("" if event.actor else "GitHub"),
            ghsa=dig(payload, f"{thing}.ghsa_id"),
            packages=packages,
            text="" if event.details["action"] in {"withdrawn", "updated"} else dig(payload, f"{thing}.description"),
        )

    return Kind(
        noun="advisory",
        names=(f"{thing}.summary",),
        title=lambda payload: kit.title(
            one_line(dig(payload, f"{thing}.summary") or "Advisory", 160),
            f"({ghsa})" if (ghsa := dig(payload, f"{thing}.ghsa_id")) else "",
        ),
        urls=(f"{thing}.html_url",),
        times=times(thing),
        severity=of_alert,
        labels=(
            ("Severity", f"{thing}.severity"),
            ("CVSS", f"{thing}.cvss.score"),
            ("CVE", f"{thing}.cve_id"),
            ("Weakness", f"{thing}.cwes"),
            ("Withdrawn", f"{thing}.withdrawn_at"),
        ),
        read=read,
    )


SECURITY: Mapping[str, Kind] = {
    "dependabot_alert": Kind(
        noun="vulnerable dependency",
        thing="alert",
        names=("alert.security_advisory.summary", "alert.dependency.package.name"),
        number="alert.number",
        severity=of_alert,
        actions=_ALERT_ACTIONS,
        read=_alert("Dependabot", "alert.dependency.package.name"),
        labels=(
            ("Reason", "alert.dismissed_reason"),
            ("File", "alert.dependency.manifest_path"),
            ("Affected", "alert.security_vulnerability.vulnerable_version_range"),
            ("Fixed in", "alert.security_vulnerability.first_patched_version.identifier"),
            ("Severity", "alert.security_vulnerability.severity"),
            ("CVSS", "alert.security_advisory.cvss.score"),
            ("Advisory", "alert.security_advisory.ghsa_id"),
            ("CVE", "alert.security_advisory.cve_id"),
        ),
    ),
    "repository_vulnerability_alert": Kind(
        noun="vulnerable dependency",
        thing="alert",
        names=("alert.affected_package_name",),
        number="alert.number",
        urls=("alert.external_reference",),
        severity=of_alert,
        actions=_ALERT_ACTIONS,
        read=_alert("GitHub", "alert.affected_package_name"),
        labels=(
            ("Reason", "alert.dismiss_reason"),
            ("Severity", "alert.severity"),
            ("Affected", "alert.affected_range"),
            ("Fixed in", "alert.fixed_in"),
            ("Advisory", "alert.ghsa_id"),
            ("CVE", "alert.external_identifier"),
        ),
    ),
    "code_scanning_alert": Kind(
        noun="vulnerable code",
        thing="alert",
        names=("alert.rule.description", "alert.rule.name", "alert.rule.id"),
        number="alert.number",
        times=("alert.updated_at", "alert.fixed_at", "alert.dismissed_at", "alert.created_at"),
        severity=of_alert,
        # What comes back by itself nobody reopens.
        actions={**_ALERT_ACTIONS, "reopened": "auto_reopened"},
        read=_alert("Code scanning", "alert.most_recent_instance.location.path"),
        labels=(
            ("Reason", "alert.dismissed_reason"),
            ("Severity", "alert.rule.security_severity_level"),
            ("Line", "alert.most_recent_instance.location.start_line"),
            ("Branch", "ref"),
            ("Commit", "commit_oid"),
            ("Rule", "alert.rule.id"),
            ("Tool", "alert.tool.name"),
        ),
    ),
    "secret_scanning_alert": _secret_kind(),
    "secret_scanning_alert_location": _secret_kind(created="found_in_place"),
    "secret_scanning_scan": Kind(
        noun="secret scanning",
        actions={"completed": "scan_completed"},
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
    "branch_protection_configuration": Kind(
        noun="branch protection",
        severity=_GONE,
        actions={"enabled": "protection_enabled", "disabled": "protection_disabled"},
    ),
    "branch_protection_rule": Kind(
        noun="branch protection rule",
        names=("rule.name",),
        title=named("Protection of", "rule.name"),
        severity=_GONE,
        labels=(
            ("Approvals", "rule.required_approving_review_count"),
            ("Checks", "rule.required_status_checks"),
            ("Forced pushes", "rule.allow_force_pushes_enforcement_level"),
        ),
        thing="rule",
    ),
    "repository_ruleset": Kind(
        noun="ruleset",
        names=("repository_ruleset.name",),
        urls=("repository_ruleset._links.html.href",),
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
        noun="deploy key",
        thing="key",
        names=("key.title",),
        severity=by_action(created=Severity.WARNING),
        labels=(("Read only", "key.read_only"),),
    ),
    "personal_access_token_request": Kind(
        noun="access token",
        thing="personal_access_token_request",
        title=lambda payload: kit.title(
            f"Access token {dig(payload, 'personal_access_token_request.token_name')} of "
            f"{dig(payload, 'personal_access_token_request.owner.login') or 'somebody'}"
        ),
        actions={
            "created": "token_requested",
            "approved": "token_approved",
            "denied": "token_denied",
            "cancelled": "token_request_withdrawn",
        },
        read=values(owner="personal_access_token_request.owner.login", name="personal_access_token_request.token_name"),
        urls=("organization.html_url",),
        severity=by_action(created=Severity.WARNING),
        labels=(
            ("Repositories", "personal_access_token_request.repositories"),
            ("Which", "personal_access_token_request.repository_selection"),
            ("Expires", "personal_access_token_request.token_expires_at"),
        ),
    ),
}
