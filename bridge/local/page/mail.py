"""The stand-in's groups as the page shows them: their threads, and the posts of one thread."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.local.fake_graph.server import FakeGraph
from bridge.local.fake_graph.store import StoredPost, StoredThread

_MOST_THREADS = 200
_TOKEN = re.compile(r"(?<![\w-])[0-9a-f]{16}(?![\w-])")

Labels = Mapping[str, str]  # the names of groups in the settings, by lower-case group id


def label(labels: Labels, group: str) -> str:
    """The name of a group for people."""
    return labels.get(group.lower(), group)


@dataclass(frozen=True)
class Selection:
    """The groups, the threads of the selected group, and the posts of the selected thread.

    webhooks_of: the entries of the post with a token whose webhook can be shown.
    """

    fake_graph: FakeGraph
    labels: Labels
    webhooks_of: Callable[[str], Sequence[str]]

    def show(self, group: str, thread: str) -> dict[str, Any]:
        """The selection, ready for JSON. The first group or thread replaces one that does not exist."""
        groups = self.fake_graph.groups()
        group = group if group in groups else next(iter(groups), "")
        threads = self.fake_graph.threads(group)[:_MOST_THREADS] if group else []
        ids = [found.id for found in threads]
        thread = thread if thread in ids else next(iter(ids), "")
        posts = self.fake_graph.posts(group, thread) if thread else []
        return {
            "permissions": self.fake_graph.permissions,
            "groups": [{"id": found, "name": label(self.labels, found)} for found in groups],
            "group": group,
            "threads": [_thread(found) for found in threads],
            "thread": thread,
            "posts": [self._post(post) for post in posts],
        }

    def _post(self, post: StoredPost) -> dict[str, Any]:
        # The token of its attempt is in its last line; what stands before is a payload's.
        tokens = _TOKEN.findall(post.html)[-1:]
        return {
            "id": post.id,
            "html": post.html,
            "received": post.received.isoformat(),
            "sender": post.sender,
            "webhooks": [entry for token in tokens for entry in self.webhooks_of(token)],
        }


def _thread(thread: StoredThread) -> dict[str, Any]:
    return {
        "id": thread.id,
        "topic": thread.topic,
        "preview": thread.preview,
        "updated": thread.updated.isoformat(),
        "posts": thread.posts,
    }


def overview(fake_graph: FakeGraph, labels: Labels) -> list[dict[str, Any]]:
    """The groups with the number of posts in each thread, from which the page counts what is unread."""
    return [
        {
            "id": group,
            "name": label(labels, group),
            "threads": {thread.id: thread.posts for thread in fake_graph.threads(group)[:_MOST_THREADS]},
        }
        for group in fake_graph.groups()
    ]
