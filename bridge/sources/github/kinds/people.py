"""People, teams, organizations, and the apps that they install."""

from collections.abc import Mapping
from dataclasses import replace

from bridge.events import Event, Severity
from bridge.fields import Payload, dig, first, objects
from bridge.sources.github.kind import Kind, values, with_details
from bridge.sources.github.severities import by_action
from bridge.sources.github.titles import named


def _webhook(payload: Payload) -> str:
    """By its id: its URL may hold a key."""
    return f"Webhook {dig(payload, 'hook_id', 0) or ''}".strip()


def _app(payload: Payload) -> str:
    return f"App {dig(payload, 'installation.app_slug') or dig(payload, 'installation.app_id', 0) or ''}".strip()


def _installed(event: Event) -> Event:
    """Which app, for whom, and what it may see."""
    payload = event.payload
    repositories = [
        (dig(each, "full_name"), "", "private" if dig(each, "private", False) else "")
        for path in ("repositories_added", "repositories_removed", "repositories")
        for each in objects(payload, path)
        if dig(each, "full_name")
    ]
    account = dig(payload, "installation.account.login")
    return with_details(event, account=account, rows=repositories, rows_of="repository", rows_many="repositories")


def _member(payload: Payload) -> str:
    login = first(payload, ("membership.user.login", "user.login", "invitation.login"))
    return f"Member {login}" if login else "Organization"


def _organization(event: Event) -> Event:
    """Who was added, invited or removed; otherwise it is about the organization itself."""
    payload = event.payload
    person = first(payload, ("membership.user.login", "user.login", "invitation.login", "invitation.email"))
    old, name = dig(payload, "changes.login.from"), dig(payload, "organization.login")
    return with_details(event, person=person, name="" if person or old else name, old=old, new=name)


def _sponsorship(payload: Payload) -> str:
    sponsor, sponsored = (dig(payload, f"sponsorship.{who}.login") for who in ("sponsor", "sponsorable"))
    return f"{sponsor} sponsors {sponsored}" if sponsor and sponsored else "Sponsorship"


_TEAM_ACTIONS = {"added_to_repository": "access_given", "removed_from_repository": "access_removed"}
_TEAM = Kind(
    noun="team",
    names=("team.name",),
    labels=(
        ("Description", "team.description"),
        ("Permission", "team.permission"),
        ("Privacy", "team.privacy"),
        ("Part of", "team.parent.name"),
    ),
    thing="team",
    actions=_TEAM_ACTIONS,
)
_INSTALLATION = Kind(
    noun="app",
    thing="installation",
    names=("installation.app_slug",),
    title=_app,
    severity=by_action(suspend=Severity.WARNING, deleted=Severity.WARNING),
    labels=(("Repositories", "installation.repository_selection"), ("Asked by", "requester.login")),
    actions={
        "created": "installed",
        "deleted": "uninstalled",
        "suspend": "suspended",
        "unsuspend": "unsuspended",
        "new_permissions_accepted": "permissions_accepted",
        "added": "repositories_added",
        "removed": "repositories_removed",
    },
    read=_installed,
)

PEOPLE: Mapping[str, Kind] = {
    "member": Kind(
        noun="collaborator",
        names=("member.login",),
        labels=(("Role", "changes.role_name.to"), ("Permission", "changes.permission.to")),
        thing="member",
        actions={"added": "collaborator_added", "edited": "permission_changed", "removed": "collaborator_removed"},
        read=values(person="member.login"),
    ),
    "membership": Kind(
        noun="team",
        thing="team",
        names=("team.name",),
        actions={"added": "team_member_added", "removed": "team_member_removed"},
        read=values(person="member.login"),
    ),
    "team": _TEAM,
    "team_add": replace(_TEAM, actions="access_given"),
    "organization": Kind(
        noun="organization",
        title=_member,
        urls=("membership.user.html_url", "user.html_url"),
        severity=by_action(deleted=Severity.CRITICAL),
        labels=(("Role", "membership.role"), ("State", "membership.state"), ("Role", "invitation.role")),
        read=_organization,
    ),
    "org_block": Kind(
        noun="user",
        thing="blocked_user",
        title=named("Blocked", "blocked_user.login"),
        actions={"blocked": "user_blocked", "unblocked": "user_unblocked"},
        read=values(person="blocked_user.login"),
    ),
    "custom_property": Kind(
        noun="property",
        names=("definition.property_name",),
        actions={"promote_to_enterprise": "promoted"},
        labels=(
            ("Type", "definition.value_type"),
            ("Required", "definition.required"),
            ("Values", "definition.allowed_values"),
            ("Description", "definition.description"),
        ),
    ),
    "installation": _INSTALLATION,
    "installation_repositories": _INSTALLATION,
    "installation_target": Kind(
        noun="account",
        thing="account",
        title=named("Account", "account.login"),
        read=values(old="changes.login.from", new="account.login"),
    ),
    "github_app_authorization": Kind(
        noun="authorization",
        thing="sender",
        title=named("Authorization by", "sender.login"),
        actions={"revoked": "authorization_revoked"},
    ),
    "marketplace_purchase": Kind(
        noun="plan",
        title=named("Plan of", "marketplace_purchase.account.login"),
        times=("effective_date",),
        labels=(
            ("Plan", "marketplace_purchase.plan.name"),
            ("Until now", "previous_marketplace_purchase.plan.name"),
            ("Billed", "marketplace_purchase.billing_cycle"),
            ("Seats", "marketplace_purchase.unit_count"),
            ("As of", "effective_date"),
        ),
        actions={
            "purchased": "plan_purchased",
            "cancelled": "plan_canceled",
            "changed": "plan_changed",
            "pending_change": "plan_change_requested",
            "pending_change_cancelled": "plan_change_canceled",
        },
        read=values(name="marketplace_purchase.plan.name", account="marketplace_purchase.account.login"),
    ),
    "meta": Kind(
        noun="webhook",
        title=_webhook,
        severity=by_action(deleted=Severity.WARNING),
        labels=(("Events", "hook.events"),),
    ),
    "sponsorship": Kind(
        noun="sponsorship",
        title=_sponsorship,
        urls=("sponsorship.sponsor.html_url",),
        labels=(
            ("Tier", "sponsorship.tier.name"),
            ("As of", "effective_date"),
        ),
        thing="sponsorship",
        actions={
            "created": "sponsored",
            "cancelled": "sponsorship_ended",
            "edited": "sponsorship_edited",
            "pending_cancellation": "sponsorship_ending",
            "pending_tier_change": "tier_change_pending",
        },
        read=values(
            sponsor="sponsorship.sponsor.login",
            sponsored="sponsorship.sponsorable.login",
            old="changes.tier.from.name",
            new="sponsorship.tier.name",
        ),
        severity=by_action(created=Severity.SUCCESS),
    ),
}
