"""Issues of Jira: created, changed, commented on, worked on, linked and deleted."""

import re
from dataclasses import replace
from typing import Any

from bridge.events import Event, Severity
from bridge.fields import Payload, at, dig, objects, part
from bridge.rendering.filters import duration
from bridge.rendering.text import one_line
from bridge.sources import kit
from bridge.sources.jira.changes import Change, changes, facts, happened
from bridge.sources.jira.names import below, day, named, person, text_of

# How much an issue matters when it is created, reopened, or becomes that important.
_PRIORITIES = {
    "blocker": Severity.ERROR,
    "highest": Severity.ERROR,
    "critical": Severity.WARNING,
    "high": Severity.WARNING,
}
# What an update is that brings no changelog.
_UPDATES = {
    "issue_comment_deleted": "comment_deleted",
    "issue_comment_edited": "comment_edited",
    "issue_commented": "commented",
    "issue_worklog_deleted": "work_removed",
    "issue_worklog_updated": "work_changed",
    "issue_work_logged": "work_logged",
    "issue_moved": "moved_away",
    "issue_closed": "closed",
    "issue_resolved": "resolved",
    "issue_reopened": "reopened",
}
# The types of an update that say nothing without a changelog.
_UNSPECIFIC = {"", "issue_updated", "issue_generic"}


def issue(event: Event) -> Event:
    """An issue that was created, changed or deleted; an update may bring a comment."""
    about, fields = _about(event), part(event.payload, "issue.fields")
    if event.kind.startswith("issue_created"):
        # The reporter need not have created it.
        actor = about.actor or person(fields.get("creator"))
        return _happened(
            replace(about, actor=actor, facts=_facts(fields, actor), severity=_weight(fields)),
            action="created",
            text=text_of(fields.get("description"), event.payload),
        )
    if event.kind.startswith("issue_deleted"):
        project = dig(fields, "project.key")
        url = below(event.details["base"], f"projects/{project}") if project else ""
        return _happened(replace(about, url=url, severity=Severity.WARNING), action="deleted", page="Open the project")
    return _update(about, fields)


def _update(event: Event, fields: Payload) -> Event:
    items, remark = changes(event.payload), part(event.payload, "comment")
    if remark and not items:
        return comment(event)
    text = text_of(remark.get("body"), event.payload)
    values = happened(items, event.payload) if items else _unlogged(event, fields)
    names = {item.field for item in items}
    is_deletion = event.kind == "issue_updated.issue_comment_deleted" and not items
    is_weighty = "priority" in names or values["action"] == "reopened"
    return _happened(
        replace(
            event,
            facts=facts(items),
            severity=max(event.severity, _weight(fields) if is_weighty else Severity.INFO),
            attributes=kit.with_attributes(event, changed=[item.field for item in items]),
        ),
        text=text or _edited(items, event.payload),
        quoted=bool(text) or "comment" in names,
        **({"comment": "deleted"} if is_deletion else {}),
        **values,
    )


def _edited(items: list[Change], payload: Payload) -> str:
    """The new text of what was edited."""
    texts = {item.field: item.new for item in items}
    if "comment" in texts:
        return text_of(texts["comment"], payload)
    return text_of(at(payload, "issue.fields.description"), payload) if "description" in texts else ""


def _unlogged(event: Event, fields: Payload) -> dict[str, Any]:
    """An update that names no change is what its type says, if need be in Jira's own words."""
    kind = event.kind.partition(".")[2]
    if kind == "issue_assigned":
        who = person(fields.get("assignee"))
        return {"action": "assigned" if who else "unassigned", "people": [who] if who else []}
    return {"action": _UPDATES.get(kind) or ("changed" if kind in _UNSPECIFIC else kind.removeprefix("issue_"))}


def says_nothing(payload: Payload) -> bool:
    """Whether an update neither changes what people read, nor says anything."""
    kind = dig(payload, "issue_event_type_name")
    if kind in _UPDATES or kind == "issue_assigned":
        return False
    is_unspecific = kind in _UNSPECIFIC or bool(objects(payload, "changelog.items"))
    return is_unspecific and not changes(payload) and not part(payload, "comment")


def comment(event: Event) -> Event:
    """A comment that was made, edited or deleted; some bring no issue but its id."""
    about, remark = _about(event), part(event.payload, "comment")
    author, comment_id = person(at(remark, "author")), kit.id_at(remark, "id")
    user = person(at(event.payload, "user"))
    if event.kind.startswith("comment_deleted"):
        # Nothing says who has deleted it but Jira's user, where it is named.
        return _happened(replace(about, actor=user), action="comment_deleted", comment="deleted", author=author)
    action = _comment_action(event, remark)
    editor = person(at(remark, "updateAuthor"))
    is_hidden = remark.get("jsdPublic") is False
    address = f"{about.url}?focusedCommentId={comment_id}" if "/browse/" in about.url and comment_id else about.url
    return _happened(
        replace(
            about,
            url=address,
            actor=user or (editor if action == "updated" else author),
            attributes=kit.with_attributes(about, internal=is_hidden or bool(part(remark, "visibility"))),
        ),
        action={
            ("created", False): "commented",
            ("updated", False): "comment_edited",
            ("created", True): "noted",
            ("updated", True): "note_edited",
        }[action, is_hidden],
        text=text_of(remark.get("body"), event.payload),
        comment=action,
        quoted=True,
    )


def _comment_action(event: Event, remark: Payload) -> str:
    """`created` or `updated`."""
    if event.kind in {"comment_updated", "issue_updated.issue_comment_edited"}:
        return "updated"
    # Old versions of Jira name no type of the update.
    is_old = event.kind == "issue_updated" and dig(remark, "updated") != dig(remark, "created")
    return "updated" if is_old else "created"


def worklog(event: Event) -> Event:
    """Work that somebody logged; it brings no issue but its id."""
    about, entry = _about(event), part(event.payload, "worklog")
    seconds = dig(entry, "timeSpentSeconds", 0)
    user, author, editor = (
        person(at(event.payload, path)) for path in ("user", "worklog.author", "worklog.updateAuthor")
    )
    action, actor = {
        "updated": ("work_changed", user or editor),
        "deleted": ("work_removed", user),
    }.get(event.kind.rpartition("_")[2], ("work_logged", user or author))
    return _happened(
        replace(
            about,
            actor=actor,
            facts=kit.facts(
                Started=day(dig(entry, "started")),
                Logged_by=author if action == "work_changed" and author != actor else "",
            ),
        ),
        action=action,
        spent=dig(entry, "timeSpent") or (duration(seconds) if seconds else ""),
        author=author,
        text=text_of(entry.get("comment"), event.payload),
        quoted=True,
    )


def link(event: Event) -> Event:
    """A link between two issues, in the thread of the first; their numbers alone are known."""
    made = part(event.payload, "issueLink")
    source, target = kit.id_at(made, "sourceIssueId"), kit.id_at(made, "destinationIssueId")
    if not (source and target):
        return event
    return replace(
        event,
        correlation_key=kit.key("jira", "issue", source),
        title=f"Issue {source}",
        details={
            **event.details,
            "action": {"issuelink_created": "link_added", "issuelink_deleted": "link_removed"}.get(
                event.kind, event.kind
            ),
            "relation": dig(made, "issueLinkType.outwardName") or named(made.get("issueLinkType")) or "is linked to",
            "source": source,
            "target": target,
        },
    )


def attachment(event: Event) -> Event:
    """A file that was attached or removed; its issue is not named."""
    file = part(event.payload, "attachment")
    name, is_gone = named(file.get("filename")), event.kind == "attachment_deleted"
    user = person(at(event.payload, "user"))
    return replace(
        event,
        correlation_key=kit.key(event.details["site"], "attachment", kit.id_at(file, "id")) or event.correlation_key,
        title=kit.title(name or "A file"),
        actor=user or ("" if is_gone else person(file.get("author"))),
        url=dig(file, "content"),
        details={
            **event.details,
            "action": "file_removed" if is_gone else "file_attached",
            "noun": "file",
            "name": name,
        },
    )


def sent(event: Event) -> Event:
    """An issue as a rule of Jira Automation sends it, which says how it stands, and not what was done to it."""
    about, fields, remark = _about(event), part(event.payload, "issue.fields"), part(event.payload, "comment")
    status = named(fields.get("status"))
    words = text_of(remark.get("body"), event.payload)
    return _happened(
        replace(about, facts=_facts(fields, ""), severity=Severity.INFO),
        action="sent",
        new=status,
        tone="success" if dig(fields, "status.statusCategory.key") == "done" else "",
        text=kit.remark(person(at(remark, "author")), words),
        quoted=bool(words),
    )


def _happened(event: Event, **details: Any) -> Event:
    return replace(event, details={**event.details, **details})


def _about(event: Event) -> Event:
    """What every event of an issue says of it; some know only its id."""
    item, fields = part(event.payload, "issue"), part(event.payload, "issue.fields")
    address = re.search(r"/issue/(\d+)", dig(event.payload, "comment.self") or dig(event.payload, "worklog.self"))
    issue_id = kit.id_at(item, "id") or kit.id_at(event.payload, "worklog.issueId") or (address[1] if address else "")
    key = one_line(dig(item, "key"), 40)
    name = one_line(dig(fields, "summary"), 180)
    home = event.details["base"]
    return replace(
        event,
        correlation_key=kit.key(event.details["site"] or "jira", "issue", issue_id or key) or event.correlation_key,
        title=kit.title(f"{key} {name}") if key or name else f"Issue {issue_id}".rstrip(),
        scope=named(fields.get("project")) or key.rpartition("-")[0] or event.scope,
        url=below(home, f"browse/{key}") if key else below(home, f"issues/?jql=id%3D{issue_id}") if issue_id else "",
        attributes=kit.with_attributes(event, **_attributes(fields, key)),
        details={
            **event.details,
            "scope_url": below(home, f"browse/{key.rpartition('-')[0]}") if key else "",
            "noun": named(fields.get("issuetype")).lower() or "issue",
            "reference": key,
            "name": name,
            "id": issue_id,
        },
    )


def _attributes(fields: Payload, key: str) -> dict[str, Any]:
    return {
        "key": key,
        "project": dig(fields, "project.key") or key.rpartition("-")[0],
        "issue_type": named(fields.get("issuetype")),
        "status": named(fields.get("status")),
        "priority": named(fields.get("priority")),
        "resolution": named(fields.get("resolution")),
        "assignee": person(fields.get("assignee")),
        "author": person(fields.get("reporter")) or person(fields.get("creator")),
        "labels": [label for label in dig(fields, "labels", list[Any]()) if isinstance(label, str)],
        "components": [named(each) for each in objects(fields, "components")],
        "fix_versions": [named(each) for each in objects(fields, "fixVersions")],
    }


def _weight(fields: Payload) -> Severity:
    is_done = dig(fields, "status.statusCategory.key") == "done"
    return Severity.INFO if is_done else _PRIORITIES.get(named(fields.get("priority")).lower(), Severity.INFO)


def _facts(fields: Payload, actor: str) -> kit.Facts:
    """What is known of an issue, in the order in which people ask for it."""
    about, reporter = _attributes(fields, ""), person(fields.get("reporter"))
    return kit.facts(
        Type=about["issue_type"],
        Priority=about["priority"],
        Resolution=about["resolution"],
        Assignee=about["assignee"],
        Reporter=reporter if reporter != actor else "",
        Due_date=day(dig(fields, "duedate")),
        Labels=kit.listed(about["labels"]),
        Components=kit.listed(about["components"]),
        Fix_versions=kit.listed(about["fix_versions"]),
    )
