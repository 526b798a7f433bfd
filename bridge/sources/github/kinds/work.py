"""Issues, discussions, and how work is planned."""

from collections.abc import Callable, Mapping

from bridge.events import Event
from bridge.fields import Payload, dig
from bridge.sources import kit
from bridge.sources.github.kind import Kind, with_details
from bridge.sources.github.kinds.conversations import item
from bridge.sources.github.titles import named


def _title_of(thing: str, payload: Payload) -> str:
    return kit.title(dig(payload, f"{thing}.title") or "Issue", _reference(payload, thing))


def _pair(own: str, other: str, prefix: str) -> tuple[Callable[[Payload], str], Callable[[Event], Event]]:
    """The title and the reading of an event about two issues: it is about the first if its action begins so."""

    def pair(payload: Payload) -> tuple[str, str]:
        return (own, other) if dig(payload, "action").startswith(prefix) else (other, own)

    def read(event: Event) -> Event:
        payload = event.payload
        one, two = pair(payload)
        return with_details(
            event,
            name=dig(payload, f"{one}.title"),
            reference=_reference(payload, one),
            other=f"{_reference(payload, two)} {dig(payload, f'{two}.title')}".strip(),
            other_url=dig(payload, f"{two}.html_url"),
        )

    return lambda payload: _title_of(pair(payload)[0], payload), read


def _reference(payload: Payload, thing: str) -> str:
    number = kit.id_at(payload, f"{thing}.number")
    return f"#{number}" if number else ""


def _project_item(payload: Payload) -> str:
    number = kit.id_at(payload, "projects_v2_item.id")
    content = {"Issue": " (issue)", "PullRequest": " (pull request)", "DraftIssue": " (draft issue)"}
    return f"Project item {number}".strip() + content.get(dig(payload, "projects_v2_item.content_type"), "")


def _project_change(event: Event) -> Event:
    payload = event.payload
    return with_details(
        event,
        content=dig(payload, "projects_v2_item.content_type"),
        field=dig(payload, "changes.field_value.field_name"),
    )


def _project_status(event: Event) -> Event:
    update = "projects_v2_status_update"
    state, text = dig(event.payload, f"{update}.status"), dig(event.payload, f"{update}.body")
    return with_details(event, state=state, text=text, quoted=True)


_RELATIVES, _read_relatives = _pair("sub_issue", "parent_issue", "parent_issue")
_DEPENDENTS, _read_dependents = _pair("blocked_issue", "blocking_issue", "blocked_by")

WORK: Mapping[str, Kind] = {
    "issues": Kind(
        noun="issue",
        names=("issue.title",),
        number="issue.number",
        labels=(
            ("Labels", "issue.labels"),
            ("Assigned to", "issue.assignees"),
            ("Milestone", "issue.milestone.title"),
            ("Type", "issue.type.name"),
            ("From", "changes.old_repository.full_name"),
        ),
        thing="issue",
        read=item("issue"),
    ),
    "sub_issues": Kind(
        noun="issue",
        title=_RELATIVES,
        urls=("sub_issue.html_url", "parent_issue.html_url"),
        times=("sub_issue.updated_at",),
        read=_read_relatives,
    ),
    "issue_dependencies": Kind(
        noun="issue",
        title=_DEPENDENTS,
        urls=("blocked_issue.html_url", "blocking_issue.html_url"),
        times=("blocked_issue.updated_at",),
        read=_read_dependents,
    ),
    "discussion": Kind(
        noun="discussion",
        names=("discussion.title",),
        number="discussion.number",
        urls=("answer.html_url", "discussion.html_url"),
        labels=(("Category", "discussion.category.name"), ("Labels", "discussion.labels")),
        thing="discussion",
        actions={"category_changed": "moved"},
        read=item("discussion"),
    ),
    "label": Kind(noun="label", names=("label.name",), labels=(("Description", "label.description"),), thing="label"),
    "milestone": Kind(
        noun="milestone",
        names=("milestone.title",),
        labels=(
            ("Due", "milestone.due_on"),
            ("Open issues", "milestone.open_issues"),
            ("Closed issues", "milestone.closed_issues"),
            ("Description", "milestone.description"),
        ),
        thing="milestone",
        actions={"opened": "reopened"},
    ),
    "project": Kind(
        noun="project",
        names=("project.name",),
        thing="project",
    ),
    "project_card": Kind(
        noun="card",
        thing="project_card",
        names=("project_card.note",),
        title=named("Card", "project_card.note", "project_card.node_id"),
    ),
    "project_column": Kind(
        noun="project column",
        names=("project_column.name",),
        thing="project_column",
    ),
    "projects_v2": Kind(
        noun="project",
        names=("projects_v2.title",),
        labels=(("About", "projects_v2.short_description"),),
        thing="projects_v2",
    ),
    "projects_v2_item": Kind(
        noun="item",
        title=_project_item,
        thing="projects_v2_item",
        read=_project_change,
    ),
    "projects_v2_status_update": Kind(
        noun="project",
        thing="projects_v2_status_update",
        title=named("Project status", "projects_v2_status_update.project_node_id"),
        labels=(
            ("Since", "projects_v2_status_update.start_date"),
            ("Until", "projects_v2_status_update.target_date"),
        ),
        read=_project_status,
    ),
}
