"""Issues of Bitbucket Cloud: opened, changed, and commented on."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bridge.events import Event, Severity
from bridge.fields import Payload, at, dig, moment, part
from bridge.rendering.text import in_words, one_line
from bridge.sources import forge, kit
from bridge.sources.bitbucket.texts import markdown_of, person

# How much an issue matters when it is opened, or becomes that important.
_PRIORITIES = {"blocker": Severity.ERROR, "critical": Severity.WARNING}
_DONE = {"resolved", "closed", "duplicate", "invalid", "wontfix"}
_NAMES = {"kind": "Type", "responsible": "Assignee", "content": "Description"}
_COMMENTS = {"created": "created", "updated": "edited"}


def issue(event: Event) -> Event:
    """An issue that was opened, changed or commented on; an update brings the comment that was made with it."""
    item, action = part(event.payload, "issue"), event.kind.partition(".")[2]
    about = _about(event, item)
    comment = markdown_of(part(event.payload, "comment"), "content")
    if action == "created":
        text = markdown_of(item, "content")
        opened = replace(about, facts=_facts(item), severity=_weight(item))
        return kit.with_details(opened, action="opened", text=text)
    if changes := _changes(event.payload):
        severity = _weight(item) if "priority" in changes else about.severity
        facts = tuple((_label(name), line) for name, change in changes.items() if (line := _line(name, change)))
        is_rewritten = "content" in changes and not comment
        return kit.with_details(
            replace(about, facts=facts if len(changes) > 1 or "title" in changes else (), severity=severity),
            **_changed(changes),
            text=markdown_of(item, "content") if is_rewritten else comment,
            quoted=bool(comment),
        )
    if not action.startswith("comment_"):
        return kit.with_details(about, action=action, text=comment, quoted=bool(comment))
    done = action.removeprefix("comment_")
    is_reply = bool(kit.id_at(event.payload, "comment.parent.id"))
    return kit.with_details(
        replace(about, url=dig(event.payload, "comment.links.html.href") or about.url),
        action=forge.comment_action(_COMMENTS.get(done, done), is_reply=is_reply),
        text="" if done == "deleted" else comment,
        quoted=True,
    )


def is_empty(payload: Payload) -> bool:
    """Whether an update neither changes anything nor says anything."""
    has_issue = bool(kit.id_at(payload, "issue.id"))
    return has_issue and not _changes(payload) and not markdown_of(part(payload, "comment"), "content")


def _about(event: Event, item: Payload) -> Event:
    number = kit.id_at(item, "id")
    name, reference = one_line(dig(item, "title"), 180), f"#{number}" if number else ""
    return replace(
        event,
        correlation_key=kit.key(event.correlation_key, "issue", number),
        title=kit.title(name or "Issue", reference),
        url=dig(item, "links.html.href") or event.url,
        occurred=moment(event.payload, "comment.created_on") or moment(item, "updated_on"),
        attributes=kit.with_attributes(
            event,
            author=person(at(item, "reporter")),
            assignee=person(at(item, "assignee")),
            issue_type=dig(item, "kind") or dig(item, "type"),
            priority=dig(item, "priority"),
            state=dig(item, "state"),
        ),
        details={**event.details, "noun": "issue", "reference": reference, "name": name},
    )


def _weight(item: Payload) -> Severity:
    is_open = dig(item, "state") not in _DONE
    return _PRIORITIES.get(dig(item, "priority"), Severity.INFO) if is_open else Severity.INFO


def _facts(item: Payload) -> kit.Facts:
    kind = dig(item, "kind") or dig(item, "type")
    return kit.facts(
        Type=in_words(kind) if kind != "issue" else "",
        Priority=in_words(dig(item, "priority")),
        Assignee=person(at(item, "assignee")),
        Component=_shown(at(item, "component")),
        Milestone=_shown(at(item, "milestone")),
        Version=_shown(at(item, "version")),
    )


def _changes(payload: Payload) -> Mapping[str, Any]:
    """What was changed: each field's old and new value, under one name for its state."""
    found = {"state" if name == "status" else name: change for name, change in part(payload, "changes").items()}
    if "assignee" in found:
        found.pop("responsible", None)  # the same by a name for programs
    return {name: change for name, change in found.items() if at(change, "new") != at(change, "old")}


def _changed(changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The action of an update, with its values: the new state, or what else was changed, if it is one field."""
    if "state" not in changes and len(changes) > 1:
        return {"action": "changed"}
    name = "state" if "state" in changes else next(iter(changes))
    old, new = _shown(at(changes[name], "old")), _shown(at(changes[name], "new"))
    if name == "state":
        old, new = in_words(old), in_words(new)
        tone = "success" if new == "resolved" else "quiet" if new in _DONE else "info"
        return {"action": "field_changed", "field": name, "old": old, "new": new, "word": new, "tone": tone}
    if name in {"assignee", "responsible"}:
        return {"action": "assigned", "people": [new]} if new else {"action": "unassigned", "people": [old]}
    if name == "title":
        return {"action": "renamed"}
    if name == "content":
        return {"action": "description_edited"}
    return {"action": "field_changed", "field": name, "old": old, "new": new}


def _label(name: str) -> str:
    return _NAMES.get(name) or in_words(name).capitalize()


def _line(name: str, change: Any) -> str:
    """The change as a fact; the quote shows a text."""
    return "" if name == "content" else kit.change(_shown(at(change, "old")), _shown(at(change, "new")))


def _shown(value: Any) -> str:
    return one_line(value, 80) if isinstance(value, str) else person(value)
