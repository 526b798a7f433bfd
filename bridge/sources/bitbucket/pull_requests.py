"""Pull requests of Bitbucket Cloud, and the comments on them."""

from collections.abc import Mapping
from dataclasses import replace

from bridge.events import Event
from bridge.fields import Payload, at, dig, first, moment, objects, part
from bridge.rendering.text import one_line
from bridge.sources import forge, kit
from bridge.sources.bitbucket.texts import markdown_of, people, person

# https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/#Pull-request-events
_ACTIONS: Mapping[str, str] = {
    "created": "opened",
    "push": "pushed",
    "unapproved": "approval_withdrawn",
    "changes_request_created": "changes_requested",
    "changes_request_removed": "changes_request_withdrawn",
    "fulfilled": "merged",
    "rejected": "declined",
    "comment_created": "created",
    "comment_updated": "edited",
}
_NEWS = {"created", "updated", "push"}
# The time of the action itself comes first: the pull request knows only its last change.
_TIMES = ("approval.date", "changes_request.date", "comment.updated_on", "comment.created_on", "pullrequest.updated_on")


def pull_request(event: Event) -> Event:
    """A pull request that was opened, changed, approved, commented on, merged or declined."""
    pull, name = part(event.payload, "pullrequest"), event.kind.partition(".")[2]
    about = _about(event, pull)
    action = _ACTIONS.get(name, name)
    if name.startswith("comment_"):
        return _comment(about, pull, action.removeprefix("comment_"))
    facts = _facts(pull, name, about.actor)
    return forge.pull_request(
        replace(about, facts=facts),
        _pull(about, pull),
        action,
        text=_text(pull, name),
        quoted=name == "rejected",
        sha=dig(pull, "source.commit.hash")[:7] if name in {"updated", "push"} else "",
        review_url=f"{about.url}/diff" if about.url else "",
    )


def _about(event: Event, pull: Payload) -> Event:
    """What every event of a pull request says of it."""
    number, home = kit.id_at(pull, "id"), event.details["home"]
    return replace(
        event,
        actor=event.actor or person(at(pull, "closed_by")),
        url=dig(pull, "links.html.href") or (f"{home}/pull-requests/{number}" if home and number else ""),
        occurred=next((time for path in _TIMES if (time := moment(event.payload, path))), None),
        attributes=kit.with_attributes(
            event,
            branch=_branch(pull, "destination"),
            source_branch=_source(pull),
            fork=bool(_fork(pull)),
            author=person(at(pull, "author")),
            state=dig(pull, "state").lower(),
            reviewers=people(objects(pull, "reviewers")),
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
        target=_branch(pull, "destination"),
        draft=dig(pull, "draft", False),
    )


def _comment(event: Event, pull: Payload, action: str) -> Event:
    comment = part(event.payload, "comment")
    return forge.pull_request(
        replace(event, url=dig(comment, "links.html.href") or event.url),
        _pull(event, pull),
        forge.comment_action(action, is_reply=bool(kit.id_at(comment, "parent.id"))),
        place=forge.place(dig(comment, "inline.path"), kit.id_at(comment, "inline.to", "inline.from")),
        text="" if action == "deleted" else markdown_of(comment, "content"),
        quoted=True,
    )


def _facts(pull: Payload, name: str, actor: str) -> kit.Facts:
    if name in _NEWS:
        return kit.facts(Reviewers=kit.listed(people(objects(pull, "reviewers"))))
    author = person(at(pull, "author"))
    approved = people(at(each, "user") for each in objects(pull, "participants") if dig(each, "approved", False))
    if name == "fulfilled":
        return kit.facts(Author=author, Approved_by=kit.listed(approved))
    return kit.facts(Author=author if author != actor else "")


def _text(pull: Payload, name: str) -> str:
    """The description where it is new or sums up what was done, the reason of who declined."""
    if name == "rejected":
        return dig(pull, "reason")
    if name not in {"created", "fulfilled"}:
        return ""
    return markdown_of(pull, "summary") or markdown_of(pull, "rendered.description") or dig(pull, "description")


def _branch(pull: Payload, end: str) -> str:
    return one_line(dig(pull, f"{end}.branch.name"), 200)


def _source(pull: Payload) -> str:
    return forge.head(_branch(pull, "source"), _fork(pull), dig(pull, "destination.repository.full_name"))


def _fork(pull: Payload) -> str:
    """The repository that the changes come from, if it is another one; a fork that was deleted is null."""
    source, target = part(pull, "source"), part(pull, "destination")
    if "repository" in source and source["repository"] is None:
        return "deleted fork"
    is_other = kit.differ(source, target, "repository.uuid", "repository.full_name")
    return first(source, ("repository.full_name", "repository.name")) or "fork" if is_other else ""
