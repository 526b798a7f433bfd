"""Who did it, as far as the payload says so. Schedules and the merge queue are not people."""

from bridge.fields import Payload, dig, first

_MACHINES = {"github-merge-queue[bot]": "the merge queue", "github": "GitHub"}

# Who acted where GitHub names no sender: by event and action.
_ACTORS = {
    ("push", ""): ("pusher.name",),
    ("pull_request", "closed"): ("pull_request.merged_by.login",),
    ("pull_request", "opened"): ("pull_request.user.login",),
    ("issues", "opened"): ("issue.user.login",),
    ("discussion", "created"): ("discussion.user.login",),
    ("pull_request_review", "submitted"): ("review.user.login",),
    **dict.fromkeys(
        (
            (name, "created")
            for name in ("issue_comment", "pull_request_review_comment", "commit_comment", "discussion_comment")
        ),
        ("comment.user.login",),
    ),
}


def machine(login: str) -> str:
    """What an account is that is nobody's, or an empty text: `the merge queue`."""
    return _MACHINES.get(login, "")


def actor(name: str, payload: Payload) -> str:
    """The login of the account that acted, as the payload says, or an empty text."""
    return dig(payload, "sender.login") or first(payload, _ACTORS.get((name, dig(payload, "action")), ()))
