"""What stands around Jira's issues: sprints, versions, boards, projects, users. Nobody is named who did it."""

from collections.abc import Mapping
from dataclasses import replace

from bridge.events import Event, Severity
from bridge.fields import Payload, dig, part
from bridge.sources.jira.words import (
    below,
    changed,
    day,
    found,
    named,
    number,
    person,
    spoken,
    text_of,
    titled,
    with_attributes,
)

# What was done to a thing: the end of its sentence, its word and its tone.
_DONE: Mapping[str, tuple[str, str, str]] = {
    "created": ("was created", "created", "success"),
    "updated": ("was changed", "changed", "info"),
    "deleted": ("was deleted", "deleted", "quiet"),
    "soft_deleted": ("was put into the trash", "deleted", "quiet"),
    "restored_deleted": ("was restored", "restored", "success"),
    "archived": ("was archived", "archived", "quiet"),
    "restored_archived": ("was restored", "restored", "success"),
    "started": ("was started", "started", "success"),
    "closed": ("was closed", "closed", "success"),
    "released": ("was released", "released", "success"),
    "unreleased": ("is no longer released", "unreleased", "warning"),
    "moved": ("was moved", "moved", "info"),
    "merged": ("was merged into another", "merged", "quiet"),
    "configuration_changed": ("was configured anew", "configured", "info"),
}


def sprint(event: Event) -> Event:
    """A sprint that was created, started, changed, closed or deleted."""
    thing, old = part(event.payload, "sprint"), part(event.payload, "oldValue")
    edits = event.kind == "sprint_updated" and old
    board = number(thing, "originBoardId")
    facts = found(
        Name=changed(named(old), named(thing)) if edits else "",
        Start=_days(old, thing, "startDate") if edits else day(dig(thing, "startDate")),
        End=_days(old, thing, "endDate") if edits else day(dig(thing, "endDate")),
    )
    return _told(
        event,
        thing,
        "Sprint",
        url=below(event.details["base"], f"secure/RapidBoard.jspa?rapidView={board}") if board else "",
        facts=facts,
        text=dig(thing, "goal"),
    )


def _days(old: Payload, new: Payload, name: str) -> str:
    return changed(day(dig(old, name)), day(dig(new, name)))


def version(event: Event) -> Event:
    """A version that was created, released, changed, merged into another or deleted."""
    thing = part(event.payload, "version")
    project, ident = number(thing, "projectId"), number(thing, "id")
    address = f"secure/ReleaseNote.jspa?projectId={project}&version={ident}"
    into = named(part(event.payload, "mergedTo"))
    return _told(
        event,
        thing,
        "Version",
        url=below(event.details["base"], address) if project and ident else "",
        facts=found(Release_date=day(dig(thing, "releaseDate")), Merged_into=into),
        text=dig(thing, "description"),
    )


def board(event: Event) -> Event:
    """A board that was created, changed, configured or deleted."""
    thing = part(event.payload, "board") or part(event.payload, "configuration")
    ident = number(thing, "id")
    url = below(event.details["base"], f"secure/RapidBoard.jspa?rapidView={ident}") if ident else ""
    return _told(event, thing, "Board", url=url, facts=found(Type=dig(thing, "type")))


def project(event: Event) -> Event:
    """A project that was created, changed, archived or deleted."""
    thing = part(event.payload, "project")
    key = dig(thing, "key")
    about = replace(event, attributes=with_attributes(event, project=key), scope=named(thing) or event.scope)
    return _told(
        about,
        thing,
        "Project",
        url=below(event.details["base"], f"browse/{key}") if key else "",
        facts=found(Key=key, Lead=person(thing.get("projectLead"))),
    )


def user(event: Event) -> Event:
    """An account that was created, changed or deleted; the payload's user is whose it is."""
    thing = part(event.payload, "user")
    return _told(replace(event, actor=""), {**thing, "name": person(thing)}, "The account of")


def _told(
    event: Event, thing: Payload, noun: str, *, url: str = "", facts: tuple[tuple[str, str], ...] = (), text: str = ""
) -> Event:
    family, _, action = event.kind.partition("_")
    end, word, tone = _DONE.get(action, (f"had the event {spoken(action)}", spoken(action), "info"))
    name = named(thing)
    gone = action in {"deleted", "soft_deleted"} and family in {"project", "user"}
    what = f"{noun} {name}" if name else f"A {noun.lower()}" if noun != "The account of" else "An account"
    return replace(
        event,
        actor="",
        correlation_key=f"{event.correlation_key} {family} {number(thing, 'id', 'accountId', 'key') or name}",
        title=titled(what.removeprefix("The ").replace("account of", "Account of", 1)),
        severity=Severity.WARNING if gone or tone == "warning" else Severity.INFO,
        url="" if action == "deleted" and family != "sprint" else url,
        facts=facts,
        details={
            **event.details,
            "sentence": f"{what} {end}",
            "word": word,
            "tone": "warning" if gone else tone,
            "text": text_of(text, event.payload),
        },
    )
