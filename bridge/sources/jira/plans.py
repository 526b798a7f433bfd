"""What stands around Jira's issues: sprints, versions, boards, projects, accounts. Jira seldom says who acted."""

from dataclasses import replace

from bridge.events import Event, Severity
from bridge.fields import Payload, dig, part
from bridge.rendering.text import in_words
from bridge.sources import kit
from bridge.sources.jira.names import below, day, named, person, text_of

_GONE = {"deleted", "soft_deleted"}
_WARNINGS = {"unreleased"}


def sprint(event: Event) -> Event:
    """A sprint that was created, started, changed, closed or deleted."""
    plan, old = part(event.payload, "sprint"), part(event.payload, "oldValue")
    edits = event.kind == "sprint_updated" and old
    board = kit.id_at(plan, "originBoardId")
    facts = kit.facts(
        Name=kit.change(named(old), named(plan)) if edits else "",
        Start=_days(old, plan, "startDate") if edits else day(dig(plan, "startDate")),
        End=_days(old, plan, "endDate") if edits else day(dig(plan, "endDate")),
    )
    url = below(event.details["base"], f"secure/RapidBoard.jspa?rapidView={board}") if board else ""
    return _plan(event, plan, "sprint", url=url, facts=facts, text=dig(plan, "goal"))


def _days(old: Payload, new: Payload, name: str) -> str:
    return kit.change(day(dig(old, name)), day(dig(new, name)))


def version(event: Event) -> Event:
    """A version that was created, released, changed, merged into another or deleted."""
    plan = part(event.payload, "version")
    project_id, version_id = kit.id_at(plan, "projectId"), kit.id_at(plan, "id")
    address = f"secure/ReleaseNote.jspa?projectId={project_id}&version={version_id}"
    url = below(event.details["base"], address) if project_id and version_id else ""
    into = named(part(event.payload, "mergedTo"))
    facts = kit.facts(Release_date=day(dig(plan, "releaseDate")), Merged_into=into)
    return _plan(event, plan, "version", url=url, facts=facts, text=dig(plan, "description"))


def board(event: Event) -> Event:
    """A board that was created, changed, configured or deleted."""
    plan = part(event.payload, "board") or part(event.payload, "configuration")
    board_id = kit.id_at(plan, "id")
    url = below(event.details["base"], f"secure/RapidBoard.jspa?rapidView={board_id}") if board_id else ""
    return _plan(event, plan, "board", url=url, facts=kit.facts(Type=in_words(dig(plan, "type"))))


def project(event: Event) -> Event:
    """A project that was created, changed, archived or deleted."""
    plan = part(event.payload, "project")
    key = dig(plan, "key")
    about = replace(event, attributes=kit.with_attributes(event, project=key), scope=named(plan) or event.scope)
    url = below(event.details["base"], f"browse/{key}") if key else ""
    return _plan(about, plan, "project", url=url, facts=kit.facts(Key=key, Lead=person(plan.get("projectLead"))))


def user(event: Event) -> Event:
    """An account that was created, changed or deleted; the payload's user is whose it is."""
    plan = part(event.payload, "user")
    return _plan(replace(event, actor=""), {**plan, "name": person(plan)}, "account")


def _plan(event: Event, plan: Payload, noun: str, *, url: str = "", facts: kit.Facts = (), text: str = "") -> Event:
    family, _, action = event.kind.partition("_")
    name, plan_id = named(plan), kit.id_at(plan, "id", "accountId", "key")
    is_loss = action in _GONE and family in {"project", "user"}
    shown = f"Account of {name}" if noun == "account" and name else f"{noun.capitalize()} {name}".rstrip()
    return replace(
        event,
        correlation_key=kit.key(event.details["site"], family, plan_id or name) or event.correlation_key,
        title=kit.title(shown),
        severity=Severity.WARNING if is_loss or action in _WARNINGS else Severity.INFO,
        url="" if action == "deleted" and family != "sprint" else url,
        facts=facts,
        details={
            **event.details,
            "action": action,
            "noun": noun,
            "name": name,
            "is_plan": True,
            "page": "Open the board" if action == "deleted" else "",
            "text": text_of(text, event.payload),
        },
    )
