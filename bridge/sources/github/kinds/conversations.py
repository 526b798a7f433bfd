"""What people say on issues, pull requests, discussions and commits, and the pull requests themselves."""

from collections.abc import Callable, Mapping
from typing import Any

from bridge.events import Event
from bridge.fields import Payload, at, dig, objects, part
from bridge.sources import forge, kit
from bridge.sources.base import as_action
from bridge.sources.github.heads import head_of
from bridge.sources.github.kind import Kind, with_details
from bridge.sources.github.titles import new_lines, times

_PULL_ACTIONS = {
    "synchronize": "pushed",
    "ready_for_review": "ready",
    "converted_to_draft": "drafted",
    "review_request_removed": "review_request_withdrawn",
}
_COMMENT_ACTIONS = {"pinned": "comment_pinned", "unpinned": "comment_unpinned"}
# https://docs.github.com/rest/pulls/reviews: what a submitted review says, in lower case.
_VERDICTS = {
    "": "reviewed",
    "commented": "reviewed",
    "approved": "approved",
    "changes_requested": "changes_requested",
}
_DESCRIBED = {"opened", "created", "ready_for_review", "merged"}


def words_of(payload: Payload, thing: str) -> str:
    """The words of a comment, a review or an item: after an edit the lines that are new, of what is deleted none."""
    action, text, before = dig(payload, "action"), dig(payload, f"{thing}.body"), at(payload, "changes.body.from")
    if action in {"deleted", "dismissed"}:
        return ""
    if action != "edited":
        return text
    return new_lines(before, text) if isinstance(before, str) else ""


def edit_action(payload: Payload) -> str:
    """What an edit of an item changed, if it is one thing."""
    changed = [name for name in dig(payload, "changes", dict[str, Any]()) if name != "updated_at"]
    return {"title": "renamed", "body": "description_edited", "base": "retargeted"}.get(
        changed[0] if len(changed) == 1 else "", "edited"
    )


def item(thing: str) -> Callable[[Event], Event]:
    """Reads what is done to an issue or a discussion."""

    def read(event: Event) -> Event:
        payload, given = event.payload, dig(event.payload, "action")
        described = given in {*_DESCRIBED, "edited"}
        values = {
            "label": dig(payload, "label.name"),
            "people": list(filter(None, [dig(payload, "assignee.login")])),
            "milestone": dig(payload, "milestone.title"),
            "reason": dig(payload, f"{thing}.state_reason") if given == "closed" else "",
            "type": dig(payload, "type.name"),
            "new": dig(payload, f"{thing}.category.name") if given == "category_changed" else "",
            "destination": dig(payload, "changes.new_repository.full_name"),
            "text": words_of(payload, thing) if described else dig(payload, "answer.body"),
        }
        return with_details(event, **values, **({"action": edit_action(payload)} if given == "edited" else {}))

    return read


def _pull(event: Event) -> forge.PullRequest:
    payload, pull = event.payload, "pull_request"
    return forge.PullRequest(
        key=event.correlation_key,
        reference=event.details["reference"],
        name=dig(payload, f"{pull}.title"),
        url=dig(payload, f"{pull}.html_url"),
        source=head_of("", payload).branch,
        target=dig(payload, f"{pull}.base.ref"),
        draft=dig(payload, f"{pull}.draft", False),
    )


def _is_merged(payload: Payload) -> bool:
    merged = at(payload, "pull_request.merged")
    return merged if isinstance(merged, bool) else bool(dig(payload, "pull_request.merged_at"))


def _pull_request(event: Event) -> Event:
    payload, given = event.payload, dig(event.payload, "action")
    merged = given == "closed" and _is_merged(payload)
    action = "merged" if merged else _PULL_ACTIONS.get(given, event.details["action"])
    home, before, after = (dig(payload, path) for path in ("repository.html_url", "before", "after"))
    people = ("assignee.login", "requested_reviewer.login", "requested_team.name")
    found: dict[str, Any] = {
        "label": dig(payload, "label.name"),
        "people": [name for path in people if (name := dig(payload, path))],
        "milestone": dig(payload, "milestone.title"),
        "reason": dig(payload, "reason"),
        "unmerged": given == "closed" and at(payload, "pull_request.merged") is False,
        "text": words_of(payload, "pull_request") if merged or given in {*_DESCRIBED, "edited"} else "",
        "review_url": f"{event.url}/files" if event.url.startswith(home + "/pull/") else "",
        "sha": after[:7],
        "compare_url": f"{home}/compare/{before}...{after}" if home and before and after else "",
    }
    if action in {"opened", "reopened", "ready", "merged", "pushed"}:
        found["added"] = dig(payload, "pull_request.additions", 0)
        found["removed"] = dig(payload, "pull_request.deletions", 0)
        found["files"] = dig(payload, "pull_request.changed_files", 0)
    return forge.pull_request(event, _pull(event), edit_action(payload) if given == "edited" else action, **found)


def _review(event: Event) -> Event:
    payload, given = event.payload, dig(event.payload, "action")
    verdict = dig(payload, "review.state")
    submitted = given in {"", "submitted"}
    other = f"review_{as_action(verdict if submitted else given)}"
    action = _VERDICTS.get(verdict.lower(), other) if submitted else other
    return forge.pull_request(
        event,
        _pull(event),
        action,
        text=words_of(payload, "review"),
        quoted=True,
        author=_author(event, part(payload, "review")),
    )


def _author(event: Event, written: Payload) -> str:
    """Who wrote it, if that is not the one who acts now."""
    author = dig(written, "user.login")
    return "" if author == event.actor else author


def _comment(event: Event) -> Mapping[str, Any]:
    payload, given = event.payload, dig(event.payload, "action")
    is_reply = bool(kit.id_at(payload, "comment.in_reply_to_id", "comment.parent_id"))
    line = kit.id_at(payload, "comment.line", "comment.original_line")
    return {
        "action": _COMMENT_ACTIONS.get(given) or forge.comment_action(given, is_reply=is_reply),
        "text": words_of(payload, "comment"),
        "quoted": True,
        "author": _author(event, part(payload, "comment")) if given != "created" else "",
        "place": forge.place(dig(payload, "comment.path"), line),
    }


def _commented(event: Event) -> Event:
    if dig(event.payload, "issue.pull_request", dict[str, Any]()):
        event = with_details(event, noun="pull request")
    return with_details(event, **_comment(event))


def _commit_comment(event: Event) -> Event:
    sha = dig(event.payload, "comment.commit_id")
    return with_details(event, name=sha[:7], **_comment(event))


def _review_comment(event: Event) -> Event:
    comment = dict(_comment(event))
    hunk = "" if dig(event.payload, "action") == "deleted" else dig(event.payload, "comment.diff_hunk")
    return forge.pull_request(event, _pull(event), comment.pop("action"), **comment, hunk=hunk)


def _conversation(event: Event) -> Event:
    """A conversation on code is known by its first comment."""
    comments = sorted(
        objects(event.payload, "thread.comments"), key=lambda each: bool(kit.id_at(each, "in_reply_to_id"))
    )
    comment: Payload = comments[0] if comments else {}
    action = {"unresolved": "reopened"}.get(dig(event.payload, "action"), dig(event.payload, "action"))
    return forge.pull_request(
        event,
        _pull(event),
        forge.comment_action(action or "updated"),
        text=dig(comment, "body"),
        author=_author(event, comment),
        place=forge.place(dig(comment, "path"), kit.id_at(comment, "line", "original_line")),
        hunk=dig(comment, "diff_hunk"),
    )


def _on_pull_request(read: Callable[[Event], Event], *things: str, **more: Any) -> Kind:
    return Kind(
        noun="pull request",
        names=("pull_request.title",),
        number="pull_request.number",
        urls=(*(f"{thing}.html_url" for thing in things), "pull_request.html_url"),
        read=read,
        **more,
    )


CONVERSATIONS: Mapping[str, Kind] = {
    "issue_comment": Kind(
        noun="issue",
        thing="comment",
        names=("issue.title",),
        number="issue.number",
        urls=("comment.html_url", "issue.html_url"),
        read=_commented,
    ),
    "discussion_comment": Kind(
        noun="discussion",
        thing="comment",
        names=("discussion.title",),
        number="discussion.number",
        urls=("comment.html_url", "discussion.html_url"),
        read=_commented,
    ),
    "commit_comment": Kind(
        noun="commit",
        thing="comment",
        title=lambda payload: f"Commit {dig(payload, 'comment.commit_id')[:7]}".strip(),
        read=_commit_comment,
    ),
    "pull_request": _on_pull_request(
        _pull_request,
        times=times("pull_request"),
        labels=(
            ("Labels", "pull_request.labels"),
            ("Assigned to", "pull_request.assignees"),
            ("Reviewers", "pull_request.requested_reviewers"),
            ("Teams", "pull_request.requested_teams"),
            ("Milestone", "pull_request.milestone.title"),
        ),
        thing="pull_request",
    ),
    "pull_request_review": _on_pull_request(_review, "review", times=times("review")),
    "pull_request_review_comment": _on_pull_request(_review_comment, "comment", times=times("comment")),
    "pull_request_review_thread": _on_pull_request(_conversation, times=("updated_at", *times("pull_request"))),
}
