"""Pull requests of Bitbucket Data Center, and what people say of them."""

from collections.abc import Mapping
from dataclasses import replace

from bridge.events import Event
from bridge.fields import Payload, at, dig, objects, part
from bridge.rendering.text import one_line
from bridge.sources.bitbucket.words import (
    Deed,
    Facts,
    changed,
    commented,
    found,
    number,
    people,
    person,
    titled,
    told,
    with_attributes,
)
from bridge.sources.bitbucket_server.places import below, page, place

_WITHDRAWN = Deed("withdrew the request for changes to", "request withdrawn")
_CHANGES = Deed("requested changes to", "changes requested", "warning")
_DEEDS = {
    "opened": Deed("opened", "opened", "success"),
    "from_ref_updated": Deed("pushed to", "new commits"),
    "reviewer.approved": Deed("approved", "approved", "success"),
    "reviewer.unapproved": Deed("took back the approval of", "approval withdrawn"),
    "reviewer.needs_work": _CHANGES,
    "reviewer.changes_requested": _CHANGES,
    "merged": Deed("merged", "merged", "merged"),
    "declined": Deed("declined", "declined", "quiet"),
    "deleted": Deed("deleted", "deleted", "warning"),
    "reopened": Deed("reopened", "reopened", "success"),
}
_EDITS = {
    "Title": Deed("renamed", "renamed"),
    "Description": Deed("edited the description of", "edited"),
}
_EDITED = Deed("edited", "edited")
_COMMENTS = {"added": "created", "edited": "updated", "deleted": "deleted", "resolved": "resolved"}
_NEWS = {"opened", "from_ref_updated", "reopened"}


def pull_request(event: Event) -> Event:
    """A pull request that was opened, changed, reviewed, commented on, merged, declined or deleted."""
    pull, action = part(event.payload, "pullRequest"), event.kind.partition(".")[2]
    ident = number(pull, "id")
    if not ident:
        return event
    about = _about(event, pull, ident)
    if action.startswith("comment."):
        return _comment(about, _COMMENTS.get(action.removeprefix("comment."), ""))
    source, target = _branch(pull, "fromRef"), _branch(pull, "toRef")
    shows = action in _NEWS
    return told(
        replace(about, facts=_facts(event, pull, action)),
        _deed(event.payload, pull, action),
        text=_text(event.payload, pull, action),
        source=_fork(pull) + source if shows and source else "",
        target=target,
        sha=dig(pull, "fromRef.latestCommit")[:7] if action == "from_ref_updated" else "",
        buttons=[("Review the changes", f"{about.url}/diff")] if shows and about.url else [],
    )


def changes(payload: Payload) -> Mapping[str, tuple[str, str]]:
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


def _about(event: Event, pull: Payload, ident: str) -> Event:
    """What every event of a pull request says of it."""
    name = one_line(dig(pull, "title"), 180) or "Pull request"
    gone = event.kind == "pr.deleted"
    return replace(
        event,
        correlation_key=f"{event.correlation_key} pull request {ident}",
        title=titled(name, f"#{ident}"),
        url=event.url if gone else page(pull) or below(event.details["home"], f"pull-requests/{ident}"),
        attributes=with_attributes(
            event,
            branch=_branch(pull, "toRef"),
            source_branch=_branch(pull, "fromRef"),
            author=person(at(pull, "author.user")),
            state=dig(pull, "state").lower(),
            reviewers=[who for each in objects(pull, "reviewers") if (who := person(at(each, "user")))],
            draft=dig(pull, "draft", False),
        ),
        details={**event.details, "noun": "pull request", "reference": f"#{ident}", "name": name},
    )


def _comment(event: Event, deed: str) -> Event:
    comment = part(event.payload, "comment")
    done = commented(
        deed,
        bool(number(event.payload, "commentParentId")),
        dig(comment, "anchor.path"),
        number(comment, "anchor.line"),
    )
    if dig(comment, "severity") == "BLOCKER":  # which the reference calls a task
        done = replace(
            done, did=done.did.replace("commented on", "added a task to").replace("comment", "task"), word="task"
        )
    ident = number(comment, "id")
    url = f"{event.url}/overview?commentId={ident}" if event.url and ident and deed != "deleted" else event.url
    return told(replace(event, url=url), done, text="" if deed == "deleted" else dig(comment, "text"), quoted=True)


def _deed(payload: Payload, pull: Payload, action: str) -> Deed:
    target = _branch(pull, "toRef")
    if action == "merged" and target:
        return replace(_DEEDS["merged"], after="into", place=target)
    if action == "opened" and dig(pull, "draft", False):
        return replace(_DEEDS["opened"], word="draft", tone="quiet", after="as a draft")
    if action == "reviewer.unapproved" and dig(payload, "previousStatus") in {"NEEDS_WORK", "CHANGES_REQUESTED"}:
        return _WITHDRAWN
    if action == "reviewer.updated":
        return _reviewers(people(objects(payload, "addedReviewers")), people(objects(payload, "removedReviewers")))
    if action == "modified":
        return _edit(changes(payload), target)
    return _DEEDS.get(action, Deed("changed", "changed"))


def _reviewers(added: str, removed: str) -> Deed:
    if added and not removed:
        return Deed("requested a review of", "review requested", after=f"from {added}")
    if removed and not added:
        return Deed(f"removed {removed} from the reviewers of", "reviewers", "quiet")
    return Deed("changed the reviewers of", "reviewers")


def _edit(edits: Mapping[str, tuple[str, str]], target: str) -> Deed:
    if len(edits) != 1:
        return _EDITED
    (name, (_, new)) = next(iter(edits.items()))
    if name == "Target":
        return Deed("retargeted", "retargeted", after="to", place=target)
    if name == "Draft":
        return (
            Deed("marked", "draft", "quiet", "as a draft")
            if new == "yes"
            else Deed("marked", "ready", "success", "as ready")
        )
    return _EDITS.get(name, _EDITED)


def _facts(event: Event, pull: Payload, action: str) -> Facts:
    author = person(at(pull, "author.user"))
    if action in _NEWS:
        return found(Reviewers=people([at(each, "user") for each in objects(pull, "reviewers")]))
    if action == "modified":
        edits = changes(event.payload)
        return found(**{name: changed(*edits[name]) for name in edits if name != "Description"})
    if action == "reviewer.updated":
        added, removed = (people(objects(event.payload, f"{what}Reviewers")) for what in ("added", "removed"))
        return found(Added=added, Removed=removed) if added and removed else ()
    if action == "merged":
        approved = [at(each, "user") for each in objects(pull, "reviewers") if dig(each, "approved", False)]
        return found(
            Author=author, Approved_by=people(approved), Merge_commit=dig(pull, "properties.mergeCommit.displayId")
        )
    return found(Author=author if author != event.actor else "")


def _text(payload: Payload, pull: Payload, action: str) -> str:
    if action in {"opened", "merged", "reopened"} or (action == "modified" and "Description" in changes(payload)):
        return dig(pull, "description")
    return ""


def _branch(pull: Payload, end: str) -> str:
    ref = dig(pull, f"{end}.displayId") or dig(pull, f"{end}.id").removeprefix("refs/heads/")
    return one_line(ref, 200)


def _fork(pull: Payload) -> str:
    """The repository that the changes come from, if it is another one."""
    source, target = (place(part(pull, f"{end}.repository")) for end in ("fromRef", "toRef"))
    return f"{source}:" if source and target and source != target else ""
