"""What else happens in a project: releases, wiki pages, feature flags, milestones, vulnerabilities, tokens."""

from collections.abc import Mapping
from dataclasses import replace

from bridge.events import Event, Severity
from bridge.fields import at, dig, objects, part
from bridge.rendering.text import in_words, one_line
from bridge.sources import kit
from bridge.sources.gitlab.issues import SEVERITIES
from bridge.sources.gitlab.places import commit_fact, day, home, moment, scope

_DONE: Mapping[str, str] = {
    "create": "created",
    "update": "edited",
    "delete": "deleted",
    "close": "closed",
    "reopen": "reopened",
    "activate": "reopened",
}
_OPEN = {"", "detected", "confirmed"}
_SETTLED = {"resolved": Severity.SUCCESS, "dismissed": Severity.INFO}
_MAX_BUTTONS = 3


def release(event: Event) -> Event:
    """A release that came out, was edited or deleted. GitLab does not say by whom."""
    payload = event.payload
    tag, action = dig(payload, "tag"), dig(payload, "action")
    name, commit = dig(payload, "name") or tag, part(payload, "commit")
    links = [
        (f"Download {one_line(dig(link, 'name'), 40) or 'the file'}", dig(link, "url"))
        for link in objects(payload, "assets.links")
    ]
    is_new = action == "create"
    about = replace(
        _record(event, "release", name, "released" if is_new else _DONE.get(action, action)),
        correlation_key=kit.key(home(payload), "release", tag or name),
        actor="",
        url=(dig(payload, "url") if action != "delete" else "") or event.url,
        occurred=moment(payload, "created_at") if is_new else None,
        facts=kit.facts(
            Tag=tag if tag != name else "",
            Commit=commit_fact(dig(commit, "id"), commit),
            More_files=kit.listed(text.removeprefix("Download ") for text, _ in links[_MAX_BUTTONS:]),
        ),
        attributes=kit.with_attributes(event, tag=tag, action=action),
    )
    return kit.with_details(
        about, text=dig(payload, "description") if is_new else "", buttons=links[:_MAX_BUTTONS] if is_new else []
    )


def wiki_page(event: Event) -> Event:
    """A page of the wiki that was created, edited or deleted."""
    page = part(event.payload, "object_attributes")
    action, name = dig(page, "action"), dig(page, "title") or dig(page, "slug")
    message = dig(page, "message").strip()
    about = replace(
        _record(event, "wiki page", f"“{name}”" if name else "", _DONE.get(action, action)),
        correlation_key=kit.key(home(event.payload), "wiki", dig(page, "slug") or name),
        url=(dig(page, "url") if action != "delete" else dig(event.payload, "wiki.web_url")) or event.url,
    )
    if action == "create":
        return kit.with_details(about, text=dig(page, "content") if dig(page, "format") in {"", "markdown"} else "")
    # GitLab's own message names the page and says no more.
    said = "" if name.lower() in message.lower() else message
    buttons = [("See the changes", dig(page, "diff_url"))]
    return kit.with_details(
        about, text=said, quoted=True, buttons=buttons, page="Open the wiki" if action == "delete" else ""
    )


def feature_flag(event: Event) -> Event:
    """A feature flag that was turned on or off."""
    flag = part(event.payload, "object_attributes")
    name, active = dig(flag, "name"), at(flag, "active")
    status = ("on" if active else "off") if isinstance(active, bool) else ""
    about = replace(
        _record(event, "feature flag", name, f"turned_{status}" if status else "changed"),
        correlation_key=kit.key(home(event.payload), "feature flag", kit.id_at(flag, "id") or name),
        url=f"{event.url}/-/feature_flags" if event.url else "",
        attributes=kit.with_attributes(event, status=status),
    )
    return kit.with_details(about, text=dig(flag, "description"))


def token(event: Event) -> Event:
    """An access token or a deploy token of a project or a group that will expire within weeks or a day."""
    held, kind = part(event.payload, "object_attributes"), dig(event.payload, "object_kind")
    name, end, noun = dig(held, "name"), day(dig(held, "expires_at")), in_words(kind)
    page = {"access_token": "access_tokens", "deploy_token": "repository#js-deploy-tokens"}.get(kind, "")
    about = replace(
        _record(event, noun, name, "expires"),
        correlation_key=kit.key(home(event.payload), noun, kit.id_at(held, "id") or name),
        severity=Severity.WARNING,
        actor="",
        url=f"{event.url}/-/settings/{page}" if event.url and page else event.url,
        facts=kit.facts(
            Expires=end,
            Last_used=day(dig(held, "last_used_at")),
            User_name=dig(held, "username"),
            Created=day(dig(held, "created_at")),
        ),
    )
    return kit.with_details(about, where=scope(event.payload), when=end)


def milestone(event: Event) -> Event:
    """A milestone that was created, closed, reopened or deleted."""
    payload, goal = event.payload, part(event.payload, "object_attributes")
    action, number = dig(payload, "action") or dig(goal, "action"), kit.id_at(goal, "iid", "id")
    about = replace(
        _record(event, "milestone", dig(goal, "title"), _DONE.get(action, action)),
        correlation_key=kit.key(home(payload), "milestone", kit.id_at(goal, "id") or dig(goal, "title")),
        url=f"{event.url}/-/milestones/{number}" if event.url and number and action != "delete" else event.url,
        occurred=moment(goal, "updated_at"),
        facts=kit.facts(Starts=day(dig(goal, "start_date")), Due=day(dig(goal, "due_date"))),
        attributes=kit.with_attributes(event, action=action, state=dig(goal, "state")),
    )
    return kit.with_details(about, text=dig(goal, "description") if action == "create" else "")


def vulnerability(event: Event) -> Event:
    """A vulnerability that was found, confirmed, dismissed or resolved."""
    flaw = part(event.payload, "object_attributes")
    name, state, grade = dig(flaw, "title"), dig(flaw, "state"), dig(flaw, "severity")
    package = " ".join(filter(None, (dig(flaw, f"location.dependency.{path}") for path in ("package.name", "version"))))
    known = [dig(item, "name") for item in objects(flaw, "identifiers") if dig(item, "external_type") in {"cve", "cwe"}]
    return replace(
        _record(event, "vulnerability", name, state),
        correlation_key=kit.key(
            home(event.payload), "vulnerability", dig(flaw, "url").rstrip("/").rpartition("/")[2] or name
        ),
        severity=_SETTLED.get(state) or (SEVERITIES.get(grade, Severity.INFO) if state in _OPEN else Severity.INFO),
        url=dig(flaw, "url") or event.url,
        occurred=moment(flaw, "updated_at", "created_at"),
        facts=kit.facts(
            Severity=in_words(grade),
            Package=package,
            File=dig(flaw, "location.file"),
            Known_as=kit.listed(known),
            Found_by=in_words(dig(flaw, "report_type")),
            Issues=kit.listed(dig(item, "title") for item in objects(flaw, "issues")),
        ),
        attributes=kit.with_attributes(event, state=state, status=grade),
    )


def _record(event: Event, noun: str, name: str, action: str) -> Event:
    """The event as an action on something that has a name and no number."""
    name = one_line(name, 180)
    return replace(
        event,
        title=kit.title(f"{noun.capitalize()} {name}".strip()),
        details={**event.details, "noun": noun, "name": name, "action": action or "changed"},
    )
