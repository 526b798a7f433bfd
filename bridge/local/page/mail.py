"""The groups of the stand-in Graph as the page shows them: their threads, and the posts of one."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from bridge.local.fake_graph.server import Mailbox
from bridge.local.fake_graph.store import MailPost

_MOST_THREADS = 200
_REFERENCE = re.compile(r"(?<![\w-])[0-9a-f]{12}(?![\w-])")

Labels = Mapping[str, str]  # the names that the settings give to groups, by their ids in lower case


def label(labels: Labels, group: str) -> str:
    """The name of a group for people."""
    return labels.get(group.lower(), group)


def chosen(
    mailbox: Mailbox, labels: Labels, group: str, thread: str, has_webhook: Callable[[str], bool]
) -> dict[str, Any]:
    """The groups, the threads of one and the posts of one of these; the first where the one asked for is not there.

    has_webhook: whether the webhook of an entry with that reference can be shown.
    """
    groups = mailbox.groups()
    group = group if group in groups else next(iter(groups), "")
    threads = mailbox.threads(group)[:_MOST_THREADS] if group else []
    thread = thread if thread in [found.id for found in threads] else next((found.id for found in threads), "")
    posts = mailbox.posts(group, thread) if thread else []
    return {
        "permissions": mailbox.permissions,
        "groups": [{"id": found, "name": label(labels, found)} for found in groups],
        "group": group,
        "threads": [
            {
                "id": found.id,
                "topic": found.topic,
                "preview": found.preview,
                "updated": found.updated.isoformat(),
                "posts": found.posts,
            }
            for found in threads
        ],
        "thread": thread,
        "posts": [_post(post, has_webhook) for post in posts],
    }


def _post(post: MailPost, has_webhook: Callable[[str], bool]) -> dict[str, Any]:
    references = dict.fromkeys(_REFERENCE.findall(post.html))
    return {
        "id": post.id,
        "html": post.html,
        "received": post.received.isoformat(),
        "sender": post.sender,
        "webhooks": [reference for reference in references if has_webhook(reference)],
    }


def overview(mailbox: Mailbox, labels: Labels) -> list[dict[str, Any]]:
    """The groups, each with its threads and how many posts these have: what unread marks are counted from."""
    return [
        {
            "id": group,
            "name": label(labels, group),
            "threads": {thread.id: thread.posts for thread in mailbox.threads(group)[:_MOST_THREADS]},
        }
        for group in mailbox.groups()
    ]
