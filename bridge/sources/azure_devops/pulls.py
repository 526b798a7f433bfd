"""Pull requests: who did what to them, and comments on them.

Azure DevOps says what an update was only in its message, `<actor> <phrase> pull request 12 (<title>) in <repository>`;
votes are believed where the payload has them.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bridge.events import Event, Severity
from bridge.fields import Payload, as_time, at, dig, objects, part
from bridge.sources import forge, kit
from bridge.sources.azure_devops import messages
from bridge.sources.azure_devops.names import branch, home, is_service, person, repository_url, with_names
from bridge.sources.base import Ignored, as_action

# What a reviewer's vote means.
# https://learn.microsoft.com/rest/api/azure/devops/git/pull-request-reviewers/list#identityrefwithvote
_VOTES: Mapping[int, str] = {10: "approved", 5: "approved_with_suggestions", -5: "waiting", -10: "rejected"}
_VOTE_WORDS = {"approved_with_suggestions": "approved with suggestions", "waiting": "waiting for the author"}

# What stands between the actor and `pull request 12 (title) in repository`; a "has" may stand before it.
_PHRASES: Mapping[str, str] = {
    "created": "opened",
    "updated the source branch of": "pushed",
    "changed the reviewer list on": "reviewers_changed",
    "changed the reviewer list for": "reviewers_changed",
    "changed the reviewer list of": "reviewers_changed",
    "approved": "approved",
    "approved and left suggestions on": "approved_with_suggestions",
    "approved with suggestions": "approved_with_suggestions",
    "is waiting for the author on": "waiting",
    "is waiting for the author of": "waiting",
    "rejected": "rejected",
    "voted on": "voted",
    "reset the vote on": "vote_reset",
    "reset their vote on": "vote_reset",
    "completed": "merged",
    "abandoned": "abandoned",
    "reactivated": "reopened",
    "published": "ready",
    "set auto-complete on": "auto_complete_set",
    "set auto-complete for": "auto_complete_set",
    "enabled auto-complete on": "auto_complete_set",
    "enabled auto-complete for": "auto_complete_set",
    "changed the target branch of": "retargeted",
    "updated the target branch of": "retargeted",
}
# What stands behind `marked the pull request`.
_MARKS: Mapping[str, str] = {
    "as completed": "merged",
    "as abandoned": "abandoned",
    "as a draft": "drafted",
    "as draft": "drafted",
    "as active": "reopened",
}
_REST = re.compile(r"(?: (\d+) \(.*\) in .+| (as [a-z ]+)|)")
_MERGE_COMMIT = re.compile(r"(.{1,1000}) has created a pull request merge commit")
_ADDRESS = re.compile(r"/repositories/([^/]+)(?:/pullRequests/(\d+)|$)", re.IGNORECASE)
_COMMENT = re.compile(r"(.{1,1000}) has (commented on|replied to|edited|deleted) a pull request(?: comment)?\.?")
_COMMENT_LINKS = (
    "_links.self.href",
    "_links.threads.href",
    "_links.pullRequests.href",
    "url",
    "_links.repository.href",
)
# What an attempt to merge came to, if not to a merge. https://learn.microsoft.com/rest/api/azure/devops/git/
# pull-requests/get-pull-requests#pullrequestasyncstatus
_ATTEMPTS: Mapping[str, str] = {
    "succeeded": "mergeable",
    "conflicts": "conflicts",
    "rejectedbypolicy": "merge_rejected",
    "failure": "merge_failed",
}
_DESCRIBED = {"opened", "ready", "merged"}
_REVIEWS = {*_VOTES.values(), "voted", "vote_reset", "reviewers_changed", "opened", "reopened", "ready"}


def pull_request(event: Event) -> Event | Ignored:
    """A pull request that was created, updated, or tried to be merged."""
    pull = part(event.payload, "resource")
    value = _read(event, pull)
    if value is None:
        return event
    action, actor = _happened(event, pull)
    if action in {"queued", "not_set"}:
        return Ignored("It is a merge attempt that has not ended yet.")
    failed = action in {"merge_rejected", "merge_failed"}
    text = dig(pull, "mergeFailureMessage") if failed else dig(pull, "description") if action in _DESCRIBED else ""
    return _on(
        replace(
            event,
            severity=Severity.WARNING if failed else Severity.INFO,
            actor=actor,
            url=dig(at(pull, "_links"), "web.href") or value.url or event.url,
            facts=_facts(pull) if action in _REVIEWS else (),
            **_about(event, pull),
        ),
        value,
        action,
        text=with_names(text, event.payload),
        review_url=f"{value.url}?_a=files" if value.url else "",
    )


def comment(event: Event) -> Event:
    """A comment on a pull request, which mostly comes along."""
    resource = part(event.payload, "resource")
    # The first version of the event is the comment itself.
    remark = part(resource, "comment") or (resource if "content" in resource else {})
    pull = part(resource, "pullRequest")
    value = _read(
        event, pull, next((link for path in _COMMENT_LINKS if _ADDRESS.search(link := dig(remark, path))), "")
    )
    if value is None:
        return event
    match = _COMMENT.fullmatch(messages.line(event.payload)) or ("", "", "")
    name, phrase = match[1], match[2]
    action = _comment_action(remark, phrase)
    # Others than its author may delete a comment.
    actor = person(name) or ("" if action == "deleted" else person(at(remark, "author")))
    text = "" if action == "deleted" else with_names(dig(remark, "content"), event.payload)
    return _on(
        # The message's link leads to the very comment.
        replace(event, actor=actor, url=event.url or value.url, **_about(event, pull)),
        value,
        forge.comment_action(action, is_reply=dig(remark, "parentCommentId", 0) > 0 or phrase == "replied to"),
        text=text,
        quoted=True,
    )


def _on(event: Event, value: forge.PullRequest, action: str, **details: Any) -> Event:
    about = forge.pull_request(event, value, action, **details)
    return replace(about, title=kit.title(f"{value.reference} {value.name}"))


def _comment_action(remark: Payload, phrase: str) -> str:
    """`created`, `edited` or `deleted`."""
    if dig(remark, "isDeleted", False):
        return "deleted"
    if phrase:
        return phrase if phrase in {"edited", "deleted"} else "created"
    published, changed = (as_time(at(remark, name)) for name in ("publishedDate", "lastContentUpdatedDate"))
    return "edited" if published and changed and changed > published else "created"


def _read(event: Event, pull: Payload, address: str = "") -> forge.PullRequest | None:
    """The pull request; without its details it is known by an address of the REST interface, or by the link."""
    repo = part(pull, "repository")
    there = _ADDRESS.search(dig(pull, "url") or address) or ("", "", "")
    shown = re.search(r"/pullrequest/(\d+)(?:$|[?#])", event.url) or ("", "")
    named, title = _named(messages.line(event.payload))
    number = kit.id_at(pull, "pullRequestId") or (there[2] or "") or shown[1] or named
    if not number:
        return None
    page = repository_url(repo) or (event.url.partition("/pullrequest/")[0] if shown[1] else "")
    where = kit.id_at(repo, "id") or there[1] or page
    return forge.PullRequest(
        key=kit.key("repo", where, "pull request", number) or event.correlation_key,
        reference=f"PR {number}",
        name=dig(pull, "title") or (title if named == number else ""),
        url=f"{page}/pullrequest/{number}" if page else "",
        source=_source(pull, repo),
        target=branch(dig(pull, "targetRefName")),
        draft=dig(pull, "isDraft", False),
    )


def _named(line: str) -> tuple[str, str]:
    """Number and title of the pull request that a message names."""
    match = re.search(r" pull request (\d+) \(", line)
    title, found, _ = line[match.end() :].rpartition(") in ") if match else ("", "", "")
    return (match[1], title) if match and found else ("", "")


def _source(pull: Payload, repo: Payload) -> str:
    """The branch with the changes; of a fork with its owner, which is a project."""
    fork = part(pull, "forkSource")
    if not fork:
        return branch(dig(pull, "sourceRefName"))
    paths = [f"{dig(each, 'project.name')}/{dig(each, 'name')}".strip("/") for each in (part(fork, "repository"), repo)]
    return forge.head(branch(dig(fork, "name") or dig(pull, "sourceRefName")), paths[0] or "fork", paths[1])


def _about(event: Event, pull: Payload) -> dict[str, Any]:
    return home(
        event,
        part(pull, "repository"),
        branch=branch(dig(pull, "targetRefName")),
        source_branch=_source(pull, part(pull, "repository")),
        fork=bool(part(pull, "forkSource")),
        author=person(at(pull, "createdBy")),
        draft=dig(pull, "isDraft", False),
        labels=[name for each in objects(pull, "labels") if (name := dig(each, "name"))],
        state=dig(pull, "status"),
    )


def _facts(pull: Payload) -> kit.Facts:
    reviewers = [_reviewer(each) for each in objects(pull, "reviewers")]
    return kit.facts(
        Reviewers=kit.listed(reviewers), Labels=kit.listed(dig(each, "name") for each in objects(pull, "labels"))
    )


def _reviewer(reviewer: Payload) -> str:
    action = _VOTES.get(dig(reviewer, "vote", 0), "")
    return f"{person(reviewer)} ({_VOTE_WORDS.get(action, action)})" if action else person(reviewer)


def _happened(event: Event, pull: Payload) -> tuple[str, str]:
    """What was done to a pull request, and by whom."""
    action, actor = _by_message(messages.line(event.payload), pull)
    if event.kind.endswith(".created"):
        return "opened", person(at(pull, "createdBy")) or actor
    if event.kind.endswith(".merged"):
        if dig(pull, "status") != "completed":
            attempt = dig(pull, "mergeStatus")
            return _ATTEMPTS.get(attempt.lower(), as_action(attempt) or "updated"), ""
        message = _MERGE_COMMIT.fullmatch(messages.line(event.payload))
        action, actor = "merged", person(message[1]) if message else actor
    if not (action or messages.line(event.payload)):
        action = {"completed": "merged", "abandoned": "abandoned"}.get(dig(pull, "status"), "")
    if action in {"merged", "abandoned"}:
        # Who set it to complete by itself has closed it, though Azure DevOps did the work.
        closer = at(pull, "closedBy")
        actor = person(closer) if closer and not is_service(closer) else actor
    return _believed(action, actor, pull) or "updated", actor


def _by_message(line: str, pull: Payload) -> tuple[str, str]:
    """The action and the actor by the message's form; empty where it has another one."""
    name = _known_name(line, pull)  # which may hold any words
    head, _, rest = line[len(name) :].partition(" pull request")
    head = f"{name}{head}".removesuffix(" the").removesuffix(" a new")
    match = _REST.fullmatch(rest)
    number = kit.id_at(pull, "pullRequestId")
    if not match or (match[1] and number and match[1] != number):
        return "", ""
    mark = match[2]
    phrases = {"marked": _MARKS[mark]} if mark in _MARKS else {} if mark else _PHRASES
    phrase = next((one for one in sorted(phrases, key=len, reverse=True) if head.endswith(f" {one}")), "")
    actor = head.removesuffix(f" {phrase}").removesuffix(" has")
    return (phrases[phrase], person(actor)) if phrase and _is_name(actor, pull) else ("", "")


def _known_name(text: str, pull: Payload) -> str:
    """The name of somebody in the pull request with which a text begins."""
    known = [name for name in kit.names_by_id(pull, "id").values() if f"{text} ".startswith(f"{name} ")]
    return max(known, key=len, default="")


def _is_name(text: str, pull: Payload) -> bool:
    """Whether all of the text is a name, and not a name with the beginning of a phrase that is not known here."""
    known = _known_name(text, pull)
    rest = text[len(known) :].split() if known else text.split()[1:]
    return not rest or not rest[-1][0].islower()


def _believed(action: str, actor: str, pull: Payload) -> str:
    """The action; of a vote what the payload says that its author has voted."""
    if action not in {*_VOTES.values(), "voted", "vote_reset"}:
        return action
    votes = {dig(each, "vote", 0) for each in objects(pull, "reviewers") if actor and person(each) == actor}
    vote = votes.pop() if len(votes) == 1 else None
    if action == "voted" and vote == 0:
        return "vote_reset"
    return _VOTES.get(vote or 0, action)
