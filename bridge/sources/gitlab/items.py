"""What happens to issues and merge requests, and what is said about these, commits and snippets."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bridge.events import Event, Severity
from bridge.fields import Payload, dig, first, part
from bridge.rendering.text import one_line
from bridge.sources.base import identifier
from bridge.sources.gitlab import changes
from bridge.sources.gitlab.changes import Deed
from bridge.sources.gitlab.words import (
    SEVERITIES,
    Facts,
    day,
    found,
    home,
    iid,
    labels,
    moment,
    names,
    number,
    people,
    spoken,
    subject,
    titled,
    undrafted,
    with_attributes,
)

_MERGE_REQUEST: Mapping[str, Deed] = {
    "open": Deed("opened", "opened", "success"),
    "close": Deed("closed", "closed", "quiet", "without merging"),
    "reopen": Deed("reopened", "reopened", "success"),
    "merge": Deed("merged", "merged", "merged", "into"),
    "approved": Deed("approved", "approved", "success"),
    "approval": Deed("approved", "approved", "success", "(more approvals are needed)"),
    "unapproved": Deed("took back the approval of", "approval withdrawn", "quiet"),
    "unapproval": Deed("took back the approval of", "approval withdrawn", "quiet"),
}
_ISSUE: Mapping[str, Deed] = {
    "open": Deed("opened", "opened", "success"),
    "close": Deed("closed", "closed", "merged"),
    "reopen": Deed("reopened", "reopened", "success"),
}
# Some system hooks name no action; then the state is one.
_STATES = {"opened": "open", "closed": "close", "merged": "merge"}
_TARGETS = ("object_attributes.target_project_id", "merge_request.target_project_id")
_SEVERITIES = {"warning": Severity.WARNING, "error": Severity.ERROR}
# What GitLab's people write most often.
_EMOJI = {"thumbsup": "👍", "thumbsdown": "👎", "tada": "🎉", "heart": "❤️", "rocket": "🚀", "eyes": "👀"}


def merge_request_thread(payload: Payload, ident: str) -> str:
    """The thread of a merge request, which its pipelines share; those of a fork run in another project than its own."""
    return f"{home(payload, *_TARGETS)} merge request {ident}"


def merge_request(event: Event) -> Event:
    """A merge request that was opened, changed, approved, merged or closed."""
    pull = part(event.payload, "object_attributes")
    action = dig(pull, "action") or _STATES.get(dig(pull, "state").strip(), "")
    deed = changes.update(event.payload) if action == "update" else _MERGE_REQUEST.get(action, changes.EDITED)
    target = dig(pull, "target_branch")
    if action == "open" and _is_draft(pull):
        deed = replace(deed, word="draft", tone="quiet", after="as a draft")
    elif action == "merge":
        deed = replace(deed, after="into" if target else "", place=target)
    elif action.startswith("unappro") and dig(pull, "system", False):
        deed = Deed("reset the approvals of", "approvals reset", "quiet", "by pushing to it")
    told = _about_merge_request(event, pull)
    return _told(
        told,
        deed,
        facts=changes.facts(changes.changed(event.payload)) if action == "update" else _facts(event.payload, action),
        text=_text(event.payload, action),
        source=dig(pull, "source_branch") if action in {"open", "reopen"} or deed.word == "ready" else "",
        target=target,
        commit=_commit(pull) if dig(pull, "oldrev") else {},
        review=action == "open" or deed.word in {"ready", "new commits", "review requested"},
    )


def issue(event: Event) -> Event:
    """An issue, an incident, a task or another work item that was opened, changed or closed."""
    item = part(event.payload, "object_attributes")
    action = dig(item, "action") or _STATES.get(dig(item, "state"), "")
    deed = changes.update(event.payload) if action == "update" else _ISSUE.get(action, changes.EDITED)
    told = _about_issue(event, item)
    if dig(item, "type") == "Incident" and action in {"open", "close", "reopen"}:
        bad = SEVERITIES.get(dig(item, "severity"), Severity.WARNING)
        severity = Severity.SUCCESS if action == "close" else max(bad, Severity.WARNING)
        told, deed = replace(told, severity=severity), replace(deed, tone=f"{severity}")
    if deed.word == "confidential":  # it has just become so
        told = replace(told, details={**told.details, "noun": told.attributes["type"], "confidential": False})
    return _told(
        told,
        deed,
        facts=changes.facts(changes.changed(event.payload)) if action == "update" else _facts(event.payload, action),
        text=_text(event.payload, action),
    )


def note(event: Event) -> Event:
    """A comment on a merge request, an issue, a commit or a snippet."""
    remark = part(event.payload, "object_attributes")
    edited = dig(remark, "action") == "update"
    told = _about_noted(event)
    hidden = dig(remark, "internal", False) or dig(remark, "confidential", False)
    comment = "an internal note" if hidden else "a comment"
    plain = "left an internal note on" if hidden else "commented on"
    path, line = dig(remark, "position.new_path"), number(remark, "position.new_line")
    where = path + (f":{line}" if line else "")
    return _told(
        replace(
            told,
            attributes=with_attributes(told, confidential=hidden or told.attributes["confidential"]),
            kind=f"note.{identifier(told.details['type'])}",
            url=dig(remark, "url") or told.url,
            occurred=moment(remark, "updated_at", "created_at"),
        ),
        Deed(
            f"edited {comment} on" if edited else plain,
            comment.partition(" ")[2],
            after="at" if where else "",
            place=where,
        ),
        text=first(remark, ("note", "description")),
        quoted=True,
    )


def emoji(event: Event) -> Event:
    """An emoji that was put on something, or taken off again."""
    award = part(event.payload, "object_attributes")
    name = dig(award, "name")
    sign = _EMOJI.get(name) or f":{name}:" if name else "an emoji"
    revoked = dig(award, "action") == "revoke" or dig(event.payload, "event_type") == "revoke"
    on = "a comment on" if dig(award, "awardable_type") == "Note" else ""
    did = f"took {sign} back from {on}" if revoked else f"reacted with {sign} to {on}"
    told = _about_noted(event)
    return _told(
        replace(
            told,
            url=dig(award, "awarded_on_url") or told.url,
            occurred=None if revoked else moment(award, "created_at"),
        ),
        Deed(did.strip(), "emoji", "quiet" if revoked else "info"),
        text=dig(event.payload, "note.note"),
    )


def _told(event: Event, deed: Deed, facts: Facts = (), text: str = "", **details: Any) -> Event:
    """The event with what was done to what it is about."""
    return replace(
        event,
        severity=max(event.severity, _SEVERITIES.get(deed.tone, Severity.SUCCESS)),
        facts=facts,
        details={**event.details, **vars(deed), "text": text, **details},
    )


def _about_noted(event: Event) -> Event:
    """What a comment or an emoji is on."""
    payload = event.payload
    if pull := part(payload, "merge_request"):
        return _about_merge_request(event, pull)
    if item := part(payload, "issue") or part(payload, "work_item"):
        return _about_issue(event, item)
    if commit := part(payload, "commit"):
        sha = number(commit, "id", "sha")
        name = dig(commit, "title") or subject(dig(commit, "message"))
        return _about(event, "commit", name, sha[:7], f"{home(payload)} commit {sha}", dig(commit, "url"))
    snippet = part(payload, "snippet") or part(payload, "project_snippet")
    ident = number(snippet, "id") or number(payload, "object_attributes.noteable_id")
    kind = "snippet" if snippet else spoken(dig(payload, "object_attributes.noteable_type")) or "something"
    thread = f"{home(payload)} {kind} {ident}"
    return _about(
        event, kind, dig(snippet, "title"), f"${ident}" if snippet and ident else "", thread, dig(snippet, "url")
    )


def _about_merge_request(event: Event, pull: Payload) -> Event:
    payload = event.payload
    ident = iid(pull)
    told = _about(
        event,
        "merge_request",
        undrafted(dig(pull, "title")),
        f"!{ident}" if ident else "",
        merge_request_thread(payload, ident or number(pull, "id")),
        dig(pull, "url"),
    )
    users = people(payload, "reviewers")
    return replace(
        told,
        attributes=with_attributes(
            told,
            branch=dig(pull, "target_branch"),
            source_branch=dig(pull, "source_branch"),
            labels=labels(payload, pull),
            draft=_is_draft(pull),
            state=dig(pull, "state"),
            author=_author(event, pull),
            assignees=_usernames(people(payload, "assignees", "assignee")),
            reviewers=_usernames(users),
        ),
    )


def _about_issue(event: Event, item: Payload) -> Event:
    payload = event.payload
    ident = iid(item)
    kind = spoken(dig(item, "type")) or "issue"
    # The body of an older GitLab does not say so, the header of an issue's own event does.
    of_issue = dig(payload, "object_kind") == "issue" and event.attributes["confidential"]
    hidden = dig(item, "confidential", False) or dig(payload, "event_type") == "confidential_issue" or of_issue
    told = _about(
        event,
        "issue",
        dig(item, "title"),
        f"#{ident}" if ident else "",
        f"{home(payload)} issue {ident or number(item, 'id')}",
        dig(item, "url"),
    )
    return replace(
        told,
        attributes=with_attributes(
            told,
            labels=labels(payload, item),
            confidential=hidden,
            state=dig(item, "state"),
            type=kind,
            author=_author(event, item),
            assignees=_usernames(people(payload, "assignees", "assignee")),
        ),
        details={**told.details, "noun": f"confidential {kind}" if hidden else kind, "confidential": hidden},
    )


def _about(event: Event, kind: str, name: str, reference: str, thread: str, url: str) -> Event:
    noun = kind.replace("_", " ")
    name = one_line(name, 200) or noun.capitalize()
    return replace(
        event,
        correlation_key=thread,
        title=titled(name, reference),
        url=url or event.url,
        occurred=moment(event.payload, "object_attributes.updated_at"),
        details={"type": kind, "noun": noun, "name": name, "reference": reference},
    )


def _is_draft(pull: Payload) -> bool:
    return dig(pull, "draft", False) or dig(pull, "work_in_progress", False)


def _author(event: Event, thing: Payload) -> str:
    """Who opened it, where it is the same who does it now; GitLab tells no other's name."""
    own = number(thing, "author_id")
    return str(event.attributes["sender"]) if own and own == number(event.payload, "user.id") else ""


def _usernames(users: list[Payload]) -> list[str]:
    return [name for user in users if (name := dig(user, "username"))]


def _facts(payload: Payload, action: str) -> Facts:
    if action != "open":
        return ()
    thing = part(payload, "object_attributes")
    weight = number(thing, "weight")
    return found(
        Assignees=names(people(payload, "assignees", "assignee")),
        Reviewers=names(people(payload, "reviewers")),
        Labels=", ".join(labels(payload, thing)),
        Due_date=day(dig(thing, "due_date")),
        Weight=weight,
        Severity=dig(thing, "severity") if dig(thing, "type") == "Incident" else "",
    )


def _text(payload: Payload, action: str) -> str:
    """What it is about, when it is new or was written anew."""
    is_new = action in {"open", "merge"} or (action == "update" and "description" in changes.changed(payload))
    return dig(payload, "object_attributes.description") if is_new else ""


def _commit(pull: Payload) -> dict[str, str]:
    commit = part(pull, "last_commit")
    message = dig(commit, "title") or dig(commit, "message")
    return {"id": dig(commit, "id"), "message": message, "url": dig(commit, "url")}
