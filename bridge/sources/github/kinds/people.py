"""People, teams, organizations, and the apps that they install."""

from collections.abc import Mapping

from bridge.events import Severity
from bridge.fields import Payload, dig, first
from bridge.sources.github.kind import Kind
from bridge.sources.github.words import by_action, named, times


def _webhook(payload: Payload) -> str:
    """By its id: its URL may hold a key."""
    return f"Webhook {dig(payload, 'hook_id', 0) or ''}".strip()


def _app(payload: Payload) -> str:
    return f"App {dig(payload, 'installation.app_slug') or dig(payload, 'installation.app_id', 0) or ''}".strip()


def _member(payload: Payload) -> str:
    login = first(payload, ("membership.user.login", "user.login", "invitation.login"))
    return f"Member {login}" if login else "Organization"


_TEAM = Kind(
    title=named("Team", "team.name"),
    urls=("team.html_url",),
    labels=(
        ("Description", "team.description"),
        ("Permission", "team.permission"),
        ("Privacy", "team.privacy"),
        ("Part of", "team.parent.name"),
    ),
    thing="team",
)
_INSTALLATION = Kind(
    title=_app,
    urls=("installation.html_url",),
    times=times("installation"),
    severity=by_action(suspend=Severity.WARNING, deleted=Severity.WARNING),
    labels=(("Repositories", "installation.repository_selection"), ("Asked by", "requester.login")),
)

PEOPLE: Mapping[str, Kind] = {
    "member": Kind(
        title=named("Collaborator", "member.login"),
        urls=("member.html_url",),
        labels=(("Role", "changes.role_name.to"), ("Permission", "changes.permission.to")),
        thing="member",
    ),
    "membership": Kind(title=named("Team", "team.name"), urls=("team.html_url",)),
    "team": _TEAM,
    "team_add": _TEAM,
    "organization": Kind(
        title=_member,
        urls=("membership.user.html_url", "user.html_url"),
        severity=by_action(deleted=Severity.CRITICAL),
        labels=(("Role", "membership.role"), ("State", "membership.state"), ("Role", "invitation.role")),
    ),
    "org_block": Kind(title=named("Blocked", "blocked_user.login"), urls=("blocked_user.html_url",)),
    "custom_property": Kind(
        title=named("Property", "definition.property_name"),
        labels=(
            ("Type", "definition.value_type"),
            ("Required", "definition.required"),
            ("Values", "definition.allowed_values"),
            ("Description", "definition.description"),
        ),
    ),
    "installation": _INSTALLATION,
    "installation_repositories": _INSTALLATION,
    "installation_target": Kind(title=named("Account", "account.login"), urls=("account.html_url",), thing="account"),
    "github_app_authorization": Kind(title=named("Authorization by", "sender.login"), urls=("sender.html_url",)),
    "marketplace_purchase": Kind(
        title=named("Plan of", "marketplace_purchase.account.login"),
        times=("effective_date",),
        labels=(
            ("Plan", "marketplace_purchase.plan.name"),
            ("Until now", "previous_marketplace_purchase.plan.name"),
            ("Billed", "marketplace_purchase.billing_cycle"),
            ("Seats", "marketplace_purchase.unit_count"),
            ("As of", "effective_date"),
        ),
    ),
    "meta": Kind(
        title=_webhook,
        severity=by_action(deleted=Severity.WARNING),
        labels=(("Events", "hook.events"),),
    ),
    "sponsorship": Kind(
        title=lambda payload: (
            f"{dig(payload, 'sponsorship.sponsor.login') or 'Somebody'} sponsors "
            f"{dig(payload, 'sponsorship.sponsorable.login') or 'somebody'}"
        ),
        urls=("sponsorship.sponsor.html_url",),
        labels=(
            ("Tier", "sponsorship.tier.name"),
            ("As of", "effective_date"),
        ),
        thing="sponsorship",
        severity=by_action(created=Severity.SUCCESS),
    ),
}
