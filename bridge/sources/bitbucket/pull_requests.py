"""Pull requests of Bitbucket Cloud, and what people say of them."""

from dataclasses import replace

from bridge.events import Event
from bridge.fields import Payload, at, dig, moment, objects, part
from bridge.rendering.text import one_line
from bridge.sources.bitbucket.texts import markdown_of
from bridge.sources.bitbucket.words import (
    Deed,
    Facts,
    commented,
    found,
    number,
    people,
    person,
    titled,
    told,
    with_attributes,
)

_DEEDS = {
    "created": Deed("opened", "opened", "success"),
    "updated": Deed("updated", "updated"),
    "push": Deed("pushed to", "new commits"),
    "approved": Deed("approved", "approved", "success"),
    "unapproved": Deed("took back the approval of", "approval withdrawn"),
    "changes_request_created": Deed("requested changes to", "changes requested", "warning"),
    "changes_request_removed": Deed("withdrew the request for changes to", "request withdrawn"),
    "fulfilled": Deed("merged", "merged", "merged"),
    "rejected": Deed("declined", "declined", "quiet"),
}
_NEWS = {"created", "updated", "push"}
# What was done says better when than the pull request, which knows only its last change.
_TIMES = ("approval.date", "changes_request.date", "comment.updated_on", "comment.created_on", "pullrequest.updated_on")


def pull_request(event: Event) -> Event:
    """A pull request that was opened, changed, approved, commented on, merged or declined."""
    pull, action = part(event.payload, "pullrequest"), event.kind.partition(".")[2]
    ident = number(pull, "id")
    if not ident:
        return event
    about = _about(event, pull, ident)
    if action.startswith("comment_"):
        return _comment(about, action.removeprefix("comment_"))
    source, target = _branch(pull, "source"), _branch(pull, "destination")
    return told(
        replace(about, facts=_facts(pull, action, event.actor)),
        _deed(action, pull, target),
        text=_text(pull, action),
        source=_fork(pull) + source if action in _NEWS and source else "",
        target=target,
        sha=dig(pull, "source.commit.hash")[:7] if action in {"updated", "push"} else "",
        buttons=[("Review the changes", f"{about.url}/diff")] if action in _NEWS and about.url else [],
    )


def _about(event: Event, pull: Payload, ident: str) -> Event:
    """What every event of a pull request says of it."""
    name = one_line(dig(pull, "title"), 180) or "Pull request"
    home = event.details["home"]
    return replace(
        event,
        correlation_key=f"{event.correlation_key} pull request {ident}",
        title=titled(name, f"#{ident}"),
        url=dig(pull, "links.html.href") or (f"{home}/pull-requests/{ident}" if home else ""),
        occurred=next((time for path in _TIMES if (time := moment(event.payload, path))), None),
        attributes=with_attributes(
            event,
            branch=_branch(pull, "destination"),
            source_branch=_branch(pull, "source"),
            author=person(at(pull, "author")),
            state=dig(pull, "state").lower(),
            reviewers=[who for each in objects(pull, "reviewers") if (who := person(each))],
            draft=dig(pull, "draft", False),
        ),
        details={**event.details, "noun": "pull request", "reference": f"#{ident}", "name": name},
    )


def _comment(event: Event, deed: str) -> Event:
    comment = part(event.payload, "comment")
    inline = part(comment, "inline")
    return told(
        replace(event, url=dig(comment, "links.html.href") or event.url),
        commented(deed, bool(number(comment, "parent.id")), dig(inline, "path"), number(inline, "to", "from")),
        text="" if deed == "deleted" else markdown_of(comment, "content"),
        quoted=True,
    )


def _deed(action: str, pull: Payload, target: str) -> Deed:
    deed = _DEEDS.get(action, Deed("changed", "changed"))
    if action == "created" and dig(pull, "draft", False):
        return replace(deed, word="draft", tone="quiet", after="as a draft")
    return replace(deed, after="into", place=target) if action == "fulfilled" and target else deed


def _facts(pull: Payload, action: str, actor: str) -> Facts:
    voted = [each for each in objects(pull, "participants") if dig(each, "approved", False)]
    if action in _NEWS:
        return found(Reviewers=people(objects(pull, "reviewers")))
    author = person(at(pull, "author"))
    if action == "fulfilled":
        return found(Author=author, Approved_by=people([at(each, "user") for each in voted]))
    return found(Author=author if author != actor else "")


def _text(pull: Payload, action: str) -> str:
    if action == "rejected":
        return dig(pull, "reason")
    if action not in _NEWS - {"push"} and action != "fulfilled":
        return ""
    return markdown_of(pull, "summary") or markdown_of(pull, "rendered.description") or dig(pull, "description")


def _branch(pull: Payload, end: str) -> str:
    return one_line(dig(pull, f"{end}.branch.name"), 200)


def _fork(pull: Payload) -> str:
    """The repository that the changes come from, if it is another one."""
    source, target = (dig(pull, f"{end}.repository.full_name") for end in ("source", "destination"))
    return f"{source}:" if source and target and source != target else ""
