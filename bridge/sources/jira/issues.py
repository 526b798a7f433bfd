"""Issues of Jira: created, changed, commented on, worked on, linked and deleted."""

import re
from dataclasses import replace
from typing import Any

from bridge.events import Event, Severity
from bridge.fields import Payload, at, dig, objects, part
from bridge.rendering.filters import duration
from bridge.rendering.text import one_line
from bridge.sources.jira.changes import Change, changes, deed, facts
from bridge.sources.jira.words import (
    Deed,
    below,
    day,
    found,
    named,
    number,
    person,
    text_of,
    titled,
    told,
    with_attributes,
)

# How much an issue matters when it is created, reopened, or becomes that important.
_PRIORITIES = {
    "blocker": Severity.ERROR,
    "highest": Severity.ERROR,
    "critical": Severity.WARNING,
    "high": Severity.WARNING,
}
# What an update is that brings no changelog.
_UPDATES = {
    "issue_comment_deleted": Deed("deleted a comment on", "comment deleted", "quiet"),
    "issue_worklog_deleted": Deed("removed logged work from", "work removed", "quiet"),
    "issue_worklog_updated": Deed("edited logged work of", "work logged"),
    "issue_work_logged": Deed("logged work on", "work logged"),
    "issue_moved": Deed("moved", "moved"),
    "issue_closed": Deed("closed", "closed", "success"),
    "issue_resolved": Deed("resolved", "resolved", "success"),
    "issue_reopened": Deed("reopened", "reopened"),
}
_COMMENTS = {
    "created": Deed("commented on", "comment"),
    "updated": Deed("edited a comment on", "comment"),
}


def issue(event: Event) -> Event:
    """An issue that was created, changed or deleted; an update may bring a comment."""
    about = _about(event)
    fields = part(event.payload, "issue.fields")
    if event.kind.startswith("issue_created"):
        deed_ = Deed("created", "created", "success")
        return told(
            replace(about, facts=_facts(fields, about.actor), severity=_weight(fields)),
            deed_,
            text=text_of(fields.get("description"), event.payload),
        )
    if event.kind.startswith("issue_deleted"):
        url = (
            below(event.details["base"], f"projects/{dig(fields, 'project.key')}") if dig(fields, "project.key") else ""
        )
        return told(replace(about, url=url, severity=Severity.WARNING), Deed("deleted", "deleted", "quiet"))
    return _update(about, fields)


def _update(event: Event, fields: Payload) -> Event:
    items, remark = changes(event.payload), part(event.payload, "comment")
    text = text_of(remark.get("body"), event.payload)
    if remark and not items:
        return comment(event)
    done = deed(items, part(fields, "status")) if items else _unlogged(event, fields)
    if done.did == "assigned" and done.after == f"to {event.actor}":
        done = replace(done, after="to themselves")
    names = {one.field for one in items}
    quoted = bool(text) or "comment" in names
    if not text:
        text = _edited(items, event.payload)
    gone = {"comment": "deleted"} if event.kind == "issue_updated.issue_comment_deleted" and not items else {}
    weighty = "priority" in names or done.word == "reopened"
    return told(
        replace(
            event,
            facts=facts(items),
            severity=max(event.severity, _weight(fields) if weighty else Severity.INFO),
            attributes=with_attributes(event, changed=[one.field for one in items]),
        ),
        done,
        text=text,
        quoted=quoted,
        **gone,
    )


def _edited(items: list[Change], payload: Payload) -> str:
    """The new text of what was edited."""
    texts = {one.field: one.new for one in items}
    if "comment" in texts:
        return text_of(texts["comment"], payload)
    return text_of(at(payload, "issue.fields.description"), payload) if "description" in texts else ""


def _unlogged(event: Event, fields: Payload) -> Deed:
    """An update that names no change is what its type says."""
    kind = event.kind.partition(".")[2]
    if kind == "issue_assigned":
        who = person(fields.get("assignee"))
        return Deed("assigned", "assigned", after=f"to {who}") if who else Deed("unassigned", "unassigned", "quiet")
    return _UPDATES.get(kind, Deed("changed", "changed"))


def says_nothing(payload: Payload) -> bool:
    """Whether an update neither changes what people read, nor says anything."""
    kind = dig(payload, "issue_event_type_name")
    is_known = kind in _UPDATES or kind == "issue_assigned"
    return not is_known and not changes(payload) and not part(payload, "comment")


def comment(event: Event) -> Event:
    """A comment that was made, edited or deleted; some bring no issue but its id."""
    about, remark = _about(event), part(event.payload, "comment")
    author, ident = person(at(remark, "author")), number(remark, "id")
    if event.kind.startswith("comment_deleted"):
        # Who deleted it is not said.
        by = f" by {author}" if author else ""
        sentence = f"A comment{by} on {about.details['reference'] or about.details['alone']} was deleted"
        details = {
            **about.details,
            "sentence": sentence,
            "word": "comment deleted",
            "tone": "quiet",
            "comment": "deleted",
        }
        return replace(about, actor="", details=details)
    address = f"{about.url}?focusedCommentId={ident}" if "/browse/" in about.url and ident else about.url
    hidden = remark.get("jsdPublic") is False
    what = _what(event, remark)
    done = _COMMENTS[what]
    if hidden:
        done = replace(
            done,
            did=done.did.replace("commented", "left an internal note").replace("a comment", "an internal note"),
            word="internal note",
        )
    return told(
        replace(
            about, url=address, attributes=with_attributes(about, internal=hidden or bool(part(remark, "visibility")))
        ),
        done,
        text=text_of(remark.get("body"), event.payload),
        comment=what,
        quoted=True,
    )


def _what(event: Event, remark: Payload) -> str:
    if event.kind in {"comment_updated", "issue_updated.issue_comment_edited"}:
        return "updated"
    is_old = event.kind == "issue_updated" and dig(remark, "updated") != dig(remark, "created")
    return "updated" if is_old else "created"


def worklog(event: Event) -> Event:
    """Work that somebody logged; it brings no issue but its id."""
    about, entry = _about(event), part(event.payload, "worklog")
    spent = dig(entry, "timeSpent") or (
        duration(dig(entry, "timeSpentSeconds", 0)) if entry.get("timeSpentSeconds") else ""
    )
    what = spent or "work"
    done = {
        "updated": Deed(f"changed logged work to {what} on", "work logged"),
        "deleted": Deed(f"removed {what} of logged work from", "work removed", "quiet"),
    }.get(event.kind.rpartition("_")[2], Deed(f"logged {what} on", "work logged"))
    return told(
        replace(about, facts=found(Started=day(dig(entry, "started")))),
        done,
        text=text_of(entry.get("comment"), event.payload),
        quoted=True,
    )


def link(event: Event) -> Event:
    """A link between two issues, told in the thread of the first; nobody is named."""
    made = part(event.payload, "issueLink")
    source, target = number(made, "sourceIssueId"), number(made, "destinationIssueId")
    if not (source and target):
        return event
    name = dig(made, "issueLinkType.outwardName") or named(made.get("issueLinkType")) or "is linked to"
    gone = event.kind == "issuelink_deleted"
    sentence = f"A link was {'removed' if gone else 'made'}: issue {source} {name} issue {target}"
    return replace(
        event,
        correlation_key=f"{event.correlation_key} issue {source}",
        title=f"Issue {source}",
        details={**event.details, "sentence": sentence, "word": "link removed" if gone else "linked"}
        | {"tone": "quiet" if gone else "info"},
    )


def attachment(event: Event) -> Event:
    """A file that was attached or removed; its issue is not said."""
    thing = part(event.payload, "attachment")
    name, gone = named(thing.get("filename")) or "a file", event.kind == "attachment_deleted"
    done = Deed("removed", "file removed", "quiet") if gone else Deed("attached", "attached")
    return told(
        replace(
            event,
            correlation_key=f"{event.correlation_key} attachment {number(thing, 'id')}",
            title=titled(name),
            actor=event.actor if gone else person(thing.get("author")) or event.actor,
            url=dig(thing, "content"),
        ),
        done,
        noun="file",
        name=name,
    )


def _about(event: Event) -> Event:
    """What every event of an issue says of it; some know only its id."""
    item, fields = part(event.payload, "issue"), part(event.payload, "issue.fields")
    address = re.search(r"/issue/(\d+)", dig(event.payload, "comment.self") or dig(event.payload, "worklog.self"))
    ident = number(item, "id") or number(event.payload, "worklog.issueId") or (address[1] if address else "")
    key = one_line(dig(item, "key"), 40)
    name = one_line(dig(fields, "summary"), 180)
    home = event.details["base"]
    kind = named(fields.get("issuetype"))
    project = named(fields.get("project")) or key.rpartition("-")[0]
    return replace(
        event,
        correlation_key=f"{event.correlation_key.partition(' issue ')[0]} issue {ident or key}",
        title=titled(key, name) or (f"Issue {ident}" if ident else "Issue"),
        scope=project or event.scope,
        url=below(home, f"browse/{key}") if key else below(home, f"issues/?jql=id%3D{ident}") if ident else "",
        attributes=with_attributes(event, **_attributes(fields, key)),
        details={
            **event.details,
            "scope_url": below(home, f"browse/{key.rpartition('-')[0]}") if key else "",
            "noun": kind.lower() or "issue",
            "reference": key,
            "name": name,
            "alone": titled(key, name) or (f"issue {ident}" if ident else "an issue"),
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


def _facts(fields: Payload, actor: str) -> tuple[tuple[str, str], ...]:
    about = _attributes(fields, "")
    reporter = person(fields.get("reporter"))
    return found(
        Type=about["issue_type"],
        Priority=about["priority"],
        Assignee=about["assignee"],
        Reporter=reporter if reporter != actor else "",
        Labels=", ".join(about["labels"]),
        Components=", ".join(about["components"]),
        Fix_versions=", ".join(about["fix_versions"]),
        Due_date=day(dig(fields, "duedate")),
    )[:6]
