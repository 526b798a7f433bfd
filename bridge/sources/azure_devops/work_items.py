"""What happens to work items: who created, changed or commented on them, and each field's change."""

import re
from dataclasses import replace
from typing import Any

from bridge.events import Event
from bridge.fields import Payload, dig, moment, part
from bridge.rendering.text import one_line
from bridge.sources.azure_devops.messages import readable, sentence
from bridge.sources.azure_devops.words import Facts, number, person, titled, with_attributes

_LONGEST = 60  # characters of an old or a new value
_HTML = re.compile(r"</\w|<br|<img")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z?")

# What every change changes, or what only the boards need.
_UNTOLD = {
    "ActivatedBy", "ActivatedDate", "AreaId", "AttachedFileCount", "AuthorizedAs", "AuthorizedDate",
    "BacklogPriority", "BoardColumn", "BoardColumnDone", "BoardLane", "ChangedBy", "ChangedDate", "ClosedBy",
    "ClosedDate", "CommentCount", "CreatedBy", "CreatedDate", "ExternalLinkCount", "History", "HyperLinkCount",
    "Id", "IsDeleted", "IterationId", "NodeName", "PersonId", "Reason", "RelatedLinkCount", "RemoteLinkCount",
    "ResolvedBy", "ResolvedDate", "Rev", "RevisedDate", "StackRank", "StateChangeDate", "TeamProject", "Watermark",
}  # fmt: skip
_NAMES = {"AreaPath": "Area", "IterationPath": "Iteration", "WorkItemType": "Type"}
# The facts of a work item, in their order, and with a change the ones that come first.
_FACTS = ("State", "AssignedTo", "Priority", "Severity", "IterationPath", "AreaPath", "Tags")
# What is done, its word and its tone.
_DEEDS = {
    "created": ("created", "created", "success"),
    "updated": ("changed", "changed", "info"),
    "commented": ("commented on", "comment", "info"),
    "deleted": ("deleted", "deleted", "quiet"),
    "restored": ("restored", "restored", "success"),
}


def work_item(event: Event) -> Event:
    """A work item that was created, changed, commented on, deleted or restored."""
    resource = part(event.payload, "resource")
    action = event.kind.rpartition(".")[2]
    changed = _by_name(part(resource, "fields")) if action == "updated" else {}
    fields = _by_name(part(resource, "revision.fields" if action == "updated" else "fields"))
    told = re.match(r"([^#]{1,60}) #(\d+) \((.*)\) ", sentence(event.payload)) or ("", "", "", "")
    address = re.search(r"/(?:workItems|recyclebin)/(\d+)", dig(resource, "url"))
    ident = number(resource, "workItemId", "id") or (address[1] if address else "") or told[2]
    if not ident:
        return event
    kind = _shown(fields.get("WorkItemType")) or told[1] or "Work item"
    name = dig(fields, "Title") or told[3]
    did, word, tone, after = _deed(action, changed)
    return replace(
        event,
        correlation_key=f"work item {event.attributes['collection']} {ident}",
        title=titled(kind, ident, name),
        scope=_shown(fields.get("TeamProject")) or event.scope,
        actor=_actor(resource, fields, action) or event.actor,
        url=dig(resource, "_links.html.href") or dig(resource, "revision._links.html.href") or event.url,
        occurred=moment(changed, "ChangedDate.newValue") or event.occurred,
        facts=_changes(changed) if action == "updated" else _facts(fields) if action == "created" else (),
        attributes=with_attributes(
            event,
            project=_shown(fields.get("TeamProject")),
            type=kind,
            state=_shown(fields.get("State")),
            assigned_to=_shown(fields.get("AssignedTo")),
            area=dig(fields, "AreaPath"),
            labels=[tag.strip() for tag in dig(fields, "Tags").split(";") if tag.strip()],
        ),
        details={
            "type": kind,
            "number": ident,
            "name": one_line(name, 200) or kind,
            "did": did,
            "after": after,
            "word": word,
            "tone": tone,
            "text": readable(_text(fields, changed, action)) if resource else event.details["text"],
        },
    )


def _by_name(fields: Payload) -> dict[str, Any]:
    """Fields by the last part of their names, those of Azure DevOps itself before a process's own."""
    ordered = sorted(fields, key=lambda name: not name.startswith("System."))
    return {name.rpartition(".")[2]: fields[name] for name in reversed(ordered) if not name.startswith("WEF_")}


def _deed(action: str, changed: Payload) -> tuple[str, str, str, str]:
    """What was done, its word, its tone, and what comes after the work item: `moved` ... `to Resolved`."""
    did, word, tone = _DEEDS.get(action, ("changed", "changed", "info"))
    if state := dig(changed, "State.newValue"):
        return "moved", state, tone, f"to {state}"
    told = set(changed) - _UNTOLD
    if told == {"AssignedTo"}:
        someone = _shown(part(changed, "AssignedTo").get("newValue"))
        return ("assigned", "assigned", tone, f"to {someone}") if someone else ("unassigned", "unassigned", tone, "")
    if not told and "History" in changed:
        return (*_DEEDS["commented"], "")
    return did, word, tone, ""


def _changes(changed: Payload) -> Facts:
    """Each field that was changed, from what to what, the weightiest first."""
    order = [*(name for name in _FACTS if name in changed), *(name for name in changed if name not in _FACTS)]
    lines = [(_spoken(name), _change(changed[name])) for name in order if name not in _UNTOLD]
    return tuple((name, line) for name, line in lines if line)


def _change(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    old, new = _shown(value.get("oldValue")), _shown(value.get("newValue"))
    if max(len(old), len(new)) > _LONGEST or _HTML.search(f"{value}"):
        return "changed" if new else "removed"
    return f"{old} → {new}" if old and new else new or (f"{old} → none" if old else "")


def _facts(fields: Payload) -> Facts:
    lines = [(_spoken(name), _shown(fields.get(name))) for name in _FACTS]
    return tuple((name, line) for name, line in lines if line)


def _spoken(name: str) -> str:
    """`Assigned to` of AssignedTo."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", _NAMES.get(name, name))
    return spaced[:1] + spaced[1:].lower() if " " in spaced else spaced


def _shown(value: Any) -> str:
    """A field's value: a name, a path, a number without `.0`; the day of a time."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:g}"
    text = person(value) if isinstance(value, dict) else one_line(value, 200) if isinstance(value, str) else ""
    if re.search(r" <[^<>]*@[^<>]*>$", text):
        return person(text)
    return text[:10] if _TIME.fullmatch(text) else text


def _actor(resource: Payload, fields: Payload, action: str) -> str:
    names = ("CreatedBy", "ChangedBy") if action == "created" else ("ChangedBy",)
    people = (resource.get("revisedBy"), *(fields.get(name) for name in names))
    return next((name for one in people if (name := person(one if isinstance(one, dict | str) else ""))), "")


def _text(fields: Payload, changed: Payload, action: str) -> str:
    """The comment, or what a new one is about."""
    if action == "updated":
        return dig(changed, "History.newValue")
    if action == "commented":
        return dig(fields, "History")
    return (dig(fields, "Description") or dig(fields, "ReproSteps")) if action == "created" else ""
