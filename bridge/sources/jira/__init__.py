"""Jira, Cloud and Data Center: https://developer.atlassian.com/server/jira/platform/webhooks/."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from bridge.errors import BadWebhook
from bridge.events import Event, Severity, Webhook
from bridge.fields import Payload, at, dig, first, moment, objects, part
from bridge.sources.base import MARK, Acknowledged, Source, decode_json, identifier, thread_key
from bridge.sources.jira.texts import markdown
from bridge.text import one_line, safe_url
from bridge.verification import Hmac

_SEVERITIES: Mapping[str, Severity] = {
    **dict.fromkeys(("blocker", "highest"), Severity.ERROR),
    **dict.fromkeys(("critical", "high"), Severity.WARNING),
}
# What nobody changes to tell others.
_UNTOLD = {"Rank", "timespent", "WorklogId", "WorklogTimeSpent", "RemoteIssueLink", "Comment", "IssueParentAssociation"}
# What the change of a field is called; others by their own name.
_FIELDS = {"issuetype": "Type", "duedate": "Due", "Fix Version": "Fix version", "timeestimate": "Remaining time"}
_TEXTS = {"description", "environment"}
# What is done to an issue, its word and its tone.
_DEEDS = {
    "created": ("created", "created", "success"),
    "deleted": ("deleted", "deleted", "quiet"),
    "commented": ("commented on", "comment", "info"),
    "comment_edited": ("edited a comment on", "comment edited", "quiet"),
    "comment_deleted": ("deleted a comment on", "comment deleted", "quiet"),
    "updated": ("changed", "changed", "info"),
}
_COMMENTS = {"created": "commented", "updated": "comment_edited", "deleted": "comment_deleted"}
_OF_UPDATES = {
    "issue_commented": "commented",
    "issue_comment_edited": "comment_edited",
    "issue_comment_deleted": "comment_deleted",
}
_WORDS = ("goal", "description", "comment", "body")
# Jira names neither the page of a person nor that of a project.
_UNKNOWN = {"who_url": "", "scope_url": ""}
# Things beside issues: where they are in the payload, and what they are called.
_THINGS = {
    "comment": "Comment",
    "sprint": "Sprint",
    "version": "Version",
    "board": "Board",
    "project": "Project",
    "user": "User",
    "worklog": "Work log",
    "issueLink": "Issue link",
}


def read(webhook: Webhook) -> Sequence[Event] | Acknowledged:
    """The one event of a delivery, or why there is none; BadWebhook for a body that is no object."""
    payload = decode_json(webhook.body)
    if not isinstance(payload, dict) or not payload:
        raise BadWebhook("The body is no event: is this a webhook of Jira?")
    kind = identifier(dig(payload, "webhookEvent").removeprefix("jira:")) or "message"
    base = Event(
        source="jira",
        kind=kind,
        delivery=webhook.header("X-Atlassian-Webhook-Identifier") or hashlib.sha256(webhook.body).hexdigest(),
        thread=thread_key(f"jira {kind}"),
        title="",
        payload=payload,
        actor=_actor(payload),
        occurred=moment(payload, "timestamp"),
    )
    digest = hashlib.sha256(webhook.body).hexdigest()
    if not part(payload, "issue"):
        return (_thing(base, payload, digest),)
    deed = _deed(kind, payload)
    items = [item for item in objects(payload, "changelog.items") if dig(item, "field") not in _UNTOLD]
    if deed == "updated" and not items and dig(payload, "issue_event_type_name") != "issue_assigned":
        return Acknowledged("It is an update of an issue that changes nothing that is told.")
    return (_issue(base, payload, deed, items, digest),)


def _deed(kind: str, payload: Payload) -> str:
    what, _, action = kind.rpartition("_")
    if what == "comment":
        return _COMMENTS.get(action, "commented")
    if kind == "issue_updated":
        own = _OF_UPDATES.get(dig(payload, "issue_event_type_name"))
        return own or ("commented" if part(payload, "comment") and not part(payload, "changelog") else "updated")
    return action if action in _DEEDS else "updated"


def _issue(base: Event, payload: Payload, deed: str, items: Sequence[Payload], digest: str) -> Event:
    issue, fields, comment = part(payload, "issue"), part(payload, "issue.fields"), part(payload, "comment")
    key, name = dig(issue, "key"), one_line(dig(fields, "summary"), 200)
    did, word, tone, after = _told(deed, fields, items)
    is_done = dig(fields, "status.statusCategory.key") == "done"
    moved = any(dig(item, "field") in {"status", "resolution"} for item in items)
    priority = dig(fields, "priority.name")
    is_ranked = deed == "created" or any(dig(item, "field") == "priority" for item in items)
    told = markdown(comment.get("body")) if comment else _text(deed, fields, items)
    # Jira tells of a comment twice, as a comment and as an update of its issue.
    twin = f"comment {dig(issue, 'id')} {dig(comment, 'id')} {comment.get('updated')} {deed} {dig(payload, MARK)}"
    return replace(
        base,
        digest=hashlib.sha256(twin.encode("utf-8", "replace")).hexdigest() if comment else digest,
        thread=thread_key(f"issue {_site(issue)} {dig(issue, 'id') or key}"),
        title=f"{key}: {name}" if key and name else name or key or "Issue",
        scope=one_line(dig(fields, "project.name") or key.partition("-")[0], 100),
        url=_page(issue, key),
        severity=Severity.SUCCESS
        if moved and is_done
        else _SEVERITIES.get(priority.lower(), Severity.INFO)
        if is_ranked
        else Severity.INFO,
        facts=_changes(items) if deed == "updated" else _facts(fields) if deed == "created" else (),
        ends_thread=deed == "deleted" or (moved and is_done),
        attributes={
            "project": dig(fields, "project.key") or key.partition("-")[0],
            "type": dig(fields, "issuetype.name"),
            "status": dig(fields, "status.name"),
            "priority": priority,
            "assignee": _person(part(fields, "assignee")),
            "labels": [label for label in at(fields, "labels") or [] if isinstance(label, str)]
            if isinstance(at(fields, "labels"), list)
            else [],
            "action": deed,
        },
        details={
            "did": did,
            "noun": (dig(fields, "issuetype.name") or "issue").lower(),
            "after": after,
            "reference": key,
            "name": name or key,
            "alone": f"{key} {name}".strip(),
            "word": word,
            "tone": "success" if moved and is_done else tone,
            "text": told,
            "quoted": deed == "commented",
            **_UNKNOWN,
        },
    )


def _told(deed: str, fields: Payload, items: Sequence[Payload]) -> tuple[str, str, str, str]:
    """What was done, its word, its tone, and what comes after the issue: `moved` ... `to In Progress`."""
    changed = {dig(item, "field"): item for item in items}
    if deed == "updated" and "status" in changed and (state := _shown(changed["status"].get("toString"))):
        return "moved", state, "info", f"to {state}"
    if deed == "updated" and set(changed) <= {"assignee"}:
        someone = _shown(changed["assignee"].get("toString")) if changed else _person(part(fields, "assignee"))
        word, after = ("assigned", f"to {someone}") if someone else ("unassigned", "")
        return word, word, "info", after
    return (*_DEEDS[deed], "")


def _text(deed: str, fields: Payload, items: Sequence[Payload]) -> str:
    if deed == "created":
        return markdown(fields.get("description"))
    return next((markdown(item.get("toString")) for item in items if dig(item, "field") in _TEXTS), "")


def _changes(items: Sequence[Payload]) -> tuple[tuple[str, str], ...]:
    pairs = []
    for item in items:
        field, old, new = dig(item, "field"), _shown(item.get("fromString")), _shown(item.get("toString"))
        if field and field not in _TEXTS and (old or new):
            shown = f"{old} → {new}" if old and new else new or f"no longer {old}"
            pairs.append((_FIELDS.get(field, field[:1].upper() + field[1:])[:40], shown))
    return tuple(pairs)


def _facts(fields: Payload) -> tuple[tuple[str, str], ...]:
    components = ", ".join(dig(one, "name") for one in objects(fields, "components"))
    pairs = (
        ("Priority", dig(fields, "priority.name")),
        ("Assigned to", _person(part(fields, "assignee"))),
        ("Components", components),
        ("Due", dig(fields, "duedate")),
    )
    return tuple((name, one_line(value, 100)) for name, value in pairs if value)


def _thing(base: Event, payload: Payload, digest: str) -> Event:
    """A sprint, a version, a project and the like, or something that is new to the bridge."""
    where, noun = next(((w, n) for w, n in _THINGS.items() if part(payload, w)), ("", ""))
    thing = part(payload, where) if where else {}
    name = one_line(first(thing, ("name", "displayName", "key")), 100)
    action, ident = base.kind.rpartition("_")[2].replace("-", " "), at(thing, "id") or name
    title = f"{noun} {name}".strip() if where else f"Jira: {base.kind.replace('_', ' ')}"
    in_url = re.search(r"/issue/(\d+)/", dig(thing, "self"))
    issue = str(at(thing, "issueId") or at(thing, "sourceIssueId") or (in_url[1] if in_url else ""))
    return replace(
        base,
        digest=digest,
        thread=thread_key(f"issue {_site(thing)} {issue}" if issue else f"{where or base.kind} {_site(thing)} {ident}"),
        title=title,
        url=safe_url(dig(thing, "self")) if "/rest/" not in dig(thing, "self") else "",
        actor=base.actor or _person(part(thing, "author")),
        attributes={"project": dig(payload, "project.key"), "action": action},
        details={
            "sentence": f"{title} was {action}" if where else "",
            "word": action,
            "text": next((text for name in _WORDS if (text := markdown(thing.get(name)))), ""),
            **_UNKNOWN,
        },
    )


def _actor(payload: Payload) -> str:
    paths = ("user", "comment.updateAuthor", "comment.author", "worklog.updateAuthor")
    return next((name for path in paths if (name := _person(part(payload, path)))), "")


def _person(who: Payload) -> str:
    return one_line(first(who, ("displayName", "name")), 80)


def _shown(value: Any) -> str:
    text = one_line(value, 80) if isinstance(value, str) else ""
    return re.sub(r"\[?com\.atlassian\.\S+@\w+\[.*", "", text).strip()


def _site(thing: Payload) -> str:
    return urlsplit(safe_url(dig(thing, "self"))).netloc


def _page(issue: Payload, key: str) -> str:
    """The issue's page; its payload names only its address in the API."""
    base, rest, _ = safe_url(dig(issue, "self")).partition("/rest/")
    return f"{base}/browse/{key}" if rest and re.fullmatch(r"[A-Z][A-Z0-9_]*-\d+", key) else ""


JIRA = Source(
    name="jira",
    title="Jira",
    # https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks
    scheme=Hmac("X-Hub-Signature", "sha256="),
    read=read,
    headers=lambda _event, delivery: {"X-Atlassian-Webhook-Identifier": delivery},
)
