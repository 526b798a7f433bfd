"""What an update of an issue changed: the items of its changelog, and the words for them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.fields import Payload, dig, objects
from bridge.rendering.filters import duration
from bridge.rendering.text import one_line
from bridge.sources.jira.words import Deed, Facts, changed, day, spoken

_LONGEST = 60  # characters of an old or a new value
# What only boards and reports need.
_UNTOLD = {"rank", "worklogid", "workflow", "aggregatetimespent", "aggregatetimeestimate", "project id", "key"}
# The facts of a change, the weightiest first, by the names that people know.
_NAMES: Mapping[str, str] = {
    "status": "Status",
    "resolution": "Resolution",
    "assignee": "Assignee",
    "priority": "Priority",
    "issuetype": "Type",
    "summary": "Summary",
    "project": "Project",
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


@dataclass(frozen=True)
class Change:
    """One field's change. field: its name in small letters; name: for people."""

    field: str
    name: str
    old: str
    new: str


def changes(payload: Payload) -> list[Change]:
    """What was changed and can be told, the weightiest first."""
    items = [_change(item) for item in objects(payload, "changelog.items")]
    order = list(_NAMES)
    told = [item for item in items if item.field and item.field not in _UNTOLD and item.old != item.new]
    return sorted(told, key=lambda item: order.index(item.field) if item.field in order else len(order))


def _change(item: Payload) -> Change:
    field = dig(item, "field").strip().lower()
    name = _NAMES.get(field) or one_line(dig(item, "field"), 40)
    old, new = dig(item, "fromString"), dig(item, "toString")
    if field in _TIMES:
        old, new = (duration(int(text)) if re.fullmatch(r"\d{1,9}", text) else "" for text in (old, new))
    elif field == "duedate":
        old, new = day(old), day(new)
    return Change(field, name[:1].upper() + name[1:], old.strip(), new.strip())


def facts(told: Sequence[Change]) -> Facts:
    """Each change from what to what; texts are left to the quote."""
    return tuple((one.name, line) for one in told if one.field not in _TEXTS and (line := _line(one)))


def _line(change: Change) -> str:
    if change.field == "labels":
        old, new = change.old.strip('"').split(), change.new.strip('"').split()
        signs = [f"+{label}" for label in new if label not in old] + [f"-{label}" for label in old if label not in new]
        return one_line(", ".join(signs), 200)
    if change.field in {"link", "attachment", "remoteissuelink"}:
        return change.new or f"no longer: {change.old}"
    if max(len(change.old), len(change.new)) > _LONGEST and change.field != "summary":
        return "changed" if change.new else "removed"
    return changed(one_line(change.old, 95), one_line(change.new, 95))


def deed(told: Sequence[Change], status: Payload) -> Deed:
    """What the changes come to, the weightiest as the verb; `status` is the one that the issue has now."""
    by_field = {one.field: one for one in told}
    if move := by_field.get("status"):
        return _moved(move, status, reopened="resolution" in by_field and not by_field["resolution"].new)
    rest = [one for one in told if one.field != "timeestimate"]
    if len(rest) == 1:
        return _single(rest[0])
    if "assignee" in by_field:
        return _single(by_field["assignee"])
    return Deed("changed", "changed")


def _moved(change: Change, status: Payload, *, reopened: bool) -> Deed:
    if reopened:
        return Deed("reopened", "reopened", "info", f"as {change.new}" if change.new else "")
    is_done = dig(status, "statusCategory.key") == "done" and dig(status, "name") == change.new
    return Deed(
        "moved", change.new or "moved", "success" if is_done else "info", f"to {change.new}" if change.new else ""
    )


def _single(change: Change) -> Deed:
    new = one_line(change.new, _LONGEST)
    if change.field == "assignee":
        return Deed("assigned", "assigned", after=f"to {new}") if new else Deed("unassigned", "unassigned", "quiet")
    if change.field in {"priority", "issuetype"}:
        what = "type" if change.field == "issuetype" else change.field
        return Deed(f"changed the {what} of", what, after=f"to {new}" if new else "")
    if change.field in {"sprint", "project"} and new:
        return Deed("moved", "moved", after=f"to {new}")
    return _VERBS[change.field][0 if new else 1] if change.field in _VERBS else _named(change)


def _named(change: Change) -> Deed:
    name = change.name if change.field not in _NAMES else spoken(change.name)
    return Deed(f"changed the {name} of" if change.field in _NAMES else f"changed {name} of", spoken(change.name))


# What is done to a field that has a value now, and to one that has none.
_VERBS: Mapping[str, tuple[Deed, Deed]] = {
    "summary": (Deed("renamed", "renamed"), Deed("renamed", "renamed")),
    "description": (Deed("edited the description of", "edited"), Deed("emptied the description of", "edited")),
    "comment": (Deed("edited a comment on", "comment"), Deed("deleted a comment on", "comment deleted", "quiet")),
    "link": (Deed("linked", "linked"), Deed("removed a link of", "link removed", "quiet")),
    "remoteissuelink": (Deed("linked", "linked"), Deed("removed a link of", "link removed", "quiet")),
    "attachment": (Deed("attached a file to", "attached"), Deed("removed a file from", "file removed", "quiet")),
    "timespent": (Deed("logged work on", "work logged"), Deed("removed logged work from", "work removed", "quiet")),
    "resolution": (Deed("resolved", "resolved", "success"), Deed("reopened", "reopened")),
}
