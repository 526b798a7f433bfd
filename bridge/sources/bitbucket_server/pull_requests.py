"""Pull requests of Bitbucket Data Center, and the comments on them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bridge.events import Event, Severity
from bridge.fields import Payload, at, dig, objects, part
from bridge.rendering.text import one_line
from bridge.sources import forge, kit
from bridge.sources.bitbucket_server.places import below, page, people, person, place

# https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html
_ACTIONS: Mapping[str, str] = {
    "from_ref_updated": "pushed",
    "reviewer.approved": "approved",
    "reviewer.needs_work": "changes_requested",
    "reviewer.changes_requested": "changes_requested",
}
_COMMENTS = {"added": "created", "edited": "edited"}
# What somebody who is unapproved had said before.
_WITHDRAWN = {
    "APPROVED": "approval_withdrawn",
    "NEEDS_WORK": "changes_request_withdrawn",
    "CHANGES_REQUESTED": "changes_request_withdrawn",
}
_EDITS = {"Title": "renamed", "Target": "retargeted", "Description": "description_edited"}
_NEWS = {"opened", "from_ref_updated", "reopened"}

Edits = Mapping[str, tuple[str, str]]


def pull_request(event: Event) -> Event:
    """A pull request that was opened, changed, reviewed, commented on, merged, declined or deleted."""
    pull, name = part(event.payload, "pullRequest"), event.kind.partition(".")[2]
    about = _about(event, pull)
    if name.startswith("comment."):
        return _comment(about, pull, name.removeprefix("comment."))
    return forge.pull_request(
        replace(about, facts=_facts(event, pull, name)),
        _pull(about, pull),
        **_action(event.payload, name),
        text=_text(event.payload, pull, name),
        sha=dig(pull, "fromRef.latestCommit")[:7] if name == "from_ref_updated" else "",
        review_url=below(about.url, "diff"),
    )


def edits(payload: Payload) -> Edits:
    """What an edit changed: title, description, target or draft, each with its old and new value."""
    pull = part(payload, "pullRequest")
    pairs = {
        "Title": (dig(payload, "previousTitle"), dig(pull, "title")),
        "Target": (dig(payload, "previousTarget.displayId"), _branch(pull, "toRef")),
        "Description": (dig(payload, "previousDescription"), dig(pull, "description")),
    }
    before, now = at(payload, "previousDraft"), dig(pull, "draft", False)
    if isinstance(before, bool):
        pairs["Draft"] = (_yes(before), _yes(now))
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1] and (pair[0] or name != "Target")}


def _yes(truth: bool) -> str:
    return "yes" if truth else "no"


def _about(event: Event, pull: Payload) -> Event:
    """What every event of a pull request says of it."""
    is_deleted = event.kind == "pr.deleted"
    address = page(pull) or below(event.details["home"], f"pull-requests/{kit.id_at(pull, 'id')}")
    return replace(
        event,
        url=event.url if is_deleted else address,
        severity=Severity.WARNING if is_deleted else event.severity,
        attributes=kit.with_attributes(
            event,
            branch=_branch(pull, "toRef"),
            source_branch=_source(pull),
            fork=bool(_fork(pull)),
            author=person(at(pull, "author.user")),
            state=dig(pull, "state").lower(),
            reviewers=_asked(pull),
            draft=dig(pull, "draft", False),
        ),
    )


def _pull(event: Event, pull: Payload) -> forge.PullRequest:
    number = kit.id_at(pull, "id")
    return forge.PullRequest(
        key=kit.key(event.correlation_key, "pull request", number),
        reference=f"#{number}" if number else "",
        name=one_line(dig(pull, "title"), 180),
        source=_source(pull),
        target=_branch(pull, "toRef"),
        draft=dig(pull, "draft", False),
    )


def _comment(event: Event, pull: Payload, name: str) -> Event:
    """A comment, or a task, which is a comment that blocks the merge."""
    comment = part(event.payload, "comment")
    done = _COMMENTS.get(name, name)
    # An edit that leaves the text as it was has resolved it, or made it something else.
    if name == "edited" and dig(event.payload, "previousComment", "?") == dig(comment, "text"):
        done = "resolved" if dig(comment, "state") == "RESOLVED" or dig(comment, "threadResolved", False) else done
    action = forge.comment_action(done, is_reply=bool(kit.id_at(event.payload, "commentParentId")))
    if dig(comment, "severity") == "BLOCKER":
        action = f"task_{done}"
    number = kit.id_at(comment, "id")
    url = f"{event.url}/overview?commentId={number}" if event.url and number and done != "deleted" else event.url
    return forge.pull_request(
        replace(event, url=url),
        _pull(event, pull),
        action,
        place=forge.place(dig(comment, "anchor.path"), kit.id_at(comment, "anchor.line")),
        text="" if done == "deleted" else dig(comment, "text"),
        quoted=True,
    )


def _action(payload: Payload, name: str) -> Mapping[str, Any]:
    """The action, with the people that it is about."""
    if name == "reviewer.unapproved":
        return {"action": _WITHDRAWN.get(dig(payload, "previousStatus"), "vote_reset")}
    if name == "reviewer.updated":
        added, removed = _reviewers(payload)
        if added and removed:
            return {"action": "reviewers_changed"}
        if removed:
            return {"action": "review_request_withdrawn", "people": removed}
        return {"action": "review_requested", "people": added}
    if name == "modified":
        return {"action": _edited(edits(payload))}
    return {"action": _ACTIONS.get(name, name)}


def _edited(changed: Edits) -> str:
    if len(changed) != 1:
        return "edited"
    (name, (_, new)) = next(iter(changed.items()))
    return _EDITS.get(name) or ("drafted" if new == "yes" else "ready")


def _facts(event: Event, pull: Payload, name: str) -> kit.Facts:
    author = person(at(pull, "author.user"))
    if name in _NEWS:
        return kit.facts(Reviewers=kit.listed(_asked(pull)))
    if name == "modified":
        changed = edits(event.payload)
        return kit.facts(
            **{field: kit.change(*changed[field]) for field in changed if field not in {"Description", "Draft"}}
        )
    if name == "reviewer.updated":
        added, removed = _reviewers(event.payload)
        return kit.facts(Added=kit.listed(added), Removed=kit.listed(removed)) if added and removed else ()
    if name == "merged":
        approved = people(at(each, "user") for each in objects(pull, "reviewers") if dig(each, "approved", False))
        commit = dig(pull, "properties.mergeCommit.displayId")
        return kit.facts(Author=author, Approved_by=kit.listed(approved), Merge_commit=commit)
    return kit.facts(Author=author if author != event.actor else "")


def _asked(pull: Payload) -> list[str]:
    """The names of those who were asked to review."""
    return people(at(each, "user") for each in objects(pull, "reviewers"))


def _reviewers(payload: Payload) -> tuple[list[str], list[str]]:
    """Who was asked for a review, and who no longer is."""
    return people(objects(payload, "addedReviewers")), people(objects(payload, "removedReviewers"))


def _text(payload: Payload, pull: Payload, name: str) -> str:
    """The description where it is new or sums up what was done."""
    is_new = name in {"opened", "merged"} or (name == "modified" and "Description" in edits(payload))
    return dig(pull, "description") if is_new else ""


def _branch(pull: Payload, end: str) -> str:
    ref = dig(pull, f"{end}.displayId") or dig(pull, f"{end}.id").removeprefix("refs/heads/")
    return one_line(ref, 200)


def _source(pull: Payload) -> str:
    return forge.head(_branch(pull, "fromRef"), _fork(pull), place(part(pull, "toRef.repository")))


def _fork(pull: Payload) -> str:
    """The repository that the changes come from, if it is another one."""
    source, target = part(pull, "fromRef.repository"), part(pull, "toRef.repository")
    is_other = kit.differ(source, target, "id") or (place(source) and place(target) and place(source) != place(target))
    return place(source) or "fork" if is_other else ""
