"""Linear: https://linear.app/developers/webhooks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bridge.events import Event, Severity, Webhook
from bridge.fields import Payload, at, dig, first, moment, objects, part
from bridge.rendering.filters import upper_first
from bridge.rendering.text import done, in_words, one_line
from bridge.sources import kit
from bridge.sources.base import Ignored, Source, as_action, delivery_id
from bridge.sources.people import PeopleAt
from bridge.verification.combinations import Dated
from bridge.verification.signatures import Hmac

# What belongs to an issue, and is posted in its thread.
_OF_ISSUE = {"Comment", "Reaction", "IssueAttachment", "Attachment", "IssueSLA"}
# What every change changes, or what only the order of lists and boards needs.
_NOT_SHOWN = {
    "updatedAt", "editedAt", "sortOrder", "boardOrder", "subIssueSortOrder", "prioritySortOrder", "descriptionData",
    "bodyData", "previousIdentifiers", "number", "startedAt", "completedAt", "canceledAt", "triagedAt",
    "startedTriageAt", "addedToCycleAt", "addedToProjectAt", "addedToTeamAt", "autoClosedAt", "autoArchivedAt",
    "snoozedUntilAt", "subscriberIds", "labelIds", "reactionData", "slaMediumRiskAt", "slaHighRiskAt", "slaStartedAt",
    "slaType", "url", "progressHistory", "lastAppliedTemplateId", "botActor", "contentState", "documentContentId",
    "currentProgress", "inProgressScopeHistory", "completedScopeHistory", "scopeHistory", "issueCountHistory",
    "completedIssueCountHistory",
}  # fmt: skip
# https://linear.app/docs/priority
_PRIORITIES = {0: "No priority", 1: "Urgent", 2: "High", 3: "Medium", 4: "Low"}
# What has actions of its own.
_OF_OTHERS = {"Comment", "Reaction", "ProjectUpdate", "InitiativeUpdate", "IssueSLA"}
_ACTIONS = {"create": "created", "update": "updated", "remove": "deleted", "restore": "restored"}
_HEALTH = {"onTrack": Severity.SUCCESS, "atRisk": Severity.WARNING, "offTrack": Severity.ERROR}
_SLA = {"breached": Severity.ERROR, "highRisk": Severity.WARNING}


def read(webhook: Webhook) -> Sequence[Event] | Ignored:
    """The one event of a webhook, or nothing for a change that only moves things in a list."""
    payload = kit.json_object(webhook, "Linear")
    if dig(payload, "action") == "update" and isinstance(payload.get("updatedFrom"), dict) and not _changed(payload):
        return Ignored("Only the order has changed.")
    return (_event(payload, webhook),)


def _event(payload: Payload, webhook: Webhook) -> Event:
    data, kind = part(payload, "data"), dig(payload, "type") or "Event"
    word = dig(payload, "action")
    issue = _issue(kind, data)
    name = first(issue or data, ("title", "name")) or dig(data, "project.name") or in_words(kind)
    reference = _reference(issue) if issue else ""
    actor, actor_type = first(payload, ("actor.name", "data.user.name")), dig(payload, "actor.type")
    body = webhook.fingerprint
    labels = [name for label in objects(data, "labels") if (name := dig(label, "name"))]
    return Event(
        source="linear",
        kind=f"{kind}.{word}" if word else kind,
        # The header with its id is not signed.
        delivery=delivery_id(webhook.header("Linear-Delivery")) or body,
        dedup_key=body,
        correlation_key=kit.id_at(issue, "id") or _home(data) or f"event {body}",
        title=kit.title(name, reference),
        payload=payload,
        severity=_severity(kind, word, data, payload),
        scope=first(data, ("team.name", "issue.team.name", "team.key", "project.name")),
        actor=one_line("" if actor_type in {"integration", "application"} else actor, 80),
        url=dig(payload, "url"),
        occurred=moment(payload, "createdAt"),
        facts=tuple(_facts(payload, data, word, labels)),
        attributes=_attributes(payload, data, labels),
        details={
            "action": _action(kind, word, payload),
            "noun": in_words("Issue" if issue else kind),
            "name": name,
            "reference": reference,
            "text": _text(word, data, payload),
            "quoted": kind in {"Comment", "ProjectUpdate", "InitiativeUpdate"} and word == "create",
            "status": dig(data, "state.name"),
            "health": in_words(dig(data, "health")),
            "people": [name] if (name := dig(data, "assignee.name")) else [],
            "emoji": dig(data, "emoji"),
            "part": in_words(kind),
            "did": _ACTIONS.get(word) or done(word) or "changed",
            "machine": actor if actor_type in {"integration", "application"} else "",
        },
    )


def _issue(kind: str, data: Payload) -> Payload:
    if kind == "Issue":
        return data
    return part(data, "issue") or ({"id": data.get("issueId")} if kind in _OF_ISSUE and data.get("issueId") else {})


def _home(data: Payload) -> str:
    """What a project's update and an initiative's belong to; anything else is about itself."""
    return kit.id_at(data, "projectId", "initiativeId", "id")


def _reference(issue: Payload) -> str:
    number = kit.key(dig(issue, "team.key"), kit.id_at(issue, "number")).replace(" ", "-")
    return dig(issue, "identifier") or number


def _changed(payload: Payload) -> list[str]:
    return [name for name in part(payload, "updatedFrom") if name not in _NOT_SHOWN]


def _action(kind: str, word: str, payload: Payload) -> str:
    changes = _changed(payload)
    if kind in _OF_OTHERS:
        return f"{as_action(kind)}_{_ACTIONS.get(word, as_action(word))}"
    if kind != "Issue" and _issue(kind, part(payload, "data")):
        return "part_changed"  # of an issue, but what part is not known here
    if word == "update" and "identifier" in changes:
        return "moved_team"
    if word == "update" and changes == ["stateId"]:
        return "status_changed"
    if word == "update" and changes == ["assigneeId"]:
        return "assigned" if dig(payload, "data.assignee.name") else "unassigned_all"
    return _ACTIONS.get(word, word)


def _severity(kind: str, word: str, data: Payload, payload: Payload) -> Severity:
    if kind == "IssueSLA":
        return _SLA.get(word, Severity.INFO)
    if kind in {"ProjectUpdate", "InitiativeUpdate"}:
        return _HEALTH.get(dig(data, "health"), Severity.INFO)
    is_new = word == "create" or (word == "update" and "stateId" in _changed(payload))
    return Severity.SUCCESS if kind == "Issue" and is_new and dig(data, "state.type") == "completed" else Severity.INFO


def _text(word: str, data: Payload, payload: Payload) -> str:
    """A comment, or a description that is new."""
    is_new = word == "create" or "description" in _changed(payload)
    return "" if word == "remove" else dig(data, "body") or (dig(data, "description") if is_new else "")


def _facts(payload: Payload, data: Payload, word: str, labels: Sequence[str]) -> Iterator[tuple[str, str]]:
    if word == "update":
        yield from _changes(payload, data)
    values = kit.facts(
        Status=dig(data, "state.name"),
        Priority=dig(data, "priorityLabel") if data.get("priority") else "",
        Assignee=dig(data, "assignee.name"),
        Labels=kit.listed(labels),
        Project=dig(data, "project.name"),
        Cycle=dig(data, "cycle.name"),
        Health=in_words(dig(data, "health")),
        Due=dig(data, "dueDate") or dig(data, "targetDate"),
    )
    shown = {name for name, _ in _changes(payload, data)} if word == "update" else set()
    yield from (pair for pair in values if pair[0] not in shown and word != "remove")


def _changes(payload: Payload, data: Payload) -> Iterator[tuple[str, str]]:
    """What was changed: from → to where Linear sends the old value, which of another object is only its id."""
    before = part(payload, "updatedFrom")
    for name in _changed(payload):
        old, new = before.get(name), data.get(name)
        if name in {"description", "body", "content"}:
            continue
        if name == "priority":
            yield (
                "Priority",
                kit.change(_PRIORITIES.get(old if isinstance(old, int) else -1, ""), dig(data, "priorityLabel")),
            )
        elif name.endswith("Id"):
            # A name for an id: `state.name` for stateId.
            now = first(at(data, name.removesuffix("Id")), ("name", "title", "identifier"))
            yield _label(name), f"→ {now}" if now else "removed" if new is None else "changed"
        elif name.endswith("Ids") or isinstance(old, dict | list):
            yield _label(name.removesuffix("Ids") + "s" if name.endswith("Ids") else name), "changed"
        elif line := kit.change(_plain(old), _plain(new)):
            yield _label(name), line


def _label(name: str) -> str:
    return {"stateId": "Status", "identifier": "Issue"}.get(name) or upper_first(in_words(name.removesuffix("Id")))


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return one_line(str(value), 80) if isinstance(value, str | int | float) else ""


def _attributes(payload: Payload, data: Payload, labels: Sequence[str]) -> Mapping[str, Any]:
    return {
        "type": dig(payload, "type"),
        "action": dig(payload, "action"),
        "team": first(data, ("team.key", "issue.team.key")),
        "state": dig(data, "state.name"),
        "labels": labels,
        "health": dig(data, "health"),
    }


# After a minute, an hour and six hours: https://linear.app/developers/webhooks
_RETRIES = 8 * 3600.0

LINEAR = Source(
    name="linear",
    title="Linear",
    verifier=Dated(Hmac(header="Linear-Signature"), sent="webhookTimestamp", oldest=_RETRIES),
    read=read,
    headers=lambda event, delivery: {"Linear-Event": event, "Linear-Delivery": delivery},
    retry_window=_RETRIES,
    sent_field="webhookTimestamp",
    people=PeopleAt(
        actor=("actor", "data/user"),
        author=("data/creator", "data/issue/creator"),
        owner=("data/lead", "data/project/lead"),
        assignees=("data/assignee", "data/issue/assignee"),
    ),
)
