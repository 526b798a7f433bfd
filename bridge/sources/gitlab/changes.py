"""What an update of an issue or a merge request changed."""

from collections.abc import Callable, Mapping
from typing import Any

from bridge.fields import Payload, at, dig, first, objects, part
from bridge.rendering.filters import duration, figure
from bridge.rendering.text import in_words, one_line
from bridge.sources import kit
from bridge.sources.gitlab.places import day, names, person, undrafted

_LONGEST = 60  # characters of an old or a new value
# What every change changes, or what only the boards need.
_OMITTED = {
    "author_id", "closed_at", "created_at", "discussion_id", "head_pipeline_id", "id", "iid", "last_edited_at",
    "last_edited_by_id", "latest_merge_request_diff_id", "lock_version", "merge_error", "merge_jid", "merge_params",
    "merge_ref_sha", "merge_status", "merge_user_id", "position", "prepared_at", "project_id", "relative_position",
    "state", "state_id", "target_project_id", "source_project_id", "updated_at", "updated_by_id", "time_change",
    "total_time_spent", "work_in_progress", "url", "assignee_id", "assignee_ids", "reviewer_ids", "label_ids",
}  # fmt: skip
# The fields by the names that people know, the weightiest first.
_NAMES: Mapping[str, str] = {
    "title": "Title",
    "target_branch": "Target",
    "labels": "Labels",
    "assignees": "Assignees",
    "reviewers": "Reviewers",
    "milestone_id": "Milestone",
    "due_date": "Due date",
    "severity": "Severity",
    "time_estimate": "Estimate",
}
# The actions of what is on or off: when it was turned on, and when it was turned off.
_SWITCHES: Mapping[str, tuple[str, str]] = {
    "draft": ("drafted", "ready"),
    "confidential": ("made_confidential", "made_visible"),
    "discussion_locked": ("locked", "unlocked"),
    "merge_when_pipeline_succeeds": ("auto_merge_enabled", "auto_merge_disabled"),
    "auto_merge_enabled": ("auto_merge_enabled", "auto_merge_disabled"),
}
# The action of a reviewer who has now this state.
# https://docs.gitlab.com/user/project/integrations/webhook_events/#reviewer-state-tracking
_REVIEWS: Mapping[str, str] = {
    "requested_changes": "changes_requested",
    "reviewed": "reviewed",
    "approved": "approved",
    "unapproved": "approval_withdrawn",
    "review_started": "review_started",
}
# What the sentence of these actions does not say of the change.
_SHORT_SENTENCES = {"renamed", "retargeted", "labels_changed", "reviewers_changed", "edited"}
Change = tuple[Any, Any]


def changed(payload: Payload) -> dict[str, Change]:
    """What was changed and can be read: each field's old and new value, the weightiest first."""
    changes = part(payload, "changes") or part(payload, "object_attributes.changes")
    order = [*(name for name in _NAMES if name in changes), *(name for name in changes if name not in _NAMES)]
    pairs = {name: _pair(name, changes[name]) for name in order if name not in _OMITTED}
    return {name: pair for name, pair in pairs.items() if _comparable(name, pair[0]) != _comparable(name, pair[1])}


def is_empty(payload: Payload) -> bool:
    """Whether an update has nothing to read: no commits came, and what was changed nobody reads."""
    is_listed = isinstance(payload.get("changes"), dict)
    return is_listed and not dig(payload, "object_attributes.oldrev") and not changed(payload)


def update(payload: Payload) -> Mapping[str, Any]:
    """What an update did, as the details of the event: of one change its own action, else an edit."""
    changes = changed(payload)
    if dig(payload, "object_attributes.oldrev"):
        return {"action": "pushed"}
    if "draft" in changes:
        return {"action": _SWITCHES["draft"][0 if changes["draft"][1] else 1]}
    if len(changes) != 1:
        return {"action": "edited"}
    (name, (old, new)) = next(iter(changes.items()))
    if name in _SWITCHES:
        return {"action": _SWITCHES[name][0 if new else 1]}
    if reader := _SINGLE.get(name):
        return reader(payload, old, new)
    return _field(name, old, new)


def facts(payload: Payload, action: str) -> kit.Facts:
    """Each change from what to what, where the sentence of the action does not say it."""
    changes = changed(payload)
    if len(changes) == 1 and action not in _SHORT_SENTENCES:
        return ()
    return tuple((_name(name), line) for name, change in changes.items() if (line := _line(name, *change)))


def _field(name: str, old: Any, new: Any) -> Mapping[str, Any]:
    values = {} if name.endswith("_id") else {"old": _shown(name, old), "new": _shown(name, new)}
    return {"action": "field_changed", "field": _name(name), **values}


def _labels(_: Payload, old: list[str], new: list[str]) -> Mapping[str, Any]:
    came, went = [label for label in new if label not in old], [label for label in old if label not in new]
    if len(came) + len(went) != 1:
        return {"action": "labels_changed"}
    return {"action": "labeled" if came else "unlabeled", "label": (came or went)[0]}


def _assignees(_: Payload, old: list[Payload], new: list[Payload]) -> Mapping[str, Any]:
    came, went = _others(new, old), _others(old, new)
    return {"action": "assigned", "people": came} if came else {"action": "unassigned", "people": went}


def _reviewers(payload: Payload, old: list[Payload], new: list[Payload]) -> Mapping[str, Any]:
    """Who was asked for a review, or no longer is; or what the one reviewer did whose state is another now."""
    asked = _others(new, old) or names(user for user in new if dig(user, "re_requested", False))
    if asked:
        return {"action": "review_requested", "people": asked}
    if went := _others(old, new):
        return {"action": "review_request_withdrawn", "people": went}
    before = {_identity(user): dig(user, "state") for user in old}
    moved = [user for user in new if dig(user, "state") != before.get(_identity(user))]
    acted = len(moved) == 1 and _identity(moved[0]) == _identity(part(payload, "user"))
    return {"action": _REVIEWS.get(dig(moved[0], "state"), "reviewers_changed") if acted else "reviewers_changed"}


_SINGLE: Mapping[str, Callable[[Payload, Any, Any], Mapping[str, Any]]] = {
    "title": lambda _payload, _old, _new: {"action": "renamed"},
    "description": lambda _payload, _old, _new: {"action": "description_edited"},
    "target_branch": lambda _payload, _old, _new: {"action": "retargeted"},
    "labels": _labels,
    "assignees": _assignees,
    "reviewers": _reviewers,
}


def _others(users: list[Payload], than: list[Payload]) -> list[str]:
    known = set(map(_identity, than))
    return names(user for user in users if _identity(user) not in known)


def _identity(user: Payload) -> str:
    return first(user, ("username", "name"))


def _pair(name: str, change: Any) -> Change:
    """The old and the new value, without what makes the same look different. Reviewers come as two lists, too."""
    old, new = at(change, "previous"), at(change, "current")
    if isinstance(change, list) and len(change) == 2:
        old, new = change
    tidy = _TIDY.get(name, lambda value: value)
    return tidy(old), tidy(new)


def _comparable(name: str, value: Any) -> Any:
    """The value without what does not count: the order of people and labels, and what is known of a person."""
    if name == "labels":
        return sorted(value) or None
    if name in {"assignees", "reviewers"}:
        return sorted((_identity(user), dig(user, "state"), dig(user, "re_requested", False)) for user in value) or None
    return value or None


def _titles(found: Any) -> list[str]:
    return [first(label, ("title", "name")) for label in objects({"labels": found}, "labels")]


def _users(found: Any) -> list[Payload]:
    return objects({"users": found}, "users")


_TIDY: Mapping[str, Callable[[Any], Any]] = {
    "title": lambda value: undrafted(value) if isinstance(value, str) else "",
    "labels": _titles,
    "assignees": _users,
    "reviewers": _users,
}


def _name(name: str) -> str:
    return _NAMES.get(name) or in_words(name.removesuffix("_id")).capitalize()


def _line(name: str, old: Any, new: Any) -> str:
    if name == "description" or name in _SWITCHES:
        return ""  # the quote or the sentence has it
    if name == "labels":
        signs = [
            *(f"+{label}" for label in new if label not in old),
            *(f"-{label}" for label in old if label not in new),
        ]
        return kit.listed(signs)
    if name.endswith("_id"):
        return "changed" if old and new else "set" if new else "removed"
    return kit.change(_shown(name, old), _shown(name, new))


def _shown(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return duration(value) if name == "time_estimate" and value else figure(value) if value else ""
    if isinstance(value, list):
        return kit.listed(map(_reviewer, value))
    text = one_line(value, _LONGEST) if isinstance(value, str) else ""
    return day(text) if name.endswith("_date") else text


def _reviewer(user: Any) -> str:
    """A person, and of a reviewer how the review stands."""
    state = in_words(dig(user, "state"))
    return f"{person(user)} ({state})" if state and state != "unreviewed" else person(user)
