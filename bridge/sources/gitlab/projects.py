"""What else happens in a project: releases, wiki pages, feature flags, milestones, vulnerabilities, tokens."""

from dataclasses import replace

from bridge.events import Event, Severity
from bridge.fields import dig, first, objects, part
from bridge.rendering.text import one_line
from bridge.sources.gitlab.words import (
    SEVERITIES,
    commit_fact,
    day,
    found,
    home,
    moment,
    number,
    scope,
    spoken,
    titled,
    with_attributes,
)

_DEEDS = {"create": ("created", "success"), "update": ("edited", "info"), "delete": ("deleted", "quiet")}
_MILESTONES = {
    "create": ("created", "success"),
    "close": ("closed", "merged"),
    "reopen": ("reopened", "success"),
    "activate": ("reopened", "success"),
    "delete": ("deleted", "quiet"),
}
_STATES = {
    "detected": "was found",
    "confirmed": "is confirmed",
    "dismissed": "was dismissed",
    "resolved": "is resolved",
}


def release(event: Event) -> Event:
    """A release that came out, was edited or deleted. GitLab does not say by whom."""
    payload = event.payload
    tag, action = dig(payload, "tag"), dig(payload, "action")
    did, tone = _DEEDS.get(action, ("changed", "info"))
    name = dig(payload, "name") or tag or "A release"
    commit = part(payload, "commit")
    sha = dig(commit, "id")
    links = [(one_line(dig(link, "name"), 40) or "Link", dig(link, "url")) for link in objects(payload, "assets.links")]
    return replace(
        event,
        correlation_key=f"{home(payload)} release {tag or name}",
        title=titled(f"Release {name}"),
        actor="",
        url=dig(payload, "url") or event.url,
        occurred=moment(payload, "created_at") if action == "create" else None,
        facts=found(Tag=tag if tag != name else "", Commit=commit_fact(sha, commit)),
        attributes=with_attributes(event, tag=tag, action=action),
        details={
            "word": "release" if action == "create" else f"release {did}",
            "tone": tone,
            "sentence": f"Release {name} {'is out' if action == 'create' else f'was {did}'}",
            "text": dig(payload, "description") if action in {"create", "update"} else "",
            "buttons": links[:3] if action == "create" else [],
        },
    )


def wiki_page(event: Event) -> Event:
    """A page of the wiki that was created, edited or deleted."""
    page = part(event.payload, "object_attributes")
    action = dig(page, "action")
    did, tone = _DEEDS.get(action, ("changed", "info"))
    name = dig(page, "title") or dig(page, "slug") or "Wiki page"
    message = dig(page, "message").strip()
    said = "" if name.lower() in message.lower() else message  # GitLab's own names the page
    return replace(
        event,
        correlation_key=f"{home(event.payload)} wiki {dig(page, 'slug') or name}",
        title=titled(f"Wiki page “{one_line(name, 150)}”"),
        url=(dig(page, "url") if action != "delete" else dig(event.payload, "wiki.web_url")) or event.url,
        details={
            "did": did,
            "noun": "wiki page",
            "name": one_line(name, 200),
            "reference": "wiki page",
            "alone": f"the wiki page “{name}”",
            "word": f"wiki page {did}",
            "tone": tone,
            "after": f"({said})" if said else "",
            "text": dig(page, "content") if action == "create" and dig(page, "format") in {"", "markdown"} else "",
            "buttons": [("See the changes", dig(page, "diff_url"))] if action == "update" else [],
        },
    )


def feature_flag(event: Event) -> Event:
    """A feature flag that was turned on or off."""
    flag = part(event.payload, "object_attributes")
    name, active = dig(flag, "name"), dig(flag, "active", False)
    return replace(
        event,
        correlation_key=f"{home(event.payload)} feature flag {number(flag, 'id') or name}",
        title=titled(f"Feature flag {name}"),
        url=f"{event.url}/-/feature_flags" if event.url else "",
        attributes=with_attributes(event, status="on" if active else "off"),
        details={
            "did": f"turned {'on' if active else 'off'}",
            "noun": "feature flag",
            "name": one_line(name, 200),
            "alone": f"the feature flag {name}",
            "word": "on" if active else "off",
            "tone": "success" if active else "quiet",
            "text": dig(flag, "description"),
        },
    )


def access_token(event: Event) -> Event:
    """A token of a project or a group that will expire within two months, a week or a day."""
    token = part(event.payload, "object_attributes")
    name, end = dig(token, "name"), day(dig(token, "expires_at"))
    where = scope(event.payload)
    expires = f"expires on {end}" if end else "expires soon"
    return replace(
        event,
        correlation_key=f"{home(event.payload)} access token {number(token, 'id') or name}",
        title=titled(f"Access token {name}"),
        severity=Severity.WARNING,
        actor="",
        url=f"{event.url}/-/settings/access_tokens" if event.url else "",
        facts=found(Expires=end, Created=day(dig(token, "created_at"))),
        details={
            "word": "expires soon",
            "tone": "warning",
            "sentence": f"The access token {name}{f' of {where}' if where else ''} {expires}",
        },
    )


def milestone(event: Event) -> Event:
    """A milestone that was created, closed, reopened or deleted."""
    payload = event.payload
    goal = part(payload, "object_attributes")
    action = dig(payload, "action") or dig(goal, "action")
    did, tone = _MILESTONES.get(action, ("changed", "info"))
    name, ident = dig(goal, "title"), number(goal, "iid", "id")
    page = f"{event.url}/-/milestones/{ident}" if event.url and ident and action != "delete" else event.url
    return replace(
        event,
        correlation_key=f"{home(payload)} milestone {number(goal, 'id') or name}",
        title=titled(f"Milestone {name}"),
        url=page,
        occurred=moment(goal, "updated_at"),
        facts=found(Starts=day(dig(goal, "start_date")), Due=day(dig(goal, "due_date"))),
        attributes=with_attributes(event, action=action, state=dig(goal, "state")),
        details={
            "word": f"milestone {did}",
            "tone": tone,
            "sentence": f"The milestone {name} was {did}",
            "text": dig(goal, "description") if action == "create" else "",
        },
    )


def vulnerability(event: Event) -> Event:
    """A vulnerability that was found, confirmed, dismissed or resolved."""
    flaw = part(event.payload, "object_attributes")
    name, state, grade = dig(flaw, "title"), dig(flaw, "state"), dig(flaw, "severity")
    severity = SEVERITIES.get(grade, Severity.WARNING)
    closed = {"resolved": Severity.SUCCESS, "dismissed": Severity.INFO}.get(state)
    package = " ".join(filter(None, (dig(flaw, f"location.dependency.{path}") for path in ("package.name", "version"))))
    identifiers = [item for item in objects(flaw, "identifiers") if dig(item, "external_type") in {"cve", "cwe"}]
    return replace(
        event,
        correlation_key=f"{home(event.payload)} vulnerability {dig(flaw, 'url').rpartition('/')[2] or name}",
        title=titled(name or "Vulnerability"),
        severity=closed or severity,
        url=dig(flaw, "url") or event.url,
        occurred=moment(flaw, "updated_at", "created_at"),
        facts=found(
            Severity=spoken(grade),
            Package=package,
            File=dig(flaw, "location.file"),
            Known_as=", ".join(filter(None, (dig(item, "name") for item in identifiers))),
            Found_by=spoken(dig(flaw, "report_type")),
            Issues=", ".join(filter(None, (dig(item, "title") for item in objects(flaw, "issues")))),
        ),
        attributes=with_attributes(event, state=state, status=grade),
        details={
            "word": spoken(state) or "vulnerability",
            "tone": "" if closed is None else str(closed) if closed == Severity.SUCCESS else "quiet",
            "sentence": f"A vulnerability {_STATES.get(state, 'has changed')}: {name or first(flaw, ('url',))}",
        },
    )
