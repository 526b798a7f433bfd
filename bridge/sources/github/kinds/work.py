"""Issues, pull requests, discussions, and how work is planned."""

from collections.abc import Mapping

from bridge.fields import Payload, dig
from bridge.sources.github.kind import Kind
from bridge.sources.github.words import named, numbered, times

_ISSUE = numbered("issue", "Issue")
_PULL_REQUEST = numbered("pull_request", "Pull request")
_DISCUSSION = numbered("discussion", "Discussion")
_SUB_ISSUE, _PARENT_ISSUE = numbered("sub_issue", "Issue"), numbered("parent_issue", "Issue")
_BLOCKED_ISSUE, _BLOCKING_ISSUE = numbered("blocked_issue", "Issue"), numbered("blocking_issue", "Issue")


def _relative(payload: Payload) -> str:
    own = dig(payload, "action").startswith("parent_issue")
    return (_SUB_ISSUE if own else _PARENT_ISSUE)(payload)


def _dependent(payload: Payload) -> str:
    own = dig(payload, "action").startswith("blocked_by")
    return (_BLOCKED_ISSUE if own else _BLOCKING_ISSUE)(payload)


def _item(payload: Payload) -> str:
    kind = {"Issue": " (issue)", "PullRequest": " (pull request)", "DraftIssue": " (draft issue)"}
    number = dig(payload, "projects_v2_item.id", 0)
    return f"Project item {number or ''}".strip() + kind.get(dig(payload, "projects_v2_item.content_type"), "")


WORK: Mapping[str, Kind] = {
    "issues": Kind(
        title=_ISSUE,
        times=times("issue"),
        urls=("issue.html_url",),
        labels=(
            ("Labels", "issue.labels"),
            ("Assigned to", "issue.assignees"),
            ("Milestone", "issue.milestone.title"),
            ("Type", "issue.type.name"),
            ("From", "changes.old_repository.full_name"),
        ),
        thing="issue",
    ),
    "issue_comment": Kind(
        title=_ISSUE,
        times=times("comment"),
        urls=("comment.html_url", "issue.html_url"),
    ),
    "sub_issues": Kind(
        title=_relative,
        urls=("sub_issue.html_url", "parent_issue.html_url"),
        times=("sub_issue.updated_at",),
    ),
    "issue_dependencies": Kind(
        title=_dependent,
        urls=("blocked_issue.html_url", "blocking_issue.html_url"),
        times=("blocked_issue.updated_at",),
    ),
    "pull_request": Kind(
        title=_PULL_REQUEST,
        times=times("pull_request"),
        urls=("pull_request.html_url",),
        labels=(
            ("Labels", "pull_request.labels"),
            ("Assigned to", "pull_request.assignees"),
            ("Reviewers", "pull_request.requested_reviewers"),
            ("Teams", "pull_request.requested_teams"),
            ("Milestone", "pull_request.milestone.title"),
        ),
        thing="pull_request",
    ),
    "pull_request_review": Kind(
        title=_PULL_REQUEST,
        times=times("review"),
        urls=("review.html_url", "pull_request.html_url"),
    ),
    "pull_request_review_comment": Kind(
        title=_PULL_REQUEST,
        times=times("comment"),
        urls=("comment.html_url", "pull_request.html_url"),
    ),
    "pull_request_review_thread": Kind(
        title=_PULL_REQUEST,
        urls=("pull_request.html_url",),
        times=("updated_at", *times("pull_request")),
    ),
    "discussion": Kind(
        title=_DISCUSSION,
        urls=("answer.html_url", "discussion.html_url"),
        times=times("discussion"),
        labels=(("Category", "discussion.category.name"), ("Labels", "discussion.labels")),
        thing="discussion",
    ),
    "discussion_comment": Kind(
        title=_DISCUSSION,
        urls=("comment.html_url", "discussion.html_url"),
        times=times("comment"),
    ),
    "label": Kind(
        title=named("Label", "label.name"),
        labels=(("Description", "label.description"),),
        thing="label",
    ),
    "milestone": Kind(
        title=named("Milestone", "milestone.title"),
        urls=("milestone.html_url",),
        times=times("milestone"),
        labels=(
            ("Due", "milestone.due_on"),
            ("Open issues", "milestone.open_issues"),
            ("Closed issues", "milestone.closed_issues"),
            ("Description", "milestone.description"),
        ),
        thing="milestone",
    ),
    "project": Kind(
        title=named("Project", "project.name"),
        urls=("project.html_url",),
        times=times("project"),
        thing="project",
    ),
    "project_card": Kind(
        title=named("Card", "project_card.note", "project_card.node_id"),
        urls=("project_card.html_url",),
        times=times("project_card"),
    ),
    "project_column": Kind(
        title=named("Project column", "project_column.name"),
        urls=("project_column.html_url",),
        times=times("project_column"),
        thing="project_column",
    ),
    "projects_v2": Kind(
        title=named("Project", "projects_v2.title"),
        times=times("projects_v2"),
        labels=(("About", "projects_v2.short_description"),),
        thing="projects_v2",
    ),
    "projects_v2_item": Kind(title=_item, times=times("projects_v2_item"), thing="projects_v2_item"),
    "projects_v2_status_update": Kind(
        title=named("Project status", "projects_v2_status_update.project_node_id"),
        times=times("projects_v2_status_update"),
        labels=(
            ("Since", "projects_v2_status_update.start_date"),
            ("Until", "projects_v2_status_update.target_date"),
        ),
    ),
}
