"""Issues of Bitbucket Cloud: opened, changed, and commented on."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bridge.events import Event, Severity
from bridge.fields import Payload, at, dig, moment, part
from bridge.rendering.text import one_line
from bridge.sources.bitbucket.texts import markdown_of
from bridge.sources.bitbucket.words import (
    Deed,
    changed,
    commented,
    found,
    number,
    person,
    spoken,
    titled,
    told,
    with_attributes,
)

# How much an issue matters when it is opened, or becomes that important.
_PRIORITIES = {"blocker": Severity.ERROR, "critical": Severity.WARNING}
_DONE = {"resolved", "closed", "duplicate", "invalid", "wontfix"}
_NAMES = {"kind": "Type", "responsible": "Assignee"}


def issue(event: Event) -> Event:
    """An issue that was opened, changed or commented on; an update brings the comment that was made with it."""
    item, action = part(event.payload, "issue"), event.kind.partition(".")[2]
    ident = number(item, "id")
    if not ident:
        return event
    about = _about(event, item, ident)
    comment = markdown_of(part(event.payload, "comment"), "content")
    if action == "created":
        return told(
            replace(about, facts=_facts(item), severity=_weight(item)),
            Deed("opened", "opened", "success"),
            text=markdown_of(item, "content"),
        )
    if changes := _changes(event.payload):
        facts = {_label(name): _changed(change) for name, change in changes.items() if name != "content"}
        edited = "content" in changes and not comment
        return told(
            replace(about, facts=found(**facts), severity=_weight(item) if "priority" in changes else about.severity),
            _deed(changes),
            text=comment or (markdown_of(item, "content") if edited else ""),
            quoted=bool(comment),
        )
    deed = commented(action.removeprefix("comment_"), bool(number(event.payload, "comment.parent.id")))
    url = dig(event.payload, "comment.links.html.href") or about.url
    return told(replace(about, url=url), deed, text=comment, quoted=True)


def is_empty(payload: Payload) -> bool:
    """Whether an update neither changes anything nor says anything."""
    has_issue = bool(number(payload, "issue.id"))
    return has_issue and not _changes(payload) and not markdown_of(part(payload, "comment"), "content")


def _about(event: Event, item: Payload, ident: str) -> Event:
    name = one_line(dig(item, "title"), 180) or "Issue"
    return replace(
        event,
        correlation_key=f"{event.correlation_key} issue {ident}",
        title=titled(name, f"#{ident}"),
        url=dig(item, "links.html.href") or event.url,
        occurred=moment(event.payload, "comment.created_on") or moment(item, "updated_on"),
        attributes=with_attributes(
            event,
            author=person(at(item, "reporter")),
            assignee=person(at(item, "assignee")),
            issue_type=dig(item, "kind") or dig(item, "type"),
            priority=dig(item, "priority"),
            state=dig(item, "state"),
        ),
        details={**event.details, "noun": "issue", "reference": f"#{ident}", "name": name},
    )


def _weight(item: Payload) -> Severity:
    open_ = dig(item, "state") not in _DONE
    return _PRIORITIES.get(dig(item, "priority"), Severity.INFO) if open_ else Severity.INFO


def _facts(item: Payload) -> tuple[tuple[str, str], ...]:
    kind = dig(item, "kind") or dig(item, "type")
    return found(
        Type=kind if kind != "issue" else "",
        Priority=dig(item, "priority"),
        Assignee=person(at(item, "assignee")),
        Component=_shown(at(item, "component")),
        Milestone=_shown(at(item, "milestone")),
        Version=_shown(at(item, "version")),
    )


def _changes(payload: Payload) -> Mapping[str, Any]:
    """What was changed: each field's old and new value, under one name for its state."""
    told = {"state" if name == "status" else name: change for name, change in part(payload, "changes").items()}
    if "assignee" in told:
        told.pop("responsible", None)  # the same by a name for programs
    return {name: change for name, change in told.items() if at(change, "new") != at(change, "old")}


def _deed(changes: Mapping[str, Any]) -> Deed:
    state = _shown(at(changes, "state.new"))
    if state:
        return Deed(
            "moved", state, "success" if state == "resolved" else "quiet" if state in _DONE else "info", f"to {state}"
        )
    if len(changes) > 1:
        return Deed("changed", "changed")
    name, change = next(iter(changes.items()))
    if name in {"assignee", "responsible"}:
        who = _shown(at(change, "new"))
        return Deed("assigned", "assigned", after=f"to {who}") if who else Deed("unassigned", "unassigned")
    if name == "title":
        return Deed("renamed", "renamed")
    return Deed(
        f"changed the {'description' if name == 'content' else spoken(name)} of",
        "edited" if name == "content" else spoken(name),
    )


def _label(name: str) -> str:
    return (_NAMES.get(name) or spoken(name).capitalize()).replace(" ", "_")


def _changed(change: Any) -> str:
    """The change in short; the quote shows a text."""
    old, new = _shown(at(change, "old")), _shown(at(change, "new"))
    return "" if max(len(old), len(new)) > 60 else changed(old, new)


def _shown(value: Any) -> str:
    return one_line(value, 200) if isinstance(value, str) else person(value)
