"""What an update of an issue or a merge request changed, and the words for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.fields import Payload, at, dig, first, objects, part
from bridge.rendering.filters import duration, figure
from bridge.rendering.text import one_line
from bridge.sources.gitlab.words import Facts, day, names, person, spoken, undrafted

_LONGEST = 60  # characters of an old or a new value
# What every change changes, or what only the boards need.
_UNTOLD = {
    "author_id", "closed_at", "created_at", "discussion_id", "head_pipeline_id", "id", "iid", "last_edited_at",
    "last_edited_by_id", "latest_merge_request_diff_id", "lock_version", "merge_error", "merge_jid", "merge_params",
    "merge_ref_sha", "merge_status", "merge_user_id", "position", "prepared_at", "project_id", "relative_position",
    "state", "state_id", "target_project_id", "source_project_id", "updated_at", "updated_by_id", "time_change",
    "total_time_spent", "work_in_progress", "url",
}  # fmt: skip
# The facts of a change, the weightiest first, by the names that people know.
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
Change = tuple[Any, Any]


@dataclass(frozen=True)
class Deed:
    """What somebody did to something: `assigned` it `to Mona Lisa`.

    did: the verb, before the thing. word, tone: for the card's first line and bar.
    after: the words behind the thing. place: a name of the machine world behind those.
    """

    did: str
    word: str
    tone: str = "info"
    after: str = ""
    place: str = ""


def changed(payload: Payload) -> dict[str, Change]:
    """What was changed and can be told: each field's old and new value, the weightiest first."""
    changes = part(payload, "changes") or part(payload, "object_attributes.changes")
    order = [*(name for name in _NAMES if name in changes), *(name for name in changes if name not in _NAMES)]
    pairs = {name: _pair(name, changes[name]) for name in order if name not in _UNTOLD}
    return {name: (old, new) for name, (old, new) in pairs.items() if (old or None) != (new or None)}


def is_empty(payload: Payload) -> bool:
    """Whether an update tells nothing: no commits came, and what was changed nobody reads."""
    named = isinstance(payload.get("changes"), dict)
    return named and not dig(payload, "object_attributes.oldrev") and not changed(payload)


def facts(changes: Mapping[str, Change]) -> Facts:
    """Each change from what to what; texts are left to the quote."""
    return tuple((_name(name), line) for name, change in changes.items() if (line := _line(name, *change)))


def update(payload: Payload) -> Deed:
    """What an update did: in its own words where it is one thing, else an edit."""
    changes = changed(payload)
    if dig(payload, "object_attributes.oldrev"):
        return Deed("pushed to", "new commits")
    if "draft" in changes:
        return _switched("draft", changes["draft"][1])
    return _single(*next(iter(changes.items()))) if len(changes) == 1 else EDITED


def _single(name: str, change: Change) -> Deed:
    old, new = change
    if name in {"assignees", "reviewers"}:
        return _people(name, old, new)
    if name == "target_branch":
        return Deed("retargeted", "retargeted", after="to", place=f"{new}")
    return _switched(name, new) if name in _SWITCHES else _SINGLE.get(name, EDITED)


def _switched(name: str, on: Any) -> Deed:
    return _SWITCHES[name][0 if on else 1]


EDITED = Deed("edited", "edited")
_SINGLE = {
    "title": Deed("renamed", "renamed"),
    "description": Deed("edited the description of", "edited"),
    "labels": Deed("changed the labels of", "labels"),
    "milestone_id": Deed("changed the milestone of", "milestone"),
    "due_date": Deed("changed the due date of", "due date"),
}
# What is on or off, each with what was done when it was turned on, and when it was turned off.
_AUTO_MERGE = (
    Deed("set", "auto-merge", after="to merge by itself when its checks pass"),
    Deed("stopped the auto-merge of", "no auto-merge", "quiet"),
)
_SWITCHES = {
    "draft": (Deed("marked", "draft", "quiet", "as a draft"), Deed("marked", "ready", "success", "as ready")),
    "confidential": (
        Deed("made", "confidential", "warning", "confidential"),
        Deed("made", "visible", after="visible to everyone in the project"),
    ),
    "discussion_locked": (
        Deed("locked the discussion of", "locked", "quiet"),
        Deed("unlocked the discussion of", "unlocked"),
    ),
    "merge_when_pipeline_succeeds": _AUTO_MERGE,
    "auto_merge_enabled": _AUTO_MERGE,
}
# What a reviewer who was asked before has done.
_REVIEWS = {
    "requested_changes": Deed("requested changes to", "changes requested", "warning"),
    "reviewed": Deed("reviewed", "reviewed"),
    "approved": Deed("approved", "approved", "success"),
    "review_started": Deed("started to review", "review started"),
}


def _people(name: str, old: list[Payload], new: list[Payload]) -> Deed:
    before, after = ({person(user) for user in users} for users in (old, new))
    came = [user for user in new if person(user) not in before]
    went = [user for user in old if person(user) not in after]
    if name == "assignees":
        if came:
            return Deed("assigned", "assigned", after=f"to {names(came)}")
        return Deed("unassigned", "unassigned", after=f"from {names(went)}" if went else "")
    again = [user for user in new if dig(user, "re_requested", False)]
    if came or again:
        return Deed("requested a review of", "review requested", after=f"from {names(came or again)}")
    if went:
        return Deed("withdrew the request for a review of", "review withdrawn", "quiet", f"from {names(went)}")
    states = {dig(user, "state") for user in new} - {dig(user, "state") for user in old}
    return next((deed for state, deed in _REVIEWS.items() if state in states), EDITED)


def _pair(name: str, change: Any) -> Change:
    """The old and the new value, without what makes the same look different."""
    tidy = _TIDY.get(name, lambda value: value)
    return tidy(at(change, "previous")), tidy(at(change, "current"))


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
    return _NAMES.get(name) or spoken(name.removesuffix("_id")).capitalize()


def _line(name: str, old: Any, new: Any) -> str:
    if name == "description" or name in _SWITCHES:
        return ""  # the sentence or the quote tells it
    if name == "labels":
        return ", ".join(
            [f"+{label}" for label in new if label not in old] + [f"-{label}" for label in old if label not in new]
        )
    if name.endswith("_id"):
        return "changed" if old and new else "set" if new else "removed"
    before, after = _shown(name, old), _shown(name, new)
    return f"{before or 'none'} → {after or 'none'}" if before != after else ""


def _shown(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return duration(value) if name == "time_estimate" and value else figure(value) if value else ""
    if isinstance(value, list):
        return names([user for user in value if isinstance(user, dict)])
    text = one_line(value, _LONGEST) if isinstance(value, str) else ""
    return day(text) if name.endswith("_date") else text
