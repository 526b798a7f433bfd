"""What happens to work items: who created, changed or commented on them, and each field's change."""

import re
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from bridge.events import Event
from bridge.fields import Payload, dig, moment, objects, part
from bridge.rendering.links import short_url
from bridge.rendering.text import in_words, one_line
from bridge.sources import kit
from bridge.sources.azure_devops import messages
from bridge.sources.azure_devops.names import person, with_names
from bridge.sources.base import Ignored

_LONGEST = 60  # characters of an old or a new value
_HTML = re.compile(r"</\w|<br|<img")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z?")
_MESSAGE = re.compile(
    r"([^#]{1,60}) #(\d+) \((.*)\) (?:created|updated|commented on|deleted|restored) by (.{1,200}?)\.?"
)

# What every change changes.
_TECHNICAL = {
    "ActivatedBy", "ActivatedDate", "AreaId", "AttachedFileCount", "AuthorizedAs", "AuthorizedDate", "ChangedBy",
    "ChangedDate", "ClosedBy", "ClosedDate", "CommentCount", "CreatedBy", "CreatedDate", "ExternalLinkCount", "History",
    "HyperLinkCount", "Id", "IsDeleted", "IterationId", "NodeName", "PersonId", "Reason", "RelatedLinkCount",
    "RemoteLinkCount", "ResolvedBy", "ResolvedDate", "Rev", "RevisedDate", "StateChangeDate", "Watermark",
    *(f"{path}Level{level}" for path in ("Area", "Iteration") for level in range(1, 8)),
}  # fmt: skip
# The place in a backlog, which only says what was dragged where.
_ORDER = {"BacklogPriority", "StackRank"}
# The place on a board, which is a fact where nothing else changed.
_BOARD = {"BoardColumn": "Board column", "BoardLane": "Board lane", "BoardColumnDone": "Done in its column"}
_NAMES = {"AreaPath": "Area", "IterationPath": "Iteration", "WorkItemType": "Type", "TeamProject": "Project"}
# The facts of a work item, in their order, and with a change the ones that come first.
_FACTS = ("State", "AssignedTo", "Priority", "Severity", "IterationPath", "AreaPath", "Tags")
_LINKED_ITEM = re.compile(r"/workItems/(\d+)$", re.IGNORECASE)


def work_item(event: Event) -> Event | Ignored:
    """A work item that was created, changed, commented on, deleted or restored."""
    resource = part(event.payload, "resource")
    kind = event.kind.rpartition(".")[2]
    changed = _by_name(part(resource, "fields")) if kind == "updated" else {}
    fields = _by_name(part(resource, "revision.fields" if kind == "updated" else "fields"))
    message = _MESSAGE.fullmatch(messages.line(event.payload)) or ("", "", "", "", "")
    address = re.search(r"/(?:workItems|recyclebin)/(\d+)", dig(resource, "url"))
    number = kit.id_at(resource, "workItemId", "id") or (address[1] if address else "") or message[2]
    if not number:
        return event
    happened = _changed(changed, part(resource, "relations")) if kind == "updated" else {"action": kind}
    if not happened and changed:
        return Ignored("It changes nothing worth reading, such as its place in the backlog.")
    noun, name = _shown(fields.get("WorkItemType")) or message[1] or "Work item", dig(fields, "Title") or message[3]
    text = messages.readable(_text(fields, changed, kind)) if resource else event.details["text"]
    return replace(
        event,
        correlation_key=kit.key("work item", event.attributes["collection"], number) or event.correlation_key,
        title=kit.title(f"{noun} {number} {name}"),
        scope=_shown(fields.get("TeamProject")) or event.scope,
        actor=_actor(resource, fields, changed, kind, person(message[4])),
        url=dig(resource, "_links.html.href") or dig(resource, "revision._links.html.href") or event.url,
        occurred=moment(changed, "ChangedDate.newValue") or event.occurred,
        facts=_changes(changed, part(resource, "relations")) or (_facts(fields) if kind == "created" else ()),
        attributes=kit.with_attributes(
            event,
            project=_shown(fields.get("TeamProject")),
            type=noun,
            state=_shown(fields.get("State")),
            assigned_to=_shown(fields.get("AssignedTo")),
            area=dig(fields, "AreaPath"),
            labels=[tag.strip() for tag in dig(fields, "Tags").split(";") if tag.strip()],
        ),
        details={
            **event.details,
            "action": "updated",
            "noun": noun if len(noun) > 3 and noun.isupper() else noun.lower(),
            "reference": f"{noun} {number}",
            "name": one_line(name, 200),
            "text": with_names(text, event.payload),
            "quoted": kind in {"updated", "commented"},
            **happened,
        },
    )


def _by_name(fields: Payload) -> dict[str, Any]:
    """Fields by the last part of their names, those of Azure DevOps itself before a process's own."""
    ordered = sorted(fields, key=lambda name: not name.startswith("System."))
    return {name.rpartition(".")[2]: fields[name] for name in reversed(ordered) if not name.startswith("WEF_")}


def _changed(changed: Payload, relations: Payload) -> dict[str, Any]:
    """What an update comes to: its action and what the action's sentence needs; nothing where it changes nothing."""
    old, new = _old_and_new(changed, "State")
    if new:
        return {"action": "moved", "old": old, "new": new}
    names = _readable(changed)
    if names and not names <= set(_BOARD):
        return _edited(changed, names)
    if "History" in changed:
        return {"action": "commented"}
    if linked := _linked(relations):
        return linked
    column = next((name for name in _BOARD if name in names), "")
    return {"action": "board_moved", "new": _old_and_new(changed, column)[1]} if column else {}


def _edited(changed: Payload, names: set[str]) -> dict[str, Any]:
    """Fields with other values; a new person or a single field is named."""
    fields = [name for name in changed if name in names]
    if fields[1:]:
        return {"action": "changed", "fields": [_spoken(name).lower() for name in fields]}
    old, new = _old_and_new(changed, fields[0])
    if fields[0] == "AssignedTo":
        return {"action": "assigned" if new else "unassigned", "people": [name for name in [new or old] if name]}
    values = {} if _is_long(changed[fields[0]]) else {"old": old, "new": new}
    return {"action": "field_changed", "field": _spoken(fields[0]).lower(), **values}


def _readable(changed: Payload) -> set[str]:
    """The fields that people read; of a place on the board only where nothing else changed, as it follows the state."""
    names = set(changed) - _TECHNICAL - _ORDER
    return names - set(_BOARD) or names


def _old_and_new(changed: Payload, name: str) -> tuple[str, str]:
    return _shown(part(changed, name).get("oldValue")), _shown(part(changed, name).get("newValue"))


def _linked(relations: Payload) -> dict[str, Any]:
    """Links to other work items, files, pull requests, which were added or removed."""
    added, removed = ([_link(each) for each in objects(relations, which)] for which in ("added", "removed"))
    if (added and removed) or objects(relations, "updated"):
        return {"action": "links_changed"}
    return {"action": "linked" if added else "unlinked", "links": added or removed} if added or removed else {}


def _link(relation: Payload) -> str:
    """`Parent 5` of a link to a work item; the name of a file, a pull request or an address."""
    url, name = dig(relation, "url"), dig(relation, "attributes.name")
    if item := _LINKED_ITEM.search(url):
        return one_line(f"{name or 'Work item'} {item[1]}", 80)
    if url.startswith("vstfs:"):  # as vstfs:///Git/PullRequestId/<project>%2F<repository>%2F12
        kind, last = url.split("/")[-2:] if url.count("/") > 3 else ("", "")
        number = unquote(last).rpartition("/")[2]
        return one_line(f"{name or in_words(kind.removesuffix('Id'))} {number if number.isdigit() else number[:7]}", 80)
    return one_line(name or short_url(url), 80)


def _changes(changed: Payload, relations: Payload) -> kit.Facts:
    """Each field that was changed, from what to what, the weightiest first, and the links."""
    names = _readable(changed)
    order = [*(name for name in _FACTS if name in names), *(name for name in changed if name in names - set(_FACTS))]
    fields = [(_spoken(name), _change(changed[name])) for name in order]
    added, removed = (kit.listed(map(_link, objects(relations, which))) for which in ("added", "removed"))
    return tuple(
        (name, line) for name, line in (*fields, ("Linked to", added), ("No longer linked to", removed)) if line
    )


def _change(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    old, new = _shown(value.get("oldValue")), _shown(value.get("newValue"))
    if _is_long(value):
        return "changed" if new else "removed"
    return kit.change(old, new) if old else new


def _is_long(value: Any) -> bool:
    """Whether a field is a text that nobody wants to see twice."""
    old, new = _shown(dig(value, "oldValue")), _shown(dig(value, "newValue"))
    return max(len(old), len(new)) > _LONGEST or bool(_HTML.search(f"{value}"))


def _facts(fields: Payload) -> kit.Facts:
    lines = [(_spoken(name), _shown(fields.get(name))) for name in _FACTS]
    return tuple((name, line) for name, line in lines if line)


def _spoken(name: str) -> str:
    """`Assigned to` of AssignedTo."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", _BOARD.get(name) or _NAMES.get(name, name))
    return spaced[:1] + spaced[1:].lower() if " " in spaced else spaced


def _shown(value: Any) -> str:
    """A field's value: a name, a path, a number without `.0`; the day of a time."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:g}"
    text = person(value) if isinstance(value, dict) else one_line(value, 200) if isinstance(value, str) else ""
    if re.search(r" <[^<>@]*@[^<>]*>$", text):
        return person(text)
    return text[:10] if _TIME.fullmatch(text) else text


def _actor(resource: Payload, fields: Payload, changed: Payload, kind: str, named: str) -> str:
    """Who did it: of a change the one who made the revision; who changed an item last need not have deleted it."""
    if kind == "updated":
        return (
            person(_person_in(resource, "revisedBy"))
            or named
            or person(_person_in(part(changed, "ChangedBy"), "newValue"))
        )
    if kind in {"created", "commented"}:
        return person(_person_in(fields, "CreatedBy" if kind == "created" else "ChangedBy")) or named
    return named


def _person_in(fields: Payload, name: str) -> Any:
    value = fields.get(name)
    return value if isinstance(value, dict | str) else ""


def _text(fields: Payload, changed: Payload, kind: str) -> str:
    """The comment, or what a new one is about."""
    if kind == "updated":
        return dig(changed, "History.newValue")
    if kind == "commented":
        return dig(fields, "History")
    return (dig(fields, "Description") or dig(fields, "ReproSteps")) if kind == "created" else ""
