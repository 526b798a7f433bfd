"""What an update of an issue changed: the items of its changelog, and the action that they come to."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.fields import Payload, dig, objects
from bridge.rendering.filters import duration
from bridge.rendering.text import one_line
from bridge.sources import kit
from bridge.sources.jira.names import day
from bridge.values import dataclass

_LONGEST = 60  # characters of an old or a new value
# What only boards and reports need.
_TECHNICAL = {"rank", "worklogid", "workflow", "aggregatetimespent", "aggregatetimeestimate", "project id"}
# The facts of a change, the weightiest first, by the names that people know.
_NAMES: Mapping[str, str] = {
    "status": "Status",
    "resolution": "Resolution",
    "assignee": "Assignee",
    "priority": "Priority",
    "flagged": "Flagged",
    "issuetype": "Type",
    "summary": "Summary",
    "project": "Project",
    "key": "Key",
    "sprint": "Sprint",
    "fix version": "Fix version",
    "component": "Component",
    "labels": "Labels",
    "duedate": "Due date",
    "timespent": "Time spent",
    "timeestimate": "Remaining time",
    "timeoriginalestimate": "Estimate",
}
_TIMES = {"timespent", "timeestimate", "timeoriginalestimate"}
# Long texts, which the quote shows or nobody wants to see twice.
_TEXTS = {"description", "comment", "environment"}
# The action of a field that alone was changed, and now has a value or has none.
_ACTIONS: Mapping[str, tuple[str, str]] = {
    "assignee": ("assigned", "unassigned"),
    "priority": ("field_changed", "field_changed"),
    "flagged": ("flagged", "unflagged"),
    "sprint": ("planned", "unplanned"),
    "project": ("transferred", "transferred"),
    "summary": ("renamed", "renamed"),
    "description": ("description_edited", "description_removed"),
    "comment": ("comment_edited", "comment_deleted"),
    "link": ("linked", "unlinked"),
    "remoteissuelink": ("linked", "unlinked"),
    "attachment": ("attached", "detached"),
    "timespent": ("work_logged", "work_removed"),
    "resolution": ("resolved", "reopened"),
}


@dataclass(frozen=True)
class Change:
    """One field's change. field: its name in small letters; name: for people."""

    field: str
    name: str
    old: str
    new: str


def changes(payload: Payload) -> list[Change]:
    """What was changed that people read, the weightiest first."""
    items = [_change(item) for item in objects(payload, "changelog.items")]
    order = list(_NAMES)
    readable = [item for item in items if item.field and item.field not in _TECHNICAL and item.old != item.new]
    return sorted(readable, key=lambda item: order.index(item.field) if item.field in order else len(order))


def _change(item: Payload) -> Change:
    field = dig(item, "field").strip().lower()
    name = _NAMES.get(field) or one_line(dig(item, "field"), 40)
    old, new = dig(item, "fromString"), dig(item, "toString")
    if field in _TIMES:
        old, new = (duration(int(text)) if re.fullmatch(r"\d{1,9}", text) else "" for text in (old, new))
    elif field == "duedate":
        old, new = day(old), day(new)
    return Change(field, name[:1].upper() + name[1:], old.strip(), new.strip())


def facts(items: Sequence[Change]) -> kit.Facts:
    """Each change from what to what; texts are left to the quote."""
    return tuple((item.name, line) for item in items if item.field not in _TEXTS and (line := _line(item)))


def _line(change: Change) -> str:
    if change.field == "labels":
        old, new = change.old.strip('"').split(), change.new.strip('"').split()
        signs = [f"+{label}" for label in new if label not in old] + [f"-{label}" for label in old if label not in new]
        return one_line(", ".join(signs), 200)
    if change.field in {"link", "attachment", "remoteissuelink"}:
        return change.new or f"no longer: {change.old}"
    if max(len(change.old), len(change.new)) > _LONGEST and change.field != "summary":
        return "changed" if change.new else "removed"
    return kit.change(one_line(change.old, 95), one_line(change.new, 95))


def happened(items: Sequence[Change], payload: Payload) -> dict[str, Any]:
    """What the changes come to: the weightiest one's action, and what the action's sentence needs."""
    by_field = {item.field: item for item in items}
    if move := by_field.get("status"):
        is_reopened = "resolution" in by_field and not by_field["resolution"].new
        status = dig(payload, "issue.fields.status", dict[str, Any]())
        is_done = dig(status, "statusCategory.key") == "done" and dig(status, "name") == move.new
        return _values(move, "reopened" if is_reopened else "moved", tone="success" if is_done else "")
    rest = [item for item in items if item.field != "timeestimate"]
    if len(rest) == 1 or "assignee" in by_field:
        return _single(by_field.get("assignee") or rest[0], payload)
    return {"action": "changed", "fields": [_spoken(item) for item in rest]}


def _spoken(change: Change) -> str:
    return change.name.lower() if change.field in _NAMES else change.name


def _single(change: Change, payload: Payload) -> dict[str, Any]:
    action = _ACTIONS.get(change.field, ("field_changed", "field_changed"))[0 if change.new else 1]
    if change.field == "labels":
        line = _line(change)
        action = {"+": "labeled", "-": "unlabeled"}.get(line[:1], "") if " " not in line else ""
        return {"action": action or "labels_changed", "label": line[1:]}
    spent = _spent(payload) if change.field == "timespent" else ""
    people = [change.new or change.old] if change.field == "assignee" else []
    label = one_line(change.new or change.old, 120)
    return _values(change, action, field=_spoken(change), label=label, spent=spent, people=people)


def _values(change: Change, action: str, **values: Any) -> dict[str, Any]:
    return {"action": action, "old": one_line(change.old, _LONGEST), "new": one_line(change.new, _LONGEST), **values}


def _spent(payload: Payload) -> str:
    """How much more or less time was spent, by an update that says both sums."""
    item = next(item for item in objects(payload, "changelog.items") if dig(item, "field").lower() == "timespent")
    old, new = (dig(item, name) or "0" for name in ("fromString", "toString"))
    return duration(abs(int(new) - int(old))) if re.fullmatch(r"\d{1,9} \d{1,9}", f"{old} {new}") else ""
